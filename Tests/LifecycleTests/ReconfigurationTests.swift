import Testing

@testable import BotHost

/// Another configuration for an instance that runs.
@Suite(.serialized)
struct ReconfigurationTests {
  private static let environment = ["FIRST": "swordfish", "SECOND": "swordfish-7f3a9"]

  private func start(_ settings: String, drain: String = "60s", watch: Bool = false) throws -> HostFixture {
    let fixture = try HostFixture(
      ["actor": Actor.manifest(drain: drain)], configuration: Self.file(settings), environment: Self.environment,
      watch: watch)
    try fixture.host.start()
    try fixture.work()
    try fixture.expectCount(1)
    return fixture
  }

  private static func file(_ settings: String) -> String { "plugins: {actor: {config: {\(settings)}}}" }

  /// What the plugin goes by, and what the host says that it is.
  private func expect(
    _ fixture: HostFixture, label: String, configured: String? = nil, token: Int64 = 0, generation: UInt32,
    sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) throws {
    let answer = try fixture.host.call("actor.label", .object([:]))
    #expect(answer["label"] == .string(label), sourceLocation: sourceLocation)
    #expect(answer["configured"] == .string(configured ?? label), sourceLocation: sourceLocation)
    #expect(answer["token"] == .int(token), sourceLocation: sourceLocation)
    let instance = try fixture.instance()
    #expect(instance.configuration["label"] == .string(configured ?? label), sourceLocation: sourceLocation)
    #expect(instance.generation?.number == generation, sourceLocation: sourceLocation)
    #expect(instance.state == .running, sourceLocation: sourceLocation)
  }

  @Test func isTakenOverByTheGenerationThatRuns() throws {
    let fixture = try start("label: one, token: \"${FIRST}\"")
    try expect(fixture, label: "one", token: 9, generation: 1)
    try fixture.configure(Self.file("label: two, token: \"${SECOND}\""))
    fixture.host.reload()
    try expect(fixture, label: "two", token: 15, generation: 1)
    fixture.expectLog("reconfigured")
    // A secret's value alone is a change, too.
    try fixture.configure(Self.file("label: two, token: \"${FIRST}\""))
    fixture.host.reload()
    try expect(fixture, label: "two", token: 9, generation: 1)
    // Nothing is different: nobody is asked.
    guard case .kept = try fixture.host.renewInstance("actor") else {
      Issue.record("something was done")
      return
    }
    try fixture.work()
    try fixture.expectCount(2)
    // It outlives a swap and a restart.
    _ = try fixture.host.swapInstance("actor")
    try expect(fixture, label: "two", token: 9, generation: 2)
    try fixture.host.restartInstance("actor")
    try expect(fixture, label: "two", token: 9, generation: 3)
  }

  @Test func thatIsRefusedChangesNothing() throws {
    let fixture = try start("label: one")
    try fixture.configure(Self.file("label: bad"))
    let error = #expect(throws: LifecycleFailure.self) { try fixture.host.renewInstance("actor") }
    #expect(error?.step == "reconfigure")
    #expect(error?.reason == "label: bad is no name")
    #expect(error?.outcome == "the configuration before stays in force")
    try expect(fixture, label: "one", generation: 1)
    // What cannot even be resolved does not reach the plugin.
    try fixture.configure(Self.file("label: two, lable: three"))
    fixture.host.reload()
    fixture.expectLog("no configuration key 'lable'")
    try expect(fixture, label: "one", generation: 1)
    try fixture.configure("plugins: [")
    fixture.host.reload()
    fixture.expectLog("no configuration is taken over until the files are in order")
    try expect(fixture, label: "one", generation: 1)
    try fixture.expectCount(1)
  }

  @Test func thatThePluginDoesNotTakeInPlaceComesByASwap() throws {
    let fixture = try start("label: one")
    try fixture.configure(Self.file("label: fresh"))
    guard case .swapped(let report) = try fixture.host.renewInstance("actor") else {
      Issue.record("no swap")
      return
    }
    #expect(report.stateBytes > 0)
    try expect(fixture, label: "fresh", generation: 2)
    try fixture.expectCount(1)
  }

