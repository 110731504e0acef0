import CBotHost

/// The part of a swap during which no event is delivered: the old generation ends its work and hands over its state, the new one takes
/// its place.
///
/// It runs on the lane, between two events, from shutting the gate to opening it: nobody has to be woken while events wait. Only when
/// the old generation still has deliveries, calls or threads open does it leave the lane, with the gate shut, until they have ended.
/// What fails on the way puts the old generation back to work before the gate opens.
///
/// `begin` and `proceed` are for the lane, the rest is for the thread that runs the operation.
final class Switchover: @unchecked Sendable {
  /// The generations and what comes with the new one.
  struct Parts {
    let instance: PluginInstance
    let old: Generation
    let new: Generation
    let source: PluginSource
    let resolved: ResolvedConfiguration
    /// The new manifest's text; read before, because a disk may be slow.
    let manifestText: [UInt8]
    /// Of the old manifest: how long the old generation may take to finish.
    let drain: Int64
    let dropsState: Bool
    /// Everything is done but the last step, and the old generation goes on.
    var isRehearsal = false
    /// What was handed over before.
    var copied: StatePrecopy.Copied?
  }

  /// What has come of it.
  struct Outcome: Sendable {
    /// Nanoseconds for which the gate was shut.
    var pause: Int64
    var stateBytes: Int
    /// Events that waited at the gate.
    var waiting: Int
  }

  /// Where it is, as the waiting thread sees it.
  enum Progress {
    /// The lane has not come to it, or is in a call of the plugin that should have ended by that time (CLOCK_MONOTONIC, nanoseconds).
    case at(SwapStep, until: Int64)
    /// The gate is shut and the old generation has not finished: `Endpoint.drain`, then `proceed`.
    case undrained
    case done(Outcome)
    /// All went well up to the last step, and the old generation serves again, as was wanted.
    case rehearsed(Outcome)
    /// The old generation serves again.
    case failed(LifecycleFailure)
    /// The old generation could not go on; the reason is in the failure's outcome.
    case lost(LifecycleFailure)
    /// A call of the plugin did not return; the new generation is still in use on the lane.
    case hung(LifecycleFailure)
    /// Nobody waits any more; when the lane comes back, it puts the old generation back.
    case givenUp
  }

  /// For calls into the plugin other than `quiesce`, nanoseconds.
  private static let callTime: Int64 = 10_000_000_000

  private let parts: Parts
  private let clock: any HostClock
  private let reaper: Reaper
  private let deadline: Int64
  private let monitor = Monitor()
  // Under the monitor.
  private var progress: Progress
  private var hasBegun = false

  // Of the lane alone.
  private var shutAt: Int64 = 0
  private var endpoint: Endpoint { parts.instance.endpoint }
  private var name: String { parts.instance.name }

  init(_ parts: Parts, clock: any HostClock, reaper: Reaper) {
    self.parts = parts
    self.clock = clock
    self.reaper = reaper
    deadline = clock.monotonic + max(parts.drain, 1_000_000)
    progress = .at(.quiesce, until: deadline)
  }

  // MARK: The waiting thread

  /// Until what the old generation has begun must have ended; CLOCK_MONOTONIC, nanoseconds.
  var drainDeadline: Int64 { deadline }

  /// Waits for the lane. Not `.at`, which becomes a failure when a call does not return in time.
  func wait() -> Progress {
    monitor.withLock {
      while case .at(let step, let until) = progress {
        guard clock.monotonic >= until else {
          _ = monitor.wait(until: until)
          continue
        }
        progress = .givenUp
        let reason =
          hasBegun
          ? "`\(Self.function(step))` did not return in time"
          : "a handler of generation \(parts.old.number) is still running after \(parts.drain / 1_000_000) ms"
        let failure = LifecycleFailure(name, step, reason)
        return hasBegun
          ? .hung(failure.leaving("generation \(parts.old.number) goes on when the call returns"))
          : .failed(failure)
      }
      return progress
    }
  }

  /// The old generation has finished; the lane is about to be asked to `proceed`.
  func drained() {
    monitor.withLock { progress = .at(.export, until: clock.monotonic + Self.callTime) }
  }

