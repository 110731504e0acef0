import BotPluginKit
import UpdaterJobs

/// The instance's key-value state, as the queue sees it.
struct HostStore: JobStore {
  let kv: KeyValueStore

  func value(_ key: String) throws -> [UInt8]? { try kv.entry(key)?.value }

  func put(_ key: String, _ value: [UInt8], expiresAfter: Duration?) throws {
    try value.withUnsafeBytes { try kv.put(key, bytes: $0, expiresAfter: expiresAfter) }
  }

  func remove(_ key: String) throws { try kv.remove(key) }

  func entries(prefix: String) throws -> [(key: String, value: [UInt8])] {
    try kv.entries(prefix: prefix).map { ($0.key, $0.value) }
  }
}
