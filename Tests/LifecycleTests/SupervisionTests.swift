import CBotHost
import Foundation
import Testing

@testable import BotHost

/// Instances that depend on each other, and threads that fail.
@Suite(.serialized, .timeLimit(.minutes(20)))
struct SupervisionTests {
  private static let once = "restart: {policy: on-failure, backoff: 1ms..4ms, limit: 1/10m}"

  @Test func whatRequiresAnInstanceThatFailsWaitsForIt() throws {
    let fixture = try HostFixture(
      [
        "actor": Actor.manifest(mode: "create", Self.once),
        "second": Actor.manifest("second", "requires: {actor: ^1.0}"),
        "third": Actor.manifest("third", "requires: {second: ^1.0}"),
      ], libraries: ["actor", "second", "third"])
    try fixture.host.start()
    try fixture.expect("actor") { if case .failed = $0 { true } else { false } }
    #expect(try fixture.instance("second").state == .waitingFor(["actor"]))
    #expect(try fixture.instance("third").state == .waitingFor(["second"]))
    #expect(try fixture.instance("second").state.detail == "for actor to start")
    #expect(try fixture.instance("second").generation == nil)
    fixture.expectLog("waits for actor, which it requires, to start")
    let error = #expect(throws: LifecycleFailure.self) { try fixture.host.startInstance("second") }
    #expect(error?.description.contains("`bothost start actor`") == true, "\(error?.description ?? "")")

    try fixture.write("actor", Actor.manifest())
    try fixture.host.startInstance("actor")
    for name in ["actor", "second", "third"] { #expect(try fixture.instance(name).state == .running) }
    try fixture.work()
    try fixture.expectCount(1, of: "third")
  }

  @Test func aThreadThatFailsHasItsInstanceStartedAgain() throws {
    let fixture = try HostFixture(["actor": Actor.manifest("actor", Self.once)])
    try fixture.host.start()
    // One whose work is done may return.
    _ = try fixture.host.call("actor.thread", .object(["fails": .bool(false)]))
    _ = try fixture.host.call("actor.thread", .object(["fails": .bool(true)]))
    fixture.expectLog("the thread 'worker' ended: lost its way; trying again in 1 ms")
    try fixture.expect("actor") { $0 == .running }
    let instance = try fixture.instance()
    try eventually { instance.generation?.number == 2 }
    try fixture.expect("actor") { $0 == .running }
    #expect(instance.restartCount == 1)
    try fixture.work()
    try fixture.expectCount(1)
    // The limit of its restarts holds for these, too.
    _ = try fixture.host.call("actor.thread", .object(["fails": .bool(true)]))
    try fixture.expect("actor") {
      if case .failed(let reason) = $0 { reason.contains("the thread 'worker' ended: lost its way") } else { false }
    }
  }

  @Test func threadsThatReturnLeaveNothingBehind() throws {
    let fixture = try HostFixture(["actor": Actor.manifest()])
    try fixture.host.start()
    let instance = try fixture.instance()
    let threads = try #require(instance.generation?.handle.threads)
    for round in 1...200 {
      _ = try fixture.host.call("actor.thread", .object(["fails": .bool(false)]))
      #expect(threads.kept == 1 && threads.started == round)
      try eventually { threads.names.isEmpty }
    }
    // Whether that was all that it had to do is for the plugin to say.
    #expect(instance.state == .running)
    #expect(fixture.host.describe(instance)["threads"] == nil)
    // A token of one that is gone names a thread that has returned, not another one.
    #expect(threads.join(1) == BH_OK && threads.shouldStop(1))
    #expect(threads.join(201) == BH_E_INVALID)
  }

  @Test func aSlowOperationOnOneInstanceKeepsNobodyElseWaiting() throws {
    let fixture = try HostFixture(
      ["actor": Actor.manifest(), "other": Actor.manifest("other")], libraries: ["actor", "other"])
    try fixture.host.start()
    try fixture.write("actor", Actor.manifest(mode: "held"))
    let swapped = Monitor()
    nonisolated(unsafe) var outcome: Result<SwapReport, any Error>?
    let host = fixture.host
    let thread = try #require(
      HostThread(name: "operator") {
        let result = Result { try host.swapInstance("actor") }
        swapped.withLock { outcome = result }
      })
    try fixture.expect("actor") { if case .swapping = $0 { true } else { false } }
    // Were they to wait for the swap, this would never come to its end.
    try fixture.host.stopInstance("other")
    try fixture.host.startInstance("other")
    _ = try fixture.host.swapInstance("other")
    #expect(try fixture.host.call("other.count", .object([:])) == .int(0))
    #expect(fixture.host.botDescriptions.isEmpty)
    #expect(fixture.host.describe(try fixture.instance())["state"] == "swapping")
    try fixture.letGo()
    thread.join()
    #expect(try swapped.withLock { try outcome?.get().to } == 2)
  }
}