  private static func function(_ step: SwapStep) -> String {
    switch step {
    case .export: "export_state"
    case .import: "import_state"
    default: step.rawValue
    }
  }

  // MARK: The lane

  /// Shuts the gate, ends the old generation's work and, when nothing of it is left, goes on at once.
  func begin() {
    guard reach(.quiesce, until: deadline) else { return }
    shutAt = clock.monotonic
    endpoint.closeGate()
    parts.old.handle.ending = .swap
    do throws(LifecycleFailure) {
      try call(.quiesce, until: deadline + Self.callTime) { parts.old.quiesce(deadline: deadline) }
      // One that has overrun and does return is put back to work in order; the wait above is for one that never returns.
      guard clock.monotonic <= deadline else {
        throw LifecycleFailure(name, .quiesce, "`quiesce` was still running after \(parts.drain / 1_000_000) ms")
      }
      parts.old.handle.threads.stopAll()
      guard endpoint.isSettled, !parts.old.handle.threads.areRunning else {
        tell(.undrained)
        return
      }
      try switchOver()
    } catch {
      putBack(after: error)
    }
  }

  /// Goes on after the old generation's last delivery.
  func proceed() {
    do throws(LifecycleFailure) { try switchOver() } catch { putBack(after: error) }
  }

  private func switchOver() throws(LifecycleFailure) {
    parts.old.handle.threads.joinFinished()
    parts.old.handle.phase = .quiesced
    let stateBytes = try handOver()
    guard !parts.isRehearsal else { return callOff(stateBytes) }

    parts.instance.state = .swapping(.activate)
    let before = parts.instance.settingsNow
    parts.instance.adopt(parts.source.manifest, parts.resolved, text: parts.manifestText)
    do throws(LifecycleFailure) {
      do { try endpoint.install(parts.new.plan) } catch { throw LifecycleFailure(name, .activate, "\(error)") }
      parts.new.handle.phase = .active
      try call(.activate, until: clock.monotonic + Self.callTime) { parts.new.activate() }
    } catch {
      takeOff(parts.new)
      parts.instance.adopt(before)
      do { try endpoint.install(parts.old.plan) } catch let fault {
        throw error.leaving("generation \(parts.old.number) cannot be put back: \(fault)")
      }
      throw error
    }

    // From here on there is no way back.
    guard reach(.activate, until: Int64.max) else {
      // Nobody waits any more: the operation has been called a failure, and so it has to be one.
      takeOff(parts.new)
      parts.instance.adopt(before)
      try? endpoint.install(parts.old.plan)
      throw LifecycleFailure(name, .activate, "it took too long")
    }
    takeOff(parts.old)
    let waiting = endpoint.lane.depth
    endpoint.openGate()
    tell(.done(Outcome(pause: clock.monotonic - shutAt, stateBytes: stateBytes, waiting: waiting)))
  }

  /// Ends what a generation may do and was promised; only `destroy` is left for it.
  private func takeOff(_ generation: Generation) {
    generation.handle.threads.stopAll()
    endpoint.keepPromises(of: generation.number)
    generation.handle.phase = .gone
  }

  /// Moves the state, or what is left of it to move. Its size.
  private func handOver() throws(LifecycleFailure) -> Int {
    guard let before = parts.old.descriptor, !before.stateFormat.isEmpty, !parts.dropsState else { return 0 }
    parts.instance.state = .swapping(.export)
    if let copied = parts.copied, let count = try handOverRest(copied, before.stateFormat) { return count }
    return try handOverAll(before)
  }

  /// Nil when the old build cannot say what is left.
  private func handOverRest(_ copied: StatePrecopy.Copied, _ format: String) throws(LifecycleFailure) -> Int? {
    var rest: [UInt8] = []
    let code = try call(.export, until: clock.monotonic + Self.callTime, tolerates: bh_rc(BH_E_UNSUPPORTED)) {
      let (code, bytes) = parts.old.exportState(phase: BH_STATE_REST, version: copied.version)
      rest = bytes
      return code
    }
    guard code >= 0 else { return nil }
    parts.instance.state = .swapping(.import)
    try call(.import, until: clock.monotonic + Self.callTime) {
      parts.new.importState(phase: BH_STATE_REST, format: format, version: copied.version, rest)
    }
    return rest.count
  }

