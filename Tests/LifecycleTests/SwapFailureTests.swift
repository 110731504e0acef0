import Testing

@testable import BotHost

/// A swap that fails at any of its steps leaves the generation that served at work, with its state and every event.
@Suite(.serialized)
struct SwapFailureTests {
  /// How the new build fails, or the old one, and what is said about it.
  struct Failure: Sendable, CustomTestStringConvertible {
    /// What the new build's configuration tells it to do.
    var new = ""
    /// What the running build is told to do.
    var old = ""
    var step: String
    var says: String

    var testDescription: String { "\(step): \(says)" }
  }

  static let failures = [
    Failure(new: "create", step: "create", says: "told not to be created"),
    Failure(old: "quiesce", step: "quiesce", says: "told not to come to rest"),
    Failure(old: "hang", step: "quiesce", says: "still running after 300"),
    Failure(old: "export", step: "export", says: "told not to hand over"),
    Failure(old: "large", step: "export", says: "more than 256 MiB"),
    Failure(new: "import", step: "import", says: "told not to take over"),
    Failure(new: "activate", step: "activate", says: "told not to be activated"),
  ]

  @Test(arguments: failures)
  func leavesTheOldOne(failure: Failure) throws {
    let drain = failure.old == "hang" ? "300ms" : "60s"
    let fixture = try HostFixture(["actor": Actor.manifest(drain: drain)])
    try fixture.host.start()
    for _ in 0..<3 { try fixture.work() }
    try fixture.expectCount(3)

    if !failure.old.isEmpty { try fixture.act(failure.old) }
    try fixture.write("actor", Actor.manifest(mode: failure.new, drain: drain))
    let error = #expect(throws: LifecycleFailure.self) { try fixture.host.swapInstance("actor") }
    let message = error?.description ?? ""
    #expect(error?.step == failure.step, "\(message)")
    #expect(message.contains(failure.says), "\(message)")
    #expect(message.hasSuffix("generation 1 goes on"), "\(message)")
    fixture.expectLog("error actor: actor: \(failure.step) failed")

    let instance = try fixture.instance()
    #expect(instance.state == .running)
    #expect(instance.generation?.number == 1)
    for _ in 0..<2 { try fixture.work() }
    try fixture.expectCount(5)

    // And what was mended is taken.
    try fixture.write("actor", Actor.manifest())
    let report = try fixture.host.swapInstance("actor")
    #expect(report.from == 1)
    #expect(instance.generation?.number == report.to)
    try fixture.work()
    try fixture.expectCount(6)
  }

  @Test func aStateThatNobodyTakesOverIsNotGivenUp() throws {
    let fixture = try HostFixture(["actor": Actor.manifest()])
    try fixture.host.start()
    try fixture.work()
    try fixture.expectCount(1)
    let other = try HostFixture.library("actor", format: "other")
    let error = #expect(throws: LifecycleFailure.self) { try fixture.host.swapInstance("actor", library: other) }
    #expect(error?.description.contains("--drop-state") == true, "\(error?.description ?? "")")
    try fixture.work()
    try fixture.expectCount(2)
    _ = try fixture.host.swapInstance("actor", library: other, dropsState: true)
    try fixture.expectCount(0)
  }

  @Test func aDeliveryThatIsNotSettledAbortsTheSwapAndStaysOpen() throws {
    let fixture = try HostFixture(["actor": Actor.manifest(drain: "300ms")])
    try fixture.host.start()
    try fixture.act("hold")
    try fixture.work()
    let instance = try fixture.instance()
    try eventually {
      instance.endpoint.statistics().inFlight == 1
    }
    let error = #expect(throws: LifecycleFailure.self) { try fixture.host.swapInstance("actor") }
    #expect(error?.step == "drain")
    #expect(error?.description.contains("1 deliveries") == true, "\(error?.description ?? "")")
    #expect(instance.state == .running)
    #expect(instance.endpoint.statistics().inFlight == 1)
  }
}
