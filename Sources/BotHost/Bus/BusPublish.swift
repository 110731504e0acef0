import CBotHost
import CJSON
import Glibc
import Synchronization

extension Bus {
  /// Publishes an event that is not bound to a delivery. The thread's clock has been stamped.
  func publish(
    _ content: EventContent, _ topic: TopicPointer, _ kind: EventRecord.Kind = .plain, flags: UInt32 = 0, isJSON: Bool,
    _ notice: PublishNotice?, _ admission: Admission, _ thread: UnsafeMutablePointer<ThreadContext>
  ) -> bh_rc {
    Reclamation.enter(thread)
    defer { Reclamation.leave(thread) }
    let route = routes.route(topic)
    guard kind == .mandatory else {
      return publish(content, topic, route, flags: flags, isJSON: isJSON, notice, admission, thread)
    }
    guard let bytes = content.recordBytes(maximumPayload: options.maximumPayload) else { return tooLarge() }
    return publishMany(
      content, topic, route, kind, bytes, flags: flags, isJSON: isJSON && content.payload.count > 0, notice, admission,
      thread)
  }

  /// The same inside `Reclamation.enter`, by a route that was found in it.
  @inline(__always)
  func publish(
    _ content: EventContent, _ topic: TopicPointer, _ route: RoutePointer, flags: UInt32 = 0, isJSON: Bool,
    _ notice: PublishNotice?, _ admission: Admission, _ thread: UnsafeMutablePointer<ThreadContext>
  ) -> bh_rc {
    guard let bytes = content.recordBytes(maximumPayload: options.maximumPayload) else { return tooLarge() }
    var flags = flags
    // A long payload is checked where it is copied to: there it is padded for the vectorised check.
    let checksEarly = content.payload.count < Self.checkedEarly
    if isJSON, checksEarly, content.payload.count > 0 {
      guard Self.isJSON(content.payload.baseAddress, content.payload.count, 0) else { return notJSON() }
      flags |= UInt32(BH_EVENT_JSON)
    }
    if route.pointee.count == 1, route.pointee.flags & ~RouteList.bySource == 0, notice == nil {
      if let wanted = route.entries[0].source, wanted != content.source.baseAddress {
        return isJSON && !checksEarly && !Self.isJSON(content.payload.baseAddress, content.payload.count, 0)
          ? notJSON() : bh_rc(BH_OK)
      }
      let binding = route.entries[0].binding
      let lane = binding.pointee.lane
      let event = EventArena.make(content, bytes: bytes, flags: flags, thread)
      if isJSON, !checksEarly {
        guard Self.isJSON(event.payload, content.payload.count, EventArena.padding) else {
          EventArena.unmake(event, thread)
          return notJSON()
        }
        event.pointee.flags |= UInt32(BH_EVENT_JSON)
      }
      let item = LaneItem(event: event, binding: binding)
      if lane.pointee.isInline, lane.runInline(item, thread) { return bh_rc(BH_OK) }
      let rc = lane.accept(item, admission, thread)
      if rc == BH_OK { return rc }
      EventArena.release(event)
      return rc == BH_E_CANCELLED ? bh_rc(BH_OK) : rc
    }
    return publishMany(
      content, topic, route, .plain, bytes, flags: flags, isJSON: isJSON && !checksEarly, notice, admission, thread)
  }

  /// Payloads of fewer bytes are checked to be JSON where the publisher has them.
  static var checkedEarly: Int { 256 }

