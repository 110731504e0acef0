/// Text of others in GitHub's Markdown: it shows what it says, and does nothing: no mention, no link, no HTML, no comment.
///
/// It is looked at scalar by scalar, as GitHub does: a tick with a combining mark behind it is one `Character` and no tick, and is a tick there.
enum Markdown {
  /// Text in a code span, on one line. No character in it has a meaning there.
  static func code(_ text: String, limit: Int = 300) -> String {
    let line = oneLine(text, limit: limit)
    if line.isEmpty { return "` `" }
    let fence = String(repeating: "`", count: longestRun(of: "`", in: line) + 1)
    // Blanks keep a tick at the end apart from the fence; the reader does not see them.
    let pad = line.unicodeScalars.first == "`" || line.unicodeScalars.last == "`" ? " " : ""
    return "\(fence)\(pad)\(line)\(pad)\(fence)"
  }

  /// Text between words, on one line: what would be Markdown or a mention is escaped.
  static func text(_ text: String, limit: Int = 300) -> String {
    var escaped = ""
    for scalar in oneLine(text, limit: limit).unicodeScalars {
      if "\\`*_{}[]()<>#+-.!|~&:^$\"'".unicodeScalars.contains(scalar) { escaped.unicodeScalars.append("\\") }
      escaped.unicodeScalars.append(scalar)
      // A zero-width space keeps a mention, and the number of an issue, from being one.
      if scalar == "@" || scalar == "#" { escaped.unicodeScalars.append("\u{200B}") }
    }
    return escaped
  }

  /// Text of several lines as a block of code.
  static func block(_ text: String, language: String, limit: Int) -> String {
    var text = text
    var isCut = false
    if text.utf8.count > limit {
      var lines: [Substring.UTF8View] = []
      var size = 0
      for line in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
        size += line.count + 1
        if size > limit { break }
        lines.append(line)
      }
      text = String(decoding: Array(lines.joined(separator: "\n".utf8)), as: UTF8.self)
      isCut = true
    }
    let fence = String(repeating: "`", count: max(3, longestRun(of: "`", in: text) + 1))
    let end = text.utf8.last == UInt8(ascii: "\n") || text.isEmpty ? "" : "\n"
    return "\(fence)\(language)\n\(text)\(end)\(fence)" + (isCut ? "\n\n(cut here; the commit has all of it)" : "")
  }

  /// A link; nil for an address that is none of the web, or is too long.
  static func link(_ label: String, to address: String) -> String? {
    guard address.hasPrefix("https://") || address.hasPrefix("http://"), address.utf8.count <= 500 else { return nil }
    var escaped = ""
    for scalar in address.unicodeScalars {
      if scalar.value <= 0x20 || scalar.value >= 0x7F || "()<>[]\\\"'`{}|^*_~@".unicodeScalars.contains(scalar) {
        for byte in String(scalar).utf8 {
          escaped += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }
      } else {
        escaped.unicodeScalars.append(scalar)
      }
    }
    return "[\(text(label, limit: 60))](\(escaped))"
  }

  private static func oneLine(_ text: String, limit: Int) -> String {
    var line = ""
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x0A, 0x0D, 0x09, 0x2028, 0x2029: line.unicodeScalars.append(" ")
      // Control characters, and those that turn the direction of what follows.
      case 0..<0x20, 0x7F..<0xA0, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069, 0xFEFF: continue
      default: line.unicodeScalars.append(scalar)
      }
    }
    guard line.unicodeScalars.count > limit else { return line }
    return String(line.unicodeScalars.prefix(limit)) + "…"
  }

  private static func longestRun(of character: Unicode.Scalar, in text: String) -> Int {
    var longest = 0
    var run = 0
    for each in text.unicodeScalars {
      run = each == character ? run + 1 : 0
      longest = max(longest, run)
    }
    return longest
  }
}
