import CBotHost

/// Tells a thread when to return. Cheap: poll it.
public struct StopSignal: Sendable {
  let host: Host
  let thread: bh_token

  /// Whether the thread should return now.
  public var isRequested: Bool {
    guard let threads = try? host.require(host.threadTable, BH_THREAD) else { return true }
    return threads.pointee.should_stop(host.pointer, thread) != 0
  }
}

/// A thread of the plugin's own that the host counts. From ``Host/thread(_:_:)``. The host asks it to stop at
/// `quiesce` and joins it before the plugin is destroyed.
public struct HostThread: Sendable {
  let host: Host
  let token: bh_token

  /// Asks the thread to stop and waits for it; not from the thread itself.
  public func join() throws(PluginError) {
    let threads = try host.require(host.threadTable, BH_THREAD)
    try PluginError.check(threads.pointee.join(host.pointer, token), "join a thread")
  }
}

/// The plugin, as other threads may carry it: they cannot look inside, only hand it back to the lane. From
/// ``Host/confine(_:)``.
public struct LaneConfined<Object: AnyObject>: @unchecked Sendable {
  // Unchecked: the reference is only followed on the lane, in `Host.onLane`. Weak references may be copied on any
  // thread.
  fileprivate weak var object: Object?
}

extension Host {
  /// Runs `body` on a thread of its own, for libraries that block. At most 64 an instance. A body that returns has done its work, and
  /// the instance runs on without it. An error that leaves `body` is logged and, unless the thread has been asked to stop,
  /// fails the instance: it is stopped, and started again as `restart:` in its manifest says. So a thread without which the plugin is of
  /// no use throws when it cannot go on; `bothost ps --json` lists the threads that run.
  @discardableResult
  public func thread(_ name: String, _ body: @escaping @Sendable (StopSignal) throws -> Void) throws(PluginError)
    -> HostThread
  {
    let threads = try require(threadTable, BH_THREAD)
    let start = ThreadStart(host: self, name: name, body: body)
    let context = Unmanaged.passRetained(start)
    var token: bh_token = 0
    let rc = name.withABIText {
      threads.pointee.spawn(pointer, $0, ThreadStart.main, context.toOpaque(), &token)
    }
    if rc < 0 { context.release() }
    try PluginError.check(rc, "start thread \(name)")
    start.begin(token)
    return HostThread(host: self, token: token)
  }

  /// Makes the plugin portable to other threads, which can only hand it back: see ``onLane(_:_:)``. Call it on the
  /// lane.
  public func confine<Object: AnyObject>(_ object: Object) -> LaneConfined<Object> { LaneConfined(object: object) }

  /// Runs `task` once on the instance's lane, between two events, with the object that was confined to it; nothing
  /// runs when that is gone. This is how a thread hands its result over. Throws `cancelled` after `quiesce`.
  /// ```swift
  /// let me = host.confine(self)
  /// try host.thread("reader") { stop in
  ///   let line = read()
  ///   try host.onLane(me) { plugin in plugin.take(line) }
  /// }
  /// ```
  public func onLane<Object: AnyObject>(
    _ confined: LaneConfined<Object>, _ task: @escaping @Sendable (Object) -> Void
  ) throws(PluginError) {
    let threads = try require(threadTable, BH_THREAD)
    let context = Unmanaged.passRetained(
      LaneTask {
        if let object = confined.object { task(object) }
      })
    let rc = threads.pointee.on_lane(pointer, LaneTask.run, context.toOpaque())
    if rc < 0 { context.release() }
    try PluginError.check(rc, "run on the lane")
  }
}

private final class LaneTask {
  let task: () -> Void
  init(_ task: @escaping () -> Void) { self.task = task }

  static let run: @convention(c) (UnsafeMutableRawPointer?) -> Void = { context in
    if let context { Unmanaged<LaneTask>.fromOpaque(context).takeRetainedValue().task() }
  }
}
