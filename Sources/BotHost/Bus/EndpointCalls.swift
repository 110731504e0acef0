import CBotHost
import Glibc
import Synchronization

/// Method calls: `bh.rpc` and `reply`.
extension Endpoint {
  /// Calls that one endpoint may have open at the same time.
  public static let maximumCalls = 65_536

  /// `bh_rpc_v1.call`.
  public func call(
    cause: bh_token, method: bh_str, argument: bh_bytes, timeout: UInt64, done: bh_call_done?,
    context: UnsafeMutableRawPointer?, token: UnsafeMutablePointer<bh_token>?, generation: UInt32
  ) -> bh_rc {
    busReference._withUnsafeGuaranteedRef {
      call(
        cause: cause, method: method, argument: argument, timeout: timeout, done: done, context: context, token: token,
        generation: generation, $0)
    }
  }

  @inline(__always)
  private func call(
    cause: bh_token, method: bh_str, argument: bh_bytes, timeout: UInt64, done: bh_call_done?,
    context: UnsafeMutableRawPointer?, token: UnsafeMutablePointer<bh_token>?, generation: UInt32, _ bus: Bus
  ) -> bh_rc {
    guard lane.pointee.generation.load(ordering: .relaxed) == generation else { return bh_rc(BH_E_STALE) }
    guard lane.pointee.outgoing.load(ordering: .relaxed) < Self.maximumCalls else { return bh_rc(BH_E_BUSY) }
    let thread = ThreadContext.current
    bus.clock.stamp(thread)
    var parent: MethodCall?
    var correlation: [UInt8] = []
    if cause != 0 {
      guard let slot = openSlot(cause, generation) else { return bh_rc(BH_E_STALE) }
      let isOpen = slot.whileOpen(cause) {
        parent = slot.pointee.call?.takeUnretainedValue()
        let text: UnsafeRawBufferPointer
        if let parent {
          text = UnsafeRawBufferPointer(
            start: parent.argument.correlation, count: Int(parent.argument.pointee.correlationLength))
        } else if slot.pointee.word.load(ordering: .relaxed) & DeliverySlot.stateMask == DeliverySlot.running,
          lane.pointee.view.pointee.delivery == cause
        {
          let view = lane.pointee.view.pointee.correlation_id
          text = view.bytes
        } else if let event = slot.pointee.item?.event {
          text = UnsafeRawBufferPointer(start: event.correlation, count: Int(event.pointee.correlationLength))
        } else {
          text = UnsafeRawBufferPointer(start: nil, count: 0)
        }
        if text.count > 0 { correlation = Array(text) }
      }
      guard isOpen else { return bh_rc(BH_E_STALE) }
    }
    guard let promise = promise(done.map { .called($0) } ?? .silent, context: context, generation: generation) else {
      return bh_rc(BH_E_STALE)
    }
    lane.pointee.owed.wrappingAdd(1, ordering: .relaxed)
    let rc = bus.startCall(
      method: method.bytes.assumingMemoryBound(to: UInt8.self),
      argument: argument.bytes,
      timeout: timeout, source: source, correlation: correlation, parent: parent, callerLane: lane,
      promise: promise, completion: nil, token: token, thread)
    guard rc != BH_OK else { return rc }
    lane.forgetOwed(1)
    return withdraw(promise, after: rc)
  }

  /// `bh_rpc_v1.cancel`.
  public func cancel(_ token: bh_token, generation: UInt32) -> bh_rc {
    guard let slot = bus.slots[token], let call = bus.openCall(slot), call.token == token, call.isMade(by: lane)
    else { return bh_rc(BH_E_STALE) }
    return call.end(bh_rc(BH_E_CANCELLED), text: "cancelled by the caller") ? bh_rc(BH_OK) : bh_rc(BH_E_STALE)
  }

  /// `bh_host_api.reply`.
  public func reply(_ token: bh_token, rc: bh_rc, result: bh_bytes, generation: UInt32) -> bh_rc {
    busReference._withUnsafeGuaranteedRef { reply(token, rc: rc, result: result, generation: generation, $0) }
  }

