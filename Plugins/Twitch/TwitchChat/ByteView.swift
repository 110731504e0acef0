import Glibc

/// A run of bytes inside a line that somebody else owns.
///
/// The parser hands these out instead of strings, so that reading a line allocates nothing. A view is valid for as long
/// as the line it came from; copy it (`string`, `array`) to keep it.
@frozen
public struct ByteView {
  /// The first byte; valid to read for `count` bytes.
  public let start: UnsafePointer<UInt8>
  /// The number of bytes.
  public let count: Int

  @inlinable
  public init(start: UnsafePointer<UInt8>, count: Int) {
    self.start = start
    self.count = count
  }

  /// A view of a whole buffer; an empty one when the buffer has no address.
  @inlinable
  public init(_ buffer: UnsafeRawBufferPointer) {
    if let base = buffer.baseAddress {
      self.init(start: base.assumingMemoryBound(to: UInt8.self), count: buffer.count)
    } else {
      self = .empty
    }
  }

  /// A view of a literal, which lives for ever.
  @inlinable
  public init(_ text: StaticString) {
    self.init(start: text.utf8Start, count: text.utf8CodeUnitCount)
  }

  /// No bytes.
  @inlinable
  public static var empty: ByteView { ByteView("" as StaticString) }

  @inlinable
  public var isEmpty: Bool { count == 0 }

  /// The byte at an offset, which must be within the view.
  @inlinable
  public subscript(offset: Int) -> UInt8 { start[offset] }

  /// The bytes from `lower` up to but not including `upper`; both are clamped, so that no arithmetic on what came from
  /// outside can leave the line.
  @inlinable
  public func slice(_ lower: Int, _ upper: Int) -> ByteView {
    let from = min(max(lower, 0), count)
    let to = min(max(upper, from), count)
    return ByteView(start: start + from, count: to - from)
  }

  /// The bytes from `lower` to the end.
  @inlinable
  public func suffix(from lower: Int) -> ByteView { slice(lower, count) }

  /// The offset of the first `byte` at or after `from`.
  @inlinable
  public func firstIndex(of byte: UInt8, from: Int = 0) -> Int? {
    guard from < count, let found = memchr(start + from, Int32(byte), count - from) else { return nil }
    return UnsafePointer(found.assumingMemoryBound(to: UInt8.self)) - start
  }

  /// Whether the bytes are those of a literal.
  @inlinable
  public func equals(_ text: StaticString) -> Bool {
    count == text.utf8CodeUnitCount && memcmp(start, text.utf8Start, count) == 0
  }

  /// Whether two views hold the same bytes.
  @inlinable
  public func equals(_ other: ByteView) -> Bool {
    count == other.count && memcmp(start, other.start, count) == 0
  }

  @inlinable
  public func hasPrefix(_ text: StaticString) -> Bool {
    count >= text.utf8CodeUnitCount && memcmp(start, text.utf8Start, text.utf8CodeUnitCount) == 0
  }

  @inlinable
  public func hasSuffix(_ text: StaticString) -> Bool {
    let length = text.utf8CodeUnitCount
    return count >= length && memcmp(start + (count - length), text.utf8Start, length) == 0
  }

  /// The decimal number that the whole view is, with an optional sign; nil when it is none or does not fit.
  @inlinable
  public var integer: Int64? {
    var index = 0
    var negative = false
    if count > 1, start[0] == 0x2D {
      negative = true
      index = 1
    }
    guard index < count, count <= 20 else { return nil }
    var value: Int64 = 0
    while index < count {
      let digit = start[index] &- 0x30
      guard digit <= 9 else { return nil }
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.subtractingReportingOverflow(Int64(digit))
      guard !overflow, !carry else { return nil }
      value = sum
      index += 1
    }
    if negative { return value }
    return value == Int64.min ? nil : -value
  }

  /// The bytes as a buffer, borrowed like the view.
  @inlinable
  public var buffer: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }

  /// A copy as text; what is not UTF-8 becomes U+FFFD.
  public var string: String {
    String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
  }

  /// A copy of the bytes.
  public var array: [UInt8] { Array(UnsafeBufferPointer(start: start, count: count)) }
}
