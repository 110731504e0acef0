import CBotHost
import Foundation
import Testing

@testable import BotHost

/// The same bots interpreted and emitted as C, over the same events and answers.
@Suite(.enabled(if: EmittedBot.compiler != nil, "there is no C compiler"))
struct EmitTests {
  /// What a bot did, in order.
  private struct Log: Equatable {
    var effects: [String] = []
  }

  private static let events: [(topic: String, payload: String)] = [
    ("twitch.message", RuntimeTests.message),
    ("twitch.message", #"{"username":"bob","channel":"x","message":"stop","nested":{"deep":{"x":-1.5e1}},"words":[]}"#),
    ("twitch.state", #"{"connected":true,"channels":["a","b"]}"#),
    (
      "twitch.message",
      #" { "message" : "h\u00e9\ud83d\ude00\n" , "username":"a\"n\\n" , "words" : [ "a" , "\u0061" ] ,"bits":7 , "tags":{"a":{"b":[1,2.0]},"color":null}, "channel":"","nested":{"deep":{"x":9007199254740993}},"raw":"" } "#
    ),
    ("twitch.message", #"{"username":null,"message":"fail","username":"second"}"#),
    ("kafka.record", #"{"key":"k","value":{"a":[{"b":1},null,true,"x"],"n":1e2},"channel":"c"}"#),
    ("kafka.record", #"{"value":"text with \"quotes\" and \\ and \u0001"}"#),
    ("kafka.record", #"{"value":[1,"a",{"b":null}]}"#),
    ("twitch.message", "[1,2]"), ("twitch.message", "not json"), ("twitch.message", ""),
    ("twitch.state", #"{"connected":false}"#),
    ("twitch.message", RuntimeTests.message),
  ]

  /// How calls are answered: at once or later, with what.
  private enum Answers: CaseIterable {
    case results, failures, mixed, lastFirst
  }

  private static func answer(_ answers: Answers, _ method: String, _ number: Int) -> Result<
    String, Recorder.TestFailure
  > {
    let value = method.hasSuffix("count") ? "\(number)" : #"{"id":"id \#(number)","n":[\#(number)]}"#
    switch answers {
    case .results, .lastFirst: return .success(value)
    case .failures: return .failure(.init(message: "no \(method)"))
    case .mixed: return number % 3 == 1 ? .failure(.init(message: "not now")) : .success(number % 3 == 0 ? "" : value)
    }
  }

  private static func interpret(_ bot: BoundBot, _ answers: Answers) throws -> Log {
    var log = Log()
    let recorder = Recorder(bot.program)
    recorder.answer = { _ in nil }
    let runtime = BotRuntime(bot, effects: recorder)
    recorder.runtime = runtime
    var answered: Set<Int> = []
    var seen = (calls: 0, settled: 0)
    func note() {
      for call in recorder.calls[seen.calls...] {
        log.effects.append("call \(call.method) \(call.argument) \(call.delivery)")
      }
      for delivery in recorder.order[seen.settled...] {
        log.effects.append("settled \(delivery) \((recorder.settled[delivery] ?? nil)?.description ?? "")")
      }
      seen = (recorder.calls.count, recorder.order.count)
    }
    func reply() {
      while let next = answers == .lastFirst
        ? recorder.calls.indices.last(where: { !answered.contains($0) })
        : recorder.calls.indices.first(where: { !answered.contains($0) })
      {
        answered.insert(next)
        recorder.reply(recorder.calls[next], answer(answers, recorder.calls[next].method, next))
        note()
      }
    }
    for (number, event) in Self.events.enumerated() {
      for (index, subscription) in bot.program.subscriptions.enumerated() where subscription.topic == event.topic {
        let outcome = Array(event.payload.utf8).withUnsafeBytes {
          runtime.deliver(subscription: index, payload: $0, delivery: UInt64(number * 10 + index))
        }
        note()
        switch outcome {
        case .pending: log.effects.append("pending")
        case .done(let failure): log.effects.append("done \(failure?.description ?? "")")
        }
      }
      if number % 3 == 2 { reply() }
    }
    reply()
    // A line may have line feeds in it.
    log.effects += recorder.lines.flatMap { $0.components(separatedBy: "\n") }.map { "printed \($0)" }
    return log
  }

  /// An emitted bot's library, and the file that it prints to.
  private final class Emitted {
    let library: String
    private let output: String
    private let file: Int32

    init(_ source: String, in directory: String) throws {
      output = "\(directory)/output"
      file = open(output, O_CREAT | O_RDWR | O_CLOEXEC | O_APPEND, 0o600)
      try #require(file >= 0)
      library = "\(directory)/lib-\(UUID().uuidString.prefix(8)).so"
      try EmittedBot.compile(source, library, ["-DBOT_OUTPUT=\(file)", "-O1"])
    }

    deinit { close(file) }

    /// What it has printed since it was asked the last time.
    func printed() throws -> String {
      defer { ftruncate(file, 0) }
      return try String(contentsOfFile: output, encoding: .utf8)
    }
  }

  private static func runEmitted(_ bot: BoundBot, _ made: Emitted, _ answers: Answers) throws -> Log {
    var log = Log()
    var configuration: [String: String] = [:]
    var secrets: [String: String] = [:]
    for (index, constant) in bot.program.constants.enumerated() {
      guard case .getter(let config, let key) = constant.source, constant.path.isEmpty else { continue }
      let name = CManifest.key(bot.program.configs[config], key)
      let text = String(decoding: bot.constants[index], as: UTF8.self)
      guard !text.isEmpty else { continue }
      configuration[name] = text
      if bot.program.configs[config].schema.keys.contains(where: { $0.name == key && $0.kind == .secret }) {
        secrets[name] = try JSONValue(parsing: text).string
      }
    }
    let host = EmittedHost(configuration: configuration, secrets: secrets)
    let emitted = try EmittedBot(bot, made.library, host)
    var answered: Set<Int> = []
    var seen = (calls: 0, settled: 0)
    func note() {
      for call in host.calls[seen.calls...] {
        log.effects.append("call \(call.method) \(call.argument) \(call.delivery)")
      }
      for settled in host.settled[seen.settled...] {
        log.effects.append("settled \(settled.delivery) \(settled.failure ?? "")")
      }
      seen = (host.calls.count, host.settled.count)
    }
    func reply() {
      while let next = answers == .lastFirst
        ? host.calls.indices.last(where: { !answered.contains($0) })
        : host.calls.indices.first(where: { !answered.contains($0) })
      {
        answered.insert(next)
        host.reply(next, answer(answers, host.calls[next].method, next))
        note()
      }
    }
    for (number, event) in Self.events.enumerated() {
      for (index, subscription) in bot.program.subscriptions.enumerated() where subscription.topic == event.topic {
        host.said = nil
        let code = emitted.deliver(index, event.payload, delivery: UInt64(number * 10 + index))
        note()
        log.effects.append(
          code == bh_rc(BH_ASYNC) ? "pending" : "done \(code == bh_rc(BH_OK) ? "" : host.said ?? "\(code)")")
      }
      if number % 3 == 2 { reply() }
    }
    reply()
    var lines = try made.printed().components(separatedBy: "\n").map { "printed \($0)" }
    lines.removeLast()
    log.effects += lines
    return log
  }

  private static func build(_ text: String) throws -> (BoundBot, String) {
    let (programs, found) = try compile(text)
    #expect(!found.hasErrors, "\(found.map(\.description))")
    let program = try #require(programs.first)
    let build = BotBuild(program, manifests: try Plugins.all(), target: .c, cache: nil)
    #expect(build.failures.isEmpty, "\(build.failures)")
    var diagnostics = Diagnostics()
    let bound = program.bind(
      manifests: try Plugins.all(), environment: Environment(["PASS": "hun\"ter2"]), diagnostics: &diagnostics)
    return (try #require(bound), try CProgram(build).source)
  }

  static let bots: [String] = [
    botText(
      """
      - json: {username: "${event.username}", message: "${event.message}", n: [1, "${event.nested.deep.x}", "${event.bits}"], bits: "${event.bits}"}
        as: line
      - log.publish: {key: "${event.channel}", value: "${line}"}
      - log.publish: {value: "${line.message}"}
      - chat.anything: {whole: "${event}", deep: {a: "${event.tags.a.b}", none: "${event.tags.zz.y}", state: "${chat.channels}"}, list: ["${event.words}"]}
      """),
    botText(
      """
      - stdout.write: "<${event.username}> ${event.message} ${event.nested.deep.x} $${x} [${event.bits}] ${event.tags.color} ?? /* */"
      - stdout.write: ${event.message}
      - stdout.write: ${event.words}
      - stdout.write: ${event.tags}
      - stdout.write: ${event.nested.deep.x}
      - stdout.write: "plain \\u0001 \\t é"
      - stdout.write: ${event.bits}
      - stdout.write: {text: {a: "${event.username}", b: ["${config.port}", "${config.level}"]}}
      - chat.say: {channel: "${event.nested.deep.x}", text: "\\\\ \\"${event.message}\\" ${config.port}"}
      - chat.login: {password: "${config.pass}"}
      """),
    botText(
      """
      - for: word
        in: ${event.words}
        do:
          - let: {both: "${word}!"}
          - if: {value: "${word}", equals: a}
            do:
              - stdout.write: "first ${word}"
              - let: {both: "inner ${both}"}
              - stdout.write: ${both}
            else:
              - for: n
                in: [1, 2]
                do:
                  - if: {value: "${n}", lt: 2}
                    do:
                      - let: {word: "hidden ${word}${n}"}
                      - stdout.write: ${word}
          - stdout.write: "${both} ${word}"
      - for: channel
        in: ${config.channels}
        do: [{chat.join: "${channel}"}]
      - for: none
        in: []
        do: [{stdout.write: "${none}"}]
      """.replacingOccurrences(of: "let: {both: \"inner", with: "let: {second: \"inner").replacingOccurrences(
        of: "- stdout.write: ${both}\n      else", with: "- stdout.write: ${second}\n      else")),
    botText(RuntimeTests.waiting),
    botText(
      """
      - for: c
        in: [x, y]
        do:
          - chat.say: {channel: "${c}", text: "${event.username}"}
            as: sent
          - expect: {value: "${sent.id}", present: true}
          - stdout.write: "${c} ${sent.id} ${sent}"
          - chat.count:
          - if: {value: "${it}", gt: 3}
            do: [{log.publish: {value: "${sent}"}}]
      - stdout.write: end
      """.replacingOccurrences(of: " ${sent}\"", with: "\"")),
    RuntimeTests.two,
    botText(
      """
      - expect: {value: "${event.channel}", not: c}
      - stdout.write: ${event.value}
      - log.publish: {value: "${event.value}"}
      - json: {v: "${event.value}", k: "${event.key}"}
      - stdout.write: ${it}
      - if: {value: "${event.value}", equals: {n: 100, a: [{b: 1.0}, null, true, x]}}
        do: [{stdout.write: same}]
        else: [{stdout.write: other}]
      """.replacingOccurrences(of: "log.publish", with: "chat.anything").replacingOccurrences(
        of: "chat.anything: {value", with: "chat.anything: {value"), event: "inbox.record"),
  ]

  /// Each test by itself.
  static let testBots: [String] = {
    let tests = [
      "${event.username}", "${event.bits}", "${event.words}", "${event.nested.deep.x}", "${event.tags}",
      "${chat.connected}",
      "{value: \"${event.username}\", equals: ann}", "{value: \"${event.username}\", not: ann}",
      "{value: \"${event.message}\", equals: \"h\\u00e9\\U0001F600\\n\"}",
      "{value: \"${event.username}\", in: [bob, ann]}", "{value: a, in: \"${event.words}\"}",
      "{value: \"${event.nested.deep.x}\", equals: 7.0}", "{value: \"${event.nested.deep.x}\", gt: 6, lt: 8}",
      "{value: \"${event.nested.deep.x}\", equals: 9007199254740992}",
      "{value: \"${event.message}\", matches: '^h.*é'}",
      "{value: \"${event.username}\", matches: '^(ann|bob)$'}",
      "{value: \"${event.username}\", matches: '[0-9\"\\\\\\\\]'}",
      "{value: \"${event.bits}\", present: true}", "{value: \"${event.bits}\", equals: null}",
      "{value: \"${event.tags.color}\", equals: \"#f00\"}", "{value: \"${event.tags.a.b}\", equals: [1.0, 2]}",
      "{value: \"${event.tags}\", equals: {color: null, a: {b: [1, 2]}}}",
      "{value: \"${chat.channels}\", equals: [a, b]}",
      "{value: \"${config.port}\", equals: 6667}", "{value: \"${config.level}\", in: [debug, info], matches: b}",
    ]
    return [
      botText(
        tests.enumerated().map { number, test in
          "- if: \(test)\n  do: [{stdout.write: \"\(number) yes\"}]\n  else: [{stdout.write: \"\(number) no\"}]"
        }.joined(separator: "\n")),
      botText("- assert: {value: \"${event.username}\", present: true}\n- stdout.write: here"),
    ]
  }()

  private static let all = bots + testBots + declared

  @Test(arguments: 0..<10)
  func bothDoTheSame(number: Int) throws {
    try #require(Self.all.count == 10)
    let text = Self.all[number]
    let directory = NSTemporaryDirectory() + "emit-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let (bot, source) = try Self.build(text)
    let made = try Emitted(source, in: directory)
    for answers in Answers.allCases {
      let interpreted = try Self.interpret(bot, answers)
      let emitted = try Self.runEmitted(bot, made, answers)
      #expect(interpreted.effects.count > 10)
      for (one, other) in zip(interpreted.effects, emitted.effects) { #expect(one == other, "\(answers)") }
      #expect(interpreted.effects.count == emitted.effects.count)
    }
  }

  /// Methods and states that the bot declares.
  static let declared: [String] = [
    botText(
      """
      - greet: {who: "${event.username}", times: 2}
        as: text
      - stdout.write: ${text}
      - greet: {who: twice}
      - stdout.write: ${it}
      - set: {count: "${count}", last: "${event.username}"}
      - stdout.write: "${count} ${last}"
      - say: "${event.message}"
      - stdout.write: done
      """
    ).replacingOccurrences(
      of: "\nwhen:",
      with: """

        state:
          count: {type: int, default: 3}
          last: string
        methods:
          greet:
            args: {who: string, times?: int}
            returns: string
            do:
              - let: {text: "hello ${who}"}
              - for: n
                in: [1, 2, 3]
                do:
                  - if: {value: "${n}", equals: "${times}"}
                    do: [{return: "${text} ${n}"}]
              - return: "${text} for ever"
          say:
            args: {text: string}
            do:
              - expect: {value: "${text}", not: stop}
              - chat.say: {channel: c, text: "${text}"}
                as: sent
              - stdout.write: "sent ${sent.id}"
        when:
        """)
  ]

  // MARK: The source

  @Test func sameNodesAreOneFunction() throws {
    let (bot, source) = try Self.build(
      """
      bothost: 1
      kind: bot
      name: taco
      use:
        chat: {type: TwitchConnection, host: h}
        stdout: StdOut
      when:
        - event: chat.message
          do: [{stdout.write: "${event.raw}"}]
        - event: chat.sent
          do: [{stdout.write: "${event.raw}"}]
      """)
    let step = try #require(bot.program.tree.paths()["/when/chat.sent#1/0"])
    #expect(step.symbol.hasPrefix("n_") && step.symbol.utf8.count == 18)
    let definitions = source.components(separatedBy: "static bot_status \(step.symbol)(").count - 1
    #expect(definitions == 1)
    #expect(source.components(separatedBy: "{\(step.symbol), 0, false}").count == 3)
  }

  /// An edit changes the functions on the way to the root and no other line of code.
  @Test func onlyWhatChangedIsAnotherText() throws {
    let text = Self.bots[1]
    let (_, before) = try Self.build(text)
    let (_, after) = try Self.build(text.replacingOccurrences(of: "\"plain ", with: "\"other "))
    func functions(_ source: String) -> Set<String> {
      Set(source.components(separatedBy: "\n\n").filter { $0.contains("static bot_status n_") })
    }
    #expect(functions(before).subtracting(functions(after)).count == 2, "the step and its handler")
    #expect(functions(after).subtracting(functions(before)).count == 2)
  }

  @Test func symbolsGrowOnAClash() {
    let one = String(repeating: "a", count: 16) + String(repeating: "0", count: 48)
    let two = String(repeating: "a", count: 17) + String(repeating: "1", count: 47)
    let three = String(repeating: "b", count: 64)
    let symbols = CProgram.symbols([one, two, three, one])
    #expect(symbols[one] == "n_" + one.prefix(17) && symbols[two] == "n_" + two.prefix(17))
    #expect(symbols[three] == "n_" + three.prefix(16))
  }

  @Test(arguments: [
    (["a", "b"], ["a_b"]), (["a__b"], ["a", "b"]), (["a_"], ["a"]), (["é"], ["e"]), (["a-b"], ["a_b"]),
    (["_a"], ["a"]), (["a-b"], ["a-b", ""]),
  ])
  func namesAreDistinct(one: [String], other: [String]) {
    let names = [CNames.identifier("x", one), CNames.identifier("x", other)]
    #expect(names[0] != names[1])
    for name in names { #expect(NameRules.symbolProblem(name) == nil) }
  }

  @Test func theManifestIsOne() throws {
    let program = try program(Self.bots[1])
    let beside = CManifest(program)
    var diagnostics = Diagnostics()
    let manifest = Manifest.decode(SourceText(name: "taco.yaml", beside.manifest), diagnostics: &diagnostics)
    #expect(diagnostics.isEmpty, "\(diagnostics.map(\.description))")
    #expect(manifest?.plugin == "taco" && manifest?.handlers.count == program.subscriptions.count)
    let source = SourceText(name: "taco.host.yaml", beside.host)
    let document = try #require(YAMLParser.document(of: source, diagnostics: &diagnostics))
    let host = try #require(HostConfiguration.decode(document, diagnostics: &diagnostics))
    #expect(diagnostics.isEmpty, "\(diagnostics.map(\.description))")
    #expect(host.instances.map(\.name).contains("taco.chat"))
    #expect(!beside.host.contains("hunter2"))
  }
}
