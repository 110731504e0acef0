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
  /// Pieces of at most `limit` of what `measure` counts, cut between characters, and inside of one only when it alone is longer. An empty
  /// text is no piece.
  static func cut(_ text: String, limit: Int, measure: (Unicode.Scalar) -> Int) -> [String] {
    var pieces: [String] = []
    var piece = String.UnicodeScalarView()
    var size = 0
    func end() {
      if !piece.isEmpty { pieces.append(String(piece)) }
      piece = String.UnicodeScalarView()
      size = 0
    }
    for character in text {
      let weight = character.unicodeScalars.reduce(0) { $0 + measure($1) }
      if size + weight > limit { end() }
      for scalar in character.unicodeScalars {
        if size + measure(scalar) > limit { end() }
        piece.append(scalar)
        size += measure(scalar)
      }
    }
    end()
    return pieces
  }
}
