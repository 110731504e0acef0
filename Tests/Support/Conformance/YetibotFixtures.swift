import YetibotEngine

/// The bot of the cases: its people, rooms and the commands that a second plugin would add.
final class Fixtures {
  /// The time that the bot sees; the bot outlives neither.
  private final class Clock { var milliseconds: Int64 = 1_600_000_000_000 }

  private let clock = Clock()
  private let history = MemoryHistory()
  private let chats = OpenChats()
  let engine: Yetibot

  var milliseconds: Int64 {
    get { clock.milliseconds }
    set { clock.milliseconds = newValue }
  }

  /// A chat in which every room may be gone into.
  private final class OpenChats: ChatControl {
    func join(_ room: String, for call: Invocation) -> String? { room }
    func leave(_ room: String, for call: Invocation) -> String? { room }
    func react(_ reaction: String, for call: Invocation) -> Bool { false }
  }

  private init(_ configuration: Configuration) {
    let clock = clock
    engine = Yetibot(configuration: configuration, history: history, now: { clock.milliseconds })
  }

  static func makeBot(_ change: (inout Configuration) -> Void = { _ in }) -> Fixtures {
    var configuration = Configuration.original
    change(&configuration)
    let bot = Fixtures(configuration)
    for room in ["#general", "#random"] { bot.engine.note(room: bot.place(room)) }
    bot.engine.chats = bot.chats
    for name in ["alice", "bob"] {
      bot.engine.see(bot.person(name), in: bot.place("#general"))
    }
    bot.addCommands()
    return bot
  }

  /// The lines that the bot remembers.
  var remembered: [HistoryEntry] {
    var limits = HistoryLimits()
    return history.lines(HistoryQuery([]), &limits)
  }

  /// What the bot says to something that alice, or somebody else, does in #general.
  func say(_ body: String, by name: String = "alice", kind: ChatEvent.Kind = .message) -> [Post] {
    engine.handle(ChatEvent(kind: kind, person: person(name), place: place("#general"), body: body))
  }

  func person(_ name: String) -> ChatPerson {
    switch name {
    case "alice": ChatPerson(id: "U1", name: "alice")
    case "bob": ChatPerson(id: "U2", name: "bob")
    case "yetibot": ChatPerson(id: "YB", name: "yetibot", isBot: true)
    default: ChatPerson(id: name, name: name)
    }
  }

  func place(_ room: String, isPrivate: Bool = false) -> ChatPlace {
    ChatPlace(adapter: "test", instance: "test", room: room, isPrivate: isPrivate)
  }

  private func add(
    _ topic: String, pattern: String? = nil, usage: String? = nil, _ run: @escaping (Invocation) throws -> Outcome
  ) {
    add(topic, pattern, [Registry.Handler(usage: usage ?? "\(topic) # a fixture", run: run)])
  }

  private func add(_ topic: String, _ pattern: String?, _ handlers: [Registry.Handler]) {
    do {
      try engine.register(topics: [(topic, pattern ?? topic)], handlers)
    } catch {
      assertionFailure("\(error)")
    }
  }

