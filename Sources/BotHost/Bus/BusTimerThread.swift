/// The thread that looks after time: it sleeps until the next deadline, retry or timer, and once a second looks at
/// the lanes.
final class BusTimerThread: @unchecked Sendable {
  private let monitor = Monitor()
  private var thread: HostThread?
  private var isStopping = false
  private var isWoken = false

  func start(_ bus: Bus) {
    monitor.withLock {
      guard thread == nil, !isStopping else { return }
      // Not a weak reference, which would make every counting of the bus slow. The bus stops the thread before it goes.
      let reference = BusReference(bus: Unmanaged.passUnretained(bus))
      thread = HostThread(name: "bus-timers", stackBytes: 256 << 10) { [self] in
        run {
          reference.bus._withUnsafeGuaranteedRef { bus in
            bus.runTimers()
            let now = bus.clock.monotonic
            bus.watchIfDue(now)
            return bus.nextLook(now)
          }
        }
      }
    }
  }

  private struct BusReference: @unchecked Sendable {
    let bus: Unmanaged<Bus>
  }

  /// Calls `look` again and again, each time until the moment that it has named, or `wake`.
  private func run(_ look: () -> Int64) {
    monitor.lock()
    while !isStopping {
      isWoken = false
      monitor.unlock()
      let next = look()
      monitor.lock()
      while !isStopping, !isWoken, monitor.wait(until: next) {}
    }
    monitor.unlock()
  }

  /// Something is due earlier than was known.
  func wake() {
    monitor.withLock {
      isWoken = true
      monitor.signal()
    }
  }

  /// Ends the thread and waits for it, unless it is the caller's own.
  func stop() {
    let running = monitor.withLock { () -> HostThread? in
      isStopping = true
      defer { thread = nil }
      monitor.signal()
      return thread
    }
    if let running, !running.isCurrent { running.join() }
  }
}
