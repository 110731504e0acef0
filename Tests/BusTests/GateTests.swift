import CBotHost
import Glibc
import Synchronization
import Testing

@testable import BotHost

@Suite struct GateTests {
  @Test func aShutGateAcceptsAndDeliversLater() throws {
    let fixture = BusFixture()
    let box = Box<Seen>()
    let endpoint = try fixture.endpoint(
      "a",
      [
        fixture.handler("t") {
          box.append(Seen($0)); return 0
        }
      ])
    let source = try fixture.endpoint("source")
    source.send("t", "1")
    eventually { box.count == 1 }
    endpoint.closeGate()
    source.send("t", "2")
    #expect(endpoint.onLane(timeout: 60_000_000_000) { box.count } == 1)
    #expect(endpoint.drain(deadline: fixture.clock.monotonic + 1, policy: .wait) == .drained)
    endpoint.openGate()
    eventually { box.count == 2 }
    #expect(box.all.map(\.seq) == [1, 2])
  }

  @Test func plansAreOnlyInstalledBehindAShutGate() throws {
    let fixture = BusFixture()
    let endpoint = try fixture.endpoint("a")
    #expect(throws: BusError.self) { try endpoint.install(EndpointPlan(generation: 2)) }
    endpoint.closeGate()
    try endpoint.install(EndpointPlan(generation: 2))
    #expect(endpoint.generation == 2)
    #expect(throws: BusError.self) { try fixture.bus.addEndpoint(name: "a") }
    #expect(throws: BusError.self) { try fixture.bus.addEndpoint(name: "not a name") }
  }

  @Test func methodNamesAreUniqueAndAFailedPlanChangesNothing() throws {
    let fixture = BusFixture()
    let target = fixture.target { _ in 0 }
    _ = try fixture.endpoint("a", methods: [MethodSpec(name: "m", target: target)])
    let b = try fixture.bus.addEndpoint(name: "b")
    var plan = EndpointPlan(generation: 1)
    plan.methods = [MethodSpec(name: "bad name", target: target)]
    #expect(throws: BusError.self) { try b.install(plan) }
    #expect(fixture.bus.methodNames == ["a.m"])
  }

