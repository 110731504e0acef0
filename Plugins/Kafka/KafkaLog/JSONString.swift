/// The escapes of JSON strings (RFC 8259, section 7).
public enum JSONString {
  /// The text of a string's content, which the caller has checked to be well formed. Half of a surrogate pair becomes U+FFFD.
  public static func unescape(_ content: UnsafeRawBufferPointer) -> String {
    guard content.contains(0x5C) else { return String(decoding: content, as: UTF8.self) }
    var units: [UInt8] = []
    unescape(content, to: &units)
    return String(decoding: units, as: UTF8.self)
  }

  /// As `unescape`, appending the text's UTF-8.
  public static func unescape(_ content: UnsafeRawBufferPointer, to units: inout [UInt8]) {
    units.reserveCapacity(units.count + content.count)
    var index = 0
    while index < content.count {
      let byte = content[index]
      guard byte == 0x5C, index + 1 < content.count else {
        units.append(byte)
        index += 1
        continue
      }
      index += 2
      switch content[index - 1] {
      case 0x62: units.append(0x08)
      case 0x66: units.append(0x0C)
      case 0x6E: units.append(0x0A)
      case 0x72: units.append(0x0D)
      case 0x74: units.append(0x09)
      case 0x75: append(scalar(in: content, at: &index), to: &units)
      case let other: units.append(other)
      }
    }
  }

  /// Appends `text` as a quoted JSON string. Bytes that are no UTF-8 become U+FFFD.
  public static func append(_ text: UnsafeRawBufferPointer, to out: inout [UInt8]) {
    guard UTF8Text.isValid(text) else {
      append(String(decoding: text, as: UTF8.self), to: &out)
      return
    }
    append(valid: text, to: &out)
  }

  /// The same for text that is known to be UTF-8.
  static func append(valid text: UnsafeRawBufferPointer, to out: inout [UInt8]) {
    out.append(0x22)
    var run = 0
    while true {
      let end = JSONScan.endOfPlainRun(text, from: run)
      out.append(contentsOf: UnsafeRawBufferPointer(rebasing: text[run..<end]))
      guard end < text.count else { break }
      appendEscape(of: text[end], to: &out)
      run = end + 1
    }
    out.append(0x22)
  }

  /// Appends `text` as a quoted JSON string.
  public static func append(_ text: String, to out: inout [UInt8]) {
    var text = text
    text.withUTF8 { append(UnsafeRawBufferPointer($0), to: &out) }
  }

  static func hexDigit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case 0x30...0x39: UInt32(byte - 0x30)
    case 0x41...0x46: UInt32(byte - 0x41 + 10)
    case 0x61...0x66: UInt32(byte - 0x61 + 10)
    default: nil
    }
  }

  private static func appendEscape(of byte: UInt8, to out: inout [UInt8]) {
    out.append(0x5C)
    switch byte {
    case 0x22, 0x5C: out.append(byte)
    case 0x08: out.append(0x62)
    case 0x0C: out.append(0x66)
    case 0x0A: out.append(0x6E)
    case 0x0D: out.append(0x72)
    case 0x09: out.append(0x74)
    default:
      out.append(contentsOf: "u00".utf8)
      out.append(contentsOf: [hex[Int(byte >> 4)], hex[Int(byte & 15)]])
    }
  }

  private static let hex = Array("0123456789abcdef".utf8)

  private static func unit(in content: UnsafeRawBufferPointer, at index: Int) -> UInt32? {
    guard index + 4 <= content.count else { return nil }
    var unit: UInt32 = 0
    for offset in 0..<4 {
      guard let digit = hexDigit(content[index + offset]) else { return nil }
      unit = unit << 4 | digit
    }
    return unit
  }

  /// The scalar whose four hexadecimal digits start at `index`, which moves behind them, or behind the pair.
  private static func scalar(in content: UnsafeRawBufferPointer, at index: inout Int) -> Unicode.Scalar {
    guard let high = unit(in: content, at: index) else { return "\u{FFFD}" }
    index += 4
    if (0xD800..<0xDC00).contains(high), index + 6 <= content.count, content[index] == 0x5C, content[index + 1] == 0x75,
      let low = unit(in: content, at: index + 2), (0xDC00..<0xE000).contains(low)
    {
      index += 6
      return Unicode.Scalar(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)) ?? "\u{FFFD}"
    }
    return Unicode.Scalar(high) ?? "\u{FFFD}"
  }

  private static func append(_ scalar: Unicode.Scalar, to units: inout [UInt8]) {
    units.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
  }
}