  @Test func thatNamesTopicsComesByASwap() throws {
    let fixture = try start("label: one")
    try fixture.configure(Self.file("label: two, topics: [more.work]"))
    fixture.host.reload()
    try expect(fixture, label: "two", generation: 2)
    fixture.expectLog("'topics' names the topics of a handler")
    try fixture.host.publish(topic: "more.work", payload: Array("{}".utf8), key: "", contentType: "application/json")
    try fixture.expectCount(2)
  }

  @Test func waitsForAHandlerNoLongerThanASwapWould() throws {
    let fixture = try start("label: one", drain: "300ms")
    try fixture.act("busy")
    try fixture.work()
    let instance = try fixture.instance()
    try eventually {
      instance.endpoint.statistics().running != nil
    }
    try fixture.configure(Self.file("label: two"))
    let error = #expect(throws: LifecycleFailure.self) { try fixture.host.renewInstance("actor") }
    #expect(error?.reason.contains("still running after 300 ms") == true, "\(error?.description ?? "")")
    try fixture.letGo()
    try fixture.expectCount(2)
    try expect(fixture, label: "one", generation: 1)
    try fixture.act("")
    guard case .reconfigured = try fixture.host.renewInstance("actor") else {
      Issue.record("not reconfigured")
      return
    }
    try expect(fixture, label: "two", generation: 1)
  }

  @Test func isNoticedInManifestsAndInTheOperatorsFile() throws {
    let fixture = try start("mode: \"\"", watch: true)
    let more = Actor.manifest().replacing("default: none", with: "default: some")
    try fixture.write("actor", more)
    try eventually {
      (try? fixture.instance().configuration["label"]) == .string("some")
    }
    try expect(fixture, label: "some", generation: 1)
    try fixture.configure(Self.file("label: two"))
    try eventually {
      (try? fixture.instance().configuration["label"]) == .string("two")
    }
    try expect(fixture, label: "two", generation: 1)
    // Anything else in the manifest is another plugin.
    try fixture.write("actor", more.replacing("topic: leave", with: "topic: depart"))
    try eventually {
      (try? fixture.instance().generation?.number) == 2 && (try? fixture.instance().state) == .running
    }
  }

  @Test func anotherLaneAndAnotherRestartPolicyCountAtOnce() throws {
    let fixture = try HostFixture(
      ["actor": Actor.manifest("actor", "lane: {events: 100, full: reject}\nrestart: {backoff: 1h..1h}")],
      configuration: "plugins: {actor: {lane: {events: 50}}}")
    try fixture.host.start()
    let instance = try fixture.instance()
    #expect(instance.endpoint.laneOptions.capacity == 50 && instance.endpoint.laneOptions.full == .reject)
    try fixture.configure("plugins: {actor: {lane: {full: wait, inline: true}, restart: {policy: never}}}")
    fixture.host.reload()
    #expect(instance.endpoint.laneOptions.capacity == 100 && instance.endpoint.laneOptions.full == .wait)
    #expect(!instance.endpoint.laneOptions.inline)
    fixture.expectLog("`lane: {inline: true}` counts from the next start of the host")
    // By the operator's word, in spite of the manifest's.
    _ = try fixture.host.call("actor.thread", .object(["fails": .int(1)]))
    try fixture.expect("actor") { if case .failed = $0 { true } else { false } }

    // A manifest's are no other plugin either.
    try fixture.configure("")
    try fixture.write("actor", Actor.manifest("actor", "lane: {events: 7}\nrestart: {backoff: 1ms..1ms}"))
    try fixture.host.startInstance("actor")
    #expect(instance.endpoint.laneOptions.capacity == 7 && instance.restart.backoff.upper == .milliseconds(1))
    let generation = instance.generation?.number
    try fixture.write("actor", Actor.manifest("actor", "lane: {events: 9}\nrestart: {backoff: 2ms..2ms}"))
    fixture.host.reload()
    #expect(instance.endpoint.laneOptions.capacity == 9 && instance.restart.backoff.upper == .milliseconds(2))
    #expect(instance.generation?.number == generation)
  }

  @Test func anInstanceThatIsNewInTheFileIsStarted() throws {
    let fixture = try start("label: one")
    try fixture.configure(Self.file("label: one") + "\ninstances: {second: {plugin: actor, config: {label: two}}}")
    fixture.host.reload()
    #expect(try fixture.instance("second").state == .running)
    #expect(try fixture.host.call("second.label", .object([:]))["label"] == "two")
  }
}
