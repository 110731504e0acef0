import CBotHost

/// Several events, or one with several handlers, on their way into lanes: room is taken in all of them or in none.
///
/// Used inside `Reclamation.enter`, because it holds bindings of the route table.
struct Emission {
  private struct Part {
    var event: EventPointer
    var topic: TopicPointer
    var notice: PublishNotice?
    var ended: (@Sendable (bh_rc) -> Void)?
    /// Handlers that are asked at once.
    var now: [BindingPointer]
    /// Those of lower priorities, highest first.
    var later: [[BindingPointer]]
    /// Somebody has to take it.
    var isMandatory: Bool
    /// Nobody has, for there is no handler. It holds a reference on the event, for the dead letter.
    var isUntaken = false

    init(
      event: EventPointer, topic: TopicPointer, notice: PublishNotice?, ended: (@Sendable (bh_rc) -> Void)?,
      now: [BindingPointer], later: [[BindingPointer]]
    ) {
      self.event = event
      self.topic = topic
      self.notice = notice
      self.ended = ended
      self.now = now
      self.later = later
      isMandatory = event.pointee.kind == .mandatory
    }
  }

  private let bus: Bus
  private var parts: [Part] = []
  /// Ordered by the lanes' serial numbers: the order in which locks are taken.
  private var shares: [LaneShare] = []
  private var isReserved = false

  init(bus: Bus) { self.bus = bus }

  /// Adds an event, whose reference stays the caller's until it is pushed.
  mutating func add(
    _ event: EventPointer, _ topic: TopicPointer, _ notice: PublishNotice?, ended: (@Sendable (bh_rc) -> Void)? = nil
  ) {
    let route = bus.routes.route(topic)
    var observers: [BindingPointer] = []
    var tiers: [[BindingPointer]] = []
    var priority: Int32?
    for index in 0..<route.pointee.count {
      let entry = route.entries[index]
      if let source = entry.source, source != event.pointee.source { continue }
      if entry.isObserver {
        observers.append(entry.binding)
      } else if priority == entry.priority {
        tiers[tiers.count - 1].append(entry.binding)
      } else {
        priority = entry.priority
        tiers.append([entry.binding])
      }
    }
    let first = tiers.isEmpty ? [] : tiers.removeFirst()
    parts.append(Part(event: event, topic: topic, notice: notice, ended: ended, now: observers + first, later: tiers))
    for binding in observers + first { share(binding.pointee.lane, Int(event.pointee.bytes)) }
  }

  /// Adds an event for some handlers only. `ended` is told how it ended, on a lane: BH_E_CANCELLED when no handler has seen
  /// it and it is not kept anywhere.
  mutating func add(
    _ event: EventPointer, _ topic: TopicPointer, only bindings: [BindingPointer],
    ended: (@Sendable (bh_rc) -> Void)? = nil
  ) {
    parts.append(Part(event: event, topic: topic, notice: nil, ended: ended, now: bindings, later: []))
    for binding in bindings { share(binding.pointee.lane, Int(event.pointee.bytes)) }
  }

  private mutating func share(_ lane: LanePointer, _ bytes: Int) {
    let serial = lane.pointee.serial
    let index = shares.firstIndex { $0.lane.pointee.serial >= serial } ?? shares.count
    if index < shares.count, shares[index].lane == lane {
      shares[index].count += 1
      shares[index].bytes += bytes
    } else {
      shares.insert(LaneShare(lane: lane, count: 1, bytes: bytes), at: index)
    }
  }

  /// Takes room in all lanes, or waits for it, by their policies. Observers' lanes never refuse.
  mutating func reserve(_ admission: Admission, _ thread: UnsafeMutablePointer<ThreadContext>) -> bh_rc {
    guard lockAll(admission, thread) else { return bh_rc(BH_E_BUSY) }
    for share in shares {
      share.lane.pointee.reserved += share.count
      share.lane.pointee.reservedBytes += share.bytes
      share.lane.unlock()
    }
    isReserved = true
    return bh_rc(BH_OK)
  }

