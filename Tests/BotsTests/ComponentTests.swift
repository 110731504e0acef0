import Testing

@testable import BotHost

/// Components, methods, states, schemas, and bots used by bots.
@Suite struct ComponentTests {
  /// A component with an instance inside it, and the bot that uses it.
  static let greeter = """
    bothost: 1
    kind: bot
    name: taco
    use:
      config: Settings
      chat: {type: GreetingChat, host: "${config.host}", token: "${config.pass}", greeting: hello}
      stdout: StdOut
    when:
      - event: chat.connected
        do: [{stdout.write: "connected: ${chat.ready}, ${chat.greeted}"}]
      - event: chat.message
        name: Greet
        do:
          - expect: ${chat.ready}
          - chat.greet: {channel: "${event.channel}", who: "${event.username}"}
            as: said
          - stdout.write: "${said.text} (last ${chat.greeted})"
    ---
    bothost: 1
    kind: component
    name: GreetingChat
    args: {host: string, token: secret, greeting: {type: string, default: hi}, mark?: string}
    use:
      socket: {type: TwitchConnection, host: "${host}", token: "${token}"}
    state: {ready: bool, greeted?: string}
    events: {connected: socket.connected, message: socket.message}
    methods:
      greet:
        args: {channel: string, who: string}
        do:
          - text: {who: "${who}"}
            as: line
          - socket.say: {channel: "${channel}", text: "${line}"}
          - set: {greeted: "${who}"}
          - return: {json: {text: "${line}", channel: "${channel}"}}
      text:
        args: {who: string}
        returns: string
        do:
          - if: {value: "${who}", equals: ann}
            do: [{return: "${greeting}, my dear ann${mark}"}]
            else: [{return: "${greeting}, ${who}${mark}"}]
    when:
      - event: socket.connected
        do: [{set: {ready: true}}]
    """ + configuration

