import Foundation
import KafkaClient
import KafkaLog
import Testing

/// The consumer against the mock cluster.
@Suite struct MockConsumerTests {
  func filled(_ count: Int, partitions: Int = 1) throws -> MockCluster {
    let cluster = try MockCluster()
    try cluster.command("topic t \(partitions)")
    let sender = try TestProducer(cluster.addresses)
    for token in 0..<count { #expect(sender.send("t", key: "k\(token)", "v\(token)", token: UInt64(token)) == .taken) }
    #expect(sender.reports.wait { sender.reports.delivered.count == count })
    sender.close()
    return cluster
  }

  @Test func whatIsSettledIsCommittedAndDoesNotComeAgain() throws {
    let cluster = try filled(10)
    let first = try TestConsumer(cluster.addresses, topic: "t", group: "g")
    #expect(first.records.wait { first.records.records.count == 10 })
    first.close()
    let second = try TestConsumer(cluster.addresses, topic: "t", group: "g")
    #expect(second.records.wait { !second.records.partitions.isEmpty })
    let sender = try TestProducer(cluster.addresses)
    _ = sender.send("t", "last", token: 1)
    #expect(second.records.wait { second.records.records.count >= 1 })
    #expect(second.records.records.map(\.value) == ["last"])
    second.close()
    sender.close()
  }

  @Test func whatIsOpenComesAgainAndNothingBeforeIt() throws {
    let cluster = try filled(10)
    let first = try TestConsumer(cluster.addresses, topic: "t", group: "g", settles: false)
    #expect(first.records.wait { first.records.records.count == 10 })
    // 3 stays open; so nothing behind 3 may be stored, though 4 to 9 are done.
    for record in first.records.records where record.offset != 3 { first.consumer.settle(record.reference) }
    #expect(first.consumer.open == 1)
    first.close()
    let second = try TestConsumer(cluster.addresses, topic: "t", group: "g")
    #expect(second.records.wait { second.records.records.count == 7 })
    #expect(second.records.records.map(\.offset) == Array(3..<10))
    second.close()
  }

  @Test func aPartitionWithTooManyOpenRecordsIsPausedAndGoesOn() throws {
    let cluster = try filled(100)
    let reader = try TestConsumer(cluster.addresses, topic: "t", group: "g", settles: false, limit: 10)
    #expect(reader.records.wait { reader.records.records.count >= 10 })
    var next = 0
    var most = 0
    while next < 100 {
      #expect(reader.records.wait { reader.records.records.count > next })
      most = max(most, reader.consumer.open)
      reader.consumer.settle(reader.records.records[next].reference)
      next += 1
    }
    // One batch may be taken before the pause is noticed.
    #expect(reader.records.records.map(\.offset) == Array(0..<100))
    #expect(most <= 100)
    reader.close()
  }

  @Test func aRecordWithoutRoomIsOfferedAgainInItsPlace() throws {
    let cluster = try filled(20)
    let reader = try TestConsumer(cluster.addresses, topic: "t", group: "g")
    reader.records.condition.withLock { reader.records.busy = true }
    #expect(reader.records.wait { !reader.records.partitions.isEmpty })
    reader.records.condition.withLock { reader.records.busy = false }
    #expect(reader.records.wait { reader.records.records.count == 20 })
    #expect(reader.records.records.map(\.offset) == Array(0..<20))
    reader.close()
  }

  @Test func twoMembersShareThePartitionsAndLoseNothing() throws {
    let cluster = try filled(200, partitions: 2)
    let first = try TestConsumer(cluster.addresses, topic: "t", group: "g")
    #expect(first.records.wait { first.records.partitions.count == 2 })
    let second = try TestConsumer(cluster.addresses, topic: "t", group: "g")
    #expect(second.records.wait { second.records.partitions.count == 1 })
    #expect(first.records.wait { first.records.partitions.count == 1 })
    #expect(first.records.partitions != second.records.partitions)
    let sender = try TestProducer(cluster.addresses)
    for token in 200..<400 { _ = sender.send("t", key: "k\(token)", "v\(token)", token: UInt64(token)) }
    let all = { Set((first.records.records + second.records.records).map(\.value)) }
    #expect(first.records.wait { all().count == 400 })
    sender.close()
    second.close()
    // The one that stays gets everything back.
    #expect(first.records.wait { first.records.partitions.count == 2 })
    first.close()
  }

  @Test func aTopicThatIsNotThereIsSaidOnceAndFoundWhenItComes() throws {
    let cluster = try filled(0)
    let sender = try TestProducer(cluster.addresses)
    let reader = try TestConsumer(
      cluster.addresses, topic: "^later.*", group: "g",
      settings: [ClientSetting("topic.metadata.refresh.interval.ms", "200")])
    #expect(reader.records.wait { reader.records.states.contains { $0.hasPrefix("connected") } })
    _ = sender.send("later.one", "v", token: 1)
    #expect(reader.records.wait { reader.records.records.count == 1 })
    #expect(reader.records.lines.count == Set(reader.records.lines).count, "\(reader.records.lines)")
    reader.close()
    sender.close()
  }
}