  /// Gives the room back.
  mutating func unreserve() {
    guard isReserved else { return }
    isReserved = false
    for share in shares {
      share.lane.lock()
      share.lane.pointee.reserved -= share.count
      share.lane.pointee.reservedBytes -= share.bytes
      share.lane.unlock()
      share.lane.offerRoom(always: false)
    }
  }

  /// With all locks held when it is true.
  private func lockAll(_ admission: Admission, _ thread: UnsafeMutablePointer<ThreadContext>) -> Bool {
    var index = 0
    while index < shares.count {
      let share = shares[index]
      share.lane.lock()
      if share.lane.pointee.closed || admission == .force || share.lane.admits(share.count, share.bytes) {
        index += 1
        continue
      }
      // Nothing is held while waiting; then everything is looked at again.
      for held in shares[..<index] { held.lane.unlock() }
      let rc = share.lane.admitSlowly(share.count, share.bytes, admission, thread)
      if rc == BH_OK {
        share.lane.unlock()
      } else if rc != BH_E_CANCELLED {
        return false
      }
      index = 0
    }
    return true
  }

  /// Adds what has to be on disk before anything is pushed.
  func addDurable(to batch: inout DurableBatch) {
    for part in parts where part.topic.pointee.isDurable {
      let consumers = (part.now + part.later.joined()).filter { $0.pointee.flags & BindingRecord.observer == 0 }
        .map { $0.pointee.owner._withUnsafeGuaranteedRef { $0.consumer } }
      batch.appends.append(.init(event: part.event.stored(), consumers: consumers))
    }
  }

  /// The positions that the journal gave, in order.
  func take(positions: [Int64]) {
    var next = positions.makeIterator()
    for part in parts where part.topic.pointee.isDurable {
      part.event.pointee.position = next.next() ?? 0
      if part.event.pointee.position != 0 {
        part.event.pointee.flags |= UInt32(BH_EVENT_DURABLE)
        part.event.pointee.kind = .special
      }
    }
  }

  /// Puts one event into its lanes; the caller's reference is used up. Room was reserved.
  mutating func push(index: Int, _ thread: UnsafeMutablePointer<ThreadContext>) {
    let bindings = Self.track(&parts[index], thread)
    let part = parts[index]
    defer { giveUpUntaken(part, thread) }
    for binding in bindings {
      let lane = binding.pointee.lane
      let item = LaneItem(event: part.event, binding: binding)
      let bytes = Int(part.event.pointee.bytes)
      lane.lock()
      if isReserved {
        lane.pointee.reserved -= 1
        lane.pointee.reservedBytes -= bytes
      }
      // The policy drop-oldest makes its room now.
      let rc =
        lane.pointee.closed || lane.pointee.full == .dropOldest
        ? lane.admitSlowly(1, bytes, isReserved ? .policy : .force, thread) : bh_rc(BH_OK)
      if rc == BH_OK {
        lane.append(item)
        lane.unlockAndWake()
      } else {
        Emission.lost(item, bus, thread)
      }
    }
  }

  /// Counts references and sets up who follows the event. The handlers to push to; none: the event is over. Not of an instance: that
  /// would hold all parts a second time, and change a copy of them.
  private static func track(_ part: inout Part, _ thread: UnsafeMutablePointer<ThreadContext>) -> [BindingPointer] {
    let tracked = part.now.count { $0.pointee.flags & BindingRecord.observer == 0 }
    let all = part.now.count + part.later.reduce(0) { $0 + $1.count }
    if part.isMandatory {
      // From here on it is known by who follows it.
      if part.event.pointee.position == 0 { part.event.pointee.kind = .plain }
      part.isUntaken = tracked == 0
    }
    if all == 0, !part.isUntaken {
      part.notice?.send(bh_rc(BH_OK), nil)
      EventArena.release(part.event)
      return []
    }
    EventArena.retain(part.event, part.isUntaken ? all : all - 1, thread)
    if tracked > 0, !part.later.isEmpty || part.notice != nil || part.ended != nil || part.isMandatory {
      EventTracker(
        event: part.event, now: tracked, later: part.later, notice: part.notice, isMandatory: part.isMandatory,
        ended: part.ended
      ).attach()
    } else if !part.isUntaken {
      part.notice?.send(bh_rc(BH_OK), nil)
    }
    return part.now
  }

