import CBotHost
import Synchronization

/// One running (or waiting, or failed) instance of a plugin: its name, its place on the bus, and the generation that serves it now.
///
/// What changes over its life is changed by the host's operations only, one at a time (`Host.operations`); the values that calls
/// from plugins read are behind a lock of their own.
public final class PluginInstance: @unchecked Sendable {
  public let name: String
  let endpoint: Endpoint
  let log: HostLog
  let clock: any HostClock
  let services: HostServices

  fileprivate struct Settings {
    var manifest: Manifest
    var configuration: JSONValue
    var secrets: [String: Secret]
    var calls: [TopicPattern]
  }

  private let settings: Mutex<Settings>
  private let stateStore = Mutex<InstanceState>(.stopped)

  /// The generation that serves events. Read and written by operations only.
  var generation: Generation?
  /// The number that the next generation gets.
  var nextGeneration: UInt32 = 1
  /// Images that are retired and still mapped, with the reason.
  private let pinnedStore = Mutex<[(generation: UInt32, reasons: [String])]>([])
  var startedAt: Int64 = 0
  var restarts: RestartSchedule
  var restartCount = 0
  /// Where the manifest and the library were read from.
  var source: PluginSource
  /// What was set over the manifest's configuration, so that a swap can resolve it again. Written by operations only.
  var overrides: ConfigurationOverrides

  init(
    name: String, source: PluginSource, resolved: ResolvedConfiguration, overrides: ConfigurationOverrides,
    restart: RestartPolicy, endpoint: Endpoint, log: HostLog, clock: any HostClock, services: HostServices
  ) {
    self.name = name
    self.source = source
    self.overrides = overrides
    self.endpoint = endpoint
    self.log = log
    self.clock = clock
    self.services = services
    let manifest = source.manifest
    manifestBytes = Mutex(source.manifestText)
    settings = Mutex(
      Settings(
        manifest: manifest, configuration: resolved.json, secrets: resolved.secrets,
        calls: manifest.permissions.call))
    restarts = RestartSchedule(restart)
  }

  public var state: InstanceState {
    get { stateStore.withLock { $0 } }
    set { stateStore.withLock { $0 = newValue } }
  }

  public var manifest: Manifest { settings.withLock { $0.manifest } }

  /// Defaults applied; secrets stand there as `{"$secret": name}`.
  var configuration: JSONValue { settings.withLock { $0.configuration } }

  /// Notes an image that stays mapped; called by the reaper.
  func notePinned(_ generation: UInt32, _ reasons: [String]) {
    pinnedStore.withLock { $0.append((generation, reasons)) }
  }

  var pinned: [(generation: UInt32, reasons: [String])] { pinnedStore.withLock { $0 } }

  /// What the present generation was configured with.
  var resolvedNow: ResolvedConfiguration {
    settings.withLock { ResolvedConfiguration(json: $0.configuration, secrets: $0.secrets) }
  }

  /// The manifest and what it has been resolved to.
  struct Adopted {
    fileprivate var settings: Settings
    fileprivate var manifestText: [UInt8]
  }

  /// What `adopt` needs to put the present settings back.
  var settingsNow: Adopted {
    Adopted(settings: settings.withLock { $0 }, manifestText: manifestBytes.withLock { $0 })
  }

  /// Takes over a changed manifest, whose text is given too, and its configuration, as one step for all readers.
  func adopt(_ manifest: Manifest, _ resolved: ResolvedConfiguration, text: [UInt8]) {
    adopt(
      Adopted(
        settings: Settings(
          manifest: manifest, configuration: resolved.json, secrets: resolved.secrets, calls: manifest.permissions.call),
        manifestText: text))
  }

  func adopt(_ adopted: Adopted) {
    manifestBytes.withLock { $0 = adopted.manifestText }
    settings.withLock { $0 = adopted.settings }
  }

  /// Has what runs, or the next start when nothing does, be what was planned.
  func takeOver(_ planned: HostPlan.Instance) {
    source = planned.source
    overrides = planned.overrides
    restarts = RestartSchedule(planned.restart)
    adopt(planned.source.manifest, planned.resolved, text: planned.source.manifestText)
  }

  /// What it is now, as a plan of which it would come.
  var planned: HostPlan.Instance {
    HostPlan.Instance(
      name: name, source: source, overrides: overrides, resolved: resolvedNow, lane: manifest.lane,
      restart: manifest.restart)
  }

  /// Whether `permissions: call` covers a method. Patterns name plugins, so that they hold under any instance name; the
  /// instance's own methods are always permitted.
  func mayCall(_ method: UnsafeRawBufferPointer) -> Bool {
    guard method.count <= 1024 else { return false }
    let method = String(decoding: method, as: UTF8.self)
    if method.hasPrefix(name + ".") { return true }
    let patterns = settings.withLock { $0.calls }
    if patterns.contains(where: { $0.matches(method) }) { return true }
    guard let byPlugin = services.pluginQualified(method) else { return false }
    return patterns.contains { $0.matches(byPlugin) }
  }

  /// The instance's part of the journal.
  func store() throws -> KeyValueStore {
    if let store = storeCache.withLock({ $0 }) { return store }
    let store = try services.journal.store(of: name, quota: Int64(clamping: manifest.permissions.kvBytes.bytes))
    storeCache.withLock { $0 = store }
    return store
  }

  private let storeCache = Mutex<KeyValueStore?>(nil)

  /// Whether what runs is this library under this manifest, whose configuration may be another one.
  func runs(_ source: PluginSource) throws -> Bool {
    guard let running = generation else { return false }
    let bytes = try FileBytes.read(source.library, limit: ImageStaging.maximumSize)
    guard bytes.withUnsafeBytes({ ImageDigest(of: $0) }) == running.image.staged.digest else { return false }
    return PluginSource.differsInConfigurationOnly(manifestBytes.withLock { $0 }, source.manifestText)
  }

  /// The manifest's bytes as they were read, to see whether the file has changed.
  private let manifestBytes: Mutex<[UInt8]>

  /// The directory of the instance's own.
  var dataDirectory: String { services.dataDirectory + "/instances/" + name }
}
