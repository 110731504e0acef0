import CBotHost
import Glibc
import Synchronization
import Testing

@testable import BotHost

/// What is left of endpoints that come and go, and of plans that follow each other: counted.
@Suite struct RemovalTests {
  private struct Trace { weak var endpoint: Endpoint? }

  private static let rounds = getenv("BOTHOST_FULL") == nil ? 1_000 : 10_000

  @Test func endpointsThatComeAndGoLeaveNothing() throws {
    let fixture = BusFixture()
    let source = try fixture.endpoint(
      "source", methods: [MethodSpec(name: "double", target: fixture.target { _ in bh_rc(BH_ASYNC) })])
    let handler = try fixture.handler("t") { _ in bh_rc(BH_OK) }
    let failing = try fixture.handler("fails") { _ in bh_rc(BH_E_RETRY) }
    let method = MethodSpec(name: "do", target: fixture.target { _ in bh_rc(BH_OK) })
    let hook = HookSpec(method: "source.double", target: fixture.target { _ in bh_rc(BH_SKIP) })
    let before = fixture.bus.statistics()
    var traces: [Trace] = []
    for round in 0..<Self.rounds {
      let endpoint = try fixture.endpoint("a", [handler, failing], methods: [method], hooks: [hook])
      #expect(source.send("t", "\(round)") == BH_OK)
      // One that waits for another attempt, one call that it has made and nobody answers, and one that was made to it.
      #expect(source.send("fails", "1") == BH_OK)
      #expect(endpoint.ask("source.double", "1") == BH_OK)
      #expect(source.ask("a.do", "1") == BH_OK)
      if round % 2 == 0 { eventually { endpoint.lane.pointee.retrying.load(ordering: .acquiring) == 1 } }
      fixture.bus.remove(endpoint, timeout: 0, queued: .drop)
      traces.append(Trace(endpoint: endpoint))
    }
    fixture.clock.advance(3_600_000_000_000)
    eventually {
      fixture.bus.runTimers()
      fixture.bus.watchIfDue(fixture.clock.monotonic)
      return traces.allSatisfy { $0.endpoint == nil }
    }
    #expect(fixture.bus.removedCount == 0)
    source.settle()
    eventually { fixture.bus.statistics().slotsInUse == before.slotsInUse }
    #expect(fixture.bus.statistics().subscriptions == before.subscriptions)
    #expect(fixture.bus.methodNames == ["source.double"])
  }

  @Test func plansThatFollowEachOtherLeaveNothing() throws {
    let fixture = BusFixture()
    let endpoint = try fixture.endpoint("a", methods: [MethodSpec(name: "do", target: fixture.target { _ in 0 })])
    let source = try fixture.endpoint("source")
    let hook = HookSpec(method: "a.do", target: fixture.target { _ in bh_rc(BH_SKIP) })
    func install(_ round: Int) throws {
      endpoint.closeGate()
      endpoint.withdrawContributions()
      var plan = EndpointPlan(generation: 1)
      // Another handler and another method each time, and a hook, which is always a new one.
      plan.handlers = [try fixture.handler("t", id: "t\(round % 3)") { _ in 0 }]
      plan.methods = [MethodSpec(name: "do", target: fixture.target { _ in 0 })]
      if round % 2 == 0 { plan.methods.append(MethodSpec(name: "more", target: fixture.target { _ in 0 })) }
      plan.hooks = [hook]
      try endpoint.install(plan)
      endpoint.openGate()
      #expect(source.send("t", "1") == BH_OK)
      eventually { endpoint.isIdle }
    }
    for round in 0..<Self.rounds { try install(round) }
    // The last ones go with a plan that comes when all have finished who read the routes of before.
    var round = 0
    eventually("\(endpoint.retiredCount) are kept") {
      round += 1
      return (try? install(round)) != nil && endpoint.retiredCount <= 8
    }
  }

  @Test func whatIsHandedOnLaterFindsAnEndpointThatHasGone() throws {
    let fixture = BusFixture()
    let tokens = Box<bh_token>()
    var first = try fixture.handler("t") { event in
      tokens.append(event.pointee.delivery)
      return bh_rc(BH_ASYNC)
    }
    first.priority = 1
    let high = try fixture.endpoint("high", [first])
    let source = try fixture.endpoint("source")
    var trace = Trace()
    do {
      let low = try fixture.endpoint("low", [try fixture.handler("t") { _ in 0 }])
      trace.endpoint = low
      #expect(source.send("t", "1") == BH_OK)
      eventually { tokens.count == 1 }
      fixture.bus.remove(low)
    }
    // The event holds what it will be handed on to.
    fixture.bus.runTimers()
    #expect(trace.endpoint != nil)
    #expect(high.ack(tokens.all[0], generation: 1) == BH_OK)
    eventually {
      fixture.bus.runTimers()
      return trace.endpoint == nil
    }
    eventually { high.isIdle }
  }
}
