import Glibc

/// The thread that looks after time: it sleeps until the next deadline, retry or timer, and once a second looks at
/// the lanes.
final class BusTimerThread: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>
  private var thread: pthread_t?
  private var isStopping = false
  private var isWoken = false
  private var body: (() -> Int64)?

  init() {
    mutex = .allocate(capacity: 1)
    condition = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  func start(_ bus: Bus) {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    guard thread == nil, !isStopping else { return }
    // Not a weak reference, which would make every counting of the bus slow. The bus stops the thread before it goes.
    let reference = Unmanaged.passUnretained(bus)
    body = {
      reference._withUnsafeGuaranteedRef { bus in
        bus.runTimers()
        let now = bus.clock.monotonic
        bus.watchIfDue(now)
        return bus.nextLook(now)
      }
    }
    thread = LaneThread.start(name: "bus-timers", stackBytes: 256 << 10) { [self] in run() }
  }

  private func run() {
    pthread_mutex_lock(mutex)
    while !isStopping {
      isWoken = false
      pthread_mutex_unlock(mutex)
      let next = body?()
      pthread_mutex_lock(mutex)
      guard let next else { break }
      var time = timespec(tv_sec: Int(next / 1_000_000_000), tv_nsec: Int(next % 1_000_000_000))
      while !isStopping, !isWoken {
        if pthread_cond_timedwait(condition, mutex, &time) == ETIMEDOUT { break }
      }
    }
    pthread_mutex_unlock(mutex)
  }

  /// Something is due earlier than was known.
  func wake() {
    pthread_mutex_lock(mutex)
    isWoken = true
    pthread_cond_signal(condition)
    pthread_mutex_unlock(mutex)
  }

  /// Ends the thread and waits for it.
  func stop() {
    pthread_mutex_lock(mutex)
    isStopping = true
    let running = thread
    thread = nil
    pthread_cond_signal(condition)
    pthread_mutex_unlock(mutex)
    if let running {
      if pthread_equal(running, pthread_self()) != 0 { pthread_detach(running) } else { pthread_join(running, nil) }
    }
  }
}

/// Plain threads with a stack of known size.
enum LaneThread {
  private final class Start {
    let name: String
    let body: () -> Void

    init(name: String, body: @escaping () -> Void) {
      self.name = name
      self.body = body
    }
  }

  /// Nil when the system has no thread left.
  static func start(name: String, stackBytes: Int = 1 << 20, _ body: @escaping () -> Void) -> pthread_t? {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, stackBytes)
    let start = Unmanaged.passRetained(Start(name: name, body: body))
    var thread = pthread_t()
    let failure = pthread_create(
      &thread, &attributes,
      { context in
        guard let context else { return nil }
        let start = Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
        LaneThread.name(start.name)
        start.body()
        return nil
      }, start.toOpaque())
    if failure != 0 {
      start.release()
      return nil
    }
    return thread
  }

  /// As `top -H` and debuggers show it; the first 15 bytes.
  private static func name(_ name: String) {
    let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    var name = String(decoding: name.utf8.prefix(15), as: UTF8.self)
    name.withUTF8 { _ = write(file, $0.baseAddress, $0.count) }
    close(file)
  }
}
