/// Takes an English text apart into sentences and those into tokens.
///
/// A sentence ends with `.`, `!`, `?` or `;` before white space, with an empty line, or where an item of a list begins; a line break alone
/// means nothing. Names keep their dots: `irc.chat.twitch.tv`. Quotations are "…", “…”, '…' or ‘…’; within "…" a quotation mark is
/// written `\"`.
struct DraftLexer {
  /// How many tokens a sentence may have.
  static let tokenLimit = 200

  private struct Position {
    var index = 0
    var byte = 0
    var line = 1
    var column = 1
  }

  private let source: SourceText
  private var scalars: [Unicode.Scalar] = []
  private var place = Position()
  private var tokens: [DraftToken] = []
  private(set) var sentences: [DraftSentence] = []
  private(set) var diagnostics = Diagnostics()

  /// - Returns: the sentences in order; those of which a part could not be read are left out, with an error.
  static func sentences(of source: SourceText) -> (sentences: [DraftSentence], diagnostics: Diagnostics) {
    var lexer = DraftLexer(source)
    lexer.run()
    return (lexer.sentences, lexer.diagnostics)
  }

  private init(_ source: SourceText) { self.source = source }

  private mutating func run() {
    guard source.bytes.count <= BotDraft.lengthLimit else {
      diagnostics.error(
        "the text has \(source.bytes.count) bytes; at most \(BotDraft.lengthLimit) are read",
        at: SourceLocation(file: source.name))
      return
    }
    guard let text = String(validating: source.bytes, as: UTF8.self) else {
      diagnostics.error("the text is not UTF-8", at: SourceLocation(file: source.name))
      return
    }
    scalars = Array(text.unicodeScalars)
    var isWhole = true
    while let scalar = peek() {
      if scalar.properties.isWhitespace {
        if skipSpace() { endSentence(&isWhole) }
      } else if isItemMark(scalar) {
        endSentence(&isWhole)
        advance()
      } else if scalar.properties.generalCategory == .control || Self.isInvisible(scalar) {
        diagnostics.error("an invisible character, \(Self.code(scalar)), stands in the text", at: location(place))
        isWhole = false
        advance()
      } else if let closing = closingMark(scalar) {
        if !quotation(until: closing) { isWhole = false }
      } else if Self.ends.contains(scalar) {
        advance()
        endSentence(&isWhole)
      } else if Self.marks.contains(scalar) {
        let start = place
        advance()
        add(.mark(Character(scalar)), from: start)
      } else {
        word()
      }
    }
    endSentence(&isWhole)
  }

  // MARK: Characters

  private static let ends = Set<Unicode.Scalar>([".", "!", "?", ";"])
  private static let marks = Set<Unicode.Scalar>([",", ":", "(", ")", "[", "]", "{", "}"])

  private func peek(_ offset: Int = 0) -> Unicode.Scalar? {
    let index = place.index + offset
    return index < scalars.count ? scalars[index] : nil
  }

  private mutating func advance() {
    let scalar = scalars[place.index]
    place.index += 1
    place.byte += UTF8.width(scalar)
    if scalar == "\n" {
      place.line += 1
      place.column = 1
    } else {
      place.column += 1
    }
  }

  private func location(_ position: Position, length: Int = 1) -> SourceLocation {
    SourceLocation(file: source.name, line: position.line, column: position.column, length: length)
  }

