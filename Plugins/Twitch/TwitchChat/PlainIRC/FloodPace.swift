/// How fast lines may go out: some at once, and then one for each interval that passes.
///
/// IRC servers count so (RFC 1459, section 8.10): whoever is too far ahead of the clock is slowed down, or put out.
struct FloodPace: Hashable, Sendable, Codable {
  /// When the allowance is whole again: each line moves it by an interval.
  private var wholeAt: Int64 = 0

  /// The earliest time, at or after `now`, at which one more line keeps within `burst` at once and one an `interval`.
  func earliest(burst: Int, interval: Int64, now: Int64) -> Int64 {
    max(now, wholeAt - Int64(max(1, burst) - 1) * interval)
  }

  /// Notes a line.
  mutating func record(at now: Int64, interval: Int64) { wholeAt = max(wholeAt, now) + interval }
}
