import Foundation
import KafkaClient
import KafkaLog
import Synchronization

/// Collects what a client says, and waits for things to come to pass.
class Collector: ClientObserver, @unchecked Sendable {
  /// Signalled when something has been noted, and held while it is: the notes have locks of their own, because they are read with this
  /// one held, with another collector's, and with none.
  let condition = NSCondition()
  private let notedStates = Mutex<[String]>([])
  private let notedLines = Mutex<[String]>([])

  var states: [String] { notedStates.withLock { $0 } }
  var lines: [String] { notedLines.withLock { $0 } }

  final func note(_ change: () -> Void) {
    condition.withLock {
      change()
      condition.broadcast()
    }
  }

  func connectionChanged(_ state: ConnectionState) { note { notedStates.withLock { $0.append(state.line) } } }

  func clientSays(_ notice: ClientNotice, _ text: String) { note { notedLines.withLock { $0.append(text) } } }

  /// Waits until something holds; answers `false` when it does not for a time that only a fault takes.
  func wait(_ holds: () -> Bool) -> Bool {
    let deadline = Date(timeIntervalSinceNow: 60)
    condition.lock()
    defer { condition.unlock() }
    while !holds() {
      // What is waited for may be another collector's, which does not signal this one.
      _ = condition.wait(until: Date(timeIntervalSinceNow: 0.05))
      if Date() > deadline { return holds() }
    }
    return true
  }
}

/// Collects reports.
final class Reports: Collector, DeliveryReceiver, @unchecked Sendable {
  typealias Delivered = (token: UInt64, topic: String, partition: Int32, offset: Int64)
  typealias Failed = (token: UInt64, code: KafkaErrorCode, text: String)

  private let notedDelivered = Mutex<[Delivered]>([])
  private let notedFailed = Mutex<[Failed]>([])

  var delivered: [Delivered] { notedDelivered.withLock { $0 } }
  var failed: [Failed] { notedFailed.withLock { $0 } }

  func delivered(token: UInt64, topic: UnsafePointer<CChar>, partition: Int32, offset: Int64) {
    let topic = String(cString: topic)
    note { notedDelivered.withLock { $0.append((token, topic, partition, offset)) } }
  }

  func failed(token: UInt64, code: KafkaErrorCode, text: String) {
    note { notedFailed.withLock { $0.append((token, code, text)) } }
  }
}

/// A thread that polls until it is stopped.
final class Poller: @unchecked Sendable {
  private let condition = NSCondition()
  private var stopping = false
  private var ended = false

  init(_ poll: @escaping @Sendable () -> Void) {
    Thread { [self] in
      while !condition.withLock({ stopping }) { poll() }
      condition.withLock {
        ended = true
        condition.broadcast()
      }
    }.start()
  }

  func stop() {
    condition.lock()
    stopping = true
    while !ended { condition.wait() }
    condition.unlock()
  }
}

/// A producer that is polled.
final class TestProducer: @unchecked Sendable {
  let reports = Reports()
  let producer: KafkaProducer
  private var poller: Poller?

  init(
    _ addresses: String, settings: [ClientSetting] = [], pendingLimit: Int = 100_000, pendingBytes: Int = 1 << 30,
    isPolled: Bool = true
  ) throws {
    let fixed = [ClientSetting("bootstrap.servers", addresses), ClientSetting("statistics.interval.ms", "100")]
    let producer = try KafkaProducer(
      settings: ClientSettings.producerDefaults + fixed + settings, address: addresses, pendingLimit: pendingLimit,
      pendingBytes: pendingBytes, receiver: reports, observer: reports)
    self.producer = producer
    if isPolled { poll() }
  }

  /// Begins to poll.
  func poll() {
    let producer = producer
    poller = Poller { producer.poll(milliseconds: 20) }
  }

