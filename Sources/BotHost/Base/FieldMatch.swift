/// A field of a JSON value, and an expression that must match the whole of its text.
public struct FieldMatch: Sendable {
  /// RFC 6901.
  public let pointer: String
  /// As it was written.
  public let text: String
  private let pattern: TextPattern
  /// Whether the expression is a plain word, which needs no more than a comparison.
  private let isWord: Bool

  /// - Parameter pattern: a POSIX extended regular expression without back-references.
  init(pointer: String, pattern: String) throws(TextPattern.Problem) {
    self.pointer = pointer
    text = pattern
    self.pattern = try TextPattern("^(\(pattern))$")
    isWord =
      !pattern.isEmpty
      && pattern.utf8.allSatisfy { byte in
        (byte >= 0x30 && byte <= 0x39) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A) || byte == 0x2D || byte == 0x5F
      }
  }

  /// - Parameter word: the field's whole text, whatever characters it has.
  init(pointer: String, word: String) throws(TextPattern.Problem) {
    let special = "\\.[]{}()*+?^$|"
    try self.init(
      pointer: pointer, pattern: String(word.flatMap { special.contains($0) ? ["\\", $0] : [$0] as [Character] }))
  }

  /// Whether the field's text is one of those that are meant.
  public func matches(_ value: String) -> Bool { isWord ? value == text : pattern.matches(value) }
}
