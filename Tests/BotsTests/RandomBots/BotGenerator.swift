import SeededRandom

/// Makes bots that are right, of all constructs of the language, with literals that can be told apart.
struct BotGenerator {
  var random: RandomSource
  /// The literals so far: each stands in one place.
  private(set) var literals: [String] = []
  private var nameCount = 0

  init(_ random: RandomSource) { self.random = random }

  /// What steps may use.
  private struct Scope {
    /// References that are texts.
    var texts: [String]
    /// References of other types, for the inside of texts.
    var others: [String] = []
    var lists: [String]
    var states: [String]
    /// Methods with one argument, which give a text.
    var methods: [String]
    /// Ends `say` and `join`: `chat.`, or nothing for a component that is a chat.
    var chat: String
    var output: String?
    var isMethod = false
  }

  /// The documents of a file with a bot called `taco`.
  mutating func documents() -> [YAMLDocument] {
    let hasBase = random.one(in: 2)
    var uses: [YAMLDocument.Member] = [
      member("config", .map(["type": "Settings"])),
      member("stdout", random.one(in: 2) ? "StdOut" : .map(["type": "StdOut"])),
      member(
        "chat", .map(["type": "TwitchConnection", "host": .string("${config.host}"), "nick": .string(literal())])),
      member("log", .map(["type": "KafkaTopic", "brokers": .string("${config.brokers}"), "topic": "saved"])),
    ]
    var scope = Scope(
      texts: ["config.host", "config.level", "last"], lists: ["config.channels"], states: ["last"], methods: ["mine"],
      chat: "chat.", output: "stdout")
    if random.one(in: 2) {
      uses.append(
        member(
          "part",
          .map([
            "type": "Part", "host": .string("${config.host}"), "word": .string(literal()),
            "token": .string("${config.pass}"),
          ])))
      scope.methods.append("part.own")
      scope.texts.append("part.mood")
    }
    if random.one(in: 3) {
      uses.append(member("other", .map(["bot": "Other"])))
      scope.chat = random.pick(["chat.", "other.chat."])
    }
    var handlers: [YAMLDocument] = []
    for _ in 0..<1 + random.below(4) {
      var inner = scope
      let event = random.pick(["message", "sent", "failed"])
      switch event {
      case "message":
        inner.texts += ["event.username", "event.message"]
        inner.others = ["event.nested.deep.x", "event.bits"]
        inner.lists.append("event.words")
      case "sent": inner.texts += ["event.raw", "event.channel"]
      default:
        inner.texts.append("event.reason")
        inner.others = ["event.fatal"]
      }
      // What is sent comes back as `sent`: only a message may make the bot say something.
      if event != "message" { inner.methods = [] }
      handlers.append(
        .map([
          "event": .string("chat.\(event)"), "name": .string(name("H")),
          "do": .list(steps(inner, maySend: event == "message", depth: 3)),
        ]))
    }
    var members: [YAMLDocument.Member] = [
      member("bothost", .plain("1")), member("kind", "bot"), member("name", "taco"), member("use", .map(uses)),
      member("state", state("last")), member("methods", methods(scope, name: "mine")), member("when", .list(handlers)),
    ]
    if hasBase { members.append(member("extends", "Base")) }
    return [.map(members), configuration, schema, part(), other, base()]
  }

  // MARK: Documents

  private let configuration = YAMLDocument.map([
    "bothost": .plain("1"), "kind": "config", "name": "Settings",
    "get": .map([
      "host": .map(["type": "string", "default": "localhost"]), "pass": .map(["type": "secret", "from": "PASS"]),
      "channels": .map(["type": "list", "of": "string", "default": ["one", "two"]]),
      "level": .map(["type": "string", "default": "debug"]), "brokers": .map(["type": "string", "default": "b:1"]),
    ]),
  ])

