import Testing

@testable import BotHost

/// Builds that are watched after they have taken over.
@Suite(.serialized, .timeLimit(.minutes(20)))
struct ProbationTests {
  private static let tenEvents = "{events: 10, time: 10m, max_error_rate: 0.2}"

  private func swap(_ fixture: HostFixture, mode: String = "", _ probation: String = tenEvents) throws -> SwapReport {
    try fixture.write("actor", Actor.manifest(mode: mode, probation: probation))
    try fixture.installAnotherBuild()
    return try fixture.host.swapInstance("actor")
  }

  private func expectGeneration(_ number: UInt32, of fixture: HostFixture) throws {
    let instance = try fixture.instance()
    let clock = SystemClock()
    let isThere = waitUntil(clock.monotonic + 60_000_000_000, clock) {
      instance.generation?.number == number && instance.state == .running
    }
    #expect(isThere, "generation \(instance.generation?.number ?? 0)")
  }

  @Test func aBuildThatFailsIsReplacedByTheOneBefore() throws {
    let fixture = try HostFixture(["actor": Actor.manifest(probation: Self.tenEvents)])
    try fixture.host.start()
    for _ in 0..<3 { try fixture.work() }
    try fixture.expectCount(3)

    let report = try swap(fixture, mode: "fail")
    #expect(report.probation?.events == 10)
    // Two of ten are tolerated.
    for _ in 0..<3 { try fixture.work() }
    try expectGeneration(report.to + 1, of: fixture)
    fixture.expectLog("fails its probation: 3 of 3 attempts to handle an event failed")
    fixture.expectLog("brought back")
    // With the state that it had handed over, and the configuration that it had; what the other one failed at is tried again here.
    try fixture.work()
    try fixture.expectCount(7)
    #expect(try fixture.instance().probation == nil)

    // What is on the disk is not tried again by a reload, and is by an operator who says so.
    fixture.host.reload()
    fixture.expectLog("is still the build that failed its probation")
    try expectGeneration(report.to + 1, of: fixture)
    #expect(try fixture.host.swapInstance("actor").probation != nil)
  }

  @Test func aManifestThatMakesABuildFailIsMendedByAnother() throws {
    let fixture = try HostFixture(["actor": Actor.manifest(probation: Self.tenEvents)])
    try fixture.host.start()
    let more = "restart: {policy: never}"
    try fixture.write("actor", Actor.manifest(mode: "fail", probation: Self.tenEvents, "summary: fails\n" + more))
    let report = try fixture.host.swapInstance("actor")
    #expect(report.probation != nil)
    for _ in 0..<3 { try fixture.work() }
    try expectGeneration(report.to + 1, of: fixture)
    try fixture.expectCount(3)
    // The library is the same; only this manifest is refused.
    fixture.host.reload()
    fixture.expectLog("is still the build that failed its probation")
    try fixture.write("actor", Actor.manifest(probation: Self.tenEvents, "summary: mended\n" + more))
    fixture.host.reload()
    try expectGeneration(report.to + 2, of: fixture)
    try fixture.expectCount(3)
  }

  @Test func aBuildThatPassesStays() throws {
    // What fails is not tried again: another attempt before somebody looks would be one too many.
    func manifest() -> String {
      Actor.manifest(probation: Self.tenEvents).replacing(
        "{topic: work, call: on_work, timeout: 30s}", with: "{topic: work, call: on_work, retry: {max: 0}}")
    }
    let fixture = try HostFixture(["actor": manifest()])
    try fixture.host.start()
    try fixture.write("actor", manifest())
    try fixture.installAnotherBuild()
    let report = try fixture.host.swapInstance("actor")
    for _ in 0..<8 { try fixture.work() }
    try fixture.act("fail")
    for _ in 0..<2 { try fixture.work() }
    fixture.expectLog("the new build has passed its probation generation=\(report.to) attempts=10 failed=2")
    #expect(try fixture.instance().probation == nil)
    #expect(try fixture.instance().generation?.number == report.to)
  }

  @Test func timeEndsAProbationToo() throws {
    let fixture = try HostFixture(["actor": Actor.manifest()])
    try fixture.host.start()
    _ = try swap(fixture, "{events: 1000, time: 1ms, max_error_rate: 0}")
    fixture.expectLog("the new build has passed its probation")
    // One that is ill, after one that was not, has not passed.
    let report = try swap(fixture, mode: "ill", "{events: 1000, time: 1ms, max_error_rate: 0}")
    fixture.expectLog("it says that it is not well, and the build before was")
    try expectGeneration(report.to + 1, of: fixture)
  }

