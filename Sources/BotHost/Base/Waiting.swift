import Glibc

/// Looks again and again, half a millisecond apart, until something is so or the time is up: for ends that nobody announces, away from
/// every hot path. Looks at least once.
///
/// - Parameter deadline: CLOCK_MONOTONIC of the clock, nanoseconds.
/// - Returns: whether it is so.
func waitUntil(_ deadline: Int64, _ clock: any HostClock, _ isSo: () -> Bool) -> Bool {
  while !isSo() {
    guard clock.monotonic < deadline else { return false }
    usleep(500)
  }
  return true
}
