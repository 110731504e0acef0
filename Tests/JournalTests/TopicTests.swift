import Testing

@testable import BotHost

@Suite struct TopicTests {
  let directory = TestDirectory()

  @Test func positionsGrowByOneInEachTopic() throws {
    let journal = try Journal(directory: directory.path)
    let a = try journal.topic("a", retention: .log)
    let b = try journal.topic("b", retention: .log)
    #expect(try journal.append(a, "1") == 1)
    #expect(try journal.append(b, "x") == 1)
    #expect(try journal.append(a, "2") == 2)
    #expect(try journal.read(a, from: 0).texts == ["1", "2"])
    #expect(try journal.read(a, from: 2).texts == ["2"])
    #expect(try journal.read(a, from: 3).isEmpty)
    #expect(a.next == 3)
  }

  @Test func whatIsNotSettledComesBackInOrder() throws {
    do {
      let journal = try Journal(directory: directory.path)
      let topic = try journal.topic("t")
      let first = try journal.consumer("first", of: topic)
      let second = try journal.consumer("second", of: topic)
      for number in 1...6 { _ = try journal.append(topic, "\(number)") }
      try journal.settle(first, 1, 2, 4)
      try journal.settle(second, 6, 3, 1)
      journal.close()
    }
    let journal = try Journal(directory: directory.path)
    let topic = try journal.topic("t")
    let first = try journal.consumer("first", of: topic)
    let second = try journal.consumer("second", of: topic)
    #expect(try journal.unsettled(first).texts == ["3", "5", "6"])
    #expect(try journal.unsettled(second).texts == ["2", "4", "5"])
    #expect(try journal.unsettled(second, from: 3, limit: 1).texts == ["4"])
    try journal.settle(first, 3)
    #expect(try journal.position(of: first) == 5)
    try journal.settle(first, 5, 6, 6, 1)
    #expect(try journal.unsettled(first).isEmpty)
  }

  @Test func anEventBelongsToTheHandlersThatWereNamed() throws {
    let journal = try Journal(directory: directory.path)
    let topic = try journal.topic("t")
    let first = try journal.consumer("first", of: topic)
    let second = try journal.consumer("second", of: topic)
    _ = try journal.append(topic, "for the first", consumers: [first])
    _ = try journal.append(topic, "for both", consumers: [first, second])
    _ = try journal.append(topic, "for nobody", consumers: [])
    #expect(try journal.unsettled(first).texts == ["for the first", "for both"])
    #expect(try journal.unsettled(second).texts == ["for both"])
  }

  @Test func settledEventsAreRemovedWhenRetentionAllows() throws {
    let clock = TestClock()
    let journal = try Journal(directory: directory.path, clock: clock)
    let queue = try journal.topic("queue")
    let log = try journal.topic("log", retention: JournalRetention(age: 1000))
    let handler = try journal.consumer("handler", of: queue)
    for number in 1...4 {
      _ = try journal.append(queue, "\(number)")
      _ = try Array("\(number)".utf8).withUnsafeBytes { try journal.append(log, time: clock.unix, record: $0) }
      clock.advance(400)
    }
    try journal.settle(handler, 1, 2, 4)
    try trim(journal)
    #expect(try journal.read(queue, from: 0).texts == ["3", "4"])
    #expect(queue.first == 3 && queue.bytes == 2)
    // Ages: 1600, 1200, 800, 400.
    #expect(try journal.read(log, from: 0).texts == ["3", "4"])
    clock.advance(10_000)
    try trim(journal)
    #expect(try journal.read(log, from: 0).isEmpty)
    #expect(log.first == 5 && log.next == 5 && log.bytes == 0)
    journal.close()
    // A position is never used again, though no event is left.
    let again = try Journal(directory: directory.path, clock: clock)
    #expect(try again.append(try again.topic("log"), "5") == 5)
  }

  @Test func retentionByCountAndBytesKeepsTheNewest() throws {
    let journal = try Journal(directory: directory.path)
    let few = try journal.topic("few", retention: JournalRetention(count: 2))
    let small = try journal.topic("small", retention: JournalRetention(bytes: 25))
    for number in 0..<5 {
      _ = try journal.append(few, "\(number)")
      _ = try journal.append(small, "ten bytes\(number)")
    }
    try trim(journal)
    #expect(try journal.read(few, from: 0).texts == ["3", "4"])
    #expect(try journal.read(small, from: 0).texts == ["ten bytes3", "ten bytes4"])
  }