  /// What changes by a value of the configuration alone is named by its place in the tree.
  @Test func aChangeOfAValueIsFoundInsideAComponent() throws {
    let text = """
      bothost: 1
      kind: bot
      name: taco
      use:
        config: {type: Settings}
        outer: {type: Outer, level: "${config.level}", token: "${config.pass}"}
      ---
      bothost: 1
      kind: component
      name: Outer
      args: {level: string, token: secret}
      use:
        inner: {type: Inner, level: "${level}", token: "${token}"}
      ---
      bothost: 1
      kind: component
      name: Inner
      args: {level: string, token: secret}
      use:
        chat: {type: TwitchConnection, host: localhost, token: "${token}"}
        stdout: {type: StdOut}
      when:
        - event: chat.message
          name: Log
          do:
            - stdout.write: "${level}"
      ---
      bothost: 1
      kind: config
      name: Settings
      get:
        level: {type: string, from: LEVEL, default: debug}
        pass: {type: secret, from: PASS}
      """
    let before = try Bench(text, environment: ["PASS": "a", "LEVEL": "info"]).bot
    let after = try Bench(text, environment: ["PASS": "b", "LEVEL": "error"]).bot
    let places = BotDifference(from: before, to: after).changedByValue(before, after)
    #expect(places == ["/use/outer/use/inner/when/chat.message#Log", "/use/outer/use/inner/use/chat"])
    for place in places { #expect(after.program.tree.paths()[place] != nil, "\(place)") }
  }

  @Test func aComponentIsWrittenIntoItsBot() throws {
    let bench = try Bench(Self.greeter)
    #expect(bench.bot.instances.map(\.name) == ["taco.chat.socket"])
    #expect(bench.bot.instances[0].configuration.json["host"] == "localhost")
    #expect(bench.bot.instances[0].configuration.secrets["token"] == Secret("hunter2"))
    try bench.event("twitch.message", #"{"username":"eve","channel":"a"}"#)
    #expect(bench.recorder.summary.isEmpty && bench.recorder.lines.isEmpty, "it is not ready")
    #expect(try bench.event("twitch.connected", "{}") == .done(nil))
    try bench.event("twitch.message", #"{"username":"eve","channel":"a"}"#)
    try bench.event("twitch.message", #"{"username":"ann","channel":"a"}"#)
    #expect(
      bench.recorder.lines == [
        "connected: true, ", "hello, eve (last eve)", "hello, my dear ann (last ann)",
      ])
    #expect(
      bench.recorder.summary == [
        #"taco.chat.socket.say {"channel":"a","text":"hello, eve"}"#,
        #"taco.chat.socket.say {"channel":"a","text":"hello, my dear ann"}"#,
      ])
  }

  @Test func theTreeOfAComponent() throws {
    let tree = try program(Self.greeter).tree
    let paths = tree.paths()
    let chat = try #require(paths["/use/chat"])
    #expect(chat.fields["type"] == "GreetingChat")
    #expect(chat.fields["args"]?["greeting"] == "hello")
    #expect(paths["/use/chat/state"]?.fields["ready"] == ["type": "bool"])
    #expect(paths["/use/chat/use/socket"]?.fields["args"]?["host"] == ["$ref": "chat.host", "type": "string"])
    #expect(paths["/use/chat/methods/greet"]?.kind == "method")
    #expect(paths["/use/chat/methods/greet"]?.fields["args"] == ["channel": "string", "who": "string"])
    #expect(paths["/use/chat/when/socket.connected#1/0"]?.kind == "set")
    #expect(paths["/use/chat/when/socket.connected#1/0"]?.fields["values"] == ["ready": true])
    let call = try #require(paths["/when/chat.message#Greet/1"])
    #expect(call.kind == "call" && call.fields["method"] == "chat.greet")
    #expect(call.children.map(\.label) == ["method"], "what a call carries out is part of it")
    #expect(call.children[0].node.hash == paths["/use/chat/methods/greet"]?.hash)

    // A change of the component's method changes the method and all that call it, and nothing else.
    let changed = try program(Self.greeter.replacingOccurrences(of: "my dear", with: "dear")).tree
    let difference = changed.changes(from: tree).changed
    #expect(difference.contains("/when/chat.message#Greet") && !difference.contains("/when/chat.connected#1"))
    #expect(!difference.contains { $0.hasPrefix("/use/chat/when") || $0.hasPrefix("/use/config") })
  }

  /// Two uses of one component share nothing.
  @Test func twoUsesOfOneComponent() throws {
    let text = """
      bothost: 1
      kind: bot
      name: taco
      use:
        chat: {type: TwitchConnection, host: h}
        a: {type: Counter, word: left}
        b: {type: Counter, word: right}
        stdout: StdOut
      when:
        - event: chat.message
          do:
            - if: {value: "${event.message}", equals: left}
              do: [{a.note: "${event.username}"}]
              else: [{b.note: "${event.username}"}]
            - stdout.write: "${a.last} ${b.last}"
      ---
      bothost: 1
      kind: component
      name: Counter
      args: {word: string}
      state: {last: {type: string, default: nobody}}
      methods:
        note: {args: {who: string}, do: [{set: {last: "${word} ${who}"}}]}
      """
    let bench = try Bench(text)
    try bench.event("twitch.message", #"{"username":"x","message":"left"}"#)
    try bench.event("twitch.message", #"{"username":"y","message":"z"}"#)
    #expect(bench.recorder.lines == ["left x nobody", "left x right y"])
  }

  /// A component that extends a plugin's type is that instance, with something added.
  @Test func aComponentExtendsAPluginsType() throws {
    let text = """
      bothost: 1
      kind: bot
      name: taco
      use:
        config: Settings
        chat: {type: SuperSocket, host: "${config.host}", token: "${config.pass}"}
        stdout: StdOut
      when:
        - event: chat.connected
          do:
            - for: channel
              in: ${config.channels}
              do: [{chat.enter: "${channel}"}]
            - stdout.write: "${chat.connected} ${chat.ready} ${chat.channels}"
        - event: chat.sent
          do: [{chat.join: "${event.channel}"}]
      ---
      bothost: 1
      kind: component
      name: SuperSocket
      extends: Socket
      methods:
        enter: {args: {channel: string}, super: true, do: [{say: {channel: "${channel}", text: hi}}]}
      ---
      bothost: 1
      kind: component
      name: Socket
      extends: TwitchConnection
      state: {ready: bool}
      methods:
        enter: {args: {channel: string}, do: [{join: "#${channel}"}]}
      when:
        - {event: connected, do: [{set: {ready: "${connected}"}}]}
      """ + configuration
    let bench = try Bench(text.replacingOccurrences(of: " ${chat.channels}", with: ""))
    #expect(bench.bot.instances.map(\.name) == ["taco.chat"])
    #expect(bench.bot.instances[0].type == "TwitchConnection")
    try bench.event("twitch.state", #"{"connected":true}"#)
    try bench.event("twitch.connected", "{}")
    try bench.event("twitch.sent", #"{"channel":"c"}"#)
    #expect(bench.recorder.lines == ["true true"])
    #expect(
      bench.recorder.summary == [
        ##"taco.chat.join {"channel":"#one"}"##, #"taco.chat.say {"channel":"one","text":"hi"}"#,
        ##"taco.chat.join {"channel":"#two"}"##, #"taco.chat.say {"channel":"two","text":"hi"}"#,
        #"taco.chat.join {"channel":"c"}"#,
      ])
    let (_, problems) = try compile(text)
    #expect(
      problems.map(\.message) == ["'${chat.channels}' is a [string] and cannot be put into a text"],
      "\(problems.map(\.description))")
  }

  /// A bot's own state and methods, and what a method may give.
  @Test func aBotsOwnStateAndMethods() throws {
    let bench = try Bench(
      """
      bothost: 1
      kind: bot
      name: taco
      use: {chat: {type: TwitchConnection, host: h}, stdout: StdOut}
      state: {first: string, second: {type: string, default: b}, seen: [string]}
      methods:
        mood:
          args: {text: string, loud?: bool}
          do:
            - for: word
              in: [sad, glad]
              do:
                - if: {value: "${text}", matches: "${word}"}
                  do: [{return: "${word}"}]
      when:
        - event: chat.message
          do:
            - set: {first: "${second}", second: "${first}${event.username}", seen: ["${event.username}", "${event.channel}"]}
            - mood: {text: "${event.message}"}
              as: mood
            - stdout.write: "${first}|${second}|${mood}"
            - stdout.write: ${seen}
            - format: "<${event.words}>"
            - stdout.write: ${it}
      """.replacingOccurrences(of: "matches: \"${word}\"", with: "equals: \"${word}\"").replacingOccurrences(
        of: "<${event.words}>", with: "${event.words}"))
    try bench.event("twitch.message", #"{"username":"x","channel":"c","message":"glad","words":["a\"",1]}"#)
    try bench.event("twitch.message", #"{"username":"y","message":"other"}"#)
    #expect(
      bench.recorder.lines == [
        "b|x|glad", #"["x","c"]"#, #"["a"",1]"#.replacingOccurrences(of: "a\"", with: "a\\\""), "x|by|", #"["y",null]"#,
        "",
      ])
  }

  static let schema = """

    ---
    bothost: 1
    kind: schema
    name: ChatLine
    extends: Line
    fields: {message: string, bits?: int}
    ---
    bothost: 1
    kind: schema
    name: Line
    fields: {username: string}
    """

  @Test func schemas() throws {
    let text =
      botText(
        "- json: {username: \"${event.username}\", message: \"${event.message}\"}\n  schema: ChatLine\n- stdout.write: ${it}"
      )
      + Self.schema
    let bench = try Bench(text)
    try bench.event("twitch.message", #"{"username":"x","message":"m"}"#)
    #expect(bench.recorder.lines == [#"{"username":"x","message":"m"}"#])
    let node = try #require(bench.bot.program.tree.paths()["/when/chat.message#H/0"])
    #expect(
      node.fields["schema"] == ["$ref": "ChatLine", "type": "{bits?: int, message: string, username: string}"])
    for (old, new, message) in [
      ("message: \"${event.message}\"}\n", "mesage: \"${event.message}\"}\n", "there is no member 'mesage'"),
      ("username: \"${event.username}\", ", "", "the member 'username' is missing"),
      ("message: \"${event.message}\"}\n", "message: \"${event.message}\", bits: many}\n", "'bits': expected an int"),
      ("schema: ChatLine", "schema: ChatLin", "there is no schema 'ChatLin' (did you mean 'ChatLine'?)"),
      ("fields: {message: string", "fields: {username: int, message: string", "a field keeps its type"),
    ] {
      let (_, problems) = try compile(text.replacingOccurrences(of: old, with: new))
      #expect(problems.contains { $0.description.contains(message) }, "\(problems.map(\.description))")
    }
  }

  static let commands = """
    bothost: 1
    kind: bot
    name: taco
    use:
      commands: {bot: CommandBot}
      inbox: {type: KafkaTopic, brokers: b, topic: orders}
      stdout: StdOut
    when:
      - event: inbox.record
        do:
          - commands.chat.say: {channel: "${event.channel}", text: "${event.value}"}
          - commands.shout: "${event.channel}"
      - event: commands.chat.message
        do: [{stdout.write: "${commands.chat.connected} ${commands.config.host} ${event.message}"}]
    ---
    bothost: 1
    kind: bot
    name: CommandBot
    use:
      config: Settings
      chat: {type: TwitchConnection, host: "${config.host}"}
    state: {count: int}
    methods:
      shout: {args: {channel: string}, do: [{chat.say: {channel: "${channel}", text: "HEY"}}]}
      note: {do: [{set: {count: 1}}]}
    when:
      - {event: chat.connected, do: [{chat.join: x}, {note: {}}]}
    """ + configuration

  @Test func aBotUsesAnother() throws {
    let (programs, diagnostics) = try compile(Self.commands)
    #expect(diagnostics.isEmpty, "\(diagnostics.map(\.description))")
    #expect(programs.map(\.name) == ["taco", "CommandBot"])
    let taco = programs[0]
    #expect(taco.requirements.map(\.instance) == ["CommandBot.chat", "taco.inbox"])
    #expect(taco.tree.paths()["/use/commands"]?.fields == ["bot": "CommandBot"])
    let call = taco.tree.paths()["/when/inbox.record#1/0"]
    #expect(call?.fields["method"] == "commands.chat.say")
    let bench = try Bench(Self.commands)
    try bench.event("kafka.record", #"{"channel":"c","value":"v"}"#)
    try bench.event("twitch.state", #"{"connected":true}"#)
    try bench.event("twitch.message", #"{"message":"m"}"#)
    #expect(
      bench.recorder.summary == [
        #"CommandBot.chat.say {"channel":"c","text":"v"}"#, #"CommandBot.chat.say {"channel":"c","text":"HEY"}"#,
      ])
    #expect(bench.recorder.lines == ["true localhost m"])
  }

  /// The other bot stands in a file beside, and is a program too.
  @Test func theOtherBotIsStartedToo() throws {
    let parts = Self.commands.components(separatedBy: "---\n")
    #expect(parts.count == 3)
    var project = BotProject([SourceText(name: "taco.yaml", parts[0])])
    project.add(beside: SourceText(name: "commands.yaml", parts[1] + "---\n" + parts[2]))
    let (programs, diagnostics) = BotCompiler.compile(project, manifests: try Plugins.all())
    #expect(diagnostics.isEmpty, "\(diagnostics.map(\.description))")
    #expect(programs.map(\.name) == ["taco", "CommandBot"])
  }

  @Test func inheritedMethodsAndStates() throws {
    let bench = try Bench(
      """
      bothost: 1
      kind: bot
      name: child
      extends: parent
      state: {mood: {type: string, default: good}}
      methods: {tell: {super: true, do: [{stdout.write: "child ${mood}"}]}}
      ---
      bothost: 1
      kind: bot
      name: parent
      use: {chat: {type: TwitchConnection, host: h}, stdout: StdOut}
      state: {mood: {type: string, default: bad}}
      methods: {tell: {do: [{stdout.write: "parent ${mood}"}]}}
      when: [{event: chat.message, do: [{tell: {}}]}]
      """)
    try bench.event("twitch.message", "{}")
    #expect(bench.recorder.lines == ["parent good", "child good"])
  }

  /// Methods that call each other many times over are refused before they fill memory.
  @Test func methodsWrittenOutHaveABound() throws {
    var methods = "  m0: {do: [{stdout.write: x}]}\n"
    for number in 1...30 {
      methods += "  m\(number): {do: [{m\(number - 1): {}}, {m\(number - 1): {}}]}\n"
    }
    let (_, problems) = try compile(
      """
      bothost: 1
      kind: bot
      name: many
      use: {chat: {type: TwitchConnection, host: h}, stdout: StdOut}
      methods:
      \(methods)
      when: [{event: chat.message, do: [{m30: {}}]}]
      """)
    #expect(problems.map(\.message).contains { $0.contains("has more than 10000 instructions") })
  }
}
