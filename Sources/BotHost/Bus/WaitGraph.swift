import Synchronization

/// Which lane waits for room in which, so that a circle is refused instead of waited for.
enum WaitGraph {
  private static let lock = Mutex(())

  /// Notes that the lanes this thread is inside wait for `target`. False: one of them is what `target` waits for
  /// already.
  static func enter(_ thread: UnsafeMutablePointer<ThreadContext>, _ target: LanePointer) -> Bool {
    let count = thread.pointee.laneCount
    guard count > 0 else { return true }
    return lock.withLock { _ in
      var next: LanePointer? = target
      while let lane = next {
        for index in 0..<count where thread.pointee.lanes[index] == lane { return false }
        next = lane.pointee.waitsFor
      }
      for index in 0..<count { thread.pointee.lanes[index].pointee.waitsFor = target }
      return true
    }
  }

  static func leave(_ thread: UnsafeMutablePointer<ThreadContext>) {
    let count = thread.pointee.laneCount
    guard count > 0 else { return }
    lock.withLock { _ in
      for index in 0..<count { thread.pointee.lanes[index].pointee.waitsFor = nil }
    }
  }
}
