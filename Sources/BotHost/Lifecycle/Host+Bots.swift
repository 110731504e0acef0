import CBotHost

/// Other versions of bots that run.
extension Host {
  /// What a swap of a bot did.
  struct BotReport: Sendable {
    var bot: String
    /// The tree's hash before and after.
    var from: String
    var to: String
    var difference: BotDifference
    var built: Int
    var cached: Int
    /// Nanoseconds for which the bot's lane did nothing else.
    var pause: Int64
    /// Nanoseconds from the first step to the last.
    var total: Int64

    var json: JSONValue {
      func parts(_ parts: [BotDifference.Part]) -> JSONValue {
        .array(parts.map { .object(["name": .string($0.name), "change": .string($0.change.rawValue)]) })
      }
      return .object([
        "bot": .string(bot), "changed": true, "from": .string(from), "to": .string(to),
        "handlers": parts(difference.handlers),
        "uses": parts(difference.uses), "built": .int(Int64(built)), "cached": .int(Int64(cached)),
        "pause_ns": .int(pause), "total_ns": .int(total),
      ])
    }
  }

  func bot(_ name: String) -> RunningBot? { bots.first { $0.endpoint.name == name } }

  /// Reads a running bot's files again and puts what has changed in place: handlers by one store on the bot's lane, instances each
  /// for itself. What has not changed is not touched. On failure the version that runs goes on. A bot that is new in the files is started.
  ///
  /// - Returns: nil when nothing has changed.
  @discardableResult
  func swapBot(_ name: String) throws -> BotReport? {
    try restructure { parts in
      let began = clock.monotonic
      guard let running = bot(name) else { return try startBot(name, began, parts) }
      let catalog = PluginCatalog(directories: options.pluginDirectories)
      let plan = HostPlan(options: options, catalog: catalog, cache: units, running: [name: running.build])
      let (bot, build) = try compiled(name, plan, otherwise: "the version that runs goes on")
      let difference = BotDifference(from: running.bot, to: bot)
      guard !difference.isEmpty else {
        // Lines have moved: what fails from now on names the right ones.
        if running.bot.program.places != bot.program.places { _ = try running.replace(with: bot, build) }
        return nil
      }
      for secret in bot.secrets { secret.reveal { _ = log.masks.add($0) } }
      let from = running.bot
      let prepared = try prepareInstances(bot, difference, plan, parts)
      let pause: Int64
      do { pause = try running.replace(with: bot, build) } catch {
        for instance in prepared { remove(instance, parts) }
        throw LifecycleFailure(name, "swap", "\(error)").leaving("the version that runs goes on")
      }
      open(prepared)
      let gone = difference.names(difference.uses, .gone).compactMap { use in
        from.program.requirements.first { $0.use == use }.flatMap { instance($0.instance) }
      }
      if !gone.isEmpty {
        // They finish what the version before has begun with them.
        running.waitForEarlierVersions(timeout: 5_000_000_000, clock: clock)
        for instance in gone { remove(instance, parts) }
      }
      keepUnits([build])
      let report = BotReport(
        bot: name, from: from.program.tree.hash, to: bot.program.tree.hash, difference: difference,
        built: build.count(.built), cached: build.count(.cached), pause: pause, total: clock.monotonic - began)
      say(report, running.version, parts)
      return report
    }
  }

