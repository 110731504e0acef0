import Synchronization

@testable import BotPluginKit

/// The plugin that most tests drive: one row of each form.
final class TestPlugin: BotPlugin {
  struct Configuration: Decodable {
    var greeting = "hello"
    var token: Secret?
    var every: ConfiguredDuration?

    init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: Key.self)
      greeting = try values.decodeIfPresent(String.self, forKey: .greeting) ?? greeting
      token = try values.decodeIfPresent(Secret.self, forKey: .token)
      every = try values.decodeIfPresent(ConfiguredDuration.self, forKey: .every)
    }
    enum Key: CodingKey { case greeting, token, every }
  }

  struct Say: Codable, Equatable {
    var text: String
    var count = 1
  }

  static let table = PluginTable<TestPlugin>(name: "tester", version: "1.2.3") {
    Handler("raw") { plugin, event in try plugin.onEvent(event) }
    Handler("outcome") { plugin, event in
      if event.payload.isEmpty { return .skip }
      return .stop
    }
    Handler("decoding", decoding: Say.self) { plugin, say, event in plugin.said.append(say.text) }
    Handler("decodingOutcome", decoding: Say.self) { plugin, say, event in say.text.isEmpty ? .skip : .done }
    Handler("method", TestPlugin.onSay)
    Handler("methodOutcome", TestPlugin.onSayOutcome)
    Handler("methodWithEvent", TestPlugin.onSayWithEvent)
    Handler("methodWithEventOutcome", TestPlugin.onSayWithEventOutcome)
    Handler("rawMethod", TestPlugin.onEvent)
    Handler("rawMethodOutcome", TestPlugin.onEventOutcome)
    Handler("handle", TestPlugin.onUnnamed)

    Method("answer", TestPlugin.answer)
    Method("note", TestPlugin.note)
    Method("status", TestPlugin.status)
    Method("reset", TestPlugin.reset)
    Method("call", TestPlugin.call)
    Method("argumentAndCall", TestPlugin.argumentAndCall)
    Method("closure") { plugin, call in try plugin.onCall?(call) }
    Method("closureAnswer", decoding: Say.self) { plugin, say, call in Say(text: say.text, count: say.count + 1) }
    Method("closureNull", decoding: Say.self) { plugin, say, call in plugin.said.append(say.text) }

    Hook("hook") { plugin, call in try plugin.onHook?(call) ?? .pass }
    Hook("hookMethod", TestPlugin.hookMethod)
    Hook("hookDecoded", TestPlugin.hookDecoded)

    HandOver(\.said, version: 2)
      .upgrading(from: 1, as: String.self) { $0.said = [$1] }
      .downgrading(to: 1) { $0.said.joined(separator: ",") }
    Reconfigure(TestPlugin.reconfigure)
  }

  let host: Host
  var configuration: Configuration
  var said: [String] = []
  var calls: [String] = []
  var state = Health.good
  /// What a test wants done in the next call.
  var onEvent: ((borrowing Event) throws -> Void)?
  var onCall: ((borrowing Call) throws -> Void)?
  var onHook: ((borrowing Call) throws -> HookOutcome)?
  var failure: (any Error)?

  /// The object that was made last on this thread, so that a test can look inside.
  @TaskLocal static var made = Made()
  final class Made: @unchecked Sendable {
    weak var plugin: TestPlugin?
  }

  init(configuration: Configuration, host: Host) throws {
    if configuration.greeting == "refuse" { throw PluginError.invalid("I refuse") }
    self.configuration = configuration
    self.host = host
    Self.made.plugin = self
  }

  func activate() throws { try record("activate") }
  func quiesce(deadline: Int64) throws { try record("quiesce \(deadline)") }
  func resume() throws { try record("resume") }
  func health() -> Health { state }
  func reconfigure(_ new: Configuration) throws {
    if new.greeting.isEmpty { throw PluginError.invalid("greeting is empty") }
    configuration = new
  }

  private func record(_ what: String) throws {
    calls.append(what)
    if let failure { throw failure }
  }

  func onEvent(_ event: borrowing Event) throws {
    if let failure { throw failure }
    try onEvent?(event)
  }
  func onEventOutcome(_ event: borrowing Event) -> Outcome { .stop }
  func onSay(_ say: Say) throws { said.append(say.text) }
  func onSayOutcome(_ say: Say) -> Outcome { .skip }
  func onSayWithEvent(_ say: Say, _ event: borrowing Event) { said.append("\(event.topic) \(say.text)") }
  func onSayWithEventOutcome(_ say: Say, _ event: borrowing Event) -> Outcome { .stop }
  func onUnnamed(_ event: borrowing Event) { said.append("unnamed") }

  func answer(_ say: Say) throws -> Say { Say(text: say.text + "!", count: 2) }
  func note(_ say: Say) throws { said.append(say.text) }
  func status() -> Say { Say(text: "fine", count: 0) }
  func reset() { said.removeAll() }
  func call(_ call: borrowing Call) throws { try call.reply(json: call.argument) }
  func argumentAndCall(_ say: Say, _ call: borrowing Call) throws { try call.reply("\(call.method) \(say.text)") }
  func hookMethod(_ call: borrowing Call) -> HookOutcome { .answer("no") }
  func hookDecoded(_ say: Say) throws -> HookOutcome {
    if say.text == "bad" { throw PluginError.denied("no bad words") }
    return .amend(Say(text: say.text.uppercased()))
  }
}

/// Makes a `TestPlugin` and gives a test the object.
func withPlugin<Result>(
  _ host: FakeHost = FakeHost(), _ body: (PluginDriver, TestPlugin) throws -> Result
) throws -> Result {
  try TestPlugin.$made.withValue(TestPlugin.Made()) {
    let driver = try PluginDriver(TestPlugin.self, host)
    guard let plugin = TestPlugin.made.plugin else { throw PluginError.internal("no plugin was made") }
    return try body(driver, plugin)
  }
}
