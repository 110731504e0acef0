/// The pauses between attempts to connect: from a minimum they double up to a maximum, spread by chance so that many clients of a server
/// that came back do not arrive together. A connection that held for a while starts over.
struct Backoff: Sendable {
  /// Nanoseconds.
  let minimum: Int64
  let maximum: Int64
  /// A connection that was open for so long counts as a success, in nanoseconds.
  let stableAfter: Int64
  private(set) var failures = 0

  init(minimum: Int64, maximum: Int64, stableAfter: Int64 = 60_000_000_000) {
    self.minimum = max(1, minimum)
    self.maximum = max(self.minimum, maximum)
    self.stableAfter = stableAfter
  }

  /// The pause before the next attempt. `chance` in 0..<1 takes up to half of it away.
  mutating func next(chance: Double) -> Int64 {
    var pause = minimum
    for _ in 0..<min(failures, 62) {
      pause = pause > maximum / 2 ? maximum : pause * 2
      if pause == maximum { break }
    }
    failures += 1
    return pause - Int64(Double(pause / 2) * min(max(chance, 0), 1))
  }

  /// Notes how long a connection was open.
  mutating func closed(afterOpenFor duration: Int64) {
    if duration >= stableAfter { failures = 0 }
  }
}