  private let schema = YAMLDocument.map([
    "bothost": .plain("1"), "kind": "schema", "name": "Line",
    "fields": .map(["who": "string", "text": "string", "n?": "int"]),
  ])

  private let other = YAMLDocument.map([
    "bothost": .plain("1"), "kind": "bot", "name": "Other",
    "use": .map(["chat": .map(["type": "TwitchConnection", "host": "elsewhere"])]),
    "when": [.map(["event": "chat.connected", "do": [.map(["chat.join": "x"])]])],
  ])

  private mutating func base() -> YAMLDocument {
    .map([
      "bothost": .plain("1"), "kind": "bot", "name": "Base",
      "use": .map(["source": .map(["type": "TwitchConnection", "host": "elsewhere"]), "out": "StdOut"]),
      "when": [
        .map(["event": "source.message", "name": "Inherited", "do": [.map(["out.write": .string(literal())])]])
      ],
    ])
  }

  private mutating func part() -> YAMLDocument {
    var scope = Scope(
      texts: ["host", "word", "mood"], lists: [], states: ["mood"], methods: [], chat: "inner.", output: nil)
    let methods = methods(scope, name: "own")
    scope.texts.append("event.reason")
    return .map([
      "bothost": .plain("1"), "kind": "component", "name": "Part",
      "args": .map([
        "host": "string", "word": .map(["type": "string", "default": .string(literal())]), "token": "secret",
        "n?": "int",
      ]),
      "use": .map([
        "inner": .map(["type": "TwitchConnection", "host": .string("${host}"), "token": .string("${token}")])
      ]),
      "state": state("mood"), "methods": methods, "events": .map(["failed": "inner.failed"]),
      "when": [
        .map(["event": "inner.failed", "name": "Note", "do": .list(steps(scope, maySend: false, depth: 2))])
      ],
    ])
  }

  private mutating func state(_ name: String) -> YAMLDocument {
    .map([
      YAMLDocument.Member(key: name, value: .map(["type": "string", "default": .string(literal())]))
    ])
  }

  private mutating func methods(_ scope: Scope, name: String) -> YAMLDocument {
    var inner = scope
    inner.isMethod = true
    inner.methods = []
    inner.texts.append("text")
    var steps = steps(inner, maySend: true, depth: 2)
    steps.append(.map(["return": .string(text(inner))]))
    return .map([
      YAMLDocument.Member(
        key: name,
        value: .map(["args": .map(["text": "string"]), "returns": "string", "do": .list(steps)]))
    ])
  }

  // MARK: Steps

