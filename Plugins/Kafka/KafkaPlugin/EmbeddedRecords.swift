import BotPluginKit
import KafkaLog

/// Records without a server: a topic's records are events on the durable topic `log.TOPIC`, which the host journals before `publish` answers.
///
/// Runs on the lane.
final class EmbeddedRecords {
  private let host: Host
  private let report: ConnectionReport
  private let recordTopic: Topic
  private let consumes: Set<String>
  private var log = EmbeddedLog()
  private var topics: [String: Topic] = [:]
  private var writer = RecordEvent()

  /// What a topic of the bus begins with that stands for one of Kafka's.
  static let prefix = "log."

  init(_ configuration: KafkaConfiguration, host: Host, report: ConnectionReport) throws {
    self.host = host
    self.report = report
    recordTopic = try host.topic("kafka.record")
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

  func activate() {
    report.embedded(now: host.unixTime / 1_000_000)
  }

  /// Writes a record; it is on disk when this returns.
  /// - Returns: the record's offset: its number among those that this instance has written to the topic.
  func publish(
    _ name: String, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?, headers: [RecordHeader]
  ) throws(PluginError) -> Int64 {
    let topic = try busTopic(name)
    if !log.knows(name) {
      log.restore(name, end: try host.kv.value("offset.\(name)", as: Int64.self) ?? 0)
    }
    let (offset, reservation) = log.next(name)
    if let reservation { try host.kv.put("offset.\(reservation.topic)", reservation.end) }
    let time = host.unixTime / 1_000_000
    let result = name.withTextBytes { bytes in
      let record = IncomingRecord(
        topic: bytes, partition: 0, offset: offset, timestamp: time, key: key, value: value, headers: headers)
      return writer.withPayload(of: record) { payload in
        Result { () throws(PluginError) in
          let empty = UnsafeRawBufferPointer(start: nil, count: 0)
          try host.publish(topic, json: payload, key: key.flatMap { UTF8Text.isValid($0) ? $0 : nil } ?? empty)
        }
      }
    }
    try result.get()
    return offset
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

  /// Keeps where the next start goes on.
  func quiesce() {
    for reservation in log.settle() { try? host.kv.put("offset.\(reservation.topic)", reservation.end) }
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
