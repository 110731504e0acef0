import Glibc
import CBotHost
import Testing

@testable import BotPluginKit

@Suite struct PublishingTests {
  @Test func valuesAreJSON() throws {
    try withPlugin { driver, plugin in
      let topic = try plugin.host.topic("tester.said")
      try plugin.host.publish(topic, ["b": 1, "a": 2], key: "k", correlationID: "c", headers: [EventHeader("h", "v")])
      #expect(
        driver.host.published == [
          FakeHost.Published(
            topic: "tester.said", payload: #"{"a":2,"b":1}"#, key: "k", delivery: 0, contentType: "", correlation: "c",
            headers: ["h": "v"])
        ])
    }
  }

  @Test func everyFormNamesItsDelivery() throws {
    try withPlugin { driver, plugin in
      let topic = try plugin.host.topic("tester.said")
      plugin.onEvent = { event in
        let host = plugin.host
        try host.publish(topic, 1, effectOf: event.token)
        try host.publish(topic, json: event.payload, key: event.key, effectOf: event.token)
        try host.publish(topic, bytes: event.payload, effectOf: event.token)
        try host.publish(topic, key: event.key, effectOf: event.token) { json in
          json.beginObject()
          json.field("x", event.topic)
          json.endObject()
        }
      }
      #expect(driver.handle("raw", "[7]", key: "κ") == BH_OK)
      let published = driver.host.published
      #expect(published.map(\.delivery) == Array(repeating: driver.lastDelivery, count: 4))
      #expect(published.map(\.payload) == ["1", "[7]", "[7]", #"{"x":"chat.message"}"#])
      #expect(published.map(\.contentType) == ["", "", "application/octet-stream", ""])
      #expect(published.map(\.key) == ["", "κ", "", "κ"])
    }
  }

  @Test func aRefusalSaysWhatToDo() throws {
    try withPlugin { driver, plugin in
      let topic = try plugin.host.topic("tester.said")
      driver.host.refuse("publish", BH_E_DENIED)
      #expect(
        throws: PluginError(
          .denied,
          "publish to tester.said: the manifest's `topics:` does not declare it, or the plugin is in standby")
      ) { try plugin.host.publish(topic, 1) }
      #expect(throws: PluginError.self) { try plugin.host.topic("no topic") }
      #expect(throws: PluginError.self) { try plugin.host.publish(topic, Double.nan) }
      #expect(driver.host.published.isEmpty)
    }
  }

  @Test func thePublisherIsToldHowItEnded() throws {
    try withPlugin { driver, plugin in
      let topic = try plugin.host.topic("tester.said")
      var ends: [Result<Void, PluginError>] = []
      for _ in 0..<2 { try plugin.host.publish(topic, 1, settled: { ends.append($0) }) }
      #expect(ends.isEmpty)
      driver.host.settlePublished(BH_OK)
      driver.host.settlePublished(BH_E_REJECT, "dead")
      #expect(throws: Never.self) { try ends[0].get() }
      #expect(throws: PluginError(.reject, "dead")) { try ends[1].get() }
    }
  }

  @Test func aNoticeOfARefusedEventIsFreed() throws {
    final class Marker {}
    try withPlugin { driver, plugin in
      let topic = try plugin.host.topic("tester.said")
      weak var marker: Marker?
      do {
        let held = Marker()
        marker = held
        driver.host.refuse("publish", BH_E_BUSY)
        #expect(throws: PluginError.self) {
          try plugin.host.publish(topic, 1, settled: { _ in withExtendedLifetime(held) {} })
        }
      }
      #expect(marker == nil)
    }
  }

  @Test func theBufferIsUsedAgainAndSurvivesNestedUse() throws {
    try withPlugin { driver, plugin in
      let topic = try plugin.host.topic("tester.said")
      try plugin.host.publish(topic) { outer in
        outer.append("outer")
        try plugin.host.publish(topic) { $0.append("inner") }
      }
      try plugin.host.publish(topic) { $0.append(1) }
      #expect(driver.host.published.map(\.payload) == [#""inner""#, #""outer""#, "1"])
    }
  }
}

@Suite struct KeyValueStoreTests {
  struct Entry: Codable, Equatable { var n: Int }

