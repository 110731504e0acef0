import CBotHost
import CJSON
import Glibc
import Synchronization

/// What a drain has come to.
public enum DrainResult: Sendable, Hashable {
  /// Nothing of the generation is under way.
  case drained
  /// What was still under way at the deadline. With the policy `revoke` only a handler that has not returned is left.
  case timedOut(inCall: Int, inFlight: Int, calls: Int)
}

/// What happens when a drain reaches its deadline.
public enum DrainPolicy: Sendable, Hashable {
  /// Leave everything as it is; the caller opens the gate again.
  case abort
  /// Deliveries that are under way are taken back: their tokens go stale, their effects are dropped, and they will be
  /// delivered again. Calls that the generation was answering fail with BH_E_CANCELLED, and so do those it made. How
  /// events ended that it has published is still told, as long as it lives.
  case revoke
  /// Wait on.
  case wait
}

/// The swap protocol's side of an endpoint.
extension Endpoint {
  /// Stops delivering at the next event; what runs, runs to its end. Events are still accepted, up to the lane's bound.
  public func closeGate() {
    lane.lock()
    lane.pointee.attention.bitwiseOr(LaneState.gateBit, ordering: .releasing)
    if lane.pointee.isInline {
      lane.unlockAndWake()
      return
    }
    // A thread that sleeps is inside no handler.
    if lane.pointee.sleeping { lane.pointee.atBarrier.store(true, ordering: .releasing) }
    lane.unlock()
  }

  /// Delivers again, from the event after the last one that was delivered.
  public func openGate() {
    lane.lock()
    lane.pointee.atBarrier.store(false, ordering: .releasing)
    lane.pointee.attention.bitwiseAnd(~LaneState.gateBit, ordering: .releasing)
    lane.unlockAndWake()
  }

  /// Whether events are delivered; behind a shut gate they wait.
  public var isGateOpen: Bool { lane.pointee.attention.load(ordering: .acquiring) & LaneState.gateBit == 0 }

  /// Runs `body` on the lane between two events, also while the gate is shut, and waits for it, `timeout` nanoseconds
  /// at most. Nil: the lane was not free in time; `body` will not run then. On the lane itself it simply runs.
  public func onLane<Result: Sendable>(timeout: Int64, _ body: @escaping @Sendable () -> Result) -> Result? {
    if ThreadContext.current.pointee.isInside(lane) { return body() }
    let task = LaneTask<Result>(body)
    guard lane.post(.work { task.run() }) else { return nil }
    return task.wait(nanoseconds: timeout)
  }

  /// Runs `body` on the lane between two events, later. BH_E_CANCELLED when the endpoint has ended.
  @discardableResult
  public func postToLane(_ body: @escaping @Sendable () -> Void) -> bh_rc {
    lane.post(.work(body)) ? bh_rc(BH_OK) : bh_rc(BH_E_CANCELLED)
  }

  /// Waits until nothing of the running generation is under way: no handler runs, nothing is unsettled, no call of
  /// its own is open. The gate must be shut. `deadline` is CLOCK_MONOTONIC of the host's clock, nanoseconds.
  public func drain(deadline: Int64, policy: DrainPolicy) -> DrainResult {
    // Short waits, because the gate is shut meanwhile: at first the other threads are only let through.
    var turns = 0
    while true {
      if isDrained { return .drained }
      if policy != .wait, bus.clock.monotonic >= deadline { break }
      turns += 1
      if turns < 100 { sched_yield() } else { usleep(turns < 1000 ? 50 : 500) }
    }
    if policy == .revoke {
      revoke()
      if lane.pointee.atBarrier.load(ordering: .acquiring), lane.pointee.inFlight.load(ordering: .acquiring) == 0 {
        return .drained
      }
    }
    let inCall = lane.pointee.atBarrier.load(ordering: .acquiring) ? 0 : 1
    return .timedOut(
      inCall: inCall, inFlight: max(0, lane.pointee.inFlight.load(ordering: .acquiring)),
      calls: max(0, lane.pointee.outgoing.load(ordering: .acquiring)))
  }

  private var isDrained: Bool { lane.pointee.atBarrier.load(ordering: .acquiring) && isSettled }

  /// On the lane, between two events: whether nothing is unsettled and no call of its own is open.
  var isSettled: Bool {
    lane.pointee.inFlight.load(ordering: .acquiring) == 0 && lane.pointee.outgoing.load(ordering: .acquiring) == 0
  }

  /// Takes back everything that the generation has under way.
  func revoke() {
    bus.slots.forEach { slot in
      // The token first: when the slot changes hands after that, its stamp moves on, and the claim fails.
      let token = slot.token
      guard slot.pointee.lane == lane,
        slot.move(token, from: { $0 == DeliverySlot.open }, to: DeliverySlot.claimed) != nil
      else { return }
      if let call = slot.pointee.call?.takeUnretainedValue() {
        withExtendedLifetime(call) {
          bus.closeHop(slot, answered: false, drop: true, how: bh_rc(BH_E_CANCELLED))
          call.fail(
            bh_rc(BH_E_CANCELLED), text: "\(name) was taken off while it handled \(call.entry.text)",
            ThreadContext.current)
        }
        return
      }
      slot.pointee.effects?.takeRetainedValue().drop()
      slot.pointee.effects = nil
      slot.pointee.outcome = bh_rc(BH_E_CANCELLED)
      slot.pointee.retryAfter = 1
      slot.pointee.message = "taken back from the generation before"
      lane.post(.settled(slot))
    }
    // Calls that it made: their answers would find nobody.
    var open: [MethodCall] = []
    bus.slots.forEach { slot in
      guard slot.pointee.lane == nil,
        slot.pointee.word.load(ordering: .acquiring) & DeliverySlot.stateMask == DeliverySlot.open,
        let call = bus.openCall(slot), call.isMade(by: lane)
      else { return }
      open.append(call)
    }
    for call in open { call.end(bh_rc(BH_E_CANCELLED), text: "the caller was replaced") }
    // What was posted has happened once this has.
    _ = onLane(timeout: 1_000_000_000) { true }
  }
}

