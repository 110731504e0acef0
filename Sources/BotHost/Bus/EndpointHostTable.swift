import CBotHost
import Glibc
import Synchronization

/// Publishing and settling, one to one with the host table of `bothost.h`. `generation` is that of the caller's plan:
/// an older one gets BH_E_STALE.
extension Endpoint {
  /// `bh_host_api.publish`.
  public func publish(_ delivery: bh_token, _ event: UnsafePointer<bh_outgoing>, generation: UInt32) -> bh_rc {
    busReference._withUnsafeGuaranteedRef { publish(delivery, event, generation, $0) }
  }

  @inline(__always)
  private func publish(
    _ delivery: bh_token, _ event: UnsafePointer<bh_outgoing>, _ generation: UInt32, _ bus: Bus
  ) -> bh_rc {
    guard lane.pointee.generation.load(ordering: .relaxed) == generation else { return bh_rc(BH_E_STALE) }
    guard event.pointee.size >= Self.firstSize else { return tooSmall() }
    guard let topic = resolve(event, bus) else { return unresolved(event) }
    let permission = permission(topic)
    guard permission != .denied else { return denied(topic.pointee.text) }
    let type = event.pointee.content_type.bytes
    let isJSON = type.count == 0 || Self.namesJSON(type)
    let thread = ThreadContext.current
    thread.pointee.countPublished()
    bus.clock.stamp(thread)
    if delivery == 0, permission == .allowed, event.pointee.size == Self.firstSize || event.pointee.settled == nil {
      return publish(event, topic, isJSON: isJSON, bus, thread)
    }
    let kind: EventRecord.Kind = permission == .mandatory ? .mandatory : .plain
    return publishFollowed(delivery, event, topic, kind, isJSON: isJSON, generation, bus, thread)
  }

  /// An event that nobody follows: the usual case.
  @inline(__always)
  private func publish(
    _ event: UnsafePointer<bh_outgoing>, _ topic: TopicPointer, isJSON: Bool, _ bus: Bus,
    _ thread: UnsafeMutablePointer<ThreadContext>
  ) -> bh_rc {
    Reclamation.enter(thread)
    defer { Reclamation.leave(thread) }
    let route = bus.routes.route(topic)
    if route.pointee.count == 1, route.pointee.flags == 0 {
      let binding = route.entries[0].binding
      let lane = binding.pointee.lane
      if lane.pointee.isInline, event.pointee.isPlain(maximumPayload: bus.options.maximumPayload) {
        let payload = event.pointee.payload
        let needsCheck = isJSON && payload.len > 0
        // A long payload is checked where it is copied to.
        if !needsCheck || payload.len < Bus.checkedEarly {
          if needsCheck, !Bus.isJSON(payload.ptr, payload.len, 0) { return bus.notJSON() }
          let flags = needsCheck ? UInt32(BH_EVENT_JSON) : 0
          if lane.deliverInline(binding, event, topic, source: source, flags: flags, thread) { return bh_rc(BH_OK) }
        }
      }
    }
    let content = EventContent(topic: topic.pointee.bytes, source: source, event)
    return bus.publish(content, topic, route, isJSON: isJSON, nil, .policy, thread)
  }

  /// An effect of a delivery, an event whose end the publisher wants to know, or one that somebody has to take.
  @inline(never)
  private func publishFollowed(
    _ delivery: bh_token, _ event: UnsafePointer<bh_outgoing>, _ topic: TopicPointer, _ kind: EventRecord.Kind,
    isJSON: Bool, _ generation: UInt32, _ bus: Bus, _ thread: UnsafeMutablePointer<ThreadContext>
  ) -> bh_rc {
    var notice: PublishNotice?
    if event.pointee.size > Self.firstSize, let settled = event.pointee.settled {
      guard
        let ticket = promise(.published(settled), context: event.pointee.settled_context, generation: generation)
      else { return bh_rc(BH_E_STALE) }
      lane.pointee.owed.wrappingAdd(1, ordering: .relaxed)
      notice = PublishNotice(lane: lane, ticket: ticket)
    }
    let content = EventContent(topic: topic.pointee.bytes, source: source, event)
    let rc =
      delivery == 0
      ? bus.publish(content, topic, kind, isJSON: isJSON, notice, .policy, thread)
      : stage(content, topic, kind, isJSON: isJSON, notice, delivery, generation, bus, thread)
    guard rc != BH_OK, let notice else { return rc }
    lane.forgetOwed(1)
    return withdraw(notice.ticket, after: rc)
  }

