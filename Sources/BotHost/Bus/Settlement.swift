import CBotHost
import CJSON
import Synchronization

/// One event on its way through one handler, with what its earlier attempts have left.
struct Delivery {
  var item: LaneItem
  /// Hash of the ordering key, once the delivery is counted under it.
  var key: UInt64?
  /// It holds the key since it failed (`retry_mode: block`).
  var isBlocking = false
  var attempt: UInt32 = 1
  /// 0: not handed out yet.
  var sequence: UInt64 = 0
}

/// What happens around a handler's call when it is not simply called and done. All of it runs on the lane's executor.
extension UnsafeMutablePointer<LaneState> {
  /// An item that needs a closer look: a condition, a key that is held, a call, an event with a settlement of its own.
  @inline(never)
  func startExamined(_ item: LaneItem, _ thread: UnsafeMutablePointer<ThreadContext>) {
    if item.event.pointee.kind == .call {
      startCall(item, thread)
      return
    }
    let binding = item.binding
    if binding.pointee.flags & BindingRecord.observer != 0 {
      observe(item, thread)
      return
    }
    if binding.pointee.flags & BindingRecord.examined != 0, !meetsConditions(item) {
      finish(Delivery(item: item), bh_rc(BH_SKIP), settledOnDisk: false, thread)
      return
    }
    guard binding.pointee.heldKeys > 0 else {
      hand(Delivery(item: item), thread)
      return
    }
    let key = keyHash(item)
    let owner = binding.pointee.owner
    let waits = owner._withUnsafeGuaranteedRef { owner -> Bool? in
      guard let state = owner.keys[key] else { return nil }
      if state.blocked > 0 || !state.waiting.isEmpty || state.inFlight >= binding.pointee.inFlightLimit {
        state.waiting.append(item)
        return true
      }
      state.inFlight += 1
      return false
    }
    switch waits {
    case .some(true): return
    case .some(false): hand(Delivery(item: item, key: key), thread)
    case nil: hand(Delivery(item: item), thread)
    }
  }

  func hand(_ item: LaneItem, key: UInt64, _ thread: UnsafeMutablePointer<ThreadContext>) {
    hand(Delivery(item: item, key: key), thread)
  }

  /// Another attempt, whose time has come.
  func handAgain(_ slot: SlotPointer, _ thread: UnsafeMutablePointer<ThreadContext>) {
    guard var delivery = takeDelivery(slot) else { return }
    pointee.retrying.wrappingSubtract(1, ordering: .relaxed)
    slot.retire(answered: false)
    pointee.bus._withUnsafeGuaranteedRef { $0.slots.giveBack(slot) }
    delivery.attempt &+= 1
    if delivery.key == nil, !delivery.isBlocking, delivery.item.binding.pointee.heldKeys > 0 {
      // A parked event queues up behind what its key has under way by now.
      let key = keyHash(delivery.item)
      delivery.item.binding.pointee.owner._withUnsafeGuaranteedRef { owner in
        if let state = owner.keys[key] {
          state.inFlight += 1
          delivery.key = key
        }
      }
    }
    hand(delivery, thread)
  }

  private func takeDelivery(_ slot: SlotPointer) -> Delivery? {
    guard let item = slot.pointee.item else { return nil }
    return Delivery(
      item: item, key: slot.pointee.isKeyed ? slot.pointee.key : nil, isBlocking: slot.pointee.isBlocking,
      attempt: slot.pointee.attempt, sequence: slot.pointee.sequence)
  }

  /// Calls the handler.
  func hand(_ delivery: Delivery, _ thread: UnsafeMutablePointer<ThreadContext>) {
    var delivery = delivery
    let binding = delivery.item.binding
    guard binding.pointee.flags & BindingRecord.removed == 0, let function = binding.pointee.function else {
      giveUp(delivery, bh_rc(BH_E_NOTFOUND), "the handler no longer exists", thread)
      return
    }
    let slot = pointee.slot
    // An `ack` inside the call settles a durable event together with its effects.
    if delivery.item.event.pointee.kind == .special { slot.pointee.item = delivery.item }
    let token = slot.arm()
    if delivery.sequence == 0 {
      pointee.sequence &+= 1
      delivery.sequence = pointee.sequence
    }
    let now = pointee.clock.stamp(thread)
    if !thread.pointee.outcomes.isEmpty { thread.pointee.outcomes.flush(ifDue: now) }
    let view = pointee.view
    delivery.item.event.fill(view)
    if delivery.attempt > 1 { view.pointee.flags |= UInt32(BH_EVENT_REDELIVERED) }
    view.pointee.seq = delivery.sequence
    view.pointee.deadline_mono_ns = now &+ binding.pointee.timeout
    view.pointee.attempt = delivery.attempt
    view.pointee.delivery = token
    view.pointee.binding = binding.pointee.number
    let rc = enter(function, binding, view, now, thread)
    if rc >= 0, rc != BH_ASYNC, slot.settle(token) {
      finish(delivery, rc, settledOnDisk: false, thread)
      return
    }
    returned(delivery, rc, token, now, thread)
  }

