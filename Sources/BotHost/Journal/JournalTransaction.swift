import CBotHost

/// Operations that are put on disk together or not at all: the effects of one delivery and its settlement.
///
/// Used by one thread at a time; may be emptied and used again.
public final class JournalTransaction: @unchecked Sendable {
  let operations = OperationBuffer(capacity: 512)
  var rare: [RareOperation] = []
  private(set) var resultCount: UInt32 = 0
  /// Whether it can fail for a reason of its own, such as a revision.
  private(set) var isConditional = false
  var appendedTo: [(topic: JournalTopic, bytes: Int64)] = []

  public init() {}

  public var isEmpty: Bool { operations.count == 0 }

  /// Takes everything out that was added.
  public func removeAll() {
    operations.removeAll()
    rare.removeAll(keepingCapacity: true)
    appendedTo.removeAll(keepingCapacity: true)
    resultCount = 0
    isConditional = false
  }

  /// Adds an event. The receipt has its position.
  ///
  /// - Parameters:
  ///   - time: nanoseconds since 1970, for retention by age.
  ///   - consumers: the handlers that must settle it; the topic's others count as having done so. Nil: all of them.
  ///   - record: the event in the form that the caller reads again; copied.
  public func append(
    _ topic: JournalTopic, time: Int64, consumers: [JournalConsumer]? = nil, record: UnsafeRawBufferPointer
  ) {
    OperationBuffer.encodeAppend(operations, topic, time, consumers, record, slot: resultCount)
    resultCount += 1
    appendedTo.append((topic, Int64(record.count)))
  }

  /// Marks an event as handled by a consumer; again has no effect.
  public func settle(_ consumer: JournalConsumer, position: Int64) {
    operations.append(.init(kind: OperationBuffer.Kind.settle, a: consumer.id, b: position))
  }

  /// Sets where a consumer stands: all before `position` is handled, nothing from there on. A stored offset.
  public func seek(_ consumer: JournalConsumer, to position: Int64) {
    operations.append(.init(kind: OperationBuffer.Kind.seek, a: consumer.id, b: position))
  }

  /// Writes an entry of a store. The receipt has its revision.
  ///
  /// - Parameters:
  ///   - expected: nil for any; 0 for "there must be none"; or the current revision, else the whole transaction fails with
  ///     `.conflict`.
  ///   - lifetime: nanoseconds; 0: for ever.
  public func put(
    _ store: KeyValueStore, key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, expected: UInt64? = nil,
    lifetime: UInt64 = 0
  ) throws(JournalError) {
    try KeyValueStore.check(key: key, value: value)
    isConditional = true
    operations.append(
      .init(
        kind: OperationBuffer.Kind.put, slot: resultCount, first: UInt32(key.count), second: UInt32(value.count),
        a: store.id, b: Int64(bitPattern: expected ?? anyRevision), c: store.expiry(after: lifetime)),
      key, value)
    resultCount += 1
  }

  /// Removes an entry, if it is there.
  public func remove(_ store: KeyValueStore, key: UnsafeRawBufferPointer) throws(JournalError) {
    try KeyValueStore.check(key: key, value: UnsafeRawBufferPointer(start: nil, count: 0))
    isConditional = true
    operations.append(
      .init(kind: OperationBuffer.Kind.remove, first: UInt32(key.count), a: store.id), key)
  }

  /// Keeps a dead letter. The receipt has its number.
  public func bury(_ letter: DeadLetterEntry) {
    rare.append(.bury(letter))
    operations.append(.init(kind: OperationBuffer.Kind.rare, slot: resultCount, a: Int64(rare.count - 1)))
    resultCount += 1
  }

  /// Removes a dead letter, if it is there: with an append, that is its replay.
  public func removeDeadLetter(_ number: Int64) {
    rare.append(.removeDead(number))
    operations.append(.init(kind: OperationBuffer.Kind.rare, a: Int64(rare.count - 1)))
  }
}

/// `BH_KV_ANY` of the ABI.
let anyRevision = UInt64.max

/// Operations that are not worth a place in the buffer.
enum RareOperation {
  case bury(DeadLetterEntry)
  case removeDead(Int64)
  case run(@Sendable (JournalTables) throws(JournalError) -> Void)
}

/// What a committed transaction gave: for each `append` its position, for each `put` its revision, for each `bury` its
/// number, in their order.
public struct JournalReceipt: Sendable {
  let outcome: BatchOutcome
  let firstResult: Int
  public let count: Int

  /// A position, a revision or a number, by the operation that gave it. An index beyond `count` stops the program.
  public subscript(index: Int) -> Int64 {
    precondition(index >= 0 && index < count, "a receipt has \(count) results")
    return outcome.results[firstResult + index]
  }
}

extension OperationBuffer {
  static func encodeAppend(
    _ operations: OperationBuffer, _ topic: JournalTopic, _ time: Int64, _ consumers: [JournalConsumer]?,
    _ record: UnsafeRawBufferPointer, slot: UInt32
  ) {
    var header = Header(kind: Kind.append, slot: slot, first: UInt32(record.count), a: topic.id, b: time)
    guard let consumers else {
      header.c = -1
      return operations.append(header, record)
    }
    header.c = Int64(consumers.count)
    header.second = UInt32(consumers.count * 8)
    withUnsafeTemporaryAllocation(of: Int64.self, capacity: max(1, consumers.count)) { ids in
      for (index, consumer) in consumers.enumerated() { ids.initializeElement(at: index, to: consumer.id) }
      operations.append(
        header, record, UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(ids)[..<(consumers.count * 8)]))
    }
  }
}
