import Testing

@testable import BotHost

/// The bots and manifests of this repository.
@Suite struct BundledBotTests {
  static let directory = repository.appendingPathComponent("manifests").path

  static func manifests() -> PluginDirectory { PluginDirectory.load([directory], checksLibraries: false) }

  @Test func manifestsAreRight() {
    let found = Self.manifests()
    #expect(found.diagnostics.isEmpty, "\(found.diagnostics.rendered(sources: found.sources))")
    #expect(Set(found.manifests.map(\.plugin)).isSuperset(of: ["twitch", "kafka"]))
  }

  @Test(
    "every ready bot compiles without a word, and says in its header how it is started",
    arguments: ["taco", "kitchen", "logger", "commands", "relay", "moderator"])
  func readyBots(name: String) throws {
    let path = Self.directory + "/bots/\(name).yaml"
    let project = BotProject.load([path])
    let (programs, diagnostics) = BotCompiler.compile(project, manifests: Self.manifests().manifests)
    #expect(diagnostics.isEmpty, "\(diagnostics.rendered(sources: project.sources))")
    #expect(programs.map(\.name) == [name])
    let header = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").prefix {
      $0.hasPrefix("#")
    }
    #expect(header.contains { $0.contains("bothost --plugins DIR") && $0.contains("\(name).yaml") })
  }

  static let path = directory + "/bots/taco.yaml"

  @Test func tacoCompilesAndBinds() throws {
    let manifests = Self.manifests().manifests
    let project = BotProject.load([Self.path])
    let (programs, diagnostics) = BotCompiler.compile(project, manifests: manifests)
    #expect(diagnostics.isEmpty, "\(diagnostics.rendered(sources: project.sources))")
    let program = try #require(programs.first)
    #expect(program.requirements.map(\.instance) == ["taco.chat", "taco.chatlog", "taco.inbox"])
    let environment = Environment([
      "TWITCH_HOST": "127.0.0.1", "TWITCH_PORT": "6667", "TWITCH_TLS": "false", "TWITCH_USERNAME": "taco",
      "TWITCH_TOKEN": "secret-token", "TWITCH_CHANNELS": "one,two", "KAFKA_BROKERS": "127.0.0.1:9092",
    ])
    var found = Diagnostics()
    let bot = try #require(program.bind(manifests: manifests, environment: environment, diagnostics: &found))
    #expect(found.isEmpty)
    let chat = bot.instances[0].configuration
    #expect(chat.json["host"] == "127.0.0.1" && chat.json["port"] == 6667 && chat.json["tls"] == false)
    #expect(chat.secrets["token"] == Secret("secret-token"))
    #expect(bot.instances[2].configuration.json["topic"] == "bot_messages")

    let recorder = Recorder(program)
    let runtime = BotRuntime(bot, effects: recorder)
    recorder.runtime = runtime
    func event(_ topic: String, _ payload: String) throws {
      let index = try #require(program.subscriptions.firstIndex { $0.topic == topic })
      _ = Array(payload.utf8).withUnsafeBytes { runtime.deliver(subscription: index, payload: $0, delivery: 1) }
    }
    try event("twitch.connected", "{}")
    #expect(recorder.calls.isEmpty, "the state says that it is not connected")
    try event("twitch.state", #"{"connected":true,"nick":"taco"}"#)
    try event("twitch.connected", "{}")
    try event("twitch.message", #"{"channel":"one","username":"ann","message":"hi","raw":"…"}"#)
    try event("kafka.record", #"{"message":"hello","channel":"two"}"#)
    #expect(
      recorder.summary == [
        #"taco.chat.join {"channel":"one"}"#, #"taco.chat.join {"channel":"two"}"#,
        #"taco.chatlog.publish {"key":"one","value":{"username":"ann","message":"hi"}}"#,
        #"taco.chat.say {"channel":"two","text":"hello"}"#,
      ])
    #expect(recorder.lines.isEmpty, "the level is not debug")
  }

  /// What is said in the chat must not be read back from where it is saved.
  @Test func tacoWouldBeALoopOnOneTopic() throws {
    let project = BotProject.load([Self.path])
    let source = try #require(project.sources.first { $0.name == Self.path })
    let text = String(decoding: source.bytes, as: UTF8.self)
    let parts = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      line.contains("inbox:") ? String(line.replacing("bot_messages", with: "taco_bell")) : String(line)
    }
    let others = project.sources.filter { $0.name != Self.path && !$0.name.hasSuffix("/config.yaml") }
    let changed = BotProject([SourceText(name: "taco.yaml", parts.joined(separator: "\n"))] + others)
    let (_, diagnostics) = BotCompiler.compile(changed, manifests: Self.manifests().manifests)
    #expect(diagnostics.contains { $0.message.hasPrefix("a feedback loop") }, "\(diagnostics.map(\.description))")
  }
}
