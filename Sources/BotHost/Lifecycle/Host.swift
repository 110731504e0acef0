import CBotHost
import Glibc
import Synchronization

/// A plugin host: everything that one `bothost` process runs.
///
/// Plugins and bots that fail are reported and left out; `start` throws only for what makes a host impossible (a data directory in
/// use, a damaged journal). All operations may be called from any thread and run one at a time.
public final class Host: @unchecked Sendable {
  public let options: HostOptions
  public let log: HostLog
  public let metrics = Metrics()
  let clock: any HostClock

  /// Held while an operation changes instances; what follows is changed only under it.
  private let operations = Monitor()
  private var parts: Parts?
  private var catalog = PluginCatalog()
  private var watchers: [DirectoryWatcher] = []
  private var control: ControlServer?
  private(set) var bots: [RunningBot] = []
  /// Compiled units of bots.
  let units: UnitCache
  private let standardOutput = StandardOutput()
  private var isStopping = false
  private let ending = Atomic<Bool>(false)
  public private(set) var startedAt: Int64 = 0

  /// The instances in the order in which they were planned.
  private let table = Mutex<[PluginInstance]>([])

  /// What exists between `start` and `stop`.
  struct Parts {
    let bus: Bus
    let journal: BusJournal
    let network: Network
    let states: StateBoard
    let services: HostServices
    let tools: InstanceOperations
    let reaper: Reaper
    let supervisor: Supervisor
    let run: RunDirectory
  }

  public init(_ options: HostOptions, log: HostLog, clock: any HostClock = SystemClock()) {
    self.options = options
    self.log = log
    self.clock = clock
    units = UnitCache(directory: options.dataDirectory + "/cache")
  }

  // MARK: Looking

  public var instances: [PluginInstance] { table.withLock { $0 } }

  public func instance(_ name: String) -> PluginInstance? { instances.first { $0.name == name } }

  /// The bots as `ps` shows them.
  var botDescriptions: [JSONValue] {
    operations.withLock { bots }.map { bot in
      let statistics = bot.endpoint.statistics()
      return .object([
        "name": .string(bot.bot.program.name), "plugin": .string("(bot)"), "state": .string("running"),
        "handled": .int(Int64(clamping: statistics.delivered)), "failed": .int(Int64(clamping: statistics.failed)),
        "dead": .int(Int64(clamping: statistics.dead)), "queued": .int(Int64(clamping: statistics.depth)),
        "in_flight": .int(Int64(clamping: statistics.inFlight)), "generation": .int(Int64(bot.version)),
        "hash": .string(bot.bot.program.tree.hash),
      ])
    }
  }

  var running: Parts? { operations.withLock { parts } }

  /// Whether `stop` has been called.
  var isEnding: Bool { ending.load(ordering: .acquiring) }

  // MARK: Start

  public func start() throws {
    let began = clock.monotonic
    try operations.withLock { try startAll() }
    let names = instances
    let up = names.count { $0.state == .running }
    var fields = [("plugins", "\(up)"), ("bots", "\(bots.count)"), ("ms", "\((clock.monotonic - began) / 1_000_000)")]
    if let socket = options.controlSocket { fields.append(("control", socket)) }
    let failed = names.count - up
    if failed > 0 { fields.append(("not running", "\(failed)")) }
    log.notice("host", "ready", fields)
  }

  private func startAll() throws {
    startedAt = clock.unix
    catalog = PluginCatalog(directories: options.pluginDirectories)
    let plan = HostPlan(options: options, catalog: catalog, cache: units)
    for finding in plan.diagnostics.sorted() { report(finding, plan.sources) }

    let parts = try makeParts(durable: plan.durableTopics)
    self.parts = parts
    parts.reaper.start()
    parts.supervisor.start()
    parts.bus.start()

    var prepared: [PluginInstance] = []
    let planned = plan.instances.compactMap { add($0, parts) }
    for (instance, loaded) in zip(planned, parts.tools.load(planned)) {
      do {
        try parts.tools.install(try loaded.get(), in: instance)
        prepared.append(instance)
      } catch { failed(instance, error, parts) }
    }
    for bot in plan.bots {
      for secret in bot.secrets { secret.reveal { _ = log.masks.add($0) } }
      guard let build = plan.builds[bot.program.name] else { continue }
      do {
        bots.append(try RunningBot(bot, build, on: parts.bus, states: parts.states, standardOutput: standardOutput))
      } catch {
        log.error("host", "the bot \(bot.program.name) cannot run: \(error)")
      }
    }
    // Everyone who handles events is on the bus by now, and nobody is let go yet: what the last process left undone comes first.
    do {
      let count = try parts.bus.replay()
      if count > 0 {
        log.notice("host", "events that were not settled when the host last ended come back", [("count", "\(count)")])
      }
    } catch { log.error("host", "the journal cannot be replayed: \(error)") }
    for bot in bots { bot.open() }
    for instance in prepared {
      do { try parts.tools.open(instance) } catch { failed(instance, error, parts) }
    }
    try startControl()
    if options.watch { startWatching() }
    keepUnits(Array(plan.builds.values))
  }

