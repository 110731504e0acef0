import CBotHost
import Foundation
import KafkaLog
import Testing

/// The whole plugin through the C ABI, with a mock cluster behind it.
@Suite struct PluginTests {
  /// Short times, because the mock waits almost a whole session for members that have left.
  static let quick = """
    "settings": {"session.timeout.ms": 4000, "heartbeat.interval.ms": 300, "topic.metadata.refresh.interval.ms": 500}
    """

  @Test func publishAnswersWhenTheBrokerHasTheRecord() throws {
    let cluster = try MockCluster()
    try cluster.command("topic taco_bell 1")
    let host = try PluginHost("{\"brokers\": \"\(cluster.addresses)\", \"topic\": \"taco_bell\"}")
    let first = try #require(host.answer("publish", "{\"key\": \"#c\", \"value\": {\"message\": \"hi\"}}"))
    #expect(first.rc == 0)
    #expect(first.text == "{\"topic\":\"taco_bell\",\"partition\":0,\"offset\":0}")
    let calls = (0..<500).map { host.call("publish", "{\"value\": \"v\($0)\", \"headers\": {\"n\": \"\($0)\"}}") }
    #expect(host.wait { calls.allSatisfy { host.replies[$0] != nil } })
    #expect(calls.map { host.replies[$0]?.fields["offset"] as? Int } == (1...500).map { $0 })
    let other = try #require(host.answer("publish", "{\"topic\": \"other\", \"value\": 5}"))
    #expect(other.fields["topic"] as? String == "other")
    let reader = try TestConsumer(cluster.addresses, topic: "taco_bell", group: "g")
    #expect(reader.records.wait { reader.records.records.count == 501 })
    #expect(reader.records.records[0].key == "#c")
    #expect(reader.records.records[0].value == "{\"message\": \"hi\"}")
    #expect(reader.records.records[100].headers == ["n": "99"])
    reader.close()
    #expect(host.events("kafka.state").last?.fields["connected"] as? Bool == true)
    // A subscriber that waits for a report must not be waited for by the thread that brings the reports.
    #expect(host.events("kafka.state").allSatisfy { $0.isFromLane })
    #expect(host.health()["ok"] as? Bool == true)
    host.stop()
  }

  @Test func wrongCallsAreAnsweredWithTheReason() throws {
    let host = try PluginHost("{\"brokers\": \"127.0.0.1:1\"}")
    for (argument, reason) in [
      ("{}", "there is no `value`"), ("{\"value\": 1}", "no topic"), ("{\"value\": 1, \"topic\": \"a b\"}", "no name"),
    ] {
      let answer = try #require(host.answer("publish", argument))
      #expect(answer.rc == Int32(BH_E_INVALID))
      #expect(answer.text.contains(reason), "\(answer.text)")
    }
    host.stop(seconds: 1)
  }