  @inline(__always)
  private func reply(_ token: bh_token, rc: bh_rc, result: bh_bytes, generation: UInt32, _ bus: Bus) -> bh_rc {
    guard let slot = openSlot(token, generation) else { return late(token) }
    guard slot.pointee.call != nil else {
      guard slot.isOpen(token) else { return late(token) }
      CallMessage.set(
        Int32(BH_E_INVALID), "the token is a delivery's, not a method call's: settle it with `ack` or `nack`")
      return bh_rc(BH_E_INVALID)
    }
    let bytes = result.bytes
    if bytes.count > bus.options.maximumPayload { return bus.tooLarge() }
    if rc >= 0, bytes.count > 0, !Bus.isJSON(bytes.baseAddress, bytes.count, 0) {
      CallMessage.set(Int32(BH_E_INVALID), "the result is not one well-formed JSON value")
      return bh_rc(BH_E_INVALID)
    }
    guard let before = claim(slot, token), let call = slot.pointee.call?.takeUnretainedValue() else {
      return late(token)
    }
    return withExtendedLifetime(call) {
      let failure = applyEffects(of: slot, succeeded: rc >= 0)
      let outcome = rc >= 0 ? failure : rc
      if outcome < 0, call.hookPassesFailures {
        let said = failure == BH_OK ? String(decoding: bytes.prefix(1024), as: UTF8.self) : CallMessage.take() ?? ""
        leave(slot, before)
        call.fail(outcome, text: said, ThreadContext.current)
        return failure
      }
      if failure == BH_OK {
        call.end(outcome, Array(bytes))
      } else {
        call.end(failure, text: CallMessage.take() ?? ResultText.of(failure))
      }
      leave(slot, before)
      return failure
    }
  }

  /// `bh_rpc_v1.pass`: a hook that answered BH_ASYNC lets the call go on.
  public func pass(_ token: bh_token, generation: UInt32) -> bh_rc {
    guard let slot = openSlot(token, generation) else { return late(token) }
    guard isHook(slot, token) else { return bh_rc(BH_E_INVALID) }
    guard let before = claim(slot, token), let call = slot.pointee.call?.takeUnretainedValue() else {
      return late(token)
    }
    return withExtendedLifetime(call) {
      let failure = applyEffects(of: slot, succeeded: true)
      leave(slot, before)
      if failure == BH_OK {
        call.advance(ThreadContext.current)
      } else {
        call.fail(failure, text: CallMessage.take() ?? ResultText.of(failure), ThreadContext.current)
      }
      return failure
    }
  }

  /// `bh_rpc_v1.amend`: in a hook, replaces the argument for those that come after.
  public func amend(_ token: bh_token, argument: bh_bytes, generation: UInt32) -> bh_rc {
    guard let slot = openSlot(token, generation) else { return late(token) }
    guard isHook(slot, token) else { return bh_rc(BH_E_INVALID) }
    let bytes = argument.bytes
    if bytes.count > bus.options.maximumPayload { return bus.tooLarge() }
    guard bytes.count > 0, Bus.isJSON(bytes.baseAddress, bytes.count, 0) else { return bus.notJSON() }
    let thread = ThreadContext.current
    var rc = bh_rc(BH_OK)
    let isOpen = slot.whileOpen(token) {
      guard let call = slot.pointee.call?.takeUnretainedValue() else { return }
      rc = bus.replaceArgument(of: call, bytes, thread)
    }
    return isOpen ? rc : late(token)
  }

  /// Who stands in the way of a method of this endpoint, in order; nil when it has no such method.
  public func hooks(of method: String) -> [(instance: String, hook: HookSpec)]? {
    bus.methods.hooks(of: "\(name).\(method)")
  }

  /// Changes whenever a hook of any method comes or goes.
  public var revisionOfHooks: UInt64 { bus.methods.revisionOfHooks }

  /// Whether the token is of a call that stands at a hook. True also for one that is over: that is found out next.
  private func isHook(_ slot: SlotPointer, _ token: bh_token) -> Bool {
    var isHook = true
    _ = slot.whileOpen(token) { isHook = slot.pointee.call?._withUnsafeGuaranteedRef { $0.isAtHook } ?? false }
    return isHook
  }

