import CBotHost
import Synchronization

/// A delivery that outlives its handler, from ``Event/later()``: settle it once, from any thread, before its
/// deadline.
///
/// One that is dropped without having been settled goes back as failed, to be tried again, with a text that says
/// so: forgetting never loses an event, and never keeps the lane waiting for the deadline.
public final class Delivery: Sendable {
  /// For effects: `host.publish(topic, …, effectOf: delivery.token)`.
  public let token: DeliveryToken
  let host: Host
  private let settled = Atomic<Bool>(false)

  init(token: DeliveryToken, host: Host) {
    self.token = token
    self.host = host
  }

  deinit {
    if !settled.load(ordering: .relaxed) {
      try? settle(failed: .retry("the plugin dropped the delivery without settling it"))
    }
  }

  /// Done: the effects of the delivery are applied, all or none, then it is acknowledged. When one cannot be applied, the delivery is tried
  /// again; in the host's process this throws why, too, while in a worker process success means "accepted". Throws `stale` when it was
  /// settled before or its deadline has passed.
  public func ack() throws(PluginError) {
    try claim()
    let core = try host.core
    try PluginError.check(core.pointee.ack(host.pointer, token.rawValue), "ack")
  }

  /// Failed: its effects are dropped. ``PluginError/reject(_:)`` sends it to the dead letters, everything else is
  /// tried again. Throws `stale` when it was settled before or its deadline has passed.
  public func nack(_ why: any Error) throws(PluginError) {
    try settle(failed: PluginError(why, otherwise: .retry))
  }

  /// Calls `body` when the delivery ends without the plugin's doing, so that work for it can stop: with `timeout` when its
  /// deadline has passed, `cancelled` when it was taken back and will be delivered again, `stale` when this generation ends.
  /// Called at most once, on the lane, between two events; not when the plugin settles the delivery itself. Any thread may ask; a delivery
  /// takes 16 of these.
  ///
  /// - Throws: `stale` when it is over already; `unsupported` when the host is older than version 1.1 of the ABI.
  public func onEnd(_ body: @escaping @Sendable (PluginError) -> Void) throws(PluginError) {
    try host.onEnd(token, body)
  }

  /// Runs `work` as a task of Swift's own and settles the delivery by how it ends. The one place for `await` in a
  /// plugin: lanes know no Swift concurrency. The task is cancelled when the delivery ends without it (see ``onEnd(_:)``),
  /// and when the plugin is destroyed.
  public func task(_ work: @escaping @Sendable () async throws -> Void) {
    host.runTask(for: token) {
      do {
        try await work()
        try self.ack()
      } catch {
        try? self.nack(error)
      }
    }
  }

  private func settle(failed error: PluginError) throws(PluginError) {
    try claim()
    try host.nack(token, error)
  }

  private func claim() throws(PluginError) {
    if settled.exchange(true, ordering: .acquiringAndReleasing) {
      throw PluginError(.stale, "the delivery has been settled already")
    }
  }
}

extension Host {
  func nack(_ token: DeliveryToken, _ error: PluginError) throws(PluginError) {
    let core = try core
    let rc = error.message.withABIText {
      core.pointee.nack(pointer, token.rawValue, error.code.rawValue, error.retryAfter?.abiNanoseconds ?? 0, $0)
    }
    try PluginError.check(rc, "nack")
  }

  /// Runs `work` off the lane and keeps it on the list of what `end` cancels; the end of the delivery or call cancels it, too.
  func runTask(for token: DeliveryToken, _ work: @escaping @Sendable () async -> Void) {
    let id = nextTask.wrappingAdd(1, ordering: .relaxed).newValue
    // The list is locked while the task starts, so that its end finds its entry.
    tasks.withLock { running in
      running[id] = Task {
        await work()
        self.forgetTask(id)
      }
    }
    if !alive.load(ordering: .acquiring) { return end() }
    do {
      try onEnd(token) { [weak self] _ in self?.cancelTask(id) }
    } catch {
      // Over already; an older host does not tell, and its tasks find out when they settle.
      if error.code == .stale { cancelTask(id) }
    }
  }

  private func cancelTask(_ id: UInt64) { tasks.withLock { $0[id] }?.cancel() }

  private func forgetTask(_ id: UInt64) { tasks.withLock { $0[id] = nil } }
}

/// An event that was kept beyond its call. It may be read on any thread; the host takes it back when this object
/// goes.
public final class KeptEvent: @unchecked Sendable {
  // Unchecked: what `raw` points to is constant until it is released.
  private let raw: UnsafePointer<bh_event>
  private let host: Host

  init(_ event: UnsafePointer<bh_event>, host: Host) throws(PluginError) {
    let core = try host.core
    var kept: UnsafePointer<bh_event>?
    try PluginError.check(core.pointee.retain(host.pointer, event, &kept), "keep an event")
    guard let kept else { throw .internal("the host kept no event") }
    raw = kept
    self.host = host
  }

  deinit {
    if let core = try? host.core { core.pointee.release(host.pointer, raw) }
  }

  /// Reads the event. Its `later()` gives an object for the delivery, too, where the handler had taken it over.
  public func withEvent<Result>(_ body: (borrowing Event) throws -> Result) rethrows -> Result {
    try withExtendedLifetime(self) {
      try body(Event(raw: raw, host: host, deferred: nil))
    }
  }
}
