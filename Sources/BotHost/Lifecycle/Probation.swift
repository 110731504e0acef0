/// A build that has taken over and is still watched: when it fails at too many of its events, the build before comes back.
struct Probation: Sendable {
  let policy: SwapPolicy.Probation
  /// The generation that is watched.
  let generation: UInt32
  /// What served before.
  let previous: HostPlan.Instance
  /// The text of its manifest, and its library: the files that they were read from may be the new build's by now.
  let manifestText: [UInt8]
  let library: KeptLibrary
  /// CLOCK_MONOTONIC, nanoseconds; later than it was by the time that does not count: see `look`.
  var began: Int64
  /// When it was looked at last.
  private var looked: Int64
  /// What the handlers had done by then.
  let before: HandlerTotals
  /// Whether the build before was well.
  let wasHealthy: Bool
  /// For those who wait for its end.
  let end = ProbationEnd()

  fileprivate init(
    policy: SwapPolicy.Probation, generation: UInt32, previous: HostPlan.Instance, manifestText: [UInt8],
    library: KeptLibrary, began: Int64, before: HandlerTotals, wasHealthy: Bool
  ) {
    self.policy = policy
    self.generation = generation
    self.previous = previous
    self.manifestText = manifestText
    self.library = library
    self.began = began
    looked = began
    self.before = before
    self.wasHealthy = wasHealthy
  }

  /// What may lie between two looks and still counts as watched, nanoseconds.
  static let longestGap: Int64 = 1_000_000_000

  /// Takes note of a look. While the host was stopped (SIGSTOP, a frozen container), the build has proved nothing: that time does not count.
  mutating func look(at time: Int64) {
    if time - looked > Self.longestGap { began += time - looked }
    looked = time
  }

  /// A probation that begins when a swap has succeeded.
  struct Prospect: Sendable {
    let policy: SwapPolicy.Probation
    let previous: HostPlan.Instance
    let manifestText: [UInt8]
    let library: KeptLibrary
    let wasHealthy: Bool

    func probation(of generation: UInt32, from totals: HandlerTotals, at clock: any HostClock) -> Probation {
      Probation(
        policy: policy, generation: generation, previous: previous, manifestText: manifestText, library: library,
        began: clock.monotonic, before: totals, wasHealthy: wasHealthy)
    }
  }

  /// What the watched build has done with its events.
  struct Course: Sendable, Equatable {
    /// Attempts, those that failed among them.
    var attempts: UInt64
    var failures: UInt64
  }

  enum Verdict: Sendable, Equatable {
    case undecided
    case passed
    /// Why, in words.
    case failed(String)
  }

  func course(_ now: HandlerTotals) -> Course {
    let failures = now.failed &- before.failed
    return Course(attempts: now.handled &- before.handled &+ failures, failures: failures)
  }

  /// - Parameters:
  ///   - time: CLOCK_MONOTONIC, nanoseconds.
  ///   - isHealthy: asked when nothing else speaks against the build any more; nil when it cannot be asked just now.
  func verdict(_ totals: HandlerTotals, at time: Int64, isHealthy: () -> Bool?) -> Verdict {
    let course = course(totals)
    // Some builds have failures as a matter of course: what people send them is refused.
    let tolerated = min(1, policy.maxErrorRate + before.errorRate)
    let isOver = course.attempts >= UInt64(policy.events) || time - began >= policy.time.nanoseconds
    // Before the end, those count that no later success can make good.
    let base = isOver ? course.attempts : max(course.attempts, UInt64(policy.events))
    if Double(course.failures) > tolerated * Double(base) {
      return .failed("\(course.failures) of \(course.attempts) attempts to handle an event failed")
    }
    guard isOver else { return .undecided }
    guard wasHealthy else { return .passed }
    return switch isHealthy() {
    case true?: .passed
    case false?: .failed("it says that it is not well, and the build before was")
    case nil:
      time - began < policy.time.nanoseconds + Self.patience
        ? .undecided : .failed("it has been too busy for a minute to say whether it is well")
    }
  }

  /// How long past its time a build may be too busy to answer, nanoseconds: what is stuck for good must not be watched for good.
  private static let patience: Int64 = 60_000_000_000
}
