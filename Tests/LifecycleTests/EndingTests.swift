import CBotHost
import Testing

@testable import BotHost

/// A plugin can tell in `quiesce` whether it is stopped, swapped or started again.
@Suite struct EndingTests {
  private func fixture(drain: String = "60s") throws -> HostFixture {
    let fixture = try HostFixture(["actor": Actor.manifest(drain: drain)])
    try fixture.host.start()
    return fixture
  }

  @Test func atAStop() throws {
    let fixture = try fixture()
    try fixture.host.stopInstance("actor")
    fixture.expectLog("quiesce: ending \(BH_ENDING_STOP)")
  }

  @Test func atTheEndOfTheHost() throws {
    let fixture = try fixture()
    fixture.host.stop()
    fixture.expectLog("quiesce: ending \(BH_ENDING_STOP)")
  }

  @Test func atARestart() throws {
    let fixture = try fixture()
    try fixture.host.restartInstance("actor")
    fixture.expectLog("quiesce: ending \(BH_ENDING_RESTART)")
    #expect(try fixture.instance().generation?.handle.ending == .not)
  }

  @Test func whenAThreadHasFailed() throws {
    let fixture = try fixture()
    _ = try fixture.host.call("actor.thread", .object(["fails": .bool(true)]))
    fixture.expectLog("quiesce: ending \(BH_ENDING_RESTART)")
  }

  @Test func atASwap() throws {
    let fixture = try fixture()
    try fixture.host.swapInstance("actor")
    fixture.expectLog("quiesce: ending \(BH_ENDING_SWAP)")
    #expect(try fixture.instance().generation?.handle.ending == .not)
  }

  @Test func atASwapThatIsGivenUp() throws {
    let fixture = try fixture()
    try fixture.act("export")
    #expect(throws: LifecycleFailure.self) { try fixture.host.swapInstance("actor") }
    fixture.expectLog("quiesce: ending \(BH_ENDING_SWAP)")
    fixture.expectLog("resume: ending \(BH_ENDING_NOT)")
  }

  @Test func atASwapWhoseDrainTakesTooLong() throws {
    let fixture = try fixture(drain: "300ms")
    try fixture.act("hold")
    try fixture.work()
    let actor = try fixture.instance()
    #expect(
      waitUntil(SystemClock().monotonic + 60_000_000_000, SystemClock()) { actor.endpoint.statistics().inFlight == 1 })
    #expect(throws: LifecycleFailure.self) { try fixture.host.swapInstance("actor") }
    fixture.expectLog("resume: ending \(BH_ENDING_NOT)")
  }
}
