import CBotHost
import CJSON
import Glibc
import Synchronization

extension Bus {
  /// Publishes an event that is not bound to a delivery. The thread's clock has been stamped.
  @inline(__always)
  func publish(
    _ content: EventContent, _ topic: TopicPointer, flags: UInt32 = 0, isJSON: Bool, _ notice: PublishNotice?,
    _ admission: Admission, _ thread: UnsafeMutablePointer<ThreadContext>
  ) -> bh_rc {
    guard let bytes = content.recordBytes(maximumPayload: options.maximumPayload) else { return tooLarge() }
    var flags = flags
    // A long payload is checked where it is copied to: there it is padded for the vectorised check.
    let checksEarly = content.payload.count < 256
    if isJSON, checksEarly, content.payload.count > 0 {
      guard Self.isJSON(content.payload.baseAddress, content.payload.count, 0) else { return notJSON() }
      flags |= UInt32(BH_EVENT_JSON)
    }
    Reclamation.enter(thread)
    let route = routes.route(topic)
    if route.pointee.count == 1, route.pointee.flags & ~RouteList.bySource == 0, notice == nil {
      if let wanted = route.entries[0].source, wanted != content.source.baseAddress {
        Reclamation.leave(thread)
        return isJSON && !checksEarly && !Self.isJSON(content.payload.baseAddress, content.payload.count, 0)
          ? notJSON() : bh_rc(BH_OK)
      }
      let binding = route.entries[0].binding
      let lane = binding.pointee.lane
      if lane.pointee.isInline, checksEarly || !isJSON,
        lane.deliverInline(binding, content, flags: flags, bytes: bytes, thread)
      {
        Reclamation.leave(thread)
        return bh_rc(BH_OK)
      }
      let event = EventArena.make(content, bytes: bytes, flags: flags, thread)
      if isJSON, !checksEarly {
        guard Self.isJSON(event.payload, content.payload.count, EventArena.padding) else {
          EventArena.unmake(event, thread)
          Reclamation.leave(thread)
          return notJSON()
        }
        event.pointee.flags |= UInt32(BH_EVENT_JSON)
      }
      let rc = lane.accept(LaneItem(event: event, binding: binding), admission, thread)
      Reclamation.leave(thread)
      if rc == BH_OK { return rc }
      EventArena.release(event)
      return rc == BH_E_CANCELLED ? bh_rc(BH_OK) : rc
    }
    let rc = publishMany(
      content, topic, route, bytes, flags: flags, isJSON: isJSON && !checksEarly, notice, admission, thread)
    Reclamation.leave(thread)
    return rc
  }

  @inline(never)
  private func publishMany(
    _ content: EventContent, _ topic: TopicPointer, _ route: RoutePointer, _ bytes: Int, flags: UInt32, isJSON: Bool,
    _ notice: PublishNotice?, _ admission: Admission, _ thread: UnsafeMutablePointer<ThreadContext>
  ) -> bh_rc {
    if route.pointee.count == 0, route.pointee.flags == 0, !isJSON {
      notice?.send(bh_rc(BH_OK), nil)
      return bh_rc(BH_OK)
    }
    let event = EventArena.make(content, bytes: bytes, flags: flags, thread)
    if isJSON {
      guard Self.isJSON(event.payload, content.payload.count, EventArena.padding) else {
        EventArena.unmake(event, thread)
        return notJSON()
      }
      event.pointee.flags |= UInt32(BH_EVENT_JSON)
    }
    let rc = emit(event, topic, notice, admission, thread)
    if rc != BH_OK { EventArena.release(event) }
    return rc
  }

  /// Sends out an event that is in memory; on BH_OK the reference is used up. Inside `Reclamation.enter`.
  func emit(
    _ event: EventPointer, _ topic: TopicPointer, _ notice: PublishNotice?, _ admission: Admission,
    _ thread: UnsafeMutablePointer<ThreadContext>
  ) -> bh_rc {
    let route = routes.route(topic)
    if route.pointee.flags == RouteList.bySource, notice == nil {
      return withUnsafeTemporaryAllocation(of: RouteEntry.self, capacity: route.pointee.count) { wanted in
        guard let base = wanted.baseAddress else { return bh_rc(BH_E_INTERNAL) }
        var count = 0
        for index in 0..<route.pointee.count {
          let entry = route.entries[index]
          if let source = entry.source, source != event.pointee.source { continue }
          (base + count).initialize(to: entry)
          count += 1
        }
        return emit(event, to: base, count, admission, thread)
      }
    }
    if route.pointee.flags == 0, notice == nil {
      return emit(event, to: route.entries, route.pointee.count, admission, thread)
    }
    if route.pointee.count == 1, !topic.pointee.isDurable, let notice, route.entries[0].source == nil,
      !route.entries[0].isObserver
    {
      return emit(event, to: route.entries[0].binding, notice, admission, thread)
    }
    var emission = Emission(bus: self)
    emission.add(event, topic, notice)
    guard topic.pointee.isDurable else { return emission.pushAll(admission, thread) }
    let admitted = emission.reserve(admission, thread)
    guard admitted == BH_OK else { return admitted }
    var batch = DurableBatch()
    emission.addDurable(to: &batch)
    do throws(DurableFailure) {
      emission.take(positions: try commit(batch))
    } catch {
      emission.unreserve()
      CallMessage.set(error.code, error.reason)
      return error.code
    }
    emission.push(index: 0, thread)
    return bh_rc(BH_OK)
  }