  @Test func aThreadThatFailsEndsAProbation() throws {
    let fixture = try HostFixture(["actor": Actor.manifest(probation: Self.tenEvents)])
    try fixture.host.start()
    let report = try swap(fixture)
    _ = try fixture.host.call("actor.thread", .object(["fails": .bool(true)]))
    try expectGeneration(report.to + 1, of: fixture)
    fixture.expectLog("brought back")
    #expect(try fixture.instance().restartCount == 0)
  }

  @Test func whenTheOneBeforeCannotComeBackTheFailingOneGoesOn() throws {
    let fixture = try HostFixture(["actor": Actor.manifest(probation: Self.tenEvents)])
    try fixture.host.start()
    let report = try swap(fixture)
    try fixture.act("export")
    _ = try fixture.host.call("actor.thread", .object(["fails": .bool(true)]))
    fixture.expectLog("the build before could not come back")
    // Nobody can help it but a start anew.
    try expectGeneration(report.to + 2, of: fixture)
  }

  @Test func anotherConfigurationOfTheSameBuildIsNotWatched() throws {
    let fixture = try HostFixture(["actor": Actor.manifest(probation: Self.tenEvents)])
    try fixture.host.start()
    #expect(try fixture.host.swapInstance("actor").probation == nil)
    try fixture.write("actor", Actor.manifest(mode: "fail", probation: Self.tenEvents))
    #expect(try fixture.host.swapInstance("actor").probation == nil)
  }

  // MARK: The verdict

  private func probation(
    events: Int = 100, rate: Double = 0.1, before: HandlerTotals = HandlerTotals(), wasHealthy: Bool = true
  ) throws -> Probation {
    let fixture = try HostFixture(["actor": Actor.manifest()])
    try fixture.host.start()
    let instance = try fixture.instance()
    let parts = try #require(fixture.host.running)
    let prospect = Probation.Prospect(
      policy: .init(events: events, time: .seconds(1), maxErrorRate: rate), previous: instance.planned,
      manifestText: [],
      library: try KeptLibrary(
        of: try #require(instance.generation), plugin: "actor", staging: parts.tools.loader.staging),
      wasHealthy: wasHealthy)
    var probation = prospect.probation(of: 2, from: before, at: SystemClock())
    probation.began = 0
    return probation
  }

  @Test func failuresCountAgainstTheWholeProbation() throws {
    let probation = try probation()
    func verdict(_ handled: UInt64, _ failed: UInt64, at time: Int64 = 1, isHealthy: Bool? = true) -> Probation.Verdict
    {
      probation.verdict(HandlerTotals(handled: handled, failed: failed), at: time) { isHealthy }
    }
    #expect(verdict(0, 0) == .undecided)
    #expect(verdict(0, 10) == .undecided)
    #expect(verdict(0, 11) == .failed("11 of 11 attempts to handle an event failed"))
    #expect(verdict(89, 10) == .undecided)
    #expect(verdict(90, 10) == .passed)
    #expect(verdict(90, 10, isHealthy: false) == .failed("it says that it is not well, and the build before was"))
    // One that is too busy to say how it is has not passed yet.
    #expect(verdict(90, 10, isHealthy: nil) == .undecided)
    #expect(verdict(0, 0, at: 60_999_999_999, isHealthy: nil) == .undecided)
    #expect(verdict(0, 0, at: 61_000_000_000, isHealthy: nil) != .undecided)
    // At the end of the time, against what there was.
    #expect(verdict(1, 1, at: 1_000_000_000) == .failed("1 of 2 attempts to handle an event failed"))
    #expect(verdict(0, 0, at: 1_000_000_000) == .passed)
  }

  @Test("the time for which the host was stopped is no part of a probation")
  func stoppedInTheMiddle() throws {
    var probation = try probation()
    var time = SystemClock().monotonic
    probation.look(at: time)
    probation.began = time
    func verdict(after milliseconds: Int64) -> Probation.Verdict {
      time += milliseconds * 1_000_000
      probation.look(at: time)
      return probation.verdict(HandlerTotals(handled: 1, failed: 0), at: time) { true }
    }
    #expect(verdict(after: 50) == .undecided)
    #expect(verdict(after: 60_000) == .undecided)
    #expect(verdict(after: 900) == .undecided)
    #expect(verdict(after: 50) == .passed)
  }

  @Test func whatFailedBeforeIsTolerated() throws {
    let before = HandlerTotals(handled: 700, failed: 300)
    let probation = try probation(before: before, wasHealthy: false)
    func verdict(_ handled: UInt64, _ failed: UInt64) -> Probation.Verdict {
      probation.verdict(HandlerTotals(handled: 700 + handled, failed: 300 + failed), at: 1) { false }
    }
    #expect(verdict(60, 40) == .passed)
    #expect(verdict(59, 41) == .failed("41 of 100 attempts to handle an event failed"))
  }
}
