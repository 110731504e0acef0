/// Reads JSON text (RFC 8259) in place: it checks, skips and finds, and makes no values of what nobody asks for.
///
/// A cursor borrows its bytes; the memory must stay as it is while the cursor is used. Every function answers `false` or `nil` on
/// malformed text and leaves the position undefined then.
public struct JSONCursor {
  /// Arrays and objects that are nested deeper are refused: the text comes from outside.
  public static let depthLimit = 128

  /// The text that is read.
  public let bytes: UnsafeRawBufferPointer
  /// The offset of the next byte.
  public private(set) var position = 0

  /// Starts before the first byte.
  public init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  /// Whether `bytes` are exactly one well-formed JSON value in UTF-8.
  public static func isValue(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard UTF8Text.isValid(bytes) else { return false }
    var cursor = JSONCursor(bytes)
    return cursor.skipValue() && cursor.atEnd()
  }

  /// The next byte that is no white space, without taking it; `nil` at the end.
  public mutating func peek() -> UInt8? {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      case let byte: return byte
      }
    }
    return nil
  }

  /// Whether nothing but white space follows.
  public mutating func atEnd() -> Bool { peek() == nil }

  /// Takes `byte` when it is the next one that is no white space.
  public mutating func take(_ byte: UInt8) -> Bool {
    guard peek() == byte else { return false }
    position += 1
    return true
  }

  /// Skips one value and answers where it stands.
  public mutating func value() -> Range<Int>? {
    guard peek() != nil else { return nil }
    let start = position
    return skipValue() ? start..<position : nil
  }

  /// Skips a string and answers where its content stands, between the quotes and still escaped.
  public mutating func stringContent() -> Range<Int>? {
    guard take(0x22) else { return nil }
    let start = position
    while true {
      position = JSONScan.endOfPlainRun(bytes, from: position)
      guard position < bytes.count else { return nil }
      switch bytes[position] {
      case 0x22:
        position += 1
        return start..<(position - 1)
      case 0x5C:
        guard skipEscape() else { return nil }
      default:
        return nil
      }
    }
  }

  /// Reads a string and answers it unescaped.
  public mutating func string() -> String? {
    guard let range = stringContent() else { return nil }
    return JSONString.unescape(UnsafeRawBufferPointer(rebasing: bytes[range]))
  }

  /// Goes through the members of an object: `body` gets each name's escaped content and a cursor that stands before the value, which it must
  /// read or skip, and answers whether to go on; `false` fails the whole.
  public mutating func members(_ body: (Range<Int>, inout JSONCursor) -> Bool) -> Bool {
    guard take(UInt8(ascii: "{")) else { return false }
    if take(UInt8(ascii: "}")) { return true }
    while true {
      guard let name = stringContent(), take(UInt8(ascii: ":")), body(name, &self) else { return false }
      if take(UInt8(ascii: ",")) { continue }
      return take(UInt8(ascii: "}"))
    }
  }

  /// Goes through the elements of an array; `body` as in `members`.
  public mutating func elements(_ body: (inout JSONCursor) -> Bool) -> Bool {
    guard take(UInt8(ascii: "[")) else { return false }
    if take(UInt8(ascii: "]")) { return true }
    while true {
      guard body(&self) else { return false }
      if take(UInt8(ascii: ",")) { continue }
      return take(UInt8(ascii: "]"))
    }
  }

  /// Skips one value, checking it.
  public mutating func skipValue(depth: Int = 0) -> Bool {
    guard depth < Self.depthLimit, let first = peek() else { return false }
    switch first {
    case UInt8(ascii: "{"): return members { _, cursor in cursor.skipValue(depth: depth + 1) }
    case UInt8(ascii: "["): return elements { cursor in cursor.skipValue(depth: depth + 1) }
    case 0x22: return stringContent() != nil
    case UInt8(ascii: "t"): return skipWord("true")
    case UInt8(ascii: "f"): return skipWord("false")
    case UInt8(ascii: "n"): return skipWord("null")
    default: return skipNumber()
    }
  }

  private mutating func skipWord(_ word: StaticString) -> Bool {
    guard bytes.count - position >= word.utf8CodeUnitCount else { return false }
    for index in 0..<word.utf8CodeUnitCount where bytes[position + index] != word.utf8Start[index] { return false }
    position += word.utf8CodeUnitCount
    return true
  }

  private mutating func skipDigits() -> Bool {
    let start = position
    while position < bytes.count, (0x30...0x39).contains(bytes[position]) { position += 1 }
    return position > start
  }

  private mutating func skipNumber() -> Bool {
    if position < bytes.count, bytes[position] == UInt8(ascii: "-") { position += 1 }
    let leadingZero = position < bytes.count && bytes[position] == UInt8(ascii: "0")
    let start = position
    guard skipDigits(), !(leadingZero && position > start + 1) else { return false }
    if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
      position += 1
      guard skipDigits() else { return false }
    }
    if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
      position += 1
      if position < bytes.count, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") {
        position += 1
      }
      guard skipDigits() else { return false }
    }
    return true
  }

  private mutating func skipEscape() -> Bool {
    guard position + 1 < bytes.count else { return false }
    switch bytes[position + 1] {
    case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74:
      position += 2
      return true
    case 0x75:
      guard position + 5 < bytes.count else { return false }
      for index in 2...5 where JSONString.hexDigit(bytes[position + index]) == nil { return false }
      position += 6
      return true
    default:
      return false
    }
  }
}
