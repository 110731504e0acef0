import Foundation
import Testing

@testable import BotHost

/// The repository's root, from this file's place in it.
let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()

/// Plugins for the bots of these tests.
enum Plugins {
  static let chat = """
    bothost: 1
    plugin: twitch
    library: libTwitch.so
    config:
      host: {type: string, required: true, description: the server}
      port: {type: int, default: 6697}
      nick: string
      token: secret
    topics:
      twitch.connected: {}
      twitch.failed: {reason: string, fatal: bool}
      twitch.message: {username: string, channel: string, message: string, raw: string, tags: map, bits?: int, words: [string], nested: {deep: {x: int}}}
      twitch.sent: {raw: string, channel: string}
      twitch.state: {connected: bool, channels: [string]}
    methods:
      join: {args: {channel: string}}
      say: {args: {channel: string, text: string, reply_to?: string}, returns: {id: string}}
      login: {args: {password: secret}}
      count: {returns: int}
      connect: {}
      anything: {}
    types:
      TwitchConnection:
        args: {host: string, port: int, nick: string, token: secret}
        state: {connected: bool, channels: [string]}
        events: {connected: twitch.connected, failed: twitch.failed, message: twitch.message, sent: twitch.sent}
        methods: {join: join, say: say, login: login, count: count, connect: connect, anything: anything}
        echoes: {say: sent}
    """

  static let kafka = """
    bothost: 1
    plugin: kafka
    library: libKafka.so
    config:
      brokers: {type: string, required: true}
      topic: {type: string, required: true}
      group: string
      start: {type: enum, values: [latest, earliest], default: latest}
    topics:
      kafka.record: {key?: string, value: any, channel?: string}
    methods:
      publish: {args: {key?: string, value: any}}
    types:
      KafkaTopic:
        args: {brokers: string, topic: string, group: string, start: string}
        events: {record: kafka.record}
        methods: {publish: publish}
        echoes: {publish: record}
    """

  static func all() throws -> [Manifest] {
    try [chat, kafka].map { text in
      var diagnostics = Diagnostics()
      let manifest = Manifest.decode(SourceText(name: "plugin.yaml", text), diagnostics: &diagnostics)
      #expect(diagnostics.isEmpty, "\(diagnostics.map(\.description))")
      return try #require(manifest)
    }
  }
}

let configuration = """

  ---
  bothost: 1
  kind: config
  name: Settings
  get:
    host: {type: string, default: localhost}
    port: {type: int, default: 6667}
    pass: {type: secret, from: PASS}
    channels: {type: list, of: string, default: [one, two]}
    level: {type: string, default: debug}
    brokers: {type: string, default: "localhost:9092"}
  """

/// A bot with `steps` in its handler of `chat.message`.
func botText(_ steps: String, event: String = "chat.message") -> String {
  let indented = steps.split(separator: "\n", omittingEmptySubsequences: false).map { "      " + $0 }.joined(
    separator: "\n")
  return """
    bothost: 1
    kind: bot
    name: taco
    use:
      config: {type: Settings}
      chat: {type: TwitchConnection, host: "${config.host}", token: "${config.pass}"}
      log: {type: KafkaTopic, brokers: "${config.brokers}", topic: saved}
      inbox: {type: KafkaTopic, brokers: "${config.brokers}", topic: orders, group: taco}
      stdout: {type: StdOut}
    when:
      - event: \(event)
        name: H
        do:
    \(indented)
    """ + configuration
}

func compile(_ text: String, values: [String: String] = [:]) throws -> ([BotProgram], Diagnostics) {
  let project = BotProject(
    [SourceText(name: "b.yaml", text)], values: values.mapValues { SourceText(name: "values.yaml", $0) })
  let (programs, diagnostics) = BotCompiler.compile(project, manifests: try Plugins.all())
  return (programs, diagnostics)
}

/// The program of a bot that must be right.
func program(_ text: String, sourceLocation: Testing.SourceLocation = #_sourceLocation) throws -> BotProgram {
  let (programs, diagnostics) = try compile(text)
  #expect(diagnostics.isEmpty, "\(diagnostics.map(\.description))", sourceLocation: sourceLocation)
  return try #require(programs.first, sourceLocation: sourceLocation)
}

/// Records what a bot does, and answers its calls when told to.
final class Recorder: BotEffects {
  struct Call {
    var token: BotCallToken
    var method: String
    var argument: String
    var delivery: UInt64
  }

  var calls: [Call] = []
  var lines: [String] = []
  var onPrint: (String) -> Void = { _ in }
  var settled: [UInt64: BotFailure?] = [:]
  var order: [UInt64] = []
  /// What each call is answered with at once; nil: later.
  var answer: (Call) -> Result<String, TestFailure>? = { _ in .success("") }
  var program: BotProgram
  weak var runtime: BotRuntime?

  init(_ program: BotProgram) { self.program = program }

  struct TestFailure: Error { var message: String }

  func call(_ token: BotCallToken, method: Int, argument: UnsafeRawBufferPointer, delivery: UInt64) {
    let call = Call(
      token: token, method: runtime?.methods[method] ?? "", argument: String(decoding: argument, as: UTF8.self),
      delivery: delivery)
    calls.append(call)
    if let result = answer(call) { reply(call, result) }
  }

  func reply(_ call: Call, _ result: Result<String, TestFailure>) {
    switch result {
    case .success(let text): Array(text.utf8).withUnsafeBytes { runtime?.complete(call.token, .value($0)) }
    case .failure(let failure): runtime?.complete(call.token, .failure(failure.message))
    }
  }

  func print(_ line: UnsafeRawBufferPointer) {
    lines.append(String(decoding: line, as: UTF8.self))
    onPrint(String(decoding: line, as: UTF8.self))
  }

  func settled(_ delivery: UInt64, failure: BotFailure?) {
    settled[delivery] = failure
    order.append(delivery)
  }

  var summary: [String] { calls.map { "\($0.method) \($0.argument)" } }
}

/// A running bot.
struct Bench {
  let recorder: Recorder
  let runtime: BotRuntime
  let bot: BoundBot

  init(_ text: String, environment: [String: String] = ["PASS": "hunter2"]) throws {
    let program = try program(text)
    var diagnostics = Diagnostics()
    let bound = program.bind(
      manifests: try Plugins.all(), environment: Environment(environment), diagnostics: &diagnostics)
    #expect(diagnostics.isEmpty, "\(diagnostics.map(\.description))")
    bot = try #require(bound)
    recorder = Recorder(program)
    runtime = BotRuntime(bot, effects: recorder)
    recorder.runtime = runtime
  }

  /// Delivers an event of a topic to the first subscription for it.
  @discardableResult
  func event(
    _ topic: String, _ payload: String, delivery: UInt64 = 1, attempt: BotAttempt = .only
  ) throws -> BotDelivery {
    let index = try #require(bot.program.subscriptions.firstIndex { $0.topic == topic })
    return Array(payload.utf8).withUnsafeBytes {
      runtime.deliver(subscription: index, payload: $0, delivery: delivery, attempt: attempt)
    }
  }
}
