import CBotHost
import Foundation
import Synchronization
import Testing

@testable import BotHost

/// Bots on a bus, with instances that are there already.
@Suite struct RunningBotTests {
  /// A bus with an instance `taco.chat` that takes note of the calls that it gets.
  private final class Stage: @unchecked Sendable {
    let bus = Bus(BusOptions())
    let manifests: [Manifest]
    let states: StateBoard
    private let calls = Mutex<[String]>([])
    /// Calls that fail, by method.
    private let failing = Mutex<[String: Int]>([:])
    private var targets: [NativeTarget] = []

    init() throws {
      manifests = try Plugins.all()
      bus.start()
      states = try StateBoard(manifests, on: bus)
      let chat = try bus.addEndpoint(name: "taco.chat")
      var plan = EndpointPlan(generation: 1)
      for method in ["join", "say"] {
        let target = NativeTarget { [weak self] event in
          guard let self else { return bh_rc(BH_E_INTERNAL) }
          calls.withLock { $0.append("\(method) \(String(decoding: event.pointee.payload.bytes, as: UTF8.self))") }
          let fails = failing.withLock { failing in
            let count = failing[method] ?? 0
            failing[method] = max(0, count - 1)
            return count > 0
          }
          let answer = bh_bytes(ptr: nil, len: 0)
          return chat.reply(
            event.pointee.delivery, rc: fails ? bh_rc(BH_E_RETRY) : bh_rc(BH_OK), result: answer, generation: 1)
        }
        targets.append(target)
        plan.methods.append(MethodSpec(name: method, target: target.target))
      }
      try chat.install(plan)
      chat.openGate()
    }

    deinit { bus.stop(timeout: 0) }

    func fail(_ method: String, times: Int) { failing.withLock { $0[method] = times } }

    func publish(_ topic: String, _ payload: String, source: String = "taco.chat", key: String = "") {
      #expect(bus.publish(topic: topic, payload: Array(payload.utf8), key: key, source: source) == BH_OK)
    }

    /// The calls so far, once there are as many.
    func calls(_ count: Int) -> [String] {
      let clock = SystemClock()
      _ = waitUntil(clock.monotonic + 60_000_000_000, clock) { calls.withLock { $0.count } >= count }
      return calls.withLock { $0 }
    }

    func compile(_ text: String) throws -> (BoundBot, BotBuild) {
      let build = BotBuild(try program(text), manifests: manifests, target: .interpreter, cache: nil, running: nil)
      var diagnostics = Diagnostics()
      let bot = build.program.bind(
        manifests: manifests, environment: Environment(["PASS": "x"]), diagnostics: &diagnostics)
      return (try #require(bot, "\(diagnostics.map(\.description))"), build)
    }

    func bot(_ text: String) throws -> RunningBot {
      let (bot, build) = try compile(text)
      let running = try RunningBot(bot, build, on: bus, states: states, standardOutput: StandardOutput())
      running.open()
      return running
    }
  }

  static let joiner = """
    bothost: 1
    kind: bot
    name: taco
    use: {chat: {type: TwitchConnection, host: h}}
    when:
      - event: chat.connected
        do: [{expect: "${chat.connected}"}, {chat.join: tea}]
      - event: chat.message
        do: [{chat.say: {channel: "${chat.connected}", text: "${event.message}"}}]
    """

  /// A bot that starts after its instance is connected knows it, and does what it does when it connects.
  @Test func aBotThatComesLate() throws {
    let stage = try Stage()
    stage.publish("twitch.state", #"{"connected":true,"channels":[]}"#)
    stage.publish("twitch.connected", "{}")
    let bot = try stage.bot(Self.joiner)
    #expect(stage.calls(1) == [#"join {"channel":"tea"}"#])
    stage.publish("twitch.message", #"{"message":"hi"}"#)
    #expect(stage.calls(2).last == #"say {"channel":"true","text":"hi"}"#)
    bot.close(on: stage.bus)
  }

  /// What no longer holds is no news, and an instance that has stopped has no state.
  @Test(arguments: [true, false]) func newsThatIsOld(hasStopped: Bool) throws {
    let stage = try Stage()
    stage.publish("twitch.state", #"{"connected":true,"channels":[]}"#)
    stage.publish("twitch.connected", "{}")
    if hasStopped {
      stage.publish("sys.plugin.stopped", "{}", source: "host", key: "taco.chat")
    } else {
      stage.publish("twitch.state", #"{"connected":false,"channels":[]}"#)
    }
    let bot = try stage.bot(Self.joiner)
    stage.publish("twitch.message", #"{"message":"hi"}"#)
    #expect(stage.calls(1) == [#"say {"channel":"false","text":"hi"}"#])
    bot.close(on: stage.bus)
  }

  /// A changed bot that begins to listen is told what it has missed; what it has seen already does not come again.
  @Test func aChangedBot() throws {
    let stage = try Stage()
    let quiet = Self.joiner.replacingOccurrences(
      of: "  - event: chat.connected\n    do: [{expect: \"${chat.connected}\"}, {chat.join: tea}]\n", with: "")
    #expect(quiet != Self.joiner)
    let bot = try stage.bot(quiet)
    stage.publish("twitch.state", #"{"connected":true,"channels":[]}"#)
    stage.publish("twitch.connected", "{}")
    stage.publish("twitch.message", #"{"message":"one"}"#)
    #expect(stage.calls(1) == [#"say {"channel":"true","text":"one"}"#])
    let (joiner, build) = try stage.compile(Self.joiner)
    _ = try bot.replace(with: joiner, build)
    #expect(stage.calls(2).last == #"join {"channel":"tea"}"#)
    let (other, otherBuild) = try stage.compile(Self.joiner.replacingOccurrences(of: "tea", with: "coffee"))
    _ = try bot.replace(with: other, otherBuild)
    stage.publish("twitch.message", #"{"message":"two"}"#)
    #expect(stage.calls(3).last == #"say {"channel":"true","text":"two"}"#)
    bot.close(on: stage.bus)
  }

  /// Over the bus: of two handlers of one event, only the one that failed is carried out again.
  @Test func onlyWhatFailedRunsAgain() throws {
    let stage = try Stage()
    stage.fail("say", times: 1)
    let bot = try stage.bot(
      Self.joiner + "\n  - event: chat.message\n    do: [{chat.join: \"${event.message}\"}]")
    stage.publish("twitch.message", #"{"message":"one"}"#)
    let calls = stage.calls(3)
    stage.publish("twitch.message", #"{"message":"two"}"#)
    let say = #"say {"channel":"false","text":"one"}"#
    #expect(calls.sorted() == [#"join {"channel":"one"}"#, say, say])
    #expect(stage.calls(5).count == 5)
    #expect(bot.endpoint.statistics().dead == 0)
    bot.close(on: stage.bus)
  }
}
