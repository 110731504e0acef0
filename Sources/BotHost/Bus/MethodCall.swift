import CBotHost
import Synchronization

/// One call of a method, from `call` until its caller has been told. It goes through the hooks by priority and then
/// to the method, each time through the lane of whoever is asked, in order with that one's events.
final class MethodCall: @unchecked Sendable {
  /// Borrowed, not counted: threads that end calls would meet at the count.
  private let busReference: Unmanaged<Bus>
  let entry: MethodEntry
  /// The call in whose handling this one was made.
  let parent: MethodCall?
  let depth: Int

  /// Who called: an endpoint, which was promised to be told the end, or somebody outside with a completion. The lane is owed
  /// that, and there until then.
  private let callerLane: LanePointer?
  /// Its number, which no other lane has, also after its end.
  private let callerSerial: Int?
  private let promise: PromiseTicket
  private let completion: (@Sendable (bh_rc, [UInt8]) -> Void)?

  /// The call's own slot: its deadline, and the token by which the caller cancels it.
  let slot: SlotPointer
  let token: bh_token
  /// The argument; one reference is the call's. Replaced by `amend`, under the hop's lock.
  private(set) var argument: EventPointer
  /// The hook that has the call, or `entry.hooks.count` for the method.
  private var hop = 0
  /// The delivery token of the hop that is under way; 0: it is queued.
  private let hopToken = Atomic<UInt64>(0)

  /// How it ended. Read by whoever had the call, too, perhaps before it is known.
  private let outcome = Atomic<bh_rc>(0)
  private var result: [UInt8] = []

  static let maximumDepth = 64

  init(
    bus: Bus, entry: MethodEntry, parent: MethodCall?, callerLane: LanePointer?, promise: PromiseTicket,
    completion: (@Sendable (bh_rc, [UInt8]) -> Void)?, slot: SlotPointer, argument: EventPointer
  ) {
    busReference = Unmanaged.passUnretained(bus)
    self.entry = entry
    self.parent = parent
    depth = (parent?.depth ?? 0) + 1
    self.callerLane = callerLane
    callerSerial = callerLane?.pointee.serial
    self.promise = promise
    self.completion = completion
    self.slot = slot
    self.argument = argument
    token = slot.token
  }

  deinit { EventArena.release(argument) }

  /// The call whose argument an event is.
  static func of(_ event: EventPointer) -> MethodCall? {
    guard event.pointee.kind == .call, let link = event.pointee.link else { return nil }
    return Unmanaged<MethodCall>.fromOpaque(link).takeUnretainedValue()
  }

  /// Whether the call, or one that it is made for, was made by or is handled by the endpoint of that lane.
  func passes(_ lane: LanePointer) -> Bool {
    var next: MethodCall? = self
    while let call = next {
      if call.isMade(by: lane) { return true }
      if call !== self, call.target.pointee.lane == lane { return true }
      next = call.parent
    }
    return false
  }

  /// Whether the endpoint of that lane has made the call.
  func isMade(by lane: LanePointer) -> Bool { callerSerial == lane.pointee.serial }

  /// The chain of calls ends in this method already.
  static func isCycle(_ entry: MethodEntry, _ parent: MethodCall?) -> Bool {
    var next = parent
    while let call = next {
      if call.entry.name.baseAddress == entry.name.baseAddress { return true }
      next = call.parent
    }
    return (parent?.depth ?? 0) >= maximumDepth
  }

  private var isHook: Bool { hop < entry.hooks.count }
  private var target: BindingPointer { isHook ? entry.hooks[hop].record : entry.method.record }

  /// Gives the call to the next in line. BH_OK, or why it could not be queued.
  func enqueue(_ thread: UnsafeMutablePointer<ThreadContext>) -> bh_rc {
    while true {
      while isHook, !argument.fits(entry.hooks[hop]) { hop += 1 }
      let rc = enqueue(for: target, thread)
      guard rc != BH_OK, hookPassesFailures else { return rc }
      notePassed(rc, ResultText.of(rc))
      hop += 1
    }
  }

