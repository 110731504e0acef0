import Glibc

/// A lock with a condition to wait on: for the places where threads wait for each other. `Mutex` is for the rest.
public final class Monitor: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>

  public init() {
    mutex = .allocate(capacity: 1)
    condition = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    // Deadlines must not jump with the wall clock.
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

  /// Waits for the lock and takes it; not by whoever has it.
  public func lock() { pthread_mutex_lock(mutex) }
  /// Takes the lock if nobody has it.
  public func tryLock() -> Bool { pthread_mutex_trylock(mutex) == 0 }
  /// By whoever has it.
  public func unlock() { pthread_mutex_unlock(mutex) }

  /// Runs `body` with the lock held.
  @inline(__always)
  public func withLock<Result: ~Copyable, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    lock()
    defer { unlock() }
    return try body()
  }

  /// With the lock held: gives it up, waits for a signal, takes it again. May return without one.
  public func wait() { pthread_cond_wait(condition, mutex) }

  /// The same until at most that CLOCK_MONOTONIC time in nanoseconds; false when it has passed.
  public func wait(until deadline: Int64) -> Bool {
    var time = timespec(tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
    return pthread_cond_timedwait(condition, mutex, &time) != ETIMEDOUT
  }

  /// Wakes one of those who wait.
  public func signal() { pthread_cond_signal(condition) }
  /// Wakes all who wait.
  public func broadcast() { pthread_cond_broadcast(condition) }
}
