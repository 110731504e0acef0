import Testing

@testable import BotHost

/// A plugin is told exactly once what it was promised to be told, also when it ends first.
@Suite struct PromiseTests {
  /// The actor publishes, and calls, what `holder` never ends.
  private func fixture(drainTimeout: String = "abort", holds: Bool = true) throws -> HostFixture {
    let fixture = try HostFixture(
      [
        "actor": Actor.manifest(drain: "300ms", drainTimeout: drainTimeout),
        "holder": Actor.manifest("holder", mode: holds ? "hold" : "", drain: "300ms"),
      ],
      libraries: ["actor", "holder"])
    try fixture.host.start()
    return fixture
  }

  @Test func whatIsOpenAtAStopIsToldBeforeDestroy() throws {
    let fixture = try fixture()
    for _ in 0..<3 { _ = try fixture.host.call("actor.promise", .object([:])) }
    try fixture.host.stopInstance("actor")
    fixture.expectLog("destroyed: told 3 of 3, at last -9")
  }

  @Test func aCallThatIsOpenAtAStopIsToldBeforeDestroy() throws {
    let fixture = try fixture()
    _ = try fixture.host.call("actor.ask", .object([:]))
    try fixture.host.stopInstance("actor")
    fixture.expectLog("destroyed: told 1 of 1, at last -8")
  }

  @Test func whatIsOpenAtASwapIsToldBeforeDestroy() throws {
    let fixture = try fixture(drainTimeout: "revoke")
    _ = try fixture.host.call("actor.promise", .object([:]))
    _ = try fixture.host.call("actor.ask", .object([:]))
    try fixture.host.swapInstance("actor")
    fixture.expectLog("destroyed: told 2 of 2, at last -9")
    #expect(try fixture.instance().generation?.number == 2)
  }

  @Test func whatIsToldInTimeIsToldOnce() throws {
    let fixture = try fixture(holds: false)
    _ = try fixture.host.call("actor.promise", .object([:]))
    let actor = try fixture.instance()
    #expect(
      waitUntil(SystemClock().monotonic + 60_000_000_000, SystemClock()) { actor.endpoint.statistics().outgoing == 0 })
    try fixture.host.stopInstance("actor")
    fixture.expectLog("destroyed: told 1 of 1, at last 0")
  }
}
