import Testing

@testable import BotHost

@Suite struct ManifestTests {
  static let twitch = """
    bothost: 1
    plugin: twitch
    version: 1.0.0
    summary: Twitch chat over IRC
    library: libTwitch.so
    config:
      username: {type: string, required: true}
      token:    {type: secret, from: TWITCH_TOKEN}
      channels: {type: list, of: string, default: []}
      wait:     {type: duration, default: 5s, min: 1s, max: 1m}
      mode:     {type: enum, values: [read, write], default: read}
      port:     int
    topics:
      twitch.message: {user: string, channel: string, text: string, tags: map}
      twitch.state: {connected: bool}
      twitch.raw: any
      twitch.kept: {fields: {channel: {id: string, name?: string}}, durable: true, mandatory: true, key: /channel/id, summary: kept}
    handlers:
      - {topic: twitch.send, call: on_send, key: /channel, timeout: 5s, retry: {max: 3, backoff: 200ms..30s, mode: park}}
      - {topic: "chat.**", where: {/platform: twitch}, priority: 5, in_flight: 4}
      - {topic: {config: channels}, call: on_any}
    methods:
      parse: {call: parse_line, args: {line: string}, returns: {user: string, tags: map}, idempotent: true}
      join: {args: {channel: string}, timeout: 3s}
    hooks:
      - {method: yetibot.command, call: on_command, priority: 100}
      - method: yetibot.command
        call: on_command
        on_timeout: pass
        on_error: pass
        match: {/command: "words?"}
        about: {help: ["words # counts"], category: fun}
      - {method: yetibot.command, call: on_command, match: {/command: {config: channels}}}
    permissions:
      connect: ["irc.chat.twitch.tv:6697", "127.0.0.1:*"]
      publish: [chat.*]
      kv_bytes: 1MiB
    isolation: thread
    restart: {policy: on-failure, backoff: 1s..60s, limit: 5/10m}
    swap: {drain: 2s, on_drain_timeout: revoke, state: twitch/2, accepts: [twitch/1], probation: {events: 10, time: 1s, max_error_rate: 0.5}}
    lane: {events: 100, bytes: 64KiB, full: drop-oldest}
    start: on-use
    types:
      TwitchConnection:
        args: {username: string, token: secret, channels: [string], port: int}
        state: {connected: bool}
        events: {message: twitch.message}
        methods: {join: join}
        echoes: {join: message}
    commands:
      - {name: parse, method: parse, summary: parse a line, args: [line]}
      - {name: try, method: parse, args: [line], show: [/user, /tags/a], error: /why, interactive: {prompt: "? ", complete: join}}
    requires: {kv-index: ^1.2}
    extensions: {dotbot: {functions: [{name: join, args: [string]}], since: 1.5}, newspress: note}
    """

