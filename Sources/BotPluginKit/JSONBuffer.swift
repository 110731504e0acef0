import Glibc

/// Writes JSON into memory that is used again and again: the fast way to build a payload.
///
/// Commas are put where they belong, so a payload reads as a list of what is in it:
/// ```swift
/// json.beginObject()
/// json.field("user", user)
/// json.field("bits", 100)
/// json.endObject()
/// ```
/// Text may come from a `String` or straight from bytes; it is escaped by runs, and bytes that are no UTF-8 become
/// U+FFFD, so what comes out is always well-formed. Nesting is the caller's business: the buffer does not check
/// that every object is closed. Keep one in a property and call ``removeAll()`` before each use. Not for several
/// threads at once.
public struct JSONBuffer: ~Copyable {
  @usableFromInline var base: UnsafeMutablePointer<UInt8>
  /// Bytes written so far.
  public private(set) var count: Int
  @usableFromInline var capacity: Int
  /// Whether the next value or key follows another one.
  @usableFromInline var needsComma: Bool

  /// - Parameter capacity: bytes to start with; the buffer grows as needed.
  public init(capacity: Int = 1024) {
    self.capacity = max(capacity, 64)
    base = .allocate(capacity: self.capacity)
    count = 0
    needsComma = false
  }

  deinit { base.deallocate() }

  /// What was written, borrowed until the next change.
  public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  /// What was written, as a string of its own.
  public var string: String { String(decoding: bytes, as: UTF8.self) }

  /// Forgets what was written and keeps the memory.
  public mutating func removeAll() {
    count = 0
    needsComma = false
  }

  // MARK: Structure

  /// Begins an object; ``key(_:)`` and a value follow for each member, or ``field(_:_:)`` does both.
  public mutating func beginObject() { open(UInt8(ascii: "{")) }
  /// Ends the object that was begun last.
  public mutating func endObject() { close(UInt8(ascii: "}")) }
  /// Begins a list; its values follow.
  public mutating func beginArray() { open(UInt8(ascii: "[")) }
  /// Ends the list that was begun last.
  public mutating func endArray() { close(UInt8(ascii: "]")) }

  /// A member's name; its value is the next thing that is appended. The name is written as it is: it must be ASCII
  /// and need no escaping.
  public mutating func key(_ name: StaticString) {
    separate()
    reserve(name.utf8CodeUnitCount + 3)
    put(UInt8(ascii: "\""))
    if name.hasPointerRepresentation { putRun(name.utf8Start, name.utf8CodeUnitCount) }
    put(UInt8(ascii: "\""))
    put(UInt8(ascii: ":"))
    needsComma = false
  }

  /// A member's name that is not known before; it is escaped.
  public mutating func key(text name: some TextBytes) {
    append(name)
    reserve(1)
    put(UInt8(ascii: ":"))
    needsComma = false
  }

  /// A member with a text.
  @inlinable
  public mutating func field(_ name: StaticString, _ value: some TextBytes) {
    key(name)
    append(value)
  }
  /// A member with a number.
  @inlinable
  public mutating func field(_ name: StaticString, _ value: some FixedWidthInteger) {
    key(name)
    append(value)
  }
  /// A member with a truth.
  public mutating func field(_ name: StaticString, _ value: Bool) {
    key(name)
    append(value)
  }

  // MARK: Values

  /// A string value.
  @inlinable
  public mutating func append(_ text: some TextBytes) {
    withUnsafeMutablePointer(to: &self) { json in
      text.withTextBytes { json.pointee.appendText($0) }
    }
  }

  @usableFromInline
  mutating func appendText(_ text: UnsafeRawBufferPointer) {
    separate()
    appendQuoted(text)
    needsComma = true
  }

  /// A whole number.
  @inlinable
  public mutating func append(_ number: some FixedWidthInteger) {
    appendInteger(negative: number < 0, UInt64(truncatingIfNeeded: number.magnitude))
  }

