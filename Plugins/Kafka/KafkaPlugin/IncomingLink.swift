import BotPluginKit
import Glibc
import KafkaClient
import KafkaLog
import Synchronization

/// The instance's consumer with its thread: publishes records as events, and settles each when the event's handlers have.
final class IncomingLink: RecordReceiver, PublishReceiver, ClientObserver, @unchecked Sendable {
  // Unchecked: `writer`, `bridged`, `partitionKey` and `arrived` are the polling thread's, and `consumer` is set before that thread starts.
  private let host: Host
  private let report: ConnectionReport
  private let bridge: Bridge
  private let hostName: String
  private let recordTopic: Topic
  private let dedupeHeader: String
  private let dedupesByKey: Bool
  private let recent: Mutex<RecentIdentifiers>
  private let keepsCopies: Bool
  private let deadLetter: @Sendable (DeadLetterTicket) -> Void
  private var consumer: KafkaConsumer?
  private var writer = RecordEvent()
  private var bridged: [String: Topic] = [:]
  /// The ordering key of records without one: their partition.
  private var partitionKey: (partition: Int32, text: String) = (-1, "")
  /// Records since the counter was brought up to date.
  private var arrived: Int64 = 0
  private let stopping = Atomic<Bool>(false)
  private let stopAt = Atomic<Int64>(.max)
  private let consumed: Counter?
  private let unhandled: Counter?
  private let openRecords: Gauge?

  /// Topics of the bus that records may come out on; more are refused.
  private static let bridgedLimit = 10_000

  /// Makes the consumer; `start` starts its thread.
  /// - Parameter deadLetter: takes a record that could not be handled, where the configuration names a topic for those.
  init(
    _ configuration: KafkaConfiguration, address: String, settings: [ClientSetting], hostName: String, host: Host,
    report: ConnectionReport, deadLetter: @escaping @Sendable (DeadLetterTicket) -> Void
  ) throws {
    self.host = host
    self.report = report
    self.hostName = hostName
    self.deadLetter = deadLetter
    bridge = configuration.bridge
    recordTopic = try host.topic("kafka.record")
    dedupeHeader = configuration.dedupeHeader
    dedupesByKey = configuration.dedupesByKey
    recent = Mutex(RecentIdentifiers(limit: configuration.dedupeWindow))
    keepsCopies = !configuration.deadLetterTopic.isEmpty
    consumed = try? host.counter("records_consumed", "records that came from the broker")
    unhandled = try? host.counter("records_unhandled", "records that no handler could handle")
    openRecords = try? host.gauge("records_open", "records that came and are not settled")
    var topics = configuration.topics + bridge.subscriptions
    if !configuration.topic.isEmpty { topics.insert(configuration.topic, at: 0) }
    consumer = try KafkaConsumer(
      settings: settings, address: address, topics: topics, unsettledLimit: configuration.unsettledLimit,
      receiver: self,
      observer: self)
  }

  /// Starts the thread that polls.
  func start() throws {
    do {
      try host.thread("consumer") { [self] stop in run(stop) }
    } catch {
      // The client reports to this object, so it must end before it.
      consumer?.close(seconds: 1)
      throw error
    }
  }

  /// Takes no more records; gives the open ones until then.
  func quiesce(deadline: Int64) {
    stopAt.store(deadline, ordering: .relaxed)
    stopping.store(true, ordering: .relaxed)
    consumer?.hurry()
  }

  /// Records that are not settled.
  var open: Int { consumer?.open ?? 0 }

  func settle(_ reference: RecordReference) { consumer?.settle(reference) }

  // MARK: The thread

  private func run(_ stop: StopSignal) {
    guard let consumer else { return }
    var end = Int64.max
    while true {
      consumer.poll(milliseconds: 100)
      if arrived > 0 { consumed?.add(arrived) }
      arrived = 0
      report.catchUp()
      let open = consumer.open
      openRecords?.set(Int64(open))
      guard stop.isRequested else { continue }
      stopping.store(true, ordering: .relaxed)
      if end == .max {
        let asked = stopAt.load(ordering: .relaxed)
        end = asked == .max ? host.monotonicTime + OutgoingLink.patience : asked
      }
      if open == 0 || host.monotonicTime >= end { break }
    }
    if consumer.open > 0 {
      host.log(.info, "\(consumer.open) records are not handled yet; they come again at the next start")
    }
    consumer.close(seconds: 3)
    report.ended(.consumer)
  }

  func received(_ record: IncomingRecord, _ reference: RecordReference) -> Reception {
    if stopping.load(ordering: .relaxed) { return .busy }
    if let identifier = identifier(of: record), recent.withLock({ $0.contains(identifier) }) {
      settle(reference)
      return .taken
    }
    // A host's own records have been seen where they came from.
    let origin = record.headers.isEmpty ? nil : record.header(Bridge.Header.host)
    if origin == hostName {
      settle(reference)
      return .taken
    }
    let failure: PluginError?
    if !bridge.rules.isEmpty,
      let topic = bridge.publication(
        of: String(decoding: record.topic, as: UTF8.self), origin: record.header(Bridge.Header.topic))
    {
      failure = publish(record, reference, on: topic, origin: origin ?? Bridge.Header.foreign)
    } else {
      failure = publish(record, reference)
    }
    guard let failure else {
      arrived += 1
      return .taken
    }
    switch failure.code {
    case .busy, .cancelled, .stale, .timeout, .noSpace: return .busy
    default:
      arrived += 1
      let name = String(decoding: record.topic, as: UTF8.self)
      host.log(.error, "\(name)/\(record.partition)@\(record.offset): \(failure)")
      settled(reference, nil, failure, letter(record, reference))
      return .taken
    }
  }