  @inline(never)
  func returned(
    _ item: LaneItem, _ rc: bh_rc, _ token: bh_token, _ now: Int64, _ thread: UnsafeMutablePointer<ThreadContext>
  ) {
    returned(Delivery(item: item, sequence: pointee.sequence), rc, token, now, thread)
  }

  /// The handler has returned, and it is not simply done: it goes on without us, it failed, or it left effects.
  func returned(
    _ delivery: Delivery, _ rc: bh_rc, _ token: bh_token, _ now: Int64,
    _ thread: UnsafeMutablePointer<ThreadContext>
  ) {
    let slot = pointee.slot
    if rc != BH_ASYNC, slot.move(token, from: { $0 == DeliverySlot.running }, to: DeliverySlot.claimed) != nil {
      var code = rc
      var settledOnDisk = false
      if let effects = slot.pointee.effects {
        slot.pointee.effects = nil
        effects._withUnsafeGuaranteedRef { effects in
          if rc >= 0 {
            code = effects.apply(for: delivery.item, settledOnDisk: &settledOnDisk, thread)
            if code == BH_OK { code = rc }
          } else {
            effects.drop()
          }
        }
        StagedEffects.giveBack(effects, thread)
      }
      slot.retire(answered: false)
      if code >= 0 {
        finish(delivery, code, settledOnDisk: settledOnDisk, thread)
      } else {
        fail(delivery, code, retryAfter: 0, CallMessage.take(), thread)
      }
      return
    }
    // BH_ASYNC, or `ack` and `nack` were faster than the return.
    var taken = pointee.bus._withUnsafeGuaranteedRef { $0.slots.take() }
    if taken == nil {
      if slot.move(token, from: { $0 == DeliverySlot.running }, to: DeliverySlot.claimed) != nil {
        slot.pointee.effects?.takeRetainedValue().drop()
        slot.pointee.effects = nil
        slot.retire(answered: false, how: bh_rc(BH_E_NOSPACE))
        fail(delivery, bh_rc(BH_E_NOSPACE), retryAfter: 0, "too many deliveries are unsettled", thread)
        return
      }
      taken = pointee.bus._withUnsafeGuaranteedRef { $0.slots.takeUrgently() }
    }
    guard let next = taken else { return }
    var delivery = delivery
    if delivery.key == nil, !delivery.isBlocking { hold(&delivery) { $0.inFlight += 1 } }
    slot.pointee.item = delivery.item
    slot.pointee.key = delivery.key ?? 0
    slot.pointee.isKeyed = delivery.key != nil
    slot.pointee.isBlocking = delivery.isBlocking
    slot.pointee.attempt = delivery.attempt
    slot.pointee.sequence = delivery.sequence
    slot.pointee.deadline = now &+ delivery.item.binding.pointee.timeout
    pointee.inFlight.wrappingAdd(1, ordering: .relaxed)
    next.pointee.lane = self
    next.pointee.generation = slot.pointee.generation
    pointee.slot = next
    pointee.bus._withUnsafeGuaranteedRef { bus in
      bus.deadlines.add(slot, token)
      if slot.move(token, from: { $0 == DeliverySlot.running }, to: DeliverySlot.open) == nil {
        bus.deadlines.remove(slot)
      }
    }
  }

  /// Counts the delivery under its key.
  private func hold(_ delivery: inout Delivery, _ change: (KeyState) -> Void) {
    let key = delivery.key ?? keyHash(delivery.item)
    delivery.key = key
    let binding = delivery.item.binding
    binding.pointee.owner._withUnsafeGuaranteedRef { owner in
      if let state = owner.keys[key] { return change(state) }
      let state = KeyState()
      change(state)
      owner.keys[key] = state
      binding.pointee.heldKeys += 1
    }
  }