  @Test func everythingIsDecoded() throws {
    let value = try manifest(Self.twitch)
    #expect(value.plugin == "twitch" && value.version == SemanticVersion(1, 0, 0) && value.library == "libTwitch.so")
    #expect(value.config.map(\.name) == ["username", "token", "channels", "wait", "mode", "port"])
    #expect(value.configKey("token")?.kind == .secret && value.configKey("token")?.environment == "TWITCH_TOKEN")
    #expect(value.configKey("wait")?.minimum == 1e9 && value.configKey("wait")?.maximum == 60e9)
    #expect(value.topics.map(\.name) == ["twitch.message", "twitch.state", "twitch.raw", "twitch.kept"])
    #expect(value.topic("twitch.message")?.fields.map(\.name) == ["user", "channel", "text", "tags"])
    #expect(value.topic("twitch.raw")?.payload == .any && value.topic("twitch.raw")?.isMandatory == false)
    let kept = try #require(value.topic("twitch.kept"))
    #expect(kept.isDurable && kept.isMandatory && kept.key == "/channel/id" && kept.summary == "kept")
    #expect(kept.fields == [Field("channel", .record([Field("id", .string), Field("name", .string, optional: true)]))])
    let send = value.handlers[0]
    #expect(send.topic == .pattern(try #require(TopicPattern("twitch.send"))))
    #expect(send.call == "on_send" && send.key == "/channel" && send.timeout == .seconds(5))
    #expect(send.retry == RetryDeclaration(max: 3, backoff: TimeRange(.milliseconds(200), .seconds(30)), mode: .park))
    #expect(value.handlers[1].conditions == [FieldCondition(pointer: "/platform", value: "twitch")])
    #expect(value.handlers[1].call == nil && value.handlers[1].priority == 5 && value.handlers[1].concurrency == 4)
    #expect(value.handlers[1].timeout == HandlerDeclaration.defaultTimeout)
    #expect(value.handlers[2].topic == .configuration(key: "channels"))
    let parse = try #require(value.method("parse"))
    #expect(parse.arguments == [Field("line", .string)] && parse.isIdempotent)
    #expect(parse.returns == .record([Field("user", .string), Field("tags", .map(.any))]))
    #expect(value.method("join")?.returns == nil && value.method("join")?.timeout == .seconds(3))
    #expect(value.hooks[0].matches.isEmpty && value.hooks[0].onTimeout == .fail && value.hooks[0].about.isNull)
    #expect(value.hooks.map(\.onError) == [.fail, .pass, .fail])
    #expect(value.extensions.map(\.plugin) == ["dotbot", "newspress"])
    #expect(value.extensions[0].content["functions"]?.array?.first?["name"]?.string == "join")
    #expect(value.extensions[1].content == .string("note"))
    #expect(value.hooks[1].matches.map(\.pointer) == ["/command"] && value.hooks[1].onTimeout == .pass)
    #expect(value.hooks[2].matches.isEmpty)
    #expect(value.hooks[2].configuredMatches == [ConfiguredMatch(pointer: "/command", key: "channels")])
    #expect(value.hooks[1].matches[0].matches("word") && !value.hooks[1].matches[0].matches("wordss"))
    #expect(value.hooks[1].about["help"]?.array?.first?.string == "words # counts")
    #expect(value.commands[0].shows.isEmpty && value.commands[0].interactive == nil)
    #expect(value.commands[1].shows == ["/user", "/tags/a"] && value.commands[1].error == "/why")
    #expect(value.commands[1].interactive == CommandDeclaration.Interactive(prompt: "? ", complete: "join"))
    #expect(value.hooks[0].method.text == "yetibot.command" && value.hooks[0].priority == 100)
    #expect(value.permissions.connect.map(\.description) == ["irc.chat.twitch.tv:6697", "127.0.0.1:*"])
    #expect(value.permissions.kvBytes == .mebibytes(1))
    #expect(value.isolation == .thread && value.start == .onUse)
    #expect(value.restart == RestartPolicy())
    #expect(value.swap.drain == .seconds(2) && value.swap.onDrainTimeout == .revoke)
    #expect(value.swap.state?.description == "twitch/2" && value.swap.accepts.map(\.version) == [1])
    #expect(value.swap.probation == SwapPolicy.Probation(events: 10, time: .seconds(1), maxErrorRate: 0.5))
    #expect(value.lane == LanePolicy(events: 100, bytes: ByteSize(bytes: 65_536), full: .dropOldest))
    let type = try #require(value.type("TwitchConnection"))
    #expect(type.arguments.named("channels")?.type == .list(.string) && type.state == [Field("connected", .bool)])
    #expect(type.event("message")?.topic == "twitch.message" && type.method("join")?.method == "join")
    #expect(type.echoes == ["join": "message"])
    #expect(value.commands[0].arguments == ["line"])
    #expect(value.requires[0].plugin == "kv-index" && value.requires[0].versions.contains(SemanticVersion(1, 3, 0)))
  }

  @Test func smallestManifest() throws {
    let value = try manifest(head)
    #expect(value.isolation == nil && value.start == .auto && value.lane == LanePolicy() && value.swap == SwapPolicy())
    #expect(value.config.isEmpty && value.handlers.isEmpty)
  }

  @Test func probationCanBeTurnedOff() throws {
    #expect(try manifest(head + "swap: {probation: none}").swap.probation == nil)
  }

