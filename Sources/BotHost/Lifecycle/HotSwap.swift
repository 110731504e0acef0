import CBotHost

/// One hot swap: from the generation that serves an instance to another build, without losing, repeating or reordering an event.
///
/// The old generation serves until the new one has been staged, inspected, tried, loaded and created, and has most of a large state. Then the lane itself does the
/// rest (`Switchover`): the gate closes, events are accepted and wait; the old generation finishes what it has begun and hands over its
/// state; the new one is put on the bus by one store and activated, and the gate opens. What fails before that puts the old generation
/// back as it was; what belongs to the host (connections, timers, the store) never moves. The old one is ended afterwards, elsewhere.
struct HotSwap {
  let instance: PluginInstance
  let loader: GenerationLoader
  let reaper: Reaper
  let clock: any HostClock
  /// Do everything but the last step: the old generation goes on.
  var isRehearsal = false
  /// The build that serves has failed, and the one before it is to come back: the text of its manifest, which the file may not have any more.
  var rollback: [UInt8]?
  /// Go on when the new build cannot take the old one's state.
  var dropsState = false

  /// - Parameter source: the new manifest and library.
  func run(to source: PluginSource, resolved: ResolvedConfiguration, anyVersion: Bool) throws -> SwapReport {
    guard let old = instance.generation else {
      throw LifecycleFailure(instance.name, "swap", "no generation is running; start it instead")
    }
    let began = clock.monotonic
    let kept = "generation \(old.number) goes on"
    let number = instance.takeNumber()

    instance.state = .swapping(.stage)
    var options = GenerationLoader.StartOptions(
      flags: UInt32(rollback != nil ? BH_START_SWAP | BH_START_ROLLBACK : BH_START_SWAP), anyVersion: anyVersion)
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

    var copied: StatePrecopy.Copied?
    if !dropsState {
      instance.state = .swapping(.precopy)
      do throws(LifecycleFailure) {
        copied = try StatePrecopy(instance: instance, old: old, new: new, clock: clock).run()
      } catch {
        discard(new)
        instance.state = .running
        throw error.leaving(kept)
      }
    }

    // What can be slow is done. From here on the lane is asked: events wait only while it works on the swap.
    instance.state = .swapping(.quiesce)
    let switchover = Switchover(
      .init(
        instance: instance, old: old, new: new, source: source, resolved: resolved,
        manifestText: rollback ?? source.manifestText,
        drain: instance.manifest.swap.drain.nanoseconds, dropsState: dropsState, isRehearsal: isRehearsal,
        copied: copied), clock: clock, reaper: reaper)
    instance.endpoint.postToLane { switchover.begin() }
    var progress = switchover.wait()
    if case .undrained = progress {
      do { try drain(old, instance.manifest.swap, until: switchover.drainDeadline) } catch let failure
        as LifecycleFailure
      {
        discard(new)
        try goOn(with: old, after: failure)
        throw failure.leaving(kept)
      }
      switchover.drained()
      instance.endpoint.postToLane { switchover.proceed() }
      progress = switchover.wait()
    }
    switch progress {
    case .done(let outcome):
      instance.generation = new
      instance.source = source
      instance.state = .running
      instance.startedAt = clock.unix
      reaper.retire(old, of: instance)
      return SwapReport(
        from: old.number, to: new.number, pause: outcome.pause, total: clock.monotonic - began,
        stateBytes: outcome.stateBytes, copiedBytes: copied?.bytes ?? 0, waiting: outcome.waiting)
    case .rehearsed(let outcome):
      discard(new)
      instance.state = .running
      return SwapReport(
        from: old.number, to: old.number, pause: outcome.pause, total: clock.monotonic - began,
        stateBytes: outcome.stateBytes, copiedBytes: copied?.bytes ?? 0, waiting: outcome.waiting)
    case .failed(let failure):
      discard(new)
      instance.state = .running
      throw failure.leaving(kept)
    case .lost(let failure), .hung(let failure):
      if case .lost = progress { discard(new) }
      instance.state = .failed(reason: failure.outcome ?? failure.reason)
      throw failure
    case .at, .undrained, .givenUp:
      throw LifecycleFailure(instance.name, .activate, "the lane has ended")
    }
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

  /// Waits until nothing of the old generation is under way. The gate is shut.
  private func drain(_ old: Generation, _ policy: SwapPolicy, until deadline: Int64) throws {
    instance.state = .swapping(.drain)
    let drained = instance.endpoint.drain(deadline: deadline, policy: .init(policy.onDrainTimeout))
    if case .timedOut(let inCall, let inFlight, let calls) = drained {
      throw LifecycleFailure(
        instance.name, .drain,
        "after \(policy.drain) there were still \(inCall) handlers running, \(inFlight) deliveries and \(calls) calls open"
      )
    }
    let stuck = old.handle.threads.joinAll(deadline: max(deadline, clock.monotonic + 100_000_000), clock: clock)
    guard stuck.isEmpty else {
      throw LifecycleFailure(
        instance.name, .drain, "threads of generation \(old.number) did not stop: \(stuck.joined(separator: ", "))")
    }
  }

  /// Puts the old generation back to work after an aborted swap.
  private func goOn(with old: Generation, after failure: LifecycleFailure) throws {
    old.handle.goOn()
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

  private func discard(_ new: Generation) { reaper.discard(new, of: instance) }
}
