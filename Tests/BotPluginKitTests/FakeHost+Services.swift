import CBotHost
import Foundation
import Synchronization

@testable import BotPluginKit

extension FakeHost {
  /// A constant copy of an interface's table, as `query` hands out.
  static func interface(_ name: String) -> UnsafeRawPointer? {
    switch name {
    case BH_KV: return UnsafeRawPointer(keyValue)
    case BH_RPC: return UnsafeRawPointer(rpc)
    case BH_TIMER: return UnsafeRawPointer(timer)
    case BH_SECRET: return UnsafeRawPointer(secret)
    case BH_METRIC: return UnsafeRawPointer(metric)
    case BH_NET: return UnsafeRawPointer(net)
    case BH_THREAD: return UnsafeRawPointer(thread)
    case BH_TRACE: return UnsafeRawPointer(trace)
    case BH_HOOK: return UnsafeRawPointer(hook)
    case BH_EXTENSION: return UnsafeRawPointer(manifestExtension)
    default: return nil
    }
  }

  private static func constant<Table>(_ table: Table) -> UnsafePointer<Table> {
    let memory = UnsafeMutablePointer<Table>.allocate(capacity: 1)
    memory.initialize(to: table)
    return UnsafePointer(memory)
  }

  nonisolated(unsafe) private static let keyValue = constant(
    bh_kv_v1(
      size: UInt32(MemoryLayout<bh_kv_v1>.size), version: 1,
      get: { host, key, revision, writer, sink in
        let key = text(key)
        guard let entry = FakeHost.at(host).state.withLock({ $0.store[key] }) else { return bh_rc(BH_E_NOTFOUND) }
        revision?.pointee = entry.revision
        return entry.value.withUnsafeBytes { writer!(sink, $0.baseAddress, $0.count) }
      },
      put: { host, delivery, key, value, expected, ttl in
        let key = text(key)
        let bytes = Array(value.buffer)
        return FakeHost.at(host).state.withLock { state in
          if expected != .max, expected != (state.store[key]?.revision ?? 0) { return bh_rc(BH_E_CONFLICT) }
          state.revision += 1
          state.store[key] = Stored(value: bytes, revision: state.revision, ttl: ttl, delivery: delivery)
          return 0
        }
      },
      remove: { host, _, key in
        let key = text(key)
        FakeHost.at(host).state.withLock { _ = $0.store.removeValue(forKey: key) }
        return 0
      },
      scan: { host, prefix, after, limit, entry, context in
        let (prefix, after) = (text(prefix), text(after))
        let store = FakeHost.at(host).state.withLock { $0.store }
        let keys = store.keys.filter { $0.hasPrefix(prefix) && $0 > after }.sorted()
        for key in keys.prefix(limit == 0 ? .max : Int(limit)) {
          guard let stored = store[key] else { continue }
          let rc = withText(key) { key in
            stored.value.withUnsafeBytes { entry!(context, key, bh_bytes($0), stored.revision) }
          }
          if rc != 0 { return rc }
        }
        return 0
      }))

  nonisolated(unsafe) private static let rpc = constant(
    bh_rpc_v1(
      size: UInt32(MemoryLayout<bh_rpc_v1>.size), version: 1,
      call: { host, cause, method, argument, timeout, done, context, token in
        let host = FakeHost.at(host)
        if let refusal = host.refusal("call") { return refusal }
        let (method, argument) = (text(method), text(argument))
        let number = host.state.withLock { UInt64(100 + $0.calls.count) }
        token?.pointee = number
        let call = PendingCall(
          token: number, method: method, argument: argument, timeout: timeout, cause: cause, done: done,
          context: context)
        host.state.withLock { $0.calls.append(call) }
        return 0
      },
      cancel: { host, token in
        FakeHost.at(host).state.withLock { $0.cancelled.append(token) }
        return 0
      },
      amend: { host, _, argument in
        let argument = text(argument)
        FakeHost.at(host).state.withLock { $0.amended.append(argument) }
        return 0
      },
      pass: { host, token in
        FakeHost.at(host).state.withLock { $0.passed.append(token) }
        return 0
      }))

  nonisolated(unsafe) private static let timer = constant(
    bh_timer_v1(
      size: UInt32(MemoryLayout<bh_timer_v1>.size), version: 1,
      set: { host, name, delay, period, payload in
        let (name, payload) = (text(name), text(payload))
        FakeHost.at(host).state.withLock { $0.timers[name] = (delay, period, payload) }
        return 0
      },
      cancel: { host, name in
        let name = text(name)
        return FakeHost.at(host).state.withLock {
          $0.timers.removeValue(forKey: name) == nil ? bh_rc(BH_E_NOTFOUND) : 0
        }
      }))

  nonisolated(unsafe) private static let secret = constant(
    bh_secret_v1(
      size: UInt32(MemoryLayout<bh_secret_v1>.size), version: 1,
      use: { host, name, use, context in
        guard let value = FakeHost.at(host).secrets[text(name)] else { return bh_rc(BH_E_NOTFOUND) }
        return withBytes(value) { use!(context, $0) }
      }))