  /// One event for one handler, whose end somebody wants to know.
  private func emit(
    _ event: EventPointer, to binding: BindingPointer, _ notice: PublishNotice, _ admission: Admission,
    _ thread: UnsafeMutablePointer<ThreadContext>
  ) -> bh_rc {
    EventTracker(event: event, now: 1, later: [], notice: notice).attach()
    let rc = binding.pointee.lane.accept(LaneItem(event: event, binding: binding), admission, thread)
    guard rc != BH_OK else { return rc }
    EventTracker.detach(event)
    guard rc == BH_E_CANCELLED else { return rc }
    // The lane has ended: there is no handler any more.
    notice.send(bh_rc(BH_OK), nil)
    EventArena.release(event)
    return bh_rc(BH_OK)
  }

  /// Sends out an event to handlers that nothing distinguishes, ordered by lane.
  private func emit(
    _ event: EventPointer, to entries: UnsafeMutablePointer<RouteEntry>, _ count: Int, _ admission: Admission,
    _ thread: UnsafeMutablePointer<ThreadContext>
  ) -> bh_rc {
    if count == 0 {
      EventArena.release(event)
      return bh_rc(BH_OK)
    }
    if count == 1 {
      let binding = entries[0].binding
      let lane = binding.pointee.lane
      if lane.pointee.isInline, lane.runInline(LaneItem(event: event, binding: binding), thread) {
        return bh_rc(BH_OK)
      }
      let rc = lane.accept(LaneItem(event: event, binding: binding), admission, thread)
      if rc == BH_E_CANCELLED {
        EventArena.release(event)
        return bh_rc(BH_OK)
      }
      return rc
    }
    return emitToAll(event, entries, count, admission, thread)
  }

  /// One event for several handlers that nothing distinguishes: their lanes are locked once each, in order, and
  /// nothing is allocated.
  private func emitToAll(
    _ event: EventPointer, _ entries: UnsafeMutablePointer<RouteEntry>, _ count: Int, _ admission: Admission,
    _ thread: UnsafeMutablePointer<ThreadContext>
  ) -> bh_rc {
    let bytes = Int(event.pointee.bytes)
    var index = 0
    while index < count {
      let lane = entries[index].lane
      // The entries are ordered by lane: those of one lane are neighbours.
      var share = 1
      while index + share < count, entries[index + share].lane == lane { share += 1 }
      lane.lock()
      if lane.pointee.closed || admission == .force || lane.admits(share, share &* bytes) {
        index += share
        continue
      }
      unlock(entries, index)
      let rc = lane.admitSlowly(share, share &* bytes, admission, thread)
      if rc == BH_OK { lane.unlock() } else if rc != BH_E_CANCELLED { return rc }
      index = 0
    }
    EventArena.retain(event, count - 1, thread)
    var lost = 0
    var dropped: [(LanePointer, LaneItem)] = []
    for index in 0..<count {
      let lane = entries[index].lane
      if lane.pointee.closed {
        lost += 1
        continue
      }
      if lane.pointee.full == .dropOldest { lane.takeOldestForRoom(bytes) { dropped.append((lane, $0)) } }
      lane.append(LaneItem(event: event, binding: entries[index].binding))
    }
    index = 0
    while index < count {
      let lane = entries[index].lane
      index += 1
      while index < count, entries[index].lane == lane { index += 1 }
      lane.unlockAndWake()
    }
    for (lane, item) in dropped { lane.abandon(item, lane.dropReason, thread) }
    if lost > 0 { EventArena.release(event.pointee.chunk, lost) }
    return bh_rc(BH_OK)
  }

