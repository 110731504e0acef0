/// Finds the strings of a TOML document with their places, without making values of it: what is found can be replaced where it stands.
struct TOMLStrings {
  struct Found {
    /// The table's name and the keys in it, in order.
    let path: [String]
    /// How many arrays it stands in, from its key on.
    let arrayDepth: Int
    /// Between the quotes.
    let span: Range<Int>
    /// Its bytes are its value: it has no escapes and one line.
    let isPlain: Bool
    /// Counted from 1.
    let line: Int
  }

  /// Arrays and tables that are nested deeper are refused.
  private static let deepest = 32

  private let bytes: [UInt8]
  private var position = 0
  private var line = 1
  private var found: [Found] = []

  private struct Malformed: Error { let expected: String }

  /// - Throws: ``Refusal`` (`invalid-line`) at the place where it is no TOML.
  static func all(in bytes: [UInt8], path: String) throws(Refusal) -> [Found] {
    var scanner = TOMLStrings(bytes: bytes)
    do throws(Malformed) {
      try scanner.document()
    } catch {
      throw Refusal(.invalidLine, line: scanner.line, reason: "\(path) is no TOML there: \(error.expected) is expected")
    }
    return scanner.found
  }

  private init(bytes: [UInt8]) {
    self.bytes = bytes
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
  }

  private mutating func document() throws(Malformed) {
    var table: [String] = []
    skip(lines: true)
    while position < bytes.count {
      if take("[") {
        let isArray = take("[")
        table = try key()
        guard take("]"), !isArray || take("]") else { throw Malformed(expected: "`]`") }
      } else {
        try pair(in: table, depth: 0)
      }
      skip(lines: false)
      guard position >= bytes.count || next == 0x0A || next == 0x0D else { throw Malformed(expected: "the line's end") }
      skip(lines: true)
    }
  }

  private mutating func pair(in table: [String], depth: Int) throws(Malformed) {
    let path = table + (try key())
    skip(lines: false)
    guard take("=") else { throw Malformed(expected: "`=`") }
    try value(path, arrayDepth: 0, depth: depth)
  }

  /// Names between dots.
  private mutating func key() throws(Malformed) -> [String] {
    var parts: [String] = []
    repeat {
      skip(lines: false)
      if next == UInt8(ascii: "\"") || next == UInt8(ascii: "'") {
        let (span, isPlain) = try string()
        guard isPlain else { throw Malformed(expected: "a key without escapes") }
        parts.append(bytes[span].text)
      } else {
        let start = position
        while let next, next.isAlphanumeric || next == UInt8(ascii: "_") || next == UInt8(ascii: "-") { position += 1 }
        guard position > start else { throw Malformed(expected: "a key") }
        parts.append(bytes[start..<position].text)
      }
      skip(lines: false)
    } while take(".")
    return parts
  }

  private mutating func value(_ path: [String], arrayDepth: Int, depth: Int) throws(Malformed) {
    guard depth < Self.deepest else { throw Malformed(expected: "a value that is nested less deeply") }
    skip(lines: false)
    switch next {
    case UInt8(ascii: "\""), UInt8(ascii: "'"):
      let start = line
      let (span, isPlain) = try string()
      found.append(Found(path: path, arrayDepth: arrayDepth, span: span, isPlain: isPlain, line: start))
    case UInt8(ascii: "["):
      position += 1
      skip(lines: true)
      while !take("]") {
        try value(path, arrayDepth: arrayDepth + 1, depth: depth + 1)
        skip(lines: true)
        guard take(",") || next == UInt8(ascii: "]") else { throw Malformed(expected: "`,` or `]`") }
        skip(lines: true)
      }
    case UInt8(ascii: "{"):
      position += 1
      skip(lines: true)
      while !take("}") {
        // A table in an array is none of the array's strings.
        try pair(in: arrayDepth > 0 ? path + [""] : path, depth: depth + 1)
        skip(lines: true)
        guard take(",") || next == UInt8(ascii: "}") else { throw Malformed(expected: "`,` or `}`") }
        skip(lines: true)
      }
    default:
      let start = position
      while let next, !next.isBlank, !",]}#".utf8.contains(next) { position += 1 }
      guard position > start else { throw Malformed(expected: "a value") }
    }
  }

  /// The content's place; multi-line ones and those with escapes are not plain.
  private mutating func string() throws(Malformed) -> (Range<Int>, isPlain: Bool) {
    guard let quote = next else { throw Malformed(expected: "a string") }
    let isLong = bytes[position...].starts(with: [quote, quote, quote])
    position += isLong ? 3 : 1
    let start = position
    var isPlain = !isLong
    while let byte = next {
      if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
        isPlain = false
        if position + 1 < bytes.count, bytes[position + 1] == 0x0A { line += 1 }
        position += 2
        continue
      }
      if byte == quote, !isLong || bytes[position...].starts(with: [quote, quote, quote]) {
        let end = position
        position += isLong ? 3 : 1
        return (start..<end, isPlain)
      }
      if byte == 0x0A {
        guard isLong else { throw Malformed(expected: "the string's end") }
        line += 1
      }
      position += 1
    }
    throw Malformed(expected: "the string's end")
  }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  /// Blanks; with `lines` also comments and line ends.
  private mutating func skip(lines: Bool) {
    while let byte = next {
      if byte == UInt8(ascii: "#") {
        while let next, next != 0x0A { position += 1 }
        if !lines { return }
      } else if byte == 0x20 || byte == 0x09 || (lines && byte == 0x0D) {
        position += 1
      } else if lines, byte == 0x0A {
        line += 1
        position += 1
      } else {
        return
      }
    }
  }
}
