import CBotHost
import Glibc

/// The host's side of the ABI: the core table and the interfaces behind `query`. Constants for the life of the process.
enum HostTable {
  /// What `create` gets.
  nonisolated(unsafe) static let api: UnsafePointer<bh_host_api> = constant(
    bh_host_api(
      size: UInt32(MemoryLayout<bh_host_api>.size), abi_minor: UInt32(BH_ABI_MINOR), log: log, set_error: setError,
      query: query, ack: ack, nack: nack, publish: publish, topic: topic, config_get: configGet, field: field,
      retain: retain, release: release, reply: reply, now: now, wanted: wanted, ending: ending, on_end: onEnd))

  /// Memory for a table that is never given back.
  static func constant<Table>(_ table: Table) -> UnsafePointer<Table> {
    let memory = UnsafeMutablePointer<Table>.allocate(capacity: 1)
    memory.initialize(to: table)
    return UnsafePointer(memory)
  }

  nonisolated(unsafe) private static let interfaces: [String: UnsafeRawPointer] = [
    BH_KV: UnsafeRawPointer(KeyValueService.table), BH_RPC: UnsafeRawPointer(CallService.table),
    BH_TIMER: UnsafeRawPointer(TimerService.table), BH_SECRET: UnsafeRawPointer(SecretService.table),
    BH_METRIC: UnsafeRawPointer(MetricService.table), BH_NET: UnsafeRawPointer(NetService.table),
    BH_THREAD: UnsafeRawPointer(ThreadService.table), BH_TRACE: UnsafeRawPointer(TraceService.table),
    BH_HOOK: UnsafeRawPointer(HookService.table), BH_EXTENSION: UnsafeRawPointer(ExtensionService.table),
  ]

  private static let log: @convention(c) (OpaquePointer?, Int32, bh_str, UnsafePointer<bh_header>?, UInt32) -> Void = {
    host, level, message, fields, count in
    _ = withHost(host) { host in
      let level = LogLevel(rawValue: min(max(level, BH_LOG_ERROR.signed), BH_LOG_DEBUG.signed)) ?? .info
      guard host.instance.log.accepts(level) else { return bh_rc(BH_OK) }
      var pairs: [(String, String)] = []
      if let fields {
        for index in 0..<Int(min(count, 32)) { pairs.append((fields[index].name.string, fields[index].value.string)) }
      }
      let text = UnsafeRawBufferPointer(rebasing: message.bytes.prefix(16 << 10))
      host.instance.log.write(level, source: host.instance.name, message: text, fields: pairs)
      return bh_rc(BH_OK)
    }
  }

  private static let setError: @convention(c) (OpaquePointer?, bh_rc, bh_str) -> Void = { _, code, message in
    CallMessage.set(code, message.bytes)
    PluginThreads.note(code, message)
  }

  private static let query: @convention(c) (OpaquePointer?, bh_str, UInt32) -> UnsafeRawPointer? = {
    _, name, version in
    guard version <= 1, name.len <= 64 else { return nil }
    return interfaces[name.string]
  }

  private static let ack: @convention(c) (OpaquePointer?, bh_token) -> bh_rc = { host, delivery in
    withHost(host) { $0.endpoint.ack(delivery, generation: $0.generation) }
  }

  private static let nack: @convention(c) (OpaquePointer?, bh_token, bh_rc, UInt64, bh_str) -> bh_rc = {
    host, delivery, why, after, message in
    withHost(host) {
      $0.endpoint.nack(delivery, why: why, retryAfter: after, message: message, generation: $0.generation)
    }
  }

  private static let publish: @convention(c) (OpaquePointer?, bh_token, UnsafePointer<bh_outgoing>?) -> bh_rc = {
    host, delivery, event in
    withHost(host) { host in
      guard let event else { return bh_rc(BH_E_INVALID) }
      let permitted = host.effects
      guard permitted == BH_OK else { return permitted }
      return host.endpoint.publish(delivery, event, generation: host.generation)
    }
  }

  private static let topic: @convention(c) (OpaquePointer?, bh_str) -> UInt64 = { host, name in
    withHost(host, otherwise: 0) { $0.endpoint.topic(name) }
  }

  private static let configGet: @convention(c) (OpaquePointer?, bh_str, bh_writer?, UnsafeMutableRawPointer?) -> bh_rc =
    {
      host, pointer, writer, sink in
      withHost(host) { host in
        let pointer = pointer.string
        guard let value = host.withSettings({ $0.resolved.json.value(at: pointer) }) else { return bh_rc(BH_E_STALE) }
        guard let value else {
          return host.refuse(BH_E_NOTFOUND, "the configuration of \(host.instance.name) has nothing at '\(pointer)'")
        }
        return write(value.serialized(), to: writer, sink)
      }
    }

  private static let field:
    @convention(c) (OpaquePointer?, UnsafePointer<bh_event>?, bh_str, UnsafeMutablePointer<bh_value>?) -> bh_rc = {
      _, event, pointer, out in
      guard let event, let out else { return bh_rc(BH_E_INVALID) }
      return Endpoint.field(event, pointer: pointer, out)
    }

  private static let retain:
    @convention(c) (OpaquePointer?, UnsafePointer<bh_event>?, UnsafeMutablePointer<UnsafePointer<bh_event>?>?) -> bh_rc =
      {
        host, event, kept in
        withHost(host) { host in
          guard let event, let kept else { return bh_rc(BH_E_INVALID) }
          return host.endpoint.retain(event, kept, generation: host.generation)
        }
      }

  private static let release: @convention(c) (OpaquePointer?, UnsafePointer<bh_event>?) -> Void = { host, event in
    guard let event else { return }
    _ = withHost(host) { host in
      host.endpoint.release(event)
      return bh_rc(BH_OK)
    }
  }

  private static let reply: @convention(c) (OpaquePointer?, bh_token, bh_rc, bh_bytes) -> bh_rc = {
    host, call, rc, result in
    withHost(host) { $0.endpoint.reply(call, rc: rc, result: result, generation: $0.generation) }
  }

  private static let now: @convention(c) (OpaquePointer?, UInt32) -> Int64 = { host, clock in
    withHost(host, otherwise: 0) { host in
      clock == UInt32(BH_CLOCK_UNIX) ? host.instance.clock.unix : host.instance.clock.monotonic
    }
  }

  private static let wanted: @convention(c) (OpaquePointer?, UInt64) -> Int32 = { host, topic in
    withHost(host, otherwise: 1) { $0.endpoint.isWanted(topic) ? 1 : 0 }
  }

  private static let onEnd: @convention(c) (OpaquePointer?, bh_token, bh_ended?, UnsafeMutableRawPointer?) -> bh_rc = {
    host, delivery, ended, context in
    withHost(host) { host in
      guard let ended else { return bh_rc(BH_E_INVALID) }
      return host.endpoint.onEnd(delivery, ended, context: context, generation: host.generation)
    }
  }

  private static let ending: @convention(c) (OpaquePointer?) -> UInt32 = { host in
    withHost(host, otherwise: HostHandle.Ending.stop.rawValue) { $0.ending.rawValue }
  }
}

extension Int {
  /// The header's constants come as Int; the ABI's levels are 32 bits wide.
  var signed: Int32 { Int32(truncatingIfNeeded: self) }
}
