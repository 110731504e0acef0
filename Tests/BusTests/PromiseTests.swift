import CBotHost
import Testing

@testable import BotHost

/// Callbacks with a context are called exactly once, whatever ends first.
@Suite struct PromiseTests {
  /// What was told, and to which context.
  private final class Told {
    let box: Box<bh_rc>
    init(_ box: Box<bh_rc>) { self.box = box }
  }

  private func publish(_ endpoint: Endpoint, _ topic: String, told: Box<bh_rc>, delivery: bh_token = 0) -> bh_rc {
    let context = Unmanaged.passRetained(Told(told))
    let rc = borrow(topic) { topic in
      var event = bh_outgoing()
      event.size = UInt32(MemoryLayout<bh_outgoing>.size)
      event.topic = topic
      event.settled = { context, rc, _ in
        guard let context else { return }
        Unmanaged<Told>.fromOpaque(context).takeRetainedValue().box.append(rc)
      }
      event.settled_context = context.toOpaque()
      return endpoint.publish(delivery, &event, generation: 1)
    }
    if rc != BH_OK { context.release() }
    return rc
  }

  private func holder(_ fixture: BusFixture, _ tokens: Box<bh_token>) throws -> Endpoint {
    try fixture.endpoint(
      "holder",
      [
        try fixture.handler("t") { event in
          tokens.append(event.pointee.delivery)
          return bh_rc(BH_ASYNC)
        }
      ])
  }

  @Test func aGenerationThatEndsIsToldAndNobodyAfterIt() throws {
    let fixture = BusFixture()
    let (tokens, told) = (Box<bh_token>(), Box<bh_rc>())
    let holder = try holder(fixture, tokens)
    let publisher = try fixture.endpoint("publisher")
    #expect(publish(publisher, "t", told: told) == BH_OK)
    eventually { tokens.count == 1 }
    #expect(publisher.statistics().outgoing == 1)

    publisher.closeGate()
    try publisher.install(EndpointPlan(generation: 2))
    #expect(publisher.endPromises(generation: 1, timeout: 60_000_000_000))
    #expect(told.all == [bh_rc(BH_E_STALE)])
    #expect(publisher.statistics().outgoing == 0)
    #expect(publish(publisher, "t", told: told) == BH_E_STALE)

    #expect(holder.ack(tokens.all[0], generation: 1) == BH_OK)
    holder.settle()
    publisher.settle()
    #expect(told.count == 1)
    #expect(publisher.statistics().outgoing == 0)
  }

  @Test func aGenerationIsPromisedNothingAfterItsEnd() throws {
    let fixture = BusFixture()
    let told = Box<bh_rc>()
    let publisher = try fixture.endpoint("publisher")
    #expect(publisher.endPromises(generation: 1, timeout: 60_000_000_000))
    #expect(publish(publisher, "t", told: told) == BH_E_STALE)
    #expect(publisher.ask("nobody.there", "1") == BH_E_STALE)
    #expect(told.count == 0)
  }

  @Test func anEndpointThatIsRemovedTellsAll() throws {
    let fixture = BusFixture()
    let (tokens, told) = (Box<bh_token>(), Box<bh_rc>())
    _ = try holder(fixture, tokens)
    let publisher = try fixture.endpoint("publisher")
    for _ in 0..<5 { #expect(publish(publisher, "t", told: told) == BH_OK) }
    fixture.bus.remove(publisher)
    #expect(told.all == Array(repeating: bh_rc(BH_E_STALE), count: 5))
  }

  @Test func aRevokedSwapLeavesEventsToTellTheirEnd() throws {
    let fixture = BusFixture()
    let (tokens, told) = (Box<bh_token>(), Box<bh_rc>())
    let holder = try holder(fixture, tokens)
    let publisher = try fixture.endpoint("publisher")
    #expect(publish(publisher, "t", told: told) == BH_OK)
    eventually { tokens.count == 1 }
    publisher.closeGate()
    // Its lane may have to be let finish what it is at.
    eventually { publisher.drain(deadline: 0, policy: .revoke) == .drained }
    // The swap is given up: the generation goes on and hears it after all.
    publisher.openGate()
    #expect(told.count == 0)
    #expect(holder.ack(tokens.all[0], generation: 1) == BH_OK)
    eventually { told.count == 1 }
    #expect(told.all == [bh_rc(BH_OK)])
  }

  @Test func whatIsStagedIsToldWhenItsDeliveryIsTakenBack() throws {
    let fixture = BusFixture()
    let (tokens, told) = (Box<bh_token>(), Box<bh_rc>())
    let endpoint = try holder(fixture, tokens)
    try fixture.endpoint("source").send("t", "1")
    eventually { tokens.count == 1 && endpoint.statistics().inFlight == 1 }
    #expect(publish(endpoint, "u", told: told, delivery: tokens.all[0]) == BH_OK)
    endpoint.closeGate()
    _ = endpoint.drain(deadline: 0, policy: .revoke)
    endpoint.settle()
    #expect(told.all == [bh_rc(BH_E_CANCELLED)])
  }

  /// A handler that does not return keeps its generation from being destroyed; it is told when the handler returns.
  @Test func aLaneThatIsHeldIsToldLater() throws {
    let fixture = BusFixture()
    let (tokens, told) = (Box<bh_token>(), Box<bh_rc>())
    let (entered, go) = (Latch(), Latch())
    _ = try holder(fixture, tokens)
    let publisher = try fixture.endpoint(
      "publisher",
      [
        try fixture.handler("block") { _ in
          entered.open()
          go.wait()
          return bh_rc(BH_OK)
        }
      ])
    #expect(publish(publisher, "t", told: told) == BH_OK)
    try fixture.endpoint("source").send("block", "1")
    entered.wait()
    #expect(!publisher.endPromises(generation: 1, timeout: 1_000_000))
    #expect(told.count == 0)
    go.open()
    eventually { told.count == 1 }
    #expect(told.all == [bh_rc(BH_E_STALE)])
    #expect(publisher.endPromises(generation: 1, timeout: 60_000_000_000))
  }
}