  private mutating func steps(_ scope: Scope, maySend: Bool, depth: Int) -> [YAMLDocument] {
    var scope = scope
    var steps: [YAMLDocument] = []
    for _ in 0..<1 + random.below(4) {
      switch random.below(depth > 0 ? 12 : 8) {
      case 0 where maySend:
        steps.append(
          .map([
            YAMLDocument.Member(
              key: scope.chat + "say", value: .map(["channel": .string(text(scope)), "text": .string(text(scope))]))
          ]))
      case 1:
        let name = name("v")
        steps.append(
          .map([
            "json": .map([
              "who": .string(text(scope)), "n": .list([.plain("\(random.below(100))"), .plain("2.5"), .plain("true")]),
              "list": .list([.string(text(scope)), .string(literal())]),
            ]), "as": .string(name),
          ]))
        steps += use(name + ".who", scope)
      case 2:
        let name = name("v")
        steps.append(
          .map([
            "json": .map(["who": .string(text(scope)), "text": .string(text(scope)), "n": .plain("\(random.below(9))")]
            ),
            "schema": "Line", "as": .string(name),
          ]))
        steps += use(name + ".text", scope)
      case 3:
        let name = name("v")
        steps.append(.map(["let": .map([YAMLDocument.Member(key: name, value: .string(text(scope)))])]))
        steps += use(name, scope)
        scope.texts.append(name)
      case 4: steps.append(.map(["expect": test(scope)]))
      case 5: steps.append(.map(["assert": test(scope)]))
      case 6:
        steps.append(
          .map(["set": .map([YAMLDocument.Member(key: random.pick(scope.states), value: .string(text(scope)))])]))
      case 7:
        let name = name("v")
        if let method = scope.methods.randomElement(using: &random) {
          steps.append(
            .map([
              YAMLDocument.Member(
                key: method,
                value: random.one(in: 2) ? .string(text(scope)) : .map(["text": .string(text(scope))])),
              YAMLDocument.Member(key: "as", value: .string(name)),
            ]))
        } else {
          steps.append(.map(["format": .string(text(scope)), "as": .string(name)]))
        }
        steps += use(name, scope)
      case 8, 9:
        var members = [
          member("if", test(scope)), member("do", .list(self.steps(scope, maySend: maySend, depth: depth - 1))),
        ]
        if random.one(in: 2) {
          members.append(member("else", .list(self.steps(scope, maySend: maySend, depth: depth - 1))))
        }
        steps.append(.map(members))
      case 10:
        var inner = scope
        let name = name("each")
        let list: YAMLDocument =
          random.one(in: 2) && !scope.lists.isEmpty
          ? .string("${\(random.pick(scope.lists))}") : .list([.string(literal()), .string(text(scope))])
        inner.texts.append(name)
        steps.append(
          .map([
            "for": .string(name), "in": list, "do": .list(self.steps(inner, maySend: maySend, depth: depth - 1)),
          ]))
      default: steps += write(.string(text(scope)), scope)
      }
    }
    return steps
  }

  /// A step that reads a name, which would be unused otherwise.
  private mutating func use(_ name: String, _ scope: Scope) -> [YAMLDocument] {
    write(.string(random.one(in: 2) ? "${\(name)}" : "\(literal()) ${\(name)}"), scope)
  }

  private mutating func write(_ value: YAMLDocument, _ scope: Scope) -> [YAMLDocument] {
    guard let output = scope.output else {
      return [.map(["set": .map([YAMLDocument.Member(key: scope.states[0], value: value)])])]
    }
    return [.map([YAMLDocument.Member(key: output + ".write", value: value)])]
  }

  private mutating func test(_ scope: Scope) -> YAMLDocument {
    let value = YAMLDocument.string("${\(random.pick(scope.texts))}")
    switch random.below(6) {
    case 0: return value
    case 1: return .map(["value": value, "equals": .string(text(scope))])
    case 2: return .map(["value": value, "not": .string(literal()), "present": .plain("true")])
    case 3: return .map(["value": value, "in": .list([.string(literal()), .string(literal())])])
    case 4:
      return .map(["value": value, "matches": .string("^(a|b)\\.\(random.below(1_000))"), "not": .string(literal())])
    default:
      return .map(["value": .plain("\(random.below(50))"), "gt": .plain("3"), "lt": .plain("\(random.below(90))")])
    }
  }

  // MARK: Texts

  private mutating func text(_ scope: Scope) -> String {
    switch random.below(3) {
    case 0: literal()
    case 1: "${\(random.pick(scope.texts))}"
    default: "\(literal()) ${\(random.pick(scope.texts + scope.others))}\(random.pick(["", "!", " $${x}", ": #"]))"
    }
  }

  /// A text that occurs nowhere else.
  private mutating func literal() -> String {
    let text = "L\(literals.count)_"
    literals.append(text)
    return text
      + random.pick(["", " x", ": y", " # z", "\"quoted\" 'so'", "ä 🎈", "\\n", "a\nb", "{x}, [y]", "- &a *b", "%!@`|>"])
  }

  private mutating func name(_ prefix: String) -> String {
    nameCount += 1
    return "\(prefix)\(nameCount)"
  }

  private func member(_ key: String, _ value: YAMLDocument) -> YAMLDocument.Member {
    YAMLDocument.Member(key: key, value: value)
  }
}