  private func makeParts(durable: [TopicPattern]) throws -> Parts {
    let run = try RunDirectory(below: options.dataDirectory + "/run")
    let journal = try BusJournal(journal: Journal(directory: options.dataDirectory, clock: clock, log: log), log: log)
    let network = try Network(clock: clock)
    let services = HostServices(
      journal: journal.journal, network: network, metrics: metrics, dataDirectory: options.dataDirectory)
    var busOptions = BusOptions()
    busOptions.durableTopics = durable
    busOptions.durableLog = journal
    busOptions.deadLetters = journal
    busOptions.report = { [log] report in report.write(to: log) }
    let bus = Bus(busOptions, clock: clock)
    let reaper = Reaper(clock: clock)
    let loader = GenerationLoader(
      staging: ImageStaging(run: run), registry: ImageRegistry(),
      probe: options.probe ? ImageProbe(memory: options.dataDirectory + "/probed") : nil,
      clock: clock)
    let tools = InstanceOperations(loader: loader, reaper: reaper, bus: bus, services: services, clock: clock, log: log)
    let supervisor = Supervisor(clock: clock) { [weak self] name in self?.startAgain(name) }
    return Parts(
      bus: bus, journal: journal, network: network, states: try StateBoard(catalog.manifests, on: bus),
      services: services, tools: tools, reaper: reaper,
      supervisor: supervisor,
      run: run)
  }

  /// Makes an instance and its place on the bus.
  func add(_ planned: HostPlan.Instance, _ parts: Parts) -> PluginInstance? {
    do {
      let endpoint = try parts.bus.addEndpoint(name: planned.name, lane: LaneOptions(policy: planned.lane))
      let instance = PluginInstance(
        name: planned.name, source: planned.source, resolved: planned.resolved, overrides: planned.overrides,
        restart: planned.restart, endpoint: endpoint, log: log, clock: clock, services: parts.services)
      for (_, secret) in planned.resolved.secrets { secret.reveal { _ = log.masks.add($0) } }
      parts.services.register(instance: planned.name, plugin: planned.source.manifest.plugin)
      table.withLock { $0.append(instance) }
      observe(instance)
      return instance
    } catch {
      log.error(planned.name, "cannot be put on the bus: \(error)")
      return nil
    }
  }

  /// Notes a failed start and plans the next one, if the manifest wants one.
  func failed(_ instance: PluginInstance, _ error: any Error, _ parts: Parts) {
    let reason = (error as? LifecycleFailure).map { "\($0.step): \($0.reason)" } ?? "\(error)"
    let now = clock.monotonic
    // What a file is not it will not be in a second: only another file, and an operator who says so, can help.
    let isLasting = (error as? LifecycleFailure)?.isLasting ?? false
    if instance.manifest.restart.policy != .never, !isLasting, !isStopping,
      let delay = instance.restarts.delayAfterFailure(at: now)
    {
      instance.state = .waiting(until: now + delay, reason: reason)
      parts.supervisor.schedule(instance.name, at: now + delay)
      log.error(instance.name, "\(reason); trying again in \(Self.words(delay))")
    } else {
      instance.state = .failed(reason: reason)
      log.error(instance.name, "\(reason); it stays down until `bothost start \(instance.name)`")
    }
    parts.tools.announce("sys.plugin.failed", instance, [("reason", .string(reason))])
  }

  private func startAgain(_ name: String) {
    operations.withLock {
      guard let parts, !isStopping, let instance = instance(name), instance.generation == nil else { return }
      instance.restartCount += 1
      do { try parts.tools.start(instance) } catch { failed(instance, error, parts) }
    }
  }

