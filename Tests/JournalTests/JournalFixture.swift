import BotHost
import Foundation
import Synchronization

/// A data directory that goes away with the test.
final class TestDirectory {
  let path: String

  init() {
    path = FileManager.default.temporaryDirectory.path + "/bothost-test-" + UUID().uuidString
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  var database: String { path + "/bothost.db" }
}

/// A clock that a test turns.
final class TestClock: HostClock {
  private let time = Atomic<Int64>(1_000_000_000_000)

  var monotonic: Int64 { time.load(ordering: .relaxed) }
  var unix: Int64 { time.load(ordering: .relaxed) }
  func advance(_ nanoseconds: Int64) { time.add(nanoseconds, ordering: .relaxed) }
}

extension Journal {
  func append(_ topic: JournalTopic, _ text: String, consumers: [JournalConsumer]? = nil) throws -> Int64 {
    try Array(text.utf8).withUnsafeBytes { try append(topic, time: 0, consumers: consumers, record: $0) }
  }

  func settle(_ consumer: JournalConsumer, _ positions: Int64...) throws {
    let transaction = JournalTransaction()
    for position in positions { transaction.settle(consumer, position: position) }
    _ = try commit(transaction)
  }
}

extension JournalTransaction {
  func append(_ topic: JournalTopic, _ text: String, consumers: [JournalConsumer]? = nil) {
    Array(text.utf8).withUnsafeBytes { append(topic, time: 0, consumers: consumers, record: $0) }
  }

  func put(
    _ store: KeyValueStore, _ key: String, _ value: String, expected: UInt64? = nil, lifetime: UInt64 = 0
  ) throws {
    try Array(key.utf8).withUnsafeBytes { key in
      try Array(value.utf8).withUnsafeBytes {
        try put(store, key: key, value: $0, expected: expected, lifetime: lifetime)
      }
    }
  }
}

extension KeyValueStore {
  func get(_ key: String) throws -> KeyValueEntry? { try Array(key.utf8).withUnsafeBytes { try get($0) } }

  @discardableResult
  func put(_ key: String, _ value: String, expected: UInt64? = nil, lifetime: UInt64 = 0) throws -> UInt64 {
    try Array(key.utf8).withUnsafeBytes { key in
      try Array(value.utf8).withUnsafeBytes { try put(key, $0, expected: expected, lifetime: lifetime) }
    }
  }

  func remove(_ key: String) throws { try Array(key.utf8).withUnsafeBytes { try remove($0) } }

  func text(_ key: String) throws -> String? { try get(key).map { String(decoding: $0.value, as: UTF8.self) } }

  func keys(_ prefix: String, after: String = "", limit: Int = 256) throws -> [String] {
    try scan(prefix: Array(prefix.utf8), after: Array(after.utf8), limit: limit)
      .map { String(decoding: $0.key, as: UTF8.self) }
  }
}

extension [JournalRecord] {
  var texts: [String] { map { String(decoding: $0.bytes, as: UTF8.self) } }
}

/// The kind of the journal error that `body` throws; nil when it throws none.
func failure(_ body: () throws -> Void) -> JournalError.Kind? {
  do {
    try body()
    return nil
  } catch {
    return (error as? JournalError)?.kind
  }
}
