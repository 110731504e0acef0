import CJSON
import Synchronization

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
///
/// They sleep by a word of the kernel's and not by a lock with a condition, where a dozen threads that are woken at once would first
/// queue up for the lock.
final class BatchOutcome: @unchecked Sendable {
  private enum State {
    static let waiting: UInt32 = 0
    /// One of those who wait should write the batch.
    static let asked: UInt32 = 1
    static let done: UInt32 = 2
  }

  private let state: UnsafeMutablePointer<Atomic<UInt32>>
  private var failure: JournalError?
  private var unitFailures: [Int: JournalError] = [:]
  var results: [Int64] = []

  init() {
    state = .allocate(capacity: 1)
    state.initialize(to: Atomic(State.waiting))
  }

  deinit {
    state.deinitialize(count: 1)
    state.deallocate()
  }

  func prepareResults(_ count: Int) { results = [Int64](repeating: 0, count: count) }

  func fail(unit: Int, _ error: JournalError) { unitFailures[unit] = error }

  /// The end; `waiters` threads at most wait for it.
  func finish(_ failure: JournalError?, waiters: Int) {
    self.failure = failure
    state.pointee.store(State.done, ordering: .releasing)
    if waiters > 0 { machine_wake(word, .max) }
  }

  /// Lets one of those who wait look whether it should write the batch itself.
  func askSomebody() {
    if state.pointee.compareExchange(expected: State.waiting, desired: State.asked, ordering: .relaxed).exchanged {
      machine_wake(word, 1)
    }
  }

  /// Waits for the end, until that time (CLOCK_MONOTONIC, nanoseconds; nil: for ever). False when the time has passed or the caller is
  /// asked to write.
  func wait(until deadline: Int64?) -> Bool {
    while true {
      let now = state.pointee.load(ordering: .acquiring)
      if now == State.done { return true }
      if now == State.asked {
        let (exchanged, _) = state.pointee.compareExchange(
          expected: State.asked, desired: State.waiting, ordering: .relaxed)
        if exchanged { return false }
      } else if machine_sleep(word, State.waiting, deadline ?? -1) != 0 {
        return state.pointee.load(ordering: .acquiring) == State.done
      }
    }
  }

  private var word: UnsafePointer<UInt32> { UnsafeRawPointer(state).assumingMemoryBound(to: UInt32.self) }

  /// After the end: how one unit fared.
  func result(_ index: Int, firstResult: Int, count: Int) -> Result<JournalReceipt, JournalError> {
    if let error = failure ?? unitFailures[index] { return .failure(error) }
    return .success(JournalReceipt(outcome: self, firstResult: firstResult, count: count))
  }
}