  /// What `bh_outgoing` was before `settled` came. A number, because `MemoryLayout.offset(of:)` is worked out at run time.
  static var firstSize: UInt32 { 112 }

  @inline(__always)
  private static func namesJSON(_ type: UnsafeRawBufferPointer) -> Bool {
    type.count == 16 && type.elementsEqual("application/json".utf8)
  }

  @inline(__always)
  private func resolve(_ event: UnsafePointer<bh_outgoing>, _ bus: Bus) -> TopicPointer? {
    if event.pointee.topic_ref != 0 { return bus.topics[Int(truncatingIfNeeded: event.pointee.topic_ref &- 1)] }
    let name = event.pointee.topic.bytes.assumingMemoryBound(to: UInt8.self)
    guard name.count <= TopicPattern.maximumLength else { return nil }
    // A name that it may not publish is not made known: names are never forgotten, and there is room for so many.
    return bus.topics.find(name) ?? (mayPublish(named: name) ? bus.topic(name) : nil)
  }

  @inline(never)
  private func unresolved(_ event: UnsafePointer<bh_outgoing>) -> bh_rc {
    if event.pointee.topic_ref != 0 {
      CallMessage.set(Int32(BH_E_INVALID), "\(event.pointee.topic_ref) is no number that `topic` has given")
      return bh_rc(BH_E_INVALID)
    }
    let name = event.pointee.topic.bytes.assumingMemoryBound(to: UInt8.self)
    let shown = String(decoding: name.prefix(128), as: UTF8.self)
    if name.count <= TopicPattern.maximumLength, TopicPattern.isTopic(name), !Bus.isPrivate(name),
      !mayPublish(named: name)
    {
      return denied(shown)
    }
    CallMessage.set(
      Int32(BH_E_INVALID),
      "'\(shown)' is no topic that can be published to: dotted names of [A-Za-z0-9_-], \(TopicPattern.maximumLength) bytes at most, "
        + "not `timer.` or `net.`")
    return bh_rc(BH_E_INVALID)
  }

  @inline(never)
  private func tooSmall() -> bh_rc {
    CallMessage.set(
      Int32(BH_E_INVALID), "the event's `size` is smaller than bh_outgoing ever was: set it to sizeof(bh_outgoing)")
    return bh_rc(BH_E_INVALID)
  }

  @inline(never)
  private func denied(_ topic: String) -> bh_rc {
    CallMessage.set(
      Int32(BH_E_DENIED),
      "\(name) may not publish '\(topic)'; "
        + (ReservedNames.publishProblem(topic) ?? "declare it under `topics:` or `permissions: {publish: [...]}`"))
    return bh_rc(BH_E_DENIED)
  }

  /// `bh_host_api.topic`: a number for a topic that may be published to, or 0.
  public func topic(_ name: bh_str) -> UInt64 {
    let bytes = name.bytes.assumingMemoryBound(to: UInt8.self)
    guard bytes.count <= TopicPattern.maximumLength, let topic = bus.topic(bytes) else { return 0 }
    return UInt64(topic.pointee.index) + 1
  }

  /// `bh_host_api.wanted`: whether an event on the topic would reach anybody now, be it the dead letters. True for what is no topic: that is
  /// found out by publishing.
  public func isWanted(_ topic: UInt64) -> Bool {
    busReference._withUnsafeGuaranteedRef { bus in
      guard let record = bus.topics[Int(truncatingIfNeeded: topic &- 1)] else { return true }
      let thread = ThreadContext.current
      Reclamation.enter(thread)
      defer { Reclamation.leave(thread) }
      let route = bus.routes.route(record)
      return route.pointee.count > 0 || route.pointee.flags & RouteList.durable != 0 || permission(record) == .mandatory
    }
  }

  // MARK: Staging

