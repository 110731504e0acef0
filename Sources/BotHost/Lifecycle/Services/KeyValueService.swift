import CBotHost

/// `bh.kv`: state that outlives restarts and swaps.
enum KeyValueService {
  nonisolated(unsafe) static let table = HostTable.constant(
    bh_kv_v1(size: UInt32(MemoryLayout<bh_kv_v1>.size), version: 1, get: get, put: put, remove: remove, scan: scan))

  /// Runs `body` with the instance's store; errors become their code and text.
  private static func withStore(_ host: HostHandle, _ body: (KeyValueStore) throws -> bh_rc) -> bh_rc {
    do { return try body(host.instance.store()) } catch let error as JournalError {
      return host.refuse(Int(error.rc), error.message)
    } catch { return host.refuse(BH_E_INTERNAL, "\(error)") }
  }

  private static let get:
    @convention(c) (OpaquePointer?, bh_str, UnsafeMutablePointer<UInt64>?, bh_writer?, UnsafeMutableRawPointer?) ->
      bh_rc = {
        host, key, revision, writer, sink in
        withHost(host) { host in
          withStore(host) { store in
            guard let entry = try store.get(key.bytes) else { return bh_rc(BH_E_NOTFOUND) }
            revision?.pointee = entry.revision
            return entry.value.withUnsafeBytes { write($0, to: writer, sink) }
          }
        }
      }

  private static let put: @convention(c) (OpaquePointer?, bh_token, bh_str, bh_bytes, UInt64, UInt64) -> bh_rc = {
    host, delivery, key, value, expected, lifetime in
    withHost(host) { host in
      let permitted = host.effects
      guard permitted == BH_OK else { return permitted }
      return withStore(host) { store in
        let wanted = expected == UInt64.max ? nil : expected
        guard delivery != 0 else {
          try store.put(key.bytes, value.bytes, expected: wanted, lifetime: lifetime)
          return bh_rc(BH_OK)
        }
        let operation = try KeyValueOperation(
          put: key.bytes, value: value.bytes, expected: wanted, lifetime: lifetime, in: store)
        return host.endpoint.stage(DurableEffect(operation), delivery: delivery, generation: host.generation)
      }
    }
  }

  private static let remove: @convention(c) (OpaquePointer?, bh_token, bh_str) -> bh_rc = { host, delivery, key in
    withHost(host) { host in
      let permitted = host.effects
      guard permitted == BH_OK else { return permitted }
      return withStore(host) { store in
        guard delivery != 0 else {
          try store.remove(key.bytes)
          return bh_rc(BH_OK)
        }
        let operation = try KeyValueOperation(remove: key.bytes, in: store)
        return host.endpoint.stage(DurableEffect(operation), delivery: delivery, generation: host.generation)
      }
    }
  }

  private static let scan:
    @convention(c) (OpaquePointer?, bh_str, bh_str, UInt32, bh_kv_entry?, UnsafeMutableRawPointer?) -> bh_rc = {
      host, prefix, after, limit, entry, context in
      withHost(host) { host in
        guard let entry, prefix.bytes.count <= 1024, after.bytes.count <= 1024 else { return bh_rc(BH_E_INVALID) }
        return withStore(host) { store in
          let prefix = Array(prefix.bytes)
          var last = Array(after.bytes)
          var left = limit == 0 ? Int.max : Int(limit)
          while left > 0 {
            let page = try store.scan(prefix: prefix, after: last, limit: min(left, 256))
            guard let final = page.last else { break }
            for found in page {
              let code = found.key.withUnsafeBytes { key in
                found.value.withUnsafeBufferPointer { value in
                  entry(
                    context,
                    bh_str(ptr: key.baseAddress?.assumingMemoryBound(to: CChar.self), len: key.count),
                    bh_bytes(ptr: value.baseAddress, len: value.count), found.revision)
                }
              }
              guard code == BH_OK else { return code }
            }
            left -= page.count
            last = final.key
          }
          return bh_rc(BH_OK)
        }
      }
    }
}
