import Synchronization

/// Which lane waits for room in which, so that a circle is refused instead of waited for.
enum WaitGraph {
  private static let lock = Mutex(())

  /// Notes that the lanes this thread is inside wait for `target`. False: one of them is what `target` waits for
  /// already.
  static func enter(_ thread: UnsafeMutablePointer<ThreadContext>, _ target: LanePointer) -> Bool {
    guard thread.pointee.laneCount > 0 else { return true }
    return lock.withLock { _ in
      var next: LanePointer? = target
      while let lane = next {
        if thread.pointee.isInside(lane) { return false }
        next = lane.pointee.waitsFor
      }
      thread.pointee.forEachLane { $0.pointee.waitsFor = target }
      return true
    }
  }

  static func leave(_ thread: UnsafeMutablePointer<ThreadContext>) {
    guard thread.pointee.laneCount > 0 else { return }
    lock.withLock { _ in thread.pointee.forEachLane { $0.pointee.waitsFor = nil } }
  }
}