  /// After everybody else has got it, and without a lock.
  private func giveUpUntaken(_ part: Part, _ thread: UnsafeMutablePointer<ThreadContext>) {
    guard part.isUntaken else { return }
    let reason = bus.nobodyTook(part.event, passedOver: 0, thread)
    part.notice?.send(bh_rc(BH_E_REJECT), reason)
    part.ended?(bh_rc(BH_E_REJECT))
    EventArena.release(part.event)
  }

  /// An item whose lane was closed at the last moment.
  static func lost(_ item: LaneItem, _ bus: Bus, _ thread: UnsafeMutablePointer<ThreadContext>) {
    if item.event.pointee.kind == .special {
      EventTracker.of(item.event)?._withUnsafeGuaranteedRef {
        $0.finished($0.codeOfLost, stopped: false, message: nil, bus, thread)
      }
    }
    EventArena.release(item.event)
  }

  /// Nothing was pushed: the events stay the caller's.
  mutating func cancel() {
    parts.removeAll()
    shares.removeAll()
  }

  /// Pushes everything at once, atomically over the lanes: all locks are held meanwhile, none twice.
  mutating func pushAll(_ admission: Admission, _ thread: UnsafeMutablePointer<ThreadContext>) -> bh_rc {
    guard lockAll(admission, thread) else { return bh_rc(BH_E_BUSY) }
    var lost: [LaneItem] = []
    var dropped: [(LanePointer, LaneItem)] = []
    for index in parts.indices {
      let bindings = Self.track(&parts[index], thread)
      let part = parts[index]
      for binding in bindings {
        let lane = binding.pointee.lane
        let item = LaneItem(event: part.event, binding: binding)
        if lane.pointee.closed {
          lost.append(item)
          continue
        }
        if lane.pointee.full == .dropOldest, admission != .force {
          lane.takeOldestForRoom(Int(part.event.pointee.bytes)) { dropped.append((lane, $0)) }
        }
        lane.append(item)
      }
    }
    for share in shares { share.lane.unlockAndWake() }
    for (lane, item) in dropped { lane.abandon(item, lane.dropReason, thread) }
    for item in lost { Emission.lost(item, bus, thread) }
    for part in parts { giveUpUntaken(part, thread) }
    return bh_rc(BH_OK)
  }
}

extension UnsafeMutablePointer<EventRecord> {
  /// A copy that owns its parts, for the journal and the dead letters.
  func stored() -> StoredEvent {
    func text(_ bytes: UnsafePointer<UInt8>, _ count: UInt16) -> String {
      String(decoding: UnsafeBufferPointer(start: bytes, count: Int(count)), as: UTF8.self)
    }
    var headers: [StoredEvent.Header] = []
    for index in 0..<Int(pointee.headerCount) {
      let header = self.headers[index]
      headers.append(
        .init(
          name: String(decoding: UnsafeRawBufferPointer(start: header.name.ptr, count: header.name.len), as: UTF8.self),
          value: Array(UnsafeBufferPointer(start: header.value.ptr, count: header.value.len))))
    }
    return StoredEvent(
      id: [UInt64(bitPattern: pointee.time), pointee.idLow], time: pointee.time,
      topic: text(pointee.topic, pointee.topicLength), source: text(pointee.source, pointee.sourceLength),
      key: Array(UnsafeBufferPointer(start: key, count: Int(pointee.keyLength))),
      correlation: text(correlation, pointee.correlationLength),
      contentType: text(contentType, pointee.contentTypeLength), headers: headers,
      payload: Array(UnsafeBufferPointer(start: payload, count: Int(pointee.payloadLength))))
  }
}
