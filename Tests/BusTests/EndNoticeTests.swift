import CBotHost
import Testing

@testable import BotHost

/// Whoever handles a delivery or a call hears once how it ended.
@Suite struct EndNoticeTests {
  private final class Watcher {
    let told: Box<bh_rc>
    init(_ told: Box<bh_rc>) { self.told = told }
  }

  /// Watches a token as a plugin would.
  private func watch(_ endpoint: Endpoint, _ token: bh_token, _ told: Box<bh_rc>) -> bh_rc {
    let context = Unmanaged.passRetained(Watcher(told))
    let rc = endpoint.onEnd(
      token,
      { context, how in
        guard let context else { return }
        Unmanaged<Watcher>.fromOpaque(context).takeRetainedValue().told.append(how)
      }, context: context.toOpaque(), generation: 1)
    if rc != BH_OK { context.release() }
    return rc
  }

  /// An endpoint that keeps what it gets: events on `t`, calls of `m`.
  private func keeper(_ fixture: BusFixture, _ tokens: Box<bh_token>) throws -> Endpoint {
    let keep: @Sendable (UnsafePointer<bh_event>) -> bh_rc = { event in
      tokens.append(event.pointee.delivery)
      return bh_rc(BH_ASYNC)
    }
    return try fixture.endpoint(
      "keeper", [try fixture.handler("t", keep)], methods: [MethodSpec(name: "m", target: fixture.target(keep))])
  }

  private func turn(_ fixture: BusFixture, _ nanoseconds: Int64) {
    fixture.clock.advance(nanoseconds)
    fixture.bus.runTimers()
  }

  @Test func aCallThatIsCancelled() throws {
    let fixture = BusFixture()
    let (tokens, told, answers) = (Box<bh_token>(), Box<bh_rc>(), Box<bh_rc>())
    let keeper = try keeper(fixture, tokens)
    let caller = try fixture.endpoint("caller")
    var call: bh_token = 0
    #expect(caller.ask("keeper.m", "1", token: &call) { rc, _ in answers.append(rc) } == BH_OK)
    eventually { tokens.count == 1 && keeper.statistics().inFlight == 1 }
    #expect(watch(keeper, tokens.all[0], told) == BH_OK)
    keeper.settle()
    #expect(told.count == 0)
    #expect(caller.cancel(call, generation: 1) == BH_OK)
    eventually { told.count == 1 && answers.count == 1 }
    #expect(told.all == [bh_rc(BH_E_CANCELLED)])
    #expect(keeper.answer(tokens.all[0], "1") == BH_E_STALE)
    #expect(watch(keeper, tokens.all[0], told) == BH_E_STALE)
    keeper.settle()
    #expect(told.count == 1)
    #expect(keeper.statistics().outgoing == 0)
  }

  @Test func aCallThatIsCancelledWhileItsFunctionRuns() throws {
    let fixture = BusFixture()
    let (tokens, told) = (Box<bh_token>(), Box<bh_rc>())
    let go = Latch()
    let keeper = try fixture.endpoint(
      "keeper",
      methods: [
        MethodSpec(
          name: "m",
          target: fixture.target { event in
            tokens.append(event.pointee.delivery)
            go.wait()
            return bh_rc(BH_ASYNC)
          })
      ])
    let caller = try fixture.endpoint("caller")
    var call: bh_token = 0
    #expect(caller.ask("keeper.m", "1", token: &call) == BH_OK)
    eventually { tokens.count == 1 }
    #expect(watch(keeper, tokens.all[0], told) == BH_OK)
    #expect(caller.cancel(call, generation: 1) == BH_OK)
    #expect(told.count == 0)
    go.open()
    eventually { told.count == 1 }
    #expect(told.all == [bh_rc(BH_E_CANCELLED)])
  }

  @Test func aCallWhoseTimeIsOver() throws {
    let fixture = BusFixture()
    let (tokens, told) = (Box<bh_token>(), Box<bh_rc>())
    let keeper = try keeper(fixture, tokens)
    let caller = try fixture.endpoint("caller")
    #expect(caller.ask("keeper.m", "1", timeout: 1_000_000_000) == BH_OK)
    eventually { keeper.statistics().inFlight == 1 }
    #expect(watch(keeper, tokens.all[0], told) == BH_OK)
    eventually {
      turn(fixture, 100_000_000)
      return told.count == 1
    }
    #expect(told.all == [bh_rc(BH_E_TIMEOUT)])
  }

