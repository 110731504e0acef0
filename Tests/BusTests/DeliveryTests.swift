import CBotHost
import Glibc
import Synchronization
import Testing

@testable import BotHost

@Suite struct DeliveryTests {
  @Test func anEventReachesTheHandlersOfItsTopicAndNoOthers() throws {
    let fixture = BusFixture()
    let (exact, pattern, rest, other) = (Box<Seen>(), Box<Seen>(), Box<Seen>(), Box<Seen>())
    _ = try fixture.endpoint(
      "a",
      [
        fixture.handler("chat.message") {
          exact.append(Seen($0)); return 0
        },
        fixture.handler("chat.*") {
          pattern.append(Seen($0)); return 0
        },
        fixture.handler("chat.**") {
          rest.append(Seen($0)); return 0
        },
        fixture.handler("chat.message.edited") {
          other.append(Seen($0)); return 0
        },
      ])
    let source = try fixture.endpoint("source")
    #expect(source.send("chat.message", #"{"text":"hi"}"#, key: "k") == BH_OK)
    eventually { exact.count == 1 && pattern.count == 1 && rest.count == 1 }
    let seen = try #require(exact.all.first)
    #expect(seen.topic == "chat.message")
    #expect(seen.payload == #"{"text":"hi"}"#)
    #expect(seen.source == "source")
    #expect(seen.key == "k")
    #expect(seen.attempt == 1)
    #expect(seen.flags & UInt32(BH_EVENT_JSON) != 0)
    #expect(other.count == 0)
  }

