import CBotHost

/// What the host owes a plugin: each callback that it was handed is called exactly once, before the plugin's `destroy`.
extension Endpoint {
  /// Nil: the generation has been told everything that it will ever be told (BH_E_STALE).
  func promise(_ callback: Promise.Callback, context: UnsafeMutableRawPointer?, generation: UInt32) -> PromiseTicket? {
    lane.pointee.outgoing.wrappingAdd(1, ordering: .relaxed)
    let ticket = promises.make(Promise(callback: callback, context: context, generation: generation))
    if ticket == nil { lane.pointee.outgoing.wrappingSubtract(1, ordering: .relaxed) }
    return ticket
  }

  /// `bh_host_api.on_end`.
  public func onEnd(
    _ token: bh_token, _ ended: @escaping bh_ended, context: UnsafeMutableRawPointer?, generation: UInt32
  ) -> bh_rc {
    guard let slot = openSlot(token, generation) else { return bh_rc(BH_E_STALE) }
    guard lane.pointee.outgoing.load(ordering: .relaxed) < Self.maximumCalls else { return bh_rc(BH_E_BUSY) }
    guard let ticket = promise(.ended(ended), context: context, generation: generation) else {
      return bh_rc(BH_E_STALE)
    }
    var rc = bh_rc(BH_OK)
    let isOpen = slot.whileOpen(token) {
      if slot.pointee.watchers.count < Self.maximumWatchers {
        slot.pointee.watchers.append(ticket)
      } else {
        rc = bh_rc(BH_E_BUSY)
      }
    }
    if !isOpen { rc = bh_rc(BH_E_STALE) }
    return rc == BH_OK ? rc : withdraw(ticket, after: rc)
  }

  /// Of one token.
  private static let maximumWatchers = 16

  /// Takes a promise out, to keep it on the lane. Nil: it has been kept.
  @inline(__always)
  func takePromise(_ ticket: PromiseTicket) -> Promise? {
    let promise = promises.take(ticket)
    if promise != nil { lane.pointee.outgoing.wrappingSubtract(1, ordering: .releasing) }
    return promise
  }

  /// What a function answers that promised something and then failed. When the generation has ended meanwhile, its callback has been told
  /// so, and must not be the caller's again.
  func withdraw(_ ticket: PromiseTicket, after failure: bh_rc) -> bh_rc {
    takePromise(ticket) == nil ? bh_rc(BH_OK) : failure
  }

  /// Keeps what a generation was promised, with BH_E_STALE, and promises it nothing more: the last thing before its `destroy`. Its threads
  /// have ended, and no event reaches it any more.
  ///
  /// False when the lane was not free in time: a function of the plugin has not returned. What is left is told when it does, and the plugin
  /// must not be destroyed.
  ///
  /// - Parameter timeout: nanoseconds.
  func endPromises(generation: UInt32, timeout: Int64) -> Bool {
    if promises.areDone(with: generation) { return true }
    if onLane(timeout: timeout, { [self] in keepPromises(of: generation) }) != nil { return true }
    _ = postToLane { [self] in keepPromises(of: generation) }
    return false
  }

  /// On the lane; nil: of all generations.
  func keepPromises(of generation: UInt32?) {
    for promise in promises.close(generation) {
      lane.pointee.outgoing.wrappingSubtract(1, ordering: .releasing)
      promise.keep(bh_rc(BH_E_STALE), "this generation ends before it is known")
    }
  }
}