  @Test func whatThePluginSettlesItself() throws {
    let fixture = BusFixture()
    let (tokens, told) = (Box<bh_token>(), Box<bh_rc>())
    let keeper = try keeper(fixture, tokens)
    let caller = try fixture.endpoint("caller")
    #expect(caller.ask("keeper.m", "1") == BH_OK)
    caller.send("t", "1")
    caller.send("t", "2", key: "other")
    eventually { keeper.statistics().inFlight == 3 }
    for token in tokens.all { #expect(watch(keeper, token, told) == BH_OK) }
    #expect(keeper.answer(tokens.all[0], "1") == BH_OK)
    #expect(keeper.ack(tokens.all[1], generation: 1) == BH_OK)
    #expect(keeper.nack(tokens.all[2], BH_E_REJECT) == BH_OK)
    eventually { told.count == 3 }
    #expect(told.all == Array(repeating: bh_rc(BH_OK), count: 3))
  }

  @Test func whatAHandlerSettlesByItsResult() throws {
    let fixture = BusFixture()
    let told = Box<bh_rc>()
    let endpoints = Box<Endpoint>()
    let results = Box<bh_rc>()
    let body: @Sendable (UnsafePointer<bh_event>) -> bh_rc = { event in
      results.append(watch(endpoints.all[0], event.pointee.delivery, told))
      return event.pointee.attempt == 0 ? bh_rc(BH_SKIP) : bh_rc(BH_OK)
    }
    let endpoint = try fixture.endpoint(
      "direct", [try fixture.handler("t", body)], methods: [MethodSpec(name: "m", target: fixture.target(body))],
      open: false)
    endpoints.append(endpoint)
    endpoint.openGate()
    let caller = try fixture.endpoint("caller")
    caller.send("t", "1")
    #expect(caller.ask("direct.m", "1") == BH_OK)
    eventually { told.count == 2 }
    #expect(told.all == [bh_rc(BH_OK), bh_rc(BH_OK)])
    #expect(results.all == [bh_rc(BH_OK), bh_rc(BH_OK)])
  }

  @Test func aDeliveryWhoseTimeIsOverAndItsNextAttempt() throws {
    let fixture = BusFixture()
    let (tokens, told) = (Box<bh_token>(), Box<bh_rc>())
    var spec = try fixture.handler("t") { event in
      tokens.append(event.pointee.delivery)
      return event.pointee.attempt == 1 ? bh_rc(BH_ASYNC) : bh_rc(BH_OK)
    }
    spec.timeout = 1_000_000_000
    spec.retry = RetryPolicy(attempts: 2, backoffMinimum: 1, backoffMaximum: 1, mode: .block)
    let endpoint = try fixture.endpoint("slow", [spec])
    try fixture.endpoint("source").send("t", "1")
    eventually { endpoint.statistics().inFlight == 1 }
    #expect(watch(endpoint, tokens.all[0], told) == BH_OK)
    eventually {
      turn(fixture, 100_000_000)
      return tokens.count == 2
    }
    eventually { endpoint.isIdle }
    endpoint.settle()
    #expect(told.all == [bh_rc(BH_E_TIMEOUT)])
  }

  @Test func whatIsTakenBack() throws {
    let fixture = BusFixture()
    let (tokens, told) = (Box<bh_token>(), Box<bh_rc>())
    let keeper = try keeper(fixture, tokens)
    let caller = try fixture.endpoint("caller")
    caller.send("t", "1")
    #expect(caller.ask("keeper.m", "1") == BH_OK)
    eventually { keeper.statistics().inFlight == 2 }
    for token in tokens.all { #expect(watch(keeper, token, told) == BH_OK) }
    keeper.closeGate()
    #expect(keeper.drain(deadline: 0, policy: .revoke) == .drained)
    keeper.settle()
    #expect(told.all == [bh_rc(BH_E_CANCELLED), bh_rc(BH_E_CANCELLED)])
  }

  @Test func aHookThatTakesTooLong() throws {
    let fixture = BusFixture()
    let (tokens, told, answers) = (Box<bh_token>(), Box<bh_rc>(), Box<bh_rc>())
    var hook = HookSpec(
      method: "keeper.m",
      target: fixture.target { event in
        tokens.append(event.pointee.delivery)
        return bh_rc(BH_ASYNC)
      })
    hook.timeout = 1_000_000_000
    hook.passesWhenLate = true
    _ = try fixture.endpoint(
      "keeper", methods: [MethodSpec(name: "m", target: fixture.target { _ in bh_rc(BH_OK) })])
    let guardian = try fixture.endpoint("guardian", hooks: [hook])
    let caller = try fixture.endpoint("caller")
    #expect(caller.ask("keeper.m", "1") { rc, _ in answers.append(rc) } == BH_OK)
    eventually { guardian.statistics().inFlight == 1 }
    #expect(watch(guardian, tokens.all[0], told) == BH_OK)
    eventually {
      turn(fixture, 100_000_000)
      return told.count == 1 && answers.count == 1
    }
    #expect(told.all == [bh_rc(BH_E_TIMEOUT)])
    #expect(answers.all == [bh_rc(BH_OK)])
  }

  @Test func aTokenTakesSixteen() throws {
    let fixture = BusFixture()
    let (tokens, told) = (Box<bh_token>(), Box<bh_rc>())
    let keeper = try keeper(fixture, tokens)
    try fixture.endpoint("source").send("t", "1")
    eventually { keeper.statistics().inFlight == 1 }
    for _ in 0..<16 { #expect(watch(keeper, tokens.all[0], told) == BH_OK) }
    #expect(watch(keeper, tokens.all[0], told) == BH_E_BUSY)
    #expect(watch(keeper, 0, told) == BH_E_STALE)
    #expect(keeper.ack(tokens.all[0], generation: 1) == BH_OK)
    eventually { told.count == 16 && keeper.statistics().outgoing == 0 }
  }
}
