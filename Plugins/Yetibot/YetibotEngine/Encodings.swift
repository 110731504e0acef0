/// Base 64 (RFC 4648, section 4).
public enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  public static func encode(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    var index = 0
    while index < bytes.count {
      let group = bytes[index..<min(index + 3, bytes.count)]
      var bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      bits <<= UInt32(8 * (3 - group.count))
      for place in 0..<4 {
        text.append(place <= group.count ? alphabet[Int(bits >> UInt32(18 - 6 * place)) & 63] : 0x3D)
      }
      index += 3
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// nil for what is no base 64; the `=` at the end may be missing.
  public static func decode(_ text: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    var bits: UInt32 = 0
    var count = 0
    var digits = text.utf8[...]
    while digits.last == 0x3D { digits.removeLast() }
    for digit in digits {
      if digit == 0x0A || digit == 0x0D { continue }
      guard let value = alphabet.firstIndex(of: digit) else { return nil }
      bits = bits << 6 | UInt32(value)
      count += 6
      if count >= 8 {
        count -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
      }
    }
    return count < 6 ? bytes : nil
  }
}

/// Comma-separated values (RFC 4180).
public enum CSV {
  /// The rows as maps, by the names in the first one, and each as a line; nil where there is not even that one.
  public static func records(_ text: String) -> (lines: [String], maps: [Value])? {
    let rows = rows(text)
    guard let names = rows.first else { return nil }
    return (
      rows.dropFirst().map { $0.joined(separator: ", ") },
      rows.dropFirst().map { .map(ValueMap(zip(names, $0).map { ($0, .string($1)) })) }
    )
  }

  static func rows(_ text: String) -> [[String]] {
    var rows: [[String]] = []
    var row: [String] = []
    var field = ""
    var isQuoted = false
    var characters = Array(text)[...]
    func endRow() {
      row.append(field)
      field = ""
      if row != [""] { rows.append(row) }
      row = []
    }
    while let character = characters.popFirst() {
      if isQuoted {
        if character == "\"", characters.first == "\"" {
          field.append("\"")
          characters.removeFirst()
        } else if character == "\"" {
          isQuoted = false
        } else {
          field.append(character)
        }
      } else if character == "\"" {
        isQuoted = true
      } else if character == "," {
        row.append(field)
        field = ""
      } else if character.isNewline {
        endRow()
      } else {
        field.append(character)
      }
    }
    endRow()
    return rows
  }
}
