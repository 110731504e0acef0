/// Operations on the journal, one after the other in one piece of memory, so that queueing one costs a copy and nothing
/// else.
///
/// Used by one thread at a time.
final class OperationBuffer: @unchecked Sendable {
  enum Kind {
    static let append: UInt32 = 1
    static let settle: UInt32 = 2
    static let seek: UInt32 = 3
    static let put: UInt32 = 4
    static let remove: UInt32 = 5
    static let rare: UInt32 = 6
  }

  /// What each operation begins with; `first` and `second` bytes follow, filled up to a multiple of eight.
  ///
  ///     append  a: topic, b: time; first: the record
  ///     settle  a: consumer, b: position
  ///     seek    a: consumer, b: position
  ///     put     a: instance, b: expected revision, c: expiry; first: key, second: value
  ///     remove  a: instance; first: key
  ///     rare    a: index of the operation in the list beside the buffer
  struct Header {
    var kind: UInt32
    /// Which result of its unit this operation gives (append: the position, put: the revision).
    var slot: UInt32 = 0
    var first: UInt32 = 0
    var second: UInt32 = 0
    var a: Int64
    var b: Int64 = 0
    var c: Int64 = 0

    var size: Int { (MemoryLayout<Header>.size + Int(first) + Int(second) + 7) & ~7 }
  }

  private(set) var base: UnsafeMutableRawPointer
  private var capacity: Int
  private(set) var count = 0

  /// A buffer that had to grow beyond this gives its memory back when it is emptied.
  private static let keptCapacity = 8 << 20

  init(capacity: Int = 4096) {
    self.capacity = capacity
    base = .allocate(byteCount: capacity, alignment: 16)
  }

  deinit { base.deallocate() }

  func removeAll() {
    count = 0
    if capacity > Self.keptCapacity {
      base.deallocate()
      capacity = 4096
      base = .allocate(byteCount: capacity, alignment: 16)
    }
  }

  func append(
    _ header: Header, _ first: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
    _ second: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
  ) {
    let size = header.size
    reserve(size)
    let place = base + count
    place.storeBytes(of: header, as: Header.self)
    let body = place + MemoryLayout<Header>.size
    if let source = first.baseAddress { body.copyMemory(from: source, byteCount: first.count) }
    if let source = second.baseAddress { (body + first.count).copyMemory(from: source, byteCount: second.count) }
    count += size
  }

  func append(contentsOf other: OperationBuffer) {
    reserve(other.count)
    (base + count).copyMemory(from: other.base, byteCount: other.count)
    count += other.count
  }

  private func reserve(_ more: Int) {
    guard capacity - count < more else { return }
    let wanted = max(capacity * 2, count + more)
    let larger = UnsafeMutableRawPointer.allocate(byteCount: wanted, alignment: 16)
    larger.copyMemory(from: base, byteCount: count)
    base.deallocate()
    base = larger
    capacity = wanted
  }

  @inline(__always)
  func header(at offset: Int) -> Header { (base + offset).load(as: Header.self) }

  @inline(__always)
  func first(_ header: Header, at offset: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base + offset + MemoryLayout<Header>.size, count: Int(header.first))
  }

  @inline(__always)
  func second(_ header: Header, at offset: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(
      start: base + offset + MemoryLayout<Header>.size + Int(header.first), count: Int(header.second))
  }
}
