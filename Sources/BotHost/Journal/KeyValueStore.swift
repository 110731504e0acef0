import CBotHost
import Synchronization

/// One entry of a store.
public struct KeyValueEntry: Sendable, Hashable {
  public let key: [UInt8]
  public let value: [UInt8]
  public let revision: UInt64
}

/// The state of one plugin instance: what `bh.kv` offers. Entries have revisions that never repeat, and may expire.
///
/// Thread-safe. What is written is on disk when the call returns.
public final class KeyValueStore: Sendable {
  /// The bounds that `bothost.h` states.
  public static let maxKeyBytes = 512
  public static let maxValueBytes = 16 << 20
  /// Used when a manifest gives no `permissions.kv_bytes`.
  public static let defaultQuota: Int64 = 64 << 20

  let id: Int64
  public let instance: String
  private let journal: Journal

  init(id: Int64, instance: String, journal: Journal) {
    self.id = id
    self.instance = instance
    self.journal = journal
  }

  /// The entry, or nil when there is none or it has expired.
  public func get(_ key: UnsafeRawBufferPointer) throws(JournalError) -> KeyValueEntry? {
    try Self.check(key: key, value: UnsafeRawBufferPointer(start: nil, count: 0))
    let now = journal.now
    return try journal.readers.with { (reader) throws(JournalError) in try reader.entry(id, key, now: now) }
  }

  /// The entries whose keys begin with `prefix` and come after `after` (empty: from the first), in order of the keys' bytes: at
  /// most `limit`, and no more than about `maxBytes` of values, so go on after the last key until none comes.
  public func scan(
    prefix: [UInt8], after: [UInt8] = [], limit: Int = 256, maxBytes: Int = 4 << 20
  ) throws(JournalError) -> [KeyValueEntry] {
    let now = journal.now
    return try journal.readers.with { (reader) throws(JournalError) in
      try reader.entries(id, prefix: prefix, after: after, limit: limit, maxBytes: maxBytes, now: now)
    }
  }

  /// Writes an entry now and returns its revision. See `JournalTransaction.put`.
  @discardableResult
  public func put(
    _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, expected: UInt64? = nil, lifetime: UInt64 = 0
  ) throws(JournalError) -> UInt64 {
    let transaction = JournalTransaction()
    try transaction.put(self, key: key, value: value, expected: expected, lifetime: lifetime)
    return UInt64(bitPattern: try journal.commit(transaction)[0])
  }

  /// Removes an entry, if it is there.
  public func remove(_ key: UnsafeRawBufferPointer) throws(JournalError) {
    let transaction = JournalTransaction()
    try transaction.remove(self, key: key)
    _ = try journal.commit(transaction)
  }

  /// Bytes of all keys and values, which the quota bounds; expired entries count until they are removed.
  public func usedBytes() throws(JournalError) -> Int64 {
    let id = id
    return try journal.run { (tables) throws(JournalError) in tables.kv.used[id] ?? 0 }
  }

  func expiry(after lifetime: UInt64) -> Int64 {
    guard lifetime > 0 else { return 0 }
    let (time, overflow) = journal.now.addingReportingOverflow(Int64(clamping: lifetime))
    return overflow ? .max : time
  }

  static func check(key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) throws(JournalError) {
    guard (1...maxKeyBytes).contains(key.count) else {
      throw JournalError(.invalid, "a key has 1 to \(maxKeyBytes) bytes, this one has \(key.count)")
    }
    guard value.count <= maxValueBytes else {
      throw JournalError(.invalid, "a value has at most \(maxValueBytes) bytes, this one has \(value.count)")
    }
  }
}
