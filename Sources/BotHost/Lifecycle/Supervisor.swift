/// Starts failed instances again when their backoff has passed.
final class Supervisor: @unchecked Sendable {
  private let monitor = Monitor()
  private var due: [(time: Int64, name: String)] = []
  private var isStopping = false
  private var thread: HostThread?
  private let restart: @Sendable (String) -> Void
  private let clock: any HostClock

  /// `restart` is called on the supervisor's own thread.
  init(clock: any HostClock, restart: @escaping @Sendable (String) -> Void) {
    self.clock = clock
    self.restart = restart
  }

  func start() {
    thread = HostThread(name: "supervisor") { [self] in run() }
  }

  /// Has an instance started again at a time (CLOCK_MONOTONIC, nanoseconds).
  func schedule(_ name: String, at time: Int64) {
    monitor.withLock {
      due.removeAll { $0.name == name }
      due.append((time, name))
      due.sort { $0.time < $1.time }
      monitor.broadcast()
    }
  }

  /// Forgets a planned start.
  func forget(_ name: String) {
    monitor.withLock { due.removeAll { $0.name == name } }
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
      let name = monitor.withLock { () -> String? in
        while !isStopping {
          guard let first = due.first else {
            monitor.wait()
            continue
          }
          if first.time <= clock.monotonic { return due.removeFirst().name }
          _ = monitor.wait(until: first.time)
        }
        return nil
      }
      guard let name else { return }
      restart(name)
    }
  }
}