  private func enqueue(for target: BindingPointer, _ thread: UnsafeMutablePointer<ThreadContext>) -> bh_rc {
    let lane = target.pointee.lane
    EventArena.retain(argument, 1, thread)
    argument.pointee.kind = .call
    argument.pointee.link = Unmanaged.passUnretained(self).toOpaque()
    // The queue keeps the call alive.
    let queued = Unmanaged.passRetained(self)
    let item = LaneItem(event: argument, binding: target)
    if lane.pointee.attention.load(ordering: .acquiring) & LaneState.gateBit != 0, passes(lane) {
      lane.lock()
      lane.pointee.accepted &+= 1
      lane.pointee.acceptedBytes &+= UInt64(argument.pointee.bytes)
      lane.unlock()
      if lane.post(.passingCall(item)) { return bh_rc(BH_OK) }
      EventArena.release(argument)
      queued.release()
      return bh_rc(BH_E_NOTFOUND)
    }
    let rc = lane.accept(item, .never, thread)
    if rc != BH_OK {
      EventArena.release(argument)
      queued.release()
      return rc == BH_E_CANCELLED ? bh_rc(BH_E_NOTFOUND) : rc
    }
    return rc
  }

  /// The end of an item that was queued: gives up the queue's hold on the call.
  func leaveQueue() { Unmanaged.passUnretained(self).release() }

  /// Whether the caller has not been answered.
  var isOpen: Bool {
    slot.pointee.word.load(ordering: .acquiring) & ~DeliverySlot.low == token & ~DeliverySlot.low
      && slot.pointee.word.load(ordering: .acquiring) & DeliverySlot.stateMask == DeliverySlot.open
  }

  /// Answers the caller; the first answer counts. False when it was answered before.
  @discardableResult
  func end(_ rc: bh_rc, text: String) -> Bool { end(rc, Array(text.utf8)) }

  @discardableResult
  func end(_ rc: bh_rc, _ result: [UInt8]) -> Bool {
    guard slot.move(token, from: { $0 == DeliverySlot.open }, to: DeliverySlot.claimed) != nil else { return false }
    endClaimed(rc, result)
    return true
  }

  /// The same by whoever has claimed the call's slot.
  func endClaimed(_ rc: bh_rc, _ result: [UInt8]) {
    outcome.store(rc, ordering: .releasing)
    self.result = result
    let hop = hopToken.exchange(0, ordering: .acquiringAndReleasing)
    busReference._withUnsafeGuaranteedRef { bus in
      if hop != 0, let hopSlot = bus.slots[hop],
        hopSlot.move(hop, from: { $0 == DeliverySlot.open }, to: DeliverySlot.claimed) != nil
      {
        // Nobody may reply any more.
        bus.closeHop(hopSlot, answered: false, drop: true, how: lost)
      }
      slot.retire(answered: false)
      bus.deadlines.giveBack(slot)
    }
    entry.method.record.pointee.handled.wrappingAdd(1, ordering: .relaxed)
    if rc < 0 { entry.method.failed.wrappingAdd(1, ordering: .relaxed) }
    if let lane = callerLane {
      if !lane.post(.callEnded(self)) { lane.forgetOwed(1) }
    } else {
      completion?(rc, result)
    }
    // The slot's hold.
    Unmanaged.passUnretained(self).release()
  }

  /// What whoever has the call is told when it has ended without him.
  var lost: bh_rc {
    let rc = outcome.load(ordering: .acquiring)
    return rc < 0 ? rc : bh_rc(BH_E_CANCELLED)
  }

  /// On the caller's lane, between two events.
  func tell() {
    guard let lane = callerLane else { return }
    if let promise = lane.pointee.endpoint._withUnsafeGuaranteedRef({ $0.takePromise(promise) }) {
      result.withUnsafeBufferPointer { promise.keep(outcome.load(ordering: .relaxed), $0) }
    }
    lane.forgetOwed(1)
  }

  /// What a caller is told whose time is over: at whom the call stood.
  var lateness: String {
    isHook
      ? "\(entry.hooks[hop].endpoint), which hooks \(entry.text), did not answer in time"
      : "\(entry.text) did not answer in time"
  }

  /// The hook at hand has had the call for too long.
  func hookIsLate(_ thread: UnsafeMutablePointer<ThreadContext>) {
    if isHook, entry.hooks[hop].hook?.passesWhenLate == false {
      end(bh_rc(BH_E_TIMEOUT), text: lateness)
    } else {
      advance(thread)
    }
  }

