import BotPluginKit
import Glibc
import KafkaClient
import KafkaLog
import Synchronization

/// The instance's clients of a Kafka cluster. Used on the lane; what its clients' threads need is in the links.
final class Cluster {
  private let configuration: KafkaConfiguration
  private let address: String
  private let host: Host
  private let report: ConnectionReport
  private let links = Links()
  private var quiesced = false
  private var routes = ByteTable<Route?>()
  private var chat = ChatRecord()
  private let hostName: String
  /// Keeps records until the broker has them, where the configuration wants that.
  let spool: Spool?
  /// The configured topic's number, of the producer that there is now.
  private(set) var ownTopic: Int?

  private struct Route {
    let topic: Int
    let format: BridgeRule.RecordFormat
  }

  /// What both threads know of each other.
  private final class Links: Sendable {
    private let links = Mutex<(outgoing: OutgoingLink?, incoming: IncomingLink?)>((nil, nil))
    var outgoing: OutgoingLink? {
      get { links.withLock { $0.outgoing } }
      set { links.withLock { $0.outgoing = newValue } }
    }
    var incoming: IncomingLink? {
      get { links.withLock { $0.incoming } }
      set { links.withLock { $0.incoming = newValue } }
    }
  }

  /// Topics of the bus whose destination is remembered.
  private static let routeLimit = 10_000

  init(_ configuration: KafkaConfiguration, address: String, host: Host, report: ConnectionReport) throws {
    self.configuration = configuration
    self.address = address
    self.host = host
    self.report = report
    hostName = HostName.make(dataDirectory: host.dataDirectory)
    spool = configuration.spools ? try Spool(host: host) : nil
  }

  func activate() throws {
    quiesced = false
    try spool?.start()
    // After a swap that was called off, the old ones have ended.
    links.outgoing = nil
    links.incoming = nil
    report.changed(
      configuration.consumes ? .consumer : .producer, ConnectionState(address: address, now: host.unixTime / 1_000_000))
    // Dead letters are sent from another thread, which cannot make the producer.
    if !configuration.consumes || !configuration.deadLetterTopic.isEmpty { _ = try producer() }
    guard configuration.consumes else { return }
    let links = links
    let incoming = try IncomingLink(
      configuration, address: address, settings: try settings(.consumer), hostName: hostName, host: host,
      report: report,
      deadLetter: { links.outgoing?.send($0) })
    links.incoming = incoming
    try incoming.start()
  }

  func quiesce(deadline: Int64) {
    quiesced = true
    spool?.finish()
    // Some time is left to close the clients.
    let end = max(host.monotonicTime, deadline - 500_000_000)
    links.incoming?.quiesce(deadline: end)
    links.outgoing?.quiesce(deadline: end)
  }

  deinit {
    // They hold each other.
    links.outgoing = nil
    links.incoming = nil
  }

  /// The producer; made at its first use.
  func producer() throws -> OutgoingLink {
    if quiesced { throw PluginError.retry("the plugin is being replaced", after: .milliseconds(10)) }
    if let outgoing = links.outgoing { return outgoing }
    let links = links
    let outgoing = try OutgoingLink(
      configuration, address: address, settings: try settings(.producer), host: host, report: report,
      letterArrived: { links.incoming?.settle($0) })
    try outgoing.start()
    links.outgoing = outgoing
    routes.removeAll()
    if !configuration.topic.isEmpty { ownTopic = configuration.topic.withTextBytes { outgoing.topic($0) } }
    return outgoing
  }

  /// Sends an event over the bridge; it is acknowledged by the broker's report.
  func send(_ event: borrowing Event) throws -> Outcome {
    // What came over a bridge stays here.
    if event.headers[Bridge.Header.host] != nil { return .skip }
    let outgoing = try producer()
    guard let route = route(of: event.topic.bytes, outgoing) else { return .skip }
    switch route.format {
    case .event: sendAsEvent(event, route.topic, outgoing)
    case .chat: try sendAsChat(event, route.topic, outgoing)
    }
    return .done
  }

