import CBotHost

/// One hot swap: from the generation that serves an instance to another build, without losing, repeating or reordering an event.
///
/// The old generation serves until the new one has been staged, inspected, tried, loaded and created. Then the gate closes: events are
/// accepted and wait. The old one finishes what it has begun and hands over its state; the new one is activated, put on the bus by one
/// store, and the gate opens. What fails before that puts the old generation back as it was; what belongs to the host
/// (connections, timers, the store) never moves.
struct HotSwap {
  let instance: PluginInstance
  let loader: GenerationLoader
  let reaper: Reaper
  let clock: any HostClock
  /// Go on when the new build cannot take the old one's state.
  var dropsState = false

  /// What a swap did.
  struct Report: Sendable {
    var from: UInt32
    var to: UInt32
    /// Nanoseconds for which no event was delivered.
    var pause: Int64
    /// Nanoseconds from the first step to the last.
    var total: Int64
    var stateBytes: Int
    /// Events that waited at the gate.
    var waiting: Int
  }

  /// - Parameter source: the new manifest and library.
  func run(to source: PluginSource, resolved: ResolvedConfiguration, anyVersion: Bool) throws -> Report {
    guard let old = instance.generation else {
      throw LifecycleFailure(instance.name, "swap", "no generation is running; start it instead")
    }
    let began = clock.monotonic
    let kept = "generation \(old.number) goes on"
    let number = instance.nextGeneration
    instance.nextGeneration += 1

    instance.state = .swapping(.stage)
    var options = GenerationLoader.StartOptions(flags: UInt32(BH_START_SWAP), anyVersion: anyVersion)
    options.stateFormat = old.descriptor?.stateFormat ?? ""
    options.stateVersion = old.descriptor?.stateVersion ?? 0
    let new: Generation
    do {
      new = try loader.load(
        instance, manifest: source.manifest, library: source.library, resolved: resolved, number: number,
        options: options)
      try checkStates(old, new, source.manifest)
    } catch let failure as LifecycleFailure {
      instance.state = .running
      throw failure.leaving(kept)
    }

    // From here on events wait. Whatever happens, the gate opens again.
    let endpoint = instance.endpoint
    let shutAt = clock.monotonic
    endpoint.closeGate()
    var stateBytes = 0
    do {
      try quiesce(old, instance.manifest.swap)
      stateBytes = try handOver(from: old, to: new)
    } catch let failure as LifecycleFailure {
      discard(new)
      try goOn(with: old, after: failure)
      throw failure.leaving(kept)
    }

    instance.state = .swapping(.activate)
    let settings = (instance.manifest, instance.configuration)
    let secrets = instance.resolvedNow
    instance.adopt(source.manifest, resolved)
    do {
      try endpoint.install(new.plan)
      new.handle.phase = .active
      try Self.activate(new, on: endpoint)
    } catch {
      let failure =
        error as? LifecycleFailure ?? LifecycleFailure(instance.name, .activate, "\(error)")
      new.handle.phase = .gone
      new.handle.threads.stopAll()
      instance.adopt(settings.0, secrets)
      do { try endpoint.install(old.plan) } catch {
        throw failure.leaving("generation \(old.number) cannot be put back: \(error)")
      }
      discard(new)
      try goOn(with: old, after: failure)
      throw failure.leaving(kept)
    }

    old.handle.phase = .gone
    instance.generation = new
    instance.source = source
    let waiting = endpoint.statistics().depth
    endpoint.openGate()
    let pause = clock.monotonic - shutAt
    instance.state = .running
    instance.startedAt = clock.unix
    reaper.retire(old, of: instance)
    return Report(
      from: old.number, to: new.number, pause: pause, total: clock.monotonic - began, stateBytes: stateBytes,
      waiting: waiting)
  }

  /// Activates a generation on its lane. The gate is shut.
  static func activate(_ generation: Generation, on endpoint: Endpoint) throws {
    let name = generation.handle.instance.name
    let outcome = endpoint.onLane(timeout: 10_000_000_000) { () -> (bh_rc, String?) in
      let code = generation.activate()
      return (code, CallMessage.take())
    }
    guard let (code, said) = outcome else {
      throw LifecycleFailure(name, .activate, "`activate` did not return within 10 s")
    }
    guard code >= 0 else { throw LifecycleFailure(name, .activate, said ?? ResultCode.name(code)) }
  }

