import Foundation
import Testing

@testable import BotHost

/// What becomes of instances that do not start.
@Suite(.serialized)
struct RestartTests {
  private func manifest(_ name: String = "actor", mode: String = "", _ more: String = "") -> String {
    Actor.manifest(name, mode: mode, more)
  }

  @Test func isTriedAgainUntilItsLimitAndThenStaysDown() throws {
    let fixture = try HostFixture(
      [
        "actor": manifest(mode: "create", "restart: {policy: on-failure, backoff: 1ms..4ms, limit: 3/10m}"),
        "other": manifest("other"),
      ], libraries: ["actor", "other"])
    try fixture.host.start()
    try fixture.expect("actor") {
      if case .failed(let reason) = $0 { reason.contains("told not to be created") } else { false }
    }
    #expect(try fixture.instance().restartCount == 3)
    fixture.expectLog("trying again in 1 ms")
    fixture.expectLog("it stays down until `bothost start actor`")
    // The rest of the host goes on.
    #expect(try fixture.instance("other").state == .running)
    let error = #expect(throws: MethodFailure.self) { try fixture.host.call("actor.count", .object([:])) }
    #expect(error?.description.contains("`bothost start actor`") == true, "\(error?.description ?? "")")

    // An operator who has mended it starts it.
    try fixture.write("actor", manifest())
    try fixture.host.startInstance("actor")
    #expect(try fixture.instance().state == .running)
    try fixture.work()
    try fixture.expectCount(1)
  }

  @Test func aFileThatIsNoLibraryIsNotTriedAgainButStartedWhenItIsReplaced() throws {
    let fixture = try HostFixture(["actor": manifest()], libraries: [], watch: true)
    try fixture.install("actor", Data("no library".utf8))
    try fixture.host.start()
    guard case .failed(let reason) = try fixture.instance().state else {
      Issue.record("it is \(try fixture.instance().state)")
      return
    }
    #expect(reason.contains("not an ELF file"))
    fixture.expectLog("it stays down until `bothost start actor`")
    try fixture.install("actor")
    try fixture.expect("actor") { $0 == .running }
    #expect(try fixture.instance().restartCount == 0)
    try fixture.work()
    try fixture.expectCount(1)
  }

  @Test func everyInstanceHasADirectoryOfItsOwn() throws {
    let fixture = try HostFixture(["actor": manifest()])
    try fixture.host.start()
    var isDirectory: ObjCBool = false
    #expect(FileManager.default.fileExists(atPath: try fixture.instance().dataDirectory, isDirectory: &isDirectory))
    #expect(isDirectory.boolValue)
  }

  @Test func neverMeansNever() throws {
    let fixture = try HostFixture(["actor": manifest(mode: "activate", "restart: {policy: never}")])
    try fixture.host.start()
    try fixture.expect("actor") { if case .failed = $0 { true } else { false } }
    #expect(try fixture.instance().restartCount == 0)
  }

  @Test func waitsBetweenAttemptsAndCanBeStopped() throws {
    let fixture = try HostFixture([
      "actor": manifest(mode: "create", "restart: {policy: on-failure, backoff: 1h..1h, limit: 3/10m}")
    ])
    try fixture.host.start()
    guard case .waiting(_, let reason) = try fixture.instance().state else {
      Issue.record("it is \(try fixture.instance().state)")
      return
    }
    #expect(reason.contains("told not to be created"))
    try fixture.host.stopInstance("actor")
    #expect(try fixture.instance().state == .stopped)
    #expect(try fixture.instance().restartCount == 0)
  }

  @Test func requirementsStartFirstAndCirclesAreLeftOut() throws {
    let fixture = try HostFixture(
      [
        "actor": manifest("actor", "requires: {other: ^1.0}"),
        "other": manifest("other"),
        "left": manifest("left", "requires: {right: ^1.0}"),
        "right": manifest("right", "requires: {left: ^1.0}"),
      ], libraries: ["actor", "other", "left", "right"])
    try fixture.host.start()
    #expect(fixture.host.instances.map(\.name) == ["other", "actor"])
    #expect(fixture.host.instances.allSatisfy { $0.state == .running })
    fixture.expectLog("left -> right -> left")
  }
}

/// The thread that starts failed instances again.
struct SupervisorTests {
  /// What it was asked to start, in order.
  private final class Started: Sendable {
    private let monitor = Monitor()
    nonisolated(unsafe) private var names: [String] = []

    func add(_ name: String) {
      monitor.withLock {
        names.append(name)
        monitor.broadcast()
      }
    }

    func wait(for count: Int) -> [String] {
      let deadline = SystemClock().monotonic + 60_000_000_000
      return monitor.withLock {
        while names.count < count, monitor.wait(until: deadline) {}
        return names
      }
    }
  }

  @Test func startsInTheOrderOfTimeAndOnlyWhatIsStillWanted() {
    let started = Started()
    let clock = SystemClock()
    let supervisor = Supervisor(clock: clock) { started.add($0) }
    let now = clock.monotonic
    supervisor.schedule("late", at: now + 2_000_000)
    supervisor.schedule("early", at: now + 1_000_000)
    supervisor.schedule("moved", at: now)
    supervisor.schedule("moved", at: now + 3_000_000)
    supervisor.schedule("forgotten", at: now)
    supervisor.forget("forgotten")
    supervisor.start()
    #expect(started.wait(for: 3) == ["early", "late", "moved"])
    // It sleeps until something new is due.
    supervisor.schedule("far", at: .max)
    supervisor.schedule("now", at: 0)
    #expect(started.wait(for: 4).last == "now")
    supervisor.stop()
  }
}
