import CBotHost
import Testing

@testable import BotPluginKit

@Suite struct LifecycleTests {
  @Test func theDescriptorSaysWhatTheTableSays() throws {
    try withPlugin { driver, _ in
      let descriptor = driver.descriptor
      #expect(descriptor.size == UInt32(MemoryLayout<bh_plugin>.size))
      #expect(descriptor.abi_major == BH_ABI_MAJOR)
      #expect(text(descriptor.name) == "tester")
      #expect(text(descriptor.version) == "1.2.3")
      #expect(text(descriptor.state_format) == "tester")
      #expect(descriptor.state_version == 2)
      #expect(descriptor.flags == 0)
      #expect(descriptor.reconfigure != nil)
      #expect(TestPlugin.entry(0) == TestPlugin.entry(7))
    }
  }

  @Test func aPlainPluginHasNoStateAndNoReconfigure() throws {
    final class Plain: BotPlugin {
      static let table = PluginTable<Plain>(name: "plain", version: "1.0.0") {
        Method("ping", Plain.ping)
      }
      init(configuration: NoConfiguration, host: Host) {}
      func ping() -> String { "pong" }
    }
    let driver = try PluginDriver(Plain.self)
    #expect(driver.descriptor.export_state == nil)
    #expect(driver.descriptor.import_state == nil)
    #expect(driver.descriptor.reconfigure == nil)
    #expect(text(driver.descriptor.state_format) == "")
    #expect(driver.quiesce() == 0)
    #expect(driver.resume() == 0)
    #expect(driver.health() == #"{"detail":"","ok":true}"#)
    #expect(driver.invoke("ping", "") == 0)
    #expect(driver.handle(binding: 0, "{}") == BH_E_NOTFOUND)
  }

  @Test func theHostTellsHowItStarts() throws {
    try withPlugin { driver, plugin in
      #expect(plugin.host.instance == "tester")
      #expect(plugin.host.generation == 3)
      #expect(plugin.host.start == .fresh)
      #expect(plugin.host.dataDirectory == "/data/tester")
      #expect(plugin.host.monotonicTime == 1_000)
      #expect(plugin.host.unixTime == 2_000)
    }
  }

  @Test func thePluginKnowsWhyItEnds() throws {
    try withPlugin { driver, plugin in
      #expect(plugin.host.ending == .not)
      for (number, ending) in [
        (BH_ENDING_STOP, BotPluginKit.Host.Ending.stop), (BH_ENDING_SWAP, .swap), (BH_ENDING_RESTART, .restart),
        (77, .stop),
      ] {
        driver.host.state.withLock { $0.ending = UInt32(number) }
        #expect(plugin.host.ending == ending)
      }
    }
  }

