import Testing

@testable import BotHost

@Suite struct BusJournalTests {
  let directory = TestDirectory()

  private func event(_ topic: String, _ text: String) -> StoredEvent {
    StoredEvent(
      id: [7, 8], time: 5, topic: topic, source: "twitch", key: Array("#a".utf8), correlation: "c",
      contentType: "text/plain",
      headers: [.init(name: "h", value: [0, 255])], payload: Array(text.utf8))
  }

  private func batch(_ topic: String, _ texts: [String], _ consumers: [String]) -> DurableBatch {
    var batch = DurableBatch()
    batch.appends = texts.map { .init(event: event(topic, $0), consumers: consumers) }
    return batch
  }

  private func replay(_ log: BusJournal) throws -> [String] {
    var found: [String] = []
    try log.replay { unsettled in
      let text = String(decoding: unsettled.event.payload, as: UTF8.self)
      found.append("\(unsettled.event.topic) \(text): \(unsettled.consumers.sorted().joined(separator: ","))")
    }
    return found
  }

  @Test func unsettledEventsComeBackWithTheirConsumers() throws {
    do {
      let journal = try Journal(directory: directory.path)
      let log = try BusJournal(journal: journal)
      let positions = try log.commit(batch("a", ["1", "2"], ["p/x", "p/y"]))
      let other = try log.commit(batch("b", ["3"], ["p/x"]))
      #expect(Set(positions + other).count == 3 && positions[0] < positions[1])
      _ = try log.commit(batch("b", ["4"], []))
      log.settle(.init(position: positions[0], consumer: "p/x"))
      var settling = DurableBatch()
      settling.settlements = [
        .init(position: positions[1], consumer: "p/x"), .init(position: positions[1], consumer: "p/y"),
      ]
      _ = try log.commit(settling)
      log.settle(.init(position: positions[1], consumer: "nobody/knows"))
      log.settle(.init(position: 1 << 60, consumer: "p/x"))
      journal.close()
    }
    let log = try BusJournal(journal: try Journal(directory: directory.path))
    #expect(try replay(log) == ["a 1: p/y", "b 3: p/x"])
    // A consumer that came later does not own what was there before.
    _ = try log.commit(batch("a", ["5"], ["p/new"]))
    #expect(try replay(log) == ["a 1: p/y", "a 5: p/new", "b 3: p/x"])
    let forgotten = try log.forgetConsumers { _, consumer in consumer != "p/y" }
    #expect(forgotten == ["p/y of a"])
    #expect(try replay(log) == ["a 5: p/new", "b 3: p/x"])
  }

  @Test func eventsComeBackWhole() throws {
    let log = try BusJournal(journal: try Journal(directory: directory.path))
    _ = try log.commit(batch("a", ["text"], ["p/x"]))
    var found: [StoredEvent] = []
    try log.replay { found.append($0.event) }
    #expect(found == [event("a", "text")])
  }

  @Test func effectsAndSettlementAreOneStep() throws {
    let journal = try Journal(directory: directory.path)
    let log = try BusJournal(journal: journal)
    let store = try journal.store(of: "p")
    let position = try log.commit(batch("a", ["1"], ["p/x"]))[0]
    try store.put("k", "v")
    func delivery(_ expected: UInt64?) throws -> DurableBatch {
      var delivery = batch("b", ["effect"], ["p/y"])
      delivery.settlements = [.init(position: position, consumer: "p/x")]
      let put = try Array("k".utf8).withUnsafeBytes { key in
        try Array("w".utf8).withUnsafeBytes {
          try KeyValueOperation(put: key, value: $0, expected: expected, in: store)
        }
      }
      delivery.operations = [put]
      return delivery
    }
    let refused = #expect(throws: DurableFailure.self) { _ = try log.commit(try delivery(123_456)) }
    #expect(refused?.code == -13)
    #expect(try replay(log) == ["a 1: p/x"])
    _ = try log.commit(try delivery(nil))
    #expect(try replay(log) == ["b effect: p/y"])
    #expect(try store.text("k") == "w")
  }

  @Test func deadLettersAreKept() throws {
    let journal = try Journal(directory: directory.path)
    let log = try BusJournal(journal: journal)
    let letter = DeadLetter(
      event: event("a", "1"), consumer: "p/x", code: -2, reason: "no", attempts: 4, time: 77)
    log.add(letter)
    var withEvent = DurableBatch()
    withEvent.deadLetters = [letter]
    _ = try log.commit(withEvent)
    try journal.flush()
    let kept = try journal.deadLetters()
    #expect(kept.count == 2)
    let shown = try #require(try journal.deadLetter(kept[0].number))
    #expect(shown.plugin == "p" && shown.handler == "p/x" && shown.attempts == 4 && shown.buried == 77)
    #expect(StoredEventCoding.decode(shown.record) == event("a", "1"))
  }

  @Test(arguments: 0..<50) func damagedRecordsAreNoEvents(seed: Int) {
    var random = SeededGenerator(seed: UInt64(seed))
    let whole = StoredEventCoding.encode(event("topic", "payload"))
    #expect(StoredEventCoding.decode(whole) != nil)
    for length in 0..<whole.count { #expect(StoredEventCoding.decode(Array(whole.prefix(length))) == nil) }
    for _ in 0..<200 {
      var bytes = whole
      for _ in 0..<3 {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      _ = StoredEventCoding.decode(bytes)
    }
  }
}
