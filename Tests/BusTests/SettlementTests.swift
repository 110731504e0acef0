import CBotHost
import Glibc
import Synchronization
import Testing

@testable import BotHost

@Suite struct SettlementTests {
  private func retrying(_ spec: HandlerSpec, attempts: UInt32 = 3, mode: RetryPolicy.Mode = .block) -> HandlerSpec {
    var spec = spec
    spec.retry = RetryPolicy(
      attempts: attempts, backoffMinimum: 1_000_000_000, backoffMaximum: 8_000_000_000, mode: mode)
    return spec
  }

  /// Turns the clock until something is true.
  private func turn(_ fixture: BusFixture, _ what: String = "", _ condition: () -> Bool) {
    eventually(what) {
      fixture.clock.advance(100_000_000)
      fixture.bus.runTimers()
      return condition()
    }
  }

  @Test func aFailedEventIsTriedAgainAndHoldsItsKey() throws {
    let fixture = BusFixture()
    let box = Box<Seen>()
    let endpoint = try fixture.endpoint(
      "a",
      [
        retrying(
          try fixture.handler("t") { event in
            let seen = Seen(event)
            box.append(seen)
            return seen.payload == "1" && seen.attempt < 3 ? bh_rc(BH_E_RETRY) : bh_rc(BH_OK)
          })
      ])
    let source = try fixture.endpoint("source")
    source.send("t", "1", key: "k")
    source.send("t", "2", key: "k")
    source.send("t", "3", key: "other")
    eventually { box.count == 2 }
    #expect(box.all.map(\.payload) == ["1", "3"])
    #expect(endpoint.statistics().retrying == 1)
    turn(fixture) { box.count == 5 }
    #expect(box.all.map(\.payload) == ["1", "3", "1", "1", "2"])
    #expect(box.all.map(\.attempt) == [1, 1, 2, 3, 1])
    #expect(box.all[2].flags & UInt32(BH_EVENT_REDELIVERED) != 0)
    #expect(box.all[4].flags & UInt32(BH_EVENT_REDELIVERED) == 0)
    #expect(box.all[2].seq == box.all[0].seq)
    eventually { endpoint.isIdle }
  }

  @Test func aParkedEventLetsItsKeyGoOn() throws {
    let fixture = BusFixture()
    let box = Box<Seen>()
    _ = try fixture.endpoint(
      "a",
      [
        retrying(
          try fixture.handler("t") { event in
            let seen = Seen(event)
            box.append(seen)
            return seen.payload == "1" && seen.attempt < 2 ? bh_rc(BH_E_INTERNAL) : bh_rc(BH_OK)
          }, mode: .park)
      ])
    let source = try fixture.endpoint("source")
    source.send("t", "1", key: "k")
    source.send("t", "2", key: "k")
    eventually { box.count == 2 }
    turn(fixture) { box.count == 3 }
    #expect(box.all.map(\.payload) == ["1", "2", "1"])
  }

