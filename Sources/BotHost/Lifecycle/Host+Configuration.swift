import CBotHost

/// Bringing instances to what their files say: manifests, libraries, the operator's configuration.
extension Host {
  /// What was done to an instance so that it is what its files say.
  enum Renewal: Sendable {
    /// Nothing that counts is different.
    case kept
    case started
    case reconfigured(pause: Int64)
    case swapped(SwapReport)
  }

  // MARK: Reading

  /// What the files say of an instance now. What a bot gives it stays as it is: that changes with the bot.
  func planned(_ instance: PluginInstance, from source: PluginSource) throws -> HostPlan.Instance {
    let manifest = source.manifest
    var overrides = instance.overrides
    let files = HostFiles(options, PluginCatalog(directories: options.pluginDirectories))
    let settings = files.instance(instance.name)
    if !isOfBot(instance.name) {
      guard files.areComplete else {
        throw LifecycleFailure(
          instance.name, "configuration", files.diagnostics.errors.map(\.description).joined(separator: "\n"))
      }
      overrides = settings?.config ?? ConfigurationOverrides()
    }
    var diagnostics = Diagnostics()
    let resolved = manifest.resolveConfiguration(
      overrides: overrides, environment: Environment(options.environment), place: settings?.location,
      diagnostics: &diagnostics)
    guard let resolved else {
      throw LifecycleFailure(
        instance.name, "configuration", diagnostics.errors.map(\.description).joined(separator: "\n"))
    }
    return HostPlan.Instance(
      name: instance.name, source: source, overrides: overrides, resolved: resolved,
      lane: settings?.lane(over: manifest.lane) ?? manifest.lane,
      restart: settings?.restart(over: manifest.restart) ?? manifest.restart)
  }

  /// Manifest and library as they are on disk now. A library that an operator swapped in stays, until the manifest names another one.
  func readAgain(_ instance: PluginInstance) throws -> PluginSource {
    let before = instance.source
    let read = try PluginSource.read(again: before, library: nil)
    guard read.manifest.library == before.manifest.library else { return read }
    return PluginSource(manifest: read.manifest, path: read.path, library: before.library)
  }

  /// Whether a bot brings the instance with it.
  func isOfBot(_ name: String) -> Bool {
    bots.contains { bot in bot.bot.instances.contains { $0.name == name } }
  }

  /// Nobody may read a secret in a log, from before its first use.
  func mask(_ resolved: ResolvedConfiguration) {
    for (_, secret) in resolved.secrets { secret.reveal { _ = log.masks.add($0) } }
  }

  // MARK: Renewing

  /// Gives an instance that runs what was planned: in place when only its configuration differs and the plugin can take that over,
  /// else by a swap. Within an operation on the instance.
  @discardableResult
  func renew(_ instance: PluginInstance, to planned: HostPlan.Instance, _ parts: Parts) throws -> Renewal {
    mask(planned.resolved)
    guard let generation = instance.generation, try instance.runs(planned.source) else {
      if let refused = instance.refused, try planned.source.identity == refused {
        log.warning(
          instance.name,
          "\(planned.source.library) is still the build that failed its probation; `bothost swap \(instance.name)` tries it again"
        )
        return .kept
      }
      return .swapped(try swap(instance, to: planned, parts))
    }
    let keys = planned.resolved.changes(from: instance.resolvedNow)
    guard !keys.isEmpty else {
      // Perhaps lines have moved.
      instance.adopt(planned.source.manifest, planned.resolved, text: planned.source.manifestText)
      instance.source = planned.source
      instance.overrides = planned.overrides
      instance.follow(lane: planned.lane, restart: planned.restart)
      return .kept
    }
    var reason = Reconfiguration.reasonForSwap(generation, planned.source.manifest, keys: keys)
    if reason == nil {
      let change = Reconfiguration(of: instance, generation, to: planned, clock: clock)
      do {
        switch try change.run() {
        case .taken(let pause):
          instance.follow(lane: planned.lane, restart: planned.restart)
          log.notice(
            instance.name, "reconfigured",
            [("changed", keys.joined(separator: ",")), ("pause_us", "\(pause / 1000)")])
          parts.tools.announce(
            "sys.plugin.reconfigured", instance, [("changed", .array(keys.map { .string($0) }))])
          return .reconfigured(pause: pause)
        case .unsupported(let why): reason = why
        }
      } catch {
        log.error(instance.name, "\(error)")
        parts.tools.announce("sys.plugin.reconfigure_failed", instance, [("reason", .string("\(error)"))])
        throw error
      }
    }
    log.info(
      instance.name, "the new configuration needs a fresh generation",
      [("changed", keys.joined(separator: ",")), ("because", reason ?? "")])
    return .swapped(try swap(instance, to: planned, parts))
  }

