/// What waits for the next transaction: filled by all threads under the journal's lock, then taken by its thread whole.
final class PendingBatch: @unchecked Sendable {
  /// One transaction of a caller.
  struct Unit {
    let start: Int
    let end: Int
    let firstRare: Int
    let firstResult: Int
    let resultCount: Int
    let isConditional: Bool
  }

  typealias Completion = @Sendable (Result<JournalReceipt, JournalError>) -> Void

  let operations = OperationBuffer(capacity: 64 << 10)
  var units: [Unit] = []
  var rare: [RareOperation] = []
  var completions: [(unit: Int, body: Completion)] = []
  /// What to take back from the topics' counts of waiting bytes.
  var appended: [(topic: JournalTopic, bytes: Int64)] = []
  var resultCount = 0
  /// Whether it should be written without delay.
  var isUrgent = false
  /// Threads that stand still until it is written.
  var waiters = 0
  var outcome = BatchOutcome()

  var isEmpty: Bool { units.isEmpty }

  func removeAll() {
    operations.removeAll()
    units.removeAll(keepingCapacity: true)
    rare.removeAll(keepingCapacity: true)
    completions.removeAll(keepingCapacity: true)
    appended.removeAll(keepingCapacity: true)
    resultCount = 0
    isUrgent = false
    waiters = 0
    outcome = BatchOutcome()
  }
}

/// How a batch ended. Filled by the thread that writes, then read by those who waited for it.
final class BatchOutcome: @unchecked Sendable {
  private let monitor = Monitor()
  private var isDone = false
  private var isAsked = false
  private var failure: JournalError?
  private var unitFailures: [Int: JournalError] = [:]
  var results: [Int64] = []

  func prepareResults(_ count: Int) { results = [Int64](repeating: 0, count: count) }

  func fail(unit: Int, _ error: JournalError) { unitFailures[unit] = error }

  func finish(_ failure: JournalError?) {
    monitor.withLock {
      self.failure = failure
      isDone = true
      monitor.broadcast()
    }
  }

  /// Lets one of those who wait look whether it should write the batch itself.
  func askSomebody() {
    monitor.withLock {
      isAsked = true
      monitor.signal()
    }
  }

  /// Waits for the end, until that time (CLOCK_MONOTONIC, nanoseconds; nil: for ever). False when the time has passed or the caller is
  /// asked to write.
  func wait(until deadline: Int64?) -> Bool {
    monitor.withLock {
      while !isDone, !isAsked {
        if let deadline {
          if !monitor.wait(until: deadline) { break }
        } else {
          monitor.wait()
        }
      }
      isAsked = false
      return isDone
    }
  }

  /// After the end: how one unit fared.
  func result(_ index: Int, firstResult: Int, count: Int) -> Result<JournalReceipt, JournalError> {
    if let error = failure ?? unitFailures[index] { return .failure(error) }
    return .success(JournalReceipt(outcome: self, firstResult: firstResult, count: count))
  }
}
