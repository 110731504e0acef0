import Testing

@testable import BotHost

@Suite struct CompilerTests {
  func problems(_ text: String) throws -> [String] { try compile(text).1.map(\.description) }

  /// The errors of a bot with these steps, each with its place.
  @Test(arguments: [
    ("- chat.sya: {channel: x, text: y}", "TwitchConnection has no method 'sya' (did you mean 'say'?)"),
    ("- chta.say: {channel: x, text: y}", "there is no use 'chta' (did you mean 'chat'?)"),
    ("- chat.say: {chanel: x, text: y}", "chat.say has no argument 'chanel' (did you mean 'channel'?)"),
    ("- chat.say: {channel: x}", "b.yaml:14:9: error: chat.say: the argument 'text' is missing"),
    ("- chat.say: x", "chat.say has several arguments; name them"),
    ("- chat.join: {channel: [x]}", "'channel': expected a string, not a list"),
    ("- chat.join: ${event.words}", "'channel': expected a string, not a [string]"),
    ("- chat.join: ${event.mesage}", "b.yaml:14:20: error: 'event' has no member 'mesage' (did you mean 'message'?)"),
    ("- chat.join: \"x ${event.mesage}\"", "b.yaml:14:23: error: 'event' has no member 'mesage'"),
    ("- chat.join: ${evnt.message}", "there is nothing called 'evnt' (did you mean 'event'?)"),
    ("- chat.join: ${event.nested.deep.y}", "'event.nested.deep' has no member 'y' (expected x)"),
    ("- chat.join: ${event.raw.x}", "'event.raw' is a string and has no members"),
    ("- chat.join: ${config.hots}", "the configuration 'config' has no getter 'hots' (did you mean 'host'?)"),
    ("- chat.join: ${config}", "'${config}' needs a getter"),
    ("- chat.join: ${chat.conected}", "TwitchConnection has no state 'conected' (did you mean 'connected'?)"),
    ("- chat.join: ${stdout.x}", "'stdout' has no values"),
    ("- chat.join: \"a ${event.words}\"", "'${event.words}' is a [string] and cannot be put into a text"),
    ("- chat.join: \"${event.raw\"", "b.yaml:14:21: error: '${' is not closed by '}'"),
    ("- chat.join: \"${a b}\"", "is no path of names"),
    ("- chat.join: \"${HOME:-x}\"", "the environment is read in a bot's configuration"),
    ("- chat.join: ${it}", "'${it}' is the result of the step before, and there is none"),
    ("- chat.join: x\n- chat.join: ${it}", "'${it}' is the result of the step before, and there is none"),
    ("- chat.join: x\n  as: y", "chat.join gives no result"),
    ("- chat.count:\n  as: y", "the result 'y' is never used (remove 'as: y')"),
    ("- json: {a: 1}", "nobody uses what this step makes"),
    ("- json: {a: 1}\n  as: x\n- stdout.write: ${x.b}", "'x' has no member 'b' (expected a)"),
    ("- json: {a: 1}\n  schema: S\n- stdout.write: ${it}", "there is no schema 'S'"),
    ("- stdout.wrte: x", "StdOut has no method 'wrte' (did you mean 'write'?)"),
    ("- config.host: x", "a configuration has no methods (a getter is read with ${config.host})"),
    ("- say: x", "unknown step 'say'"), ("- expcet: ${event.raw}", "unknown step 'expcet' (did you mean 'expect'?)"),
    ("- \"chat.say\"", "expected a step such as chat.say: {…}, not the string"),
    ("- chat.join: x\n  chat.say: {channel: x, text: y}", "a step does one thing; 'chat.join' and 'chat.say' are two"),
    ("- chat.join: x\n  in: y", "'in' does not belong to 'chat.join'"),
    ("- expect: {value: \"${event.raw}\", eqals: x}", "unknown test 'eqals' in 'expect' (did you mean 'equals'?)"),
    ("- expect: {equals: x}", "'expect': the key 'value' is missing"),
    ("- expect: {value: \"${event.words}\", equals: x}", "'equals': a [string] is never equal to a string"),
    ("- expect: {value: \"${event.raw}\", gt: 1}", "'gt': expected numbers, not a string"),
    ("- expect: {value: \"${event.raw}\", in: x}", "'in': expected a [string], not a string"),
    ("- expect: {value: \"${event.raw}\", matches: \"(\"}", "'matches': "),
    ("- expect: {value: \"${event.raw}\", matches: '(a)\\1'}", "back-references"),
    ("- expect: {value: \"${event.raw}\", matches: 'a{1,9999}'}", "a repetition is larger than 999"),
    ("- expect: {value: \"${event.raw}\", present: maybe}", "'present': expected true or false"),
    ("- for: x\n  in: ${event.raw}\n  do: [{stdout.write: \"${x}\"}]", "'in': expected a list, not a string"),
    ("- for: x\n  do: []", "'for' needs the list"), ("- for: x\n  in: [1]", "'for' needs its steps"),
    ("- if: ${event.raw}", "'if' needs its steps"),
    ("- for: it\n  in: [1]\n  do: [{stdout.write: x}]", "'it' is a word of the language"),
    ("- set: {connected: true}", "there is no state 'connected' (declare it under 'state')"),
    ("- return: 1", "'return' gives the value of a method"),
    (
      "- let: {t: \"${config.pass}\"}\n- stdout.write: ${t}",
      "a secret may only be given to an argument that is declared secret"
    ),
    ("- stdout.write: ${config.pass}", "a secret may only be given"),
    ("- stdout.write: \"oauth:${config.pass}\"", "a secret may only be given"),
    ("- json: {p: \"${config.pass}\"}\n- stdout.write: ${it}", "a secret may only be given"),
    ("- log.publish: {value: [\"${config.pass}\"]}", "a secret may only be given"),
    ("- log.publish: {value: {a: \"${config.pass}\"}}", "a secret may only be given"),
    ("- chat.anything: {x: \"${config.pass}\"}", "a secret may only be given"),
    ("- expect: {value: \"${config.pass}\", equals: x}", "a secret can only be tested for being there"),
    ("- let: {n: x}", "warning: 'n' is never used"),
    (
      "- for: c\n  in: [a]\n  do: [{for: c, in: [b], do: [{stdout.write: \"${c}\"}]}]",
      "warning: 'c' hides the one of line 14"
    ),
    ("- for: chat\n  in: [a]\n  do: [{stdout.write: \"${chat}\"}]", "warning: 'chat' hides the use of that name"),
    ("[]", "does nothing"),
  ])
  func oneProblem(steps: String, expected: String) throws {
    let found = try problems(botText(steps))
    #expect(found.count == 1 && found[0].contains(expected), "\(found)")
    #expect(found.allSatisfy { $0.hasPrefix("b.yaml:") })
  }

