/// How a probation ended, for whoever waits for it. Any thread.
public final class ProbationEnd: @unchecked Sendable {
  /// The ends that there are.
  public enum Outcome: Sendable, Equatable {
    /// The new build stays.
    case passed(attempts: UInt64, failures: UInt64)
    /// The build before serves again; why, in words.
    case rolledBack(String)
    /// The new build has failed, and the one before could not come back; why it has failed, in words.
    case failed(String)
    /// Nobody will know any more: the instance was swapped again, stopped, restarted or removed, or the host has ended.
    case cutShort
  }

  private let monitor = Monitor()
  private var outcome: Outcome?

  /// Says how it ended. The first word counts.
  func keep(_ outcome: Outcome) {
    monitor.withLock {
      guard self.outcome == nil else { return }
      self.outcome = outcome
      monitor.broadcast()
    }
  }

  /// Waits for the end; nil when there is none by the deadline (CLOCK_MONOTONIC, nanoseconds).
  public func wait(until deadline: Int64) -> Outcome? {
    monitor.withLock {
      while outcome == nil, monitor.wait(until: deadline) {}
      return outcome
    }
  }
}
