import CBotHost
import Glibc
import Synchronization

/// A plugin host: everything that one `bothost` process runs.
///
/// Plugins and bots that fail are reported and left out; `start` throws only for what makes a host impossible (a data directory in
/// use, a damaged journal). All operations may be called from any thread. Those on one instance run one at a time, and so do those that
/// change bots or which instances there are; what only looks waits for none of them.
public final class Host: @unchecked Sendable {
  public let options: HostOptions
  public let log: HostLog
  public let metrics = Metrics()
  let clock: any HostClock

  /// Held while bots, or which instances there are, change; see `restructure`.
  private let structure = Monitor()
  /// Guards what follows; never held for long.
  private let monitor = Monitor()
  private var parts: Parts?
  private var runningBots: [RunningBot] = []
  private var control: ControlServer?
  /// Operations that have begun.
  private var underway = 0

  // Of the thread that starts and stops the host.
  private var watchers: [DirectoryWatcher] = []
  /// Compiled units of bots.
  let units: UnitCache
  let standardOutput = StandardOutput()
  private let ending = Atomic<Bool>(false)
  /// Nanoseconds since 1970-01-01 UTC; 0: it has not started.
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
    let probations: ProbationWatch
    let run: RunDirectory
  }

  public init(_ options: HostOptions, log: HostLog, clock: any HostClock = SystemClock()) {
    self.options = options
    self.log = log
    self.clock = clock
    units = UnitCache(directory: options.dataDirectory + "/cache")
  }

  // MARK: Looking

  /// All of them, also those that do not run, in the order in which they start.
  public var instances: [PluginInstance] { table.withLock { $0 } }

  /// The instance of that name; nil when there is none.
  public func instance(_ name: String) -> PluginInstance? { instances.first { $0.name == name } }

  /// The bots as `ps` shows them.
  var botDescriptions: [JSONValue] {
    bots.map { bot in
      let statistics = bot.endpoint.statistics()
      return .object([
        "name": .string(bot.endpoint.name), "plugin": .string("(bot)"), "state": .string("running"),
        "handled": .int(Int64(clamping: statistics.delivered)), "failed": .int(Int64(clamping: statistics.failed)),
        "dead": .int(Int64(clamping: statistics.dead)), "queued": .int(Int64(clamping: statistics.depth)),
        "in_flight": .int(Int64(clamping: statistics.inFlight)), "generation": .int(Int64(bot.version)),
        "hash": .string(bot.bot.program.tree.hash),
      ])
    }
  }

  var running: Parts? { monitor.withLock { parts } }

  var bots: [RunningBot] { monitor.withLock { runningBots } }

  func add(_ bot: RunningBot) { monitor.withLock { runningBots.append(bot) } }

  func forget(_ bot: RunningBot) { monitor.withLock { runningBots.removeAll { $0 === bot } } }

  /// Whether `stop` has been called.
  var isEnding: Bool { ending.load(ordering: .acquiring) }

  // MARK: Start

  /// Starts everything that files and options say. Once.
  public func start() throws {
    let began = clock.monotonic
    try structure.withLock { try startAll() }
    let names = instances
    let up = names.count { $0.state == .running }
    var fields = [("plugins", "\(up)"), ("bots", "\(bots.count)"), ("ms", "\((clock.monotonic - began) / 1_000_000)")]
    if let socket = options.controlSocket { fields.append(("control", socket)) }
    // Whoever has ended the start knows that it is not.
    guard !isEnding else { return }
    let failed = names.count - up
    if failed > 0 { fields.append(("not running", "\(failed)")) }
    log.notice("host", "ready", fields)
  }

  private func startAll() throws {
    startedAt = clock.unix
    let catalog = PluginCatalog(directories: options.pluginDirectories)
    let plan = HostPlan(options: options, catalog: catalog, cache: units)
    for finding in plan.diagnostics.sorted() { report(finding, plan.sources) }

    let parts = try makeParts(catalog, durable: plan.durableTopics)
    monitor.withLock { self.parts = parts }
    parts.reaper.start()
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
        add(try RunningBot(bot, build, on: parts.bus, states: parts.states, standardOutput: standardOutput))
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
      instance.operations.withLock { isEnding ? parts.tools.release(instance) : bringUp(instance, parts) }
    }
    // Whoever has failed is started again from here on.
    parts.supervisor.start()
    parts.probations.start()
    try startControl()
    if options.watch { watchers = watchFiles() }
    keepUnits(Array(plan.builds.values))
  }

  private func makeParts(_ catalog: PluginCatalog, durable: [TopicPattern]) throws -> Parts {
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
    let supervisor = Supervisor(clock: clock) { [weak self] name in
      // A start that takes its time does not keep the others waiting.
      let host = self
      _ = HostThread(name: "restart") { host?.startAgain(name) }
    }
    return Parts(
      bus: bus, journal: journal, network: network, states: try StateBoard(catalog.manifests, on: bus),
      services: services, tools: tools, reaper: reaper,
      supervisor: supervisor,
      probations: ProbationWatch(clock: clock) { [weak self] in self?.lookAtProbations() ?? false },
      run: run)
  }

  /// Makes an instance and its place on the bus.
  func add(_ planned: HostPlan.Instance, _ parts: Parts) -> PluginInstance? {
    do {
      let endpoint = try parts.bus.addEndpoint(name: planned.name, lane: LaneOptions(policy: planned.lane))
      let instance = PluginInstance(
        name: planned.name, source: planned.source, resolved: planned.resolved, overrides: planned.overrides,
        restart: planned.restart, lane: planned.lane, endpoint: endpoint, log: log, clock: clock,
        services: parts.services,
        threadFailed: { [weak self, name = planned.name] generation, reason in
          let host = self
          _ = HostThread(name: "supervisor") { host?.threadFailed(name, generation, reason) }
        })
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

  /// Takes an instance out: nothing new reaches it, it finishes what it has, as long as its manifest lets it, and is stopped; and nobody
  /// knows its name any more.
  func remove(_ instance: PluginInstance, _ parts: Parts) {
    instance.operations.withLock {
      parts.supervisor.forget(instance.name)
      if instance.state == .running {
        instance.endpoint.withdraw()
        let drain = instance.manifest.swap.drain.nanoseconds
        _ = waitUntil(clock.monotonic + drain, clock) { instance.endpoint.isIdle }
      }
      parts.tools.stop(instance)
      instance.isGone = true
    }
    table.withLock { $0.removeAll { $0 === instance } }
    forgetNumbers(of: instance)
    parts.bus.remove(instance.endpoint, timeout: 0, queued: .deadLetter)
    parts.services.unregister(instance: instance.name)
  }

  // MARK: Stop

  /// Lets a start that is under way bring nothing more up; `stop` comes as soon as it has returned. Any thread.
  public func giveUpStart() { ending.store(true, ordering: .releasing) }

  /// Finishes what has begun and ends everything, in the opposite order of the start. Once.
  public func stop() {
    ending.store(true, ordering: .releasing)
    monitor.withLock { control }?.stop()
    for watcher in watchers { watcher.stop() }
    monitor.withLock { while underway > 0 { monitor.wait() } }
    structure.withLock {
      guard let parts = running else { return }
      parts.supervisor.stop()
      parts.probations.stop()
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
      monitor.withLock { self.parts = nil }
    }
    log.notice("host", "stopped")
    log.flush()
  }

  // MARK: Operations

  /// Runs an operation on an instance: one at a time for each, beside those on others, and only while the host runs.
  func operate<Result>(on instance: PluginInstance, _ body: (Parts) throws -> Result) throws -> Result {
    let parts = try begin()
    defer { end() }
    return try instance.operations.withLock {
      guard !isEnding else { throw NotRunning() }
      guard !instance.isGone else { throw MethodFailure(BH_E_NOTFOUND, "the instance '\(instance.name)' has gone") }
      return try body(parts)
    }
  }

  /// Runs an operation that changes bots, or which instances there are: one at a time, and only while the host runs. Operations on
  /// instances may be made within it, not the other way round.
  func restructure<Result>(_ body: (Parts) throws -> Result) throws -> Result {
    let parts = try begin()
    defer { end() }
    return try structure.withLock {
      guard !isEnding else { throw NotRunning() }
      return try body(parts)
    }
  }

  private func begin() throws -> Parts {
    try monitor.withLock {
      guard let parts, !isEnding else { throw NotRunning() }
      underway += 1
      return parts
    }
  }

  private func end() {
    monitor.withLock {
      underway -= 1
      monitor.broadcast()
    }
  }

  private func startControl() throws {
    guard let path = options.controlSocket else { return }
    let server = try ControlServer(path: path, handler: HostControl(self), log: log)
    try server.start()
    monitor.withLock { control = server }
  }

  /// Where commands reach the host, made again when somebody has removed the socket.
  func renewControl() {
    do throws(ControlError) {
      guard let control = monitor.withLock({ control }), try control.renew() else { return }
      log.notice("host", "listens again: the control socket was gone", [("control", control.path)])
    } catch {
      log.error("host", "\(error)")
    }
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
