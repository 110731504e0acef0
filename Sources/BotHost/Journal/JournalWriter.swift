import Glibc
import Synchronization

/// The queue before the journal and whoever empties it: whatever has come while one transaction was written is the next one.
///
/// One thread writes at a time. A thread that waits for its transaction writes the whole batch itself when nobody else does, because
/// handing it over and being woken costs as much as the disk; what nobody waits for is written by the journal's own thread.
final class JournalWriter: @unchecked Sendable {
  private let monitor = Monitor()
  private let options: JournalOptions
  private let log: HostLog?
  private let clock = SystemClock()
  private var thread: HostThread?

  // Under the monitor.
  private var pending = PendingBatch()
  private var spare: PendingBatch? = PendingBatch()
  private var isClosing = false
  /// The journal's own thread waits for something to do.
  private var isIdle = false
  /// Who writes now.
  private var writer: pthread_t?
  /// The journal's own thread is next.
  private var wantsMaintenance = false
  private var waitingForRoom = 0
  /// Of the last batch: how many threads waited for it, and what it took, nanoseconds.
  private var lastWaiters = 0
  private var lastDuration: Int64 = 0
  /// When the first operation that nobody waits for came; 0: none.
  private var lazySince: Int64 = 0

  // Of whoever writes.
  /// Nil once the file is closed.
  private var tables: JournalTables?
  private var failures = 0
  /// Refused transactions that the log does not know yet, and when it may hear of them.
  private var refused = 0
  private var reportAt: Int64 = 0

  // Of the journal's own thread.
  private var maintainAt: Int64 = 0

  init(tables: JournalTables, options: JournalOptions, log: HostLog?) throws(JournalError) {
    self.tables = tables
    self.options = options
    self.log = log
    thread = HostThread(name: "bh-journal") { [self] in work() }
    if thread == nil { throw JournalError(.io, "the journal's thread cannot be started: too many threads") }
  }

  /// Writes what waits and ends the thread. Not from a completion.
  func close() {
    let joins = monitor.withLock {
      // The last owner may be a completion; then the thread ends by itself.
      let joins = !isClosing && !isWriter
      isClosing = true
      monitor.broadcast()
      return joins
    }
    if joins { thread?.join() }
  }

  // MARK: - The queue

  func commit(_ transaction: JournalTransaction) throws(JournalError) -> JournalReceipt {
    let (outcome, unit) = try enqueueAndWait { () throws(JournalError) in try add(transaction) }
    return try outcome.result(unit.index, firstResult: unit.value.firstResult, count: unit.value.resultCount).get()
  }

  func submit(
    _ transaction: JournalTransaction, completion: @escaping PendingBatch.Completion
  ) throws(JournalError) {
    _ = try enqueue { () throws(JournalError) in
      let unit = try add(transaction)
      pending.completions.append((unit.index, completion))
      return unit
    }
  }

  func append(
    _ topic: JournalTopic, _ time: Int64, _ consumers: [JournalConsumer]?, _ record: UnsafeRawBufferPointer
  ) throws(JournalError) -> Int64 {
    let (outcome, unit) = try enqueueAndWait { () throws(JournalError) in try add(topic, time, consumers, record) }
    return try outcome.result(unit.index, firstResult: unit.value.firstResult, count: 1).get()[0]
  }

  func submitAppend(
    _ topic: JournalTopic, _ time: Int64, _ consumers: [JournalConsumer]?, _ record: UnsafeRawBufferPointer,
    _ completion: PendingBatch.Completion?
  ) throws(JournalError) {
    _ = try enqueue { () throws(JournalError) in
      let unit = try add(topic, time, consumers, record)
      if let completion { pending.completions.append((unit.index, completion)) }
      return unit
    }
  }

  func settleLazily(_ consumer: JournalConsumer, _ position: Int64) {
    // Without waiting for room: a settlement is 48 bytes, and what settles must never stand still.
    monitor.withLock {
      guard !isClosing else { return }
      let start = pending.operations.count
      pending.operations.append(.init(kind: OperationBuffer.Kind.settle, a: consumer.id, b: position))
      addUnit(from: start, results: 0, isConditional: false, firstRare: pending.rare.count)
      guard lazySince == 0 else { return }
      lazySince = clock.monotonic
      if isIdle { monitor.broadcast() }
    }
  }