  /// An event as an effect of a delivery.
  private func stage(
    _ content: EventContent, _ topic: TopicPointer, _ kind: EventRecord.Kind, isJSON: Bool, _ notice: PublishNotice?,
    _ delivery: bh_token, _ generation: UInt32, _ bus: Bus, _ thread: UnsafeMutablePointer<ThreadContext>
  ) -> bh_rc {
    guard let slot = openSlot(delivery, generation, bus) else { return bh_rc(BH_E_STALE) }
    var rc = bh_rc(BH_OK)
    let isOpen = slot.whileOpen(delivery) {
      var content = content
      if content.correlation.count == 0 { content.correlation = correlation(slot, delivery, thread) }
      guard let bytes = content.recordBytes(maximumPayload: bus.options.maximumPayload) else {
        rc = bus.tooLarge()
        return
      }
      let effects = slot.pointee.effects ?? StagedEffects.take(bus, thread)
      slot.pointee.effects = effects
      rc = effects._withUnsafeGuaranteedRef { effects in
        guard effects.count < StagedEffects.limit else { return bh_rc(BH_E_NOSPACE) }
        let event = EventArena.make(content, bytes: bytes, flags: 0, thread)
        if isJSON, content.payload.count > 0 {
          guard Bus.isJSON(event.payload, content.payload.count, EventArena.padding) else {
            EventArena.unmake(event, thread)
            return bus.notJSON()
          }
          event.pointee.flags = UInt32(BH_EVENT_JSON)
        }
        event.pointee.kind = kind
        effects.append(.publish(event, topic, notice))
        return bh_rc(BH_OK)
      }
    }
    return isOpen ? rc : bh_rc(BH_E_STALE)
  }

  /// Binds another kind of effect to a delivery or to a call that is being handled. Applied when it is acknowledged.
  public func stage(_ effect: any DeliveryEffect, delivery: bh_token, generation: UInt32) -> bh_rc {
    guard let slot = openSlot(delivery, generation) else { return bh_rc(BH_E_STALE) }
    var rc = bh_rc(BH_OK)
    let isOpen = slot.whileOpen(delivery) {
      let effects = slot.pointee.effects ?? StagedEffects.take(bus, ThreadContext.current)
      slot.pointee.effects = effects
      effects._withUnsafeGuaranteedRef { effects in
        if effects.count < StagedEffects.limit { effects.append(.effect(effect)) } else { rc = bh_rc(BH_E_NOSPACE) }
      }
    }
    return isOpen ? rc : bh_rc(BH_E_STALE)
  }

  /// The correlation id of what a delivery is of. The caller holds the slot, so that its event stays where it is.
  private func correlation(
    _ slot: SlotPointer, _ delivery: bh_token, _ thread: UnsafeMutablePointer<ThreadContext>
  ) -> UnsafeRawBufferPointer {
    if slot.pointee.word.load(ordering: .relaxed) & DeliverySlot.stateMask == DeliverySlot.running {
      // Its handler runs: the lane's view is of this delivery.
      let view = lane.pointee.view
      if view.pointee.delivery == delivery { return view.pointee.correlation_id.bytes }
    }
    if let event = slot.pointee.call?._withUnsafeGuaranteedRef({ $0.argument }) ?? slot.pointee.item?.event {
      return UnsafeRawBufferPointer(start: event.correlation, count: Int(event.pointee.correlationLength))
    }
    return UnsafeRawBufferPointer(start: nil, count: 0)
  }

  /// The slot of a token of this endpoint and generation; whether it is still open is for the next step to find out.
  @inline(__always)
  func openSlot(_ token: bh_token, _ generation: UInt32) -> SlotPointer? {
    busReference._withUnsafeGuaranteedRef { openSlot(token, generation, $0) }
  }

  @inline(__always)
  private func openSlot(_ token: bh_token, _ generation: UInt32, _ bus: Bus) -> SlotPointer? {
    guard let slot = bus.slots[token], slot.pointee.lane == lane, slot.pointee.generation == generation else {
      return nil
    }
    return slot
  }

  // MARK: Settling

  /// `bh_host_api.ack`. When an effect cannot be applied its failure is the answer, and the delivery is tried again.
  public func ack(_ delivery: bh_token, generation: UInt32) -> bh_rc {
    guard let slot = openSlot(delivery, generation) else { return late(delivery) }
    guard slot.pointee.call == nil else { return isCall(delivery, slot) }
    guard
      let before = slot.move(
        delivery, from: { $0 == DeliverySlot.running || $0 == DeliverySlot.open },
        to: DeliverySlot.claimed | DeliverySlot.answered)
    else { return late(delivery) }
    var rc = bh_rc(BH_OK)
    if let effects = slot.pointee.effects?.takeRetainedValue() {
      slot.pointee.effects = nil
      let thread = ThreadContext.current
      bus.clock.stamp(thread)
      var settledOnDisk = false
      rc = effects.apply(for: slot.pointee.item, settledOnDisk: &settledOnDisk, thread)
      slot.pointee.isSettledOnDisk = settledOnDisk
    }
    slot.pointee.outcome = rc
    slot.pointee.retryAfter = 0
    slot.pointee.message = rc == BH_OK ? nil : "its effects could not be applied: \(ResultText.of(rc))"
    if rc == BH_OK, before & DeliverySlot.stateMask == DeliverySlot.open,
      slot.pointee.item?.event.pointee.kind == .plain
    {
      let thread = ThreadContext.current
      if thread.pointee.innermostLane == lane {
        // On the lane itself: it need not be asked to do what it can do now.
        lane.finishSettled(slot, thread)
        return rc
      }
    }
    lane.post(.settled(slot))
    return rc
  }

