import FoundationEssentials

/// Where what was accepted is kept over restarts and swaps: a store of keys and values, whose writes are on disk when they return.
public protocol JobStore {
  func value(_ key: String) throws -> [UInt8]?
  func put(_ key: String, _ value: [UInt8], expiresAfter: Duration?) throws
  func remove(_ key: String) throws
  /// The entries whose keys begin so, in the order of their keys.
  func entries(prefix: String) throws -> [(key: String, value: [UInt8])]
}

extension JobStore {
  func decoded<Value: Decodable>(_ type: Value.Type = Value.self, _ key: String) throws -> Value? {
    // An entry that cannot be read was written by another version; it counts as none.
    try value(key).flatMap { try? JSONDecoder().decode(type, from: Data($0)) }
  }

  func put(_ key: String, _ value: some Encodable, expiresAfter: Duration? = nil) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    try put(key, Array(try encoder.encode(value)), expiresAfter: expiresAfter)
  }
}
