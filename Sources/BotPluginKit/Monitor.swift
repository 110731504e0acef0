import Glibc

/// A lock with a condition to wait on, for plugins whose threads wait for each other: short critical sections, and waiting until
/// something has come to pass. Never held over a call of the host's.
public final class Monitor: @unchecked Sendable {
  @usableFromInline let mutex: UnsafeMutablePointer<pthread_mutex_t>
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
  @inlinable
  public func lock() { pthread_mutex_lock(mutex) }

  /// By whoever has it.
  @inlinable
  public func unlock() { pthread_mutex_unlock(mutex) }

  /// Runs `body` with the lock held.
  @inlinable
  public func withLock<Result: ~Copyable, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    lock()
    defer { unlock() }
    return try body()
  }

  /// Wakes all that wait. The lock is held.
  public func broadcast() { pthread_cond_broadcast(condition) }

  /// With the lock held: gives it up, waits for a `broadcast` until a reading of CLOCK_MONOTONIC, in nanoseconds, and takes it again.
  /// May return early. Answers `false` when the time is over.
  public func wait(until deadline: Int64) -> Bool {
    var time = timespec(tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
    return pthread_cond_timedwait(condition, mutex, &time) != ETIMEDOUT
  }

  /// Waits for a while, or until a `broadcast`. The lock is not held. Answers `false` when the time is over.
  public func pause(milliseconds: Int32) -> Bool {
    withLock { wait(until: Self.now + Int64(milliseconds) * 1_000_000) }
  }

  /// CLOCK_MONOTONIC now, in nanoseconds: what deadlines are told in.
  public static var now: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
