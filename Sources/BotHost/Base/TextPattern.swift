import Glibc

/// A POSIX extended regular expression without back-references, so that matching takes time in proportion to the text. One that begins with
/// `(?i)`, which is no expression in POSIX, is compared without regard to case.
final class TextPattern: @unchecked Sendable {
  // regexec may be called from several threads with one regex_t: POSIX.1-2017, XSH 2.9.1.
  private var regex = regex_t()
  let text: String

  struct Problem: Error {
    var message: String
  }

  /// How long an expression may be, in bytes.
  static let limit = 1_024

  init(_ text: String) throws(Problem) {
    self.text = text
    guard text.utf8.count <= Self.limit else {
      throw Problem(message: "the expression has more than \(Self.limit) bytes")
    }
    guard !text.utf8.contains(0) else { throw Problem(message: "the expression has a NUL in it") }
    var isEscape = false
    for byte in text.utf8 {
      if isEscape, byte >= 0x31, byte <= 0x39 {
        throw Problem(message: "back-references such as \\\(byte - 0x30) are not allowed")
      }
      isEscape = !isEscape && byte == 0x5C
    }
    // A repetition such as {1,30000} makes an automaton that large.
    var digits: Int?
    for byte in text.utf8 {
      if byte == 0x7B || byte == 0x2C {
        digits = byte == 0x7B || digits != nil ? 0 : nil
      } else if let count = digits {
        digits = byte >= 0x30 && byte <= 0x39 ? count + 1 : nil
      }
      if digits ?? 0 > 3 { throw Problem(message: "a repetition is larger than 999") }
    }
    let ignoresCase = text.hasPrefix("(?i)")
    let code = regcomp(
      &regex, ignoresCase ? String(text.dropFirst(4)) : text, REG_EXTENDED | REG_NOSUB | (ignoresCase ? REG_ICASE : 0))
    guard code == 0 else {
      var buffer = [CChar](repeating: 0, count: 256)
      regerror(code, &regex, &buffer, buffer.count)
      throw Problem(message: String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }
  }

  deinit { regfree(&regex) }

  /// Whether the expression matches somewhere in the text, of which a NUL is the end.
  func matches(_ text: String) -> Bool { regexec(&regex, text, 0, nil, 0) == 0 }
}