  nonisolated(unsafe) private static let metric = constant(
    bh_metric_v1(
      size: UInt32(MemoryLayout<bh_metric_v1>.size), version: 1,
      define: { host, kind, name, _, metric in
        let name = text(name)
        metric?.pointee = FakeHost.at(host).state.withLock { state in
          state.metrics.append((kind, name, []))
          return UInt64(state.metrics.count)
        }
        return 0
      },
      record: { host, metric, value in
        FakeHost.at(host).state.withLock { $0.metrics[Int(metric) - 1].values.append(value) }
      }))

  nonisolated(unsafe) private static let net = constant(
    bh_net_v1(
      size: UInt32(MemoryLayout<bh_net_v1>.size), version: 1,
      dial: { host, spec, connection in
        let host = FakeHost.at(host)
        if let refusal = host.refusal("dial") { return refusal }
        let spec = spec!.pointee
        let name = "\(text(spec.name)) \(text(spec.host)):\(spec.port) \(text(spec.server_name)) \(spec.framing)"
        let flags = spec.flags
        host.state.withLock { $0.dialled[name] = flags }
        connection?.pointee = 7
        return 0
      },
      write: { host, delivery, connection, bytes in
        let line = "\(connection)/\(delivery) \(text(bytes))"
        FakeHost.at(host).state.withLock { $0.written.append(line) }
        return 0
      },
      close: { host, connection in
        FakeHost.at(host).state.withLock { $0.closed.append(connection) }
        return 0
      },
      reconnect: { host, _, delay in
        FakeHost.at(host).state.withLock { $0.reconnected.append(delay) }
        return 0
      },
      describe: { _, _, writer, sink in
        let status = """
          {"state":"open","host":"h","port":1,"tls":true,"peer":"1.2.3.4:1","since_ms":5,"bytes_in":6,"bytes_out":7,
          "unsent":8,"attempt":2}
          """
        return withBytes(status) { writer!(sink, $0.ptr, $0.len) }
      },
      listen: { _, _, _ in bh_rc(BH_E_UNSUPPORTED) }))

  nonisolated(unsafe) private static let thread = constant(
    bh_thread_v1(
      size: UInt32(MemoryLayout<bh_thread_v1>.size), version: 1,
      spawn: { host, _, run, context, thread in
        let start = ThreadContext(run: run!, context: context)
        var id = pthread_t()
        pthread_create(
          &id, nil,
          { argument in
            let start = Unmanaged<ThreadContext>.fromOpaque(argument!).takeRetainedValue()
            start.run(start.context)
            return nil
          }, Unmanaged.passRetained(start).toOpaque())
        let identifier = id
        FakeHost.at(host).state.withLock { $0.threads.append(identifier) }
        thread?.pointee = 55
        return 0
      },
      should_stop: { host, _ in FakeHost.at(host).state.withLock { $0.stopping } ? 1 : 0 },
      join: { host, _ in
        FakeHost.at(host).joinThreads()
        return 0
      },
      on_lane: { host, task, context in
        let host = FakeHost.at(host)
        if let refusal = host.refusal("on_lane") { return refusal }
        let task = LaneTask(run: task!, context: context)
        host.state.withLock { $0.lane.append(task) }
        return 0
      }))

  nonisolated(unsafe) private static let hook = constant(
    bh_hook_v1(
      size: UInt32(MemoryLayout<bh_hook_v1>.size), version: 1,
      list: { host, method, writer, sink in
        guard text(method) == "echo" else { return bh_rc(BH_E_NOTFOUND) }
        let list = """
          [{"instance":"a","priority":10,"timeout_ns":5,"match":{"/text":"x+"},"about":{"help":"says x"}},
           {"instance":"b","priority":0,"timeout_ns":6,"match":{},"about":null}]
          """
        return Array(list.utf8).withUnsafeBytes { writer!(sink, $0.baseAddress, $0.count) }
      },
      revision: { _ in 7 }))

  nonisolated(unsafe) private static let manifestExtension = constant(
    bh_extension_v1(
      size: UInt32(MemoryLayout<bh_extension_v1>.size), version: 1,
      list: { _, writer, sink in
        let list = """
          [{"instance":"a","plugin":"p","content":{"help":"says x"}},{"instance":"b","plugin":"b","content":null},
           {"instance":"c","plugin":"p","content":[1]}]
          """
        return Array(list.utf8).withUnsafeBytes { writer!(sink, $0.baseAddress, $0.count) }
      },
      revision: { _ in 8 }))

  nonisolated(unsafe) private static let trace = constant(
    bh_trace_v1(
      size: UInt32(MemoryLayout<bh_trace_v1>.size), version: 1,
      begin: { host, cause, name, span in
        let line = "begin \(text(name)) \(cause)"
        FakeHost.at(host).state.withLock { $0.spans.append(line) }
        span?.pointee = 3
        return 0
      },
      end: { host, span, outcome in
        FakeHost.at(host).state.withLock { $0.spans.append("end \(span) \(outcome)") }
        return 0
      }))
}

private final class ThreadContext {
  let run: bh_thread_main
  let context: UnsafeMutableRawPointer?
  init(run: @escaping bh_thread_main, context: UnsafeMutableRawPointer?) {
    self.run = run
    self.context = context
  }
}
