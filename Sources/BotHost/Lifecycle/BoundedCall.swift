/// Calls of a plugin's functions that belong to no lane, so that one which never returns keeps nobody waiting for ever.
enum BoundedCall {
  /// Runs `body` on a thread of its own and waits until it has returned, for `timeout` nanoseconds at most.
  ///
  /// - Parameter late: gets the result on that thread when it comes after all.
  /// - Returns: nil when it has not returned in time. The thread goes on then, and what `body` uses must stay.
  static func run<Result: Sendable>(
    _ threadName: String, timeout: Int64, _ body: @escaping @Sendable () -> Result,
    late: @escaping @Sendable (Result) -> Void = { _ in }
  ) -> Result? {
    let outcome = Outcome<Result>()
    let thread = HostThread(name: threadName) {
      let result = body()
      if !outcome.give(result) { late(result) }
    }
    // Without room for another thread the call is made all the same.
    guard let thread else { return body() }
    guard let result = outcome.wait(until: SystemClock().monotonic + timeout) else { return nil }
    thread.join()
    return result
  }

  private final class Outcome<Result: Sendable>: @unchecked Sendable {
    private let monitor = Monitor()
    private var result: Result?
    private var isGivenUp = false

    /// False when nobody waits any more.
    func give(_ result: Result) -> Bool {
      monitor.withLock {
        guard !isGivenUp else { return false }
        self.result = result
        monitor.signal()
        return true
      }
    }

    func wait(until deadline: Int64) -> Result? {
      monitor.withLock {
        while result == nil, monitor.wait(until: deadline) {}
        isGivenUp = result == nil
        return result
      }
    }
  }
}