  /// The delivery no longer holds its key: the next ones of it may go.
  private func free(_ delivery: Delivery) {
    guard let key = delivery.key else { return }
    let binding = delivery.item.binding
    binding.pointee.owner._withUnsafeGuaranteedRef { owner in
      guard let state = owner.keys[key] else { return }
      if delivery.isBlocking { state.blocked &-= 1 } else { state.inFlight &-= 1 }
      while state.blocked == 0, state.inFlight < binding.pointee.inFlightLimit, let item = state.waiting.removeFirst() {
        state.inFlight += 1
        pointee.ready.append(.item(item, key: key))
      }
      if state.isIdle {
        owner.keys[key] = nil
        binding.pointee.heldKeys -= 1
      }
    }
  }

  /// `ack`, `nack` or the deadline has settled it; everything but the effects is still to be done.
  func finishSettled(_ slot: SlotPointer, _ thread: UnsafeMutablePointer<ThreadContext>) {
    guard slot.pointee.word.load(ordering: .acquiring) & DeliverySlot.stateMask == DeliverySlot.claimed,
      let delivery = takeDelivery(slot)
    else { return }
    let (outcome, after, message) = (slot.pointee.outcome, slot.pointee.retryAfter, slot.pointee.message)
    let settledOnDisk = slot.pointee.isSettledOnDisk
    let answered = slot.pointee.word.load(ordering: .relaxed) & DeliverySlot.answered != 0
    pointee.inFlight.wrappingSubtract(1, ordering: .releasing)
    slot.retire(answered: answered, how: answered ? bh_rc(BH_OK) : outcome)
    pointee.bus._withUnsafeGuaranteedRef { $0.deadlines.giveBack(slot) }
    if outcome >= 0 {
      finish(delivery, outcome, settledOnDisk: settledOnDisk, thread)
    } else {
      fail(delivery, outcome, retryAfter: after, message, thread)
    }
  }

  /// Done with: acknowledged, skipped, or given up.
  func finish(
    _ delivery: Delivery, _ rc: bh_rc, settledOnDisk: Bool, message: String? = nil,
    _ thread: UnsafeMutablePointer<ThreadContext>
  ) {
    let event = delivery.item.event
    if rc >= 0 { countHandled(delivery.item.binding, rc) }
    free(delivery)
    if event.pointee.kind == .special {
      pointee.bus._withUnsafeGuaranteedRef {
        $0.finishSpecial(
          delivery.item, rc: rc, stopped: rc == BH_STOP, message: message, settledOnDisk: settledOnDisk, thread)
      }
    } else if event.pointee.kind == .mandatory, rc == BH_SKIP {
      pointee.bus._withUnsafeGuaranteedRef { _ = $0.nobodyTook(event, passedOver: 1, thread) }
    }
    countFinished(event.pointee.bytes)
    releaseInRun(event)
  }