  var unreported: Int { links.outgoing?.unreported ?? 0 }
  var open: Int { links.incoming?.open ?? 0 }

  func health() -> Health {
    guard let (connected, text) = report.description(now: host.unixTime / 1_000_000) else {
      return Health(ok: false, detail: "not connected to the broker at \(address)")
    }
    return Health(ok: connected, detail: "\(text); \(unreported) records without a report, \(open) not handled yet")
  }

  // MARK: Parts

  private func settings(_ role: ClientRole) throws -> [ClientSetting] {
    var password: String?
    if configuration.passwordIsSet {
      password = try host.secret("password").withBytes { String(decoding: $0, as: UTF8.self) }
    }
    return ClientSettings.merged(configuration, role: role, instance: host.instance, password: password)
  }

  private func route(of topic: UnsafeRawBufferPointer, _ outgoing: OutgoingLink) -> Route? {
    if let known = routes.value(of: topic) { return known }
    let destination = configuration.bridge.destination(of: String(decoding: topic, as: UTF8.self))
    let route = destination.flatMap { destination in
      destination.topic.withTextBytes { outgoing.topic($0) }.map { Route(topic: $0, format: destination.format) }
    }
    if routes.count < Self.routeLimit { routes.add(topic, route) }
    return route
  }

  private func sendAsEvent(_ event: borrowing Event, _ topic: Int, _ outgoing: OutgoingLink) {
    var headers: [RecordHeader] = []
    func add(_ name: StaticString, _ value: UnsafeRawBufferPointer) {
      headers.append(
        RecordHeader(name: UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount), value: value))
    }
    for header in event.headers { headers.append(RecordHeader(name: header.name.bytes, value: header.value)) }
    add("bothost-topic", event.topic.bytes)
    add("bothost-source", event.source.bytes)
    if !event.correlationID.isEmpty { add("bothost-correlation", event.correlationID.bytes) }
    if !event.contentType.isEmpty { add("content-type", event.contentType.bytes) }
    let key = event.key.isEmpty ? nil : event.key.bytes
    let payload = event.payload
    let waiter = Waiter.delivery(event.later())
    hostName.withTextBytes { name in
      add("bothost-host", name)
      outgoing.send(topic: topic, key: key, value: payload, headers: headers, waiter)
    }
  }

  private func sendAsChat(_ event: borrowing Event, _ topic: Int, _ outgoing: OutgoingLink) throws {
    let payload = event.payload
    let time = event.time / 1_000_000
    let source = event.source.bytes
    let delivery = event.later()
    let sent: Void? = chat.withRecord(of: payload, time: time) { key, value in
      hostName.withTextBytes { name in
        let headers = [
          RecordHeader(name: Self.bytes("bothost-bot"), value: source),
          RecordHeader(name: Self.bytes("bothost-host"), value: name),
        ]
        outgoing.send(topic: topic, key: key, value: value, headers: headers, Waiter.delivery(delivery))
      }
    }
    guard sent == nil else { return }
    try delivery.nack(
      PluginError.reject("the payload is no line of chat: `channel` and `message.text` are needed, as on chat.message"))
  }

  private static func bytes(_ name: StaticString) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
  }
}

/// The name by which a host recognises its own records: the same for all instances in it, over restarts, and another for every other host.
enum HostName {
  static func make(dataDirectory: String) -> String {
    var machine = [CChar](repeating: 0, count: 256)
    gethostname(&machine, machine.count - 1)
    let name = String(decoding: machine.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    // Instances have directories of their own below the host's.
    let place = dataDirectory.split(separator: "/").dropLast().joined(separator: "/")
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in (place.isEmpty ? "\(getpid())" : place).utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return "\(name)-\(String(hash, radix: 16))"
  }
}