  private func unlock(_ entries: UnsafeMutablePointer<RouteEntry>, _ end: Int) {
    var index = 0
    while index < end {
      let lane = entries[index].lane
      while index < end, entries[index].lane == lane { index += 1 }
      lane.unlock()
    }
  }

  @inline(__always)
  static func isJSON(_ bytes: UnsafeRawPointer?, _ count: Int, _ padding: Int) -> Bool {
    guard let bytes else { return false }
    return cj_is_json(bytes.assumingMemoryBound(to: CChar.self), count, padding) != 0
  }

  @inline(never)
  func notJSON() -> bh_rc {
    CallMessage.set(
      Int32(BH_E_INVALID),
      "the payload is not one well-formed JSON value; name its content type if it is not meant to be")
    return bh_rc(BH_E_INVALID)
  }

  @inline(never)
  func tooLarge() -> bh_rc {
    CallMessage.set(
      Int32(BH_E_NOSPACE),
      "too large: a payload has at most \(options.maximumPayload) bytes, a key, correlation id or content type 65535, and there are at most 256 headers"
    )
    return bh_rc(BH_E_NOSPACE)
  }

  // MARK: The host's own events

  /// Publishes for the host itself or somebody outside (`bothost publish`).
  public func publish(
    topic: String, payload: [UInt8], key: String = "", source: String = "host", contentType: String = "",
    correlation: String = ""
  ) -> bh_rc {
    let event = StoredEvent(
      time: 0, topic: topic, source: source, key: Array(key.utf8), correlation: correlation, contentType: contentType,
      payload: payload)
    let thread = ThreadContext.current
    return publish(event, source: source, admission: .policy, thread)
  }

  func publish(
    _ event: StoredEvent, source: String, flags: UInt32 = 0, only consumer: String? = nil, admission: Admission,
    _ thread: UnsafeMutablePointer<ThreadContext>, ended: (@Sendable (bh_rc) -> Void)? = nil
  ) -> bh_rc {
    var name = event.topic
    guard let topic = name.withUTF8({ topic($0) }) else {
      CallMessage.set(Int32(BH_E_INVALID), "'\(event.topic)' is no topic that can be published to")
      return bh_rc(BH_E_INVALID)
    }
    thread.pointee.countPublished()
    clock.stamp(thread)
    return withContent(event, topic, source: source) { content in
      let isJSON = event.contentType.isEmpty || event.contentType == "application/json"
      guard let consumer else {
        return publish(content, topic, flags: flags, isJSON: isJSON, nil, admission, thread)
      }
      guard let bytes = content.recordBytes(maximumPayload: options.maximumPayload) else { return tooLarge() }
      Reclamation.enter(thread)
      defer { Reclamation.leave(thread) }
      let bindings = bindings(topic, of: [consumer])
      guard !bindings.isEmpty else { return bh_rc(BH_E_NOTFOUND) }
      let record = EventArena.make(content, bytes: bytes, flags: flags, thread)
      if isJSON, content.payload.count > 0, Self.isJSON(record.payload, content.payload.count, EventArena.padding) {
        record.pointee.flags |= UInt32(BH_EVENT_JSON)
      }
      var emission = Emission(bus: self)
      emission.add(record, topic, only: bindings, ended: ended)
      let rc = emission.pushAll(admission, thread)
      if rc != BH_OK { EventArena.release(record) }
      return rc
    }
  }

  private func bindings(_ topic: TopicPointer, of consumers: [String]) -> [BindingPointer] {
    let route = routes.route(topic)
    return (0..<route.pointee.count).map { route.entries[$0].binding }.filter { binding in
      binding.pointee.flags & BindingRecord.observer == 0
        && consumers.contains(binding.pointee.owner._withUnsafeGuaranteedRef { $0.consumer })
    }
  }

