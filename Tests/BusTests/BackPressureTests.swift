import CBotHost
import Glibc
import Synchronization
import Testing

@testable import BotHost

@Suite struct BackPressureTests {
  @Test func aFullLaneLetsItsPublisherWait() throws {
    let fixture = BusFixture()
    let box = Box<String>()
    let endpoint = try fixture.endpoint(
      "a", lane: LaneOptions(capacity: 4, spin: 0),
      [
        fixture.handler("t") {
          box.append(Seen($0).payload); return 0
        }
      ],
      open: false)
    let source = try fixture.endpoint("source")
    let sent = Atomic<Int>(0)
    let thread = HostThread(name: "publisher") {
      for number in 0..<50 {
        source.send("t", "\(number)")
        sent.wrappingAdd(1, ordering: .releasing)
      }
    }
    eventually { sent.load(ordering: .acquiring) == 4 && endpoint.statistics().waiting == 1 }
    #expect(box.count == 0)
    endpoint.openGate()
    thread?.join()
    eventually { box.count == 50 }
    #expect(box.all == (0..<50).map(String.init))
  }

  @Test func moreRoomLetsThoseWhoWaitGoOn() throws {
    let fixture = BusFixture()
    let box = Box<String>()
    let endpoint = try fixture.endpoint(
      "a", lane: LaneOptions(capacity: 4, spin: 0),
      [
        fixture.handler("t") {
          box.append(Seen($0).payload); return 0
        }
      ],
      open: false)
    let source = try fixture.endpoint("source")
    let thread = HostThread(name: "publisher") {
      for number in 0..<10 { source.send("t", "\(number)") }
    }
    eventually { endpoint.statistics().waiting == 1 }
    #expect(endpoint.setBounds(LaneOptions(capacity: 10), timeout: 60_000_000_000))
    thread?.join()
    // Less room, and nobody waits for it any more; what is queued stays.
    #expect(endpoint.setBounds(LaneOptions(capacity: 2, full: .reject), timeout: 60_000_000_000))
    #expect(source.send("t", "10") == BH_E_BUSY)
    #expect(endpoint.statistics().depth == 10)
    // Or the oldest go.
    #expect(endpoint.setBounds(LaneOptions(capacity: 3, full: .dropOldest), timeout: 60_000_000_000))
    #expect(source.send("t", "11") == BH_OK)
    endpoint.openGate()
    eventually { endpoint.isIdle }
    #expect(box.all == ["8", "9", "11"])
    #expect(endpoint.laneOptions.capacity == 3 && endpoint.laneOptions.full == .dropOldest)
  }

  @Test func onASlowLaneRoomIsOfferedLongBeforeHalfOfItIsEmpty() throws {
    let fixture = BusFixture()
    let permits = Permits()
    let endpoint = try fixture.endpoint(
      "a", lane: LaneOptions(capacity: 4096, spin: 0),
      [
        fixture.handler("t") { _ in
          permits.take(); return 0
        }
      ])
    let source = try fixture.endpoint("source")
    let sent = Atomic<Int>(0)
    let thread = HostThread(name: "publisher") {
      for number in 0..<4200 {
        source.send("t", "\(number)")
        sent.wrappingAdd(1, ordering: .releasing)
      }
    }
    eventually { endpoint.statistics().waiting == 1 }
    let before = sent.load(ordering: .acquiring)
    var given = 0
    while sent.load(ordering: .acquiring) == before, given < 4096 {
      permits.give(1)
      given += 1
      eventually { permits.left == 0 }
    }
    #expect(given <= 4096 / 4)
    permits.give(8192)
    thread?.join()
    eventually { endpoint.isIdle }
  }

  @Test func bytesAreBoundedToo() throws {
    let fixture = BusFixture()
    let endpoint = try fixture.endpoint(
      "a", lane: LaneOptions(capacity: 100, capacityBytes: 10_000, full: .reject, spin: 0),
      [fixture.handler("t") { _ in 0 }], open: false)
    let source = try fixture.endpoint("source")
    let large = "\"" + String(repeating: "x", count: 20_000) + "\""
    #expect(source.send("t", large) == BH_OK)
    #expect(source.send("t", "1") == BH_E_BUSY)
    endpoint.openGate()
    eventually { endpoint.isIdle }
    #expect(source.send("t", "1") == BH_OK)
  }