  /// An attempt has failed: another one later, or the dead letters.
  func fail(
    _ delivery: Delivery, _ rc: bh_rc, retryAfter: UInt64, _ message: String?,
    _ thread: UnsafeMutablePointer<ThreadContext>
  ) {
    let owner = delivery.item.binding.pointee.owner
    let retry = owner._withUnsafeGuaranteedRef { owner -> RetryPolicy in
      _ = owner.failed.wrappingAdd(1, ordering: .relaxed)
      return owner.spec?.retry ?? RetryPolicy(attempts: 1)
    }
    if rc == BH_E_REJECT {
      giveUp(delivery, rc, message ?? "rejected by the handler", thread)
      return
    }
    guard delivery.attempt < retry.attempts else {
      let reason = message ?? ResultText.of(rc)
      giveUp(
        delivery, rc, retry.attempts == 1 ? reason : "\(reason) (attempt \(delivery.attempt) of \(retry.attempts))",
        thread)
      return
    }
    var delivery = delivery
    if retry.mode == .block {
      if !delivery.isBlocking {
        if delivery.key != nil {
          hold(&delivery) { state in
            state.inFlight &-= 1
            state.blocked += 1
          }
        } else {
          hold(&delivery) { $0.blocked += 1 }
        }
        delivery.isBlocking = true
      }
    } else {
      free(delivery)
      delivery.key = nil
    }
    guard let slot = pointee.bus._withUnsafeGuaranteedRef({ $0.slots.take() }) else {
      giveUp(delivery, bh_rc(BH_E_NOSPACE), "too many deliveries are unsettled", thread)
      return
    }
    owner._withUnsafeGuaranteedRef { _ = $0.retried.wrappingAdd(1, ordering: .relaxed) }
    slot.pointee.lane = self
    slot.pointee.generation = 0
    slot.pointee.item = delivery.item
    slot.pointee.key = delivery.key ?? 0
    slot.pointee.isKeyed = delivery.key != nil
    slot.pointee.isBlocking = delivery.isBlocking
    slot.pointee.attempt = delivery.attempt
    slot.pointee.sequence = delivery.sequence
    slot.pointee.word.store(
      (slot.pointee.word.load(ordering: .relaxed) & ~DeliverySlot.low) | DeliverySlot.waiting, ordering: .releasing)
    pointee.retrying.wrappingAdd(1, ordering: .relaxed)
    let delay = retryAfter > 0 ? Int64(clamping: retryAfter) : retry.pause(after: delivery.attempt)
    pointee.bus._withUnsafeGuaranteedRef { $0.timers.schedule(after: delay, .retry(slot, self)) }
  }

  /// Nobody will try it again.
  private func giveUp(
    _ delivery: Delivery, _ rc: bh_rc, _ reason: String, _ thread: UnsafeMutablePointer<ThreadContext>
  ) {
    let owner = delivery.item.binding.pointee.owner
    let consumer = owner._withUnsafeGuaranteedRef { owner -> String in
      _ = owner.dead.wrappingAdd(1, ordering: .relaxed)
      return owner.consumer
    }
    let settledOnDisk = pointee.bus._withUnsafeGuaranteedRef { bus in
      bus.deadLetter(
        delivery.item.event, consumer: consumer, rc, reason, attempts: delivery.attempt, thread)
    }
    finish(delivery, bh_rc(BH_E_REJECT), settledOnDisk: settledOnDisk, message: reason, thread)
  }

  /// A tap: it sees the event and has no say.
  private func observe(_ item: LaneItem, _ thread: UnsafeMutablePointer<ThreadContext>) {
    let view = pointee.view
    pointee.sequence &+= 1
    item.event.fill(view)
    view.pointee.seq = pointee.sequence
    view.pointee.deadline_mono_ns = 0
    view.pointee.attempt = 1
    view.pointee.delivery = 0
    view.pointee.binding = 0
    if let function = item.binding.pointee.function {
      _ = enter(function, item.binding, view, pointee.clock.stamp(thread), thread)
    }
    countHandled(item.binding, bh_rc(BH_OK))
    countFinished(item.event.pointee.bytes)
    releaseInRun(item.event)
  }

  // MARK: The payload's say

  private func meetsConditions(_ item: LaneItem) -> Bool {
    item.binding.pointee.owner._withUnsafeGuaranteedRef { owner in
      guard let spec = owner.spec else { return false }
      for (pointer, expected) in spec.conditions where !item.event.holds(expected, at: pointer) { return false }
      return true
    }
  }

  private func keyHash(_ item: LaneItem) -> UInt64 {
    let event = item.event
    let own = UnsafeRawBufferPointer(start: event.key, count: Int(event.pointee.keyLength))
    return item.binding.pointee.owner._withUnsafeGuaranteedRef { owner in
      guard let pointer = owner.spec?.key, let value = event.field(pointer) else { return TopicTable.hash(own) }
      if value.escaped != 0 {
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: max(value.length, 1)) { text in
          guard let base = text.baseAddress else { return TopicTable.hash(own) }
          return TopicTable.hash(
            UnsafeRawBufferPointer(start: base, count: cj_unescape(value.text, value.length, base)))
        }
      }
      return TopicTable.hash(UnsafeRawBufferPointer(start: value.text, count: value.length))
    }
  }
}

