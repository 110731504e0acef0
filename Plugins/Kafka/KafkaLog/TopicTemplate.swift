/// Makes a topic's name from another's: text with `{topic}`, `{rest}` and `{origin}` in it.
public struct TopicTemplate: Sendable, Hashable {
  private enum Piece: Sendable, Hashable {
    case text(String)
    case topic
    case rest
    case origin
  }

  private let pieces: [Piece]

  /// Reads a template; the error says what is wrong.
  public init(_ text: String) throws(ConfigurationFaults) {
    var pieces: [Piece] = []
    var remaining = text[...]
    while let open = remaining.firstIndex(of: "{") {
      if open > remaining.startIndex { pieces.append(.text(String(remaining[..<open]))) }
      guard let close = remaining[open...].firstIndex(of: "}") else {
        throw ConfigurationFaults(texts: ["`\(text)` has a `{` without its `}`"])
      }
      switch remaining[remaining.index(after: open)..<close] {
      case "topic": pieces.append(.topic)
      case "rest": pieces.append(.rest)
      case "origin": pieces.append(.origin)
      case let name:
        throw ConfigurationFaults(texts: ["`{\(name)}` is none of `{topic}`, `{rest}`, `{origin}`"])
      }
      remaining = remaining[remaining.index(after: close)...]
    }
    if !remaining.isEmpty { pieces.append(.text(String(remaining))) }
    if pieces.isEmpty { throw ConfigurationFaults(texts: ["it is empty"]) }
    self.pieces = pieces
  }

  /// The name.
  /// - Parameters:
  ///   - topic: the topic that it is made from.
  ///   - rest: what the first wildcard and all that follows it stand for.
  ///   - origin: the bus topic that the record names in its headers, or what stands for it.
  public func name(topic: String, rest: String, origin: String) -> String {
    pieces.reduce(into: "") { name, piece in
      switch piece {
      case .text(let text): name += text
      case .topic: name += topic
      case .rest: name += rest
      case .origin: name += origin
      }
    }
  }
}
