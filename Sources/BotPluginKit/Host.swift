import CBotHost
import Synchronization

/// The host, as one generation of one plugin instance sees it: everything that a plugin may ask for.
///
/// It may be kept and used on any thread from `init` until the plugin object is destroyed. After that every call
/// throws ``PluginError/Code/cancelled``. A service that this host does not have throws
/// ``PluginError/Code/unsupported``. In `init` (standby) only logging, the configuration, the clock, reading
/// state, metrics and ``topic(_:)`` are permitted; the rest throws ``PluginError/Code/denied`` until `activate`.
public final class Host: @unchecked Sendable {
  // Unchecked: the pointers are constants that the ABI lets every thread use, and `alive` is atomic.
  let pointer: OpaquePointer
  let table: UnsafePointer<bh_host_api>
  let alive = Atomic<Bool>(true)

  let keyValueTable: UnsafePointer<bh_kv_v1>?
  let callTable: UnsafePointer<bh_rpc_v1>?
  let timerTable: UnsafePointer<bh_timer_v1>?
  let secretTable: UnsafePointer<bh_secret_v1>?
  let metricTable: UnsafePointer<bh_metric_v1>?
  let networkTable: UnsafePointer<bh_net_v1>?
  let threadTable: UnsafePointer<bh_thread_v1>?
  let traceTable: UnsafePointer<bh_trace_v1>?
  let hookTable: UnsafePointer<bh_hook_v1>?
  let extensionTable: UnsafePointer<bh_extension_v1>?

  /// Payload memory that `publish` with a closure uses again; taken out by an exchange while in use.
  let spareBuffer = Atomic<UnsafeMutablePointer<JSONBuffer>?>(nil)
  /// The tasks of ``Delivery/task(_:)`` that have not ended.
  let tasks = Mutex<[UInt64: Task<Void, Never>]>([:])
  let nextTask = Atomic<UInt64>(1)

  /// The instance's name; the plugin's, unless it is started several times.
  public let instance: String
  /// 1, 2, … within the host process.
  public let generation: UInt64
  /// Why this generation starts.
  public let start: StartReason
  /// A directory of the instance's own, kept over restarts.
  public let dataDirectory: String

