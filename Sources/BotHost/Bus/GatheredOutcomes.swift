/// How published events ended, gathered by the lane's thread that has handled them until its run is over, so that their publisher's
/// lane is locked and woken for many of them at once.
///
/// An outcome waits no longer than for the handler's call that follows, and not while the thread waits for room in a lane.
struct GatheredOutcomes {
  /// The publisher's; nil: there is nothing.
  private var lane: LanePointer?
  private var outcomes: [PublishOutcome] = []
  /// When the first of them came, in nanoseconds of the bus's clock.
  private var since: Int64 = 0

  private static let limit = 256
  /// Nanoseconds for which more are gathered.
  private static let patience: Int64 = 100_000

  var isEmpty: Bool {
    @inline(__always) get { lane == nil }
  }

  mutating func add(_ outcome: PublishOutcome, now: Int64) {
    if lane != outcome.notice.lane { flush() }
    if lane == nil {
      lane = outcome.notice.lane
      since = now
      outcomes.reserveCapacity(32)
    }
    outcomes.append(outcome)
    if outcomes.count >= Self.limit { flush() }
  }

  /// Before a handler is called: what has waited for long enough goes.
  mutating func flush(ifDue now: Int64) {
    if now &- since > Self.patience { flush() }
  }

  /// Not with a lane's lock held.
  mutating func flush() {
    guard let target = lane else { return }
    lane = nil
    var gathered: [PublishOutcome] = []
    swap(&gathered, &outcomes)
    if !target.post(gathered.count == 1 ? .publishSettled(gathered[0]) : .publishesSettled(gathered)) {
      target.forgetOwed(gathered.count)
    }
  }
}
