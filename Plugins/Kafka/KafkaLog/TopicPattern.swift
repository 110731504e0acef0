/// A pattern over dotted topic names, of the bus as of Kafka: `*` stands for one part, `**`, at the end, for the rest, one
/// part at least, as on the bus.
public struct TopicPattern: Sendable, Hashable, CustomStringConvertible {
  private let parts: [String]
  public let description: String

  /// Reads a pattern; `nil` when a part is empty or `**` stands elsewhere than at the end.
  public init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard !parts.contains(""), !parts.dropLast().contains("**") else { return nil }
    guard parts.allSatisfy({ $0 == "*" || $0 == "**" || !$0.contains("*") }) else { return nil }
    self.parts = parts
    description = text
  }

  /// Whether it is a plain name.
  public var isName: Bool { !description.contains("*") }

  /// Matches a name.
  /// - Returns: what the first wildcard and all that follows it stand for (empty for a plain name); `nil` when the name does not match.
  public func match(_ name: String) -> String? {
    let names = name.split(separator: ".", omittingEmptySubsequences: false)
    var rest: Int?
    for (index, part) in parts.enumerated() {
      guard index < names.count else { return nil }
      if part == "**" { return names[(rest ?? index)...].joined(separator: ".") }
      if part == "*" {
        guard !names[index].isEmpty else { return nil }
        rest = rest ?? index
      } else if part != names[index] {
        return nil
      }
    }
    guard names.count == parts.count else { return nil }
    return rest.map { names[$0...].joined(separator: ".") } ?? ""
  }

  /// The same as a POSIX extended regular expression for librdkafka's `subscribe`, which takes one that starts with `^`.
  public var regularExpression: String {
    var text = "^"
    for (index, part) in parts.enumerated() {
      switch part {
      case "**": text += (index == 0 ? "" : "\\.") + ".+"
      case "*": text += (index == 0 ? "" : "\\.") + "[^.]+"
      default: text += (index == 0 ? "" : "\\.") + part
      }
    }
    return text + "$"
  }
}
