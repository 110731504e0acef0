import CBotHost

/// The instance's key-value state, which outlives restarts and swaps. From ``Host/kv``.
///
/// Keys have at most 512 bytes, values 16 MiB. Writes are on disk when the call returns, or, bound to a delivery
/// by `effectOf:`, when that is acknowledged; a conflict then makes the acknowledgement fail, and the delivery is
/// tried again.
public struct KeyValueStore: Sendable {
  let host: Host

  /// What the store must hold for a write to happen.
  public enum Expectation: Sendable {
    /// Whatever there is.
    case any
    /// There must be no entry.
    case none
    /// The entry must be the one that was read with this revision.
    case revision(UInt64)

    var abi: UInt64 {
      switch self {
      case .any: .max
      case .none: 0
      case .revision(let revision): revision
      }
    }
  }

  /// One entry.
  public struct Entry<Value> {
    public let key: String
    public let value: Value
    /// Grows with each write.
    public let revision: UInt64
  }

  /// The bytes of an entry; nil when there is none, or it has expired.
  public func entry(_ key: some TextBytes) throws(PluginError) -> Entry<[UInt8]>? {
    let table = try host.require(host.keyValueTable, BH_KV)
    var revision: UInt64 = 0
    let name = key.withTextBytes { String(decoding: $0, as: UTF8.self) }
    do {
      let bytes = try ByteCollector.collect("read key \(name)") { writer, sink in
        key.withABIText { table.pointee.get(host.pointer, $0, &revision, writer, sink) }
      }
      return Entry(key: name, value: bytes, revision: revision)
    } catch {
      if error.code == .notFound { return nil }
      throw error
    }
  }

  /// An entry whose value is JSON.
  public func entry<Value: Decodable>(_ key: some TextBytes, as type: Value.Type) throws(PluginError) -> Entry<Value>? {
    guard let entry = try entry(key) else { return nil }
    return Entry(key: entry.key, value: try Self.decode(type, entry.value, entry.key), revision: entry.revision)
  }

  /// A value that is JSON; nil when there is none.
  public func value<Value: Decodable>(
    _ key: some TextBytes, as type: Value.Type = Value.self
  ) throws(PluginError) -> Value? {
    try entry(key, as: type)?.value
  }

  /// Writes a value as JSON.
  ///
  /// - Throws: `conflict` when the entry is not the expected one, `noSpace` beyond the manifest's quota.
  public func put(
    _ key: some TextBytes, _ value: some Encodable, expecting: Expectation = .any, expiresAfter: Duration? = nil,
    effectOf delivery: DeliveryToken = .none
  ) throws(PluginError) {
    try JSONCoding.withJSON(of: value) { bytes in
      Result { () throws(PluginError) in
        try put(key, bytes: bytes, expecting: expecting, expiresAfter: expiresAfter, effectOf: delivery)
      }
    }.get()
  }

  /// Writes bytes.
  public func put(
    _ key: some TextBytes, bytes: UnsafeRawBufferPointer, expecting: Expectation = .any,
    expiresAfter: Duration? = nil, effectOf delivery: DeliveryToken = .none
  ) throws(PluginError) {
    let table = try host.require(host.keyValueTable, BH_KV)
    let rc = key.withABIText {
      table.pointee.put(
        host.pointer, delivery.rawValue, $0, bh_bytes(bytes), expecting.abi, expiresAfter?.abiNanoseconds ?? 0)
    }
    try PluginError.check(rc, "write key \(key.withTextBytes { String(decoding: $0, as: UTF8.self) })")
  }

  /// Removes an entry, if there is one.
  public func remove(_ key: some TextBytes, effectOf delivery: DeliveryToken = .none) throws(PluginError) {
    let table = try host.require(host.keyValueTable, BH_KV)
    let rc = key.withABIText { table.pointee.remove(host.pointer, delivery.rawValue, $0) }
    try PluginError.check(rc, "remove key \(key.withTextBytes { String(decoding: $0, as: UTF8.self) })")
  }

  /// The entries whose keys start with `prefix` and come after `after`, in order of the keys' bytes.
  /// - Parameter limit: how many at most; 0: all.
  public func entries(
    prefix: String = "", after: String = "", limit: UInt32 = 0
  ) throws(PluginError) -> [Entry<[UInt8]>] {
    var entries: [Entry<[UInt8]>] = []
    try scan(prefix: prefix, after: after, limit: limit) { key, value, revision in
      entries.append(Entry(key: key.string, value: Array(value), revision: revision))
      return true
    }
    return entries
  }

  /// The same with values that are JSON.
  public func entries<Value: Decodable>(
    as type: Value.Type, prefix: String = "", after: String = "", limit: UInt32 = 0
  ) throws(PluginError) -> [Entry<Value>] {
    var typed: [Entry<Value>] = []
    for entry in try entries(prefix: prefix, after: after, limit: limit) {
      typed.append(
        Entry(key: entry.key, value: try Self.decode(type, entry.value, entry.key), revision: entry.revision))
    }
    return typed
  }

  /// Looks at entries in place, without copying them. `body` returns whether to go on; it must not write to the
  /// store.
  public func scan(
    prefix: String = "", after: String = "", limit: UInt32 = 0,
    _ body: (BorrowedText, UnsafeRawBufferPointer, UInt64) -> Bool
  ) throws(PluginError) {
    let table = try host.require(host.keyValueTable, BH_KV)
    var stopped = false
    let rc = withoutActuallyEscaping(body) { body in
      var visit: (bh_str, bh_bytes, UInt64) -> bh_rc = { key, value, revision in
        if body(BorrowedText(key), value.buffer, revision) { return bh_rc(BH_OK) }
        stopped = true
        return bh_rc(BH_E_CANCELLED)
      }
      return withUnsafeMutablePointer(to: &visit) { visit in
        prefix.withABIText { prefix in
          after.withABIText { after in
            table.pointee.scan(
              host.pointer, prefix, after, limit,
              { context, key, value, revision in
                context?.assumingMemoryBound(to: ((bh_str, bh_bytes, UInt64) -> bh_rc).self)
                  .pointee(key, value, revision) ?? bh_rc(BH_E_INVALID)
              }, UnsafeMutableRawPointer(visit))
          }
        }
      }
    }
    if !stopped { try PluginError.check(rc, "scan keys \(prefix)*") }
  }

  private static func decode<Value: Decodable>(
    _ type: Value.Type, _ bytes: [UInt8], _ key: String
  ) throws(PluginError) -> Value {
    do {
      return try bytes.withUnsafeBytes {
        try JSONCoding.decode(type, from: $0, "the value of key \(key)", code: .invalid)
      }
    } catch { throw PluginError(error, otherwise: .invalid) }
  }
}

extension Host {
  /// The instance's key-value state. Reading is permitted in `init`.
  public var kv: KeyValueStore { KeyValueStore(host: self) }
}