  /// The state before, when the hop was open and is the caller's now.
  private func claim(_ slot: SlotPointer, _ token: bh_token) -> UInt64? {
    slot.move(
      token, from: { $0 == DeliverySlot.running || $0 == DeliverySlot.open },
      to: DeliverySlot.claimed | DeliverySlot.answered)
  }

  private func applyEffects(of slot: SlotPointer, succeeded: Bool) -> bh_rc {
    guard let effects = slot.pointee.effects?.takeRetainedValue() else { return bh_rc(BH_OK) }
    slot.pointee.effects = nil
    guard succeeded else {
      effects.drop()
      return bh_rc(BH_OK)
    }
    let thread = ThreadContext.current
    bus.clock.stamp(thread)
    var onDisk = false
    return effects.apply(for: nil, settledOnDisk: &onDisk, thread)
  }

  /// The end of a claimed hop.
  private func leave(_ slot: SlotPointer, _ before: UInt64) {
    if before & DeliverySlot.stateMask == DeliverySlot.open {
      busReference._withUnsafeGuaranteedRef { $0.closeHop(slot, answered: true, drop: false) }
      return
    }
    // Its function is still running, or has just returned: whoever comes second clears the slot away.
    let word = slot.pointee.word.bitwiseOr(DeliverySlot.complete, ordering: .acquiringAndReleasing).oldValue
    if word & DeliverySlot.returned != 0 {
      slot.pointee.call?.release()
      slot.pointee.call = nil
      slot.retire(answered: true)
      bus.slots.giveBack(slot)
    }
  }
}

extension Bus {
  /// Clears away a hop that outlived its function's call and that the caller has claimed.
  ///
  /// - Parameter how: BH_OK, or why its callee cannot answer any more.
  func closeHop(_ slot: SlotPointer, answered: Bool, drop: Bool, how: bh_rc = bh_rc(BH_OK)) {
    let lane = slot.pointee.lane
    if drop {
      slot.pointee.effects?.takeRetainedValue().drop()
      slot.pointee.effects = nil
    }
    slot.pointee.call?.release()
    slot.pointee.call = nil
    slot.retire(answered: answered, how: how)
    deadlines.giveBack(slot)
    lane?.pointee.inFlight.wrappingSubtract(1, ordering: .releasing)
  }

  /// The open call whose own slot this is.
  func openCall(_ slot: SlotPointer) -> MethodCall? {
    var found: MethodCall?
    _ = slot.whileOpen(slot.token) { found = slot.pointee.call?.takeUnretainedValue() }
    return found?.slot == slot ? found : nil
  }

  func replaceArgument(
    of call: MethodCall, _ bytes: UnsafeRawBufferPointer, _ thread: UnsafeMutablePointer<ThreadContext>
  ) -> bh_rc {
    let old = call.argument
    let content = EventContent(
      topic: call.entry.name,
      source: UnsafeBufferPointer(start: old.pointee.source, count: Int(old.pointee.sourceLength)),
      correlation: UnsafeRawBufferPointer(start: old.correlation, count: Int(old.pointee.correlationLength)),
      payload: bytes)
    guard let size = content.recordBytes(maximumPayload: options.maximumPayload) else { return tooLarge() }
    clock.stamp(thread)
    call.amend(EventArena.make(content, bytes: size, flags: UInt32(BH_EVENT_JSON), thread))
    return bh_rc(BH_OK)
  }