  @Test func valuesComeBack() throws {
    try withPlugin { driver, plugin in
      let kv = plugin.host.kv
      #expect(try kv.value("k", as: Entry.self) == nil)
      try kv.put("k", Entry(n: 1), expiresAfter: .seconds(3), effectOf: DeliveryToken(rawValue: 5))
      #expect(try kv.value("k", as: Entry.self) == Entry(n: 1))
      let stored = try #require(driver.host.state.withLock { $0.store["k"] })
      #expect(stored.ttl == 3_000_000_000)
      #expect(stored.delivery == 5)
      try kv.remove("k")
      #expect(try kv.value("k", as: Entry.self) == nil)
    }
  }

  @Test func revisionsGuardWrites() throws {
    try withPlugin { driver, plugin in
      let kv = plugin.host.kv
      try kv.put("k", Entry(n: 1), expecting: .none)
      let entry = try #require(try kv.entry("k", as: Entry.self))
      try kv.put("k", Entry(n: 2), expecting: .revision(entry.revision))
      #expect(throws: PluginError(.conflict, "write key k: conflict")) {
        try kv.put("k", Entry(n: 3), expecting: .revision(entry.revision))
      }
      #expect(throws: PluginError.self) { try kv.put("k", Entry(n: 3), expecting: .none) }
      #expect(try kv.value("k", as: Entry.self) == Entry(n: 2))
    }
  }

  @Test func entriesAreScannedInOrder() throws {
    try withPlugin { driver, plugin in
      let kv = plugin.host.kv
      for key in ["b/2", "a/1", "b/1", "b/3"] { try kv.put(key, Entry(n: 1)) }
      #expect(try kv.entries(prefix: "b/").map(\.key) == ["b/1", "b/2", "b/3"])
      #expect(try kv.entries(as: Entry.self, prefix: "b/", after: "b/1", limit: 1).map(\.key) == ["b/2"])
      var seen: [String] = []
      try kv.scan { key, value, _ in
        seen.append(key.string)
        return seen.count < 2
      }
      #expect(seen == ["a/1", "b/1"])
    }
  }

  @Test func aValueThatDoesNotFitIsInvalid() throws {
    try withPlugin { driver, plugin in
      try plugin.host.kv.put("k", ["x"])
      #expect(throws: PluginError.self) { try plugin.host.kv.value("k", as: Entry.self) }
    }
  }
}

@Suite struct MethodCallTests {
  struct Answer: Codable, Equatable { var n: Int }

  @Test func theCompletionGetsTheAnswer() throws {
    try withPlugin { driver, plugin in
      var results: [Result<Answer, PluginError>] = []
      let call = try plugin.host.call(
        "other.method", ["x": 1], timeout: .seconds(1), cause: DeliveryToken(rawValue: 4), returning: Answer.self
      ) { results.append($0) }
      let pending = try #require(driver.host.state.withLock { $0.calls.first })
      #expect(pending.method == "other.method")
      #expect(pending.argument == #"{"x":1}"#)
      #expect(pending.timeout == 1_000_000_000)
      #expect(pending.cause == 4)
      try call.cancel()
      #expect(driver.host.state.withLock { $0.cancelled } == [pending.token])
      driver.host.finishCall(BH_OK, #"{"n":1}"#)
      #expect(try results.first?.get() == Answer(n: 1))
    }
  }

  @Test func failuresArrive() throws {
    try withPlugin { driver, plugin in
      var results: [Result<Answer, PluginError>] = []
      for _ in 0..<2 { try plugin.host.call("a.b", returning: Answer.self) { results.append($0) } }
      #expect(driver.host.state.withLock { $0.calls.first?.argument } == "{}")
      driver.host.finishCall(BH_E_NOTFOUND, "no such method")
      driver.host.finishCall(BH_OK, "7")
      #expect(throws: PluginError(.notFound, "no such method")) { try results[0].get() }
      #expect(throws: PluginError.self) { try results[1].get() }
    }
  }

  @Test func aRefusedCallThrowsAndNeverCompletes() throws {
    try withPlugin { driver, plugin in
      driver.host.refuse("call", BH_E_CYCLE)
      #expect(throws: PluginError(.cycle, "call a.b: cycle of calls")) {
        try plugin.host.call("a.b", returning: NoAnswer.self) { _ in Issue.record("completed") }
      }
    }
  }

