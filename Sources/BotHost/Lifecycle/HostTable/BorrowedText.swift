import CBotHost
import Glibc

/// The borrowed text and bytes of the ABI, seen from Swift.
extension bh_str {
  /// The bytes; valid as long as the borrow.
  @inline(__always)
  var bytes: UnsafeRawBufferPointer { borrowedBytes(ptr, len) }

  /// A copy as a String; bytes that are no UTF-8 become U+FFFD. Empty when there are more than anything is permitted to have.
  var string: String { bytes.count > 64 << 20 ? "" : String(decoding: bytes, as: UTF8.self) }
}

extension bh_bytes {
  /// The bytes; valid as long as the borrow.
  @inline(__always)
  var bytes: UnsafeRawBufferPointer { borrowedBytes(ptr, len) }

  /// A copy as a String; bytes that are no UTF-8 become U+FFFD. Empty when there are more than anything is permitted to have.
  var string: String { bytes.count > 64 << 20 ? "" : String(decoding: bytes, as: UTF8.self) }
}

/// What a plugin lends. NULL is empty, whatever the length says; a length beyond `Int.max` (-1, by mistake) counts as longer
/// than every bound, so that whoever checks his bound refuses it.
@inline(__always)
func borrowedBytes(_ start: UnsafeRawPointer?, _ length: Int) -> UnsafeRawBufferPointer {
  UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : length < 0 ? .max : length)
}

/// Calls `body` with the text borrowed for its duration.
func withBorrowed<Result>(_ text: String, _ body: (bh_str) throws -> Result) rethrows -> Result {
  var text = text
  return try text.withUTF8 { buffer in
    try buffer.withMemoryRebound(to: CChar.self) { try body(bh_str(ptr: $0.baseAddress, len: $0.count)) }
  }
}

/// Calls `body` with the bytes of the text borrowed for its duration.
func withBorrowedBytes<Result>(_ text: String, _ body: (bh_bytes) throws -> Result) rethrows -> Result {
  var text = text
  return try text.withUTF8 { try body(bh_bytes(ptr: $0.baseAddress, len: $0.count)) }
}

/// Hands a whole result to the sink that its receiver supplied.
func write(_ bytes: UnsafeRawBufferPointer, to writer: bh_writer?, _ sink: UnsafeMutableRawPointer?) -> bh_rc {
  guard let writer else { return bh_rc(BH_E_INVALID) }
  return writer(sink, bytes.baseAddress, bytes.count)
}

func write(_ text: String, to writer: bh_writer?, _ sink: UnsafeMutableRawPointer?) -> bh_rc {
  var text = text
  return text.withUTF8 { write(UnsafeRawBufferPointer($0), to: writer, sink) }
}

/// Text whose storage lives as long as the value, for structs of the ABI that outlive a scope.
final class StoredText: @unchecked Sendable {
  private let storage: UnsafeMutableBufferPointer<CChar>

  init(_ text: String) {
    storage = .allocate(capacity: text.utf8.count)
    _ = storage.initialize(from: text.utf8.lazy.map { CChar(bitPattern: $0) })
  }

  deinit { storage.deallocate() }

  /// Borrowed for as long as the value lives.
  var str: bh_str { bh_str(ptr: UnsafePointer(storage.baseAddress), len: storage.count) }
}

/// Collects what a plugin writes into a sink, up to a bound.
final class ByteSink {
  private(set) var bytes: [UInt8] = []
  /// Something was refused because the limit was reached.
  private(set) var isOverfull = false
  private let limit: Int

  init(limit: Int = 64 << 20) { self.limit = limit }

  /// The sink's two halves as the ABI wants them; valid while `body` runs.
  func receive<Result>(_ body: (bh_writer, UnsafeMutableRawPointer) -> Result) -> Result {
    let writer: bh_writer = { sink, bytes, count in
      guard let sink else { return bh_rc(BH_E_INVALID) }
      let collector = Unmanaged<ByteSink>.fromOpaque(sink).takeUnretainedValue()
      guard count <= collector.limit - collector.bytes.count else {
        collector.isOverfull = true
        return bh_rc(BH_E_NOSPACE)
      }
      guard count > 0 else { return bh_rc(BH_OK) }
      guard let bytes else { return bh_rc(BH_E_INVALID) }
      collector.bytes.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: count))
      return bh_rc(BH_OK)
    }
    return withExtendedLifetime(self) { body(writer, Unmanaged.passUnretained(self).toOpaque()) }
  }

  var text: String { String(decoding: bytes, as: UTF8.self) }
}
