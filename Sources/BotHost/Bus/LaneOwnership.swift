import CJSON
import Glibc
import Synchronization

/// Who may deliver from an inline lane: one thread at a time.
///
/// A thread that finds the lane free takes it by an atomic exchange, which is a quarter of what a delivery costs. So a thread
/// that publishes to the lane again and again, with no other one in between, is leased it: it then goes in and out by plain
/// stores and loads, and everybody else finds the lane taken. Only the lane's own thread ends a lease, when something was queued or
/// the gate is to be shut: it makes all threads pass a memory barrier, after which either it sees the leaseholder inside, or the
/// leaseholder sees that the lease is over.
enum LaneOwnership {
  static let free: UInt32 = 0
  static let taken: UInt32 = 1
  static let leased: UInt32 = 2
  /// The lease has ended; its holder may still be inside.
  static let ended: UInt32 = 3

  /// A lane that is taken back from its publisher so often is leased no more.
  fileprivate static let longestStreak = 1 << 30
}

extension UnsafeMutablePointer<LaneState> {
  // MARK: Publishers

  /// Takes the lane for this thread, if it is idle, and notes that the thread is inside. False: it is not idle, or deliveries
  /// are nested too deeply.
  @inline(__always)
  func enterInline(_ thread: UnsafeMutablePointer<ThreadContext>) -> Bool {
    // What its own handler publishes to it is queued.
    if pointee.leaseholder.load(ordering: .relaxed) == thread, !thread.pointee.isInside(self) {
      guard thread.pointee.enter(self) else { return false }
      // Between the note and the look at the lease; the other half is in `endLease`.
      machine_compiler_barrier()
      if pointee.ownership.load(ordering: .acquiring) == LaneOwnership.leased,
        pointee.leaseholder.load(ordering: .relaxed) == thread, pointee.pending.load(ordering: .acquiring) == 0
      {
        return true
      }
      thread.pointee.leaveLane()
    }
    return take(thread)
  }

  private func take(_ thread: UnsafeMutablePointer<ThreadContext>) -> Bool {
    guard pointee.pending.load(ordering: .relaxed) == 0, thread.pointee.laneCount < ThreadContext.maximumNesting,
      pointee.ownership.compareExchange(
        expected: LaneOwnership.free, desired: LaneOwnership.taken, ordering: .acquiring
      ).exchanged
    else { return false }
    guard pointee.pending.load(ordering: .acquiring) == 0 else {
      pointee.ownership.store(LaneOwnership.free, ordering: .releasing)
      return false
    }
    if pointee.publisher == thread {
      pointee.publisherStreak &+= 1
    } else {
      pointee.publisher = thread
      pointee.publisherStreak = 0
    }
    return thread.pointee.enter(self)
  }

  /// Gives the lane back; to its thread, when a settlement has set something free.
  @inline(__always)
  func leaveInline(_ thread: UnsafeMutablePointer<ThreadContext>) {
    if pointee.readyHead == pointee.ready.count { leave(thread) } else { handOver(thread) }
  }

  @inline(never)
  private func handOver(_ thread: UnsafeMutablePointer<ThreadContext>) {
    lock()
    pointee.pending.store(1, ordering: .releasing)
    leave(thread)
    unlockAndWake()
  }

  @inline(__always)
  private func leave(_ thread: UnsafeMutablePointer<ThreadContext>) {
    // A lease goes on, or has ended meanwhile: the lane's thread then waits for this store.
    let isTaken = pointee.ownership.load(ordering: .relaxed) == LaneOwnership.taken
    thread.pointee.leaveLane()
    if isTaken { giveBack(thread) }
  }

  private func giveBack(_ thread: UnsafeMutablePointer<ThreadContext>) {
    guard pointee.publisherStreak >= pointee.streakForLease, Reclamation.hasBarrier else {
      pointee.ownership.store(LaneOwnership.free, ordering: .releasing)
      return
    }
    pointee.publisherStreak = 0
    pointee.leaseholder.store(thread, ordering: .relaxed)
    pointee.ownership.store(LaneOwnership.leased, ordering: .releasing)
  }

  // MARK: The lane's thread

  /// With the lock held: takes the lane from the publishers' threads. False, with the lock held again, when one of them was
  /// inside a handler; it does not know that somebody waits, because leaving has to be cheap.
  func own() -> Bool {
    if pointee.ownerIsThread { return true }
    pointee.pending.store(1, ordering: .releasing)
    if pointee.ownership.load(ordering: .acquiring) == LaneOwnership.leased { endLease() }
    if pointee.ownership.load(ordering: .acquiring) == LaneOwnership.ended, !isLeaseholderInside {
      pointee.leaseholder.store(nil, ordering: .relaxed)
      pointee.ownership.store(LaneOwnership.taken, ordering: .relaxed)
      pointee.ownerIsThread = true
      return true
    }
    if pointee.ownership.compareExchange(
      expected: LaneOwnership.free, desired: LaneOwnership.taken, ordering: .acquiringAndReleasing
    ).exchanged {
      pointee.ownerIsThread = true
      return true
    }
    unlock()
    for _ in 0..<256 where isBusy { machine_pause() }
    if isBusy { usleep(20) }
    lock()
    return false
  }

  private var isBusy: Bool {
    switch pointee.ownership.load(ordering: .relaxed) {
    case LaneOwnership.free, LaneOwnership.leased: false
    case LaneOwnership.ended: isLeaseholderInside
    default: true
    }
  }

  /// Nobody but this thread ends a lease, and nobody but its holder makes one, which it cannot without the lane.
  private func endLease() {
    pointee.ownership.store(LaneOwnership.ended, ordering: .sequentiallyConsistent)
    _ = machine_barrier()
    pointee.streakForLease = min(pointee.streakForLease * 2, LaneOwnership.longestStreak)
  }

  /// After the barrier: whether the holder of the lease that has ended is in the lane, or on its way out of it.
  private var isLeaseholderInside: Bool {
    guard let holder = pointee.leaseholder.load(ordering: .relaxed) else { return false }
    return Reclamation.isInside(self, holder)
  }
}