  @Test func sequencesHaveNoGapsAndOrderIsKept() throws {
    let fixture = BusFixture()
    let box = Box<Seen>()
    _ = try fixture.endpoint(
      "a",
      [
        fixture.handler("t.*") {
          box.append(Seen($0)); return 0
        }
      ])
    let source = try fixture.endpoint("source")
    for number in 0..<5000 { #expect(source.send("t.\(number % 7)", "\(number)") == BH_OK) }
    eventually { box.count == 5000 }
    #expect(box.all.map(\.payload) == (0..<5000).map(String.init))
    #expect(box.all.map(\.seq) == (1...5000).map(UInt64.init))
  }

  @Test func whatIsNoJSONIsRefusedUnlessItSaysWhatItIs() throws {
    let fixture = BusFixture()
    let box = Box<Seen>()
    _ = try fixture.endpoint(
      "a",
      [
        fixture.handler("t") {
          box.append(Seen($0)); return 0
        }
      ])
    let source = try fixture.endpoint("source")
    #expect(source.send("t", "{") == BH_E_INVALID)
    #expect(source.send("t", "[" + String(repeating: "1,", count: 400)) == BH_E_INVALID)
    #expect(source.send("t", "{", contentType: "text/plain") == BH_OK)
    #expect(source.send("t", "[" + String(repeating: "1,", count: 400) + "1]") == BH_OK)
    #expect(source.send("t", "") == BH_OK)
    eventually { box.count == 3 }
    #expect(box.all.map { $0.flags & UInt32(BH_EVENT_JSON) != 0 } == [false, true, false])
  }

  @Test func topicsThatAreNoneOrPrivateAreRefused() throws {
    let fixture = BusFixture()
    let source = try fixture.endpoint("source")
    for topic in ["", ".", "a..b", "a b", "timer.x", "net.a.frame", String(repeating: "x", count: 600)] {
      #expect(source.send(topic, "1") == BH_E_INVALID, "\(topic)")
    }
  }

  @Test func onlyDeclaredTopicsMayBePublished() throws {
    let fixture = BusFixture()
    let source = try fixture.bus.addEndpoint(name: "source")
    var plan = EndpointPlan(generation: 1)
    plan.publishes = [try #require(TopicPattern("mine.*"))]
    try source.install(plan)
    #expect(source.send("mine.a", "1") == BH_OK)
    #expect(source.send("theirs.a", "1") == BH_E_DENIED)
    plan.generation = 2
    plan.publishes?.append(try #require(TopicPattern("theirs.a")))
    try source.install(plan)
    #expect(source.send("theirs.a", "1", generation: 2) == BH_OK)
    #expect(source.send("mine.a", "1", generation: 1) == BH_E_STALE)
  }

  @Test func whatTheHostSaysNoPluginMayPublish() throws {
    let fixture = BusFixture()
    let source = try fixture.bus.addEndpoint(name: "source")
    var plan = EndpointPlan(generation: 1)
    plan.publishes = [try #require(TopicPattern("**")), try #require(TopicPattern("sys.plugin.stopped"))]
    try source.install(plan)
    for topic in ["sys.plugin.stopped", "dead.a", "host.ready"] {
      #expect(source.send(topic, "1") == BH_E_DENIED, "\(topic)")
      #expect(CallMessage.take()?.contains("published by the host alone") == true)
      // Nor when the host has made the topic known, by name or by number.
      #expect(fixture.bus.publish(topic: topic, payload: Array("1".utf8), source: "host") == BH_OK)
      #expect(source.send(topic, "1") == BH_E_DENIED, "\(topic)")
    }
    for topic in ["sys", "system.a", "hosts.a", "a.sys.b"] { #expect(source.send(topic, "1") == BH_OK, "\(topic)") }
  }

  @Test func aPayloadBeyondTheBoundIsRefused() throws {
    let fixture = BusFixture { $0.maximumPayload = 1000 }
    let source = try fixture.endpoint("source")
    let text = "\"" + String(repeating: "x", count: 998) + "\""
    #expect(source.send("t", text) == BH_OK)
    #expect(source.send("t", text + " ") == BH_E_NOSPACE)
  }

  @Test func largeEventsTravelWhole() throws {
    let fixture = BusFixture()
    let box = Box<Int>()
    _ = try fixture.endpoint(
      "a",
      [
        fixture.handler("t") {
          box.append($0.pointee.payload.len); return 0
        }
      ])
    let source = try fixture.endpoint("source")
    for size in [10, 20_000, 70_000, 5_000_000, 100] {
      #expect(source.send("t", "\"" + String(repeating: "x", count: size) + "\"") == BH_OK)
    }
    eventually { box.count == 5 }
    #expect(box.all == [12, 20_002, 70_002, 5_000_002, 102])
  }

  @Test func skippedIsNotHandled() throws {
    let fixture = BusFixture()
    let endpoint = try fixture.endpoint(
      "a", [fixture.handler("t") { Seen($0).payload == "1" ? bh_rc(BH_SKIP) : bh_rc(BH_OK) }])
    let source = try fixture.endpoint("source")
    for text in ["1", "2", "1"] { source.send("t", text) }
    eventually { endpoint.statistics().bindings[0].skipped == 2 && endpoint.statistics().bindings[0].handled == 1 }
    eventually { endpoint.isIdle }
  }

  @Test func stopKeepsAnEventFromHandlersOfLowerPriority() throws {
    let fixture = BusFixture()
    let box = Box<String>()
    func handler(_ name: String, _ priority: Int32, _ rc: Int) throws -> HandlerSpec {
      var spec = try fixture.handler("t", id: name) { event in
        let payload = Seen(event).payload
        box.append("\(name)\(payload)")
        return payload == "1" ? bh_rc(rc) : bh_rc(BH_OK)
      }
      spec.priority = priority
      return spec
    }
    _ = try fixture.endpoint("low", [handler("low", -1, BH_OK)])
    _ = try fixture.endpoint("high", [handler("high", 10, BH_OK), handler("middle", 5, BH_STOP)])
    let source = try fixture.endpoint("source")
    source.send("t", "1")
    source.send("t", "2")
    eventually { box.count == 5 }
    #expect(box.all.filter { $0.hasSuffix("1") } == ["high1", "middle1"])
    #expect(box.all.filter { $0.hasSuffix("2") } == ["high2", "middle2", "low2"])
  }

  @Test func conditionsAndSourcesSelect() throws {
    let fixture = BusFixture()
    let box = Box<String>()
    var spec = try fixture.handler("t") {
      box.append(Seen($0).payload); return 0
    }
    spec.conditions = [("/platform", .string("twi\"tch")), ("/n", .int(3))]
    spec.source = "wanted"
    _ = try fixture.endpoint("a", [spec])
    let wanted = try fixture.endpoint("wanted")
    let other = try fixture.endpoint("other")
    let good = #"{"n":3,"platform":"twi\u0022tch"}"#
    wanted.send("t", #"{"n":4,"platform":"twi\"tch"}"#)
    wanted.send("t", #"{"n":3}"#)
    wanted.send("t", "not json", contentType: "text/plain")
    other.send("t", good)
    wanted.send("t", good)
    wanted.send("t", #"{"n":3.0,"platform":"twi\"tch","more":1}"#)
    eventually { box.count == 2 }
    #expect(box.all == [good, #"{"n":3.0,"platform":"twi\"tch","more":1}"#])
  }

  @Test func fieldsAreReadInPlace() throws {
    let fixture = BusFixture()
    let box = Box<String>()
    _ = try fixture.endpoint(
      "a",
      [
        fixture.handler("t") { event in
          for pointer in ["/s", "/e", "/l/1", "/m", "/d", "/b", "/z", "/none", "x"] {
            var value = bh_value()
            value.size = UInt32(MemoryLayout<bh_value>.size)
            let rc = borrow(pointer) { Endpoint.field(event, pointer: $0, &value) }
            let text = String(
              decoding: UnsafeRawBufferPointer(start: value.text.ptr, count: value.text.len), as: UTF8.self)
            box.append("\(rc) \(value.kind) \(value.i) \(value.f) \(text)")
          }
          return 0
        }
      ])
    let source = try fixture.endpoint("source")
    source.send("t", #"{"s":"plain","e":"a\n\u00e9\ud83d\ude00","l":[1,-2],"m":{"x":1},"d":1.5,"b":true,"z":null}"#)
    eventually { box.count == 9 }
    #expect(
      box.all == [
        "0 4 0 0.0 plain", "0 4 0 0.0 a\né😀", "0 2 -2 -2.0 ", "0 6 0 0.0 {\"x\":1}", "0 3 0 1.5 ", "0 1 1 0.0 ",
        "0 0 0 0.0 ",
        "-5 0 0 0.0 ", "-3 0 0 0.0 ",
      ])
  }

  @Test func keptEventsLiveOnAndAreCounted() throws {
    let fixture = BusFixture()
    let kept = Box<UInt>()
    let holder = Mutex<Endpoint?>(nil)
    let endpoint = try fixture.endpoint(
      "a",
      [
        fixture.handler("t") { event in
          var copy: UnsafePointer<bh_event>?
          let rc = holder.withLock { $0 }?.retain(event, &copy) ?? -1
          kept.append(UInt(bitPattern: copy))
          return rc
        }
      ], open: false)
    holder.withLock { $0 = endpoint }
    endpoint.openGate()
    let source = try fixture.endpoint("source")
    source.send("t", #"{"x":"a\tb"}"#, key: "key", correlation: "c")
    eventually { kept.count == 1 }
    let event = try #require(UnsafePointer<bh_event>(bitPattern: kept.all[0]))
    #expect(Seen(event).payload == #"{"x":"a\tb"}"#)
    #expect(Seen(event).correlation == "c")
    var value = bh_value()
    value.size = UInt32(MemoryLayout<bh_value>.size)
    #expect(borrow("/x") { Endpoint.field(event, pointer: $0, &value) } == BH_OK)
    #expect(
      String(decoding: UnsafeRawBufferPointer(start: value.text.ptr, count: value.text.len), as: UTF8.self) == "a\tb")
    #expect(endpoint.retainedCount(generation: 1) == 1)
    endpoint.release(event)
    #expect(endpoint.retainedCount(generation: 1) == 0)
  }

  @Test func aTapSeesWithoutASay() throws {
    let fixture = BusFixture()
    let box = Box<String>()
    let source = try fixture.endpoint("source")
    let tap = try fixture.bus.tap(try #require(TopicPattern("a.**"))) { box.append(Seen($0).topic) }
    source.send("a.b", "1")
    source.send("b.a", "1")
    source.send("a.c.d", "1")
    eventually { box.count == 2 }
    #expect(box.all == ["a.b", "a.c.d"])
    tap.cancel()
    source.send("a.b", "1")
    #expect(box.count == 2)
  }

  @Test func anEndedTapLeavesNothingBehind() throws {
    let fixture = BusFixture()
    let source = try fixture.endpoint("source")
    let slots = fixture.bus.slots.inUse
    for _ in 0..<3 {
      weak var ended: Endpoint?
      do {
        let tap = try fixture.bus.tap(try #require(TopicPattern("**"))) { _ in }
        ended = fixture.bus.endpoint(named: "tap-1")
        #expect(ended != nil)
        source.send("a", "1")
        tap.cancel()
        tap.cancel()
      }
      // A publisher of another test may be reading routes just now.
      eventually {
        Reclamation.collect()
        return ended == nil
      }
    }
    #expect(fixture.bus.slots.inUse == slots)
  }

  @Test func theSizeThatPublishersMustGiveIsThatOfTheFirstVersion() {
    #expect(MemoryLayout<bh_outgoing>.offset(of: \.settled) == Int(Endpoint.firstSize))
  }
}
