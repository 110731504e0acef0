/// Why a text is no expression, and where.
public struct ParseFailure: Error, Sendable, Hashable, CustomStringConvertible {
  /// The byte in the text's UTF-8 at which nothing fits.
  public var offset: Int
  /// What was expected there.
  public var expected: String
  /// The line of the text in which `offset` lies, and the column in it (from 1, in characters).
  public var line: String
  public var column: Int

  public init(_ text: String, offset: Int, expected: String) {
    self.offset = offset
    self.expected = expected
    let bytes = Array(text.utf8)
    let offset = min(max(offset, 0), bytes.count)
    let start = bytes[..<offset].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    let end = bytes[offset...].firstIndex(of: 0x0A) ?? bytes.count
    // At most 40 characters on each side, so that the caret stays on the line that a chat shows.
    let before = String(decoding: bytes[start..<offset], as: UTF8.self)
    let after = String(decoding: bytes[offset..<end], as: UTF8.self)
    let shown = before.count > 40 ? "…" + before.suffix(39) : before
    line = shown + (after.count > 40 ? after.prefix(39) + "…" : after)
    column = before.count + 1
    caret = shown.count
  }

  private var caret: Int

  /// One line that says what is wrong, the text, and a caret under the place.
  public var description: String {
    "cannot read this at column \(column): \(expected)\n\(line)\n\(String(repeating: " ", count: caret))^"
  }
}
