/// The shape of a plugin's manifest: every key that is accepted, and nothing else.
enum ManifestShape {
  static let root = ObjectShape(
    name: "manifest", summary: "Declares a plugin of bothost.",
    keys: [
      KeyShape("bothost", .integer(1...1), required: true, "The version of this format: 1."),
      KeyShape("plugin", .text(.plugin), required: true, "The plugin's name, and that of its first instance."),
      KeyShape("version", .text(.version), "The plugin's semantic version; must equal the library's."),
      KeyShape("summary", .text(.line), "What the plugin does, in one line."),
      KeyShape(
        "library", .text(.line), required: true,
        "The shared library: beside this file, in a directory of --plugins, or the system's."),
      KeyShape(
        "config", .map(key: .name, value: .scalarOr(.choice(ConfigKind.words), .object(configKey)), keyWord: "name"),
        "The configuration's keys."),
      KeyShape(
        "topics", .map(key: .topicPattern, value: topic, keyWord: "topic"),
        "What the plugin publishes: topics, or families of them as patterns."),
      KeyShape("handlers", .list(.object(handler)), "What the plugin does with events."),
      KeyShape("methods", .map(key: .name, value: .object(method), keyWord: "method"), "What others may call."),
      KeyShape("hooks", .list(.object(hook)), "Functions that stand in the way of methods."),
      KeyShape("permissions", .object(permissions), "What the host lets the plugin do."),
      KeyShape(
        "isolation", .choice(Isolation.allCases.map(\.rawValue)), default: "thread",
        "Where the plugin runs: in the host, or in a worker process, which this version refuses. A library without the entry symbol must say which."
      ),
      KeyShape("restart", .object(restart), "When a plugin that ended is started again."),
      KeyShape("swap", .object(swap), "How a new build takes over from the old one."),
      KeyShape("lane", .object(lane), "The queue before the plugin."),
      KeyShape(
        "start", .choice(StartMode.allCases.map(\.rawValue)), default: "auto",
        "auto: with the host; on-use: when a bot, a host configuration or an operator asks for it."),
      KeyShape("types", .map(key: .name, value: .object(type), keyWord: "type"), "What a bot may `use`."),
      KeyShape("commands", .list(.object(command)), "Subcommands that the plugin adds to the program."),
      KeyShape(
        "requires", .map(key: .name, value: .text(.versionRange), keyWord: "plugin"),
        "Other plugins that must be there, with their versions."),
      KeyShape(
        "extensions", .map(key: .name, value: .any, keyWord: "plugin"),
        "What it says for other plugins, by their names; each one's documentation says what it reads."),
    ])

  static let configKey = ObjectShape(
    name: "configKey", summary: "A key of the configuration.",
    keys: [
      KeyShape("type", .choice(ConfigKind.words), required: true, "What the value is."),
      KeyShape("of", .choice(ConfigKind.elementWords), "The type of a list's elements or a map's values."),
      KeyShape("values", .list(.text(.line)), "The words of an enum."),
      KeyShape("required", .bool, default: "false", "Without a value the plugin does not start."),
      KeyShape("default", .any, "The value when none is given."),
      KeyShape(
        "from", .text(.environmentName), "The environment variable that gives the value when nothing else does."),
      KeyShape("min", .scalar, "The smallest number, duration or size, or the least length of a list or text."),
      KeyShape("max", .scalar, "The largest number, duration or size, or the greatest length of a list or text."),
      KeyShape("description", .text(.free), "What the key is for."),
    ])

  /// `{field: type}`, or the longer form, which has a mapping under `fields`.
  static let topic: Shape = .either([
    Shape.Alternative(applies: { $0["fields"]?.mapping != nil || isLongTopic($0) }, shape: .object(longTopic)),
    Shape.Alternative(applies: { _ in true }, shape: .fieldType),
  ])

  /// Without `fields` too, a truth value under `durable` or `mandatory` can only mean the longer form: it is no type.
  private static func isLongTopic(_ node: YAMLNode) -> Bool {
    ["durable", "mandatory"].contains { key in
      if case .bool = node[key]?.scalar?.value { true } else { false }
    }
  }