  /// The whole, in the version that the new build wants or else in the old one's own.
  private func handOverAll(_ before: PluginDescriptor) throws(LifecycleFailure) -> Int {
    let wanted = parts.new.descriptor
    var version =
      wanted?.stateFormat == before.stateFormat ? wanted?.stateVersion ?? before.stateVersion : before.stateVersion
    var state: [UInt8] = []
    func export() throws(LifecycleFailure) -> bh_rc {
      try call(.export, until: clock.monotonic + Self.callTime, tolerates: bh_rc(BH_E_UNSUPPORTED)) {
        let (code, bytes) = parts.old.exportState(version: version)
        state = bytes
        return code
      }
    }
    var code = try export()
    if code == BH_E_UNSUPPORTED, version != before.stateVersion {
      version = before.stateVersion
      code = try export()
    }
    guard code >= 0 else { throw LifecycleFailure(name, .export, ResultCode.name(code)) }

    parts.instance.state = .swapping(.import)
    try call(.import, until: clock.monotonic + Self.callTime) {
      parts.new.importState(format: before.stateFormat, version: version, state)
    }
    return state.count
  }

  /// Enters the plugin, and throws what it says when it fails, or when nobody has waited for it.
  @discardableResult
  private func call(
    _ step: SwapStep, until: Int64, tolerates: bh_rc? = nil, _ body: () -> bh_rc
  ) throws(LifecycleFailure) -> bh_rc {
    guard reach(step, until: until) else { throw LifecycleFailure(name, step, "it took too long") }
    let code = body()
    let said = CallMessage.take()
    guard code >= 0 || code == tolerates else {
      throw LifecycleFailure(name, step, said ?? ResultCode.name(code))
    }
    return code
  }

  /// Puts the old generation back to work and opens the gate.
  private func putBack(after failure: LifecycleFailure) {
    if let outcome = failure.outcome {
      // Its plan could not be put back.
      parts.old.handle.goOn()
      endpoint.openGate()
      return end(.lost(failure.leaving("generation \(parts.old.number) could not go on: \(outcome)")))
    }
    guard let reason = resume() else { return end(.failed(failure)) }
    end(.lost(failure.leaving("generation \(parts.old.number) could not go on: \(reason)")))
  }

  /// The end of a rehearsal.
  private func callOff(_ stateBytes: Int) {
    let waiting = endpoint.lane.depth
    if let reason = resume() {
      let failure = LifecycleFailure(name, "resume", reason)
      return end(.lost(failure.leaving("generation \(parts.old.number) could not go on")))
    }
    end(.rehearsed(Outcome(pause: clock.monotonic - shutAt, stateBytes: stateBytes, waiting: waiting)))
  }

  /// Has the old generation go on, and opens the gate. Why it could not.
  private func resume() -> String? {
    let old = parts.old
    old.handle.goOn()
    let code = old.resume()
    let said = CallMessage.take()
    endpoint.openGate()
    return code >= 0 ? nil : "`resume` after an aborted swap failed: \(said ?? ResultCode.name(code))"
  }

  /// Tells how it failed or, when nobody waits any more, clears up.
  private func end(_ last: Progress) {
    guard !tell(last) else { return }
    reaper.retire(parts.new, of: parts.instance)
    if case .failed(let failure) = last {
      parts.instance.state = .running
      parts.instance.log.warning(name, "\(failure.reason); generation \(parts.old.number) goes on")
    }
  }

  /// Notes what comes next. False when nobody waits any more.
  private func reach(_ step: SwapStep, until: Int64) -> Bool {
    monitor.withLock {
      guard case .at = progress else { return false }
      progress = .at(step, until: until)
      hasBegun = true
      return true
    }
  }

  /// False when nobody waits any more.
  @discardableResult
  private func tell(_ last: Progress) -> Bool {
    monitor.withLock {
      guard case .at = progress else { return false }
      progress = last
      monitor.broadcast()
      return true
    }
  }
}
