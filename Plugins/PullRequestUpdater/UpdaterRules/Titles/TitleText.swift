/// A title's words, without what only adorns it: emoji, code ticks, quotes, tags in brackets, numbers of issues.
struct TitleText {
  /// Of a title that must not be read: it is too long, or has control characters.
  static func isReadable(_ title: String) -> Bool {
    // As many bytes as the characters could take; counting characters of a long text costs more.
    guard title.utf8.count <= TitleGrammar.longest * 32, title.count <= TitleGrammar.longest else { return false }
    return title.unicodeScalars.allSatisfy { scalar in
      switch scalar.properties.generalCategory {
      case .control, .privateUse, .surrogate, .lineSeparator, .paragraphSeparator: false
      // The joiner makes one emoji of several.
      case .format: scalar == "\u{200D}"
      default: true
      }
    }
  }

  private(set) var tokens: [String] = []
  private(set) var security = false
  private(set) var isAddressed = false
  /// A prefix says that the title is a report or a talk.
  private(set) var isTalk = false
  private(set) var ecosystem: Ecosystem?
  /// Something in brackets takes the request back or adds another one.
  private(set) var isHedged = false

  init(_ title: String) {
    var text = Self.plain(title)
    security = Self.namesVulnerability(Self.withoutExtras(text))
    takeDressing(&text)
    takeBrackets(&text)
    tokens = Self.tokens(of: text)
  }

  // MARK: Characters

  /// Arrows and comparisons in ASCII, blanks as spaces, no emoji, ticks or quotes.
  private static func plain(_ title: String) -> String {
    var text = ""
    for scalar in title.unicodeScalars {
      switch scalar {
      case "→", "➜", "➝", "➞", "➡", "⇒", "⟶", "⟹", "►", "▶", "⮕": text += " -> "
      case "≥": text += ">="
      case "≤": text += "<="
      case "’", "‘": text += "'"
      case "`", "\"", "“", "”", "„", "«", "»", "*": if scalar == "*" { text += "*" }
      case "–", "—", "‒": text += " - "
      case "…": text += " "
      case "＋": text += "+"
      default:
        switch scalar.properties.generalCategory {
        case _ where scalar.isASCII: text.unicodeScalars.append(scalar)
        case .otherSymbol, .modifierSymbol, .format, .nonspacingMark, .enclosingMark: text += " "
        case .spaceSeparator: text += " "
        default: text.unicodeScalars.append(scalar)
        }
      }
    }
    return text
  }

  /// Whether a text names a vulnerability, or says that it is about security.
  static func namesVulnerability(_ text: String) -> Bool {
    text.lowercased().utf8.split { !$0.isAlphanumeric && $0 != UInt8(ascii: "-") }.map(\.text).contains { word in
      if TitleWords.securityWords.contains(word) { return true }
      let parts = word.split(separator: "-")
      if parts.first == "cve", parts.count >= 3 { return parts[1...].allSatisfy { $0.utf8.allSatisfy(\.isDigit) } }
      return parts.first == "ghsa" && parts.count >= 4
    }
  }

  // MARK: Dressing