/// Something to be done on a lane that somebody waits for.
private final class LaneTask<Result: Sendable>: @unchecked Sendable {
  private enum Stage {
    case waiting
    case running
    case done(Result)
    case abandoned
  }

  private let body: @Sendable () -> Result
  private let monitor = Monitor()
  /// Under the monitor.
  private var stage = Stage.waiting
  /// Set when the stage is `done`, to be looked at without the monitor.
  private let isDone = Atomic<Bool>(false)

  init(_ body: @escaping @Sendable () -> Result) { self.body = body }

  func run() {
    let goes = monitor.withLock {
      guard case .waiting = stage else { return false }
      stage = .running
      return true
    }
    guard goes else { return }
    let result = body()
    monitor.withLock {
      stage = .done(result)
      isDone.store(true, ordering: .releasing)
      monitor.signal()
    }
  }

  /// Nil, and `body` will not run any more, when it has not begun by then; nil also when it has begun and not ended.
  func wait(nanoseconds: Int64) -> Result? {
    // The lane usually answers within microseconds.
    for _ in 0..<Self.patience where !isDone.load(ordering: .acquiring) { machine_pause() }
    let (deadline, overflow) = SystemClock().monotonic.addingReportingOverflow(max(0, nanoseconds))
    return monitor.withLock {
      while true {
        if case .done(let result) = stage { return result }
        if !monitor.wait(until: overflow ? .max : deadline) { break }
      }
      if case .done(let result) = stage { return result }
      if case .waiting = stage { stage = .abandoned }
      return nil
    }
  }

  /// Looks before the caller sleeps: some microseconds.
  private static var patience: Int { 500 }
}

extension UnsafeMutablePointer<LaneState> {
  /// On the lane, at its end: everything that is left becomes dead letters, or goes.
  func giveUpQueued(drop: Bool) {
    let thread = ThreadContext.current
    var items: [LaneItem] = []
    while pointee.readyHead < pointee.ready.count {
      if case .item(let item, _) = pointee.ready[pointee.readyHead] { items.append(item) }
      pointee.readyHead += 1
    }
    while pointee.batchIndex < pointee.batchCount {
      items.append(pointee.batch[pointee.batchIndex])
      pointee.batchIndex += 1
    }
    // Retries that wait, and what waits behind them.
    pointee.bus._withUnsafeGuaranteedRef { bus in
      bus.slots.forEach { slot in
        guard slot.pointee.lane == self, let item = slot.pointee.item,
          slot.move(slot.token, from: { $0 == DeliverySlot.waiting }, to: DeliverySlot.claimed) != nil
        else { return }
        items.append(item)
        pointee.retrying.wrappingSubtract(1, ordering: .relaxed)
        slot.retire(answered: false)
        bus.slots.giveBack(slot)
      }
    }
    items += pointee.endpoint._withUnsafeGuaranteedRef { $0.takeWaiting() }
    lock()
    while let item = takeOldest() { items.append(item) }
    unlock()
    for item in items { giveUpItem(item, drop: drop, thread) }
    flushRun()
  }

  private func giveUpItem(_ item: LaneItem, drop: Bool, _ thread: UnsafeMutablePointer<ThreadContext>) {
    let event = item.event
    if event.pointee.kind == .call {
      if let call = MethodCall.of(event) {
        call.fail(bh_rc(BH_E_NOTFOUND), text: "\(call.entry.text) has gone", thread)
        call.leaveQueue()
      }
      countFinished(event.pointee.bytes)
      releaseInRun(event)
      return
    }
    // A durable event stays unsettled in the journal instead: its consumer may come back.
    if !drop || EventTracker.isMandatory(event), event.pointee.position == 0,
      item.binding.pointee.flags & BindingRecord.observer == 0
    {
      _ = pointee.bus._withUnsafeGuaranteedRef { bus in
        bus.deadLetter(
          event, consumer: item.binding.pointee.owner._withUnsafeGuaranteedRef { $0.consumer }, bh_rc(BH_E_CANCELLED),
          "the instance has gone", attempts: 0, thread)
      }
    }
    if event.pointee.kind == .special {
      EventTracker.of(event)?._withUnsafeGuaranteedRef { tracker in
        pointee.bus._withUnsafeGuaranteedRef { bus in
          tracker.finished(
            bh_rc(drop ? BH_E_CANCELLED : BH_E_REJECT), stopped: false, message: "the instance has gone", bus, thread)
        }
      }
    }
    countFinished(event.pointee.bytes)
    releaseInRun(event)
  }
}