  @Test func aWrongConfigurationIsRefusedWithAllReasons() throws {
    #expect {
      try PluginHost("{\"brokers\": \"h:1\", \"start\": \"newest\", \"settings\": {\"acks\": 1}}")
    } throws: {
      "\($0)".contains("start: `newest`") && "\($0)".contains("settings.acks")
    }
    #expect {
      try PluginHost("{\"brokers\": \"h:1\", \"settings\": {\"linger.mss\": 1}}")
    } throws: {
      "\($0)".contains("linger.mss")
    }
    #expect {
      try PluginHost("{\"bridge\": [{\"from\": \"a\"}]}")
    } throws: {
      "\($0)".contains("give `brokers`")
    }
  }

  @Test func recordsComeAsEventsAndAreCommittedWhenTheirHandlersAreDone() throws {
    let cluster = try MockCluster()
    try cluster.command("topic bot_messages 1")
    let sender = try TestProducer(cluster.addresses)
    for number in 0..<10 {
      _ = sender.send(
        "bot_messages", key: "#c", "{\"channel\": \"#c\", \"message\": \"m\(number)\"}", token: UInt64(number + 1))
    }
    #expect(sender.reports.wait { sender.reports.delivered.count == 10 })
    sender.close()
    let configuration = """
      {"brokers": "\(cluster.addresses)", "topic": "bot_messages", "group": "taco", "start": "earliest", \(Self.quick)}
      """
    let first = try PluginHost(configuration)
    #expect(first.wait { first.events("kafka.record").count == 10 })
    let event = try #require(first.events("kafka.record").first)
    #expect(event.key == "#c")
    #expect(event.fields["channel"] as? String == "#c")
    #expect(event.fields["value"] as? String == "m0")
    #expect(event.fields["offset"] as? Int == 0)
    // 4 stays open; what is behind it comes again.
    for event in first.events("kafka.record") where event.fields["offset"] as? Int != 4 { first.settle(event) }
    first.stop(seconds: 2)
    let second = try PluginHost(configuration)
    #expect(second.wait { second.events("kafka.record").count == 6 })
    #expect(second.events("kafka.record").compactMap { $0.fields["offset"] as? Int } == Array(4..<10))
    for event in second.events("kafka.record") { second.settle(event) }
    second.stop()
  }

  @Test func aRecordThatNobodyCanHandleGoesToTheDeadLetterTopic() throws {
    let cluster = try MockCluster()
    try cluster.command("topic in 1")
    try cluster.command("topic dead 1")
    let sender = try TestProducer(cluster.addresses)
    _ = sender.send("in", key: "k", "poison", headers: [("id", "7"), ("error", "old")], token: 1)
    _ = sender.send("in", "good", token: 2)
    #expect(sender.reports.wait { sender.reports.delivered.count == 2 })
    sender.close()
    let configuration = """
      {"brokers": "\(cluster.addresses)", "topic": "in", "group": "g", "start": "earliest", "dead_letter_topic": "dead", \(Self.quick)}
      """
    let host = try PluginHost(configuration)
    #expect(host.wait { host.events("kafka.record").count == 2 })
    host.settle(host.events("kafka.record")[0], BH_E_REJECT, "no such channel")
    host.settle(host.events("kafka.record")[1])
    let reader = try TestConsumer(cluster.addresses, topic: "dead", group: "r")
    #expect(reader.records.wait { reader.records.records.count == 1 })
    let letter = try #require(reader.records.records.first)
    #expect(letter.value == "poison")
    #expect(letter.key == "k")
    let expected = [
      "id": "7", "error": "no such channel", "source-topic": "in", "source-partition": "0", "source-offset": "0",
    ]
    #expect(letter.headers == expected)
    reader.close()
    // The record counts as handled.
    #expect(host.wait { (host.answer("state", "{}")?.fields["open"] as? Int) == 0 })
    host.stop()
  }

  @Test func aBusyHostGetsTheRecordAgain() throws {
    let cluster = try MockCluster()
    try cluster.command("topic in 1")
    let sender = try TestProducer(cluster.addresses)
    for number in 0..<5 { _ = sender.send("in", "\(number)", token: UInt64(number + 1)) }
    #expect(sender.reports.wait { sender.reports.delivered.count == 5 })
    sender.close()
    let host = try PluginHost(
      "{\"brokers\": \"\(cluster.addresses)\", \"topic\": \"in\", \"group\": \"g\", \"start\": \"earliest\", \(Self.quick)}"
    )
    host.condition.withLock { host.refusesPublish = Int32(BH_E_BUSY) }
    #expect(host.wait { host.condition.withLock { host.log.contains { $0.contains("partitions assigned") } } })
    host.condition.withLock { host.refusesPublish = 0 }
    #expect(host.wait { host.events("kafka.record").count == 5 })
    #expect(host.events("kafka.record").compactMap { $0.fields["offset"] as? Int } == Array(0..<5))
    for event in host.events("kafka.record") { host.settle(event) }
    host.stop()
  }

  @Test func twoHostsShareTheirEventsOverTheBridgeWithoutACircle() throws {
    let cluster = try MockCluster()
    try cluster.command("topic bus.chat.say 1")
    func configuration(_ group: String) -> String {
      """
      {"brokers": "\(cluster.addresses)", "group": "\(group)", "start": "earliest",
      "bridge": [{"from": "chat.**", "to": "bus.{topic}"}, {"topic": "bus.**"}], \(Self.quick)}
      """
    }
    let one = try PluginHost(configuration("one"), directory: "/tmp/one/kafka")
    let two = try PluginHost(configuration("two"), directory: "/tmp/two/kafka")
    let sent = one.deliver(
      "on_bridge", topic: "chat.say", "{\"text\": \"hi\"}", key: "#c", headers: ["trace": "5"])
    #expect(sent.rc == BH_ASYNC)
    #expect(one.wait { one.acknowledged.contains(sent.delivery) })
    #expect(two.wait { two.events("chat.say").count == 1 })
    let arrived = try #require(two.events("chat.say").first)
    #expect(arrived.payload == "{\"text\": \"hi\"}")
    #expect(arrived.key == "#c")
    #expect(arrived.headers["trace"] == "5")
    #expect(arrived.headers["bothost-source"] == "tester")
    let origin = try #require(arrived.headers["bothost-host"])
    two.settle(arrived)
    // What came over the bridge does not leave again.
    #expect(two.deliver("on_bridge", topic: "chat.say", arrived.payload, headers: arrived.headers).rc == BH_SKIP)
    // A foreign record comes in, too; the host's own does not come back.
    let foreign = try TestProducer(cluster.addresses)
    _ = foreign.send("bus.chat.say", "not json", token: 1)
    #expect(one.wait { one.events("chat.say").count == 1 })
    #expect(one.events("chat.say").first?.contentType == "text/plain; charset=utf-8")
    #expect(one.events("chat.say").first?.headers["bothost-host"] == "-")
    #expect(origin != "-")
    foreign.close()
    // It reaches both; each event is settled once.
    #expect(two.wait { two.events("chat.say").count == 2 })
    for host in [one, two] { for event in host.events("chat.say").suffix(1) { host.settle(event) } }
    one.stop()
    two.stop()
  }

  @Test func aLineOfChatLeavesAsAChatRecord() throws {
    let cluster = try MockCluster()
    try cluster.command("topic taco_bell 1")
    let host = try PluginHost(
      "{\"brokers\": \"\(cluster.addresses)\", \"bridge\": [{\"from\": \"chat.message\", \"to\": \"taco_bell\", \"as\": \"chat\"}]}"
    )
    let line = host.deliver(
      "on_bridge", topic: "chat.message",
      "{\"channel\": {\"id\": \"1\", \"name\": \"c\"}, \"author\": {\"name\": \"a\"}, \"message\": {\"id\": \"m\", \"text\": \"hi\"}}"
    )
    #expect(host.wait { host.acknowledged.contains(line.delivery) })
    let wrong = host.deliver("on_bridge", topic: "chat.message", "{}")
    #expect(host.wait { host.refused[wrong.delivery] == Int32(BH_E_REJECT) })
    let reader = try TestConsumer(cluster.addresses, topic: "taco_bell", group: "g")
    #expect(reader.records.wait { reader.records.records.count == 1 })
    #expect(reader.records.records.first?.key == "c")
    #expect(reader.records.records.first?.value.contains("\"username\":\"a\"") == true)
    reader.close()
    host.stop()
  }

  @Test func saysWhatItWaitsForOnceAndWhenItIsThere() throws {
    let cluster = try MockCluster()
    try cluster.command("topic t 1")
    try cluster.command("down 1")
    let host = try PluginHost("{\"brokers\": \"\(cluster.addresses)\", \"topic\": \"t\"}")
    #expect(host.wait { host.events("kafka.state").contains { $0.fields["state"] as? String == "waiting" } })
    #expect(host.health()["ok"] as? Bool == false)
    let detail = try #require(host.health()["detail"] as? String)
    #expect(detail.contains("waiting for the broker at \(cluster.addresses)"))
    #expect(detail.contains("since"))
    let call = host.call("publish", "{\"value\": \"v\"}")
    try cluster.command("up 1")
    #expect(host.wait { host.replies[call]?.rc == 0 })
    #expect(host.wait { host.events("kafka.state").last?.fields["connected"] as? Bool == true })
    let lines = host.condition.withLock { host.log.filter { $0.hasPrefix("waiting for the broker") } }
    #expect(lines.count == 1)
    host.stop()
  }

  @Test func whatIsSpooledIsAnsweredAtOnceAndSentFromTheJournal() throws {
    let cluster = try MockCluster()
    try cluster.command("topic t 1")
    try cluster.command("down 1")
    let host = try PluginHost(
      "{\"brokers\": \"\(cluster.addresses)\", \"topic\": \"t\", \"spool\": true}", instance: "chatlog")
    let answer = try #require(
      host.answer("publish", "{\"key\": \"#c\", \"value\": {\"a\": 1}, \"headers\": {\"n\": \"1\"}}"))
    #expect(answer.rc == 0)
    #expect(answer.text == "{\"topic\":\"t\",\"partition\":-1,\"offset\":-1}")
    let kept = try #require(host.events("kafka.spool").first)
    #expect(kept.key == "#c")
    // Nothing has a place in Kafka for this: it is not kept.
    #expect(host.answer("publish", "{\"topic\": \"a b\", \"value\": 1}")?.rc == Int32(BH_E_INVALID))
    #expect(host.events("kafka.spool").count == 1)
    // Another instance's records are not this one's.
    #expect(host.deliver("on_spool", topic: "kafka.spool", kept.payload, source: "other").rc == BH_SKIP)
    let sent = host.deliver("on_spool", topic: "kafka.spool", kept.payload, key: kept.key, source: "chatlog")
    #expect(sent.rc == BH_ASYNC)
    #expect(!host.acknowledged.contains(sent.delivery))
    try cluster.command("up 1")
    #expect(host.wait { host.acknowledged.contains(sent.delivery) })
    let reader = try TestConsumer(cluster.addresses, topic: "t", group: "g")
    #expect(reader.records.wait { reader.records.records.count == 1 })
    #expect(reader.records.records.first?.value == "{\"a\": 1}")
    #expect(reader.records.records.first?.key == "#c")
    #expect(reader.records.records.first?.headers == ["n": "1"])
    reader.close()
    host.stop()
  }

  @Test func recordsThatComeAgainAreKnownByTheirKey() throws {
    let cluster = try MockCluster()
    try cluster.command("topic in 1")
    let sender = try TestProducer(cluster.addresses)
    _ = sender.send("in", key: "1", "a", token: 1)
    let host = try PluginHost(
      """
      {"brokers": "\(cluster.addresses)", "topic": "in", "group": "g", "start": "earliest", "dedupe_key": true, \(Self.quick)}
      """)
    #expect(host.wait { host.events("kafka.record").count == 1 })
    host.settle(host.events("kafka.record")[0])
    for (token, (key, value)) in [("1", "a"), (nil, "without a key"), ("2", "b")].enumerated() {
      _ = sender.send("in", key: key, value, token: UInt64(token + 2))
    }
    #expect(host.wait { host.events("kafka.record").count == 3 })
    #expect(host.events("kafka.record").compactMap { $0.fields["value"] as? String } == ["a", "without a key", "b"])
    for event in host.events("kafka.record").suffix(2) { host.settle(event) }
    #expect(host.wait { host.answer("state", "{}")?.fields["open"] as? Int == 0 })
    sender.close()
    host.stop()
  }

  @Test func aMemberWithAFixedNameHasItsPartitionsBackAtOnce() throws {
    let cluster = try MockCluster()
    try cluster.command("topic in 1")
    let sender = try TestProducer(cluster.addresses)
    let configuration = """
      {"brokers": "\(cluster.addresses)", "topic": "in", "group": "g", "start": "earliest", "member": "host-1", \(Self.quick)}
      """
    for round in 0..<2 {
      _ = sender.send("in", "\(round)", token: UInt64(round + 1))
      let host = try PluginHost(configuration)
      #expect(host.wait { host.events("kafka.record").count == 1 })
      #expect(host.events("kafka.record").first?.fields["value"] as? String == "\(round)")
      host.settle(host.events("kafka.record")[0])
      host.stop()
    }
    sender.close()
    #expect {
      try PluginHost(
        "{\"brokers\": \"h:1\", \"topic\": \"t\", \"settings\": {\"group.instance.id\": \"x\"}}")
    } throws: {
      "\($0)".contains("it is given by `member`")
    }
  }

  @Test func stoppingGivesBackWhatHasNoReport() throws {
    let cluster = try MockCluster()
    try cluster.command("topic t 1")
    try cluster.command("down 1")
    let host = try PluginHost(
      "{\"brokers\": \"\(cluster.addresses)\", \"topic\": \"t\", \"bridge\": [{\"from\": \"a.*\", \"to\": \"t\"}]}")
    let call = host.call("publish", "{\"value\": \"v\"}")
    let event = host.deliver("on_bridge", topic: "a.b", "{}")
    host.stop(seconds: 1)
    #expect(host.replies[call]?.rc == Int32(BH_E_RETRY))
    #expect(host.refused[event.delivery] == Int32(BH_E_RETRY))
  }
}