  /// Swaps an instance for what was planned. Another build is on probation then. Within an operation on the instance.
  func swap(
    _ instance: PluginInstance, to planned: HostPlan.Instance, _ parts: Parts, anyVersion: Bool = false,
    dropsState: Bool = false, isRehearsal: Bool = false, rollback: Probation? = nil
  ) throws -> SwapReport {
    mask(planned.resolved)
    var swap = HotSwap(
      instance: instance, loader: parts.tools.loader, reaper: parts.reaper, clock: clock, isRehearsal: isRehearsal,
      dropsState: dropsState)
    swap.rollback = rollback?.manifestText
    let prospect = isRehearsal || rollback != nil ? nil : try prospect(of: instance, with: planned, parts)
    var report: SwapReport
    do { report = try swap.run(to: planned.source, resolved: planned.resolved, anyVersion: anyVersion) } catch {
      log.error(instance.name, "\(error)")
      parts.tools.announce("sys.plugin.swap_failed", instance, [("reason", .string("\(error)"))])
      throw error
    }
    guard !isRehearsal else {
      log.notice(instance.name, "a swap was rehearsed", [("pause_us", "\(report.pause / 1000)")])
      return report
    }
    instance.overrides = planned.overrides
    instance.probation = nil
    instance.refused = nil
    instance.follow(lane: planned.lane, restart: planned.restart)
    log.notice(
      instance.name, "swapped",
      [
        ("from", "\(report.from)"), ("to", "\(report.to)"), ("pause_us", "\(report.pause / 1000)"),
        ("state_bytes", "\(report.stateBytes)"), ("waited", "\(report.waiting)"),
      ] + (report.copiedBytes > 0 ? [("copied_before", "\(report.copiedBytes)")] : []))
    parts.tools.announce("sys.plugin.swapped", instance, [("pause_ns", .int(report.pause))])
    if let prospect {
      let probation = prospect.probation(of: report.to, from: instance.endpoint.handlerTotals, at: clock)
      watch(instance, probation, parts)
      report.probation = prospect.policy
      report.probationEnd = probation.end
    }
    return report
  }

  /// Refuses a manifest that asks for more than the one that runs.
  func checkPermissions(_ source: PluginSource, of instance: PluginInstance) throws {
    let added = source.manifest.permissions.beyond(instance.manifest.permissions)
    guard added.isEmpty else {
      throw LifecycleFailure(
        instance.name, "swap",
        "the new manifest asks for more: \(added.joined(separator: ", ")); agree with --allow, or keep the old one")
    }
  }

  /// Brings one instance to what its files say. One that has failed or waits is started; one that was stopped stays so.
  @discardableResult
  func renewInstance(_ name: String) throws -> Renewal {
    guard let instance = instance(name) else { return .kept }
    switch instance.state {
    case .failed, .waiting, .waitingFor:
      try startInstance(name)
      return .started
    case .stopped, .starting, .stopping: return .kept
    case .running, .swapping: break
    }
    return try operate(on: instance) { parts in
      guard instance.generation != nil else { return .kept }
      let source = try readAgain(instance)
      try checkPermissions(source, of: instance)
      return try renew(instance, to: planned(instance, from: source), parts)
    }
  }

  /// Asks the plugin of an instance to take over the configuration that it has; nil when it has no `reconfigure`.
  func rehearseConfiguration(_ name: String) throws -> Reconfiguration.Outcome? {
    guard let instance = instance(name) else { throw MethodFailure(BH_E_NOTFOUND, "there is no instance '\(name)'") }
    return try operate(on: instance) { _ in
      guard let generation = instance.generation, generation.descriptor?.table.reconfigure != nil else { return nil }
      return try Reconfiguration(of: instance, generation, to: instance.planned, clock: clock).run()
    }
  }

  /// Brings everything to what the files say: SIGHUP.
  public func reload() {
    renewControl()
    reloadInstances()
    reloadBots()
    // Last, because bots that have ended by now may have called them.
    endUndeclaredInstances()
    log.notice(
      "host", "reloaded", [("plugins", "\(instances.count { $0.state == .running })"), ("bots", "\(bots.count)")])
  }

  /// Brings the instances that no bot brings with it to what the files say; those that are new there are started. What is gone from them
  /// goes on: see `endUndeclaredInstances`.
  func reloadInstances() {
    let catalog = PluginCatalog(directories: options.pluginDirectories)
    let files = HostFiles(options, catalog)
    guard files.areComplete else {
      for finding in files.diagnostics.errors { report(finding, files.sources) }
      return log.error("host", "no configuration is taken over until the files are in order")
    }
    for instance in instances where instance.state != .stopped {
      do { try renewInstance(instance.name) } catch is NotRunning { return } catch {
        log.error(instance.name, "not reloaded: \(error)")
      }
    }
    var options = options
    options.bots = []
    let plan = HostPlan(options: options, catalog: catalog)
    for finding in plan.diagnostics.errors { report(finding, plan.sources) }
    for planned in plan.instances where instance(planned.name) == nil {
      do { try addInstance(planned) } catch is NotRunning { return } catch {
        log.error(planned.name, "not started: \(error)")
      }
    }
  }

  /// Makes and starts an instance that was not there before.
  private func addInstance(_ planned: HostPlan.Instance) throws {
    try restructure { parts in
      guard instance(planned.name) == nil, let instance = add(planned, parts) else { return }
      try operate(on: instance) { bringUp(instance, $0) }
      startThoseThatWait(for: instance)
    }
  }
}