  /// Whether the call stands at a hook without which it goes on when that fails.
  var hookPassesFailures: Bool { isHook && entry.hooks[hop].hook?.passesWhenFailed == true }

  /// Whoever is asked has failed: the call fails, too, or goes on.
  func fail(_ rc: bh_rc, text: String, _ thread: UnsafeMutablePointer<ThreadContext>) {
    guard hookPassesFailures else {
      end(rc, text: text)
      return
    }
    notePassed(rc, text)
    advance(thread)
  }

  private func notePassed(_ rc: bh_rc, _ text: String) {
    let hook = entry.hooks[hop]
    hook.failed.wrappingAdd(1, ordering: .relaxed)
    busReference._withUnsafeGuaranteedRef {
      $0.report(.hookPassed(handler: hook.consumer, reason: text.isEmpty ? ResultText.of(rc) : text))
    }
  }

  /// A hook has passed the call on, or taken too long.
  func advance(_ thread: UnsafeMutablePointer<ThreadContext>) {
    hopToken.store(0, ordering: .releasing)
    guard isOpen else { return }
    hop += 1
    let rc = enqueue(thread)
    if rc != BH_OK { end(rc, text: "\(entry.text): \(ResultText.of(rc))") }
  }

  /// Replaces the argument; the caller holds the hop.
  func amend(_ event: EventPointer) {
    EventArena.release(argument)
    argument = event
  }

  // MARK: On the callee's lane

  func run(
    _ binding: BindingPointer, _ slot: SlotPointer, _ token: bh_token, _ view: UnsafeMutablePointer<bh_event>,
    _ lane: LanePointer, _ now: Int64, _ thread: UnsafeMutablePointer<ThreadContext>
  ) -> bh_rc {
    hopToken.store(token, ordering: .releasing)
    argument.fill(view)
    view.pointee.seq = lane.pointee.sequence
    view.pointee.deadline_mono_ns = self.slot.pointee.deadline
    view.pointee.attempt = 1
    view.pointee.delivery = token
    view.pointee.binding = binding.pointee.number
    if let function = binding.pointee.function { return lane.enter(function, binding, view, now, thread) }
    return binding.pointee.owner._withUnsafeGuaranteedRef { owner in
      guard let invoke = owner.invoke else { return bh_rc(BH_E_UNSUPPORTED) }
      let name = owner.fullName
      return lane.enter(invoke, name, binding, view, now, thread)
    }
  }

  var isAtHook: Bool { isHook }

  /// Nanoseconds that the hook at hand may keep the call.
  var hookTimeout: Int64 {
    guard isHook else { return 0 }
    return entry.hooks[hop].record.pointee.timeout
  }
}

extension UnsafeMutablePointer<LaneState> {
  @inline(__always)
  func enter(
    _ invoke: CallTarget.Invoke, _ name: UnsafeBufferPointer<UInt8>, _ binding: BindingPointer,
    _ view: UnsafeMutablePointer<bh_event>, _ now: Int64, _ thread: UnsafeMutablePointer<ThreadContext>
  ) -> bh_rc {
    let before = pointee.runningSince.load(ordering: .relaxed)
    if before != 0, now &- before > Bus.longCall { reportLong(now &- before) }
    pointee.runningBinding.store(UInt(bitPattern: binding), ordering: .relaxed)
    pointee.runningSince.store(now, ordering: .relaxed)
    let outer = thread.pointee.view
    thread.pointee.view = view
    let text = UnsafeRawPointer(name.baseAddress)?.assumingMemoryBound(to: CChar.self)
    let rc = invoke(binding.pointee.context, bh_str(ptr: text, len: name.count), view)
    thread.pointee.view = outer
    if !thread.pointee.scratch.isEmpty { thread.pointee.scratch.empty() }
    return rc
  }

