import Foundation
import KafkaClient
import KafkaLog
import Testing

/// Against Apache Kafka, with kcat as the foreign client.
@Suite(.serialized, .enabled(if: RealBroker.missing == nil, "there is no real Kafka broker here"))
struct RealBrokerTests {
  /// No member is put out of its group on a machine that stands still for some seconds. A broker, other than the mock, hears of those who
  /// leave.
  private static let patient = [ClientSetting("session.timeout.ms", "30000")]

  @Test func foreignClientsReadWhatIsWrittenAndWriteWhatIsRead() throws {
    let broker = try RealBroker()
    try broker.createTopic("t", partitions: 1)
    let sender = try TestProducer(broker.addresses)
    for token in 1...100 {
      _ = sender.send(
        "t", key: "room", "{\"n\": \(token), \"s\": \"é\\\"\"}", headers: [("src", "twitch")], token: UInt64(token))
    }
    #expect(sender.reports.wait { sender.reports.delivered.count == 100 })
    sender.close()
    let read = try Kcat.read(broker.addresses, "t")
    #expect(read.count == 100)
    #expect(read.map(\.offset) == Array(0..<100))
    #expect(read.last?.payload == "{\"n\": 100, \"s\": \"é\\\"\"}")
    #expect(read.last?.key == "room")
    #expect(read.last?.headers == ["src", "twitch"])

    try Kcat.write(broker.addresses, "in", ["k1:hello", "k2:{\"message\": \"x\"}"], ["-K:", "-H", "id=5"])
    let reader = try TestConsumer(broker.addresses, topic: "in", group: "g")
    #expect(reader.records.wait { reader.records.records.count == 2 })
    #expect(Set(reader.records.records.map(\.value)) == ["hello", "{\"message\": \"x\"}"])
    #expect(reader.records.records.allSatisfy { $0.headers == ["id": "5"] })
    reader.close()
  }

  @Test func aBrokerThatIsKilledAndComesBackLosesNothingAndKeepsTheOrder() throws {
    let broker = try RealBroker()
    try broker.createTopic("t", partitions: 2)
    let sender = try TestProducer(broker.addresses, settings: [ClientSetting("queue.buffering.max.messages", "1000")])
    let reader = try TestConsumer(broker.addresses, topic: "t", group: "g")
    for token in 0..<3000 {
      if token == 1000 {
        #expect(sender.reports.wait { sender.reports.delivered.count > 100 })
        try broker.kill()
      }
      #expect(sender.send("t", key: "room\(token % 7)", "\(token)", token: UInt64(token)) == .taken)
    }
    #expect(sender.reports.wait { sender.reports.states.contains { $0.hasPrefix("waiting for the broker") } })
    try broker.start()
    #expect(sender.reports.wait { sender.reports.delivered.count == 3000 })
    #expect(sender.reports.failed.isEmpty)
    let read = try Kcat.read(broker.addresses, "t")
    #expect(read.count == 3000)
    for partition in 0..<2 {
      let numbers = read.filter { $0.partition == partition }.compactMap { Int($0.payload ?? "") }
      #expect(numbers == numbers.sorted())
    }
    #expect(reader.records.wait { Set(reader.records.records.map(\.value)).count == 3000 })
    reader.close()
    sender.close()
  }

  @Test func aConsumerThatDiesLeavesWhatIsOpenToTheNext() throws {
    let broker = try RealBroker()
    try broker.createTopic("t", partitions: 1)
    try Kcat.write(broker.addresses, "t", (0..<20).map { "\($0)" })
    let settings = [ClientSetting("session.timeout.ms", "6000")]
    let first = try TestConsumer(broker.addresses, topic: "t", group: "g", settles: false, settings: settings)
    #expect(first.records.wait { first.records.records.count == 20 })
    for record in first.records.records.prefix(5) { first.consumer.settle(record.reference) }
    first.close()
    let second = try TestConsumer(broker.addresses, topic: "t", group: "g", settings: settings)
    #expect(second.records.wait { second.records.records.count == 15 })
    #expect(second.records.records.map(\.value) == (5..<20).map { "\($0)" })
    second.close()
  }

  // Not against the mock: while members join, it refuses commits, which a broker takes.
  @Test func commitsOnRevocationSoThatTheNextOwnerGoesOnBehind() throws {
    let broker = try RealBroker()
    try broker.createTopic("t", partitions: 2)
    try Kcat.write(broker.addresses, "t", (0..<100).map { "k\($0):\($0)" }, ["-K:"])
    let first = try TestConsumer(broker.addresses, topic: "t", group: "g", settings: Self.patient)
    #expect(first.records.wait { first.records.records.count == 100 })
    let second = try TestConsumer(broker.addresses, topic: "t", group: "g", settings: Self.patient)
    #expect(second.records.wait { second.records.partitions.count == 1 })
    try Kcat.write(broker.addresses, "t", (100..<200).map { "k\($0):\($0)" }, ["-K:"])
    let all = { (first.records.records + second.records.records).map(\.value) }
    #expect(first.records.wait { Set(all()).count == 200 })
    #expect(all().count == 200)
    first.close()
    second.close()
  }

