import CBotHost
import Glibc
import Synchronization

/// What a `bh_host *` points to: the host as one generation of one plugin instance sees it.
///
/// Handles are never freed: a thread that a plugin forgot may still come back with the pointer, and then it must find an answer
/// (BH_E_STALE), not freed memory. There is one for each generation, some hundred bytes.
final class HostHandle: @unchecked Sendable {
  /// Where the generation is in its life, which decides what it may ask for.
  enum Phase: UInt8, Comparable {
    /// Created; nothing that others could see is permitted.
    case standby
    case active
    /// Quiesced: it may settle what is under way.
    case quiesced
    case gone

    static func < (left: Phase, right: Phase) -> Bool { left.rawValue < right.rawValue }
  }

  let instance: PluginInstance
  /// Kept alive by the instance's services; borrowed, since threads that record would meet at a count of references.
  let metrics: Unmanaged<Metrics>
  let endpoint: Endpoint
  let generation: UInt32
  let threads: PluginThreads
  let spans = SpanTable()
  /// What the generation runs with, which is not yet the instance's while it is being created for a swap; nil when it is gone.
  private let settings: Mutex<Settings?>
  private let phaseStore = Atomic<UInt8>(Phase.standby.rawValue)
  private let endingStore = Atomic<UInt32>(Ending.not.rawValue)

  /// Why a generation ends: `BH_ENDING_...`.
  enum Ending: UInt32 {
    case not = 0
    case stop
    case swap
    case restart
  }

  private static let all = Mutex<[HostHandle]>([])

  /// A generation's manifest and configuration.
  struct Settings {
    let manifest: Manifest
    let resolved: ResolvedConfiguration

    /// Whether the manifest names a secret.
    func declaresSecret(_ name: String) -> Bool {
      manifest.permissions.secrets.contains(name) || manifest.configKey(name)?.kind == .secret
    }
  }

  init(instance: PluginInstance, generation: UInt32, manifest: Manifest, resolved: ResolvedConfiguration) {
    self.instance = instance
    metrics = Unmanaged.passUnretained(instance.services.metrics)
    settings = Mutex(Settings(manifest: manifest, resolved: resolved))
    endpoint = instance.endpoint
    self.generation = generation
    threads = PluginThreads { instance.threadFailed(generation, $0) }
    Self.all.withLock { $0.append(self) }
  }

  var phase: Phase {
    get { Phase(rawValue: phaseStore.load(ordering: .acquiring)) ?? .gone }
    set {
      phaseStore.store(newValue.rawValue, ordering: .releasing)
      // Handles are kept, secrets are not.
      if newValue == .gone { settings.withLock { $0 = nil } }
    }
  }

  /// Set before `quiesce` and taken back before `resume`.
  var ending: Ending {
    get { Ending(rawValue: endingStore.load(ordering: .acquiring)) ?? .stop }
    set { endingStore.store(newValue.rawValue, ordering: .releasing) }
  }

  /// After a swap that was given up: everything is permitted again.
  func goOn() {
    ending = .not
    threads.reopen()
    phase = .active
  }

  /// Has the generation run with other settings; returns those before. None, when it is gone.
  func exchange(_ new: Settings?) -> Settings? {
    settings.withLock { settings in
      guard let before = settings else { return nil }
      settings = new
      return before
    }
  }

  /// Lends what the generation runs with; nil when it is gone.
  func withSettings<Result>(_ body: (Settings) -> Result) -> Result? {
    settings.withLock { $0 }.map(body)
  }

  /// The pointer that the plugin gets.
  var pointer: OpaquePointer { OpaquePointer(Unmanaged.passUnretained(self).toOpaque()) }

  /// BH_OK when effects are permitted now.
  @inline(__always)
  var effects: bh_rc {
    switch phase {
    case .active, .quiesced: bh_rc(BH_OK)
    case .standby: bh_rc(BH_E_DENIED)
    case .gone: bh_rc(BH_E_STALE)
    }
  }

  /// Refuses with a reason that the caller can show.
  func refuse(_ code: Int, _ reason: String) -> bh_rc {
    CallMessage.set(Int32(code), reason)
    return bh_rc(code)
  }
}

/// Enters the host for a call from a plugin. A NULL host is an argument error, not a crash.
@inline(__always)
func withHost(_ host: OpaquePointer?, _ body: (HostHandle) -> bh_rc) -> bh_rc {
  guard let host else { return bh_rc(BH_E_INVALID) }
  return Unmanaged<HostHandle>.fromOpaque(UnsafeRawPointer(host))._withUnsafeGuaranteedRef(body)
}

/// The same with another kind of result.
@inline(__always)
func withHost<Result>(_ host: OpaquePointer?, otherwise: Result, _ body: (HostHandle) -> Result) -> Result {
  guard let host else { return otherwise }
  return Unmanaged<HostHandle>.fromOpaque(UnsafeRawPointer(host))._withUnsafeGuaranteedRef(body)
}
