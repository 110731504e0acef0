import CBotHost
import Glibc

/// How an event asks to be let in.
enum Admission {
  /// By the lane's policy.
  case policy
  /// BH_E_BUSY instead of waiting.
  case never
  /// Also beyond the bound: what is bounded by other means (timers, retries, replays).
  case force
}

/// The events that one emission has for one lane.
struct LaneShare {
  var lane: LanePointer
  var count: Int
  var bytes: Int
}

extension UnsafeMutablePointer<LaneState> {
  /// Puts one event in. On BH_OK the reference that comes with the item is the lane's, otherwise it stays the caller's.
  /// BH_E_CANCELLED: the lane is closed.
  @inline(__always)
  func accept(
    _ item: LaneItem, _ admission: Admission, _ thread: UnsafeMutablePointer<ThreadContext>
  ) -> bh_rc {
    let bytes = Int(item.event.pointee.bytes)
    lock()
    if pointee.closed || !fits(1, bytes) || pointee.full == .dropOldest {
      let admitted = admitSlowly(1, bytes, admission, thread)
      guard admitted == BH_OK else { return admitted }
    }
    append(item)
    unlockAndWake()
    return bh_rc(BH_OK)
  }

  /// With the lock held: makes or waits for room. On BH_OK the lock is still held, otherwise it is not.
  @inline(never)
  func admitSlowly(
    _ count: Int, _ bytes: Int, _ admission: Admission, _ thread: UnsafeMutablePointer<ThreadContext>
  ) -> bh_rc {
    if pointee.closed {
      unlock()
      return bh_rc(BH_E_CANCELLED)
    }
    if admission == .force { return bh_rc(BH_OK) }
    switch pointee.full {
    case .dropOldest:
      makeRoom(count, bytes, thread)
      return bh_rc(BH_OK)
    case .reject:
      if fits(count, bytes) { return bh_rc(BH_OK) }
      pointee.rejected &+= 1
      unlock()
      return bh_rc(BH_E_BUSY)
    case .wait:
      if fits(count, bytes) { return bh_rc(BH_OK) }
      if admission == .never {
        unlock()
        return bh_rc(BH_E_BUSY)
      }
      return waitForRoom(count, bytes, thread)
    }
  }

  /// With the lock held, which is given up while waiting. BH_OK with the lock held, or a failure without it.
  private func waitForRoom(_ count: Int, _ bytes: Int, _ thread: UnsafeMutablePointer<ThreadContext>) -> bh_rc {
    if !thread.pointee.outcomes.isEmpty {
      // The room may depend on somebody who waits for these.
      unlock()
      thread.pointee.outcomes.flush()
      lock()
    }
    guard WaitGraph.enter(thread, self) else {
      unlock()
      CallMessage.set(Int32(BH_E_BUSY), "waiting for room would close a circle of waiting lanes")
      return bh_rc(BH_E_BUSY)
    }
    pointee.waiters.wrappingAdd(1, ordering: .sequentiallyConsistent)
    while !pointee.closed && !fits(count, bytes) { pthread_cond_wait(&pointee.room, &pointee.mutex) }
    pointee.waiters.wrappingSubtract(1, ordering: .relaxed)
    WaitGraph.leave(thread)
    if pointee.closed {
      unlock()
      return bh_rc(BH_E_CANCELLED)
    }
    return bh_rc(BH_OK)
  }

  /// With the lock held: drops the oldest queued events until the new ones fit.
  private func makeRoom(_ count: Int, _ bytes: Int, _ thread: UnsafeMutablePointer<ThreadContext>) {
    var gone: [LaneItem] = []
    takeOldestForRoom(bytes) { gone.append($0) }
    guard !gone.isEmpty else { return }
    // Ending an event may call on other lanes: not under this one's lock.
    unlock()
    for item in gone { abandon(item, dropReason, thread) }
    lock()
  }

  var dropReason: String { "dropped: the queue of \(endpointName) was full" }

  /// With the lock held: takes out the oldest queued events until one more fits. What is with the executor already
  /// stays.
  func takeOldestForRoom(_ bytes: Int, _ body: (LaneItem) -> Void) {
    while queueLength >= pointee.capacity || !fitsBytes(bytes) {
      guard let item = takeOldest() else { break }
      pointee.accepted &-= 1
      pointee.acceptedBytes &-= UInt64(item.event.pointee.bytes)
      pointee.dropped &+= 1
      body(item)
    }
  }

  private func fitsBytes(_ bytes: Int) -> Bool {
    let waiting = Int(truncatingIfNeeded: pointee.acceptedBytes &- pointee.finishedBytes.load(ordering: .acquiring))
    return waiting == 0 || waiting &+ pointee.reservedBytes &+ bytes <= pointee.capacityBytes
  }

  /// With the lock held: whether the events may come in, without waiting.
  func admits(_ count: Int, _ bytes: Int) -> Bool { pointee.full == .dropOldest || fits(count, bytes) }

  /// Ends an event that no handler will see: not an order, a loss that the lane's policy permits.
  func abandon(_ item: LaneItem, _ reason: String, _ thread: UnsafeMutablePointer<ThreadContext>) {
    let event = item.event
    switch event.pointee.kind {
    case .plain, .mandatory: break
    case .call:
      if let call = MethodCall.of(event) {
        call.fail(bh_rc(BH_E_BUSY), text: reason, thread)
        call.leaveQueue()
      }
    case .special:
      pointee.bus._withUnsafeGuaranteedRef {
        $0.finishSpecial(
          item, rc: bh_rc(BH_E_CANCELLED), stopped: false, message: reason, settledOnDisk: false, thread)
      }
    }
    EventArena.release(event)
  }

  var endpointName: String { pointee.endpoint._withUnsafeGuaranteedRef { $0.name } }

  /// Tells those who wait for room, when there is a good deal of it or they have waited for a millisecond: on a fast lane they are woken for
  /// many events, on a slow one they do not hold their own lanes, and with them a swap, until half of this one is empty. The executor,
  /// without the lock.
  @inline(never)
  func offerRoom(always: Bool) {
    lock()
    let waiting = Int(truncatingIfNeeded: pointee.accepted &- pointee.finished.load(ordering: .acquiring))
    let bytes = Int(truncatingIfNeeded: pointee.acceptedBytes &- pointee.finishedBytes.load(ordering: .acquiring))
    var calls: [@Sendable () -> Void] = []
    let now = SystemClock().monotonic
    let isHalfEmpty = waiting <= pointee.capacity / 2 && bytes <= pointee.capacityBytes / 2
    let isTime =
      waiting < pointee.capacity && bytes < pointee.capacityBytes && now &- pointee.roomOfferedAt >= 1_000_000
    if always || isHalfEmpty || isTime {
      pointee.roomOfferedAt = now
      pthread_cond_broadcast(&pointee.room)
      swap(&calls, &pointee.roomCalls)
      if !calls.isEmpty { pointee.waiters.wrappingSubtract(calls.count, ordering: .relaxed) }
    }
    unlock()
    for call in calls { call() }
  }
}
