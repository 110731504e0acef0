/// The chats whose rules for texts and names are known here. Others take a text as it is, and their adapters see to the rest.
public enum Platform: String, Sendable, CaseIterable {
  case irc, slack, mattermost, discord
  /// Calls from outside, which have no rooms.
  case web

  /// - Parameter name: as an adapter's configuration or an event spells it, in upper or lower case.
  /// - Throws: ``Raised`` for a platform that is not known.
  public init(named name: String) throws(Raised) {
    guard let platform = Platform(rawValue: name.lowercased()) else {
      throw Raised("there is no platform \(name); there are \(Self.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    self = platform
  }

  /// The messages as which a post goes to this platform, in order.
  public func messages(for post: Post) -> [String] {
    switch self {
    case .irc: IRCText.lines(ofPaste: post.text).flatMap(IRCText.pieces)
    case .discord: DiscordText.pieces(post.text)
    case .slack, .mattermost, .web: [post.text]
    }
  }
}

/// Texts cut into pieces.
enum TextPieces {
  /// Pieces of at most `limit` of what `measure` counts, cut between characters. An empty text is no piece.
  static func cut(_ text: String, limit: Int, measure: (Character) -> Int) -> [String] {
    var pieces: [String] = []
    var piece = ""
    var size = 0
    for character in text {
      let weight = measure(character)
      if size + weight > limit, !piece.isEmpty {
        pieces.append(piece)
        piece = ""
        size = 0
      }
      piece.append(character)
      size += weight
    }
    if !piece.isEmpty { pieces.append(piece) }
    return pieces
  }
}