  func run(_ body: @escaping @Sendable (JournalTables) throws(JournalError) -> Void) throws(JournalError) {
    let (outcome, unit) = try enqueueAndWait {
      let start = pending.operations.count
      let firstRare = pending.rare.count
      pending.rare.append(.run(body))
      pending.operations.append(.init(kind: OperationBuffer.Kind.rare, a: 0))
      return addUnit(from: start, results: 0, isConditional: true, firstRare: firstRare)
    }
    _ = try outcome.result(unit.index, firstResult: unit.value.firstResult, count: 0).get()
  }

  private typealias Placed = (index: Int, value: PendingBatch.Unit)

  /// Adds something that nobody waits for.
  @inline(__always)
  private func enqueue(_ add: () throws(JournalError) -> Placed) throws(JournalError) -> (BatchOutcome, Placed) {
    monitor.lock()
    defer { monitor.unlock() }
    try waitForRoom()
    let placed = try add()
    pending.isUrgent = true
    if isIdle, writer == nil, pending.waiters == 0 { monitor.broadcast() }
    return (pending.outcome, placed)
  }

  /// Adds something and waits until it is on disk.
  @inline(__always)
  private func enqueueAndWait(
    _ add: () throws(JournalError) -> Placed
  ) throws(JournalError) -> (BatchOutcome, Placed) {
    monitor.lock()
    let placed: Placed
    do throws(JournalError) {
      try waitForRoom()
      placed = try add()
    } catch {
      monitor.unlock()
      throw error
    }
    pending.isUrgent = true
    pending.waiters += 1
    let outcome = pending.outcome
    waitFor(outcome)
    return (outcome, placed)
  }

  /// With the lock held, which is given up meanwhile.
  private func waitForRoom() throws(JournalError) {
    if pending.operations.count >= options.maxPendingBytes, !isWriter {
      waitingForRoom += 1
      while pending.operations.count >= options.maxPendingBytes, !isClosing { monitor.wait() }
      waitingForRoom -= 1
    }
    guard !isClosing else { throw JournalError(.closed, "the journal is closed") }
  }

  /// With the lock held: whether this thread is the one that writes, which must never wait for the writing to go on.
  private var isWriter: Bool { writer.map { pthread_equal($0, pthread_self()) != 0 } ?? false }

  private func add(_ transaction: JournalTransaction) throws(JournalError) -> Placed {
    for (topic, _) in transaction.appendedTo { try checkRoom(topic) }
    let start = pending.operations.count
    let firstRare = pending.rare.count
    pending.operations.append(contentsOf: transaction.operations)
    pending.rare += transaction.rare
    for (topic, bytes) in transaction.appendedTo { note(topic, bytes) }
    return addUnit(
      from: start, results: Int(transaction.resultCount), isConditional: transaction.isConditional, firstRare: firstRare
    )
  }

  private func add(
    _ topic: JournalTopic, _ time: Int64, _ consumers: [JournalConsumer]?, _ record: UnsafeRawBufferPointer
  ) throws(JournalError) -> Placed {
    try checkRoom(topic)
    let start = pending.operations.count
    OperationBuffer.encodeAppend(pending.operations, topic, time, consumers, record, slot: 0)
    note(topic, Int64(record.count))
    return addUnit(from: start, results: 1, isConditional: false, firstRare: pending.rare.count)
  }

  private func checkRoom(_ topic: JournalTopic) throws(JournalError) {
    guard !topic.isFull else {
      throw JournalError(
        .noSpace,
        "topic '\(topic.name)' has \(topic.bytes) bytes that are not settled or that retention keeps, "
          + "\(topic.retention.maxBytes) are allowed; see which consumer does not settle")
    }
  }

  private func note(_ topic: JournalTopic, _ bytes: Int64) {
    topic.pendingBytes.add(bytes, ordering: .relaxed)
    // Most batches are of one topic: one entry instead of a reference counted for each event.
    let last = pending.appended.count - 1
    if last >= 0, pending.appended[last].topic === topic {
      pending.appended[last].bytes += bytes
    } else {
      pending.appended.append((topic, bytes))
    }
  }

  @discardableResult
  @inline(__always)
  private func addUnit(from start: Int, results: Int, isConditional: Bool, firstRare: Int) -> Placed {
    let unit = PendingBatch.Unit(
      start: start, end: pending.operations.count, firstRare: firstRare, firstResult: pending.resultCount,
      resultCount: results, isConditional: isConditional)
    pending.resultCount += results
    pending.units.append(unit)
    return (pending.units.count - 1, unit)
  }

  // MARK: - Those who wait

