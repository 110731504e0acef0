import BotPluginKit
import Glibc
import KafkaClient
import KafkaLog
import Synchronization

/// The plugin's descriptor, for the symbol that the image exports.
public func kafkaPlugin(_ hostMinor: UInt32) -> UnsafeRawPointer? { KafkaPlugin.entry(hostMinor) }

/// Kafka's records as events and methods, with a cluster or, without one, out of the host's own journal.
///
/// Runs on its lane; librdkafka's clients are polled on threads of the host's.
final class KafkaPlugin: BotPlugin {
  typealias Configuration = KafkaSettings

  static let table = PluginTable<KafkaPlugin>(name: "kafka", version: "1.0.0") {
    Handler("on_bridge", KafkaPlugin.onBridge)
    Handler("on_log", KafkaPlugin.onLog)
    Handler("on_spool", KafkaPlugin.onSpool)
    Method("publish", KafkaPlugin.publish)
    Method("state", KafkaPlugin.state)
  }

  private enum Records {
    case embedded(EmbeddedRecords)
    case cluster(Cluster)
  }

  private let host: Host
  private let configuration: KafkaConfiguration
  private let report: ConnectionReport
  private let records: Records
  private var request = PublishRequest()

  init(configuration settings: KafkaSettings, host: Host) throws {
    self.host = host
    do throws(ConfigurationFaults) {
      configuration = try KafkaConfiguration(settings)
    } catch {
      throw PluginError.invalid(error.description)
    }
    report = try ConnectionReport(host: host)
    switch configuration.brokers {
    case .embedded: records = .embedded(try EmbeddedRecords(configuration, host: host, report: report))
    case .cluster(let address):
      records = .cluster(try Cluster(configuration, address: address, host: host, report: report))
    }
  }

  // MARK: Life

  func activate() throws {
    switch records {
    case .embedded(let embedded): try embedded.activate()
    case .cluster(let cluster): try cluster.activate()
    }
  }

  func quiesce(deadline: Int64) throws {
    switch records {
    case .embedded(let embedded): embedded.quiesce()
    case .cluster(let cluster): cluster.quiesce(deadline: deadline)
    }
  }

  func resume() throws { try activate() }

  func health() -> Health {
    switch records {
    case .embedded: Health(ok: true, detail: "records are kept by this host")
    case .cluster(let cluster): cluster.health()
    }
  }

  // MARK: Methods

  /// `{key?, value, topic?, headers?}` to `{topic, partition, offset}`, when the record is where it belongs.
  func publish(_ call: borrowing Call) throws {
    let argument = call.argument
    if let fault = request.read(argument) { throw PluginError.invalid(fault) }
    switch records {
    case .cluster(let cluster):
      let outgoing = try cluster.producer()
      let topic = try topic(argument, outgoing, cluster)
      guard let spool = cluster.spool else { return send(argument, to: topic, outgoing, .call(call.later())) }
      let name = request.withBytes(request.topic, of: argument) { bytes in
        bytes.map { String(decoding: $0, as: UTF8.self) } ?? configuration.topic
      }
      let result = request.withBytes(request.key, of: argument) { key in
        Result { () throws(PluginError) in try spool.keep(argument, key: key, for: name, call) }
      }
      try result.get()
    case .embedded(let embedded):
      let name = request.withBytes(request.topic, of: argument) { bytes in
        bytes.map { String(decoding: $0, as: UTF8.self) } ?? configuration.topic
      }
      guard !name.isEmpty else { throw Self.noTopic }
      let result = request.withBytes(request.key, of: argument) { key in
        request.withBytes(request.value, of: argument) { value in
          withHeaders(of: argument) { headers in
            Result { () throws(PluginError) in
              try embedded.publish(name, key: key, value: value, headers: headers, call)
            }
          }
        }
      }
      try result.get()
    }
  }

  /// Sends the record that `request` has read.
  private func send(_ argument: UnsafeRawBufferPointer, to topic: Int, _ outgoing: OutgoingLink, _ waiter: Waiter) {
    request.withBytes(request.key, of: argument) { key in
      request.withBytes(request.value, of: argument) { value in
        withHeaders(of: argument) { outgoing.send(topic: topic, key: key, value: value, headers: $0, waiter) }
      }
    }
  }

  private static let noTopic = PluginError.invalid("no topic: give `topic`, here or in the configuration")

  private func topic(_ argument: UnsafeRawBufferPointer, _ outgoing: OutgoingLink, _ cluster: Cluster) throws -> Int {
    switch request.topic {
    case .absent, .null:
      guard let topic = cluster.ownTopic else { throw Self.noTopic }
      return topic
    default:
      let topic = request.withBytes(request.topic, of: argument) { $0.flatMap { outgoing.topic($0) } }
      guard let topic else {
        throw PluginError.invalid("`topic` is no name that Kafka takes: 1 to 249 of letters, digits, `.`, `_`, `-`")
      }
      return topic
    }
  }

  private func withHeaders<Result>(
    of argument: UnsafeRawBufferPointer, _ body: ([RecordHeader]) -> Result
  ) -> Result {
    func lend(_ rest: ArraySlice<(name: PublishRequest.Field, value: PublishRequest.Field)>, _ lent: [RecordHeader])
      -> Result
    {
      guard let first = rest.first else { return body(lent) }
      return request.withBytes(first.name, of: argument) { name in
        request.withBytes(first.value, of: argument) { value in
          lend(
            rest.dropFirst(),
            lent + [RecordHeader(name: name ?? UnsafeRawBufferPointer(start: nil, count: 0), value: value)])
        }
      }
    }
    return lend(request.headers[...], [])
  }

  /// How the connection is.
  func state(_ call: borrowing Call) throws {
    struct State: Encodable {
      let connected: Bool
      let detail: String
      let unreported: Int
      let open: Int
    }
    let health = health()
    guard case .cluster(let cluster) = records else {
      return try call.reply(State(connected: true, detail: health.detail, unreported: 0, open: 0))
    }
    try call.reply(
      State(connected: health.ok, detail: health.detail, unreported: cluster.unreported, open: cluster.open))
  }

  // MARK: Events

  /// An event that leaves the host over the bridge; acknowledged when the broker has it.
  func onBridge(_ event: borrowing Event) throws -> Outcome {
    guard case .cluster(let cluster) = records else { return .skip }
    return try cluster.send(event)
  }

  /// A record of this instance that waits in the journal; acknowledged when the broker has it.
  func onSpool(_ event: borrowing Event) throws -> Outcome {
    guard event.source == host.instance else { return .skip }
    guard case .cluster(let cluster) = records else {
      throw PluginError.retry("the record waits for `brokers`, which this instance has no longer")
    }
    let argument = event.payload
    if let fault = request.read(argument) { throw PluginError.reject(fault) }
    let outgoing = try cluster.producer()
    let topic: Int
    do { topic = try self.topic(argument, outgoing, cluster) } catch {
      throw PluginError.reject("\(error)")
    }
    send(argument, to: topic, outgoing, .delivery(event.later()))
    return .done
  }

  /// An event on a topic that stands for one of Kafka's.
  func onLog(_ event: borrowing Event) throws -> Outcome {
    guard case .embedded(let embedded) = records else { return .skip }
    return try embedded.handle(event)
  }
}

extension KafkaSettings: ManifestConfiguration {}