  /// Makes the instances that a version needs and did not have, and gives those that changed their new configuration. Returns the new
  /// ones, whose gates are still shut.
  private func prepareInstances(
    _ bot: BoundBot, _ difference: BotDifference, _ plan: HostPlan, _ parts: Parts
  ) throws -> [PluginInstance] {
    var prepared: [PluginInstance] = []
    var renewed: [(PluginInstance, HostPlan.Instance)] = []
    do {
      for part in difference.uses where part.change == .new || part.change == .changed {
        guard let requirement = bot.program.requirements.first(where: { $0.use == part.name }),
          let planned = plan.instances.first(where: { $0.name == requirement.instance })
        else { continue }
        if let present = instance(planned.name) {
          if present.source.manifest.plugin == planned.source.manifest.plugin {
            let before = present.planned
            try operate(on: present) { parts in
              guard present.generation != nil else {
                mask(planned.resolved)
                return present.takeOver(planned)
              }
              try renew(present, to: planned, parts)
              renewed.append((present, before))
            }
            continue
          }
          // Another plugin under the same name.
          remove(present, parts)
        }
        guard let instance = add(planned, parts) else {
          throw LifecycleFailure(planned.name, "create", "the instance cannot be put on the bus")
        }
        prepared.append(instance)
        try instance.operations.withLock { try parts.tools.prepare(instance) }
      }
    } catch {
      for instance in prepared { remove(instance, parts) }
      // The version before goes on, with what it said to its instances. What cannot be taken back is in the log.
      for (instance, before) in renewed {
        _ = try? operate(on: instance) { try renew(instance, to: before, $0) }
      }
      throw error
    }
    return prepared
  }

  /// Opens what has been prepared for a bot. Not within an operation on an instance.
  private func open(_ prepared: [PluginInstance]) {
    for instance in prepared {
      try? operate(on: instance) { bringUp(instance, $0) }
      startThoseThatWait(for: instance)
    }
  }

  /// A bot of a plan with its units, or why there is none.
  private func compiled(_ name: String, _ plan: HostPlan, otherwise: String) throws -> (BoundBot, BotBuild) {
    guard let bot = plan.bots.first(where: { $0.program.name == name }), let build = plan.builds[name] else {
      let errors = plan.diagnostics.errors.map(\.description)
      let reason = errors.isEmpty ? "its files do not declare it" : errors.joined(separator: "\n")
      throw LifecycleFailure(name, "compile", reason).leaving(otherwise)
    }
    return (bot, build)
  }

  /// Runs a bot that has come into the files since the host started. Within `restructure`.
  private func startBot(_ name: String, _ began: Int64, _ parts: Parts) throws -> BotReport {
    guard declaredBots.contains(name) else {
      let hint = Suggestion.hint(for: name, in: bots.map(\.endpoint.name) + declaredBots).map { " (\($0))" } ?? ""
      throw MethodFailure(BH_E_NOTFOUND, "there is no bot '\(name)'\(hint)")
    }
    let catalog = PluginCatalog(directories: options.pluginDirectories)
    let plan = HostPlan(options: options, catalog: catalog, cache: units)
    let (bot, build) = try compiled(name, plan, otherwise: "it does not run")
    for secret in bot.secrets { secret.reveal { _ = log.masks.add($0) } }
    let difference = BotDifference(starting: bot)
    let prepared = try prepareInstances(bot, difference, plan, parts)
    let running: RunningBot
    do {
      running = try RunningBot(bot, build, on: parts.bus, states: parts.states, standardOutput: standardOutput)
    } catch {
      for instance in prepared { remove(instance, parts) }
      throw LifecycleFailure(name, "start", "\(error)").leaving("it does not run")
    }
    add(running)
    running.open()
    open(prepared)
    keepUnits([build])
    let report = BotReport(
      bot: name, from: "", to: bot.program.tree.hash, difference: difference, built: build.count(.built),
      cached: build.count(.cached), pause: 0, total: clock.monotonic - began)
    log.notice(name, "started", [("handlers", "\(difference.handlers.count)"), ("built", "\(report.built)")])
    return report
  }

  /// The bots that the files declare now.
  var declaredBots: [String] { BotProject.load(options.bots).botNames }

  /// Whether the name is that of a bot that runs or that the files declare.
  func knowsBot(_ name: String) -> Bool { bot(name) != nil || declaredBots.contains(name) }

  // MARK: Plans