/// The same without a server.
@Suite struct EmbeddedTests {
  @Test func recordsAreEventsOfTheLogAndComeBackAsRecords() throws {
    let writer = try PluginHost("{\"topic\": \"bot_messages\"}", instance: "chatlog")
    #expect(writer.events("kafka.state").first?.fields["connected"] as? Bool == true)
    let answers = try (0..<3).map { number in
      try #require(
        writer.answer("publish", "{\"key\": \"#c\", \"value\": {\"channel\": \"#c\", \"message\": \"m\(number)\"}}"))
    }
    #expect(answers.allSatisfy { $0.rc == 0 })
    #expect(answers.map { $0.fields["offset"] as? Int } == [0, 1, 2])
    #expect(answers[0].fields["topic"] as? String == "bot_messages")
    let logged = writer.events("log.bot_messages")
    #expect(logged.count == 3)
    #expect(logged[0].key == "#c")

    let reader = try PluginHost("{\"topic\": \"bot_messages\", \"group\": \"taco\"}", instance: "inbox")
    let delivered = reader.deliver("on_log", topic: "log.bot_messages", logged[2].payload, key: "#c")
    #expect(delivered.rc == BH_ASYNC)
    let record = try #require(reader.events("kafka.record").first)
    #expect(record.fields["value"] as? String == "m2")
    #expect(record.fields["offset"] as? Int == 2)
    #expect(record.fields["topic"] as? String == "bot_messages")
    #expect(!reader.acknowledged.contains(delivered.delivery))
    reader.settle(record)
    #expect(reader.acknowledged.contains(delivered.delivery))
    // Another topic, and a writer that does not read, leave it.
    #expect(reader.deliver("on_log", topic: "log.other", "{}").rc == BH_SKIP)
    #expect(writer.deliver("on_log", topic: "log.bot_messages", logged[0].payload).rc == BH_SKIP)
    // A host that is stopping gives the record back.
    let again = reader.deliver("on_log", topic: "log.bot_messages", logged[1].payload)
    reader.settle(try #require(reader.events("kafka.record").last), BH_E_CANCELLED)
    #expect(reader.refused[again.delivery] == Int32(BH_E_RETRY))
    reader.stop()
    writer.stop()
  }

  @Test func offsetsGoOnAfterARestart() throws {
    let first = try PluginHost("{\"topic\": \"t\"}")
    for _ in 0..<3 { #expect(first.answer("publish", "{\"value\": 1}")?.rc == 0) }
    first.stop()
    let second = try PluginHost("{\"topic\": \"t\"}", store: first.store)
    #expect(second.answer("publish", "{\"value\": 1}")?.fields["offset"] as? Int == 3)
    second.stop()
  }

  @Test func aTopicThatTheHostCannotHaveIsRefused() throws {
    let host = try PluginHost("{}")
    #expect(host.answer("publish", "{\"value\": 1, \"topic\": \"a..b\"}")?.text.contains("give `brokers`") == true)
    #expect(host.answer("publish", "{\"value\": 1}")?.rc == Int32(BH_E_INVALID))
    host.stop()
  }
}