  /// With the lock held, which is given up: waits until a batch is on disk, and writes it when nobody else does.
  private func waitFor(_ outcome: BatchOutcome) {
    var deadline: Int64?
    while true {
      // Threads that were let go by the last transaction are likely to come back at once: a moment's patience puts them into
      // one transaction, where the first alone would make all others wait for two. The last to come writes.
      if writer == nil, !wantsMaintenance, pending.outcome === outcome {
        let isLate = deadline.map { clock.monotonic >= $0 } ?? false
        if isLate || pending.waiters >= lastWaiters {
          let batch = take()
          monitor.unlock()
          write(batch)
          handOn(batch)
          return
        }
        if deadline == nil { deadline = clock.monotonic + min(lastDuration / 2, 500_000) }
      } else {
        deadline = nil
      }
      monitor.unlock()
      if outcome.wait(until: deadline) { return }
      monitor.lock()
    }
  }

  /// With the lock held: what waits, to be written by this thread.
  private func take() -> PendingBatch {
    let batch = pending
    pending = spare ?? PendingBatch()
    spare = nil
    lazySince = 0
    writer = pthread_self()
    if waitingForRoom > 0 { monitor.broadcast() }
    return batch
  }

  /// Ends this thread's turn: somebody who waits for the next batch is asked to write it, or the journal's own thread.
  private func handOn(_ written: PendingBatch?) {
    written?.removeAll()
    monitor.lock()
    if let written { spare = written }
    writer = nil
    let next = pending.waiters > 0 && !wantsMaintenance ? pending.outcome : nil
    if isClosing || wantsMaintenance || (next == nil && pending.isUrgent) { monitor.broadcast() }
    monitor.unlock()
    next?.askSomebody()
  }

  // MARK: - The thread

  private func work() {
    maintainAt = clock.monotonic + Self.maintenancePeriod
    while true {
      monitor.lock()
      let batch = nextBatch()
      let isEnd = batch == nil && isClosing && pending.isEmpty
      if batch == nil { writer = pthread_self() }
      monitor.unlock()
      if let batch {
        write(batch)
      } else if isEnd {
        tables = nil
        return
      } else {
        maintain()
      }
      handOn(batch)
    }
  }

  /// A full disk refuses thousands of transactions a second: the log hears of them once a second.
  private func reportRefused(_ count: Int, _ error: JournalError, now: Int64) {
    refused += count
    guard now >= reportAt else { return }
    log?.error("journal", "\(refused) \(refused == 1 ? "transaction was" : "transactions were") refused: \(error)")
    refused = 0
    reportAt = now + 1_000_000_000
  }

  private static let maintenancePeriod: Int64 = 1_000_000_000

  /// Waits for something to do while nobody else writes: a batch, or nil when it is time for maintenance or for the end.
  private func nextBatch() -> PendingBatch? {
    while true {
      let now = clock.monotonic
      wantsMaintenance = now >= maintainAt
      if writer == nil {
        let isDue = pending.waiters == 0 && pending.isUrgent || lazySince > 0 && now >= lazySince + options.lazyDelay
        if !pending.isEmpty, isDue || isClosing { return take() }
        if isClosing || wantsMaintenance {
          wantsMaintenance = false
          return nil
        }
      }
      var deadline = writer == nil ? maintainAt : now + Self.maintenancePeriod
      if lazySince > 0, writer == nil { deadline = min(deadline, lazySince + options.lazyDelay) }
      isIdle = true
      _ = monitor.wait(until: deadline)
      isIdle = false
    }
  }

  private func write(_ batch: PendingBatch) {
    let began = clock.monotonic
    var failure: JournalError?
    do throws(JournalError) {
      try tables?.apply(batch)
      if failures > 0 { log?.notice("journal", "writing works again after \(failures) failures") }
      failures = 0
    } catch {
      failure = error
      failures += 1
      reportRefused(batch.units.count, error, now: began)
    }
    let duration = clock.monotonic - began
    monitor.withLock {
      lastWaiters = batch.waiters
      lastDuration = duration
    }
    for (topic, bytes) in batch.appended { topic.pendingBytes.subtract(bytes, ordering: .relaxed) }
    let outcome = batch.outcome
    outcome.finish(failure, waiters: batch.waiters)
    for (index, body) in batch.completions {
      let unit = batch.units[index]
      body(outcome.result(index, firstResult: unit.firstResult, count: unit.resultCount))
    }
  }

  private func maintain() {
    maintainAt = clock.monotonic + Self.maintenancePeriod
    do throws(JournalError) {
      // One piece at a time, so that nobody who writes waits for long.
      if try tables?.maintain() == true { maintainAt = clock.monotonic + 1_000_000 }
    } catch {
      log?.error("journal", "maintenance failed: \(error)")
      maintainAt = clock.monotonic + 30 * Self.maintenancePeriod
    }
  }
}