extension UnsafeMutablePointer<EventRecord> {
  /// The value at a pointer; nil when there is none or the payload is no JSON.
  func field(_ pointer: String) -> cj_value? {
    guard pointee.flags & UInt32(BH_EVENT_JSON) != 0 else { return nil }
    var pointer = pointer
    return pointer.withUTF8 { pointer in
      var value = cj_value()
      let found = payload.withMemoryRebound(to: CChar.self, capacity: Int(pointee.payloadLength)) { json in
        pointer.withMemoryRebound(to: CChar.self) {
          cj_field(json, Int(pointee.payloadLength), $0.baseAddress, $0.count, &value)
        }
      }
      return found == 0 ? value : nil
    }
  }

  /// Whether the field at a pointer has that value.
  func holds(_ expected: FieldValue, at pointer: String) -> Bool {
    guard let value = field(pointer) else { return false }
    switch expected {
    case .null: return value.kind == CJ_NULL
    case .bool(let flag): return value.kind == CJ_BOOL && (value.i != 0) == flag
    case .int(let number):
      if value.kind == CJ_INT { return value.i == number }
      return value.kind == CJ_DOUBLE && value.f == Double(number)
    case .double(let number):
      return (value.kind == CJ_DOUBLE || value.kind == CJ_INT) && value.f == number
    case .string(var text):
      guard value.kind == CJ_STRING, let start = value.text else { return false }
      return text.withUTF8 { text in
        if value.escaped == 0 {
          return text.count == value.length
            && UnsafeRawBufferPointer(text).elementsEqual(UnsafeRawBufferPointer(start: start, count: value.length))
        }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: max(value.length, 1)) { buffer in
          guard let base = buffer.baseAddress else { return false }
          let count = cj_unescape(start, value.length, base)
          return UnsafeRawBufferPointer(text).elementsEqual(UnsafeRawBufferPointer(start: base, count: count))
        }
      }
    }
  }
}

extension EventPointer {
  /// Whether a hook wants to be asked about this argument.
  func fits(_ binding: Binding) -> Bool {
    guard let matches = binding.hook?.matches, !matches.isEmpty else { return true }
    return matches.allSatisfy { match in
      guard let value = field(match.pointer), value.kind == CJ_STRING, let start = value.text else { return false }
      guard value.escaped != 0 else {
        return match.matches(String(decoding: UnsafeRawBufferPointer(start: start, count: value.length), as: UTF8.self))
      }
      return withUnsafeTemporaryAllocation(of: CChar.self, capacity: max(value.length, 1)) { buffer in
        guard let base = buffer.baseAddress else { return false }
        let count = cj_unescape(start, value.length, base)
        return match.matches(String(decoding: UnsafeRawBufferPointer(start: base, count: count), as: UTF8.self))
      }
    }
  }
}

extension RetryPolicy {
  /// Nanoseconds before the attempt that follows the given one: doubling, with up to a quarter of jitter either way.
  func pause(after attempt: UInt32) -> Int64 {
    guard backoffMinimum > 0 else { return 0 }
    let shift = min(attempt &- 1, 40)
    let (doubled, overflow) = backoffMinimum.multipliedReportingOverflow(by: Int64(1) << shift)
    let base = overflow ? backoffMaximum : min(doubled, backoffMaximum)
    let jittered = base - base / 4 + Int64.random(in: 0...max(base / 2, 1))
    return min(jittered, backoffMaximum)
  }
}

/// Result codes in words.
enum ResultText {
  static func of(_ rc: bh_rc) -> String {
    switch Int(rc) {
    case Int(BH_E_RETRY): "the handler asked for another attempt"
    case Int(BH_E_REJECT): "rejected"
    case Int(BH_E_INVALID): "an argument was wrong"
    case Int(BH_E_DENIED): "not permitted"
    case Int(BH_E_NOTFOUND): "not found"
    case Int(BH_E_BUSY): "busy: a bound was reached"
    case Int(BH_E_TIMEOUT): "the deadline passed"
    case Int(BH_E_CANCELLED): "cancelled"
    case Int(BH_E_STALE): "stale: the delivery or its generation is gone"
    case Int(BH_E_NOSPACE): "a size limit or quota was reached"
    case Int(BH_E_UNSUPPORTED): "not supported"
    case Int(BH_E_INTERNAL): "an internal fault"
    case Int(BH_E_CONFLICT): "the stored revision has moved on"
    case Int(BH_E_CYCLE): "the call would wait for itself"
    default: "failed with code \(rc)"
    }
  }
}