  @Test func retentionIsKeptOverARestart() throws {
    let retention = JournalRetention(count: 9, maxBytes: 12_345)
    do {
      let journal = try Journal(directory: directory.path)
      _ = try journal.append(try journal.topic("log", retention: retention), "kept")
      journal.close()
    }
    let journal = try Journal(directory: directory.path)
    try trim(journal)
    let topic = try #require(journal.existingTopic("log"))
    #expect(topic.retention == retention)
    #expect(try journal.read(topic, from: 0).texts == ["kept"])
  }

  @Test func aTopicThatIsFullTakesNoMore() throws {
    let journal = try Journal(directory: directory.path)
    let topic = try journal.topic("t", retention: JournalRetention(count: 0, maxBytes: 100))
    let stuck = try journal.consumer("stuck", of: topic)
    let text = String(repeating: "x", count: 60)
    let first = try journal.append(topic, text)
    let second = try journal.append(topic, text)
    #expect(failure { _ = try journal.append(topic, text) } == .noSpace)
    try journal.settle(stuck, first, second)
    try trim(journal)
    #expect(try journal.append(topic, text) == 3)
  }

  @Test func aReaderHasAPositionAndHoldsNothingBack() throws {
    let journal = try Journal(directory: directory.path)
    let topic = try journal.topic("t", retention: .log)
    for number in 1...5 { _ = try journal.append(topic, "\(number)") }
    let early = try journal.consumer("early", of: topic, kind: .reader, from: .earliest)
    let late = try journal.consumer("late", of: topic, kind: .reader, from: .latest)
    #expect(try journal.position(of: early) == 1)
    #expect(try journal.position(of: late) == 6)
    let transaction = JournalTransaction()
    transaction.seek(early, to: 4)
    _ = try journal.commit(transaction)
    #expect(try journal.consumer("early", of: topic, kind: .reader, from: .earliest) == early)
    #expect(try journal.position(of: early) == 4)
    #expect(failure { _ = try journal.consumer("early", of: topic) } == .invalid)
    _ = try journal.topic("t", retention: .untilSettled)
    try trim(journal)
    #expect(try journal.read(topic, from: 0).isEmpty)
  }

  @Test func aRemovedConsumerHoldsNothingBack() throws {
    let journal = try Journal(directory: directory.path)
    let topic = try journal.topic("t")
    let gone = try journal.consumer("gone", of: topic)
    _ = try journal.append(topic, "1")
    try trim(journal)
    #expect(topic.first == 1)
    try journal.remove(gone)
    try trim(journal)
    #expect(topic.first == 2)
    #expect(try journal.consumers(of: topic).isEmpty)
  }

  @Test func readingIsBoundedInBytes() throws {
    let journal = try Journal(directory: directory.path)
    let topic = try journal.topic("t", retention: .log)
    for _ in 0..<10 { _ = try journal.append(topic, String(repeating: "x", count: 100)) }
    #expect(try journal.read(topic, from: 0, maxBytes: 250).count == 3)
    #expect(try journal.read(topic, from: 0, limit: 2).count == 2)
  }

  /// Against a model: random settlements of three consumers, restarts in between.
  @Test(arguments: 0..<20) func agreesWithAModel(seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(seed))
    var open: [[Int64]] = [[], [], []]
    var journal = try Journal(directory: directory.path)
    for _ in 0..<6 {
      let topic = try journal.topic("t")
      let consumers = try (0..<3).map { try journal.consumer("c\($0)", of: topic) }
      for _ in 0..<40 {
        let transaction = JournalTransaction()
        var owners: [Int] = []
        for index in 0..<3 where Int.random(in: 0..<4, using: &random) > 0 { owners.append(index) }
        transaction.append(topic, "event", consumers: owners.map { consumers[$0] })
        for (index, consumer) in consumers.enumerated() {
          guard let position = open[index].randomElement(using: &random), Bool.random(using: &random) else { continue }
          transaction.settle(consumer, position: position)
          open[index].removeAll { $0 == position }
        }
        let position = try journal.commit(transaction)[0]
        for index in owners { open[index].append(position) }
      }
      if Bool.random(using: &random) { try trim(journal) }
      for (index, consumer) in consumers.enumerated() {
        #expect(try journal.unsettled(consumer, limit: 1000).map(\.position) == open[index])
      }
      journal.close()
      journal = try Journal(directory: directory.path)
    }
  }

  private func trim(_ journal: Journal) throws {
    // Runs inside the transaction of the request, so there is nothing to wait for.
    let clock = TestNow(journal: journal)
    while try journal.run({ (tables) throws(JournalError) in try tables.topics.trim(now: clock.now, limit: 3) }) {}
  }

  private struct TestNow: Sendable {
    let now: Int64
    init(journal: Journal) { now = journal.now }
  }
}

/// SplitMix64.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 &+ 1 }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