  @Test func attemptsEndInADeadLetterThatIsAnnounced() throws {
    let fixture = BusFixture()
    let box = Box<Seen>()
    let dead = Box<Seen>()
    let endpoint = try fixture.endpoint(
      "a",
      [
        retrying(
          try fixture.handler("t") { event in
            box.append(Seen(event))
            CallMessage.set(Int32(BH_E_INTERNAL), "no luck")
            return bh_rc(BH_E_INTERNAL)
          }, attempts: 2)
      ])
    _ = try fixture.endpoint(
      "undertaker",
      [
        fixture.handler("dead.**") {
          dead.append(Seen($0)); return 0
        }
      ])
    let source = try fixture.endpoint("source")
    source.send("t", #"{"a":1}"#, key: "k")
    turn(fixture) { fixture.letters.box.count == 1 }
    #expect(box.count == 2)
    let letter = try #require(fixture.letters.box.all.first)
    #expect(letter.consumer == "a/t")
    #expect(letter.code == BH_E_INTERNAL)
    #expect(letter.reason == "no luck (attempt 2 of 2)")
    #expect(letter.attempts == 2)
    #expect(letter.event.payload == Array(#"{"a":1}"#.utf8))
    eventually { dead.count == 1 }
    #expect(dead.all[0].topic == "dead.t")
    eventually { endpoint.isIdle }
    #expect(fixture.bus.statistics().deadLetters == 1)
  }

  @Test func rejectedIsDeadAtOnce() throws {
    let fixture = BusFixture()
    let endpoint = try fixture.endpoint("a", [fixture.handler("t") { _ in bh_rc(BH_E_REJECT) }])
    let source = try fixture.endpoint("source")
    source.send("t", "1")
    eventually { fixture.letters.box.count == 1 }
    #expect(fixture.letters.box.all[0].reason == "rejected by the handler")
    #expect(fixture.letters.box.all[0].attempts == 1)
    eventually { endpoint.isIdle }
  }

  @Test func asynchronousDeliveriesKeepTheOrderOfTheirKey() throws {
    let fixture = BusFixture()
    let box = Box<Seen>()
    let endpoint = try fixture.endpoint(
      "a",
      [
        fixture.handler("t") {
          box.append(Seen($0)); return bh_rc(BH_ASYNC)
        }
      ])
    let source = try fixture.endpoint("source")
    for text in ["1", "2", "3"] { source.send("t", text, key: "k") }
    source.send("t", "4", key: "other")
    eventually { box.count == 2 && endpoint.statistics().inFlight == 2 }
    #expect(box.all.map(\.payload) == ["1", "4"])
    #expect(endpoint.ack(box.all[0].delivery, generation: 1) == BH_OK)
    eventually { box.count == 3 }
    #expect(endpoint.nack(box.all[2].delivery, BH_E_REJECT, "bad") == BH_OK)
    eventually { box.count == 4 }
    #expect(box.all.map(\.payload) == ["1", "4", "2", "3"])
    #expect(fixture.letters.box.all.map(\.reason) == ["bad"])
    #expect(endpoint.ack(box.all[1].delivery, generation: 1) == BH_OK)
    #expect(endpoint.ack(box.all[3].delivery, generation: 1) == BH_OK)
    eventually { endpoint.isIdle }
    #expect(endpoint.lane.pointee.inFlight.load(ordering: .relaxed) == 0)
  }

  @Test func asManyAsPermittedAreInFlightInOrder() throws {
    let fixture = BusFixture()
    let box = Box<Seen>()
    var spec = try fixture.handler("t") {
      box.append(Seen($0)); return bh_rc(BH_ASYNC)
    }
    spec.inFlight = 3
    spec.key = "/k"
    let endpoint = try fixture.endpoint("a", [spec])
    let source = try fixture.endpoint("source")
    for number in 1...6 { source.send("t", "{\"n\":\(number),\"k\":\(number % 2 == 0 ? "\"a\"" : "\"\\u0061\"")}") }
    eventually { box.count == 3 }
    endpoint.settle()
    #expect(box.count == 3)
    #expect(endpoint.ack(box.all[1].delivery, generation: 1) == BH_OK)
    eventually { box.count == 4 }
    for index in [0, 2, 3] { #expect(endpoint.ack(box.all[index].delivery, generation: 1) == BH_OK) }
    eventually { box.count == 6 }
    #expect(box.all.map { $0.payload.dropFirst(5).prefix(1) } == ["1", "2", "3", "4", "5", "6"])
  }

  @Test func settlingTwiceOrLateIsHarmless() throws {
    let fixture = BusFixture()
    let box = Box<Seen>()
    var spec = retrying(
      try fixture.handler("t") {
        box.append(Seen($0)); return Seen($0).payload == "0" ? 0 : bh_rc(BH_ASYNC)
      })
    spec.timeout = 1_000_000_000
    let endpoint = try fixture.endpoint("a", [spec])
    let other = try fixture.endpoint("source")
    other.send("t", "0", key: "z")
    eventually { box.count == 1 }
    // Its handler has returned, too.
    endpoint.settle()
    #expect(endpoint.ack(box.all[0].delivery, generation: 1) == BH_E_STALE)
    other.send("t", "1", key: "k")
    eventually { endpoint.statistics().inFlight == 1 }
    let token = box.all[1].delivery
    #expect(other.ack(token, generation: 1) == BH_E_STALE)
    #expect(endpoint.ack(token, generation: 7) == BH_E_STALE)
    #expect(endpoint.ack(token &+ 12345, generation: 1) == BH_E_STALE)
    #expect(endpoint.ack(0, generation: 1) == BH_E_STALE)
    #expect(endpoint.nack(token, BH_OK) == BH_E_INVALID)
    #expect(endpoint.ack(token, generation: 1) == BH_OK)
    #expect(endpoint.ack(token, generation: 1) == BH_E_INVALID)
    eventually { endpoint.isIdle }
    #expect(endpoint.nack(token, BH_E_RETRY) == BH_E_INVALID)
    #expect(fixture.bus.statistics().faults == 2)

    other.send("t", "2", key: "k")
    eventually { endpoint.statistics().inFlight == 1 }
    turn(fixture) { box.count == 4 }
    #expect(endpoint.ack(box.all[2].delivery, generation: 1) == BH_E_STALE)
    #expect(box.all[3].attempt == 2)
    #expect(box.all[3].payload == "2")
  }

  @Test func aDeadlinePassedIsAFailedAttempt() throws {
    let fixture = BusFixture()
    let box = Box<Seen>()
    var spec = retrying(
      try fixture.handler("t") {
        box.append(Seen($0)); return bh_rc(BH_ASYNC)
      }, attempts: 2)
    spec.timeout = 5_000_000_000
    let endpoint = try fixture.endpoint("a", [spec])
    let source = try fixture.endpoint("source")
    source.send("t", "1")
    eventually { endpoint.statistics().inFlight == 1 }
    fixture.clock.advance(4_900_000_000)
    fixture.bus.runTimers()
    endpoint.settle()
    #expect(endpoint.statistics().inFlight == 1)
    turn(fixture) { fixture.letters.box.count == 1 }
    #expect(box.count == 2)
    #expect(fixture.letters.box.all[0].code == BH_E_TIMEOUT)
    eventually { endpoint.isIdle }
  }

  @Test func aDeliveryMayBeSettledFromAnotherThreadBeforeItsHandlerReturns() throws {
    let fixture = BusFixture()
    let box = Box<bh_token>()
    let go = Latch()
    let endpoint = try fixture.endpoint(
      "a",
      [
        fixture.handler("t") { event in
          box.append(event.pointee.delivery)
          go.wait()
          return bh_rc(BH_ASYNC)
        }
      ])
    let source = try fixture.endpoint("source")
    source.send("t", "1")
    eventually { box.count == 1 }
    #expect(endpoint.ack(box.all[0], generation: 1) == BH_OK)
    #expect(endpoint.ack(box.all[0], generation: 1) == BH_E_INVALID)
    go.open()
    eventually { endpoint.isIdle && endpoint.statistics().inFlight == 0 }
    #expect(endpoint.statistics().bindings[0].handled == 1)
  }

  @Test func nackChoosesTheTimeOfTheNextAttempt() throws {
    let fixture = BusFixture()
    let box = Box<Seen>()
    let endpoint = try fixture.endpoint(
      "a",
      [
        retrying(
          try fixture.handler("t") {
            box.append(Seen($0)); return bh_rc(BH_ASYNC)
          })
      ])
    let source = try fixture.endpoint("source")
    source.send("t", "1")
    eventually { box.count == 1 && endpoint.statistics().inFlight == 1 }
    #expect(endpoint.nack(box.all[0].delivery, BH_E_RETRY, after: 60_000_000_000) == BH_OK)
    eventually { endpoint.statistics().retrying == 1 }
    fixture.clock.advance(59_000_000_000)
    fixture.bus.runTimers()
    endpoint.settle()
    #expect(box.count == 1)
    turn(fixture) { box.count == 2 }
    #expect(endpoint.ack(box.all[1].delivery, generation: 1) == BH_OK)
    eventually { endpoint.isIdle }
  }

  @Test func thePublisherLearnsTheEnd() throws {
    let fixture = BusFixture()
    final class Results: Sendable { let box = Box<String>() }
    let results = Results()
    _ = try fixture.endpoint("a", [fixture.handler("t") { Seen($0).payload == "1" ? 0 : bh_rc(BH_E_REJECT) }])
    _ = try fixture.endpoint("b", [fixture.handler("t") { _ in 0 }])
    let source = try fixture.endpoint("source")
    func publish(_ topic: String, _ payload: String) -> bh_rc {
      borrow(topic) { topic in
        borrow(payload) { payload in
          var event = bh_outgoing()
          event.size = UInt32(MemoryLayout<bh_outgoing>.size)
          event.topic = topic
          event.payload = bh_bytes(
            ptr: UnsafeRawPointer(payload.ptr)?.assumingMemoryBound(to: UInt8.self), len: payload.len)
          event.settled_context = Unmanaged.passUnretained(results).toOpaque()
          event.settled = { context, rc, message in
            guard let context else { return }
            let text = String(decoding: UnsafeRawBufferPointer(start: message.ptr, count: message.len), as: UTF8.self)
            Unmanaged<Results>.fromOpaque(context).takeUnretainedValue().box.append("\(rc) \(text)")
          }
          return source.publish(0, &event, generation: 1)
        }
      }
    }
    #expect(publish("t", "1") == BH_OK)
    eventually { results.box.count == 1 }
    #expect(publish("t", "2") == BH_OK)
    eventually { results.box.count == 2 }
    #expect(publish("nobody", "2") == BH_OK)
    eventually { results.box.count == 3 }
    #expect(results.box.all == ["0 ", "\(BH_E_REJECT) rejected by the handler", "0 "])
    #expect(publish("t", "{") == BH_E_INVALID)
    eventually { source.statistics().outgoing == 0 }
  }
}