  /// What `swapBot` would change in each bot that runs, or what bots in other files would.
  ///
  /// - Parameter files: nil: the files that the host was started with.
  func planBots(files: [String]?) throws -> JSONValue {
    try restructure { _ in
      var options = options
      if let files { options.bots = files }
      let catalog = PluginCatalog(directories: options.pluginDirectories)
      let plan = HostPlan(options: options, catalog: catalog, cache: units)
      let errors = plan.diagnostics.errors.filter { error in
        guard let file = error.location?.file else { return true }
        return !catalog.directory.sources.contains { $0.name == file }
      }
      guard errors.isEmpty else {
        throw MethodFailure(BH_E_INVALID, errors.map(\.description).joined(separator: "\n"))
      }
      var rows: [JSONValue] = []
      for bot in plan.bots {
        let running = self.bot(bot.program.name)
        rows.append(Self.plan(from: running?.bot, to: bot, name: bot.program.name))
      }
      if files == nil {
        let names = Set(plan.bots.map(\.program.name))
        for bot in bots where !names.contains(bot.endpoint.name) {
          rows.append(Self.plan(from: bot.bot, to: nil, name: bot.endpoint.name))
        }
      }
      return .object(["bots": .array(rows)])
    }
  }

  private static func plan(from old: BoundBot?, to new: BoundBot?, name: String) -> JSONValue {
    let before = old?.program.tree.rows() ?? []
    let after = new?.program.tree.rows() ?? []
    let known = Dictionary(before.map { ($0.path, $0.node) }, uniquingKeysWith: { first, _ in first })
    let paths = Set(after.map(\.path))
    var nodes: [JSONValue] = []
    for row in after {
      var node = row.json
      let was = known[row.path]
      node["change"] = .string(was?.hash == row.node.hash ? "kept" : "new")
      if let was, was.hash != row.node.hash { node["was"] = .string(was.hash) }
      nodes.append(node)
    }
    for row in before where !paths.contains(row.path) {
      var node = row.json
      node["change"] = "gone"
      nodes.append(node)
    }
    var object: JSONObject = ["bot": .string(name), "nodes": .array(nodes)]
    if let old, let new {
      let difference = BotDifference(from: old, to: new)
      object["changes"] = .bool(!difference.isEmpty)
      // Nodes hold names of getters and no values; what changes by a value alone is told by part.
      object["values"] = .array(difference.changedByValue(old, new).map { .string($0) })
    } else {
      object["changes"] = true
      object["values"] = []
    }
    return .object(object)
  }

  /// Tells the log and the bus.
  private func say(_ report: BotReport, _ version: Int, _ parts: Parts) {
    let difference = report.difference
    var fields = [("from", String(report.from.prefix(12))), ("to", String(report.to.prefix(12)))]
    for (word, change) in [("changed", BotDifference.Change.changed), ("new", .new), ("gone", .gone)] {
      let names = difference.names(difference.handlers, change) + difference.names(difference.uses, change)
      if !names.isEmpty { fields.append((word, names.joined(separator: ","))) }
    }
    fields += [
      ("kept", "\(difference.handlers.count { $0.change == .kept })"), ("built", "\(report.built)"),
      ("pause_us", "\(report.pause / 1000)"),
    ]
    log.notice(report.bot, "swapped", fields)
    var payload = report.json
    payload["version"] = .int(Int64(version))
    _ = parts.bus.publish(
      topic: "sys.bot.swapped", payload: payload.serializedBytes(), key: report.bot, source: "host")
  }

  /// Swaps every bot whose files say something else than what runs, starts those that are new there, and ends those that are gone.
  func reloadBots() {
    endUndeclaredBots()
    let running = bots.map(\.endpoint.name)
    for name in running + declaredBots.filter({ !running.contains($0) }) {
      do { try swapBot(name) } catch is NotRunning { return } catch {
        log.error(name, "not \(running.contains(name) ? "swapped" : "started"): \(error)")
      }
    }
  }

  /// Writes units that were made anew to the cache, without anybody waiting for it.
  func keepUnits(_ builds: [BotBuild]) {
    for build in builds {
      for problem in build.problems { log.warning(build.program.name, problem) }
    }
    guard builds.contains(where: { $0.count(.built) > 0 }) else { return }
    let (units, log) = (units, log)
    _ = HostThread(name: "unit-cache") {
      for build in builds {
        do { try build.store(in: units) } catch { log.warning(build.program.name, "units are not kept: \(error)") }
      }
    }
  }
}
