import CBotHost
import Synchronization

/// The journal as the bus sees it: where durable topics, and dead letters of all topics, go.
///
/// A position is a number over all topics; those of one topic grow. Consumers are known by the name that the bus gives
/// (`instance/handler`) and made when they first own an event.
public final class BusJournal: DurableLog, DeadLetterStore {
  public let journal: Journal
  private let log: HostLog?

  private final class Topic: Sendable {
    let handle: JournalTopic
    private let consumers = Mutex<[String: JournalConsumer]>([:])

    init(handle: JournalTopic) { self.handle = handle }

    func consumer(_ name: String) -> JournalConsumer? { consumers.withLock { $0[name] } }
    func add(_ consumer: JournalConsumer) { consumers.withLock { $0[consumer.name] = consumer } }
    func remove(_ name: String) -> JournalConsumer? { consumers.withLock { $0.removeValue(forKey: name) } }
  }

  private struct Topics {
    var byName: [String: Topic] = [:]
    var byNumber: [Int64: Topic] = [:]
  }

  private let topics = Mutex(Topics())

  public init(journal: Journal, log: HostLog? = nil) throws(JournalError) {
    self.journal = journal
    self.log = log
    for handle in journal.topics {
      let topic = Topic(handle: handle)
      for (consumer, _) in try journal.consumers(of: handle) where consumer.kind == .handler { topic.add(consumer) }
      topics.withLock { topics in
        topics.byName[handle.name] = topic
        topics.byNumber[handle.id] = topic
      }
    }
  }

  /// Makes a durable topic known, with how long its events are kept, before the first one is published. A topic that is
  /// not declared is kept as a log (`JournalRetention.log`).
  @discardableResult
  public func declare(_ topic: String, retention: JournalRetention) throws(JournalError) -> JournalTopic {
    _ = try journal.topic(topic, retention: retention)
    return try self.topic(topic).handle
  }

  /// Forgets the consumers for whom `isKnown` is false, so that nothing is kept for handlers that no manifest has any
  /// more. Their names.
  public func forgetConsumers(unless isKnown: (_ topic: String, _ consumer: String) -> Bool) throws(JournalError)
    -> [String]
  {
    var forgotten: [String] = []
    for topic in topics.withLock({ Array($0.byName.values) }) {
      for (consumer, _) in try journal.consumers(of: topic.handle)
      where consumer.kind == .handler && !isKnown(topic.handle.name, consumer.name) {
        try journal.remove(consumer)
        _ = topic.remove(consumer.name)
        forgotten.append("\(consumer.name) of \(topic.handle.name)")
      }
    }
    return forgotten
  }

  // MARK: - DurableLog

  public func commit(_ batch: DurableBatch) throws(DurableFailure) -> [Int64] {
    do throws(JournalError) {
      let transaction = JournalTransaction()
      var owners: [Topic] = []
      for append in batch.appends {
        let topic = try topic(append.event.topic)
        owners.append(topic)
        var consumers: [JournalConsumer] = []
        for name in append.consumers { consumers.append(try consumer(name, of: topic)) }
        let record = StoredEventCoding.encode(append.event)
        record.withUnsafeBytes {
          transaction.append(topic.handle, time: append.event.time, consumers: consumers, record: $0)
        }
      }
      for settlement in batch.settlements {
        guard let (consumer, position) = find(settlement) else { continue }
        transaction.settle(consumer, position: position)
      }
      for letter in batch.deadLetters { transaction.bury(entry(letter)) }
      for operation in batch.operations {
        guard let operation = operation as? KeyValueOperation else {
          throw JournalError(.invalid, "the journal does not know this kind of durable effect")
        }
        try operation.add(to: transaction)
      }
      let receipt = try journal.commit(transaction)
      return owners.indices.map { owners[$0].handle.row(receipt[$0]) }
    } catch {
      throw DurableFailure(code: error.rc, reason: error.message)
    }
  }

