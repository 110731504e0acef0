import CBotHost
import Synchronization

/// One running (or waiting, or failed) instance of a plugin: its name, its place on the bus, and the generation that serves it now.
///
/// What changes over its life is changed by the host's operations only, one at a time for each instance (`operations`); anybody may read
/// it meanwhile.
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

  /// Held while an operation changes the instance.
  let operations = Monitor()
  /// Told of a thread of the plugin's that has failed: the generation, and what it said. Called on that thread.
  let threadFailed: @Sendable (UInt32, String) -> Void

  private struct Course {
    var generation: Generation?
    var nextGeneration: UInt32 = 1
    var startedAt: Int64 = 0
    var restart: RestartPolicy
    var restarts: RestartSchedule
    var lane: LanePolicy
    var restartCount = 0
    var source: PluginSource
    var overrides: ConfigurationOverrides
    var isByHand = false
    var isGone = false
    var probation: Probation?
    var refused: BuildIdentity?
    /// Images that are retired and still mapped, with the reason.
    var pinned: [(generation: UInt32, reasons: [String])] = []
  }

  private let course: Mutex<Course>

  init(
    name: String, source: PluginSource, resolved: ResolvedConfiguration, overrides: ConfigurationOverrides,
    restart: RestartPolicy, lane: LanePolicy, endpoint: Endpoint, log: HostLog, clock: any HostClock,
    services: HostServices,
    threadFailed: @escaping @Sendable (UInt32, String) -> Void = { _, _ in }
  ) {
    self.name = name
    self.threadFailed = threadFailed
    course = Mutex(
      Course(
        restart: restart, restarts: RestartSchedule(restart), lane: lane, source: source, overrides: overrides))
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
  }

  // MARK: Its course

  /// The generation that serves events.
  var generation: Generation? {
    get { course.withLock { $0.generation } }
    set { course.withLock { $0.generation = newValue } }
  }

  /// A number for the next generation.
  func takeNumber() -> UInt32 {
    course.withLock { course in
      defer { course.nextGeneration += 1 }
      return course.nextGeneration
    }
  }

  /// When the generation that serves began to; nanoseconds since 1970-01-01 UTC.
  var startedAt: Int64 {
    get { course.withLock { $0.startedAt } }
    set { course.withLock { $0.startedAt = newValue } }
  }

  /// How often it was started again after a failure.
  var restartCount: Int { course.withLock { $0.restartCount } }

  func countRestart() { course.withLock { $0.restartCount += 1 } }

  /// The wait before the next start after a failure now; nil: it stays down.
  func delayAfterFailure(at now: Int64) -> Int64? { course.withLock { $0.restarts.delayAfterFailure(at: now) } }

  /// When it is started again after a failure.
  var restart: RestartPolicy { course.withLock { $0.restart } }

  /// Has what manifest and operator say of the queue and of restarts count from now on, where it says something else than before. Within
  /// an operation on the instance.
  func follow(lane: LanePolicy, restart: RestartPolicy) {
    let before = course.withLock { course in
      let before = course
      course.restart = restart
      if before.restart != restart { course.restarts.follow(restart) }
      return before
    }
    if before.restart != restart {
      log.notice(
        name, "is started again by another policy",
        [("policy", restart.policy.rawValue), ("backoff", "\(restart.backoff)"), ("limit", "\(restart.limit)")])
    }
    guard before.lane != lane else { return }
    guard endpoint.setBounds(LaneOptions(policy: lane), timeout: 1_000_000_000) else {
      return log.warning(name, "`lane:` is as before: a handler has not returned within a second; reload again")
    }
    course.withLock { $0.lane = lane }
    log.notice(
      name, "its lane has other bounds",
      [("events", "\(lane.events)"), ("bytes", "\(lane.bytes)"), ("full", lane.full.rawValue)])
    if before.lane.isInline != lane.isInline {
      log.warning(name, "`lane: {inline: \(lane.isInline)}` counts from the next start of the host")
    }
  }

  /// Where the manifest and the library were read from.
  var source: PluginSource {
    get { course.withLock { $0.source } }
    set { course.withLock { $0.source = newValue } }
  }

  /// What was set over the manifest's configuration, so that a swap can resolve it again.
  var overrides: ConfigurationOverrides {
    get { course.withLock { $0.overrides } }
    set { course.withLock { $0.overrides = newValue } }
  }

  /// An operator has asked for it; it is not there because of what the files say, and stays when they say nothing of it.
  var isByHand: Bool {
    get { course.withLock { $0.isByHand } }
    set { course.withLock { $0.isByHand = newValue } }
  }

  /// The host has taken it out; whoever has waited for it finds nothing to do.
  var isGone: Bool {
    get { course.withLock { $0.isGone } }
    set { course.withLock { $0.isGone = newValue } }
  }

  /// What the build that serves now has still to prove; nil: nothing.
  var probation: Probation? {
    get { course.withLock { $0.probation } }
    set {
      // The library that is kept goes with it, and not under the lock.
      let before = course.withLock { course in
        defer { course.probation = newValue }
        return course.probation
      }
      before?.end.keep(.cutShort)
    }
  }

  /// The probation that is under way, looked at now (CLOCK_MONOTONIC, nanoseconds).
  func lookAtProbation(at time: Int64) -> Probation? {
    course.withLock { course in
      course.probation?.look(at: time)
      return course.probation
    }
  }

  /// Ends the probation of a generation, unless it has ended. Whoever gets it decides what comes next.
  func endProbation(of generation: UInt32) -> Probation? {
    course.withLock { course in
      guard course.probation?.generation == generation else { return nil }
      defer { course.probation = nil }
      return course.probation
    }
  }

  /// The build that failed its probation: only an operator tries it again.
  var refused: BuildIdentity? {
    get { course.withLock { $0.refused } }
    set { course.withLock { $0.refused = newValue } }
  }

  /// Where it is in its life. Any thread; by the time it is read it may be another one.
  public var state: InstanceState {
    get { stateStore.withLock { $0 } }
    set { stateStore.withLock { $0 = newValue } }
  }

  /// That of the generation that runs, or that was planned last.
  public var manifest: Manifest { settings.withLock { $0.manifest } }

  /// Defaults applied; secrets stand there as `{"$secret": name}`.
  var configuration: JSONValue { settings.withLock { $0.configuration } }

  /// Notes an image that stays mapped; called by the reaper.
  func notePinned(_ generation: UInt32, _ reasons: [String]) {
    course.withLock { $0.pinned.append((generation, reasons)) }
  }

  var pinned: [(generation: UInt32, reasons: [String])] { course.withLock { $0.pinned } }

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
    course.withLock { course in
      course.source = planned.source
      course.overrides = planned.overrides
      course.restarts = RestartSchedule(course.restart)
    }
    adopt(planned.source.manifest, planned.resolved, text: planned.source.manifestText)
    follow(lane: planned.lane, restart: planned.restart)
  }

  /// What it is now, as a plan of which it would come.
  var planned: HostPlan.Instance {
    HostPlan.Instance(
      name: name, source: source, overrides: overrides, resolved: resolvedNow, lane: course.withLock { $0.lane },
      restart: restart)
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

  /// Whether what runs is this library under this manifest, which may say other things of what can change while it runs.
  func runs(_ source: PluginSource) throws -> Bool {
    guard let running = generation, try source.digest == running.image.staged.digest else { return false }
    return PluginSource.differsInSettingsOnly(manifestBytes.withLock { $0 }, source.manifestText)
  }

  /// The text of the manifest that counts.
  var manifestText: [UInt8] { manifestBytes.withLock { $0 } }

  /// The manifest's bytes as they were read, to see whether the file has changed.
  private let manifestBytes: Mutex<[UInt8]>

  /// The directory of the instance's own.
  var dataDirectory: String { services.dataDirectory + "/instances/" + name }
}