  @Test func theOldestIsDroppedWhereThatIsWanted() throws {
    let fixture = BusFixture()
    let box = Box<String>()
    let endpoint = try fixture.endpoint(
      "a", lane: LaneOptions(capacity: 3, full: .dropOldest, spin: 0),
      [
        fixture.handler("t") {
          box.append(Seen($0).payload); return 0
        }
      ], open: false)
    let source = try fixture.endpoint("source")
    for number in 0..<10 { #expect(source.send("t", "\(number)") == BH_OK) }
    #expect(endpoint.statistics().dropped == 7)
    #expect(endpoint.statistics().depth == 3)
    fixture.bus.watch()
    guard case .dropped(let name, let count)? = fixture.reports.all.last else {
      Issue.record("the drops were not reported")
      return
    }
    #expect(name == "a" && count == 7)
    endpoint.openGate()
    eventually { box.count == 3 && endpoint.isIdle }
    #expect(box.all == ["7", "8", "9"])
  }

  @Test func whenOneRefusesNobodyGetsTheEvent() throws {
    let fixture = BusFixture()
    let (a, b) = (Box<String>(), Box<String>())
    let first = try fixture.endpoint(
      "a",
      [
        fixture.handler("t") {
          a.append(Seen($0).payload); return 0
        }
      ])
    let second = try fixture.endpoint(
      "b", lane: LaneOptions(capacity: 2, full: .reject, spin: 0),
      [
        fixture.handler("t") {
          b.append(Seen($0).payload); return 0
        }
      ], open: false)
    let source = try fixture.endpoint("source")
    #expect(source.send("t", "1") == BH_OK)
    #expect(source.send("t", "2") == BH_OK)
    #expect(source.send("t", "3") == BH_E_BUSY)
    second.openGate()
    eventually { b.count == 2 }
    #expect(source.send("t", "4") == BH_OK)
    eventually { a.count == 3 && b.count == 3 }
    #expect(a.all == ["1", "2", "4"])
    #expect(b.all == ["1", "2", "4"])
    eventually { first.isIdle && second.isIdle }
    #expect(second.statistics().rejected >= 0)
  }

  @Test func aCircleOfWaitingLanesIsRefused() throws {
    let fixture = BusFixture()
    let refused = Box<String>()
    let ends = Mutex<[Endpoint]>([])
    func relay(_ name: String, _ from: String, _ to: String, _ index: Int) throws -> Endpoint {
      try fixture.endpoint(
        name, lane: LaneOptions(capacity: 2, spin: 0),
        [
          fixture.handler(from) { event in
            // Each event makes two: lanes that only waited would wait for ever.
            let depth = Int(Seen(event).payload) ?? 0
            guard depth < 6 else { return 0 }
            for _ in 0..<2 {
              let rc = ends.withLock { $0[index] }.send(to, "\(depth + 1)")
              if rc == BH_E_BUSY { refused.append(name) }
            }
            return 0
          }
        ], open: false)
    }
    let a = try relay("a", "to.a", "to.b", 0)
    let b = try relay("b", "to.b", "to.a", 1)
    ends.withLock { $0 = [a, b] }
    let source = try fixture.endpoint("source")
    source.send("to.a", "0")
    source.send("to.b", "0")
    a.openGate()
    b.openGate()
    eventually("both lanes come to rest") { a.isIdle && b.isIdle }
    #expect(refused.count > 0)
  }

  @Test func aHandlerThatPublishesIntoItsOwnFullLaneIsRefused() throws {
    let fixture = BusFixture()
    let codes = Box<bh_rc>()
    let holder = Mutex<Endpoint?>(nil)
    let endpoint = try fixture.endpoint(
      "a", lane: LaneOptions(capacity: 2, spin: 0),
      [
        fixture.handler("t") { event in
          guard Seen(event).payload == "1", let endpoint = holder.withLock({ $0 }) else { return 0 }
          for _ in 0..<3 { codes.append(endpoint.send("t", "2")) }
          return 0
        }
      ], open: false)
    holder.withLock { $0 = endpoint }
    endpoint.openGate()
    try fixture.endpoint("source").send("t", "1")
    eventually { codes.count == 3 && endpoint.isIdle }
    #expect(codes.all == [bh_rc(BH_OK), bh_rc(BH_E_BUSY), bh_rc(BH_E_BUSY)])
  }

  @Test func aPrivateChannelNeverWaitsAndSaysWhenThereIsRoom() throws {
    let fixture = BusFixture()
    let box = Box<Seen>()
    let resumed = Atomic<Int>(0)
    let endpoint = try fixture.endpoint(
      "a", lane: LaneOptions(capacity: 2, spin: 0),
      [
        fixture.handler("net.irc.*") {
          box.append(Seen($0)); return 0
        },
        fixture.handler("**") { _ in
          Issue.record("a private event went to a public pattern")
          return 0
        },
      ], open: false)
    let channel = try #require(endpoint.channel(topic: "net.irc.frame"))
    func deliver(_ text: String) -> PrivateChannel.Outcome {
      var text = text
      return text.withUTF8 { bytes in
        channel.deliver(UnsafeRawBufferPointer(bytes)) { resumed.wrappingAdd(1, ordering: .releasing) }
      }
    }
    #expect(deliver("one") == .queued)
    #expect(deliver("two") == .queued)
    #expect(deliver("three") == .full)
    #expect(resumed.load(ordering: .acquiring) == 0)
    endpoint.openGate()
    eventually { resumed.load(ordering: .acquiring) == 1 }
    #expect(deliver("three") == .queued)
    eventually { box.count == 3 }
    #expect(box.all.map(\.payload) == ["one", "two", "three"])
    #expect(box.all[0].topic == "net.irc.frame")
    #expect(endpoint.channel(topic: "public.topic") == nil)
    eventually { endpoint.isIdle }
    fixture.bus.remove(endpoint)
    #expect(deliver("four") == .closed)
  }

  @Test func removingAnEndpointFreesThoseWhoWaitForIt() throws {
    let fixture = BusFixture()
    let endpoint = try fixture.endpoint(
      "a", lane: LaneOptions(capacity: 1, spin: 0), [fixture.handler("t") { _ in 0 }], open: false)
    let source = try fixture.endpoint("source")
    source.send("t", "1")
    let thread = HostThread(name: "publisher") { source.send("t", "2") }
    eventually { endpoint.statistics().waiting == 1 }
    fixture.bus.remove(endpoint)
    thread?.join()
    #expect(fixture.letters.box.all.map(\.reason) == ["the instance has gone"])
    #expect(source.send("t", "3") == BH_OK)
  }
}