  static let longTopic = ObjectShape(
    name: "topic", summary: "A topic with more than its fields.",
    keys: [
      KeyShape("fields", .fieldType, "The payload's fields and their types."),
      KeyShape("durable", .bool, default: "false", "Events are on disk before a publish returns, and survive a crash."),
      KeyShape(
        "mandatory", .bool, default: "false",
        "Somebody has to take what this plugin publishes here: otherwise it is a dead letter."),
      KeyShape("key", .text(.pointer), "Where the ordering key stands in the payload, when a publish gives none."),
      KeyShape("summary", .text(.line), "What an event of this topic says."),
    ])

  static let handler = ObjectShape(
    name: "handler", summary: "Binds events to a function of the library.",
    keys: [
      KeyShape(
        "topic", .scalarOr(.text(.topicPattern), .object(configuredTopic)), required: true,
        "The topic; * is one part, ** the rest."),
      KeyShape("call", .text(.call), "The exported function, or a name that the plugin binds; without it, `handle`."),
      KeyShape("key", .text(.pointer), "Where the ordering key stands in the payload; otherwise the event's own key."),
      KeyShape("timeout", .text(.duration), default: "30s", "How long a delivery may take."),
      KeyShape("retry", .object(retry), "What happens to a delivery that failed."),
      KeyShape(
        "where", .map(key: .pointer, value: .scalar, keyWord: "JSON pointer"),
        "Fields of the payload and the values that they must have."),
      KeyShape("signature", .text(.signature), "The function's C signature, for a call through libffi."),
      KeyShape("args", .list(argument), "The function's arguments."),
      KeyShape("emits", .text(.topic), "The topic on which the function's result is published."),
      KeyShape("priority", .integer(-1_000...1_000), default: "0", "Higher runs first."),
      KeyShape("in_flight", .integer(1...10_000), default: "1", "How many deliveries of one key may be open at once."),
    ])

  static let configuredTopic = ObjectShape(
    name: "configuredTopic", summary: "Topics that the configuration names.",
    keys: [
      KeyShape(
        "config", .text(.name), required: true,
        "The configuration's key, a text or a list of texts, that holds the patterns.")
    ])

  static let retry = ObjectShape(
    name: "retry", summary: "What happens to a delivery that failed.",
    keys: [
      KeyShape("max", .integer(0...1_000), default: "5", "How many times it is tried again."),
      KeyShape("backoff", .text(.durationRange), default: "200ms..30s", "The first wait and the longest; it doubles."),
      KeyShape(
        "mode", .choice(RetryDeclaration.Mode.allCases.map(\.rawValue)), default: "block",
        "block: events with the same key wait; park: they overtake."),
    ])

  /// In one word, or as a mapping.
  static let argument: Shape = .scalarOr(.text(.binding), .object(longArgument))

  static let longArgument = ObjectShape(
    name: "argument", summary: "Where an argument of a C function comes from: one of field, header, value, emits.",
    keys: [
      KeyShape("field", .text(.pointer), "A field of the payload."),
      KeyShape("header", .text(.line), "A header of the event."),
      KeyShape("value", .any, "Always this value."),
      KeyShape("emits", .text(.topic), "Of a callback: the topic on which each call of it is published."),
      KeyShape("fields", .list(.text(.name)), "Of a callback: names for its parameters, in order."),
      KeyShape("default", .any, "What is passed when the field or header is missing."),
    ])

  static let method = ObjectShape(
    name: "method", summary: "A method that others call.",
    keys: [
      KeyShape("call", .text(.call), "The exported function, or a name that the plugin binds; without it, `invoke`."),
      KeyShape("args", .fieldType, "The argument's members and their types."),
      KeyShape("returns", .fieldType, "The type of the result."),
      KeyShape("timeout", .text(.duration), default: "10s", "How long a call may take."),
      KeyShape("idempotent", .bool, default: "false", "A call may be repeated when its answer was lost."),
      KeyShape("signature", .text(.signature), "The function's C signature, for a call through libffi."),
      KeyShape("bind", .list(argument), "The function's arguments; without it, the members of `args` in order."),
      KeyShape("summary", .text(.line), "What the method does."),
    ])