  @Test func secretsMayGoWhereTheyAreDeclared() throws {
    _ = try program(
      botText(
        "- chat.login: {password: \"oauth:${config.pass}\"}\n- expect: {value: \"${config.pass}\", present: true}"))
  }

  @Test(arguments: [
    ("kind: bot", "kind: schema", "unknown key 'use' in a schema"),
    ("kind: bot", "kind: bto", "expected bot, component, schema or config, not 'bto' (did you mean 'bot'?)"),
    ("bothost: 1\nkind: bot", "kind: bot", "'bothost': expected 1"),
    ("name: taco\n", "", "the key 'name' is missing"),
    ("when:", "on:", "unknown key 'on' in a bot (did you mean 'when'?)"),
    (
      "type: TwitchConnection", "type: TwitchConection",
      "there is no type 'TwitchConection' (did you mean 'TwitchConnection'?)"
    ),
    ("type: Settings", "type: Setings", "there is no type 'Setings' (did you mean 'Settings'?)"),
    ("host: \"${config.host}\"", "hots: \"${config.host}\"", "TwitchConnection has no argument 'hots'"),
    (", token: \"${config.pass}\"", ", token: hunter2", "'token' is a secret and must not be written into a file"),
    ("host: \"${config.host}\"", "host: \"${config.pass}\"", "a secret may only be given"),
    ("host: \"${config.host}\"", "host: \"${event.raw}\"", "there is no event yet when an instance starts"),
    ("host: \"${config.host}\"", "host: \"${inbox.x}\"", "reads configurations only"),
    ("host: \"${config.host}\", ", "", "the argument 'host' of TwitchConnection is missing (the server)"),
    ("host: \"${config.host}\"", "host: x, port: y", "'port': expected an int, not a string"),
    ("stdout:", "event:", "'event' is a word of the language and cannot name a use"),
    ("{type: StdOut}", "{bot: Other}", "there is no bot 'Other'"),
    ("{type: StdOut}", "{type: StdOut, x: 1}", "StdOut has no argument 'x'"),
    ("{type: Settings}", "{type: Settings, host: x}", "the configuration 'Settings' has no argument 'host'"),
    ("{type: Settings}", "{type: Settings, file: nope.yaml}", "there is no file 'nope.yaml'"),
    ("event: chat.message", "event: chat.mesage", "TwitchConnection has no event 'mesage' (did you mean 'message'?)"),
    ("event: chat.message", "event: chat", "'chat' is no event"),
    ("event: chat.message", "event: stdout.x", "'stdout' has no events"),
    ("    name: H\n", "    name: H\n    super: true\n", "there is no inherited handler 'chat.message#H'"),
    ("    name: H\n", "    nmae: H\n", "unknown key 'nmae' in a handler (did you mean 'name'?)"),
    ("pass: {type: secret, from: PASS}", "pass: sceret", "'pass': expected a type"),
    ("name: Settings", "name: Settings\nextends: Nothing", "there is no 'Nothing' in the project"),
    ("name: Settings", "name: Settings\nextends: Settings", "'extends' goes in a circle: Settings → Settings"),
  ])
  func oneProblemOfTheFile(old: String, new: String, expected: String) throws {
    let text = botText("- chat.connect: {}")
    #expect(text.contains(old))
    let range = try #require(text.range(of: old))
    let found = try problems(text.replacingCharacters(in: range, with: new))
    #expect(found.contains { $0.contains(expected) }, "\(found)")
    #expect(found.allSatisfy { !$0.contains("hunter2") })
  }