  public func settle(_ settlement: DurableBatch.Settlement) {
    guard let (consumer, position) = find(settlement) else { return }
    journal.settleLazily(consumer, position: position)
  }

  public func replay(_ body: (UnsettledEvent) -> Void) throws(DurableFailure) {
    do throws(JournalError) {
      let all = topics.withLock { Array($0.byName.values) }.sorted { $0.handle.id < $1.handle.id }
      for topic in all { try replay(topic, body) }
    } catch {
      throw DurableFailure(code: error.rc, reason: error.message)
    }
  }

  private func replay(_ topic: Topic, _ body: (UnsettledEvent) -> Void) throws(JournalError) {
    let handle = topic.handle
    let progress = try journal.run { (tables) throws(JournalError) in tables.topics.progress(of: handle) }
    guard var position = progress.map(\.floor).min() else { return }
    while true {
      let records = try journal.read(handle, from: position)
      guard let last = records.last else { return }
      position = last.position + 1
      for record in records {
        let consumers = progress.filter { $0.floor <= record.position && !$0.beyond.contains(record.position) }
        guard !consumers.isEmpty else { continue }
        guard let event = StoredEventCoding.decode(record.bytes) else {
          log?.error("journal", "event \(record.position) of topic '\(handle.name)' cannot be read and is left out")
          continue
        }
        body(
          UnsettledEvent(position: handle.row(record.position), event: event, consumers: consumers.map(\.consumer.name))
        )
      }
    }
  }

  // MARK: - DeadLetterStore

  public func add(_ letter: DeadLetter) {
    let transaction = JournalTransaction()
    transaction.bury(entry(letter))
    let log = log
    let (topic, consumer, reason) = (letter.event.topic, letter.consumer, letter.reason)
    let report: @Sendable (JournalError) -> Void = { error in
      log?.error(
        "journal", "a dead letter could not be kept: \(error)",
        [("topic", topic), ("handler", consumer), ("reason", reason)])
    }
    do throws(JournalError) {
      try journal.submit(transaction) { result in
        if case .failure(let error) = result { report(error) }
      }
    } catch {
      report(error)
    }
  }

  /// A reason is the plugin's own text: it is kept without the secrets that the plugin may have put into it.
  private func entry(_ letter: DeadLetter) -> DeadLetterEntry {
    let reason = log?.masks.mask(letter.reason) ?? letter.reason
    // What no handler has taken is kept under the name of who published it.
    let plugin = letter.consumer.split(separator: "/", maxSplits: 1).first.map(String.init) ?? letter.event.source
    return DeadLetterEntry(
      topic: letter.event.topic, handler: letter.consumer, plugin: plugin, code: letter.code, reason: reason,
      attempts: letter.attempts, published: letter.event.time, buried: letter.time,
      record: StoredEventCoding.encode(letter.event))
  }

  // MARK: - Names

  private func topic(_ name: String) throws(JournalError) -> Topic {
    if let known = topics.withLock({ $0.byName[name] }) { return known }
    // A topic that is marked durable is a log: what was said on it can be read again.
    let handle = try journal.topic(name, retention: journal.existingTopic(name)?.retention ?? .log)
    return topics.withLock { topics in
      if let known = topics.byName[name] { return known }
      let topic = Topic(handle: handle)
      topics.byName[name] = topic
      topics.byNumber[handle.id] = topic
      return topic
    }
  }

  private func consumer(_ name: String, of topic: Topic) throws(JournalError) -> JournalConsumer {
    if let known = topic.consumer(name) { return known }
    let made = try journal.consumer(name, of: topic.handle)
    topic.add(made)
    return made
  }

  private func find(_ settlement: DurableBatch.Settlement) -> (JournalConsumer, Int64)? {
    let number = JournalTopic.topic(row: settlement.position)
    guard let topic = topics.withLock({ $0.byNumber[number] }), let consumer = topic.consumer(settlement.consumer)
    else { return nil }
    return (consumer, JournalTopic.position(row: settlement.position))
  }
}