  @Test func aTaskWaitsForAnAnswer() async throws {
    let host = FakeHost()
    let driver = try withPlugin(host) { driver, plugin in
      let services = plugin.host
      plugin.onEvent = { event in
        let cause = event.token
        event.later().task {
          let answer: Answer = try await services.call("other.method", cause: cause)
          if answer.n != 5 { throw PluginError.reject("wrong answer") }
        }
      }
      #expect(driver.handle("raw", "{}") == BH_ASYNC)
      return driver
    }
    await host.wait { !$0.calls.isEmpty }
    host.finishCall(BH_OK, #"{"n":5}"#)
    await host.wait { !$0.settled.isEmpty }
    #expect(host.settled.map(\.rc) == [0])
    driver.destroy()
  }
}

@Suite struct SmallServiceTests {
  @Test func theLogGetsLevelAndFields() throws {
    try withPlugin { driver, plugin in
      plugin.host.log(.notice, "connected", ["peer": "a", "try": "2"])
      #expect(driver.host.log == ["3 connected peer=a try=2"])
    }
  }

  @Test func timers() throws {
    try withPlugin { driver, plugin in
      try plugin.host.timers.set("once", after: .milliseconds(5))
      try plugin.host.timers.set("often", every: .seconds(1))
      try plugin.host.timers.set("told", after: .zero, every: .seconds(2), payload: [1])
      let timers = driver.host.state.withLock { $0.timers.mapValues { "\($0.delay) \($0.period) \($0.payload)" } }
      #expect(
        timers == [
          "once": "5000000 0 ", "often": "1000000000 1000000000 ", "told": "0 2000000000 [1]",
        ])
      try plugin.host.timers.cancel("once")
      #expect(throws: PluginError(.notFound, "cancel timer once: not found")) { try plugin.host.timers.cancel("once") }
    }
  }

  @Test func secretsAreLent() throws {
    let host = FakeHost(
      configuration: #"{"token":{"$secret":"token"}}"#, secrets: ["token": "hunter2"])
    try withPlugin(host) { driver, plugin in
      let token = try #require(plugin.configuration.token)
      #expect(token.name == "token")
      #expect("\(token)" == "secret token")
      #expect(try token.withBytes { String(decoding: $0, as: UTF8.self) } == "hunter2")
      #expect(throws: PluginError(.reject, "mine")) { try token.withBytes { _ in throw PluginError.reject("mine") } }
      #expect(throws: PluginError(.notFound, "secret other: not found")) {
        try plugin.host.secret("other").withBytes { _ in }
      }
    }
  }

  @Test func metrics() throws {
    try withPlugin { driver, plugin in
      let counter = try plugin.host.counter("seen_total", "Messages seen.")
      counter.add()
      counter.add(4)
      try plugin.host.gauge("rooms", "Rooms.").set(-3)
      try plugin.host.histogram("delay_ns", "Delay.").observe(9)
      let metrics = driver.host.state.withLock { $0.metrics.map { "\($0.kind) \($0.name) \($0.values)" } }
      #expect(metrics == ["1 seen_total [1, 4]", "2 rooms [-3]", "3 delay_ns [9]"])
      driver.destroy()
      counter.add()
      #expect(driver.host.state.withLock { $0.metrics[0].values } == [1, 4])
    }
  }

