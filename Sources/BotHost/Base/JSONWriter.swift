import CJSON
import Glibc

/// Appends JSON to a buffer that grows and is used again: for hot paths, without a `String` or an allocation per value.
///
/// Commas are put by the writer; that names and values alternate, and that what is begun is ended, is up to the caller.
/// Used from one thread at a time.
///
///     writer.reset()
///     writer.beginObject()
///     writer.key("user"); writer.string(bytes: nick)
///     writer.key("at"); writer.int(time)
///     writer.endObject()
public struct JSONWriter: ~Copyable {
  private var base: UnsafeMutableRawPointer
  private var capacity: Int
  private var length = 0
  private var needsComma = false

  /// `capacity`: bytes to begin with.
  public init(capacity: Int = 512) {
    self.capacity = max(64, capacity)
    base = UnsafeMutableRawPointer.allocate(byteCount: self.capacity, alignment: 16)
  }

  deinit { base.deallocate() }

  /// How many bytes are written.
  public var count: Int { length }

  /// What is written; valid until the next call that writes.
  public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: length) }

  /// What is written, as a copy.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  /// Begins anew and keeps the memory.
  public mutating func reset() {
    length = 0
    needsComma = false
  }

  /// Begins an object; members follow, each with its `key`.
  public mutating func beginObject() { open(UInt8(ascii: "{")) }
  /// Ends it.
  public mutating func endObject() { close(UInt8(ascii: "}")) }
  /// Begins an array; elements follow.
  public mutating func beginArray() { open(UInt8(ascii: "[")) }
  /// Ends it.
  public mutating func endArray() { close(UInt8(ascii: "]")) }

  /// A member's name that needs no escaping, known when the program is compiled.
  public mutating func key(_ name: StaticString) {
    comma()
    reserve(name.utf8CodeUnitCount + 3)
    put(UInt8(ascii: "\""))
    base.advanced(by: length).copyMemory(from: name.utf8Start, byteCount: name.utf8CodeUnitCount)
    length &+= name.utf8CodeUnitCount
    put(UInt8(ascii: "\""))
    put(UInt8(ascii: ":"))
    needsComma = false
  }

  /// A member's name out of bytes; what is not UTF-8 becomes U+FFFD.
  public mutating func key(bytes: UnsafeRawBufferPointer) {
    string(bytes: bytes)
    reserve(1)
    put(UInt8(ascii: ":"))
    needsComma = false
  }

  /// A member's name.
  public mutating func key(_ name: String) {
    string(name)
    reserve(1)
    put(UInt8(ascii: ":"))
    needsComma = false
  }

  /// A string out of bytes; each byte that is not part of well-formed UTF-8 becomes U+FFFD.
  public mutating func string(bytes: UnsafeRawBufferPointer) {
    comma()
    quoted(bytes)
    needsComma = true
  }

  /// A string.
  public mutating func string(_ text: String) {
    var text = text
    text.withUTF8 { string(bytes: UnsafeRawBufferPointer($0)) }
  }

  /// A whole number.
  public mutating func int(_ value: Int64) {
    comma()
    reserve(20)
    if value < 0 { put(UInt8(ascii: "-")) }
    digits(value.magnitude)
    needsComma = true
  }

  /// A whole number.
  public mutating func uint(_ value: UInt64) {
    comma()
    reserve(20)
    digits(value)
    needsComma = true
  }

  /// The shortest digits that read back as the same double; `null` for NaN and the infinities.
  public mutating func double(_ value: Double) {
    guard value.isFinite else { return null() }
    comma()
    reserve(Int(JSON_WALK_DOUBLE))
    length &+= json_walk_format_double_with_point(value, base.advanced(by: length).assumingMemoryBound(to: CChar.self))
    needsComma = true
  }

  /// The same, as ECMAScript writes it: `1` for 1.0.
  mutating func canonicalDouble(_ value: Double) {
    guard value.isFinite else { return null() }
    comma()
    reserve(Int(JSON_WALK_DOUBLE))
    length &+= json_walk_format_double(value, base.advanced(by: length).assumingMemoryBound(to: CChar.self))
    needsComma = true
  }

  /// `true` or `false`.
  public mutating func bool(_ value: Bool) {
    if value { word("true") } else { word("false") }
  }

  /// `null`.
  public mutating func null() { word("null") }

  /// A value that is JSON already.
  public mutating func raw(_ json: UnsafeRawBufferPointer) {
    comma()
    append(json)
    needsComma = true
  }

  /// Bytes as they are, between values: a newline after a document.
  public mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress else { return }
    reserve(bytes.count)
    base.advanced(by: length).copyMemory(from: source, byteCount: bytes.count)
    length &+= bytes.count
  }

  /// The same with one byte.
  public mutating func append(byte: UInt8) {
    reserve(1)
    put(byte)
  }

  /// A whole value.
  public mutating func value(_ value: JSONValue) {
    switch value {
    case .null: null()
    case .bool(let value): bool(value)
    case .int(let value): int(value)
    case .double(let value): double(value)
    case .string(let value): string(value)
    case .array(let elements):
      beginArray()
      for element in elements { self.value(element) }
      endArray()
    case .object(let members):
      beginObject()
      for (key, value) in members {
        self.key(key)
        self.value(value)
      }
      endObject()
    }
  }

  private mutating func word(_ text: StaticString) {
    comma()
    reserve(text.utf8CodeUnitCount)
    base.advanced(by: length).copyMemory(from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
    length &+= text.utf8CodeUnitCount
    needsComma = true
  }

  private mutating func open(_ byte: UInt8) {
    comma()
    reserve(1)
    put(byte)
    needsComma = false
  }

  private mutating func close(_ byte: UInt8) {
    reserve(1)
    put(byte)
    needsComma = true
  }

  @inline(__always)
  private mutating func comma() {
    guard needsComma else { return }
    reserve(1)
    put(UInt8(ascii: ","))
    needsComma = false
  }

  /// Copies runs that need no escape as they are.
  private mutating func quoted(_ text: UnsafeRawBufferPointer) {
    let count = text.count
    reserve(count &+ 2)
    put(UInt8(ascii: "\""))
    guard let source = text.baseAddress else { return put(UInt8(ascii: "\"")) }
    var start = 0
    var position = 0
    while position < count {
      position = Self.plainEnd(text, from: position)
      guard position < count else { break }
      let byte = source.load(fromByteOffset: position, as: UInt8.self)
      if byte >= 0x80 {
        let length = UTF8Scan.length(at: position, in: text)
        if length > 0 {
          position &+= length
          continue
        }
      }
      copy(source.advanced(by: start), position &- start)
      escape(byte)
      position &+= 1
      start = position
    }
    copy(source.advanced(by: start), count &- start)
    reserve(1)
    put(UInt8(ascii: "\""))
  }

  /// The first position from which a byte has to be looked at: a control character, a quote, a backslash, or beyond ASCII.
  @inline(__always)
  private static func plainEnd(_ text: UnsafeRawBufferPointer, from start: Int) -> Int {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let tops: UInt64 = 0x8080_8080_8080_8080
    var position = start
    while position &+ 8 <= text.count {
      let word = text.loadUnaligned(fromByteOffset: position, as: UInt64.self)
      let quotes = word ^ (ones &* 0x22)
      let backslashes = word ^ (ones &* 0x5c)
      let found =
        (word &- (ones &* 0x20)) & ~word | (quotes &- ones) & ~quotes | (backslashes &- ones) & ~backslashes | word
      let marks = found & tops
      if marks != 0 { return position &+ marks.trailingZeroBitCount / 8 }
      position &+= 8
    }
    while position < text.count {
      let byte = text[position]
      if byte < 0x20 || byte == 0x22 || byte == 0x5c || byte >= 0x80 { break }
      position &+= 1
    }
    return position
  }

  private mutating func escape(_ byte: UInt8) {
    reserve(6)
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"):
      put(UInt8(ascii: "\\"))
      put(byte)
    case 0x08: pair(UInt8(ascii: "b"))
    case 0x09: pair(UInt8(ascii: "t"))
    case 0x0a: pair(UInt8(ascii: "n"))
    case 0x0c: pair(UInt8(ascii: "f"))
    case 0x0d: pair(UInt8(ascii: "r"))
    case 0..<0x20:
      pair(UInt8(ascii: "u"))
      put(UInt8(ascii: "0"))
      put(UInt8(ascii: "0"))
      put(Self.hex(byte >> 4))
      put(Self.hex(byte & 15))
    default:  // not UTF-8
      put(0xef)
      put(0xbf)
      put(0xbd)
    }
  }

  private mutating func pair(_ letter: UInt8) {
    put(UInt8(ascii: "\\"))
    put(letter)
  }

  private static func hex(_ digit: UInt8) -> UInt8 { digit < 10 ? 48 &+ digit : 87 &+ digit }

  private mutating func digits(_ value: UInt64) {
    var rest = value
    var size = 1
    while rest >= 10 {
      rest /= 10
      size &+= 1
    }
    rest = value
    var position = length &+ size
    length = position
    repeat {
      position &-= 1
      base.storeBytes(of: UInt8(truncatingIfNeeded: 48 &+ rest % 10), toByteOffset: position, as: UInt8.self)
      rest /= 10
    } while rest > 0
  }

  @inline(__always)
  private mutating func copy(_ source: UnsafeRawPointer, _ count: Int) {
    guard count > 0 else { return }
    reserve(count)
    base.advanced(by: length).copyMemory(from: source, byteCount: count)
    length &+= count
  }

  @inline(__always)
  private mutating func put(_ byte: UInt8) {
    base.storeBytes(of: byte, toByteOffset: length, as: UInt8.self)
    length &+= 1
  }

  @inline(__always)
  private mutating func reserve(_ more: Int) {
    if capacity &- length < more { grow(more) }
  }

  @inline(never)
  private mutating func grow(_ more: Int) {
    let wanted = max(capacity * 2, length + more)
    let larger = UnsafeMutableRawPointer.allocate(byteCount: wanted, alignment: 16)
    larger.copyMemory(from: base, byteCount: length)
    base.deallocate()
    base = larger
    capacity = wanted
  }
}
