/// When a failed instance is started again, after Erlang's supervisors: a backoff between attempts, and a limit of attempts in a
/// window of time, above which the instance stays down until an operator says otherwise.
struct RestartSchedule {
  private(set) var minimum: Int64
  private(set) var maximum: Int64
  private(set) var limit: Int
  private(set) var window: Int64

  private var attempts: [Int64] = []
  private var next: Int64

  /// All durations in nanoseconds.
  init(minimum: Int64, maximum: Int64, limit: Int, window: Int64) {
    self.minimum = max(1, minimum)
    self.maximum = max(self.minimum, maximum)
    self.limit = limit
    self.window = window
    next = self.minimum
  }

  init(_ policy: RestartPolicy) {
    self.init(
      minimum: policy.backoff.lower.nanoseconds, maximum: policy.backoff.upper.nanoseconds, limit: policy.limit.count,
      window: policy.limit.period.nanoseconds)
  }

  /// Goes on by another policy, under which the attempts of before count, too.
  mutating func follow(_ policy: RestartPolicy) {
    let attempts = attempts
    self = RestartSchedule(policy)
    self.attempts = attempts
  }

  /// The wait before the next attempt after a failure at `now`; nil when the limit is reached. A quiet window resets the backoff.
  mutating func delayAfterFailure(at now: Int64) -> Int64? {
    attempts.removeAll { $0 <= now - window }
    if attempts.isEmpty { next = minimum }
    guard attempts.count < limit else { return nil }
    attempts.append(now)
    defer { next = min(maximum, next.multipliedReportingOverflow(by: 2).overflow ? maximum : next * 2) }
    return next
  }
}
