import Glibc

/// The bounds of an endpoint's lane, which can change while it delivers.
extension Endpoint {
  /// How the lane is bounded now, and who runs it.
  public var laneOptions: LaneOptions {
    lane.lock()
    defer { lane.unlock() }
    return LaneOptions(
      capacity: lane.pointee.capacity, capacityBytes: lane.pointee.capacityBytes, full: lane.pointee.full,
      inline: lane.pointee.isInline, spin: lane.pointee.spin)
  }

  /// Gives the lane another capacity and policy, between two events; `timeout` in nanoseconds. What is queued stays where it is, also when
  /// it is more than there is room for now. Who runs the lane (`inline`, `spin`) stays as it is.
  ///
  /// - Returns: false when a handler did not return in time; then nothing has changed.
  public func setBounds(_ options: LaneOptions, timeout: Int64) -> Bool {
    let address = LaneAddress(lane)
    // On the lane and under its lock: publishers read the policy with the lock, the executor without.
    let isDone = onLane(timeout: timeout) {
      let lane = address.pointer
      lane.lock()
      lane.pointee.capacity = options.capacity
      lane.pointee.capacityBytes = options.capacityBytes
      lane.pointee.full = options.full
      lane.unlock()
      return true
    }
    guard isDone == true else { return false }
    // There may be room for those who wait.
    lane.offerRoom(always: true)
    return true
  }
}