  @Test func theConfigurationIsDecoded() throws {
    let host = FakeHost(configuration: #"{"greeting":"hi","every":1500000000}"#)
    try withPlugin(host) { driver, plugin in
      #expect(plugin.configuration.greeting == "hi")
      #expect(plugin.configuration.every?.duration == .milliseconds(1500))
      let greeting: String = try plugin.host.configuration(at: "/greeting")
      #expect(greeting == "hi")
      #expect(throws: PluginError.self) { try plugin.host.configuration(at: "/nothing", as: String.self) }
    }
  }

  @Test func aConfigurationThatDoesNotFitRefusesThePlugin() throws {
    #expect(throws: PluginError.self) { try withPlugin(FakeHost(configuration: #"{"greeting":[]}"#)) { _, _ in } }
    let host = FakeHost(configuration: #"{"greeting":[]}"#)
    _ = try? PluginDriver(TestPlugin.self, host)
    #expect(host.lastError.hasPrefix("the configuration is no Configuration: /greeting: expected a string"))
  }

  @Test func anInitThatThrowsRefusesThePlugin() throws {
    let host = FakeHost(configuration: #"{"greeting":"refuse"}"#)
    #expect(throws: PluginError(.invalid, "I refuse")) { try PluginDriver(TestPlugin.self, host) }
  }

  @Test func lifeCycleFunctionsAreCalledAndMayThrow() throws {
    try withPlugin { driver, plugin in
      #expect(driver.quiesce() == 0)
      #expect(driver.resume() == 0)
      #expect(plugin.calls == ["activate", "quiesce 99", "resume"])
      plugin.failure = PluginError.busy("not now")
      #expect(driver.quiesce() == BH_E_BUSY)
      #expect(driver.resume() == BH_E_BUSY)
      #expect(driver.activate() == BH_E_BUSY)
      #expect(driver.host.lastError == "not now")
      plugin.state = .bad("tired")
      #expect(driver.health() == #"{"detail":"tired","ok":false}"#)
    }
  }

  @Test func aNewConfigurationIsTakenOverOrRefused() throws {
    try withPlugin { driver, plugin in
      #expect(driver.reconfigure(#"{"greeting":"good day"}"#) == 0)
      #expect(plugin.configuration.greeting == "good day")
      #expect(driver.reconfigure(#"{"greeting":""}"#) == BH_E_INVALID)
      #expect(driver.host.lastError == "greeting is empty")
      #expect(driver.reconfigure(#"{"greeting":7}"#) == BH_E_INVALID)
      #expect(plugin.configuration.greeting == "good day")
    }
  }

  // MARK: State

  @Test func aDictionaryGoesInPiecesWhileItChanges() throws {
    let names = (0..<5_000).map { "name \($0)" }
    var source = TrackedDictionary<String, Int>()
    for (index, name) in names.enumerated() { source[name] = index }
    func offer(_ phase: StatePhase, _ piece: StatePiece) -> StateOffer {
      StateOffer(phase: phase, format: "f", version: 1, bytes: piece.bytes)
    }
    var target: TrackedDictionary = ["stale": 1]
    var piece = try source.export(.snapshot)
    try target.take(offer(.snapshot, piece))
    var pieces = 1
    while piece.hasMore {
      // One that is handed over already, one that is not, a new one, and one that goes.
      source["name \(pieces)"] = -1
      source["name \(4_999 - pieces)", default: 0] += 1
      source["new \(pieces)"] = pieces
      source["name \(2_000 + pieces)"] = nil
      #expect(piece.bytes.count < 128 << 10)
      piece = try source.export(.changes)
      try target.take(offer(.changes, piece))
      pieces += 1
    }
    #expect(pieces > 5)
    source["last"] = 1
    let rest = try source.export(.rest)
    #expect(rest.bytes.count < 64 << 10)
    try target.take(offer(.rest, rest))
    #expect(target.entries == source.entries)
    #expect(target["stale"] == nil)
    #expect(try !source.export(.rest).hasMore)
    // The whole is a dictionary, and ends what was begun.
    let whole = try source.export(.final)
    var other = TrackedDictionary<String, Int>()
    try other.take(offer(.final, whole))
    #expect(other.entries == source.entries)
    #expect(throws: PluginError.self) { try source.export(.rest) }
    // What is small is not worth pieces.
    var small: TrackedDictionary = ["a": 1]
    #expect(throws: PluginError.self) { try small.export(.snapshot) }
  }

  @Test func stateGoesFromOneGenerationToTheNext() throws {
    let state = try withPlugin { driver, plugin in
      plugin.said = ["a", "b"]
      let (rc, state) = driver.export()
      #expect(rc == 0)
      #expect(driver.export(want: 2) == (0, state))
      return state
    }
    #expect(state == #"["a","b"]"#)
    try withPlugin { driver, plugin in
      #expect(driver.importState(state, format: "tester", version: 2) == 0)
      #expect(plugin.said == ["a", "b"])
    }
  }

  @Test func stateOfAnotherVersionIsConverted() throws {
    try withPlugin { driver, plugin in
      plugin.said = ["a", "b"]
      #expect(driver.export(want: 1) == (0, #""a,b""#))
      #expect(driver.importState(#""old""#, format: "tester", version: 1) == 0)
      #expect(plugin.said == ["old"])
    }
  }

  @Test func stateThatCannotBeReadOrWrittenIsRefused() throws {
    try withPlugin { driver, plugin in
      plugin.said = ["kept"]
      #expect(driver.export(want: 3).0 == BH_E_UNSUPPORTED)
      #expect(driver.importState("[]", format: "tester", version: 3) == BH_E_INVALID)
      #expect(driver.host.lastError.contains(".upgrading(from: 3"))
      #expect(driver.importState("[]", format: "stranger", version: 2) == BH_E_INVALID)
      #expect(driver.importState("{", format: "tester", version: 2) == BH_E_INVALID)
      #expect(plugin.said == ["kept"])
    }
  }

  @Test func aStateMayBeBytes() throws {
    final class Bytes: BotPlugin {
      static let table = PluginTable<Bytes>(name: "bytes", version: "1.0.0") {
        HandOver(
          format: "counter", version: 4,
          exportBytes: { plugin, request in [plugin.value, request.phase == .final ? 1 : 0] },
          importBytes: { plugin, offer in plugin.value = offer.bytes.first ?? 0 })
        Method("value", Bytes.read)
      }
      var value: UInt8 = 65
      init(configuration: NoConfiguration, host: Host) {}
      func read() -> UInt8 { value }
    }
    let driver = try PluginDriver(Bytes.self)
    #expect(driver.export() == (0, "A\u{1}"))
    #expect(driver.export(BH_STATE_SNAPSHOT) == (0, "A\u{0}"))
    #expect(driver.importState("Z", format: "counter", version: 4) == 0)
    #expect(driver.invoke("value", "") == 0)
    #expect(driver.host.replies.map(\.text) == ["90"])
  }

  // MARK: Ends

  @Test func nothingStaysBehind() throws {
    let host = FakeHost()
    weak var plugin: TestPlugin?
    weak var services: Host?
    try withPlugin(host) { driver, made in
      plugin = made
      services = made.host
      driver.handle("method", #"{"text":"a","count":1}"#)
      made.onEvent = { event in try event.keep().withEvent { _ in } }
      driver.handle("raw", "{}")
      driver.invoke("answer", #"{"text":"a","count":1}"#)
      try made.host.call("a.b", returning: NoAnswer.self) { _ in }
      host.finishCall(BH_OK, "{}")
      driver.destroy()
    }
    #expect(plugin == nil)
    #expect(services == nil)
    #expect(host.state.withLock { $0.retained == $0.released })
  }

  @Test func twoInstancesAreStrangers() throws {
    try withPlugin { one, first in
      try withPlugin { two, second in
        one.handle("method", #"{"text":"a","count":1}"#)
        #expect(first.said == ["a"])
        #expect(second.said == [])
      }
    }
  }

  @Test func nullArgumentsAreRefused() throws {
    try withPlugin { driver, _ in
      #expect(driver.descriptor.handle(nil, nil) == BH_E_INVALID)
      #expect(driver.descriptor.handle(driver.me, nil) == BH_E_INVALID)
      #expect(driver.descriptor.create(nil, nil, nil, nil) == BH_E_INVALID)
      #expect(driver.descriptor.invoke(driver.me, bh_str(), nil) == BH_E_INVALID)
    }
  }

  @Test func aManifestsKeysAreReadIntoProperties() throws {
    struct Settings: ManifestConfiguration {
      let softTimeout: ConfiguredDuration
      let clientID: String
      let reply: Reply
      let token: Secret?
      let places: [String: Int]
      enum Reply: String, Decodable { case never, always }
    }
    let settings = try Settings(
      json: #"{"soft_timeout":3000000000,"client_id":"x","reply":"always","places":{"at_home":1,"away":2},"more":0}"#)
    #expect(settings.softTimeout.duration == .seconds(3) && settings.clientID == "x" && settings.reply == .always)
    #expect(settings.token == nil)
    // Keys within a value are not the manifest's.
    #expect(settings.places == ["at_home": 1, "away": 2])
    let missing = #expect(throws: PluginError.self) { try Settings(json: #"{"soft_timeout":1}"#) }
    #expect(missing?.message.contains("\"client_id\" is missing") == true, "\(missing?.message ?? "")")
    let wrong = #expect(throws: PluginError.self) { try Settings(json: #"{"soft_timeout":"x","client_id":"y"}"#) }
    #expect(wrong?.message.contains("/soft_timeout: ") == true, "\(wrong?.message ?? "")")
  }
}