  /// A call that has come to the head of the queue.
  func startCall(_ item: LaneItem, _ thread: UnsafeMutablePointer<ThreadContext>) {
    defer {
      countFinished(item.event.pointee.bytes)
      releaseInRun(item.event)
    }
    guard let call = MethodCall.of(item.event) else { return }
    defer { call.leaveQueue() }
    guard call.isOpen else { return }
    if item.binding.pointee.flags & BindingRecord.removed != 0 {
      if call.isAtHook {
        call.advance(thread)
      } else {
        call.end(bh_rc(BH_E_NOTFOUND), text: "the method \(call.entry.text) no longer exists")
      }
      return
    }
    let slot = pointee.slot
    slot.pointee.call = Unmanaged.passRetained(call)
    let token = slot.arm()
    pointee.sequence &+= 1
    let now = pointee.clock.stamp(thread)
    if !thread.pointee.outcomes.isEmpty { thread.pointee.outcomes.flush(ifDue: now) }
    let rc = call.run(item.binding, slot, token, pointee.view, self, now, thread)

    if rc == BH_ASYNC {
      pointee.bus._withUnsafeGuaranteedRef { keepHop(call, slot, token, now, $0) }
      return
    }
    guard slot.move(token, from: { $0 == DeliverySlot.running }, to: DeliverySlot.claimed) != nil else {
      // Replied to inside the call, by this thread or another.
      pointee.bus._withUnsafeGuaranteedRef { leaveHop(slot, $0) }
      return
    }
    let effects = slot.pointee.effects?.takeRetainedValue()
    slot.pointee.effects = nil
    slot.pointee.call?.release()
    slot.pointee.call = nil
    slot.retire(answered: false)
    if rc < 0 {
      effects?.drop()
      call.fail(rc, text: CallMessage.take() ?? ResultText.of(rc), thread)
      return
    }
    var onDisk = false
    let applied = effects?.apply(for: nil, settledOnDisk: &onDisk, thread) ?? bh_rc(BH_OK)
    if applied != BH_OK {
      call.fail(applied, text: CallMessage.take() ?? ResultText.of(applied), thread)
    } else if call.isAtHook {
      // BH_SKIP, or BH_OK without an answer: not for this hook.
      countHandled(item.binding, rc)
      call.advance(thread)
    } else {
      call.end(bh_rc(BH_OK), [])
    }
  }

  /// The function will reply later: the hop outlives its call.
  private func keepHop(_ call: MethodCall, _ slot: SlotPointer, _ token: bh_token, _ now: Int64, _ bus: Bus) {
    guard let next = bus.slots.take() else {
      if slot.move(token, from: { $0 == DeliverySlot.running }, to: DeliverySlot.claimed) != nil {
        slot.pointee.effects?.takeRetainedValue().drop()
        slot.pointee.effects = nil
        slot.pointee.call?.release()
        slot.pointee.call = nil
        slot.retire(answered: false, how: bh_rc(BH_E_BUSY))
        call.fail(bh_rc(BH_E_BUSY), text: "too many deliveries are unsettled", ThreadContext.current)
      } else {
        leaveHop(slot, bus)
      }
      return
    }
    pointee.inFlight.wrappingAdd(1, ordering: .relaxed)
    let isHook = call.isAtHook
    if isHook {
      slot.pointee.deadline = now &+ call.hookTimeout
      bus.deadlines.add(slot, token)
    }
    if slot.move(token, from: { $0 == DeliverySlot.running }, to: DeliverySlot.open) != nil {
      next.pointee.lane = self
      next.pointee.generation = slot.pointee.generation
      pointee.slot = next
      // The caller may have gone while the function ran: then nobody has closed the hop.
      if !call.isOpen, slot.move(token, from: { $0 == DeliverySlot.open }, to: DeliverySlot.claimed) != nil {
        bus.closeHop(slot, answered: false, drop: true, how: call.lost)
      }
      return
    }
    if isHook { bus.deadlines.remove(slot) }
    pointee.inFlight.wrappingSubtract(1, ordering: .relaxed)
    bus.slots.giveBack(next)
    leaveHop(slot, bus)
  }

  /// The function has returned after a reply to its call; whoever comes second clears the slot away.
  private func leaveHop(_ slot: SlotPointer, _ bus: Bus) {
    let word = slot.pointee.word.bitwiseOr(DeliverySlot.returned, ordering: .acquiringAndReleasing).oldValue
    if word & DeliverySlot.complete != 0 {
      slot.pointee.call?.release()
      slot.pointee.call = nil
      slot.retire(answered: true)
      return
    }
    // The reply is still being worked on by another thread: the slot is left to it.
    let next = bus.slots.takeUrgently()
    next.pointee.lane = self
    next.pointee.generation = slot.pointee.generation
    pointee.slot = next
  }
}
