import Glibc
import Synchronization

/// A topic's name and number, for the life of the bus.
struct TopicRecord {
  let name: UnsafePointer<UInt8>
  let length: Int
  let hash: UInt64
  let index: Int
  /// Events on it are journaled. Written under the routes' lock, together with a new route table.
  var isDurable: Bool

  var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: name, count: length) }
  var text: String { String(decoding: bytes, as: UTF8.self) }
}

typealias TopicPointer = UnsafeMutablePointer<TopicRecord>

/// Names that have been seen, found without a lock and never forgotten. Bounded, because names may come from outside.
final class TopicTable: @unchecked Sendable {
  static let maximumTopics = 1 << 16

  /// Slots of an open-addressed table, twice as many as there can be topics; a slot is written once.
  private static let slots = maximumTopics * 2
  private let table: UnsafeMutablePointer<Atomic<UInt>>
  private let records: UnsafeMutablePointer<TopicPointer?>
  private let published = Atomic<Int>(0)
  private let lock = Mutex(())

  init() {
    table = ZeroedMemory.map(Self.slots)
    records = ZeroedMemory.map(Self.maximumTopics)
  }

  deinit {
    for index in 0..<published.load(ordering: .acquiring) {
      if let record = records[index] {
        UnsafeMutablePointer(mutating: record.pointee.name).deallocate()
        record.deallocate()
      }
    }
    ZeroedMemory.unmap(table, Self.slots)
    ZeroedMemory.unmap(records, Self.maximumTopics)
  }

  var count: Int { published.load(ordering: .acquiring) }

  @inline(__always)
  subscript(index: Int) -> TopicPointer? {
    guard index >= 0, index < published.load(ordering: .acquiring) else { return nil }
    return records[index]
  }

  /// The topic of that name, if there is one.
  @inline(__always)
  func find(_ name: UnsafeBufferPointer<UInt8>) -> TopicPointer? { find(name, Self.hash(name)) }

  @inline(__always)
  private func find(_ name: UnsafeBufferPointer<UInt8>, _ hash: UInt64) -> TopicPointer? {
    var slot = Int(truncatingIfNeeded: hash) & (Self.slots - 1)
    while true {
      let bits = table[slot].load(ordering: .acquiring)
      guard let record = TopicPointer(bitPattern: bits) else { return nil }
      if record.pointee.hash == hash, record.pointee.length == name.count,
        let bytes = name.baseAddress, memcmp(record.pointee.name, bytes, name.count) == 0
      {
        return record
      }
      slot = (slot + 1) & (Self.slots - 1)
    }
  }

  /// The topic of that name, made if need be. Nil: no valid name, or too many topics.
  func intern(_ name: UnsafeBufferPointer<UInt8>, isDurable: (UnsafeBufferPointer<UInt8>) -> Bool) -> TopicPointer? {
    let hash = Self.hash(name)
    if let record = find(name, hash) { return record }
    guard TopicPattern.isTopic(name) else { return nil }
    let address: UInt = lock.withLock { _ in
      if let record = find(name, hash) { return UInt(bitPattern: record) }
      let index = published.load(ordering: .relaxed)
      guard index < Self.maximumTopics, let source = name.baseAddress else { return 0 }
      let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: name.count)
      copy.initialize(from: source, count: name.count)
      let record = TopicPointer.allocate(capacity: 1)
      record.initialize(
        to: TopicRecord(
          name: UnsafePointer(copy), length: name.count, hash: hash, index: index, isDurable: isDurable(name)))
      records[index] = record
      published.store(index + 1, ordering: .releasing)
      var slot = Int(truncatingIfNeeded: hash) & (Self.slots - 1)
      while table[slot].load(ordering: .relaxed) != 0 { slot = (slot + 1) & (Self.slots - 1) }
      table[slot].store(UInt(bitPattern: record), ordering: .releasing)
      return UInt(bitPattern: record)
    }
    return TopicPointer(bitPattern: address)
  }

  @inline(__always)
  static func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 { hash(UnsafeRawBufferPointer(bytes)) }

  /// Eight bytes a step, multiplied and folded. Keys come from outside, so the seed is the process's own.
  @inline(__always)
  static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    guard let base = bytes.baseAddress else { return seed }
    var hash = seed ^ UInt64(truncatingIfNeeded: bytes.count)
    var offset = 0
    while offset &+ 8 <= bytes.count {
      hash = mix(hash ^ base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      offset &+= 8
    }
    var last: UInt64 = 0
    while offset < bytes.count {
      last = last << 8 | UInt64(base.load(fromByteOffset: offset, as: UInt8.self))
      offset &+= 1
    }
    return mix(hash ^ last)
  }

  @inline(__always)
  private static func mix(_ value: UInt64) -> UInt64 {
    let product = value.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
    return product.high ^ product.low
  }

  private static let seed = UInt64.random(in: .min ... .max)
}

/// Names of instances: equal names have equal pointers, and none is ever freed.
enum SourceNames {
  private struct Names: @unchecked Sendable { var known: [String: UnsafeBufferPointer<UInt8>] = [:] }
  private static let names = Mutex(Names())

  static func intern(_ name: String) -> UnsafeBufferPointer<UInt8> {
    names.withLock { names in
      if let known = names.known[name] { return known }
      let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, name.utf8.count))
      _ = copy.initialize(from: name.utf8)
      let text = UnsafeBufferPointer(start: UnsafePointer(copy.baseAddress), count: name.utf8.count)
      names.known[name] = text
      return text
    }
  }
}