  func startCall(
    method: UnsafeBufferPointer<UInt8>, argument: UnsafeRawBufferPointer, timeout: UInt64,
    source: UnsafeBufferPointer<UInt8>, correlation: [UInt8], parent: MethodCall?, callerLane: LanePointer?,
    promise: PromiseTicket, completion: (@Sendable (bh_rc, [UInt8]) -> Void)?, token: UnsafeMutablePointer<bh_token>?,
    _ thread: UnsafeMutablePointer<ThreadContext>
  ) -> bh_rc {
    Reclamation.enter(thread)
    defer { Reclamation.leave(thread) }
    guard let entry = methods.find(method) else {
      CallMessage.set(Int32(BH_E_NOTFOUND), "there is no method '\(String(decoding: method, as: UTF8.self))'")
      return bh_rc(BH_E_NOTFOUND)
    }
    if MethodCall.isCycle(entry, parent) {
      CallMessage.set(Int32(BH_E_CYCLE), "\(entry.text) is being called already by the chain that leads here")
      return bh_rc(BH_E_CYCLE)
    }
    if argument.count > options.maximumPayload { return tooLarge() }
    if argument.count > 0, !Self.isJSON(argument.baseAddress, argument.count, 0) {
      CallMessage.set(Int32(BH_E_INVALID), "the argument of \(entry.text) is not one well-formed JSON value")
      return bh_rc(BH_E_INVALID)
    }
    guard let slot = slots.take() else { return bh_rc(BH_E_BUSY) }
    let null: StaticString = "null"
    let event: EventPointer? = correlation.withUnsafeBytes { correlation in
      let content = EventContent(
        topic: entry.name, source: source, correlation: correlation,
        payload: argument.count > 0 ? argument : UnsafeRawBufferPointer(start: null.utf8Start, count: 4))
      guard let size = content.recordBytes(maximumPayload: options.maximumPayload) else { return nil }
      return EventArena.make(content, bytes: size, flags: UInt32(BH_EVENT_JSON), thread)
    }
    guard let event else {
      slots.giveBack(slot)
      return tooLarge()
    }
    let wait = timeout == 0 ? entry.timeout : Int64(clamping: timeout)
    let (deadline, overflow) = thread.pointee.monotonic.addingReportingOverflow(wait)
    slot.pointee.deadline = overflow ? .max : deadline
    let call = MethodCall(
      bus: self, entry: entry, parent: parent, callerLane: callerLane, promise: promise,
      completion: completion, slot: slot, argument: event)
    slot.pointee.call = Unmanaged.passRetained(call)
    slot.pointee.word.store((call.token & ~DeliverySlot.low) | DeliverySlot.open, ordering: .releasing)
    token?.pointee = call.token
    deadlines.add(slot, call.token)
    let rc = call.enqueue(thread)
    if rc != BH_OK, slot.move(call.token, from: { $0 == DeliverySlot.open }, to: DeliverySlot.claimed) != nil {
      // It was never made: the caller hears it now, and not through `done`.
      token?.pointee = 0
      slot.pointee.call = nil
      slot.retire(answered: false)
      deadlines.giveBack(slot)
      Unmanaged.passUnretained(call).release()
      return rc
    }
    return bh_rc(BH_OK)
  }

  /// Calls a method from outside the bus (`bothost call`, the control socket). `completion` is called once, on the
  /// thread on which the call ends, and must be short. Returns the token for `cancel`, or 0 when the call could not
  /// be made; `completion` has been called then.
  @discardableResult
  public func call(
    _ method: String, argument: [UInt8], timeout: Int64 = 0, source: String = "host",
    completion: @escaping @Sendable (bh_rc, [UInt8]) -> Void
  ) -> bh_token {
    let thread = ThreadContext.current
    clock.stamp(thread)
    var token: bh_token = 0
    var name = method
    let rc = name.withUTF8 { name in
      argument.withUnsafeBytes { argument in
        startCall(
          method: name, argument: argument, timeout: UInt64(max(0, timeout)), source: SourceNames.intern(source),
          correlation: [], parent: nil, callerLane: nil, promise: 0,
          completion: completion, token: &token, thread)
      }
    }
    guard rc == BH_OK else {
      completion(rc, Array((CallMessage.take() ?? ResultText.of(rc)).utf8))
      return 0
    }
    return token
  }

  /// Ends a call from outside early; its completion comes with BH_E_CANCELLED.
  public func cancel(call token: bh_token) {
    guard let slot = slots[token], let call = openCall(slot), call.token == token else { return }
    call.end(bh_rc(BH_E_CANCELLED), text: "cancelled by the caller")
  }
}
