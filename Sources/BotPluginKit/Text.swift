import CBotHost
import Glibc

/// Text that can be handed to the host without a copy: `String`, `Substring`, ``BorrowedText``, or the bytes
/// themselves.
///
/// Generic over it, ``Host`` and ``JSONBuffer`` take a key or a text from wherever it lies. Bytes must be UTF-8.
public protocol TextBytes {
  /// Calls `body` with the UTF-8 bytes, which are borrowed until it returns.
  func withTextBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result
}

extension String: TextBytes {
  @inlinable
  public func withTextBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    var copy = self
    return copy.withUTF8 { body(UnsafeRawBufferPointer($0)) }
  }
}

extension Substring: TextBytes {
  @inlinable
  public func withTextBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    var copy = self
    return copy.withUTF8 { body(UnsafeRawBufferPointer($0)) }
  }
}

extension UnsafeRawBufferPointer: TextBytes {
  @inlinable
  public func withTextBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result { body(self) }
}

extension Array: TextBytes where Element == UInt8 {
  @inlinable
  public func withTextBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result { withUnsafeBytes(body) }
}

/// UTF-8 text that belongs to the host, seen in place. It is valid exactly as long as the event or the call that
/// it came from: until the handler returns, or, on a ``KeptEvent``, inside `withEvent`. To keep it, take
/// ``string``.
public struct BorrowedText: TextBytes, CustomStringConvertible {
  /// The bytes, borrowed.
  public let bytes: UnsafeRawBufferPointer

  public init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  @inlinable
  init(_ text: bh_str) { bytes = UnsafeRawBufferPointer(start: text.ptr, count: text.len) }

  /// A copy of its own.
  public var string: String { String(decoding: bytes, as: UTF8.self) }
  public var description: String { string }
  /// Whether it has no bytes: the text is empty, or there is none.
  public var isEmpty: Bool { bytes.isEmpty }
  /// In bytes.
  public var count: Int { bytes.count }

  @inlinable
  public func withTextBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result { body(bytes) }

  /// Compares bytes, without making a string of this text.
  public static func == (text: BorrowedText, other: some TextBytes) -> Bool {
    other.withTextBytes { sameBytes(text.bytes, $0) }
  }

  public static func != (text: BorrowedText, other: some TextBytes) -> Bool { !(text == other) }
}

@inlinable
func sameBytes(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
  a.count == b.count && (a.isEmpty || memcmp(a.baseAddress!, b.baseAddress!, a.count) == 0)
}

extension TextBytes {
  /// The text as the ABI's view, for the length of `body`.
  @inlinable @inline(__always)
  func withABIText<Result>(_ body: (bh_str) -> Result) -> Result {
    withTextBytes { body(bh_str($0)) }
  }
}

extension bh_str {
  @inlinable
  init(_ bytes: UnsafeRawBufferPointer) {
    self.init(ptr: bytes.baseAddress?.assumingMemoryBound(to: CChar.self), len: bytes.count)
  }

  var string: String {
    guard let ptr else { return "" }
    return String(decoding: UnsafeRawBufferPointer(start: ptr, count: len), as: UTF8.self)
  }
}

extension bh_bytes {
  @inlinable
  init(_ bytes: UnsafeRawBufferPointer) {
    self.init(ptr: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), len: bytes.count)
  }

  @inlinable
  var buffer: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: ptr, count: len) }
}

/// Collects what a service writes through a `bh_writer`.
final class ByteCollector {
  var bytes: [UInt8] = []

  static let write: bh_writer = { sink, bytes, count in
    guard let sink else { return bh_rc(BH_E_INVALID) }
    if let bytes, count > 0 {
      Unmanaged<ByteCollector>.fromOpaque(sink).takeUnretainedValue().bytes
        .append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: count))
    }
    return bh_rc(BH_OK)
  }

  /// What `body` wrote, or the failure that it returned.
  static func collect(
    _ what: @autoclosure () -> String, _ body: (bh_writer, UnsafeMutableRawPointer) -> bh_rc
  ) throws(PluginError) -> [UInt8] {
    let collector = ByteCollector()
    let rc = withExtendedLifetime(collector) { body(write, Unmanaged.passUnretained(collector).toOpaque()) }
    try PluginError.check(rc, what())
    return collector.bytes
  }
}