  /// Takes tags, prefixes, shortcodes and the bot's name off the beginning.
  private mutating func takeDressing(_ text: inout String) {
    while true {
      text = text.trimmed
      if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
        noteTag(String(text[text.index(after: text.startIndex)..<end]))
        text = String(text[text.index(after: end)...])
        if text.trimmed.hasPrefix(":") { text = String(text.trimmed.dropFirst()) }
      } else if let rest = Self.withoutShortcode(text) {
        text = rest
      } else if let (word, rest) = Self.prefix(of: text) {
        if TitleWords.talkPrefixes.contains(word) {
          isTalk = true
          return
        }
        text = rest
      } else if let rest = Self.withoutMention(text) {
        isAddressed = true
        text = rest
      } else {
        return
      }
    }
  }

  private mutating func noteTag(_ tag: String) {
    let word = tag.trimmed.lowercased()
    if TitleWords.talkPrefixes.contains(word) { isTalk = true }
    if let known = TitleWords.ecosystems[word] ?? Ecosystem(rawValue: word) { ecosystem = known }
  }

  /// Behind `:arrow_up:`.
  private static func withoutShortcode(_ text: String) -> String? {
    guard text.hasPrefix(":"), let end = text.dropFirst().firstIndex(of: ":") else { return nil }
    let name = text[text.index(after: text.startIndex)..<end].utf8
    guard !name.isEmpty, name.allSatisfy({ $0.isAlphanumeric || "_+-".utf8.contains($0) }) else { return nil }
    return String(text[text.index(after: end)...])
  }

  /// `chore(deps)!:` and the like: the word in lower case, and what follows the colon.
  private static func prefix(of text: String) -> (word: String, rest: String)? {
    let bytes = Array(text.utf8)
    var end = bytes.prefix { $0.isAlphanumeric || $0 == UInt8(ascii: "-") }.count
    let word = bytes[..<end].text.lowercased()
    if end < bytes.count, bytes[end] == UInt8(ascii: "(") {
      guard let close = bytes[end...].firstIndex(of: UInt8(ascii: ")")) else { return nil }
      end = close + 1
    }
    if end < bytes.count, bytes[end] == UInt8(ascii: "!") { end += 1 }
    guard end < bytes.count, bytes[end] == UInt8(ascii: ":") else { return nil }
    guard TitleWords.prefixes.contains(word) || TitleWords.talkPrefixes.contains(word) else { return nil }
    return (word, bytes[(end + 1)...].text)
  }

  /// Behind `@bothost`, with a comma or colon. A scoped package (`@types/node`) is no mention.
  private static func withoutMention(_ text: String) -> String? {
    guard text.hasPrefix("@") else { return nil }
    let name = text.utf8.dropFirst().prefix { $0.isAlphanumeric || "-_[]".utf8.contains($0) }
    guard !name.isEmpty else { return nil }
    let rest = text[name.endIndex...]
    guard let next = rest.first else { return "" }
    if next == "," || next == ":" { return String(rest.dropFirst()) }
    return next == " " ? String(rest) : nil
  }

  // MARK: Brackets

  /// `requests[security]` is about no security.
  private static func withoutExtras(_ text: String) -> String {
    var bytes: [UInt8] = []
    var isInside = false
    for byte in text.utf8 {
      if byte == UInt8(ascii: "["), bytes.last?.isAlphanumeric == true { isInside = true }
      if !isInside { bytes.append(byte) }
      if byte == UInt8(ascii: "]") { isInside = false }
    }
    return bytes.text
  }

  /// Takes remarks in brackets out; what says versions or a place stays, without the brackets.
  private mutating func takeBrackets(_ text: inout String) {
    var result = ""
    var rest = Substring(text)
    while let open = rest.firstIndex(where: { $0 == "(" || $0 == "[" || $0 == "{" }) {
      let close: Character = rest[open] == "(" ? ")" : rest[open] == "[" ? "]" : "}"
      let isGlued = open > rest.startIndex && rest[rest.index(before: open)] != " "
      guard let end = rest[open...].firstIndex(of: close) else { break }
      let inside = rest[rest.index(after: open)..<end]
      result += rest[..<open]
      // `requests[security]`: the extras of a package are no part of its name.
      if !(rest[open] == "[" && isGlued) { result += kept(inside) }
      rest = rest[rest.index(after: end)...]
    }
    text = result + rest
  }

  private mutating func kept(_ remark: Substring) -> String {
    let words = Self.tokens(of: String(remark))
    guard let first = words.first else { return " " }
    let lower = words.map { $0.lowercased() }
    if lower.contains(where: { TitleWords.hedges.contains($0) || $0 == "or" }) { isHedged = true }
    let isValue =
      TitleVersion.isVersion(first) || TitleVersion.isOperator(first) || ["from", "to", "->"].contains(lower[0])
      || TitleWords.levels[lower[0]] != nil || TitleWords.preReleases.contains(lower[0])
    if isValue || TitleWords.exceptions.contains(lower[0]) || lower[0] == "in" { return " \(remark) " }
    return words.count == 1 && TitlePath.isPath(first) ? " in \(first) " : " "
  }

  // MARK: Tokens

  /// Words, operators, arrows, commas and colons. Punctuation at a word's end is left out.
  static func tokens(of text: String) -> [String] {
    var tokens: [String] = []
    for word in text.split(separator: " ") {
      var rest = Array(word.utf8)[...]
      while !rest.isEmpty {
        if let mark = mark(beginning: rest) {
          tokens.append(mark)
          rest = rest.dropFirst(mark.utf8.count)
          continue
        }
        var end = rest.startIndex + 1
        while end < rest.endIndex, mark(beginning: rest[end...]) == nil { end += 1 }
        var piece = rest[rest.startIndex..<end]
        rest = rest[end...]
        if rest.isEmpty { while let last = piece.last, ".!?".utf8.contains(last) { piece = piece.dropLast() } }
        while piece.first == UInt8(ascii: "'") { piece = piece.dropFirst() }
        while piece.last == UInt8(ascii: "'") { piece = piece.dropLast() }
        // Bold and italics; a version may end with `.*`.
        while piece.first == UInt8(ascii: "*"), piece.count > 1 { piece = piece.dropFirst() }
        while piece.last == UInt8(ascii: "*"), piece.dropLast().last != UInt8(ascii: "."), piece.count > 1 {
          piece = piece.dropLast()
        }
        if !piece.isEmpty, !isIssueNumber(piece) { tokens.append(piece.text) }
      }
    }
    return tokens
  }

  private static func isIssueNumber(_ word: ArraySlice<UInt8>) -> Bool {
    word.first == UInt8(ascii: "#") && word.count > 1 && word.dropFirst().allSatisfy(\.isDigit)
  }

  /// What stands apart from words even without blanks around it.
  private static func mark(beginning text: ArraySlice<UInt8>) -> String? {
    for arrow in ["-->", "->", "=>", "==>"] where text.starts(with: arrow.utf8) { return arrow == "=>" ? "=>" : arrow }
    for comparison in TitleVersion.operators where text.starts(with: comparison.utf8) { return comparison }
    switch text.first {
    case UInt8(ascii: ","): return ","
    case UInt8(ascii: ";"): return ";"
    case UInt8(ascii: ":") where text.count == 1: return ":"
    default: return nil
    }
  }
}