  @Test func allErrorsAtOnceWithCarets() throws {
    let text = botText("- chat.sya: x\n- stdout.write: ${config.pass}\n- chat.join: ${event.mesage}\n- nonsense: 1")
    let (programs, diagnostics) = try compile(text)
    #expect(programs.isEmpty)
    #expect(diagnostics.errorCount == 4, "\(diagnostics.map(\.description))")
    let shown = diagnostics.rendered(sources: [SourceText(name: "b.yaml", text)])
    #expect(
      shown.contains("16 |       - chat.join: ${event.mesage}\n    |                    ^~~~~~~~~~~~~~~"),
      "\(shown)")
  }

  /// An error in one step does not make its readers errors too.
  @Test func noCascades() throws {
    let found = try problems(
      botText("- chat.cuont:\n  as: n\n- stdout.write: ${n}\n- json: {a: \"${bad.x}\"}\n- stdout.write: ${it}"))
    #expect(found.count == 2, "\(found)")
  }

  @Test func oneBrokenBotDoesNotStopTheOthers() throws {
    let good = botText("- stdout.write: x")
    let bad = "bothost: 1\nkind: bot\nname: bad\nuse: {x: Nothing}\nwhen: []\n---\n"
    let (programs, diagnostics) = try compile(bad + good)
    #expect(programs.map(\.name) == ["taco"])
    #expect(diagnostics.errorCount == 1, "\(diagnostics.map(\.description))")
  }

  @Test(arguments: [
    // What is saved to a topic is read from it and said where it came from.
    (
      "topic: orders", "chat.message", "- log.publish: {value: x}", "inbox.record", "- chat.say: {channel: a, text: b}",
      true
    ),
    // Another topic: a relay, not a loop.
    (
      "topic: saved", "chat.message", "- log.publish: {value: x}", "inbox.record", "- chat.say: {channel: a, text: b}",
      false
    ),
    // What is read from a topic is published to it.
    ("topic: saved", "inbox.record", "- inbox.publish: {value: x}", "chat.message", "- stdout.write: x", true),
    ("topic: orders", "inbox.record", "- log.publish: {value: x}", "chat.message", "- stdout.write: x", true),
    ("topic: saved", "inbox.record", "- log.publish: {value: x}", "chat.message", "- stdout.write: x", false),
    // An answer in the room is none; an answer to one's own line is.
    ("topic: saved", "chat.message", "- chat.say: {channel: a, text: b}", "inbox.record", "- stdout.write: x", false),
    ("topic: saved", "chat.sent", "- chat.say: {channel: a, text: b}", "inbox.record", "- stdout.write: x", true),
  ])
  func feedbackLoops(
    topic: String, first: String, firstStep: String, second: String, secondStep: String, isLoop: Bool
  ) throws {
    let text = """
      bothost: 1
      kind: bot
      name: taco
      use:
        chat: {type: TwitchConnection, host: h}
        log: {type: KafkaTopic, brokers: b, \(topic)}
        inbox: {type: KafkaTopic, brokers: b, topic: orders, group: g}
        stdout: StdOut
      when:
        - event: \(first)
          do:
            \(firstStep)
        - event: \(second)
          do:
            \(secondStep)
      """
    let found = try problems(text)
    #expect(found.contains { $0.contains("a feedback loop") } == isLoop, "\(found)")
    #expect(found.count <= 1, "\(found)")
  }

  static let family = """
    bothost: 1
    kind: bot
    name: child
    extends: parent
    use: {chat: {type: TwitchConnection, host: other}}
    remove: [chat.sent#Gone]
    when:
      - {event: chat.message, name: Both, super: true, do: [{stdout.write: child}]}
      - {event: chat.message, name: New, do: [{stdout.write: new}]}
      - {event: chat.message, do: [{stdout.write: second}]}
    ---
    bothost: 1
    kind: bot
    name: parent
    use:
      chat: {type: TwitchConnection, host: h}
      stdout: StdOut
    when:
      - {event: chat.message, do: [{stdout.write: first}]}
      - {event: chat.message, name: Both, do: [{stdout.write: parent}]}
      - {event: chat.sent, name: Gone, do: [{stdout.write: gone}]}
    """

  @Test func bots() throws {
    let (programs, diagnostics) = try compile(Self.family)
    #expect(diagnostics.isEmpty, "\(diagnostics.map(\.description))")
    let child = try #require(programs.first { $0.name == "child" })
    #expect(
      child.handlers.map(\.label) == ["chat.message#1", "chat.message#Both", "chat.message#New", "chat.message#2"])
    #expect(child.tree.paths()["/when/chat.message#Both"]?.children.count == 2)
    #expect(child.subscriptions.map(\.topic) == ["twitch.message"])
    #expect(child.requirements.map(\.instance) == ["child.chat"])
    let (_, removed) = try compile(Self.family.replacingOccurrences(of: "#Gone", with: "#Gnoe"))
    #expect(removed.map(\.message) == ["there is no inherited handler 'chat.sent#Gnoe' to remove"])
  }

  @Test func aNameIsUsedOnceForAnEvent() throws {
    let text = botText("- stdout.write: x").replacingOccurrences(
      of: "when:\n", with: "when:\n  - {event: chat.message, name: H, do: [{stdout.write: y}]}\n")
    #expect(
      try problems(text) == [
        "b.yaml:13:11: error: a second handler 'chat.message#H' (a name is used once for an event)"
      ])
  }

  @Test func gettersOfParents() throws {
    let text =
      botText("- stdout.write: \"${config.host} ${config.extra}\"")
      .replacingOccurrences(of: "type: Settings", with: "type: More")
      + "\n---\nbothost: 1\nkind: config\nname: More\nextends: Settings\nget: {extra: {type: int, default: 5}}\n"
    _ = try program(text)
    let changed = text.replacingOccurrences(of: "{extra: {", with: "{host: int, extra: {")
    #expect(
      try problems(changed).contains {
        $0.contains("the getter 'host' is an int here and a string in what is extended")
      }
    )
  }

  @Test func valuesOfAFile() throws {
    let text = botText("- stdout.write: ${config.level}").replacingOccurrences(
      of: "{type: Settings}", with: "{type: Settings, file: values.yaml}")
    let (programs, diagnostics) = try compile(
      text, values: ["values.yaml": "level: \"${LEVEL:-info}\"\nchannels: [x]\n"])
    #expect(diagnostics.isEmpty, "\(diagnostics.map(\.description))")
    var found = Diagnostics()
    let manifests = try Plugins.all()
    let bound = programs.first?.bind(manifests: manifests, environment: Environment(["PASS": "p"]), diagnostics: &found)
    #expect(bound?.constants.map { String(decoding: $0, as: UTF8.self) }.contains("\"info\"") == true)
    let (wrong, _) = try compile(text, values: ["values.yaml": "levle: x\n"])
    #expect(wrong.first?.bind(manifests: manifests, environment: Environment([:]), diagnostics: &found) == nil)
    #expect(
      found.map(\.description) == [
        "values.yaml:1:1: error: the configuration 'Settings' has no configuration key 'levle' (did you mean 'level'?)"
      ])
  }

  @Test func instancesGetTheirConfiguration() throws {
    let bench = try Bench(botText("- stdout.write: x"))
    #expect(bench.bot.instances.map(\.name) == ["taco.chat", "taco.log", "taco.inbox"])
    let chat = bench.bot.instances[0]
    #expect(chat.configuration.json == ["host": "localhost", "port": 6697, "token": ["$secret": "token"]])
    #expect(chat.configuration.secrets == ["token": Secret("hunter2")])
    #expect(bench.bot.instances[2].configuration.json["group"] == "taco")
    #expect(bench.bot.secrets == [Secret("hunter2")])
  }

  /// Whatever is done to a bot's text, there is an answer.
  @Test func mutations() throws {
    let lines = botText(HashTests.steps).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let manifests = try Plugins.all()
    var state: UInt64 = 99
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    for _ in 0..<300 {
      var changed = lines
      for _ in 0...random(3) {
        let index = random(changed.count)
        var text = Array(changed[index])
        guard !text.isEmpty else { continue }
        let place = random(text.count)
        switch random(4) {
        case 0: text.remove(at: place)
        case 1: text.insert(text[random(text.count)], at: place)
        case 2: text[place] = ["{", "[", ":", "$", "}", "0", "x"][random(7)]
        default: changed.remove(at: index)
        }
        if index < changed.count { changed[index] = String(text) }
      }
      let source = SourceText(name: "b.yaml", changed.joined(separator: "\n"))
      let (programs, diagnostics) = BotCompiler.compile(BotProject([source]), manifests: manifests)
      #expect(!programs.isEmpty || !diagnostics.isEmpty || !changed.contains { $0.contains("kind: bot") })
      _ = diagnostics.rendered(sources: [source])
    }
  }
}
