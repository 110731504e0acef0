import Foundation
import KafkaLog
import Testing

@testable import KafkaClient

/// The producer against the mock cluster.
@Suite struct MockProducerTests {
  @Test func everyRecordHasItsReport() throws {
    let cluster = try MockCluster()
    try cluster.command("topic t 1")
    let sender = try TestProducer(cluster.addresses)
    for token in 1...1000 {
      #expect(sender.send("t", key: "k", "v\(token)", headers: [("h", "x")], token: UInt64(token)) == .taken)
    }
    #expect(sender.reports.wait { sender.reports.delivered.count == 1000 })
    #expect(sender.reports.failed.isEmpty)
    #expect(sender.reports.delivered.map(\.token) == (1...1000).map { UInt64($0) })
    #expect(sender.reports.delivered.map(\.offset) == (0..<1000).map { Int64($0) })
    #expect(sender.producer.waitForReports(until: .max / 2) == 0)
    #expect(sender.reports.states.first == "connected to the broker at \(cluster.addresses)")
    sender.close()
  }

  @Test func retriesWhatTheBrokerRefusesForNow() throws {
    let cluster = try MockCluster()
    try cluster.command("topic t 1")
    // Produce: NOT_LEADER_FOR_PARTITION, REQUEST_TIMED_OUT, and a connection that breaks.
    try cluster.command("err 0 6 7 -195")
    let sender = try TestProducer(cluster.addresses)
    for token in 1...50 { #expect(sender.send("t", "v\(token)", token: UInt64(token)) == .taken) }
    #expect(sender.reports.wait { sender.reports.delivered.count == 50 })
    #expect(sender.reports.failed.isEmpty)
    #expect(Set(sender.reports.delivered.map(\.offset)) == Set((0..<50).map { Int64($0) }))
    sender.close()
  }

  @Test func aFullQueueKeepsTheOrderAndDropsNothing() throws {
    let cluster = try MockCluster()
    try cluster.command("topic t 1")
    let sender = try TestProducer(cluster.addresses, settings: [ClientSetting("queue.buffering.max.messages", "10")])
    for token in 1...2000 { #expect(sender.send("t", "v\(token)", token: UInt64(token)) == .taken) }
    #expect(sender.reports.wait { sender.reports.delivered.count == 2000 })
    #expect(sender.reports.delivered.map(\.token) == (1...2000).map { UInt64($0) })
    #expect(sender.reports.delivered.map(\.offset) == (0..<2000).map { Int64($0) })
    sender.close()
  }

  @Test func beyondTheWaitingRoomItSaysThatItIsFull() throws {
    let cluster = try MockCluster()
    try cluster.command("topic t 1")
    try cluster.command("down 1")
    let sender = try TestProducer(
      cluster.addresses, settings: [ClientSetting("queue.buffering.max.messages", "10")], pendingLimit: 5)
    let answers = (1...20).map { sender.send("t", "v\($0)", token: UInt64($0)) }
    #expect(answers.prefix(15).allSatisfy { $0 == .taken })
    #expect(answers.dropFirst(15).allSatisfy { $0 == .full })
    #expect(sender.producer.unreported == 15)
    #expect(sender.reports.wait { sender.reports.states.contains { $0.hasPrefix("waiting for the broker at") } })
    try cluster.command("up 1")
    #expect(sender.reports.wait { sender.reports.delivered.count == 15 })
    #expect(sender.reports.delivered.map(\.token) == (1...15).map { UInt64($0) })
    #expect(sender.reports.states.last == "connected to the broker at \(cluster.addresses)")
    sender.close()
  }

  @Test func whatTimesOutIsReportedAsFailed() throws {
    let cluster = try MockCluster()
    try cluster.command("topic t 1")
    try cluster.command("down 1")
    let sender = try TestProducer(cluster.addresses, settings: [ClientSetting("message.timeout.ms", "300")])
    #expect(sender.send("t", "v", token: 9) == .taken)
    #expect(sender.reports.wait { sender.reports.failed.count == 1 })
    #expect(sender.reports.failed.first?.token == 9)
    #expect(sender.reports.failed.first?.code == .messageTimedOut)
    sender.close()
  }

  @Test func whatIsTooLargeIsRefusedAtOnce() throws {
    let cluster = try MockCluster()
    let sender = try TestProducer(cluster.addresses, settings: [ClientSetting("message.max.bytes", "2000")])
    #expect(sender.send("t", String(repeating: "x", count: 3000), token: 1) == .refused(.messageTooLarge))
    #expect(sender.producer.unreported == 0)
    sender.close()
  }

  @Test func closingReportsWhatIsLeft() throws {
    let cluster = try MockCluster()
    try cluster.command("topic t 1")
    try cluster.command("down 1")
    let sender = try TestProducer(cluster.addresses, settings: [ClientSetting("queue.buffering.max.messages", "3")])
    for token in 1...8 { _ = sender.send("t", "v", token: UInt64(token)) }
    sender.close()
    #expect(Set(sender.reports.failed.map(\.token)) == Set((1...8).map { UInt64($0) }))
    #expect(sender.send("t", "v", token: 10) == .refused(.state))
  }

  @Test func aClientThatHasFailedRefusesNoRecord() throws {
    let cluster = try MockCluster()
    try cluster.command("topic t 1")
    let sender = try TestProducer(cluster.addresses, isPolled: false)
    #expect(sender.send("t", "v1", headers: [("n", "1")], token: 1) == .taken)
    sender.producer.failForTesting()
    // Nobody has heard of the failure yet.
    #expect(sender.send("t", "v2", headers: [("n", "2")], token: 2) == .taken)
    #expect(sender.send("t", "v3", token: 3) == .taken)
    sender.poll()
    #expect(sender.reports.wait { sender.reports.delivered.count == 3 })
    #expect(sender.reports.failed.isEmpty)
    #expect(sender.reports.delivered.map(\.token) == [1, 2, 3])
    sender.close()
  }

  @Test func aFatalErrorMakesANewProducerThatSendsTheRestInOrder() throws {
    let cluster = try MockCluster()
    try cluster.command("topic t 1")
    try cluster.command("down 1")
    let sender = try TestProducer(cluster.addresses, settings: [ClientSetting("queue.buffering.max.messages", "40")])
    for token in 1...60 {
      #expect(
        sender.send("t", key: "k\(token)", "v\(token)", headers: [("n", "\(token)")], token: UInt64(token)) == .taken)
    }
    sender.producer.failForTesting()
    #expect(sender.reports.wait { sender.reports.lines.contains { $0.contains("a new one sends again") } })
    for token in 61...80 { #expect(sender.send("t", "v\(token)", token: UInt64(token)) == .taken) }
    try cluster.command("up 1")
    #expect(sender.reports.wait { sender.reports.delivered.count == 80 })
    #expect(sender.reports.failed.isEmpty)
    #expect(sender.reports.delivered.map(\.token) == (1...80).map { UInt64($0) })
    let reader = try TestConsumer(cluster.addresses, topic: "t", group: "g")
    #expect(reader.records.wait { reader.records.records.count == 80 })
    #expect(reader.records.records.map(\.value) == (1...80).map { "v\($0)" })
    #expect(reader.records.records[41].headers == ["n": "42"])
    #expect(reader.records.records[41].key == "k42")
    reader.close()
    sender.close()
  }

  @Test func anUnknownSettingIsSaidAndASecretIsNot() throws {
    #expect {
      try TestProducer("127.0.0.1:1", settings: [ClientSetting("linger.mss", "5")])
    } throws: {
      "\($0)".contains("linger.mss")
    }
    #expect {
      try TestProducer("127.0.0.1:1", settings: [ClientSetting("enable.idempotence", "taco")])
    } throws: {
      "\($0)".contains("enable.idempotence")
    }
    #expect {
      try TestProducer(
        "127.0.0.1:1", settings: [ClientSetting("security.protocol", "ssl"), ClientSetting("ssl.key.pem", "tacotaco")])
    } throws: {
      !"\($0)".contains("tacotaco")
    }
  }

  @Test func theTablesOfRolesAreTheLibrarys() throws {
    let table = try LibrarySettings.read()
    #expect(table.count > 100)
    // Callbacks stand in the list, too; they are no text that could be set.
    for (name, role) in table where !name.hasSuffix("_cb") && name != "msg_order_cmp" {
      #expect(SettingTable.applies(name, to: .producer) == (role != "C"), "\(name) is \(role)")
      #expect(SettingTable.applies(name, to: .consumer) == (role != "P"), "\(name) is \(role)")
    }
  }
}
