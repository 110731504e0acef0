import CBotHost
import Glibc
import Synchronization
import Testing

@testable import BotHost

/// A journal in memory that can be told to fail.
final class MemoryLog: DurableLog, @unchecked Sendable {
  struct State {
    var batches: [DurableBatch] = []
    var settled: [DurableBatch.Settlement] = []
    var next: Int64 = 0
    var failure: DurableFailure?
    var backlog: [UnsettledEvent] = []
  }
  let state = Mutex(State())

  func commit(_ batch: DurableBatch) throws(DurableFailure) -> [Int64] {
    let outcome: Result<[Int64], DurableFailure> = state.withLock { state in
      if let failure = state.failure { return .failure(failure) }
      state.batches.append(batch)
      state.settled += batch.settlements
      return .success(
        batch.appends.map { _ in
          state.next += 1
          return state.next
        })
    }
    return try outcome.get()
  }

  func settle(_ settlement: DurableBatch.Settlement) { state.withLock { $0.settled.append(settlement) } }

  func replay(_ body: (UnsettledEvent) -> Void) throws(DurableFailure) {
    for event in state.withLock({ $0.backlog }) { body(event) }
  }
}

final class TestEffect: DeliveryEffect, DurableOperation {
  let box: Box<String>
  let answer: Int

  init(_ box: Box<String>, _ answer: Int = BH_OK) {
    self.box = box
    self.answer = answer
  }

  func prepare(_ batch: inout DurableBatch) -> bh_rc {
    box.append("prepare")
    if answer == BH_OK { batch.operations.append(self) }
    return bh_rc(answer)
  }
  func commit() { box.append("commit") }
  func abandon() { box.append("abandon") }
}

@Suite struct EffectTests {
  @Test func effectsComeOutWhenTheDeliveryIsAcknowledgedAndNeverOtherwise() throws {
    let fixture = BusFixture()
    let out = Box<Seen>()
    let box = Box<Seen>()
    let holder = Mutex<Endpoint?>(nil)
    let endpoint = try fixture.endpoint(
      "a",
      [
        fixture.handler("in") { event in
          let seen = Seen(event)
          let endpoint = holder.withLock { $0 }
          endpoint?.send("out", "\(seen.payload)1", delivery: seen.delivery)
          endpoint?.send("out", "\(seen.payload)2", delivery: seen.delivery)
          box.append(seen)
          switch seen.payload {
          case "1": return 0
          case "2": return bh_rc(BH_E_REJECT)
          default: return bh_rc(BH_ASYNC)
          }
        }
      ], open: false)
    holder.withLock { $0 = endpoint }
    endpoint.openGate()
    _ = try fixture.endpoint(
      "sink",
      [
        fixture.handler("out") {
          out.append(Seen($0)); return 0
        }
      ])
    let source = try fixture.endpoint("source")
    source.send("in", "1", correlation: "cause")
    source.send("in", "2")
    source.send("in", "3", key: "3")
    source.send("in", "4", key: "4")
    eventually { box.count == 4 && endpoint.statistics().inFlight == 2 }
    eventually { out.count == 2 }
    #expect(out.all.map(\.correlation) == ["cause", "cause"])
    #expect(endpoint.send("out", "5", delivery: box.all[3].delivery) == BH_OK)
    #expect(endpoint.nack(box.all[2].delivery, BH_E_REJECT) == BH_OK)
    #expect(endpoint.ack(box.all[3].delivery, generation: 1) == BH_OK)
    #expect(endpoint.send("out", "6", delivery: box.all[3].delivery) == BH_E_STALE)
    eventually { out.count == 5 }
    #expect(out.all.map(\.payload) == ["11", "12", "41", "42", "5"])
    eventually { endpoint.isIdle }
  }