  static let hook = ObjectShape(
    name: "hook", summary: "A function that stands in a method's way.",
    keys: [
      KeyShape(
        "method", .text(.methodPattern), required: true, "The method, plugin.method; * is one part, ** the rest."),
      KeyShape("call", .text(.call), "The exported function, or a name that the plugin binds; without it, `invoke`."),
      KeyShape("priority", .integer(-1_000...1_000), default: "0", "Higher is asked first."),
      KeyShape("timeout", .text(.duration), default: "10s", "How long the hook may take."),
      KeyShape(
        "on_timeout", .choice(HookDeclaration.OnFailure.allCases.map(\.rawValue)), default: "fail",
        "What becomes of a call whose hook takes too long: it fails, or passes on."),
      KeyShape(
        "on_error", .choice(HookDeclaration.OnFailure.allCases.map(\.rawValue)), default: "fail",
        "What becomes of a call whose hook fails or cannot be asked: it fails too, or passes on."),
      KeyShape(
        "match",
        .map(
          key: .pointer, value: .scalarOr(.text(.expression), .object(configuredMatch)), keyWord: "JSON pointer"),
        "Fields of the argument and what must match the whole of them: the hook is asked about such calls alone."),
      KeyShape(
        "about", .any,
        "What the hook tells the plugin whose method it is; that plugin's documentation says what it reads."),
    ])

  static let configuredMatch = ObjectShape(
    name: "configuredMatch", summary: "Words that the configuration names.",
    keys: [
      KeyShape(
        "config", .text(.name), required: true,
        "The configuration's key, a list of texts or a map, that holds the words; the hook stands there for each of them."
      )
    ])

  static let permissions = ObjectShape(
    name: "permissions", summary: "What the host lets the plugin do.",
    keys: [
      KeyShape(
        "connect", .list(.text(.connect)),
        "Where it may connect to with connections of the host (`bh.net`), which the host enforces; other sockets in its own code it does not see."
      ),
      KeyShape("publish", .list(.text(.topicPattern)), "Topics besides those under `topics`."),
      KeyShape("call", .list(.text(.methodPattern)), "Methods of other plugins; * is one part of a name, ** the rest."),
      KeyShape("secrets", .list(.text(.name)), "Secrets besides those of its configuration."),
      KeyShape("kv_bytes", .text(.size), default: "64MiB", "How much its key-value state may hold."),
      KeyShape("memory", .text(.size), "How much memory a worker process may have."),
    ])

  static let restart = ObjectShape(
    name: "restart", summary: "When a plugin that ended is started again.",
    keys: [
      KeyShape(
        "policy", .choice(RestartPolicy.Policy.allCases.map(\.rawValue)), default: "on-failure",
        "Always, only after a failure, or never."),
      KeyShape("backoff", .text(.durationRange), default: "1s..60s", "The first wait and the longest; it doubles."),
      KeyShape("limit", .text(.rate), default: "5/10m", "More restarts than this, and it stays down."),
    ])

  static let swap = ObjectShape(
    name: "swap", summary: "How a new build takes over from the old one.",
    keys: [
      KeyShape("drain", .text(.duration), default: "5s", "How long open deliveries may take to settle."),
      KeyShape(
        "on_drain_timeout", .choice(SwapPolicy.OnDrainTimeout.allCases.map(\.rawValue)), default: "abort",
        "abort: the old build goes on; revoke: open deliveries are delivered again; wait: wait on."),
      KeyShape("state", .text(.stateFormat), "The format of the state that it exports, and its version."),
      KeyShape("accepts", .list(.text(.stateFormat)), "Other formats that it imports."),
      KeyShape(
        "probation",
        .either([
          Shape.Alternative(applies: { $0.scalar != nil }, shape: .choice(["none"])),
          Shape.Alternative(applies: { _ in true }, shape: .object(probation)),
        ]),
        "How long a new build is watched; `none`: not at all."),
    ])

