/// Text of others in GitHub's Markdown: it shows what it says, and does nothing: no mention, no link, no HTML, no comment.
enum Markdown {
  /// Text in a code span, on one line. No character in it has a meaning there.
  static func code(_ text: String, limit: Int = 300) -> String {
    let line = oneLine(text, limit: limit)
    if line.isEmpty { return "` `" }
    let fence = String(repeating: "`", count: longestRun(of: "`", in: line) + 1)
    // Blanks keep a tick at the end apart from the fence; the reader does not see them.
    let pad = line.hasPrefix("`") || line.hasSuffix("`") ? " " : ""
    return "\(fence)\(pad)\(line)\(pad)\(fence)"
  }

  /// Text between words, on one line: what would be Markdown or a mention is escaped.
  static func text(_ text: String, limit: Int = 300) -> String {
    var escaped = ""
    for character in oneLine(text, limit: limit) {
      if "\\`*_{}[]()<>#+-.!|~&:^$\"'".contains(character) { escaped.append("\\") }
      escaped.append(character)
      // A zero-width space keeps a mention from being one.
      if character == "@" { escaped.append("\u{200B}") }
    }
    return escaped
  }

  /// Text of several lines as a block of code.
  static func block(_ text: String, language: String, limit: Int) -> String {
    var text = text
    var isCut = false
    if text.utf8.count > limit {
      var lines: [Substring] = []
      var size = 0
      for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
        size += line.utf8.count + 1
        if size > limit { break }
        lines.append(line)
      }
      text = lines.joined(separator: "\n")
      isCut = true
    }
    let fence = String(repeating: "`", count: max(3, longestRun(of: "`", in: text) + 1))
    let end = text.hasSuffix("\n") || text.isEmpty ? "" : "\n"
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
    return line.count > limit ? line.prefix(limit) + "…" : line
  }

  private static func longestRun(of character: Character, in text: String) -> Int {
    var longest = 0
    var run = 0
    for each in text {
      run = each == character ? run + 1 : 0
      longest = max(longest, run)
    }
    return longest
  }
}
