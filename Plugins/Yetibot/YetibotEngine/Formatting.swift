/// The text formats of the pipe: where a piped value goes, and how aliases take their arguments.
///
/// A text that grows beyond what a value may have is not made to its end: whoever charges it to the message ends that in any case.
public enum Formatting {
  /// `argument` in place of every `%s`; appended after one space where there is none.
  public static func pseudoFormat(_ text: String, _ argument: String) -> String {
    replaceMarker("%s", in: text, by: argument) ?? (text + " " + argument)
  }

  /// The texts with the separator between them.
  static func joined(_ texts: some Sequence<String>, by separator: String) -> String {
    var result = ""
    for (place, text) in texts.enumerated() {
      if place > 0 { result += separator }
      result += text
      if result.utf8.count > maximumLength { break }
    }
    return result
  }

  /// `text` with every `marker` replaced; nil when it has none.
  static func replaceMarker(_ marker: String, in text: String, by argument: String) -> String? {
    guard text.utf8.contains(marker.utf8.first ?? 0) else { return nil }
    let bytes = Array(text.utf8)
    let pattern = Array(marker.utf8)
    var result: [UInt8] = []
    var found = false
    var index = 0
    while index < bytes.count {
      if bytes[index] == pattern[0], bytes[index...].starts(with: pattern) {
        found = true
        result.append(contentsOf: argument.utf8)
        index += pattern.count
        if result.count > maximumLength { break }
      } else {
        result.append(bytes[index])
        index += 1
      }
    }
    return found ? String(decoding: result, as: UTF8.self) : nil
  }

  /// `%1`, `%2`, … replaced by the arguments, "" for one that is missing. nil when the text has none.
  ///
  /// - Parameter isShort: whether the numbers are replaced in ascending order, so that the `%1` of `%10` is replaced first.
  static func replaceNumbered(
    _ prefix: Character, in text: String, by arguments: [String], isShort: Bool
  ) -> String? {
    isShort
      ? replaceAscending(prefix, in: text, by: arguments) : replaceWhole(prefix, in: text, by: arguments)
  }

  private static func replaceWhole(_ prefix: Character, in text: String, by arguments: [String]) -> String? {
    var result = ""
    var isFound = false
    var rest = text[...]
    while let place = rest.firstIndex(of: prefix) {
      result += rest[..<place]
      let tail = rest[rest.index(after: place)...]
      let digits = tail.prefix { $0.isASCII && $0.isWholeNumber }
      if let number = Int(digits.prefix(3)), number > 0, number <= maximumPlaceholder {
        isFound = true
        if number <= arguments.count { result += arguments[number - 1] }
      } else {
        result.append(prefix)
        result += digits
      }
      rest = tail[digits.endIndex...]
      if result.utf8.count > maximumLength { break }
    }
    return isFound ? result + rest : nil
  }

  private static func replaceAscending(_ prefix: Character, in text: String, by arguments: [String]) -> String? {
    var highest = 0
    var number: Int?
    for character in text {
      if character == prefix {
        number = 0
      } else if let value = number, let digit = character.wholeNumberValue, character.isASCII {
        number = min(value * 10 + digit, maximumPlaceholder)
        highest = max(highest, number ?? 0)
      } else {
        number = nil
      }
    }
    guard highest > 0 else { return nil }
    var result = text
    for index in 1...highest {
      let argument = index <= arguments.count ? arguments[index - 1] : ""
      result = replaceMarker("\(prefix)\(index)", in: result, by: argument) ?? result
      if result.utf8.count > maximumLength { break }
    }
    return result
  }

  private static let maximumPlaceholder = 99
  private static let maximumLength = Limits().valueBytes

  /// `%1`, `%2`, … replaced; the text itself when it has none.
  public static func formatN(_ text: String, _ arguments: [String]) -> String {
    replaceAscending("%", in: text, by: arguments) ?? text
  }

  /// What an alias does with its arguments: `%s` stands for all of them, `%1` for the first; where there is neither they are
  /// appended. With no arguments `%s` goes and `%1` stays.
  public static func pseudoFormatN(
    _ text: String, _ arguments: [String], prefix: Character = "%", isShort: Bool = false
  ) -> String {
    if arguments.isEmpty { return replaceMarker("\(prefix)s", in: text, by: "") ?? text }
    let all = arguments.joined(separator: " ")
    let withAll = replaceMarker("\(prefix)s", in: text, by: all)
    if let numbered = replaceNumbered(prefix, in: withAll ?? text, by: arguments, isShort: isShort) { return numbered }
    return withAll ?? (text + " " + all)
  }

  /// The first lines, trimmed.
  public static func limitAndTrimLines(_ count: Int, _ text: String) -> String {
    text.lines.prefix(max(count, 0)).map { $0.trimmed }.joined(separator: "\n")
  }

