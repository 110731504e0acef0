import CBotHost
import CJSON
import Glibc
import Synchronization

/// Delivering: what the lane's thread does, or the publisher's on an inline lane that is idle.
extension UnsafeMutablePointer<LaneState> {
  /// The lane's thread: until the lane is stopped.
  func run() {
    let thread = ThreadContext.current
    _ = thread.pointee.enter(self)
    thread.pointee.gathersOutcomes = true
    // Whatever is done without the lock is followed by a look at everything anew: the lane goes to sleep only by what it has seen
    // since it took the lock.
    var hasSpun = false
    var hasOfferedRoom = false
    lock()
    while true {
      if pointee.isInline, !own() { continue }
      if !pointee.controls.isEmpty {
        runControls(thread)
        (hasSpun, hasOfferedRoom) = (false, false)
        continue
      }
      let attention = pointee.attention.load(ordering: .relaxed)
      if attention & LaneState.gateBit == 0 {
        if pointee.batchIndex < pointee.batchCount || pointee.readyHead < pointee.ready.count || takeBatch() {
          unlock()
          hasSpun = deliverAll(thread)
          hasOfferedRoom = false
          lock()
          continue
        }
      } else {
        pointee.atBarrier.store(true, ordering: .releasing)
      }
      if attention & LaneState.stopBit != 0 { break }
      if !hasOfferedRoom, pointee.waiters.load(ordering: .sequentiallyConsistent) > 0, queueLength == 0 {
        hasOfferedRoom = true
        unlock()
        offerRoom(always: true)
        lock()
        continue
      }
      if !hasSpun, pointee.spin > 0, pointee.spinPays || attention & LaneState.gateBit != 0 {
        hasSpun = true
        unlock()
        spin(attention)
        lock()
        continue
      }
      if pointee.isInline, attention & LaneState.gateBit == 0 {
        // Under the lock nothing can be added: idle means idle.
        pointee.pending.store(0, ordering: .releasing)
        pointee.ownerIsThread = false
        pointee.ownership.store(LaneOwnership.free, ordering: .releasing)
      }
      sleep(hasSpun: hasSpun)
      (hasSpun, hasOfferedRoom) = (false, false)
    }
    pointee.closed = true
    pthread_cond_broadcast(&pointee.room)
    unlock()
    thread.pointee.leaveLane()
  }

  /// Delivers batch after batch without the lock, until nothing is queued or something else wants attention. Where the oldest may
  /// be dropped, one batch: the next is taken with the lock. True when it has looked for more for a while, in vain.
  private func deliverAll(_ thread: UnsafeMutablePointer<ThreadContext>) -> Bool {
    let needsLock = pointee.full == .dropOldest
    while true {
      let isSmall = pointee.batchCount < LaneState.batchLimit / 4
      deliver(thread)
      if pointee.waiters.load(ordering: .relaxed) > 0 { offerRoom(always: false) }
      if needsLock || pointee.attention.load(ordering: .relaxed) != 0 { return false }
      // The gate may have been shut and opened again: then some of the batch is left.
      if pointee.batchIndex < pointee.batchCount { continue }
      let spins = pointee.spin > 0 && pointee.spinPays
      if spins, isSmall { gather() }
      if takeBatch() { continue }
      guard spins else { return false }
      // Not with the lock, which a publisher would then meet for the little that it has queued since.
      spin(0)
      if pointee.attention.load(ordering: .relaxed) != 0 { return false }
      if !takeBatch() { return true }
    }
  }

  /// Leaves the queue to the publishers for a microsecond or two, unless there is a good deal to take already or nobody publishes just
  /// now. A publisher as fast as the handlers would otherwise wait for the queue's cache line for each single event.
  private func gather() {
    var before = queueLength
    for _ in 0..<4 {
      for _ in 0..<24 { machine_pause() }
      let length = queueLength
      if length == before || length >= LaneState.batchLimit / 4 { return }
      if pointee.attention.load(ordering: .relaxed) != 0 { return }
      before = length
    }
  }