  @inline(never)
  private func publishMany(
    _ content: EventContent, _ topic: TopicPointer, _ route: RoutePointer, _ kind: EventRecord.Kind, _ bytes: Int,
    flags: UInt32, isJSON: Bool, _ notice: PublishNotice?, _ admission: Admission,
    _ thread: UnsafeMutablePointer<ThreadContext>
  ) -> bh_rc {
    if route.pointee.count == 0, route.pointee.flags == 0, !isJSON, kind == .plain {
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
    event.pointee.kind = kind
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
    if event.pointee.kind == .mandatory {
      // A single handler needs nobody to gather what came of it.
      if route.pointee.count == 1, route.pointee.flags == 0, notice == nil, !route.entries[0].isObserver {
        return emit(event, to: route.entries, 1, admission, thread)
      }
      return emitFollowed(event, topic, notice, admission, thread)
    }
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
    return emitFollowed(event, topic, notice, admission, thread)
  }

  /// Sends out an event that is more than a reference in each lane.
  private func emitFollowed(
    _ event: EventPointer, _ topic: TopicPointer, _ notice: PublishNotice?, _ admission: Admission,
    _ thread: UnsafeMutablePointer<ThreadContext>
  ) -> bh_rc {
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
        // The lane has ended: there is no handler any more.
        if event.pointee.kind == .mandatory { nobodyTook(event, passedOver: 0, thread) }
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
  ///
  /// - Parameter isMandatory: whether it is a dead letter when nobody takes it.
  public func publish(
    topic: String, payload: [UInt8], key: String = "", source: String = "host", contentType: String = "",
    correlation: String = "", isMandatory: Bool = false
  ) -> bh_rc {
    let event = StoredEvent(
      time: 0, topic: topic, source: source, key: Array(key.utf8), correlation: correlation, contentType: contentType,
      payload: payload)
    let thread = ThreadContext.current
    return publish(event, isMandatory ? .mandatory : .plain, source: source, admission: .policy, thread)
  }

  func publish(
    _ event: StoredEvent, _ kind: EventRecord.Kind = .plain, source: String, flags: UInt32 = 0,
    only consumer: String? = nil, admission: Admission, _ thread: UnsafeMutablePointer<ThreadContext>,
    ended: (@Sendable (bh_rc) -> Void)? = nil
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
        return publish(content, topic, kind, flags: flags, isJSON: isJSON, nil, admission, thread)
      }
      guard let bytes = content.recordBytes(maximumPayload: options.maximumPayload) else { return tooLarge() }
      Reclamation.enter(thread)
      defer { Reclamation.leave(thread) }
      let isForAnybody = consumer == DeadLetter.nobody
      let bindings =
        isForAnybody ? routes.route(topic).handlers(of: content.source.baseAddress) : bindings(topic, of: [consumer])
      guard !bindings.isEmpty else { return bh_rc(BH_E_NOTFOUND) }
      let record = EventArena.make(content, bytes: bytes, flags: flags, thread)
      if isJSON, content.payload.count > 0, Self.isJSON(record.payload, content.payload.count, EventArena.padding) {
        record.pointee.flags |= UInt32(BH_EVENT_JSON)
      }
      var emission = Emission(bus: self)
      if isForAnybody {
        record.pointee.kind = .mandatory
        emission.add(record, topic, nil, ended: ended)
      } else {
        emission.add(record, topic, only: bindings, ended: ended)
      }
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

  /// Hands a kept event out again, for an operator (`bothost dead replay`), to one consumer, or, with `DeadLetter.nobody`, to whoever takes it
  /// now; BH_E_NOTFOUND: there is none. On BH_OK, `ended` is called once
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
        // Somebody may have taken it already, unless all have yet to be asked.
        if bindings.count == routes.route(topic).handlers(of: content.source.baseAddress).count,
          endpoint(named: unsettled.event.source)?.permission(topic) == .mandatory
        {
          record.pointee.kind = .mandatory
        }
        var emission = Emission(bus: self)
        emission.add(record, topic, only: bindings)
        _ = emission.pushAll(.force, thread)
      }
    }
    return count
  }
}

extension bh_str {
  @inline(__always)
  init(_ bytes: UnsafeRawBufferPointer) {
    self.init(ptr: bytes.baseAddress?.assumingMemoryBound(to: CChar.self), len: bytes.count)
  }
}