  func send(_ topic: String, key: String? = nil, _ value: String, headers: [(String, String)] = [], token: UInt64)
    -> Acceptance
  {
    let index = Array(topic.utf8).withUnsafeBytes { producer.topic($0) }
    guard let index else { return .refused(.unknownTopic) }
    let names = headers.map { Array($0.0.utf8) }
    let values = headers.map { Array($0.1.utf8) }
    func lend(_ position: Int, _ lent: [RecordHeader]) -> Acceptance {
      if position < headers.count {
        return names[position].withUnsafeBytes { name in
          values[position].withUnsafeBytes { lend(position + 1, lent + [RecordHeader(name: name, value: $0)]) }
        }
      }
      return Array(value.utf8).withUnsafeBytes { value in
        guard let key else {
          return producer.produce(topic: index, key: nil, value: value, headers: lent, token: token)
        }
        return Array(key.utf8).withUnsafeBytes {
          producer.produce(topic: index, key: $0, value: value, headers: lent, token: token)
        }
      }
    }
    return lend(0, [])
  }

  func close() {
    poller?.stop()
    producer.close()
  }
}

/// Collects records; settles each at once, or when told to.
final class Records: Collector, RecordReceiver, @unchecked Sendable {
  struct Record: Sendable {
    let partition: Int32
    let offset: Int64
    let key: String?
    let value: String
    let headers: [String: String]
    let reference: RecordReference
  }

  private let notedRecords = Mutex<[Record]>([])
  private let notedPartitions = Mutex<[TopicPartition]>([])

  var records: [Record] { notedRecords.withLock { $0 } }
  var partitions: [TopicPartition] { notedPartitions.withLock { $0 } }
  /// Whether to say that there is no room.
  var busy = false
  /// Called for each record, outside of the lock.
  var handle: @Sendable (Record) -> Void = { _ in }

  func received(_ record: IncomingRecord, _ reference: RecordReference) -> Reception {
    if condition.withLock({ busy }) { return .busy }
    func text(_ bytes: UnsafeRawBufferPointer?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }
    let copy = Record(
      partition: record.partition, offset: record.offset, key: text(record.key), value: text(record.value) ?? "",
      headers: Dictionary(record.headers.map { (text($0.name) ?? "", text($0.value) ?? "") }) { $1 },
      reference: reference)
    note { notedRecords.withLock { $0.append(copy) } }
    handle(copy)
    return .taken
  }

  func assigned(_ partitions: [TopicPartition]) {
    note { notedPartitions.withLock { $0 = partitions } }
  }
}

/// A consumer that is polled.
final class TestConsumer: @unchecked Sendable {
  let records = Records()
  let consumer: KafkaConsumer
  private var poller: Poller?

  init(
    _ addresses: String, topic: String, group: String, settles: Bool = true, limit: Int = 1000,
    settings: [ClientSetting] = []
  ) throws {
    // Short, because the mock waits almost a whole session for members that have left without a word.
    let fixed = [
      ClientSetting("bootstrap.servers", addresses), ClientSetting("group.id", group),
      ClientSetting("session.timeout.ms", "4000"), ClientSetting("heartbeat.interval.ms", "300"),
      ClientSetting("auto.offset.reset", "earliest"), ClientSetting("statistics.interval.ms", "100"),
      ClientSetting("topic.metadata.refresh.interval.ms", "1000"),
    ]
    let defaults = ClientSettings.consumerDefaults.filter { one in
      !(fixed + settings).contains { $0.name == one.name }
    }
    let consumer = try KafkaConsumer(
      settings: defaults + fixed + settings, address: addresses, topics: [topic], unsettledLimit: limit,
      revokeWait: 500,
      receiver: records, observer: records)
    self.consumer = consumer
    if settles { records.handle = { [weak consumer] in consumer?.settle($0.reference) } }
    poller = Poller { consumer.poll(milliseconds: 20) }
  }

  func close() {
    poller?.stop()
    poller = nil
    consumer.close(seconds: 10)
  }

  deinit { poller?.stop() }
}