  /// Trims, and takes off one pair of double quotes, then one of single quotes. What is inside must not be empty and
  /// must be one line, unless `acrossLines`.
  public static func removeSurroundingQuotes(_ text: String, acrossLines: Bool = false) -> String {
    var text = text.trimmed
    for quote in ["\"", "'"] as [Unicode.Scalar] {
      let scalars = text.unicodeScalars
      if scalars.count > 2, scalars.first == quote, scalars.last == quote, acrossLines || !scalars.contains("\n") {
        text = String(scalars.dropFirst().dropLast())
      }
    }
    return text
  }

  /// A text with line feeds as its lines, without the empty ones at its end; nil for one that has none.
  public static func lineCollection(_ text: String) -> [String]? {
    guard text.utf8.contains(0x0A) else { return nil }
    var lines = text.lines
    while lines.last == "" { lines.removeLast() }
    return lines
  }

  /// The items of what a collection command is given: a list, a map's `key: value` lines, a string's lines.
  public static func items(of value: Value?) -> [Value]? {
    switch value?.unmarked {
    case .list(let items): items
    case .map(let map): map.lines.map(Value.string)
    case .string(let text): (lineCollection(text) ?? [text]).map(Value.string)
    default: nil
    }
  }

  /// Whether it is a map, or a list whose items all have a colon with something on both sides.
  public static func isMapLike(_ value: Value) -> Bool {
    switch value.unmarked {
    case .map: true
    case .list(let items): items.allSatisfy { $0.stringValue.map(hasKeyAndValue) ?? false }
    default: false
    }
  }

  /// The first item that is no text, before one that settles that the list is not like a map.
  static func firstUnlikeText(in value: Value) -> Value? {
    for item in value.items ?? [] {
      guard let text = item.stringValue else { return item }
      if !hasKeyAndValue(text) { return nil }
    }
    return nil
  }

  private static func hasKeyAndValue(_ text: String) -> Bool {
    let characters = Array(text)
    return characters.indices.contains { index in
      characters[index] == ":" && index > 0 && index + 1 < characters.count && characters[index - 1] != "\n"
        && characters[index + 1] != "\n"
    }
  }

  /// The pieces of each item between its colons; nil when the items are not all `key:value`.
  public static func splitKeyValues(_ items: [Value]) -> [[String]]? {
    guard isMapLike(.list(items)) else { return nil }
    return items.map { $0.text.split(separator: ":", omittingEmptySubsequences: false).map(String.init) }
  }

  /// The keys, or the values, of a map or of `key:value` items; other lists come back as they are.
  public static func pick(_ place: Int, of value: Value) -> [Value]? {
    if let map = value.members { return place == 0 ? map.keys.map(Value.string) : map.values }
    guard let items = value.items else { return nil }
    guard let pairs = splitKeyValues(items) else { return items }
    return pairs.map { .string(($0.count > place ? $0[place] : "").trimmed) }
  }
}

extension String {
  /// The pieces between line feeds. CR LF counts as one.
  var lines: [String] {
    guard utf8.contains(0x0A) else { return [self] }
    return utf8.split(separator: 0x0A, omittingEmptySubsequences: false).map { line in
      String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self)
    }
  }

  /// Without the white space at both ends, that of Unicode too.
  public var trimmed: String {
    func isText(_ scalar: Unicode.Scalar) -> Bool {
      scalar.isASCII ? !scalar.isSpace : !scalar.properties.isWhitespace
    }
    let scalars = unicodeScalars
    guard let first = scalars.firstIndex(where: isText), let last = scalars.lastIndex(where: isText) else { return "" }
    return String(scalars[first...last])
  }

  /// The pieces between one-character separators, without the empty ones at the end. A text without a separator is one piece.
  func pieces(separatedBy isSeparator: (Unicode.Scalar) -> Bool) -> [String] {
    guard unicodeScalars.contains(where: isSeparator) else { return [self] }
    var pieces = unicodeScalars.split(omittingEmptySubsequences: false, whereSeparator: isSeparator).map { String($0) }
    while pieces.last == "" { pieces.removeLast() }
    return pieces
  }
}

extension StringProtocol {
  /// With the first letter a capital, and the others not.
  var capitalized: String { prefix(1).uppercased() + dropFirst().lowercased() }
}

extension Unicode.Scalar {
  /// What `\s` means: the ASCII white space.
  var isSpace: Bool { value == 0x20 || (value >= 0x09 && value <= 0x0D) }
  /// What `\w` means.
  var isWord: Bool {
    (value >= 0x30 && value <= 0x39) || (value >= 0x41 && value <= 0x5A) || (value >= 0x61 && value <= 0x7A)
      || value == 0x5F
  }
}