  /// Looks for work for a while before the thread sleeps: waking it costs more than a microsecond.
  private func spin(_ before: UInt32) {
    // While the gate is shut somebody is about to ask for something.
    let patience = before & LaneState.gateBit != 0 ? max(pointee.spin, 1_000_000) : pointee.spin
    let end = monotonic &+ patience
    while true {
      for _ in 0..<32 {
        let attention = pointee.attention.load(ordering: .relaxed)
        if attention != before { return }
        if before & LaneState.gateBit == 0, queueLength != 0 || pointee.waiters.load(ordering: .relaxed) > 0 { return }
        machine_pause()
      }
      if monotonic >= end { return }
    }
  }

  /// With the lock held, which is given up meanwhile: until somebody has something to do.
  ///
  /// Whether to look for work the next time is learnt from this sleep. It would have been in vain where work came later than that, and
  /// where it came from the same processor, which its publisher could not have had meanwhile.
  private func sleep(hasSpun: Bool) {
    let since = monotonic
    let processor = machine_processor()
    pointee.sleeping = true
    while pointee.sleeping { pthread_cond_wait(&pointee.wake, &pointee.mutex) }
    pointee.spinPays = !hasSpun && pointee.wokenOn != processor && monotonic &- since < pointee.spin
  }

  /// The true time in nanoseconds: the bus's clock may be a test's.
  private var monotonic: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }

  /// With the lock held, which is given up meanwhile.
  private func runControls(_ thread: UnsafeMutablePointer<ThreadContext>) {
    var controls = pointee.spareControls
    pointee.spareControls = []
    swap(&controls, &pointee.controls)
    pointee.attention.bitwiseAnd(~LaneState.controlBit, ordering: .relaxed)
    unlock()
    pointee.clock.stamp(thread)
    for control in controls {
      switch control {
      case .work(let body): body()
      case .settled(let slot): finishSettled(slot, thread)
      case .retry(let slot):
        pointee.ready.append(.retry(slot))
      case .callEnded(let call): call.tell()
      case .passingCall(let item): start(item, thread)
      case .publishSettled(let outcome): outcome.tell(self)
      case .publishesSettled(let outcomes): for outcome in outcomes { outcome.tell(self) }
      case .ended(let watchers, let how):
        for ticket in watchers {
          pointee.endpoint._withUnsafeGuaranteedRef { $0.takePromise(ticket) }?.keep(how, "")
        }
      }
    }
    flushRun()
    if !thread.pointee.outcomes.isEmpty { thread.pointee.outcomes.flush() }
    if controls.count <= 1024 {
      controls.removeAll(keepingCapacity: true)
      pointee.spareControls = controls
    }
    lock()
  }

  /// Delivers what is ready and the batch, until something else wants attention.
  func deliver(_ thread: UnsafeMutablePointer<ThreadContext>) {
    while pointee.attention.load(ordering: .relaxed) & (LaneState.controlBit | LaneState.gateBit) == 0 {
      if pointee.readyHead < pointee.ready.count {
        let next = pointee.ready[pointee.readyHead]
        pointee.readyHead += 1
        if pointee.readyHead == pointee.ready.count {
          pointee.ready.removeAll(keepingCapacity: pointee.ready.count <= 1024)
          pointee.readyHead = 0
        }
        switch next {
        case .item(let item, let key): hand(item, key: key, thread)
        case .retry(let slot): handAgain(slot, thread)
        }
      } else if pointee.batchIndex < pointee.batchCount {
        let item = pointee.batch[pointee.batchIndex]
        pointee.batchIndex &+= 1
        start(item, thread)
      } else {
        break
      }
    }
    endRun(thread)
  }

  /// After the last of some deliveries.
  @inline(__always)
  func endRun(_ thread: UnsafeMutablePointer<ThreadContext>) {
    let since = pointee.runningSince.load(ordering: .relaxed)
    if since != 0 {
      let time = pointee.clock.stamp(thread) &- since
      if time > Bus.longCall { reportLong(time) }
      pointee.runningSince.store(0, ordering: .relaxed)
    }
    flushRun()
    if !thread.pointee.outcomes.isEmpty { thread.pointee.outcomes.flush() }
  }

  /// Gives one reference back, together with those of its neighbours.
  @inline(__always)
  func releaseInRun(_ event: EventPointer) {
    let chunk = event.pointee.chunk
    if chunk == pointee.runChunk {
      pointee.runCount &+= 1
    } else {
      flushRun()
      pointee.runChunk = chunk
      pointee.runCount = 1
    }
  }

  @inline(__always)
  func flushRun() {
    if let chunk = pointee.runChunk {
      EventArena.release(chunk, pointee.runCount)
      pointee.runChunk = nil
      pointee.runCount = 0
    }
  }

  /// One item less in the lane. The executor.
  @inline(__always)
  func countFinished(_ bytes: UInt32) {
    pointee.finished.store(pointee.finished.load(ordering: .relaxed) &+ 1, ordering: .releasing)
    pointee.finishedBytes.store(
      pointee.finishedBytes.load(ordering: .relaxed) &+ UInt64(bytes), ordering: .releasing)
  }

  /// The next item of the queue.
  @inline(__always)
  func start(_ item: LaneItem, _ thread: UnsafeMutablePointer<ThreadContext>) {
    if item.event.pointee.kind == .plain, item.binding.pointee.flags == 0, item.binding.pointee.heldKeys == 0,
      let function = item.binding.pointee.function
    {
      let slot = pointee.slot
      let token = slot.arm()
      pointee.sequence &+= 1
      let now = pointee.clock.stamp(thread)
      if !thread.pointee.outcomes.isEmpty { thread.pointee.outcomes.flush(ifDue: now) }
      let view = pointee.view
      item.event.fill(view)
      view.pointee.seq = pointee.sequence
      view.pointee.deadline_mono_ns = now &+ item.binding.pointee.timeout
      view.pointee.attempt = 1
      view.pointee.delivery = token
      view.pointee.binding = item.binding.pointee.number
      let rc = enter(function, item.binding, view, now, thread)
      if rc >= 0, rc != BH_ASYNC, slot.settle(token) {
        countHandled(item.binding, rc)
        countFinished(item.event.pointee.bytes)
        releaseInRun(item.event)
        return
      }
      returned(item, rc, token, now, thread)
      return
    }
    startExamined(item, thread)
  }

  /// Inside the plugin, in a run of several calls: the time of the call before is known by now.
  @inline(__always)
  func enter(
    _ function: bh_handler, _ binding: BindingPointer, _ view: UnsafeMutablePointer<bh_event>, _ now: Int64,
    _ thread: UnsafeMutablePointer<ThreadContext>
  ) -> bh_rc {
    let before = pointee.runningSince.load(ordering: .relaxed)
    if before != 0, now &- before > Bus.longCall { reportLong(now &- before) }
    return call(function, binding, view, now, thread)
  }

  /// Inside the plugin.
  @inline(__always)
  func call(
    _ function: bh_handler, _ binding: BindingPointer, _ view: UnsafeMutablePointer<bh_event>, _ now: Int64,
    _ thread: UnsafeMutablePointer<ThreadContext>
  ) -> bh_rc {
    pointee.runningBinding.store(UInt(bitPattern: binding), ordering: .relaxed)
    pointee.runningSince.store(now, ordering: .relaxed)
    let outer = thread.pointee.view
    thread.pointee.view = view
    thread.pointee.messageLength?.pointee = 0
    let rc = function(binding.pointee.context, view)
    thread.pointee.view = outer
    if !thread.pointee.scratch.isEmpty { thread.pointee.scratch.empty() }
    return rc
  }

  /// The call before took longer than a lane should be held. Said once a minute for a handler: a busy machine can make every call long.
  @inline(never)
  func reportLong(_ time: Int64) {
    guard let binding = BindingPointer(bitPattern: pointee.runningBinding.load(ordering: .relaxed)) else { return }
    pointee.bus._withUnsafeGuaranteedRef { bus in
      let now = bus.clock.monotonic
      let report = binding.pointee.owner._withUnsafeGuaranteedRef { $0.noteLongCall(time, at: now) }
      if let report { bus.report(report) }
    }
  }

  @inline(__always)
  func countHandled(_ binding: BindingPointer, _ rc: bh_rc) {
    if rc == BH_SKIP {
      binding.pointee.owner._withUnsafeGuaranteedRef { _ = $0.skipped.wrappingAdd(1, ordering: .relaxed) }
    } else {
      binding.pointee.handled.store(
        binding.pointee.handled.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    }
  }
}
