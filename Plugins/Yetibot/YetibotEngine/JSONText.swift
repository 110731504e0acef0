/// JSON (RFC 8259) to values and back.
public enum JSONText {
  /// Why a text is no JSON, and at which byte.
  public struct Failure: Error, Sendable, Hashable, CustomStringConvertible {
    public var offset: Int
    public var reason: String
    public var description: String { "not JSON at byte \(offset): \(reason)" }
  }

  /// Reads a whole text. Collections nest at most 64 deep.
  public static func parse(_ text: String) throws(Failure) -> Value {
    var reader = Reader(bytes: Array(text.utf8))
    let value = try reader.value(depth: 0)
    reader.skipSpace()
    if reader.place < reader.bytes.count { throw reader.failure("something follows the value") }
    return value
  }

  /// One line; with `indent`, members and items on lines of their own.
  public static func print(_ value: Value, indent: Bool = false) -> String {
    var text = ""
    write(value, indent ? 0 : nil, &text)
    return text
  }

  private static func write(_ value: Value, _ level: Int?, _ text: inout String) {
    func line(_ extra: Int) {
      guard let level else { return }
      text += "\n" + String(repeating: "  ", count: level + extra)
    }
    switch value {
    case .null: text += "null"
    case .bool, .int: text += value.text
    case .double(let number): text += number.isFinite ? value.text : "null"
    case .string(let string): quote(string, &text)
    case .list(let items), .set(let items):
      text += "["
      for (index, item) in items.enumerated() {
        if index > 0 { text += level == nil ? ", " : "," }
        line(1)
        write(item, level.map { $0 + 1 }, &text)
      }
      if !items.isEmpty { line(0) }
      text += "]"
    case .map(let map):
      text += "{"
      for (index, member) in map.enumerated() {
        if index > 0 { text += level == nil ? ", " : "," }
        line(1)
        quote(member.key, &text)
        text += ": "
        write(member.value, level.map { $0 + 1 }, &text)
      }
      if !map.isEmpty { line(0) }
      text += "}"
    case .suppressed(let inner): write(inner, level, &text)
    }
  }

  private static func quote(_ string: String, _ text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      default:
        if scalar.value < 0x20 {
          let digits = String(scalar.value, radix: 16)
          text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        } else {
          text.unicodeScalars.append(scalar)
        }
      }
    }
    text += "\""
  }

  private struct Reader {
    let bytes: [UInt8]
    var place = 0

    func failure(_ reason: String) -> Failure { Failure(offset: place, reason: reason) }

    mutating func skipSpace() {
      while place < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[place]) { place += 1 }
    }

    mutating func take(_ byte: UInt8) -> Bool {
      skipSpace()
      guard place < bytes.count, bytes[place] == byte else { return false }
      place += 1
      return true
    }

    mutating func word(_ word: String, _ value: Value) throws(Failure) -> Value {
      guard bytes[place...].starts(with: word.utf8) else { throw failure("a value was expected") }
      place += word.utf8.count
      return value
    }

    mutating func value(depth: Int) throws(Failure) -> Value {
      guard depth < 64 else { throw failure("more than 64 levels") }
      skipSpace()
      guard place < bytes.count else { throw failure("a value was expected") }
      switch bytes[place] {
      case 0x7B:
        place += 1
        var map = ValueMap()
        if take(0x7D) { return .map(map) }
        repeat {
          skipSpace()
          let key = try string()
          guard take(0x3A) else { throw failure("a colon was expected") }
          map[key] = try value(depth: depth + 1)
        } while take(0x2C)
        guard take(0x7D) else { throw failure("a comma or } was expected") }
        return .map(map)
      case 0x5B:
        place += 1
        var items: [Value] = []
        if take(0x5D) { return .list(items) }
        repeat { items.append(try value(depth: depth + 1)) } while take(0x2C)
        guard take(0x5D) else { throw failure("a comma or ] was expected") }
        return .list(items)
      case 0x22: return .string(try string())
      case 0x74: return try word("true", true)
      case 0x66: return try word("false", false)
      case 0x6E: return try word("null", .null)
      default: return try number()
      }
    }

    mutating func number() throws(Failure) -> Value {
      let start = place
      while place < bytes.count, bytes[place].isASCIIDigit || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains(bytes[place]) {
        place += 1
      }
      guard NumberText.isJSON(bytes[start..<place]),
        let value = NumberText.parse(String(decoding: bytes[start..<place], as: UTF8.self))
      else {
        place = start
        throw failure("a value was expected")
      }
      return value
    }

    mutating func unit() throws(Failure) -> UInt32 {
      guard place + 4 <= bytes.count, bytes[place] != 0x2B, bytes[place] != 0x2D,
        let unit = UInt32(String(decoding: bytes[place..<place + 4], as: UTF8.self), radix: 16)
      else { throw failure("four hexadecimal digits were expected") }
      place += 4
      return unit
    }

    mutating func string() throws(Failure) -> String {
      guard place < bytes.count, bytes[place] == 0x22 else { throw failure("a string was expected") }
      place += 1
      var text: [UInt8] = []
      while place < bytes.count {
        let byte = bytes[place]
        place += 1
        if byte == 0x22 { return String(decoding: text, as: UTF8.self) }
        guard byte == 0x5C else {
          text.append(byte)
          continue
        }
        guard place < bytes.count else { break }
        let escape = bytes[place]
        place += 1
        switch escape {
        case 0x22, 0x5C, 0x2F: text.append(escape)
        case 0x62: text.append(0x08)
        case 0x66: text.append(0x0C)
        case 0x6E: text.append(0x0A)
        case 0x72: text.append(0x0D)
        case 0x74: text.append(0x09)
        case 0x75:
          var code = try unit()
          if code >= 0xD800, code < 0xDC00, place + 2 <= bytes.count, bytes[place] == 0x5C, bytes[place + 1] == 0x75 {
            let second = place
            place += 2
            let low = try unit()
            if low >= 0xDC00, low < 0xE000 {
              code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
            } else {
              place = second
            }
          }
          text.append(contentsOf: String(Unicode.Scalar(code) ?? "\u{FFFD}").utf8)
        default: throw failure("no such escape")
        }
      }
      throw failure("the string does not end")
    }
  }
}