  /// Characters without a shape turn around or hide what a reader sees.
  private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.generalCategory == .format && scalar != "\u{200D}" && scalar != "\u{200C}"
  }

  private static func code(_ scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16, uppercase: true)
    return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }

  /// Skips white space, and says whether there was an empty line in it.
  private mutating func skipSpace() -> Bool {
    var breaks = 0
    while let scalar = peek(), scalar.properties.isWhitespace {
      if scalar == "\n" { breaks += 1 }
      advance()
    }
    return breaks > 1
  }

  /// `-`, `*` or `•` at the beginning of a line.
  private func isItemMark(_ scalar: Unicode.Scalar) -> Bool {
    guard ["-", "*", "•"].contains(scalar), let next = peek(1), next.properties.isWhitespace else { return false }
    var index = place.index - 1
    while index >= 0, scalars[index] == " " || scalars[index] == "\t" { index -= 1 }
    return index < 0 || scalars[index] == "\n"
  }

  // MARK: Tokens

  private mutating func add(_ kind: DraftToken.Kind, from start: Position) {
    tokens.append(
      DraftToken(
        kind: kind, location: location(start, length: start.line == place.line ? place.column - start.column : 1),
        range: start.byte..<place.byte))
  }

  private mutating func word() {
    let start = place
    var text = String.UnicodeScalarView()
    while let scalar = peek(), !scalar.properties.isWhitespace, !Self.marks.contains(scalar),
      !["\"", "“", "”"].contains(scalar)
    {
      if Self.ends.contains(scalar), isEnd(at: 1) { break }
      if scalar.properties.generalCategory == .control || Self.isInvisible(scalar) { break }
      text.append(scalar)
      advance()
    }
    if text.isEmpty {
      // A closing quotation mark without its opening one.
      text.append(scalars[place.index])
      advance()
    }
    add(.word(String(text)), from: start)
  }

  /// Whether a mark before that offset ends a sentence: only white space, a closing quotation mark or more such marks follow.
  private func isEnd(at offset: Int) -> Bool {
    var offset = offset
    while let scalar = peek(offset), Self.ends.contains(scalar) { offset += 1 }
    guard let next = peek(offset) else { return true }
    return next.properties.isWhitespace || ["\"", "”", ")", "'", "’"].contains(next)
  }

  private func closingMark(_ scalar: Unicode.Scalar) -> Unicode.Scalar? {
    switch scalar {
    case "\"": "\""
    case "“": "”"
    case "‘": "’"
    // An apostrophe at the beginning of a word is a quotation mark when one that ends a word follows.
    case "'": findClosingApostrophe() != nil ? "'" : nil
    default: nil
    }
  }

  private func findClosingApostrophe() -> Int? {
    var offset = 1
    var breaks = 0
    while let scalar = peek(offset) {
      if scalar == "\n" { breaks += 1 } else if !scalar.properties.isWhitespace { breaks = 0 }
      if breaks > 1 { return nil }
      if scalar == "'", isWordEnd(offset + 1) { return offset }
      offset += 1
    }
    return nil
  }

  private func isWordEnd(_ offset: Int) -> Bool {
    guard let next = peek(offset) else { return true }
    return !(next.properties.isAlphabetic || next.properties.numericType != nil)
  }

  /// - Returns: whether it is closed.
  private mutating func quotation(until closing: Unicode.Scalar) -> Bool {
    let start = place
    advance()
    var text = String.UnicodeScalarView()
    while let scalar = peek() {
      if scalar == closing, closing != "'" || isWordEnd(1) {
        advance()
        add(.text(String(text)), from: start)
        return true
      }
      if scalar == "\\", closing == "\"", peek(1) == "\"" {
        text.append("\"")
        advance()
        advance()
      } else if scalar == "\n" {
        // The text goes on in the next line; an empty one ends it, or a forgotten mark would swallow the rest.
        let before = place
        if skipSpace() {
          place = before
          break
        }
        while let last = text.last, last.properties.isWhitespace { text.removeLast() }
        text.append(" ")
      } else if scalar.properties.generalCategory == .control, scalar != "\t" {
        diagnostics.error("an invisible character, \(Self.code(scalar)), stands in the text", at: location(place))
        advance()
      } else {
        text.append(scalar)
        advance()
      }
    }
    diagnostics.error(
      "this quotation is not closed", at: location(start), hint: "end it with \(closing)")
    return false
  }

  // MARK: Sentences

  private mutating func endSentence(_ isWhole: inout Bool) {
    defer {
      tokens = []
      isWhole = true
    }
    guard let first = tokens.first, isWhole else { return }
    guard tokens.count <= Self.tokenLimit else {
      diagnostics.error(
        "a sentence of \(tokens.count) words; at most \(Self.tokenLimit) are read", at: first.location,
        hint: "write several sentences")
      return
    }
    sentences.append(DraftSentence(tokens: tokens, end: end, text: text(first.range.lowerBound..<end)))
  }

  /// Behind the last token and the marks that close the sentence.
  private var end: Int {
    guard let last = tokens.last else { return 0 }
    var end = last.range.upperBound
    while end < place.byte, [0x2E, 0x21, 0x3F, 0x3B].contains(source.bytes[end]) { end += 1 }
    return end
  }

  private func text(_ range: Range<Int>) -> String { Self.collapsed(source.bytes[range]) }

  /// The text with one space for every run of white space.
  static func collapsed(_ bytes: some Collection<UInt8>) -> String {
    String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }
}
