import CBotHost
import Synchronization

/// Whom to tell how a published event ended (`bh_outgoing.settled`).
struct PublishNotice: @unchecked Sendable {
  /// Owes it the outcome, and may look at it until then.
  let lane: LanePointer
  let ticket: PromiseTicket

  /// Posts the outcome to the publisher's lane; from a lane's thread together with others of its run.
  func send(_ rc: bh_rc, _ message: String?, _ thread: UnsafeMutablePointer<ThreadContext>? = nil) {
    let outcome = PublishOutcome(notice: self, rc: rc, message: message ?? "")
    if let thread, thread.pointee.gathersOutcomes {
      thread.pointee.outcomes.add(outcome, now: thread.pointee.monotonic)
    } else if !lane.post(.publishSettled(outcome)) {
      lane.forgetOwed(1)
    }
  }
}

extension UnsafeMutablePointer<LaneState> {
  /// So many ends have been told, or nobody can be told any more because the lane has ended. The last look at it.
  func forgetOwed(_ count: Int) { pointee.owed.wrappingSubtract(count, ordering: .releasing) }
}

/// The end of a published event, on its way to the publisher's lane.
struct PublishOutcome: @unchecked Sendable {
  let notice: PublishNotice
  let rc: bh_rc
  let message: String

  /// On the publisher's lane. A generation that has ended was told so before, and is not entered any more.
  func tell(_ lane: LanePointer) {
    lane.pointee.endpoint._withUnsafeGuaranteedRef { $0.takePromise(notice.ticket) }?.keep(rc, message)
    lane.forgetOwed(1)
  }
}

/// Follows one event over all of its handlers: those of lower priority are asked when the higher ones are done, and
/// somebody may want to know the end.
final class EventTracker: @unchecked Sendable {
  private let event: EventPointer
  /// Handlers that are to be asked later, by priority; held, because it may be much later. References on the event are held for each
  /// of them.
  private var later: [[Binding]]
  private let remaining: Atomic<Int>
  private let stopped = Atomic<Bool>(false)
  private let failure = Mutex<String?>(nil)
  /// The first failure.
  private let code = Atomic<bh_rc>(bh_rc(BH_OK))
  private let notice: PublishNotice?
  /// What nobody has taken is a dead letter.
  private let isMandatory: Bool
  /// A handler has done something with it, be it in vain.
  private let taken = Atomic<Bool>(false)
  private let handlers: Int
  private let ended: (@Sendable (bh_rc) -> Void)?

  init(
    event: EventPointer, now: Int, later: [[BindingPointer]], notice: PublishNotice?, isMandatory: Bool = false,
    ended: (@Sendable (bh_rc) -> Void)? = nil
  ) {
    self.event = event
    self.later = later.map { $0.map { $0.pointee.owner.takeUnretainedValue() } }
    remaining = Atomic(now)
    self.notice = notice
    self.isMandatory = isMandatory
    handlers = later.reduce(now) { $0 + $1.count }
    self.ended = ended
  }

  /// Puts itself on the event, which keeps it alive until the end.
  func attach() {
    event.pointee.kind = .special
    event.pointee.link = Unmanaged.passRetained(self).toOpaque()
  }

  /// Takes it off again: nobody has got the event.
  static func detach(_ event: EventPointer) {
    of(event)?.release()
    event.pointee.kind = .plain
    event.pointee.link = nil
  }

  static func of(_ event: EventPointer) -> Unmanaged<EventTracker>? {
    guard event.pointee.kind == .special, let link = event.pointee.link else { return nil }
    return Unmanaged.fromOpaque(link)
  }

  /// What came of it in a lane that has just ended: whoever waits for it wants to know whether a handler has really seen it.
  var codeOfLost: bh_rc { bh_rc(isMandatory ? BH_SKIP : ended != nil ? BH_E_CANCELLED : BH_OK) }

  /// The dead letters keep it when no handler sees it.
  static func isMandatory(_ event: EventPointer) -> Bool {
    event.pointee.kind == .mandatory || of(event)?._withUnsafeGuaranteedRef(\.isMandatory) ?? false
  }

  /// One handler is done with the event.
  func finished(
    _ rc: bh_rc, stopped: Bool, message: String?, _ bus: Bus, _ thread: UnsafeMutablePointer<ThreadContext>
  ) {
    if stopped { self.stopped.store(true, ordering: .relaxed) }
    if rc != BH_SKIP { taken.store(true, ordering: .relaxed) }
    if rc < 0 {
      _ = code.compareExchange(expected: bh_rc(BH_OK), desired: rc, ordering: .relaxed)
      failure.withLock { if $0 == nil { $0 = message } }
    }
    guard remaining.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0 else { return }
    // The last one of a priority: nobody else is here.
    if self.stopped.load(ordering: .relaxed) {
      for binding in later.joined() {
        bus.settleOnDisk(event, binding.record)
        EventArena.release(event)
      }
      later.removeAll()
    }
    while !later.isEmpty {
      let tier = later.removeFirst()
      remaining.store(tier.count + 1, ordering: .releasing)
      for binding in tier.map(\.record) {
        let item = LaneItem(event: event, binding: binding)
        var rc = binding.pointee.lane.accept(item, .policy, thread)
        // The event is accepted already: where waiting would be for ever, it goes in beyond the bound.
        if rc == BH_E_BUSY { rc = binding.pointee.lane.accept(item, .force, thread) }
        if rc != BH_OK {
          EventArena.release(event)
          remaining.wrappingSubtract(1, ordering: .acquiringAndReleasing)
        }
      }
      // One was counted for this loop, so that none of them could be the last one meanwhile.
      if remaining.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue > 0 { return }
    }
    if isMandatory, !taken.load(ordering: .relaxed) {
      let reason = bus.nobodyTook(event, passedOver: handlers, thread)
      code.store(bh_rc(BH_E_REJECT), ordering: .relaxed)
      failure.withLock { $0 = reason }
    }
    let code = code.load(ordering: .relaxed)
    notice?.send(code < 0 ? bh_rc(BH_E_REJECT) : bh_rc(BH_OK), failure.withLock { $0 }, thread)
    ended?(code)
    Unmanaged.passUnretained(self).release()
  }
}
