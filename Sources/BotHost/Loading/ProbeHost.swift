import CBotHost
import Glibc
import Synchronization

/// The host that a plugin sees in its trial: it answers what `create` may ask and does nothing. One for a process.
final class ProbeHost: @unchecked Sendable {
  private let config: JSONValue?
  private let error = Mutex("")
  private let denied = Atomic<Int>(0)
  private let tokens = Atomic<UInt64>(0)
  let api: UnsafeMutablePointer<bh_host_api>

  var lastError: String { error.withLock { $0 } }
  /// How often something was tried that is not permitted before `activate`.
  var deniedCalls: Int { denied.load(ordering: .relaxed) }
  var object: OpaquePointer { OpaquePointer(Unmanaged.passUnretained(self).toOpaque()) }

  init(config: String) {
    self.config = try? JSONValue(parsing: config)
    api = .allocate(capacity: 1)
    api.initialize(to: bh_host_api())
    fillCore()
  }

  private static func of(_ host: OpaquePointer?) -> ProbeHost? {
    host.map { Unmanaged<ProbeHost>.fromOpaque(UnsafeRawPointer($0)).takeUnretainedValue() }
  }

  private static func deny(_ host: OpaquePointer?) -> bh_rc {
    of(host)?.denied.wrappingAdd(1, ordering: .relaxed)
    return bh_rc(BH_E_DENIED)
  }

  private static func token(_ host: OpaquePointer?) -> UInt64 {
    of(host)?.tokens.wrappingAdd(1, ordering: .relaxed).newValue ?? 0
  }

  static func text(_ value: bh_str) -> String {
    guard let start = value.ptr, value.len > 0 else { return "" }
    return String(decoding: UnsafeRawBufferPointer(start: start, count: value.len), as: UTF8.self)
  }

  static func withText<Value>(_ text: String, _ body: (bh_str) -> Value) -> Value {
    var text = text
    return text.withUTF8 { utf8 in
      utf8.withMemoryRebound(to: CChar.self) { body(bh_str(ptr: $0.baseAddress, len: $0.count)) }
    }
  }

  /// The `bh_start` of a trial.
  func withStart(_ start: ImageProbe.Start, _ body: (UnsafePointer<bh_start>) -> bh_rc) -> bh_rc {
    Self.withText(start.instance) { instance in
      Self.withText(start.config) { config in
        Self.withText(start.dataDirectory) { directory in
          var value = bh_start()
          value.size = UInt32(MemoryLayout<bh_start>.size)
          value.flags = UInt32(BH_START_PROBE)
          value.instance = instance
          value.generation = 1
          value.config = bh_bytes(
            ptr: config.ptr.map { UnsafeRawPointer($0).assumingMemoryBound(to: UInt8.self) }, len: config.len)
          value.data_directory = directory
          return body(&value)
        }
      }
    }
  }

  private func fillCore() {
    api.pointee.size = UInt32(MemoryLayout<bh_host_api>.size)
    api.pointee.abi_minor = UInt32(BH_ABI_MINOR)
    api.pointee.log = { _, _, _, _, _ in }
    api.pointee.set_error = { host, _, message in
      let text = ProbeHost.text(message)
      ProbeHost.of(host)?.error.withLock { $0 = String(text.prefix(1000)) }
    }
    api.pointee.query = { _, name, version in version <= 1 ? ProbeInterfaces.table(ProbeHost.text(name)) : nil }
    api.pointee.ack = { _, _ in bh_rc(BH_E_STALE) }
    api.pointee.nack = { _, _, _, _, _ in bh_rc(BH_E_STALE) }
    api.pointee.publish = { host, _, _ in ProbeHost.deny(host) }
    api.pointee.topic = { host, name in name.len > 0 ? ProbeHost.token(host) : 0 }
    api.pointee.config_get = { host, pointer, writer, sink in
      guard let config = ProbeHost.of(host)?.config, let value = config.value(at: ProbeHost.text(pointer)) else {
        return bh_rc(BH_E_NOTFOUND)
      }
      return value.serializedBytes().withUnsafeBytes { writer?(sink, $0.baseAddress, $0.count) ?? bh_rc(BH_E_INVALID) }
    }
    api.pointee.field = { _, _, _, _ in bh_rc(BH_E_NOTFOUND) }
    api.pointee.retain = { _, _, _ in bh_rc(BH_E_INVALID) }
    api.pointee.release = { _, _ in }
    api.pointee.reply = { _, _, _, _ in bh_rc(BH_E_STALE) }
    api.pointee.now = { _, clock in
      clock == UInt32(BH_CLOCK_MONO) ? SystemClock().monotonic : SystemClock().unix
    }
    api.pointee.wanted = { _, _ in 1 }
    api.pointee.ending = { _ in UInt32(BH_ENDING_NOT) }
    api.pointee.on_end = { _, _, _, _ in bh_rc(BH_E_STALE) }
  }

  /// The interfaces of a trial, made once and never freed: a plugin may keep them until `destroy`.
  private enum ProbeInterfaces {
    static func table(_ name: String) -> UnsafeRawPointer? {
      switch name {
      case BH_KV: make(kv)
      case BH_RPC: make(rpc)
      case BH_TIMER: make(timer)
      case BH_SECRET: make(secret)
      case BH_METRIC: make(metric)
      case BH_NET: make(net)
      case BH_THREAD: make(thread)
      case BH_TRACE: make(trace)
      case BH_HOOK: make(hook)
      case BH_EXTENSION: make(manifestExtension)
      default: nil
      }
    }