  private func withContent<Result>(
    _ event: StoredEvent, _ topic: TopicPointer, source: String, _ body: (EventContent) -> Result
  ) -> Result {
    var (correlation, contentType) = (event.correlation, event.contentType)
    // Headers are rare here: their bytes are laid out in one piece.
    var bytes: [UInt8] = []
    for header in event.headers { bytes += Array(header.name.utf8) + header.value }
    return event.payload.withUnsafeBytes { payload in
      event.key.withUnsafeBytes { key in
        correlation.withUTF8 { correlation in
          contentType.withUTF8 { contentType in
            bytes.withUnsafeBufferPointer { bytes in
              var headers: [bh_header] = []
              var offset = 0
              for header in event.headers {
                let name = header.name.utf8.count
                let start = bytes.baseAddress.map { $0 + offset }
                headers.append(
                  bh_header(
                    name: bh_str(ptr: UnsafeRawPointer(start)?.assumingMemoryBound(to: CChar.self), len: name),
                    value: bh_bytes(ptr: start.map { $0 + name }, len: header.value.count)))
                offset += name + header.value.count
              }
              return headers.withUnsafeBufferPointer { headers in
                body(
                  EventContent(
                    topic: topic.pointee.bytes, source: SourceNames.intern(source), key: key,
                    correlation: UnsafeRawBufferPointer(correlation),
                    contentType: UnsafeRawBufferPointer(contentType), payload: payload,
                    headers: headers.baseAddress, headerCount: headers.count))
              }
            }
          }
        }
      }
    }
  }

  /// Hands a kept event out again, for an operator (`bothost dead replay`), to one consumer. On BH_OK, `ended` is called once
  /// the consumer is done with it, on a lane: BH_E_CANCELLED means that it never saw the event, which is kept nowhere;
  /// another failure that it was given up again. It must not block.
  public func redeliver(
    _ event: StoredEvent, to consumer: String, ended: @escaping @Sendable (bh_rc) -> Void
  ) -> bh_rc {
    publish(
      event, source: event.source, flags: UInt32(BH_EVENT_REPLAY), only: consumer, admission: .policy,
      ThreadContext.current, ended: ended)
  }

  /// Queues what the journal says was not settled when the host ended. Called once, after the plans are installed and
  /// before gates open. Returns how many deliveries there are; events of consumers that are not on the bus stay in
  /// the journal.
  public func replay() throws(DurableFailure) -> Int {
    guard let log = options.durableLog else { return 0 }
    let thread = ThreadContext.current
    clock.stamp(thread)
    var count = 0
    try log.replay { unsettled in
      var name = unsettled.event.topic
      guard let topic = name.withUTF8({ topic($0) }) else { return }
      Reclamation.enter(thread)
      defer { Reclamation.leave(thread) }
      let bindings = bindings(topic, of: unsettled.consumers)
      guard !bindings.isEmpty else { return }
      withContent(unsettled.event, topic, source: unsettled.event.source) { content in
        guard let bytes = content.recordBytes(maximumPayload: .max) else { return }
        let flags = UInt32(BH_EVENT_REDELIVERED) | UInt32(BH_EVENT_DURABLE)
        let record = EventArena.make(content, bytes: bytes, flags: flags, thread)
        let isJSON = unsettled.event.contentType.isEmpty || unsettled.event.contentType == "application/json"
        if isJSON, content.payload.count > 0, Self.isJSON(record.payload, content.payload.count, EventArena.padding) {
          record.pointee.flags |= UInt32(BH_EVENT_JSON)
        }
        record.pointee.time = unsettled.event.time
        if unsettled.event.id.count == 2 { record.pointee.idLow = unsettled.event.id[1] }
        record.pointee.position = unsettled.position
        record.pointee.kind = .special
        count += bindings.count
        var emission = Emission(bus: self)
        emission.add(record, topic, only: bindings)
        _ = emission.pushAll(.force, thread)
      }
    }
    return count
  }
}