  /// Refuses before anything is disturbed when the old state would be lost.
  private func checkStates(_ old: Generation, _ new: Generation, _ manifest: Manifest) throws {
    guard let before = old.descriptor, !before.stateFormat.isEmpty, !dropsState else { return }
    let accepted =
      new.descriptor?.stateFormat == before.stateFormat
      || manifest.swap.accepts.contains { $0.name == before.stateFormat }
    guard accepted, new.descriptor?.table.import_state != nil else {
      let reason =
        "the running build keeps state '\(before.stateFormat)' version \(before.stateVersion), which the new build does not take over; "
        + "list it under `swap: {accepts: [...]}`, or swap with --drop-state"
      discard(new)
      throw LifecycleFailure(instance.name, .import, reason)
    }
  }

  /// Ends the old generation's own work and waits until nothing of it is under way.
  private func quiesce(_ old: Generation, _ policy: SwapPolicy) throws {
    instance.state = .swapping(.quiesce)
    let deadline = clock.monotonic + policy.drain.nanoseconds
    let timeout = max(policy.drain.nanoseconds, 1_000_000)
    let outcome = instance.endpoint.onLane(timeout: timeout) { () -> (bh_rc, String?) in
      let code = old.quiesce(deadline: deadline)
      return (code, CallMessage.take())
    }
    guard let (code, said) = outcome else {
      throw LifecycleFailure(
        instance.name, .quiesce, "a handler of generation \(old.number) is still running after \(policy.drain)")
    }
    guard code >= 0 else { throw LifecycleFailure(instance.name, .quiesce, said ?? ResultCode.name(code)) }

    instance.state = .swapping(.drain)
    let drained = instance.endpoint.drain(deadline: deadline, policy: .init(policy.onDrainTimeout))
    if case .timedOut(let inCall, let inFlight, let calls) = drained {
      throw LifecycleFailure(
        instance.name, .drain,
        "after \(policy.drain) there were still \(inCall) handlers running, \(inFlight) deliveries and \(calls) calls open"
      )
    }
    old.handle.threads.stopAll()
    let stuck = old.handle.threads.joinAll(deadline: max(deadline, clock.monotonic + 100_000_000), clock: clock)
    guard stuck.isEmpty else {
      throw LifecycleFailure(
        instance.name, .drain, "threads of generation \(old.number) did not stop: \(stuck.joined(separator: ", "))")
    }
    old.handle.phase = .quiesced
  }

  /// Moves the state, in the version that the new build wants or else in the old one's own. Returns its size.
  private func handOver(from old: Generation, to new: Generation) throws -> Int {
    guard let before = old.descriptor, !before.stateFormat.isEmpty, !dropsState else { return 0 }
    instance.state = .swapping(.export)
    let sameFormat = new.descriptor?.stateFormat == before.stateFormat
    var version = sameFormat ? (new.descriptor?.stateVersion ?? before.stateVersion) : before.stateVersion
    let endpoint = instance.endpoint
    func export(_ version: UInt32) throws -> (bh_rc, [UInt8], String?) {
      let outcome = endpoint.onLane(timeout: 10_000_000_000) { () -> (bh_rc, [UInt8], String?) in
        let (code, bytes) = old.exportState(version: version)
        return (code, bytes, CallMessage.take())
      }
      guard let outcome else {
        throw LifecycleFailure(instance.name, .export, "`export_state` did not return within 10 s")
      }
      return outcome
    }
    var (code, bytes, said) = try export(version)
    if code == BH_E_UNSUPPORTED && version != before.stateVersion {
      version = before.stateVersion
      (code, bytes, said) = try export(version)
    }
    guard code >= 0 else { throw LifecycleFailure(instance.name, .export, said ?? ResultCode.name(code)) }

    instance.state = .swapping(.import)
    let taken = new.importState(format: before.stateFormat, version: version, bytes)
    guard taken >= 0 else {
      throw LifecycleFailure(instance.name, .import, CallMessage.take() ?? ResultCode.name(taken))
    }
    return bytes.count
  }

  /// Puts the old generation back to work after an aborted swap.
  private func goOn(with old: Generation, after failure: LifecycleFailure) throws {
    old.handle.threads.reopen()
    old.handle.phase = .active
    let outcome = instance.endpoint.onLane(timeout: 10_000_000_000) { () -> (bh_rc, String?) in
      let code = old.resume()
      return (code, CallMessage.take())
    }
    instance.endpoint.openGate()
    guard let (code, said) = outcome, code >= 0 else {
      let reason = "`resume` after an aborted swap failed: \(outcome?.1 ?? "it did not return")"
      instance.state = .failed(reason: reason)
      throw failure.leaving("generation \(old.number) could not go on: \(reason)")
    }
    _ = said
    instance.state = .running
  }

  /// Ends a generation that never served.
  private func discard(_ new: Generation) {
    new.destroy()
    new.handle.phase = .gone
    _ = new.image.retire()
  }
}