    private static func make<Table>(_ table: Table) -> UnsafeRawPointer {
      let memory = UnsafeMutablePointer<Table>.allocate(capacity: 1)
      memory.initialize(to: table)
      return UnsafeRawPointer(memory)
    }

    private static var kv: bh_kv_v1 {
      var table = bh_kv_v1()
      table.size = UInt32(MemoryLayout<bh_kv_v1>.size)
      table.version = 1
      table.get = { _, _, _, _, _ in bh_rc(BH_E_NOTFOUND) }
      table.put = { host, _, _, _, _, _ in ProbeHost.deny(host) }
      table.remove = { host, _, _ in ProbeHost.deny(host) }
      table.scan = { _, _, _, _, _, _ in bh_rc(BH_OK) }
      return table
    }

    private static var rpc: bh_rpc_v1 {
      var table = bh_rpc_v1()
      table.size = UInt32(MemoryLayout<bh_rpc_v1>.size)
      table.version = 1
      table.call = { host, _, _, _, _, _, _, _ in ProbeHost.deny(host) }
      table.cancel = { _, _ in bh_rc(BH_E_STALE) }
      table.amend = { _, _, _ in bh_rc(BH_E_STALE) }
      table.pass = { _, _ in bh_rc(BH_E_STALE) }
      return table
    }

    private static var timer: bh_timer_v1 {
      var table = bh_timer_v1()
      table.size = UInt32(MemoryLayout<bh_timer_v1>.size)
      table.version = 1
      table.set = { host, _, _, _, _ in ProbeHost.deny(host) }
      table.cancel = { _, _ in bh_rc(BH_E_NOTFOUND) }
      return table
    }

    private static var secret: bh_secret_v1 {
      var table = bh_secret_v1()
      table.size = UInt32(MemoryLayout<bh_secret_v1>.size)
      table.version = 1
      // A trial gets no secrets.
      table.use = { host, _, _, _ in ProbeHost.deny(host) }
      return table
    }

    private static var metric: bh_metric_v1 {
      var table = bh_metric_v1()
      table.size = UInt32(MemoryLayout<bh_metric_v1>.size)
      table.version = 1
      table.define = { host, _, _, _, metric in
        metric?.pointee = ProbeHost.token(host)
        return bh_rc(BH_OK)
      }
      table.record = { _, _, _ in }
      return table
    }

    private static var net: bh_net_v1 {
      var table = bh_net_v1()
      table.size = UInt32(MemoryLayout<bh_net_v1>.size)
      table.version = 1
      table.dial = { host, _, _ in ProbeHost.deny(host) }
      table.write = { host, _, _, _ in ProbeHost.deny(host) }
      table.close = { _, _ in bh_rc(BH_E_NOTFOUND) }
      table.reconnect = { host, _, _ in ProbeHost.deny(host) }
      table.describe = { _, _, _, _ in bh_rc(BH_E_NOTFOUND) }
      table.listen = { _, _, _ in bh_rc(BH_E_UNSUPPORTED) }
      return table
    }

    private static var thread: bh_thread_v1 {
      var table = bh_thread_v1()
      table.size = UInt32(MemoryLayout<bh_thread_v1>.size)
      table.version = 1
      table.spawn = { host, _, _, _, _ in ProbeHost.deny(host) }
      table.should_stop = { _, _ in 1 }
      table.join = { _, _ in bh_rc(BH_E_NOTFOUND) }
      table.on_lane = { host, _, _ in ProbeHost.deny(host) }
      return table
    }

    private static var hook: bh_hook_v1 {
      var table = bh_hook_v1()
      table.size = UInt32(MemoryLayout<bh_hook_v1>.size)
      table.version = 1
      table.list = { _, _, writer, sink in
        Array("[]".utf8).withUnsafeBytes { writer?(sink, $0.baseAddress, $0.count) ?? bh_rc(BH_E_INVALID) }
      }
      table.revision = { _ in 0 }
      return table
    }

    private static var manifestExtension: bh_extension_v1 {
      var table = bh_extension_v1()
      table.size = UInt32(MemoryLayout<bh_extension_v1>.size)
      table.version = 1
      table.list = { _, writer, sink in
        Array("[]".utf8).withUnsafeBytes { writer?(sink, $0.baseAddress, $0.count) ?? bh_rc(BH_E_INVALID) }
      }
      table.revision = { _ in 0 }
      return table
    }

    private static var trace: bh_trace_v1 {
      var table = bh_trace_v1()
      table.size = UInt32(MemoryLayout<bh_trace_v1>.size)
      table.version = 1
      table.begin = { host, _, _, span in
        span?.pointee = ProbeHost.token(host)
        return bh_rc(BH_OK)
      }
      table.end = { _, _, _ in bh_rc(BH_OK) }
      return table
    }
  }
}

/// Collects what is written through a `bh_writer`.
final class ProbeSink {
  private(set) var bytes: [UInt8] = []
  private static let limit = 1 << 16

  var pointer: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

  static let write: @convention(c) (UnsafeMutableRawPointer?, UnsafeRawPointer?, Int) -> bh_rc = { sink, bytes, count in
    guard let sink, count == 0 || bytes != nil else { return bh_rc(BH_E_INVALID) }
    let this = Unmanaged<ProbeSink>.fromOpaque(sink).takeUnretainedValue()
    guard count >= 0, count <= limit - this.bytes.count else { return bh_rc(BH_E_NOSPACE) }
    this.bytes += UnsafeRawBufferPointer(start: bytes, count: count)
    return bh_rc(BH_OK)
  }
}