  @usableFromInline
  mutating func appendInteger(negative: Bool, _ magnitude: UInt64) {
    separate()
    reserve(24)
    if negative { put(UInt8(ascii: "-")) }
    var magnitude = magnitude
    // Digits come out in reverse; 20 are enough for 64 bits.
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      var at = 20
      repeat {
        at -= 1
        digits[at] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: magnitude % 10)
        magnitude /= 10
      } while magnitude > 0
      if let first = digits.baseAddress { putRun(first + at, 20 - at) }
    }
    needsComma = true
  }

  /// A number; one that JSON cannot say (infinite, not a number) becomes `null`.
  public mutating func append(_ number: Double) {
    guard number.isFinite else { return appendNull() }
    raw(number.description)
  }

  /// `true` or `false`.
  public mutating func append(_ truth: Bool) { truth ? raw("true" as StaticString) : raw("false" as StaticString) }

  /// `null`.
  public mutating func appendNull() { raw("null" as StaticString) }

  /// A value that is JSON already, copied as it is: a field's list or map, another payload.
  @inlinable
  public mutating func raw(_ json: some TextBytes) {
    withUnsafeMutablePointer(to: &self) { buffer in
      json.withTextBytes { buffer.pointee.appendRaw($0) }
    }
  }

  @usableFromInline
  mutating func appendRaw(_ json: UnsafeRawBufferPointer) {
    separate()
    reserve(json.count)
    if let first = json.baseAddress { putRun(first.assumingMemoryBound(to: UInt8.self), json.count) }
    needsComma = true
  }

  /// A value that is JSON already and known when the plugin is built.
  public mutating func raw(_ json: StaticString) {
    separate()
    reserve(json.utf8CodeUnitCount)
    if json.hasPointerRepresentation { putRun(json.utf8Start, json.utf8CodeUnitCount) }
    needsComma = true
  }

  /// Bytes without any meaning: no comma, no quotes. For pieces that were prepared once, such as
  /// `{"platform":"x","instance":"y",`.
  public mutating func verbatim(_ bytes: UnsafeRawBufferPointer) {
    reserve(bytes.count)
    if let first = bytes.baseAddress { putRun(first.assumingMemoryBound(to: UInt8.self), bytes.count) }
    if let last = bytes.last {
      needsComma =
        !(last == UInt8(ascii: ",") || last == UInt8(ascii: "{") || last == UInt8(ascii: "[")
        || last == UInt8(ascii: ":"))
    }
  }

  // MARK: Bytes

  private mutating func open(_ bracket: UInt8) {
    separate()
    reserve(1)
    put(bracket)
    needsComma = false
  }

  private mutating func close(_ bracket: UInt8) {
    reserve(1)
    put(bracket)
    needsComma = true
  }

  @inline(__always)
  private mutating func separate() {
    if needsComma {
      reserve(1)
      put(UInt8(ascii: ","))
      needsComma = false
    }
  }

  @inline(__always)
  private mutating func reserve(_ more: Int) {
    if count + more > capacity { grow(more) }
  }

  @inline(never)
  private mutating func grow(_ more: Int) {
    let larger = max(capacity * 2, count + more)
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
    memory.update(from: base, count: count)
    base.deallocate()
    base = memory
    capacity = larger
  }

  @inline(__always)
  private mutating func put(_ byte: UInt8) {
    base[count] = byte
    count &+= 1
  }

  @inline(__always)
  private mutating func putRun(_ bytes: UnsafePointer<UInt8>, _ length: Int) {
    memcpy(base + count, bytes, length)
    count &+= length
  }

  /// Writes text in quotes. Runs of bytes that need nothing are copied at once; the worst case, six bytes for one,
  /// is reserved run by run.
  private mutating func appendQuoted(_ text: UnsafeRawBufferPointer) {
    let length = text.count
    reserve(length + 2)
    put(UInt8(ascii: "\""))
    if let start = text.baseAddress?.assumingMemoryBound(to: UInt8.self) {
      var at = 0
      while at < length {
        let run = plainRun(start + at, length - at)
        if run > 0 {
          reserve(run + 1)
          putRun(start + at, run)
          at += run
          if at == length { break }
        }
        reserve(6)
        let byte = start[at]
        if byte < 0x80 {
          escape(byte)
          at += 1
        } else {
          let size = scalarLength(start + at, length - at)
          if size == 0 {  // U+FFFD
            put(0xEF)
            put(0xBF)
            put(0xBD)
            at += 1
          } else {
            putRun(start + at, size)
            at += size
          }
        }
      }
    }
    reserve(1)
    put(UInt8(ascii: "\""))
  }

  private mutating func escape(_ byte: UInt8) {
    put(UInt8(ascii: "\\"))
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): put(byte)
    case 0x08: put(UInt8(ascii: "b"))
    case 0x09: put(UInt8(ascii: "t"))
    case 0x0A: put(UInt8(ascii: "n"))
    case 0x0C: put(UInt8(ascii: "f"))
    case 0x0D: put(UInt8(ascii: "r"))
    default:
      put(UInt8(ascii: "u"))
      put(UInt8(ascii: "0"))
      put(UInt8(ascii: "0"))
      for nibble in [byte >> 4, byte & 15] {
        put(nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") - 10 + nibble)
      }
    }
  }

  /// How many bytes from `start` are ASCII that stands for itself in a JSON string; eight at a time.
  private func plainRun(_ start: UnsafePointer<UInt8>, _ length: Int) -> Int {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highs: UInt64 = 0x8080_8080_8080_8080
    var at = 0
    while at + 8 <= length {
      let word = UnsafeRawPointer(start + at).loadUnaligned(as: UInt64.self)
      let quote = word ^ (ones &* 0x22)
      let backslash = word ^ (ones &* 0x5C)
      // A byte's high bit is set where it is below 0x20, a quote, a backslash, or not ASCII. A borrow can only
      // mark bytes above one that is marked already, so the lowest mark is right.
      let marks =
        ((word &- ones &* 0x20) | (quote &- ones) & ~quote | (backslash &- ones) & ~backslash | word) & highs
      if marks != 0 { return at + marks.trailingZeroBitCount / 8 }
      at += 8
    }
    while at < length {
      let byte = start[at]
      if byte < 0x20 || byte == 0x22 || byte == 0x5C || byte >= 0x80 { break }
      at += 1
    }
    return at
  }

  /// The length of the well-formed UTF-8 sequence at `start`, or 0 (Unicode 15, table 3-7).
  private func scalarLength(_ start: UnsafePointer<UInt8>, _ length: Int) -> Int {
    @inline(__always) func tail(_ at: Int) -> Bool { start[at] & 0xC0 == 0x80 }
    let first = start[0]
    switch first {
    case 0xC2...0xDF: return length >= 2 && tail(1) ? 2 : 0
    case 0xE0...0xEF:
      guard length >= 3, tail(1), tail(2) else { return 0 }
      if first == 0xE0 && start[1] < 0xA0 { return 0 }  // longer than needed
      if first == 0xED && start[1] > 0x9F { return 0 }  // a surrogate
      return 3
    case 0xF0...0xF4:
      guard length >= 4, tail(1), tail(2), tail(3) else { return 0 }
      if first == 0xF0 && start[1] < 0x90 { return 0 }
      if first == 0xF4 && start[1] > 0x8F { return 0 }  // above U+10FFFF
      return 4
    default: return 0
    }
  }
}
