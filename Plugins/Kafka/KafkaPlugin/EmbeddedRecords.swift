import BotPluginKit
import KafkaLog

/// Records without a server: a topic's records are events on the durable topic `log.TOPIC`, which the host journals before `publish` is
/// answered.
///
/// Runs on the lane; the disk is waited for elsewhere (`JournalWriter`).
final class EmbeddedRecords {
  private let host: Host
  private let report: ConnectionReport
  private let recordTopic: Topic
  private let consumes: Set<String>
  private var log = EmbeddedLog()
  private var topics: [String: Topic] = [:]
  private var record = RecordEvent()
  private let writer: JournalWriter

  /// What a topic of the bus begins with that stands for one of Kafka's.
  static let prefix = "log."

  init(_ configuration: KafkaConfiguration, host: Host, report: ConnectionReport) throws {
    self.host = host
    self.report = report
    recordTopic = try host.topic("kafka.record")
    writer = JournalWriter(host: host)
    guard configuration.bridge.rules.isEmpty else {
      throw PluginError.invalid("bridge: there is nobody to tie this host to; give `brokers`")
    }
    for topic in configuration.topics where topic.hasPrefix("^") {
      throw PluginError.invalid(
        "topics: `\(topic)`: without `brokers` only names can be consumed, no regular expressions")
    }
    let named = configuration.topics + (configuration.topic.isEmpty ? [] : [configuration.topic])
    consumes = configuration.consumes ? Set(named) : []
  }

  func activate() throws(PluginError) {
    try writer.start()
    report.embedded(now: host.unixTime / 1_000_000)
  }

  /// Writes a record; the call is answered when it is on disk, with the record's offset: its number among those that this instance has
  /// written to the topic.
  func publish(
    _ name: String, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?, headers: [RecordHeader],
    _ call: borrowing Call
  ) throws(PluginError) {
    let topic = try busTopic(name)
    if !log.knows(name) {
      log.restore(name, end: try host.kv.value("offset.\(name)", as: Int64.self) ?? 0)
    }
    let (offset, reservation) = log.next(name)
    let time = host.unixTime / 1_000_000
    let payload = name.withTextBytes { bytes in
      let incoming = IncomingRecord(
        topic: bytes, partition: 0, offset: offset, timestamp: time, key: key, value: value, headers: headers)
      return record.withPayload(of: incoming) { Array($0) }
    }
    let pending = call.later()
    do throws(PluginError) {
      try writer.add(
        .init(
          topic: topic, payload: payload,
          key: key.flatMap { UTF8Text.isValid($0) ? Array($0) : nil } ?? [],
          correlation: Array(call.correlationID.bytes),
          call: pending, reservation: reservation,
          answer: JournalWriter.answer(topic: name, partition: 0, offset: offset)))
    } catch {
      // A reservation that was not kept must not be counted on.
      if reservation != nil { log.forget(name) }
      try pending.fail(error)
    }
  }

  /// An event on a topic of the log: a record for this instance, or not.
  ///
  /// It is acknowledged when the handlers of `kafka.record` have, so that after a crash it comes again.
  func handle(_ event: borrowing Event) throws(PluginError) -> Outcome {
    guard !consumes.isEmpty else { return .skip }
    let name = event.topic.string
    guard name.hasPrefix(Self.prefix), consumes.contains(String(name.dropFirst(Self.prefix.count))) else {
      return .skip
    }
    let delivery = event.later()
    do throws(PluginError) {
      try host.publish(
        recordTopic, json: event.payload, key: event.key, correlationID: event.correlationID,
        settled: { result in
          switch result {
          case .success: try? delivery.ack()
          case .failure(let error) where error.code == .cancelled || error.code == .stale:
            try? delivery.nack(PluginError.retry("the host is stopping"))
          case .failure:
            // What could not be handled is among the dead letters already, under the handler that gave it up.
            try? delivery.ack()
          }
        })
    } catch {
      try? delivery.nack(error)
    }
    return .done
  }

  /// Lets what waits be written, and keeps where the next start goes on.
  func quiesce() {
    writer.finish(keeping: log.settle())
  }

  private func busTopic(_ name: String) throws(PluginError) -> Topic {
    if let topic = topics[name] { return topic }
    if let wrong = TopicName.fault(in: name) { throw .invalid("the topic `\(name)` \(wrong)") }
    let topic: Topic
    do throws(PluginError) {
      topic = try host.topic(Self.prefix + name)
    } catch {
      throw .invalid(
        "the topic `\(name)` can be no topic of the host (\(error.message)); give `brokers`, or another name")
    }
    topics[name] = topic
    return topic
  }
}