  private func publish(_ record: IncomingRecord, _ reference: RecordReference) -> PluginError? {
    writer.withPayload(of: record) { payload in
      if let key = record.key, UTF8Text.isValid(key) { return publish(payload, key: key, record, reference) }
      // Records without a key keep their order within their partition.
      if partitionKey.partition != record.partition {
        partitionKey = (record.partition, "\(record.partition)")
      }
      return publish(payload, key: partitionKey.text, record, reference)
    }
  }

  private func publish(
    _ payload: UnsafeRawBufferPointer, key: some TextBytes, _ record: IncomingRecord, _ reference: RecordReference
  ) -> PluginError? {
    // Most records need no more than their reference to be settled.
    guard keepsCopies || !dedupeHeader.isEmpty || dedupesByKey else {
      return Self.failure { () throws(PluginError) in
        try host.publish(recordTopic, json: payload, key: key, settledTo: self, number: reference.bits)
      }
    }
    let completion = completion(of: record, reference)
    return Self.failure { () throws(PluginError) in
      try host.publish(recordTopic, json: payload, key: key, settled: completion)
    }
  }

  func published(_ number: UInt64, _ result: Result<Void, PluginError>) {
    let reference = RecordReference(bits: number)
    switch result {
    case .success: settle(reference)
    case .failure(let error): settled(reference, nil, error, nil)
    }
  }

  /// Publishes a record of the bridge as the event that it was.
  private func publish(
    _ record: IncomingRecord, _ reference: RecordReference, on name: String, origin: String
  ) -> PluginError? {
    let topic: Topic
    do throws(PluginError) {
      topic = try busTopic(name)
    } catch { return error }
    var headers = record.headers.compactMap { header -> EventHeader? in
      guard let value = header.value, UTF8Text.isValid(header.name) else { return nil }
      let name = String(decoding: header.name, as: UTF8.self)
      guard name != Bridge.Header.host, name != Bridge.Header.correlation else { return nil }
      return EventHeader(name, bytes: Array(value))
    }
    headers.append(EventHeader(Bridge.Header.host, origin))
    let empty = UnsafeRawBufferPointer(start: nil, count: 0)
    let key = record.key.flatMap { UTF8Text.isValid($0) ? $0 : nil } ?? empty
    let correlation = record.header(Bridge.Header.correlation) ?? ""
    let completion = completion(of: record, reference)
    let value = record.value ?? empty
    if JSONCursor.isValue(value) {
      return Self.failure { () throws(PluginError) in
        try host.publish(
          topic, json: value, key: key, correlationID: correlation, headers: headers, settled: completion)
      }
    }
    let type: StaticString = UTF8Text.isValid(value) ? "text/plain; charset=utf-8" : "application/octet-stream"
    return Self.failure { () throws(PluginError) in
      try host.publish(
        topic, bytes: value, contentType: type, key: key, correlationID: correlation, headers: headers,
        settled: completion)
    }
  }

  private func busTopic(_ name: String) throws(PluginError) -> Topic {
    if let topic = bridged[name] { return topic }
    guard bridged.count < Self.bridgedLimit else {
      throw .reject(
        "records on more than \(Self.bridgedLimit) topics have come over the bridge; \(name) is one too many")
    }
    let topic = try host.topic(name)
    bridged[name] = topic
    return topic
  }

  private static func failure(_ body: () throws(PluginError) -> Void) -> PluginError? {
    do throws(PluginError) {
      try body()
      return nil
    } catch { return error }
  }

  /// What to do when the event's handlers are through with it.
  private func completion(of record: IncomingRecord, _ reference: RecordReference) -> PublishCompletion {
    let identifier = identifier(of: record)
    let letter = letter(record, reference)
    return { [weak self] result in
      switch result {
      case .success: self?.settled(reference, identifier, nil, nil)
      case .failure(let error): self?.settled(reference, identifier, error, letter)
      }
    }
  }

  /// By what a record is recognised that comes again; `nil`: it is not.
  private func identifier(of record: IncomingRecord) -> String? {
    if !dedupeHeader.isEmpty, let identifier = record.header(dedupeHeader) { return identifier }
    guard dedupesByKey, let key = record.key else { return nil }
    return String(decoding: record.topic, as: UTF8.self) + "\0" + String(decoding: key, as: UTF8.self)
  }

  private func letter(_ record: IncomingRecord, _ reference: RecordReference) -> DeadLetterTicket? {
    keepsCopies ? DeadLetterTicket(record, reference, error: "") : nil
  }

  private func settled(
    _ reference: RecordReference, _ identifier: String?, _ failure: PluginError?, _ letter: DeadLetterTicket?
  ) {
    switch failure?.code {
    case .cancelled, .stale:
      // The host is stopping: the record stays open and comes again.
      return
    case nil: break
    default:
      unhandled?.add()
      if let letter, let failure {
        deadLetter(DeadLetterTicket(letter, error: failure.message.isEmpty ? failure.description : failure.message))
        return
      }
    }
    if let identifier { recent.withLock { $0.insert(identifier) } }
    settle(reference)
  }

  func assigned(_ partitions: [TopicPartition]) {
    let names = partitions.map(\.description).sorted().joined(separator: ", ")
    host.log(.info, partitions.isEmpty ? "no partition is assigned" : "partitions assigned: \(names)")
  }

  func connectionChanged(_ state: ConnectionState) { report.changed(.consumer, state) }

  func clientSays(_ notice: ClientNotice, _ text: String) { host.log(notice.level, "consumer: \(text)") }
}
