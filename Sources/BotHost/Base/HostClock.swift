import Glibc

/// The time, so that tests can turn it.
///
/// Both readings are nanoseconds and may be taken on any thread.
public protocol HostClock: Sendable {
  /// CLOCK_MONOTONIC; what deadlines and delays are in.
  var monotonic: Int64 { get }
  /// Nanoseconds since 1970-01-01 UTC.
  var unix: Int64 { get }
}

/// The machine's own clock.
public struct SystemClock: HostClock {
  public init() {}

  /// CLOCK_MONOTONIC, nanoseconds: does not jump, stands still while the machine sleeps.
  public var monotonic: Int64 { Self.read(CLOCK_MONOTONIC) }
  /// CLOCK_REALTIME, nanoseconds since 1970-01-01 UTC: may jump when the machine's clock is set.
  public var unix: Int64 { Self.read(CLOCK_REALTIME) }

  private static func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }
}