  @Test func aFunctionOfAnyLibrary() throws {
    let value = try manifest(
      """
      bothost: 1
      plugin: crypt
      library: libcrypt.so.1
      topics: {chat.hashed: {value: string}, chat.tick: {n: int, text: string}}
      handlers:
        - {topic: chat.message, call: crypt, signature: "cstring(cstring,cstring)", args: [/text, {value: ab}], emits: chat.hashed}
        - topic: chat.watch
          call: watch
          signature: "void(str, i32, callback(i32,cstring,ptr), ptr)"
          args: [/who?nobody, {field: /n, default: 3}, {emits: chat.tick, fields: [n, text]}]
        - {topic: chat.all, call: all, signature: "i32(self,str,event)", args: ["header:trace", $event]}
      """)
    #expect(value.handlers[0].arguments.map(\.source) == [.field("/text"), .constant("ab")])
    #expect(value.handlers[0].emits == "chat.hashed")
    #expect(
      value.handlers[1].arguments.map(\.source) == [
        .field("/who"), .field("/n"), .publish(topic: "chat.tick", fields: ["n", "text"]),
      ])
    #expect(value.handlers[1].arguments.map(\.defaultValue) == ["nobody", 3, nil])
    #expect(value.handlers[2].arguments.map(\.source) == [.header("trace"), .event])
  }

  @Test func allErrorsOfAFileAtOnce() {
    let found = problems(
      """
      bothost: 2
      plugin: my plugin
      libary: x.so
      handelrs: []
      isolation: thred
      handlers:
        - {topic: "a..b", timeout: 5}
        - {call: f}
      restart: {limit: often}
      """)
    let expected = [
      "m.yaml:1:10: error: 'bothost': expected a number from 1 to 1, not the number 2",
      "m.yaml:2:9: error: 'plugin': names consist of letters, digits, '_' and '-'",
      "m.yaml:3:1: error: unknown key 'libary' (did you mean 'library'?)",
      "m.yaml:4:1: error: unknown key 'handelrs'",
      "m.yaml:5:12: error: 'isolation': expected thread or process, not the string \"thred\" (did you mean 'thread'?)",
      "m.yaml:7:13: error: 'handlers[0].topic': a part of the name is empty",
      "m.yaml:7:30: error: 'handlers[0].timeout': expected a length of time such as 200ms, 5s or 10m, not the number 5",
      "m.yaml:8:5: error: the key 'topic' is missing in 'handlers[1]'",
      "m.yaml:9:18: error: 'restart.limit': expected a rate such as 5/10m",
      "m.yaml:1:1: error: the key 'library' is missing",
    ]
    for text in expected {
      #expect(found.contains { $0.hasPrefix(text) }, "\(text)\nin\n\(found.joined(separator: "\n"))")
    }
    #expect(found.count == expected.count, "\(found)")
  }

  @Test(arguments: [
    ("handlers: [{topic: a, args: [/x]}]", "'args' belong to a function with a 'signature'"),
    ("handlers: [{topic: a, emits: b}]", "'emits' publishes the result"),
    ("handlers: [{topic: a, signature: \"i32()\"}]", "'call' is missing"),
    ("handlers: [{topic: a, call: a-b, signature: \"i32()\"}]", "no name of a C function"),
    (
      "handlers: [{topic: a, call: f, signature: \"i32(i32,i32)\", args: [/x]}]",
      "has 2 parameters to fill, 'args' fills 1"
    ),
    ("handlers: [{topic: a, call: f, signature: \"i32(i32)\", args: [/x, /y]}]", "no parameter for this argument"),
    (
      "handlers: [{topic: a, call: f, signature: \"i32(u8)\", args: [{value: 256}]}]",
      "256 does not fit a parameter of type u8"
    ),
    (
      "handlers: [{topic: a, call: f, signature: \"i32(u8)\", args: [\"/x?no\"]}]",
      "does not fit a parameter of type u8"
    ),
    (
      "handlers: [{topic: a, call: f, signature: \"i32(i32)\", args: [$event]}]", "$event fits parameters of type event"
    ),
    ("handlers: [{topic: a, call: f, signature: \"i32(i32)\", args: [$evnt]}]", "expected $event or header:NAME"),
    ("handlers: [{topic: a, call: f, signature: \"i32(i32)\", args: [x]}]", "a JSON pointer begins with '/': /x"),
    ("handlers: [{topic: a, call: f, signature: \"i32(i32)\", args: [{field: /x, value: 1}]}]", "exactly one of"),
    ("handlers: [{topic: a, call: f, signature: \"i32(callback(i32))\", args: [/x]}]", "says where it publishes"),
    (
      "topics: {t: {a: int}}\nhandlers: [{topic: a, call: f, signature: \"i32(callback(i32))\", args: [{emits: t, fields: [a, b]}]}]",
      "passes 1 values, 'fields' names 2"
    ),
    (
      "topics: {p.x: any}\nhandlers: [{topic: a, call: f, signature: \"void(i32)\", args: [/x], emits: p.x}]",
      "the function returns void"
    ),
    (
      "topics: {p.x: any}\nhandlers: [{topic: a, call: f, signature: \"i32(i32)\", args: [/x], emits: p.y}]",
      "publishes 'p.y', which is not declared (did you mean 'p.x'?)"
    ),
    ("handlers: [{topic: a, call: f}, {topic: a, call: f}]", "bound to the same function in line 4"),
    ("handlers: [{topic: {config: nope}}]", "there is no configuration key 'nope'"),
    ("config: {n: int}\nhandlers: [{topic: {config: n}}]", "of type string or list of string"),
    ("handlers: [{topic: a, key: x}]", "a JSON pointer begins with '/'"),
    ("handlers: [{topic: a, key: /x~2}]", "'~' is written ~0"),
    ("handlers: [{topic: a, where: {x: 1}}]", "'x' is no JSON pointer"),
    ("handlers: [{topic: a, signature: \"i32(int)\", call: f}]", "'int' is no parameter type"),
    ("handlers: {topic: a}", "'handlers': expected a list, not a mapping"),
    ("handlers: [{topic: a, in_flight: 0}]", "from 1 to 10000"),
    ("handlers: [{topic: a, retry: 5}]", "expected a mapping with keys such as max, backoff, mode"),
    ("methods: {m: {call: f, signature: \"i32(i32)\"}}", "has 1 parameters to fill, 'args' has 0 members"),
    ("methods: {m: {bind: [/x]}}", "'bind' belongs to a function"),
    ("methods: {m: {call: f, signature: \"i32(callback())\"}}", "a method answers once"),
    ("methods: {m: {args: [string]}}", "expected the members of the argument"),
    ("methods: {m: {args: {x: strng}}}", "(did you mean 'string'?)"),
    ("methods: {m.n: {}}", "'m.n' is no method: a name has no dots here"),
    ("hooks: [{method: a}]", "expected plugin.method"),
    ("hooks: [{method: a.b}, {method: a.b}]", "hooks the same method already"),
    ("hooks: [{method: a.b, match: {/x: a}}, {method: a.b, match: {/x: a}}]", "hooks the same method already"),
    ("hooks: [{method: a.b, match: {/x: \"(\"}}]", "'hooks[0].match./x': "),
    ("hooks: [{method: a.b, match: {/x: '(a)\\1'}}]", "back-references"),
    ("hooks: [{method: a.b, match: {/x: {config: words}}}]", "there is no configuration key 'words'"),
    ("config: {words: int}\nhooks: [{method: a.b, match: {/x: {config: words}}}]", "which 'words' is not"),
    ("hooks: [{method: a.b, match: {x: a}}]", "'x' is no JSON pointer"),
    ("hooks: [{method: a.b, match: [a]}]", "expected a mapping of JSON pointers"),
    ("hooks: [{method: a.b, on_timeout: never}]", "expected fail"),
    ("methods: {m: {}}\ncommands: [{name: a, method: m, interactive: {}}]", "an interactive command needs 'args'"),
    (
      "methods: {m: {args: {x: int}}}\ncommands: [{name: a, method: m, args: [x], interactive: {complete: n}}]",
      "the plugin has no method 'n'"
    ),
    ("config: {a: {type: enum}}", "an enum needs its words"),
    ("config: {a: {type: int, of: string}}", "'of' belongs to a list or a map"),
    ("config: {a: {type: int, values: [x]}}", "'values' belongs to an enum"),
    ("config: {a: {type: int, default: x}}", "'a': expected a whole number, not the string \"x\""),
    ("config: {a: {type: int, default: 5, max: 4}}", "the greatest is 4"),
    ("config: {a: {type: int, min: 5, max: 4}}", "'max' is below 'min'"),
    ("config: {a: {type: bool, min: 5}}", "'min' has no meaning"),
    ("config: {a: {type: duration, default: 5s, min: 10s}}", "the value is 5s, the least is 10s"),
    ("config: {a: {type: int, required: true, default: 1}}", "a required key has no default"),
    ("config: {a: {type: secret, default: hunter2}}", "a secret has no default"),
    ("config: {a: {type: string, from: 1X}}", "name of an environment variable"),
    ("config: {a: {type: string, default: \"${1X}\"}}", "no name of an environment variable"),
    ("config: {a: text}", "expected string, int, float"),
    ("topics: {a*: any}", "'a*' is no topic"),
    ("topics: {a: {x: int, x?: int}}", "stands here a second time"),
    ("topics: {a: {durable: true, x: int}}", "unknown key 'x' in 'topics.a'"),
    ("topics: {a: {mandatory: true, x: int}}", "unknown key 'x' in 'topics.a'"),
    ("topics: {a: [int, int]}", "a list type names the type of its elements"),
    (
      "types: {T: {args: {hots: string}}}\nconfig: {host: string}",
      "no configuration key of the plugin (did you mean 'host'?)"
    ),
    ("types: {T: {args: {host: int}}}\nconfig: {host: string}", "is a int, the configuration key a string"),
    ("types: {T: {events: {e: p.x}}}", "which the plugin does not declare"),
    (
      "types: {T: {methods: {m: m}, echoes: {m: e}}}\nmethods: {m: {}}",
      "'echoes' names the event 'e', which the type does not have"
    ),
    ("types: {T: {methods: {m: n}}}", "the plugin has no method 'n'"),
    ("types: {T: {state: {connected: bool}}}", "state is kept from events on 'p.state'"),
    (
      "types: {T: {}}\nconfig: {host: {type: string, required: true}}", "a bot cannot give the configuration key 'host'"
    ),
    ("commands: [{name: a, method: m}]", "the plugin has no method 'm'"),
    ("methods: {m: {args: {x: int}}}\ncommands: [{name: a, method: m, args: [y]}]", "has no argument 'y'"),
    ("methods: {m: {}}\ncommands: [{name: a, method: m}, {name: a, method: m}]", "a second command 'a'"),
    ("requires: {p: ^1}", "requires itself"), ("requires: {q: one}", "a range of versions"),
    ("permissions: {connect: [example.org]}", "expected host:port"),
    ("isolation: process\nlane: {inline: true}", "which a worker process cannot"),
    ("isolation: thread\npermissions: {memory: 1MiB}", "limits a worker process only"),
    ("swap: {probation: {max_error_rate: 2}}", "from 0.0 to 1.0"), ("swap: {probation: off}", "expected none"),
    ("swap: {state: twitch}", "a format and a version"), ("lane: {inline: yes}", "(write true)"),
    ("summary:", "'summary': the value is missing"), ("version: 1.0", "a version such as 1.2.0, not the number 1.0"),
    ("summary: true", "put it in quotes"),
  ])
  func oneProblem(yaml: String, expected: String) {
    let found = problems(head + yaml)
    #expect(found.count == 1 && found[0].contains(expected), "\(found)")
    #expect(found.allSatisfy { !$0.contains("hunter2") })
  }

  /// Mutations of a good manifest: each gives a manifest or an error, and never ends the process.
  @Test func mutations() {
    let lines = Self.twitch.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    var generator = SeededGenerator(state: 21)
    for _ in 0..<1_500 {
      var changed = lines
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        let index = Int.random(in: 0..<changed.count, using: &generator)
        var text = Array(changed[index])
        guard !text.isEmpty else { continue }
        let place = Int.random(in: 0..<text.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: text.remove(at: place)
        case 1: text.insert(text[Int.random(in: 0..<text.count, using: &generator)], at: place)
        case 2: text[place] = ["{", "[", ":", "~", "*", "0", "x"][Int.random(in: 0..<7, using: &generator)]
        default: text = Array(text.reversed())
        }
        changed[index] = String(text)
      }
      var diagnostics = Diagnostics()
      let source = SourceText(name: "m.yaml", changed.joined(separator: "\n"))
      let value = Manifest.decode(source, diagnostics: &diagnostics)
      #expect(value != nil || diagnostics.hasErrors)
      _ = diagnostics.rendered(sources: [source])
    }
  }
}
