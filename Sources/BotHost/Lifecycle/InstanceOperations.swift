import CBotHost
import Synchronization

/// Starting and stopping instances. The caller holds the lock of the instance, `PluginInstance.operations`.
struct InstanceOperations {
  let loader: GenerationLoader
  let reaper: Reaper
  let bus: Bus
  let services: HostServices
  let clock: any HostClock
  let log: HostLog

  /// Loads and creates the first generation and puts it on the bus; its gate stays shut.
  func prepare(_ instance: PluginInstance) throws {
    try install(try load(instance), in: instance)
  }

  /// Loads and creates the first generations of several instances, several at a time: each has mostly to wait for the disk, for the trial of
  /// its library, or for the dynamic loader. What has come of each, in their order.
  func load(_ instances: [PluginInstance]) -> [Result<Generation, any Error>] {
    let results = Mutex([Result<Generation, any Error>?](repeating: nil, count: instances.count))
    let next = Atomic<Int>(0)
    @Sendable func work() {
      while true {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard index < instances.count else { return }
        let result = Result { try load(instances[index]) }
        results.withLock { $0[index] = result }
      }
    }
    // The caller is one of them.
    let helpers = (1..<max(1, min(instances.count, Self.loadsAtOnce))).map { _ in HostThread(name: "loader", work) }
    work()
    for helper in helpers { helper?.join() }
    return results.withLock { $0.compactMap { $0 } }
  }

  private static let loadsAtOnce = 4

  private func load(_ instance: PluginInstance) throws -> Generation {
    instance.state = .starting
    let number = instance.takeNumber()
    let source = instance.source
    return try loader.load(
      instance, manifest: source.manifest, library: source.library, resolved: instance.resolvedNow,
      number: number, options: .init(flags: UInt32(BH_START_FRESH)))
  }

  /// Puts a loaded generation on the bus; its gate stays shut.
  func install(_ generation: Generation, in instance: PluginInstance) throws {
    do {
      try instance.endpoint.install(generation.plan)
    } catch {
      reaper.discard(generation, of: instance)
      throw LifecycleFailure(instance.name, .create, "\(error)")
    }
    instance.generation = generation
  }

  /// Activates a prepared instance and opens its gate.
  func open(_ instance: PluginInstance) throws {
    guard let generation = instance.generation else { return }
    generation.handle.phase = .active
    do {
      try HotSwap.activate(generation, on: instance.endpoint)
    } catch {
      unload(instance, generation)
      throw error
    }
    instance.endpoint.openGate()
    instance.state = .running
    instance.startedAt = clock.unix
    log.info(
      instance.name, "started",
      [("generation", "\(generation.number)"), ("build", generation.image.inspection.digest.short)])
    announce("sys.plugin.started", instance)
  }

  /// Prepares and opens.
  func start(_ instance: PluginInstance) throws {
    try prepare(instance)
    try open(instance)
  }

  /// Finishes what is under way, up to the manifest's drain time, and ends the generation. Queued events of durable topics come back
  /// at the next start; others wait in the lane until then.
  ///
  /// - Parameter ending: what the plugin is told.
  func stop(_ instance: PluginInstance, _ ending: HostHandle.Ending = .stop) {
    guard let generation = instance.generation else {
      instance.state = .stopped
      return
    }
    instance.state = .stopping
    instance.probation = nil
    generation.handle.ending = ending
    let drain = instance.manifest.swap.drain
    let deadline = clock.monotonic + drain.nanoseconds
    // What it stood in the way of goes its way without it.
    instance.endpoint.withdrawContributions()
    instance.endpoint.closeGate()
    let outcome = instance.endpoint.onLane(timeout: max(drain.nanoseconds, 1_000_000)) { () -> (bh_rc, String?) in
      let code = generation.quiesce(deadline: deadline)
      return (code, CallMessage.take())
    }
    switch outcome {
    case nil:
      log.warning(instance.name, "a handler is still running after \(drain); the instance ends without it")
    case .some((let code, let said)) where code < 0:
      log.warning(instance.name, "did not finish in order: \(said ?? ResultCode.name(code))")
    default: break
    }
    generation.handle.threads.stopAll()
    if case .timedOut(let inCall, let inFlight, let calls) = instance.endpoint.drain(
      deadline: deadline, policy: .revoke)
    {
      log.warning(
        instance.name,
        "after \(drain) there were still \(inCall) handlers running, \(inFlight) deliveries and \(calls) calls open; "
          + "deliveries of durable topics come back at the next start")
    }
    // It is told what it still waits to be told before another one takes the lane.
    _ = instance.endpoint.endPromises(generation: generation.number, timeout: 100_000_000)
    services.network?.closeAll(owner: instance.name)
    unload(instance, generation)
    instance.state = .stopped
    log.info(instance.name, "stopped")
    announce("sys.plugin.stopped", instance)
  }

  /// Gives a prepared generation that has not been opened up again.
  func release(_ instance: PluginInstance) {
    if let generation = instance.generation { unload(instance, generation) }
  }

  private func unload(_ instance: PluginInstance, _ generation: Generation) {
    instance.generation = nil
    generation.handle.phase = .quiesced
    reaper.retire(generation, of: instance)
  }

  /// Tells the bus what happened to an instance.
  func announce(_ topic: String, _ instance: PluginInstance, _ more: [(String, JSONValue)] = []) {
    var payload = JSONObject()
    payload["instance"] = .string(instance.name)
    payload["plugin"] = .string(instance.manifest.plugin)
    payload["generation"] = .int(Int64(instance.generation?.number ?? 0))
    for (key, value) in more { payload[key] = value }
    _ = bus.publish(
      topic: topic, payload: JSONValue.object(payload).serializedBytes(), key: instance.name, source: "host")
  }
}