  /// Takes an instance out: it is stopped, and nobody knows its name any more.
  func remove(_ instance: PluginInstance, _ parts: Parts) {
    parts.supervisor.forget(instance.name)
    parts.tools.stop(instance)
    table.withLock { $0.removeAll { $0 === instance } }
    parts.bus.remove(instance.endpoint, timeout: 0, queued: .deadLetter)
    parts.services.unregister(instance: instance.name)
  }

  // MARK: Stop

  /// Finishes what has begun and ends everything, in the opposite order of the start. Once.
  public func stop() {
    ending.store(true, ordering: .releasing)
    control?.stop()
    for watcher in watchers { watcher.stop() }
    operations.withLock {
      isStopping = true
      guard let parts else { return }
      parts.supervisor.stop()
      parts.reaper.processEnds()
      // First nothing new from outside, then a while for what is inside to run through, then one after the other.
      parts.network.pauseReading()
      parts.bus.waitUntilIdle(timeout: 5_000_000_000, clock: clock)
      for instance in instances.reversed() where instance.generation != nil { parts.tools.stop(instance) }
      for bot in bots { bot.close(on: parts.bus) }
      _ = parts.reaper.settle(timeout: 5_000_000_000)
      parts.reaper.stop()
      if !parts.bus.stop(timeout: 2_000_000_000) {
        log.warning("host", "a handler did not return; the host ends without it")
      }
      parts.network.stop(timeout: 2_000_000_000)
      parts.journal.journal.close()
      parts.run.remove()
      if options.removesDataDirectory { FileTree.remove(options.dataDirectory) }
      self.parts = nil
    }
    log.notice("host", "stopped")
    log.flush()
  }

  /// Runs an operation: one at a time, and only while the host runs.
  func operate<Result>(_ body: (Parts) throws -> Result) throws -> Result {
    try operations.withLock {
      guard let parts, !isStopping else { throw NotRunning() }
      return try body(parts)
    }
  }

  private static func words(_ nanoseconds: Int64) -> String {
    nanoseconds < 1_000_000_000 ? "\(nanoseconds / 1_000_000) ms" : "\(nanoseconds / 1_000_000_000) s"
  }

  private func startControl() throws {
    guard let path = options.controlSocket else { return }
    let server = try ControlServer(path: path, handler: HostControl(self), log: log)
    try server.start()
    control = server
  }

  private func startWatching() {
    let files = (options.bots + [options.configurationFile].compactMap { $0 }).map { PluginDirectory.directory(of: $0) }
    for directory in Set(options.pluginDirectories + files).sorted() {
      do {
        watchers.append(
          try DirectoryWatcher(directory: directory) { [weak self] names in self?.changed(names, in: directory) })
      } catch { log.error("host", "\(error)") }
    }
  }

  /// Swaps what a changed file belongs to, or starts it when it had failed.
  private func changed(_ names: Set<String>, in directory: String) {
    for instance in instances {
      let files = [instance.source.path, instance.source.library].map { path in
        path.hasPrefix(directory + "/") ? String(path.dropFirst(directory.count + 1)) : path
      }
      guard files.contains(where: names.contains) else { continue }
      do {
        // A library that was put there is meant, whatever is in it.
        if instance.state == .running, names.contains(files[1]) {
          try swapInstance(instance.name)
        } else {
          try renewInstance(instance.name)
        }
      } catch { log.error(instance.name, "not \(instance.state == .running ? "swapped" : "started"): \(error)") }
    }
    let isOfYAML = names.contains { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }
    if isOfYAML, HostFiles(options, PluginCatalog(directories: options.pluginDirectories)).lies(in: directory, names) {
      reloadInstances()
    }
    let isOfBots = options.bots.contains { PluginDirectory.directory(of: $0) == directory }
    if isOfBots, isOfYAML { reloadBots() }
  }

  /// What was found in a file; for people with the line and a caret below it.
  func report(_ finding: Diagnostic, _ sources: [SourceText]) {
    let level: LogLevel =
      switch finding.severity {
      case .error: .error
      case .warning: .warning
      case .note: .info
      }
    log.write(level, source: "host", finding.description)
    guard log.isText else { return }
    let source = sources.first { $0.name == finding.location?.file }
    for line in finding.rendered(source: source).split(separator: "\n").dropFirst() {
      log.write(level, source: "host", String(line))
    }
  }
}