  @Test func sharesAGroupAndRebalances() throws {
    let broker = try RealBroker()
    try broker.createTopic("t", partitions: 4)
    let first = try TestConsumer(broker.addresses, topic: "t", group: "g", settings: Self.patient)
    #expect(first.records.wait { first.records.partitions.count == 4 })
    let second = try TestConsumer(broker.addresses, topic: "t", group: "g", settings: Self.patient)
    #expect(second.records.wait { second.records.partitions.count == 2 })
    #expect(first.records.wait { first.records.partitions.count == 2 })
    try Kcat.write(broker.addresses, "t", (0..<200).map { "k\($0):\($0)" }, ["-K:"])
    let all = { first.records.records.count + second.records.records.count }
    #expect(first.records.wait { all() >= 200 })
    second.close()
    #expect(first.records.wait { first.records.partitions.count == 4 })
    #expect(all() == 200)
    first.close()
  }

  @Test func saslIsAcceptedAndRefused() throws {
    let broker = try RealBroker()
    let address = try #require(broker.environment["KAFKA_SASL_BROKERS"])
    func settings(_ password: String) -> [ClientSetting] {
      [
        ClientSetting("security.protocol", "sasl_plaintext"), ClientSetting("sasl.mechanisms", "PLAIN"),
        ClientSetting("sasl.username", "bot"), ClientSetting("sasl.password", password),
      ]
    }
    let good = try TestProducer(address, settings: settings("taco"))
    _ = good.send("t", "v", token: 1)
    #expect(good.reports.wait { good.reports.delivered.count == 1 })
    good.close()
    let bad = try TestProducer(address, settings: settings("burrito"))
    _ = bad.send("t", "v", token: 1)
    #expect(bad.reports.wait { bad.reports.states.contains { $0.contains("refuses the connection") } })
    #expect(!(bad.reports.states + bad.reports.lines).contains { $0.contains("burrito") })
    bad.close()
  }

  @Test func tlsIsAcceptedAndRefused() throws {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("tls-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    func certificate(_ name: String) throws -> (certificate: String, key: String) {
      let paths = (
        directory.appendingPathComponent("\(name).pem").path, directory.appendingPathComponent("\(name).key").path
      )
      let (_, status) = try ChildProgram.run(
        "/usr/bin/openssl",
        [
          "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
          "subjectAltName=IP:127.0.0.1,DNS:localhost", "-out", paths.0, "-keyout", paths.1,
        ])
      #expect(status == 0)
      return paths
    }
    let own = try certificate("own")
    let other = try certificate("other")
    let broker = try RealBroker(options: ["--tls", own.certificate, own.key])
    let address = try #require(broker.environment["KAFKA_TLS_BROKERS"])
    func settings(_ authority: String) -> [ClientSetting] {
      [ClientSetting("security.protocol", "ssl"), ClientSetting("ssl.ca.location", authority)]
    }
    let good = try TestProducer(address, settings: settings(own.certificate))
    _ = good.send("t", "v", token: 1)
    #expect(good.reports.wait { good.reports.delivered.count == 1 })
    good.close()
    let bad = try TestProducer(address, settings: settings(other.certificate))
    _ = bad.send("t", "v", token: 1)
    #expect(bad.reports.wait { bad.reports.states.contains { $0.contains("refuses the connection") } })
    #expect(bad.reports.delivered.isEmpty)
    bad.close()
  }

  @Test func recordsThatTheBrokerRefusesAreReportedAsSuch() throws {
    let configuration = FileManager.default.temporaryDirectory.appendingPathComponent("small-\(UUID().uuidString)").path
    try "message.max.bytes=2000\n".write(toFile: configuration, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: configuration) }
    let broker = try RealBroker(options: ["--config", configuration])
    let sender = try TestProducer(broker.addresses, settings: [ClientSetting("compression.type", "none")])
    _ = sender.send("t", String(repeating: "x", count: 5000), token: 1)
    #expect(sender.reports.wait { sender.reports.failed.count == 1 })
    #expect(sender.reports.failed.first?.code == .messageTooLarge)
    _ = sender.send("t", "small", token: 2)
    #expect(sender.reports.wait { sender.reports.delivered.count == 1 })
    sender.close()
  }
}