  @Test func connections() throws {
    try withPlugin { driver, plugin in
      var options = ConnectionOptions(name: "irc", host: "irc.example.org", port: 6697, framing: .lines, tls: true)
      options.serverName = "example.org"
      let connection = try plugin.host.dial(options)
      #expect(
        driver.host.state.withLock { $0.dialled } == [
          "irc irc.example.org:6697 example.org 1": UInt32(BH_NET_TLS | BH_NET_RECONNECT)
        ])
      try connection.write("NICK bot\r\n", effectOf: DeliveryToken(rawValue: 9))
      try connection.write([UInt8(ascii: "x")])
      #expect(driver.host.state.withLock { $0.written } == ["7/9 NICK bot\r\n", "7/0 x"])
      let status = try connection.describe()
      #expect(status.state == "open")
      #expect(status.tls == "TLS")
      #expect(status.since == 5)
      #expect(status.unsent == 8)
      try connection.reconnect(after: .seconds(1))
      try connection.close()
      #expect(driver.host.state.withLock { $0.reconnected } == [1_000_000_000])
      #expect(driver.host.state.withLock { $0.closed } == [7])
      options.port = 70_000
      #expect(throws: PluginError.self) { try plugin.host.dial(options) }
      options.port = 1
      driver.host.refuse("dial", BH_E_DENIED)
      #expect {
        try plugin.host.dial(options)
      } throws: { "\($0)".contains("permissions: {connect: [...]}") }
    }
  }

  @Test func threadsHandTheirResultsToTheLane() async throws {
    let host = FakeHost()
    let driver = try withPlugin(host) { driver, plugin in
      let services = plugin.host
      let me = services.confine(plugin)
      try services.thread("reader") { stop in
        try services.onLane(me) { $0.said.append("from the thread") }
        while !stop.isRequested { sched_yield() }
        throw PluginError.internal("boom")
      }
      return driver
    }
    await host.wait { !$0.lane.isEmpty }
    host.runLane()
    host.joinThreads()
    #expect(driver.export().1 == #"["from the thread"]"#)
    #expect(host.log == ["1 thread reader ended: internal error: boom"])
    driver.destroy()
  }

  @Test func aRefusedLaneTaskThrows() throws {
    try withPlugin { driver, plugin in
      driver.host.refuse("on_lane", BH_E_CANCELLED)
      let me = plugin.host.confine(plugin)
      #expect(throws: PluginError(.cancelled, "run on the lane: cancelled")) {
        try plugin.host.onLane(me) { _ in Issue.record("ran") }
      }
    }
  }

  @Test func hooks() throws {
    struct About: Decodable { var help: String }
    try withPlugin { _, plugin in
      let hooks = try plugin.host.hooks(of: "echo", about: About.self)
      #expect(
        hooks.map(\.instance) == ["a", "b"] && hooks.map(\.priority) == [10, 0] && hooks.map(\.timeout) == [5, 6])
      #expect(hooks[0].match == ["/text": "x+"] && hooks[0].about?.help == "says x" && hooks[1].about == nil)
      #expect(plugin.host.hookRevision == 7)
      #expect(throws: PluginError.self) { try plugin.host.hooks(of: "none", about: About.self) }
    }
  }

  @Test func extensions() throws {
    struct Section: Decodable { var help: String }
    try withPlugin { _, plugin in
      let sections = try plugin.host.extensions(of: Section.self)
      #expect(sections.map(\.instance) == ["a", "b", "c"] && sections.map(\.plugin) == ["p", "b", "p"])
      #expect(sections.map(\.content?.help) == ["says x", nil, nil])
      #expect(plugin.host.extensionRevision == 8)
    }
  }

  @Test func spans() throws {
    try withPlugin { driver, plugin in
      #expect(plugin.host.span("work", cause: DeliveryToken(rawValue: 6)) { 5 } == 5)
      #expect(throws: PluginError.self) { try plugin.host.span("work") { throw PluginError.reject("no") } }
      #expect(driver.host.state.withLock { $0.spans } == ["begin work 6", "end 3 0", "begin work 0", "end 3 -2"])
    }
  }

  @Test func whatTheHostLacksIsUnsupported() throws {
    try withPlugin(FakeHost(offering: [])) { driver, plugin in
      let host = plugin.host
      func unsupported(_ name: String, _ body: () throws -> Void) {
        #expect(throws: PluginError(.unsupported, "this host does not offer \(name)"), performing: body)
      }
      unsupported(BH_KV) { _ = try host.kv.entry("k") }
      unsupported(BH_KV) { try host.kv.put("k", 1) }
      unsupported(BH_KV) { try host.kv.scan { _, _, _ in true } }
      unsupported(BH_RPC) { try host.call("a.b", returning: NoAnswer.self) { _ in } }
      unsupported(BH_TIMER) { try host.timers.set("t", after: .zero) }
      unsupported(BH_SECRET) { try host.secret("s").withBytes { _ in } }
      unsupported(BH_METRIC) { _ = try host.counter("c", "") }
      unsupported(BH_NET) { _ = try host.dial(ConnectionOptions(name: "n", host: "h", port: 1)) }
      unsupported(BH_THREAD) { try host.thread("t") { _ in } }
      unsupported(BH_THREAD) { try host.onLane(host.confine(plugin)) { _ in } }
      unsupported(BH_HOOK) { _ = try host.hooks(of: "m", about: String.self) }
      unsupported(BH_EXTENSION) { _ = try host.extensions(of: String.self) }
      #expect(host.span("s") { 1 } == 1 && host.hookRevision == 0 && host.extensionRevision == 0)
    }
  }
}
