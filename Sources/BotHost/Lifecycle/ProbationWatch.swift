/// Looks at the builds on probation as long as there are any.
final class ProbationWatch: @unchecked Sendable {
  private let monitor = Monitor()
  private var isWatching = false
  private var isStopping = false
  private var thread: HostThread?
  private let clock: any HostClock
  /// Looks at all of them; false when none is left.
  private let look: @Sendable () -> Bool

  /// Nanoseconds between two looks: a build that fails at everything is gone after this and the time that a swap takes.
  private static let interval: Int64 = 50_000_000

  /// `look` is called on the watch's own thread.
  init(clock: any HostClock, look: @escaping @Sendable () -> Bool) {
    self.clock = clock
    self.look = look
  }

  func start() {
    thread = HostThread(name: "probation") { [self] in run() }
  }

  /// There is one more to look at.
  func begin() {
    monitor.withLock {
      isWatching = true
      monitor.broadcast()
    }
  }

  func stop() {
    monitor.withLock {
      isStopping = true
      monitor.broadcast()
    }
    thread?.join()
    thread = nil
  }

  private func run() {
    while true {
      let goesOn = monitor.withLock {
        while !isWatching, !isStopping { monitor.wait() }
        let next = clock.monotonic + Self.interval
        while !isStopping, monitor.wait(until: next) {}
        isWatching = false
        return !isStopping
      }
      guard goesOn else { return }
      if look() { begin() }
    }
  }
}