  @Test func drainWaitsForWhatIsUnsettledAndRevokeTakesItBack() throws {
    let fixture = BusFixture()
    let box = Box<Seen>()
    let spec = try fixture.handler("t") {
      box.append(Seen($0)); return bh_rc(BH_ASYNC)
    }
    let endpoint = try fixture.endpoint("a", [spec])
    let source = try fixture.endpoint("source")
    source.send("t", "1", key: "k")
    source.send("t", "2", key: "k")
    eventually { endpoint.statistics().inFlight == 1 }
    endpoint.closeGate()
    #expect(endpoint.onLane(timeout: 60_000_000_000) { true } == true)
    #expect(
      endpoint.drain(deadline: fixture.clock.monotonic, policy: .abort) == .timedOut(inCall: 0, inFlight: 1, calls: 0))
    #expect(endpoint.drain(deadline: fixture.clock.monotonic, policy: .revoke) == .drained)
    #expect(endpoint.ack(box.all[0].delivery, generation: 1) == BH_E_STALE)
    var plan = EndpointPlan(generation: 2)
    plan.handlers = [
      try fixture.handler("t") {
        box.append(Seen($0)); return 0
      }
    ]
    try endpoint.install(plan)
    endpoint.openGate()
    eventually {
      fixture.clock.advance(100_000_000)
      fixture.bus.runTimers()
      return box.count == 3
    }
    #expect(box.all.map(\.payload) == ["1", "1", "2"])
    #expect(box.all[1].flags & UInt32(BH_EVENT_REDELIVERED) != 0)
  }

  @Test func aCallOfItsOwnChainPassesTheGate() throws {
    let fixture = BusFixture()
    let endpoints = Mutex<[String: Endpoint]>([:])
    @Sendable func endpoint(_ name: String) -> Endpoint? { endpoints.withLock { $0[name] } }
    let started = Atomic<Bool>(false)
    let go = Latch()
    let results = Box<String>()
    let a = try fixture.endpoint(
      "a",
      [
        fixture.handler("t") { event in
          let token = event.pointee.delivery
          _ = endpoint("a")?.ask("b.m", "1", cause: token) { rc, text in
            results.append("\(rc) \(text)")
            _ = endpoint("a")?.ack(token, generation: 1)
          }
          return bh_rc(BH_ASYNC)
        }
      ],
      methods: [
        MethodSpec(
          name: "n", target: fixture.target { endpoint("a")?.answer($0.pointee.delivery, "\"through\"") ?? -1 })
      ])
    let b = try fixture.endpoint(
      "b",
      methods: [
        MethodSpec(
          name: "m",
          target: fixture.target { event in
            started.store(true, ordering: .releasing)
            go.wait()
            let token = event.pointee.delivery
            _ = endpoint("b")?.ask("a.n", "1", cause: token) { rc, text in
              _ = endpoint("b")?.answer(token, text, rc: Int(rc))
            }
            return bh_rc(BH_ASYNC)
          })
      ])
    endpoints.withLock { $0 = ["a": a, "b": b] }
    try fixture.endpoint("source").send("t", "1")
    eventually { started.load(ordering: .acquiring) }
    a.closeGate()
    // Somebody else's call waits.
    let late = Box<bh_rc>()
    fixture.bus.call("a.n", argument: []) { rc, _ in late.append(rc) }
    go.open()
    #expect(a.drain(deadline: .max, policy: .wait) == .drained)
    #expect(results.all == ["0 \"through\""])
    #expect(late.count == 0)
    a.openGate()
    eventually { late.count == 1 }
  }

  @Test(.timeLimit(.minutes(20))) func theEndDoesNotWaitForWhatStandsBeforeAShutGate() throws {
    let fixture = BusFixture(realClock: true)
    _ = try fixture.endpoint("a", [fixture.handler("t") { _ in 0 }], open: false)
    try fixture.endpoint("source").send("t", "1")
    #expect(!fixture.bus.stop(timeout: 3_600_000_000_000))
  }

  @Test func handlersThatAreGoneLeaveDeadLetters() throws {
    let fixture = BusFixture()
    let endpoint = try fixture.endpoint("a", [fixture.handler("t") { _ in 0 }], open: false)
    let source = try fixture.endpoint("source")
    source.send("t", "1")
    try endpoint.install(EndpointPlan(generation: 2))
    source.send("t", "2")
    endpoint.openGate()
    eventually { fixture.letters.box.count == 1 && endpoint.isIdle }
    #expect(fixture.letters.box.all[0].reason == "the handler no longer exists")
  }

  /// Plans are exchanged under load from several publishers: nothing is lost, doubled or reordered, and no generation
  /// sees an event after it has been replaced.
  @Test(arguments: [false, true]) func nothingIsLostOverManySwaps(inline: Bool) throws {
    let fixture = BusFixture(realClock: true)
    let publishers = 3
    let each = 30_000
    final class Counters: @unchecked Sendable {
      var next = [Int](repeating: 0, count: 3)
      var wrong = 0
      var seq: UInt64 = 0
      var generation: UInt32 = 1
      let total = Atomic<Int>(0)
    }
    let counters = Counters()
    func plan(_ generation: UInt32) throws -> EndpointPlan {
      var plan = EndpointPlan(generation: generation)
      plan.handlers = [
        try fixture.handler("load.*") { event in
          // Only ever one thread at a time: that is what is being tested.
          let topic = event.pointee.topic
          let index = Int(topic.ptr![topic.len - 1] - 48)
          let number = UnsafeRawPointer(event.pointee.payload.ptr!).loadUnaligned(as: Int.self)
          if counters.next[index] != number || counters.generation != generation { counters.wrong += 1 }
          if event.pointee.seq != counters.seq + 1 { counters.wrong += 1 }
          counters.seq = event.pointee.seq
          counters.next[index] = number + 1
          counters.total.wrappingAdd(1, ordering: .relaxed)
          return 0
        }
      ]
      return plan
    }
    let endpoint = try fixture.bus.addEndpoint(
      name: "a", lane: LaneOptions(capacity: 256, inline: inline, spin: 0))
    try endpoint.install(try plan(1))
    endpoint.openGate()
    var threads: [HostThread?] = []
    // Nobody gets any further than half before there have been two swaps, however late this thread is.
    let half = Latch()
    for index in 0..<publishers {
      let source = try fixture.endpoint("source-\(index)")
      threads.append(
        HostThread(name: "p\(index)") {
          "load.\(index)".withCString { topic in
            "application/octet-stream".withCString { type in
              var event = bh_outgoing()
              event.size = UInt32(MemoryLayout<bh_outgoing>.size)
              event.topic = bh_str(ptr: topic, len: 6)
              event.content_type = bh_str(ptr: type, len: 24)
              for number in 0..<each {
                if number == each / 2 { half.wait() }
                withUnsafeBytes(of: number) { bytes in
                  event.payload = bh_bytes(ptr: bytes.bindMemory(to: UInt8.self).baseAddress, len: 8)
                  if source.publish(0, &event, generation: 1) != BH_OK { Issue.record("refused") }
                }
              }
            }
          }
        })
    }
    var swaps: UInt32 = 0
    while counters.total.load(ordering: .relaxed) < publishers * each, swaps < 2_000 {
      swaps += 1
      endpoint.closeGate()
      #expect(endpoint.drain(deadline: .max, policy: .wait) == .drained)
      let generation = swaps + 1
      try endpoint.install(try plan(generation))
      #expect(endpoint.onLane(timeout: 60_000_000_000) { counters.generation = generation } != nil)
      endpoint.openGate()
      guard swaps > 1 else { continue }
      half.open()
      // A while for the publishers, or as long as something is left of this turn.
      let seen = counters.total.load(ordering: .relaxed)
      eventually {
        let total = counters.total.load(ordering: .relaxed)
        return total > seen || total == publishers * each
      }
    }
    for thread in threads { thread?.join() }
    eventually { counters.total.load(ordering: .relaxed) == publishers * each }
    #expect(counters.wrong == 0)
    #expect(counters.next == [each, each, each])
    #expect(swaps > 1)
  }
}