  /// `bh_host_api.nack`.
  public func nack(
    _ delivery: bh_token, why: bh_rc, retryAfter: UInt64, message: bh_str, generation: UInt32
  ) -> bh_rc {
    guard why < 0 else { return bh_rc(BH_E_INVALID) }
    guard let slot = openSlot(delivery, generation) else { return late(delivery) }
    guard slot.pointee.call == nil else { return isCall(delivery, slot) }
    guard
      slot.move(
        delivery, from: { $0 == DeliverySlot.running || $0 == DeliverySlot.open },
        to: DeliverySlot.claimed | DeliverySlot.answered) != nil
    else { return late(delivery) }
    slot.pointee.effects?.takeRetainedValue().drop()
    slot.pointee.effects = nil
    slot.pointee.outcome = why
    slot.pointee.retryAfter = retryAfter
    slot.pointee.message =
      message.len > 0 && message.ptr != nil
      ? String(decoding: UnsafeRawBufferPointer(start: message.ptr, count: min(message.len, 4096)), as: UTF8.self) : nil
    lane.post(.settled(slot))
    return bh_rc(BH_OK)
  }

  /// A settlement that finds its delivery over: BH_E_INVALID, and a fault, when the plugin has settled it itself;
  /// otherwise BH_E_STALE.
  func late(_ token: bh_token) -> bh_rc {
    guard let slot = bus.slots[token] else { return bh_rc(BH_E_STALE) }
    let word = slot.pointee.word.load(ordering: .acquiring)
    guard word & DeliverySlot.answered != 0 else { return bh_rc(BH_E_STALE) }
    let stamp = word & ~DeliverySlot.low
    guard stamp == token & ~DeliverySlot.low || stamp == SlotPointer.after(token) else { return bh_rc(BH_E_STALE) }
    bus.fault(name, "a delivery was settled twice")
    return bh_rc(BH_E_INVALID)
  }

  private func isCall(_ token: bh_token, _ slot: SlotPointer) -> bh_rc {
    guard slot.isOpen(token) else { return late(token) }
    CallMessage.set(Int32(BH_E_INVALID), "the token is a method call's: answer it with `reply`")
    return bh_rc(BH_E_INVALID)
  }

  // MARK: Reading and keeping events

  /// `bh_host_api.field`.
  public static func field(
    _ event: UnsafePointer<bh_event>, pointer: bh_str, _ out: UnsafeMutablePointer<bh_value>
  ) -> bh_rc {
    EventAccess.field(event, pointer, out)
  }

  /// `bh_host_api.retain`: a copy that lives until `release`, counted for the generation.
  public func retain(
    _ event: UnsafePointer<bh_event>, _ keptEvent: UnsafeMutablePointer<UnsafePointer<bh_event>?>,
    generation: UInt32? = nil
  ) -> bh_rc {
    let generation = generation ?? self.generation
    guard let copy = EventAccess.retain(event, generation: generation) else { return bh_rc(BH_E_NOSPACE) }
    kept.withLock { $0[generation, default: 0] += 1 }
    keptEvent.pointee = copy
    return bh_rc(BH_OK)
  }

  /// `bh_host_api.release`. A view that is not from `retain` is left alone and reported.
  public func release(_ keptEvent: UnsafePointer<bh_event>) {
    guard let block = EventAccess.block(keptEvent) else {
      bus.fault(name, "an event was released that was not kept")
      return
    }
    let generation = EventAccess.release(block)
    kept.withLock { kept in
      let count = (kept[generation] ?? 1) - 1
      kept[generation] = count > 0 ? count : nil
    }
  }

  /// Events that a generation keeps and has not given back.
  public func retainedCount(generation: UInt32) -> Int { kept.withLock { $0[generation] ?? 0 } }
}