  static let probation = ObjectShape(
    name: "probation",
    summary: "How long a new build is watched. One that fails is replaced by the build before, with its state.",
    keys: [
      KeyShape("events", .integer(0...1_000_000_000), default: "200", "For so many events,"),
      KeyShape("time", .text(.duration), default: "30s", "or so long, whichever comes first."),
      KeyShape(
        "max_error_rate", .number(0...1), default: "0.02",
        "The share of attempts to handle an event that may fail, over the share that failed before."),
    ])

  static let lane = ObjectShape(
    name: "lane", summary: "The queue before the plugin.",
    keys: [
      KeyShape("events", .integer(1...16_777_216), default: "8192", "How many events may wait."),
      KeyShape("bytes", .text(.size), default: "16MiB", "How many bytes may wait."),
      KeyShape(
        "full", .choice(LanePolicy.Full.allCases.map(\.rawValue)), default: "wait",
        "What a publisher meets when the lane is full: it waits, the oldest event goes, or it is refused."),
      KeyShape(
        "inline", .bool, default: "false", "Handlers run on the publisher's thread, without a queue."),
    ])

  static let type = ObjectShape(
    name: "type", summary: "What a bot may `use`: an instance of the plugin.",
    keys: [
      KeyShape("summary", .text(.line), "What the type stands for."),
      KeyShape("args", .fieldType, "Configuration keys that the bot gives."),
      KeyShape("state", .fieldType, "What ${use.name} reads; kept from events on PLUGIN.state."),
      KeyShape("events", .map(key: .name, value: .text(.topic), keyWord: "event"), "Names of topics of the plugin."),
      KeyShape("methods", .map(key: .name, value: .text(.name), keyWord: "method"), "Names of methods of the plugin."),
      KeyShape(
        "echoes", .map(key: .name, value: .text(.name), keyWord: "method"),
        "Methods whose effect comes back as an event, and which: the compiler looks for loops by it."),
    ])

  static let command = ObjectShape(
    name: "command", summary: "A subcommand that the plugin adds: bothost PLUGIN NAME …",
    keys: [
      KeyShape("name", .text(.name), required: true, "The subcommand."),
      KeyShape("method", .text(.name), required: true, "The method that it calls."),
      KeyShape("summary", .text(.line), "What it does, for --help."),
      KeyShape("args", .list(.text(.name)), "Members of the method's argument given by position, in order."),
      KeyShape(
        "show", .list(.text(.pointer)),
        "Where the texts stand in the result that are printed; without it, or with --json: the result, as JSON."),
      KeyShape("error", .text(.pointer), "Where the result says, as a text, why the work has failed."),
      KeyShape(
        "interactive", .object(interactive), "The command takes line after line; each is the last of `args`."),
    ])

  static let interactive = ObjectShape(
    name: "interactive",
    summary: "How a command takes line after line: with an editor, a history and completion on a terminal.",
    keys: [
      KeyShape("prompt", .text(.line), default: "NAME> ", "What stands before a line on a terminal."),
      KeyShape(
        "complete", .text(.name),
        "The method that completes a line: {text: string, cursor: int} -> {start: int, words: [string]}."),
    ])
}

/// The words of a configuration key's type.
enum ConfigKind {
  static let elementWords = ["string", "int", "float", "bool", "duration", "size", "map"]
  static let words = ["string", "int", "float", "bool", "list", "map", "secret", "duration", "size", "enum"]

  /// The kind of a word that needs nothing else.
  static func simple(_ word: String) -> ConfigKey.Kind? {
    switch word {
    case "string": .string
    case "int": .int
    case "float": .float
    case "bool": .bool
    case "duration": .duration
    case "size": .size
    case "secret": .secret
    case "map": .map(nil)
    case "list": .list(.string)
    default: nil
    }
  }
}