  private func addCommands() {
    let items: Value = [
      ["name": "red", "hex": "#f00"], ["name": "green", "hex": "#0f0"], ["name": "blue", "hex": "#00f"],
    ]
    add("fxcolors") { _ in
      .record(.init(["red", "green", "blue"], data: ["count": 3, "items": items], collectionPath: ["items"]))
    }
    add("fxrows") { _ in
      .record(
        .init(
          ["r1", "r2", "r3"],
          data: [["id": 1, "name": "one"], ["id": 2, "name": "two"], ["id": 3, "name": "three"]]))
    }
    add("fxdc") { _ in .record(.init(["x", "y"], data: ["all": true], dataCollection: [["n": 1], ["n": 2]])) }
    add("fxmap") { _ in .plain(["alpha": "1", "beta": "2"]) }
    let plain: (Invocation) -> Outcome = { _ in .plain("plain") }
    add("fxplain", plain)
    add("fxnum") { _ in .plain(42) }
    add("fxnull") { _ in .plain(.null) }
    add("fxempty") { _ in .plain([]) }
    add("fxfalse") { _ in .plain(false) }
    add("fxml") { _ in .plain("l1\nl2\n\nl3\n") }
    add("fxdataonly") { _ in .record(.init(.null, data: ["k": "v"])) }
    add("fxthrow") { _ in throw Raised("kaboom") }
    add("fxsupp") { _ in .plain(.suppressed(["a", "b"])) }
    add("fxsuppall") { _ in .plain([.suppressed(["a": 1]), .suppressed(["b": 2])]) }
    add("fxargs") { call in
      let isEcho = call.data["cmd"] == "echo"
      let next = call.nextCommands.map { Value.list($0.map(Value.string)) } ?? .null
      let record: Value = [
        "args": .string(call.args), "opts": call.opts ?? .null, "raw": call.raw.unmarked,
        "data": isEcho ? "<anything>" : call.data, "data-collection": call.dataCollection ?? .null,
        "next-cmds": next, "next": next,
      ]
      return .plain(.string(JSONText.print(record)))
    }
    do {
      let usage = "fxsub one|two|num # sub-patterns"
      add(
        "fxsub", nil,
        [
          Registry.Handler(try Pattern("^one$"), usage: usage) {
            .plain(.string("one/\(JSONText.print($0.matchValue))"))
          },
          Registry.Handler(try Pattern(#"two\s+(\S+)\s+(\S+)"#), usage: usage, categories: ["fun"]) {
            .plain(.string("two/\($0.match[1] ?? ""),\($0.match[2] ?? "")"))
          },
          Registry.Handler(try Pattern(#"num\s+(\d+)"#), usage: usage) { .plain(.string("num/\($0.match[1] ?? "")")) },
        ])
    } catch {
      assertionFailure("\(error)")
    }
    add("fxskip") { call in
      call.skip.count = min(1, call.nextCommands?.count ?? 0)
      return .plain(.string("consumed \(call.nextCommands?.first.map { "\"\($0)\"" } ?? "nil")"))
    }
    for (topic, pattern) in [("fxpre", "^fxpre"), ("fxa", "fxa"), ("fxb", "fxb+"), ("fxtopic", #"^fxt\d$"#)] {
      add(topic, pattern: pattern, usage: "fxplain # a fixture", plain)
    }
  }

  // MARK: Comparison

  /// Equal, where a number may be of either kind, a set's order does not count and placeholders stand for texts.
  static func equal(_ got: Value, _ wanted: Value) -> Bool {
    let got = got.unmarked
    if wanted == "<non-empty list>" { return got.items?.isEmpty == false }
    if let pattern = wanted.stringValue, let text = got.stringValue { return matches(text, pattern) }
    if let number = wanted.number, wanted.stringValue == nil, let other = got.number, got.stringValue == nil {
      return number == other
    }
    if let items = wanted.items, let others = got.items {
      return items.count == others.count && zip(others, items).allSatisfy(equal)
    }
    if let map = wanted.members, let other = got.members {
      return map.count == other.count
        && map.allSatisfy { member in other[member.key].map { equal($0, member.value) } ?? false }
    }
    return got == wanted
  }

  /// A text against one with `<TIME>`, `<TS>` and `{category:x}` in it.
  static func matches(_ text: String, _ wanted: String) -> Bool {
    var wanted = wanted
    for (name, meaning) in Yetibot.categories {
      let place = "{category:\(name)}"
      if wanted.contains(place) { wanted = replace(place, in: wanted, by: meaning) }
    }
    guard wanted.contains("<TIME>") || wanted.contains("<TS>") else { return text == wanted }
    let quoted = wanted.unicodeScalars.map { scalar -> String in
      scalar.isASCII && !scalar.properties.isAlphabetic && !(scalar.value >= 0x30 && scalar.value <= 0x39)
        && scalar != "\n"
        ? "\\\(scalar)" : String(scalar)
    }.joined()
    let source = replace(#"\<TS\>"#, in: replace(#"\<TIME\>"#, in: quoted, by: #"\d\d:\d\d [AP]M \d\d/\d\d"#), by: ".+")
    return (try? Pattern("^(?s)\(source)$"))?.occurs(in: text) ?? false
  }

  private static func replace(_ what: String, in text: String, by other: String) -> String {
    var result = ""
    var rest = text[...]
    while !rest.isEmpty {
      if rest.hasPrefix(what) {
        result += other
        rest = rest.dropFirst(what.count)
      } else if let character = rest.popFirst() {
        result.append(character)
      }
    }
    return result
  }
}
