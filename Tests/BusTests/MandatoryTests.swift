import CBotHost
import Synchronization
import Testing

@testable import BotHost

/// Events that somebody has to take.
@Suite struct MandatoryTests {
  /// An endpoint that publishes wishes on `wish.**`, and all else as news.
  private func publisher(_ fixture: BusFixture, _ handlers: [HandlerSpec] = []) throws -> Endpoint {
    let endpoint = try fixture.bus.addEndpoint(name: "publisher", lane: LaneOptions(spin: 0))
    var plan = EndpointPlan(generation: 1)
    plan.handlers = handlers
    plan.mandatory = [try #require(TopicPattern("wish.**"))]
    try endpoint.install(plan)
    endpoint.openGate()
    return endpoint
  }

  private func taker(
    _ fixture: BusFixture, _ name: String, for platform: String? = nil, priority: Int32 = 0, answer: Int = BH_OK,
    seen: Box<Seen> = Box()
  ) throws -> HandlerSpec {
    var spec = try fixture.handler("wish.say", id: name) {
      seen.append(Seen($0))
      return bh_rc(answer)
    }
    if let platform { spec.conditions = [("/platform", .string(platform))] }
    spec.priority = priority
    return spec
  }

  private static let wish = #"{"platform":"pigeon"}"#

  @Test func withoutAHandlerItIsADeadLetterAndNewsIsNot() throws {
    let fixture = BusFixture()
    let dead = Box<Seen>()
    let announcements = try fixture.endpoint(
      "undertaker",
      [
        fixture.handler("dead.**") {
          dead.append(Seen($0))
          return 0
        }
      ])
    let publisher = try publisher(fixture)
    #expect(publisher.send("news.say", Self.wish) == BH_OK)
    #expect(publisher.send("wish.say", Self.wish, key: "k") == BH_OK)
    let letter = try #require(fixture.letters.box.all.first)
    #expect(fixture.letters.box.count == 1)
    #expect(letter.event.topic == "wish.say" && letter.event.source == "publisher")
    #expect(letter.event.payload == Array(Self.wish.utf8) && letter.event.key == Array("k".utf8))
    #expect(letter.consumer == DeadLetter.nobody && letter.code == BH_E_NOTFOUND && letter.attempts == 0)
    #expect(letter.reason == "no handler takes it: there is none for this topic")
    announcements.settle()
    #expect(dead.all.map(\.topic) == ["dead.wish.say"])
    #expect(publisher.statistics().untaken == 1)
    #expect(fixture.bus.statistics().untaken == 1 && fixture.bus.statistics().deadLetters == 1)
    // Somebody reads what nobody handles: it is worth the making.
    let wish = borrow("wish.say") { publisher.topic($0) }
    let news = borrow("news.say") { publisher.topic($0) }
    #expect(publisher.isWanted(wish) && !publisher.isWanted(news))
  }

  @Test("what all handlers pass over is a dead letter, whether one or several, by priority or not", arguments: 1...4)
  func passedOver(_ count: Int) throws {
    let fixture = BusFixture()
    let takers = try (0..<count).map { number in
      // By `where`, or by what the handler answers.
      try fixture.endpoint(
        "taker-\(number)",
        [
          try taker(
            fixture, "say", for: number % 2 == 0 ? "owl" : nil, priority: Int32(number / 2), answer: BH_SKIP)
        ])
    }
    let publisher = try publisher(fixture)
    for _ in 0..<3 { #expect(publisher.send("wish.say", Self.wish) == BH_OK) }
    eventually { fixture.letters.box.count == 3 && takers.allSatisfy(\.isIdle) }
    #expect(
      Set(fixture.letters.box.all.map(\.reason)) == [
        count == 1
          ? "no handler takes it: the one of this topic has passed it over"
          : "no handler takes it: all \(count) of this topic have passed it over"
      ])
    #expect(publisher.statistics().untaken == 3)
  }

  @Test("what one of several takes is none", arguments: 1...4)
  func taken(_ count: Int) throws {
    let fixture = BusFixture()
    let seen = Box<Seen>()
    let takers = try (0..<count).map { number in
      try fixture.endpoint(
        "taker-\(number)",
        [
          try taker(
            fixture, "say", for: number == 0 ? "pigeon" : "owl", priority: Int32(number / 2), seen: seen)
        ])
    }
    let publisher = try publisher(fixture)
    for _ in 0..<3 { #expect(publisher.send("wish.say", Self.wish) == BH_OK) }
    eventually { seen.count == 3 && takers.allSatisfy(\.isIdle) }
    #expect(fixture.letters.box.count == 0)
  }

  @Test func anInlineLaneAndOneThatAnswersLaterTakeItToo() throws {
    let fixture = BusFixture()
    let tokens = Box<bh_token>()
    let inline = try fixture.endpoint(
      "inline", lane: LaneOptions(inline: true), [try taker(fixture, "say", for: "pigeon")])
    let publisher = try publisher(fixture)
    #expect(publisher.send("wish.say", Self.wish) == BH_OK)
    eventually { inline.isIdle }
    #expect(fixture.letters.box.count == 0)
    #expect(publisher.send("wish.say", #"{"platform":"owl"}"#) == BH_OK)
    eventually { fixture.letters.box.count == 1 }
    fixture.bus.remove(inline)

    let later = try fixture.endpoint(
      "later",
      [
        try fixture.handler("wish.say") {
          tokens.append($0.pointee.delivery)
          return bh_rc(BH_ASYNC)
        }
      ])
    #expect(publisher.send("wish.say", Self.wish) == BH_OK)
    eventually { tokens.count == 1 }
    #expect(later.ack(tokens.all[0], generation: 1) == BH_OK)
    eventually { later.isIdle }
    #expect(fixture.letters.box.count == 1)
  }

  /// A handler that fails has its own dead letter; there is no second one.
  @Test func aFailureIsOneDeadLetter() throws {
    let fixture = BusFixture()
    let taker = try fixture.endpoint("taker", [try taker(fixture, "say", answer: BH_E_REJECT)])
    let other = try fixture.endpoint("other", [try self.taker(fixture, "say", for: "owl")])
    let publisher = try publisher(fixture)
    #expect(publisher.send("wish.say", Self.wish) == BH_OK)
    eventually { taker.isIdle && other.isIdle && fixture.letters.box.count == 1 }
    #expect(fixture.letters.box.all.map(\.consumer) == ["taker/say"])
  }

  /// Who watches has no say.
  @Test func aTapTakesNothing() throws {
    let fixture = BusFixture()
    let seen = Box<String>()
    let tap = try fixture.bus.tap(try #require(TopicPattern("wish.**"))) { event in
      seen.append(Seen(event).payload)
    }
    let publisher = try publisher(fixture)
    #expect(publisher.send("wish.say", Self.wish) == BH_OK)
    eventually { seen.count == 1 && fixture.letters.box.count == 1 }
    tap.cancel()
  }

  @Test func anEffectIsGivenUpWhenItComesOut() throws {
    let fixture = BusFixture()
    let holder = Mutex<Endpoint?>(nil)
    let handler = try fixture.handler("in") { event in
      let endpoint = holder.withLock { $0 }
      endpoint?.send("wish.say", Self.wish, delivery: event.pointee.delivery)
      if Seen(event).payload == "2" { endpoint?.send("news.say", "1", delivery: event.pointee.delivery) }
      return Seen(event).payload == "3" ? bh_rc(BH_E_REJECT) : bh_rc(BH_OK)
    }
    let publisher = try publisher(fixture, [handler])
    holder.withLock { $0 = publisher }
    let source = try fixture.endpoint("source")
    // One effect, several, and none because the delivery fails.
    for payload in ["1", "2", "3"] { source.send("in", payload) }
    eventually { fixture.letters.box.count == 3 && publisher.isIdle }
    #expect(fixture.letters.box.all.map(\.event.topic) == ["wish.say", "wish.say", "in"])
    holder.withLock { $0 = nil }
  }

  @Test("a publisher who wants to know is told", arguments: [false, true])
  func settled(_ isPassedOver: Bool) throws {
    let fixture = BusFixture()
    if isPassedOver { _ = try fixture.endpoint("taker", [try taker(fixture, "say", for: "owl")]) }
    let publisher = try publisher(fixture)
    let told = Box<String>()
    let context = Unmanaged.passRetained(told)
    let rc = borrow("wish.say") { topic in
      borrow(Self.wish) { payload in
        var event = bh_outgoing()
        event.size = UInt32(MemoryLayout<bh_outgoing>.size)
        event.topic = topic
        event.payload = bh_bytes(
          ptr: UnsafeRawPointer(payload.ptr)?.assumingMemoryBound(to: UInt8.self), len: payload.len)
        event.settled = { context, rc, message in
          guard let context else { return }
          let text = String(
            decoding: UnsafeRawBufferPointer(start: message.ptr, count: message.len), as: UTF8.self)
          Unmanaged<Box<String>>.fromOpaque(context).takeRetainedValue().append("\(rc) \(text)")
        }
        event.settled_context = context.toOpaque()
        return publisher.publish(0, &event, generation: 1)
      }
    }
    #expect(rc == BH_OK)
    eventually { told.count == 1 }
    #expect(told.all[0].hasPrefix("\(BH_E_REJECT) no handler takes it"), "\(told.all)")
    #expect(fixture.letters.box.count == 1)
  }

  @Test func oneThatWaitsForAHandlerThatGoesIsKept() throws {
    let fixture = BusFixture()
    let taker = try fixture.endpoint("taker", [try taker(fixture, "say")], open: false)
    let publisher = try publisher(fixture)
    #expect(publisher.send("wish.say", Self.wish) == BH_OK)
    #expect(publisher.send("news.say", Self.wish) == BH_OK)
    // As at the end of the host: what is news is dropped.
    fixture.bus.remove(taker, queued: .drop)
    #expect(fixture.letters.box.all.map(\.event.topic) == ["wish.say"])
    #expect(fixture.letters.box.all.map(\.reason) == ["the instance has gone"])
  }

  @Test func aDurableOneIsJournaledAndADeadLetter() throws {
    let log = MemoryLog()
    let fixture = BusFixture {
      $0.durableLog = log
      $0.durableTopics = [TopicPattern("wish.**")].compactMap { $0 }
    }
    let publisher = try publisher(fixture)
    #expect(publisher.send("wish.say", Self.wish) == BH_OK)
    let batches = log.state.withLock { $0.batches }
    #expect(batches.flatMap(\.appends).map(\.event.topic) == ["wish.say"])
    #expect(batches.flatMap(\.deadLetters).map(\.consumer) == [DeadLetter.nobody])
    #expect(batches.flatMap(\.settlements).isEmpty)
  }

  /// What was not handed out when the host ended has its promise still, unless somebody may have taken it.
  @Test func itIsMandatoryAfterARestart() throws {
    let log = MemoryLog()
    let fixture = BusFixture {
      $0.durableLog = log
      $0.durableTopics = [TopicPattern("wish.**")].compactMap { $0 }
    }
    let event = StoredEvent(time: 5, topic: "wish.say", source: "publisher", payload: Array(Self.wish.utf8))
    log.state.withLock {
      $0.backlog = [
        UnsettledEvent(position: 1, event: event, consumers: ["a/say", "b/say"]),
        UnsettledEvent(position: 2, event: event, consumers: ["a/say"]),
      ]
    }
    let endpoints = try ["a", "b"].map { name in
      try fixture.endpoint(name, [try taker(fixture, "say", for: "owl")], open: false)
    }
    _ = try publisher(fixture)
    #expect(try fixture.bus.replay() == 3)
    for endpoint in endpoints { endpoint.openGate() }
    eventually { endpoints.allSatisfy(\.isIdle) && log.state.withLock { $0.settled.count } == 3 }
    eventually { log.state.withLock { $0.batches.flatMap(\.deadLetters).count } == 1 }
  }

  @Test func aLetterIsReplayedToWhoeverTakesItThen() throws {
    let fixture = BusFixture()
    let publisher = try publisher(fixture)
    #expect(publisher.send("wish.say", Self.wish) == BH_OK)
    let letter = try #require(fixture.letters.box.all.first)
    let ends = Box<bh_rc>()
    #expect(fixture.bus.redeliver(letter.event, to: letter.consumer) { ends.append($0) } == BH_E_NOTFOUND)

    let other = try fixture.endpoint("other", [try taker(fixture, "say", for: "owl")])
    #expect(fixture.bus.redeliver(letter.event, to: letter.consumer) { ends.append($0) } == BH_OK)
    eventually { ends.all == [bh_rc(BH_E_REJECT)] }
    #expect(fixture.letters.box.count == 2)

    let seen = Box<Seen>()
    let taker = try fixture.endpoint("taker", [try taker(fixture, "say", for: "pigeon", seen: seen)])
    #expect(fixture.bus.redeliver(letter.event, to: letter.consumer) { ends.append($0) } == BH_OK)
    eventually { ends.all == [bh_rc(BH_E_REJECT), bh_rc(BH_OK)] && taker.isIdle && other.isIdle }
    #expect(seen.all.map(\.payload) == [Self.wish] && seen.all[0].flags & UInt32(BH_EVENT_REPLAY) != 0)
    #expect(fixture.letters.box.count == 2)
  }

  /// No event is kept longer than it has to.
  @Test func nothingIsLeftBehind() throws {
    let fixture = BusFixture()
    let takers = try (0..<2).map { number in
      try fixture.endpoint("taker-\(number)", [try taker(fixture, "say", for: number == 0 ? "owl" : "crow")])
    }
    let publisher = try publisher(fixture)
    let padding = String(repeating: "x", count: 20_000)
    for number in 0..<200 {
      let platform = ["owl", "crow", "pigeon"][number % 3]
      #expect(publisher.send("wish.say", #"{"platform":"\#(platform)","text":"\#(padding)"}"#) == BH_OK)
      #expect(publisher.send("wish.other", #"{"text":"\#(padding)"}"#) == BH_OK)
    }
    eventually { takers.allSatisfy(\.isIdle) }
    #expect(fixture.letters.box.count == 200 + 66)
    // Each of these events has memory of its own, which is given back with its last reference.
    eventually("\(fixture.bus.statistics().chunks) chunks are in use") { fixture.bus.statistics().chunks < 100 }
  }
}