  /// Why a generation starts.
  public struct StartReason: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    /// The instance was not running.
    public static let fresh = StartReason(rawValue: UInt32(BH_START_FRESH))
    /// Another generation runs; its state follows.
    public static let swap = StartReason(rawValue: UInt32(BH_START_SWAP))
    /// With ``swap``: the generation that runs has failed after it had taken over, and the build before comes back.
    public static let rollback = StartReason(rawValue: UInt32(BH_START_ROLLBACK))
    /// A trial in a disposable process.
    public static let probe = StartReason(rawValue: UInt32(BH_START_PROBE))
  }

  /// Why a generation ends.
  public enum Ending: Sendable {
    /// It serves, or has not begun to.
    case not
    /// The instance is stopped, or the host ends; nobody comes after it for now.
    case stop
    /// Another generation is about to take over: what others see should stay as it is. The swap may still be given up.
    case swap
    /// It is stopped, and started again at once or, after a failure, in a while.
    case restart
  }

  /// Why this generation ends: from before `quiesce` until the plugin is destroyed, and ``Ending/not`` again from before `resume`.
  /// A host that cannot say (before version 1.1 of the ABI) says ``Ending/not``.
  public var ending: Ending {
    guard let core = try? core, Int(core.pointee.size) > Self.endingOffset, let ending = core.pointee.ending else {
      return .not
    }
    return switch Int(ending(pointer)) {
    case BH_ENDING_NOT: .not
    case BH_ENDING_SWAP: .swap
    case BH_ENDING_RESTART: .restart
    default: .stop
    }
  }

  private static let endingOffset = MemoryLayout<bh_host_api>.offset(of: \.ending) ?? .max

  init(pointer: OpaquePointer, table: UnsafePointer<bh_host_api>, start: bh_start) {
    self.pointer = pointer
    self.table = table
    instance = start.instance.string
    generation = start.generation
    self.start = StartReason(rawValue: start.flags)
    dataDirectory = start.data_directory.string

    func interface<Table>(_ name: String, _ type: Table.Type) -> UnsafePointer<Table>? {
      name.withABIText { table.pointee.query(pointer, $0, 1) }?.assumingMemoryBound(to: type)
    }
    keyValueTable = interface(BH_KV, bh_kv_v1.self)
    callTable = interface(BH_RPC, bh_rpc_v1.self)
    timerTable = interface(BH_TIMER, bh_timer_v1.self)
    secretTable = interface(BH_SECRET, bh_secret_v1.self)
    metricTable = interface(BH_METRIC, bh_metric_v1.self)
    networkTable = interface(BH_NET, bh_net_v1.self)
    threadTable = interface(BH_THREAD, bh_thread_v1.self)
    traceTable = interface(BH_TRACE, bh_trace_v1.self)
    hookTable = interface(BH_HOOK, bh_hook_v1.self)
    extensionTable = interface(BH_EXTENSION, bh_extension_v1.self)
  }

  deinit {
    if let spare = spareBuffer.exchange(nil, ordering: .acquiring) {
      spare.deinitialize(count: 1)
      spare.deallocate()
    }
  }

  /// The core table, while the host may still be called.
  @inline(__always)
  var core: UnsafePointer<bh_host_api> {
    get throws(PluginError) {
      guard alive.load(ordering: .relaxed) else { throw Self.gone }
      return table
    }
  }

  /// An optional interface, while the host may still be called.
  @inline(__always)
  func require<Table>(_ interface: UnsafePointer<Table>?, _ name: String) throws(PluginError) -> UnsafePointer<Table> {
    guard alive.load(ordering: .relaxed) else { throw Self.gone }
    guard let interface else { throw .unsupported("this host does not offer \(name)") }
    return interface
  }

  static let gone = PluginError(.cancelled, "this generation of the plugin has been destroyed")

  /// The plugin is gone: no call may reach the host any more, and what still runs is told so.
  func end() {
    alive.store(false, ordering: .releasing)
    let running = tasks.withLock { running in
      defer { running.removeAll() }
      return Array(running.values)
    }
    for task in running { task.cancel() }
  }

  // MARK: Clock and configuration

  /// CLOCK_MONOTONIC in nanoseconds, which deadlines are in. Tests can turn it, so use it instead of the C
  /// library's.
  public var monotonicTime: Int64 { (try? core)?.pointee.now(pointer, UInt32(BH_CLOCK_MONO)) ?? 0 }
  /// Nanoseconds since 1970-01-01 UTC.
  public var unixTime: Int64 { (try? core)?.pointee.now(pointer, UInt32(BH_CLOCK_UNIX)) ?? 0 }

  /// A part of the configuration, by JSON pointer (RFC 6901; empty for the whole).
  public func configuration<Value: Decodable>(
    at jsonPointer: String = "", as type: Value.Type = Value.self
  ) throws(PluginError) -> Value {
    let core = try core
    let what = "configuration \(jsonPointer)"
    let bytes = try ByteCollector.collect(what) { writer, sink in
      jsonPointer.withABIText { core.pointee.config_get(pointer, $0, writer, sink) }
    }
    return try decodeConfiguration(type, bytes, what)
  }

  func decodeConfiguration<Value: Decodable>(
    _ type: Value.Type, _ bytes: [UInt8], _ what: String
  ) throws(PluginError) -> Value {
    do {
      return try bytes.withUnsafeBytes { try JSONCoding.decode(type, from: $0, what, host: self, code: .invalid) }
    } catch { throw PluginError(error, otherwise: .invalid) }
  }

  // MARK: Log

  /// How much a line of the log matters.
  public enum LogLevel: Int32, Sendable {
    case error = 1
    case warning = 2
    /// What an operator wants to see once: connected, started, stopped.
    case notice = 3
    case info = 4
    case debug = 5
  }

  /// Writes a line to the host's log, under the instance's name. The host bounds the rate and masks secrets.
  public func log(_ level: LogLevel, _ message: String, _ fields: KeyValuePairs<String, String> = [:]) {
    guard let core = try? core else { return }
    withABIHeaders(fields.map { EventHeader($0.key, $0.value) }) { headers, count in
      message.withABIText { core.pointee.log(pointer, level.rawValue, $0, headers, count) }
    }
  }

  func setError(_ error: PluginError) {
    guard let core = try? core, !error.message.isEmpty else { return }
    error.message.withABIText { core.pointee.set_error(pointer, error.code.rawValue, $0) }
  }
}