  /// The time is what it would take when each of them were paid for by all others.
  @Test(.timeLimit(.minutes(1))) func manyEffectsOfOneDeliveryComeOutOneAfterTheOther() throws {
    let fixture = BusFixture()
    let count = Atomic<Int>(0)
    let sum = Atomic<Int>(0)
    let total = 60_000
    let holder = Mutex<Endpoint?>(nil)
    let endpoint = try fixture.endpoint(
      "a",
      [
        fixture.handler("in") { event in
          let (endpoint, delivery) = (holder.withLock { $0 }, event.pointee.delivery)
          for _ in 0..<total where endpoint?.send("out", "1", delivery: delivery) == bh_rc(BH_OK) {
            sum.wrappingAdd(1, ordering: .relaxed)
          }
          return 0
        }
      ], open: false)
    holder.withLock { $0 = endpoint }
    endpoint.openGate()
    _ = try fixture.endpoint(
      "sink", lane: LaneOptions(capacity: 2 * total, spin: 0),
      [
        fixture.handler("out") { _ in
          count.wrappingAdd(1, ordering: .relaxed)
          return 0
        }
      ])
    try fixture.endpoint("source").send("in", "1")
    eventually { endpoint.isIdle && sum.load(ordering: .relaxed) == total }
    eventually { count.load(ordering: .relaxed) == total }
  }

  @Test func anEffectThatCannotBePreparedStopsAllOfThem() throws {
    let fixture = BusFixture { $0.durableLog = MemoryLog() }
    let (out, log) = (Box<Seen>(), Box<String>())
    let holder = Mutex<Endpoint?>(nil)
    let endpoint = try fixture.endpoint(
      "a",
      [
        fixture.handler("in") { event in
          guard let endpoint = holder.withLock({ $0 }) else { return -1 }
          let first = event.pointee.attempt == 1
          _ = endpoint.stage(TestEffect(log), delivery: event.pointee.delivery, generation: 1)
          endpoint.send("out", "1", delivery: event.pointee.delivery)
          _ = endpoint.stage(
            TestEffect(log, first ? BH_E_CONFLICT : BH_OK), delivery: event.pointee.delivery, generation: 1)
          return 0
        }
      ], open: false)
    holder.withLock { $0 = endpoint }
    endpoint.openGate()
    _ = try fixture.endpoint(
      "sink",
      [
        fixture.handler("out") {
          out.append(Seen($0)); return 0
        }
      ])
    let source = try fixture.endpoint("source")
    source.send("in", "1")
    eventually { endpoint.statistics().retrying == 1 }
    #expect(log.all == ["prepare", "prepare", "abandon", "abandon"])
    #expect(out.count == 0)
    eventually {
      fixture.clock.advance(100_000_000)
      fixture.bus.runTimers()
      return out.count == 1 && endpoint.isIdle
    }
    #expect(log.all.suffix(4) == ["prepare", "prepare", "commit", "commit"])
  }

  @Test func aDurableEventIsOnDiskBeforeItIsPublishedAndSettledAfterItIsHandled() throws {
    let log = MemoryLog()
    let fixture = BusFixture {
      $0.durableLog = log
      $0.durableTopics = [TopicPattern("d.*")].compactMap { $0 }
    }
    let box = Box<Seen>()
    let handlers = [
      try fixture.endpoint(
        "a",
        [
          fixture.handler("d.x") {
            box.append(Seen($0)); return 0
          }
        ]),
      try fixture.endpoint(
        "b",
        [
          fixture.handler("d.*", id: "all") {
            box.append(Seen($0)); return 0
          }
        ]),
    ]
    let source = try fixture.endpoint("source")
    #expect(source.send("d.x", "1", key: "k") == BH_OK)
    #expect(log.state.withLock { $0.batches.count } == 1)
    #expect(log.state.withLock { $0.batches[0].appends[0].consumers.sorted() } == ["a/d.x", "b/all"])
    eventually { log.state.withLock { $0.settled.count } == 2 }
    #expect(box.all.allSatisfy { $0.flags & UInt32(BH_EVENT_DURABLE) != 0 })
    #expect(source.send("d.nobody2.x", "1") == BH_OK)
    #expect(source.send("e", "1") == BH_OK)
    #expect(log.state.withLock { $0.batches.count } == 1)
    log.state.withLock { $0.failure = DurableFailure(code: bh_rc(BH_E_NOSPACE), reason: "full") }
    #expect(source.send("d.x", "2") == BH_E_NOSPACE)
    for endpoint in handlers { endpoint.settle() }
    #expect(box.count == 2)
  }

