import Glibc

/// A mutex with a condition: short critical sections, and waiting until something has come to pass.
public final class Lock: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>

  public init() {
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

  @inline(__always)
  public func lock() { pthread_mutex_lock(mutex) }

  @inline(__always)
  public func unlock() { pthread_mutex_unlock(mutex) }

  /// Wakes all that wait. The lock is held.
  public func signal() { pthread_cond_broadcast(condition) }

  /// Waits for a signal until a reading of CLOCK_MONOTONIC, in nanoseconds. The lock is held. Answers `false` when the time is over.
  public func wait(until deadline: Int64) -> Bool {
    var time = timespec(tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
    return pthread_cond_timedwait(condition, mutex, &time) != ETIMEDOUT
  }

  /// Sleeps for a while, or until a signal.
  func sleep(milliseconds: Int32) -> Bool {
    lock()
    defer { unlock() }
    return wait(until: Self.now() + Int64(milliseconds) * 1_000_000)
  }

  /// CLOCK_MONOTONIC now, in nanoseconds.
  public static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