extension UnsafeMutablePointer<LaneState> {
  /// Delivers on the publisher's thread, straight from its memory, if the lane is idle. False: it is not.
  @inline(__always)
  func deliverInline(
    _ binding: BindingPointer, _ content: EventContent, flags: UInt32, bytes: Int,
    _ thread: UnsafeMutablePointer<ThreadContext>
  ) -> Bool {
    guard thread.pointee.laneCount < ThreadContext.maximumNesting, enterInline() else { return false }
    // Only now, as the lane's executor: a plan may have changed the binding just before.
    guard binding.pointee.flags == 0, binding.pointee.heldKeys == 0, let function = binding.pointee.function else {
      leaveInline()
      return false
    }
    thread.pointee.lanes[thread.pointee.laneCount] = self
    thread.pointee.laneCount &+= 1
    let slot = pointee.slot
    let token = slot.arm()
    pointee.sequence &+= 1
    thread.pointee.idLow &+= 0x9E37_79B9_7F4A_7C15
    let now = thread.pointee.monotonic
    let view = pointee.view
    view.pointee.flags = flags
    view.pointee.id = (UInt64(bitPattern: thread.pointee.unix), thread.pointee.idLow)
    view.pointee.seq = pointee.sequence
    view.pointee.time_unix_ns = thread.pointee.unix
    view.pointee.deadline_mono_ns = now &+ binding.pointee.timeout
    view.pointee.topic = bh_str(UnsafeRawBufferPointer(content.topic))
    view.pointee.source = bh_str(UnsafeRawBufferPointer(content.source))
    view.pointee.key = bh_str(content.key)
    view.pointee.correlation_id = bh_str(content.correlation)
    view.pointee.content_type = bh_str(content.contentType)
    view.pointee.payload = bh_bytes(
      ptr: content.payload.baseAddress?.assumingMemoryBound(to: UInt8.self), len: content.payload.count)
    view.pointee.headers = content.headerCount == 0 ? nil : content.headers
    view.pointee.header_count = UInt32(truncatingIfNeeded: content.headerCount)
    view.pointee.attempt = 1
    view.pointee.delivery = token
    view.pointee.binding = binding.pointee.number
    pointee.runningBinding.store(UInt(bitPattern: binding), ordering: .relaxed)
    pointee.runningSince.store(now, ordering: .relaxed)
    let outer = thread.pointee.view
    thread.pointee.view = view
    thread.pointee.messageLength?.pointee = 0
    let rc = function(binding.pointee.context, view)
    thread.pointee.view = outer
    if !thread.pointee.scratch.isEmpty { thread.pointee.scratch.empty() }
    pointee.runningSince.store(0, ordering: .relaxed)
    if rc >= 0, rc != BH_ASYNC, slot.settle(token) {
      countHandled(binding, rc)
    } else {
      keepInline(binding, content, flags: flags, bytes: bytes, rc, token, now, thread)
    }
    thread.pointee.laneCount &-= 1
    leaveInline()
    return true
  }

  /// The event outlives the publisher's call after all: it becomes one of the lane's.
  @inline(never)
  private func keepInline(
    _ binding: BindingPointer, _ content: EventContent, flags: UInt32, bytes: Int, _ rc: bh_rc, _ token: bh_token,
    _ now: Int64, _ thread: UnsafeMutablePointer<ThreadContext>
  ) {
    let view = pointee.view.pointee
    let event = EventArena.make(content, bytes: bytes, flags: flags, thread)
    event.pointee.time = view.time_unix_ns
    event.pointee.idLow = view.id.1
    countAccepted(event.pointee.bytes)
    returned(LaneItem(event: event, binding: binding), rc, token, now, thread)
    flushRun()
  }

  /// Delivers an event in memory on this thread, if the lane is idle; the reference is used up then.
  func runInline(_ item: LaneItem, _ thread: UnsafeMutablePointer<ThreadContext>) -> Bool {
    guard thread.pointee.laneCount < ThreadContext.maximumNesting, enterInline() else { return false }
    thread.pointee.lanes[thread.pointee.laneCount] = self
    thread.pointee.laneCount &+= 1
    countAccepted(item.event.pointee.bytes)
    start(item, thread)
    endRun(thread)
    thread.pointee.laneCount &-= 1
    leaveInline()
    return true
  }

  /// One item more in the lane, without the publishers' lock: the executor takes it off what it has finished.
  @inline(__always)
  private func countAccepted(_ bytes: UInt32) {
    pointee.finished.store(pointee.finished.load(ordering: .relaxed) &- 1, ordering: .releasing)
    pointee.finishedBytes.store(
      pointee.finishedBytes.load(ordering: .relaxed) &- UInt64(bytes), ordering: .releasing)
  }

  /// Takes the lane for this thread, if it is idle.
  @inline(__always)
  private func enterInline() -> Bool {
    guard pointee.pending.load(ordering: .relaxed) == 0,
      pointee.ownership.compareExchange(expected: 0, desired: 1, ordering: .acquiring).exchanged
    else { return false }
    if pointee.pending.load(ordering: .acquiring) == 0 { return true }
    pointee.ownership.store(0, ordering: .releasing)
    return false
  }

  /// Gives the lane back; to its thread, when a settlement has set something free.
  @inline(__always)
  private func leaveInline() {
    if pointee.readyHead == pointee.ready.count {
      pointee.ownership.store(0, ordering: .releasing)
    } else {
      handOver()
    }
  }

  @inline(never)
  private func handOver() {
    lock()
    pointee.pending.store(1, ordering: .releasing)
    pointee.ownership.store(0, ordering: .releasing)
    unlockAndWake()
  }
}

extension bh_str {
  @inline(__always)
  init(_ bytes: UnsafeRawBufferPointer) {
    self.init(ptr: bytes.baseAddress?.assumingMemoryBound(to: CChar.self), len: bytes.count)
  }
}