  @Test func aDurableEventWithoutConsumersIsKeptToo() throws {
    let log = MemoryLog()
    let fixture = BusFixture {
      $0.durableLog = log
      $0.durableTopics = [TopicPattern("d")].compactMap { $0 }
    }
    let source = try fixture.endpoint("source")
    #expect(source.send("d", "1") == BH_OK)
    #expect(log.state.withLock { $0.batches.first?.appends.first?.consumers } == [])
  }

  @Test func effectsAndTheirSettlementAreOneBatch() throws {
    let log = MemoryLog()
    let fixture = BusFixture {
      $0.durableLog = log
      $0.durableTopics = [TopicPattern("d.**")].compactMap { $0 }
    }
    let steps = Box<String>()
    let holder = Mutex<Endpoint?>(nil)
    let endpoint = try fixture.endpoint(
      "a",
      [
        fixture.handler("d.in") { event in
          guard let endpoint = holder.withLock({ $0 }) else { return -1 }
          endpoint.send("d.out", "2", delivery: event.pointee.delivery)
          return endpoint.stage(TestEffect(steps), delivery: event.pointee.delivery, generation: 1)
        }
      ], open: false)
    holder.withLock { $0 = endpoint }
    endpoint.openGate()
    let source = try fixture.endpoint("source")
    source.send("d.in", "1")
    eventually { log.state.withLock { $0.batches.count } == 2 && endpoint.isIdle }
    let batch = log.state.withLock { $0.batches[1] }
    #expect(batch.appends.map(\.event.topic) == ["d.out"])
    #expect(batch.operations.count == 1)
    #expect(batch.settlements == [.init(position: 1, consumer: "a/d.in")])
    #expect(log.state.withLock { $0.settled } == batch.settlements)
  }

  @Test func aDeadLetterOfADurableEventIsOneBatchWithItsSettlement() throws {
    let log = MemoryLog()
    let fixture = BusFixture {
      $0.durableLog = log
      $0.durableTopics = [TopicPattern("d")].compactMap { $0 }
    }
    let endpoint = try fixture.endpoint("a", [fixture.handler("d") { _ in bh_rc(BH_E_REJECT) }])
    let source = try fixture.endpoint("source")
    source.send("d", "1")
    eventually { endpoint.isIdle && log.state.withLock { $0.batches.count } == 2 }
    let batch = log.state.withLock { $0.batches[1] }
    #expect(batch.deadLetters.map(\.consumer) == ["a/d"])
    #expect(batch.settlements == [.init(position: 1, consumer: "a/d")])
    #expect(fixture.letters.box.count == 0)
  }

  @Test func whatWasNotSettledComesBackToThoseWhoHaveNot() throws {
    let log = MemoryLog()
    let fixture = BusFixture {
      $0.durableLog = log
      $0.durableTopics = [TopicPattern("d")].compactMap { $0 }
    }
    let (a, b) = (Box<Seen>(), Box<Seen>())
    log.state.withLock { state in
      for number in 1...3 {
        let event = StoredEvent(
          id: [7, UInt64(number)], time: 5, topic: "d", source: "before", key: Array("k".utf8),
          payload: Array("\(number)".utf8))
        state.backlog.append(
          UnsettledEvent(
            position: Int64(number), event: event, consumers: number == 2 ? ["a/d", "b/d"] : ["a/d", "gone/x"]))
      }
    }
    let first = try fixture.endpoint(
      "a",
      [
        fixture.handler("d") {
          a.append(Seen($0)); return 0
        }
      ], open: false)
    let second = try fixture.endpoint(
      "b",
      [
        fixture.handler("d") {
          b.append(Seen($0)); return 0
        }
      ], open: false)
    #expect(try fixture.bus.replay() == 4)
    first.openGate()
    second.openGate()
    eventually { a.count == 3 && b.count == 1 }
    #expect(a.all.map(\.payload) == ["1", "2", "3"])
    #expect(b.all.map(\.payload) == ["2"])
    #expect(a.all.allSatisfy { $0.flags & UInt32(BH_EVENT_REDELIVERED) != 0 && $0.source == "before" })
    eventually { log.state.withLock { $0.settled.count } == 4 }
  }
}
