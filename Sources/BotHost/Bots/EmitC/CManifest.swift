/// What belongs beside an emitted source: the plugin's manifest, and a host's configuration with the instances that the bot uses.
public struct CManifest {
  /// `kind: plugin` of the bot.
  public let manifest: String
  /// `kind: host`: the instances under `use`, and the values of configuration files.
  public let host: String

  public init(_ program: BotProgram) {
    manifest = Self.manifest(program)
    host = Self.host(program)
  }

  /// The key of the plugin's configuration for a getter.
  static func key(_ config: BotConfigUse, _ key: String) -> String {
    config.name.replacing(".", with: "_") + "__" + key
  }

  // MARK: The manifest

  private static func manifest(_ program: BotProgram) -> String {
    var text = """
      # Made by `bothost compile --emit c`: the bot \(program.name) as a plugin.
      bothost: 1
      plugin: \(program.name)
      version: 1.0.0
      summary: The bot \(program.name), compiled to C
      library: lib\(program.name).so

      """
    let getters = self.getters(program)
    if !getters.isEmpty {
      text += "config:\n"
      for (config, key) in getters {
        text += "  \(Self.key(config, key.name)): \(declaration(key))\n"
      }
    }
    if !program.subscriptions.isEmpty {
      text += "handlers:\n"
      for (index, subscription) in program.subscriptions.enumerated() {
        // As the host runs bots: a failed event is tried again twice, and calls of later events may be under way.
        text +=
          "  - {topic: \(subscription.topic), call: \(CProgram.exported(index)), timeout: 15m, "
          + "retry: {max: 2, backoff: 200ms..30s}, in_flight: 1024, priority: \(subscription.isState ? 1 : 0)}\n"
      }
    }
    if !program.methods.isEmpty {
      text += "permissions:\n  call: [\(program.methods.map(\.name).joined(separator: ", "))]\n"
    }
    return text + "swap: {state: bot-state/1}\nlane: {events: 16384}\n"
  }

  /// The getters that the code reads, each once.
  private static func getters(_ program: BotProgram) -> [(BotConfigUse, ConfigKey)] {
    var found: [(BotConfigUse, ConfigKey)] = []
    for constant in program.constants {
      guard case .getter(let index, let name) = constant.source else { continue }
      let config = program.configs[index]
      guard let key = config.schema.keys.first(where: { $0.name == name }),
        !found.contains(where: { $0.0.name == config.name && $0.1.name == name })
      else { continue }
      found.append((config, key))
    }
    return found
  }

  private static func declaration(_ key: ConfigKey) -> String {
    var parts: [String] = []
    switch key.kind {
    case .list(let element): parts = ["type: list", "of: \(word(element))"]
    case .map(let value?): parts = ["type: map", "of: \(word(value))"]
    case .enumeration(let words): parts = ["type: enum", "values: [\(words.map(quoted).joined(separator: ", "))]"]
    default: parts = ["type: \(word(key.kind))"]
    }
    if let node = key.defaultNode { parts.append("default: \(flow(node))") }
    if let variable = key.environment { parts.append("from: \(variable)") }
    return "{" + parts.joined(separator: ", ") + "}"
  }

  private static func word(_ kind: ConfigKey.Kind) -> String {
    switch kind {
    case .string, .enumeration: "string"
    case .int: "int"
    case .float: "float"
    case .bool: "bool"
    case .list: "list"
    case .map: "map"
    case .secret: "secret"
    case .duration: "duration"
    case .size: "size"
    }
  }

  // MARK: The host's configuration

  private static func host(_ program: BotProgram) -> String {
    var text = """
      # Made by `bothost compile --emit c`: what the bot \(program.name) uses, for `bothost --config`.
      bothost: 1
      kind: host

      """
    let values = getters(program).compactMap { config, key in
      given(config, key.name).map { "      \(Self.key(config, key.name)): \(flow($0))\n" }
    }
    if !values.isEmpty {
      text += "plugins:\n  \(program.name):\n    config:\n" + values.joined()
    }
    if !program.requirements.isEmpty { text += "instances:\n" }
    for requirement in program.requirements {
      text += "  \(requirement.instance):\n    plugin: \(requirement.plugin)\n"
      let arguments = requirement.arguments.compactMap { argument in
        value(argument.value, program).map { "      \(argument.name): \($0)\n" }
      }
      if !arguments.isEmpty { text += "    config:\n" + arguments.joined() }
    }
    return text
  }

  /// What a configuration's file says.
  private static func given(_ config: BotConfigUse, _ key: String) -> YAMLNode? {
    for entry in config.values.entries where entry.name == key {
      if case .node(let node) = entry.value { return node }
    }
    return nil
  }

  /// An argument as a host's configuration can have it; nil when nothing gives it a value.
  private static func value(_ operand: BotOperand, _ program: BotProgram) -> String? {
    switch operand {
    case .literal(let bytes):
      guard let value = try? JSONValue(parsing: bytes) else { return nil }
      if let text = value.string { return quoted(literal(text)) }
      return value.serialized()
    case .constant(let index):
      switch program.constants[index].source {
      case .getter(let config, let name): return getter(program.configs[config], name)
      case .argument(let operand): return value(operand, program)
      }
    case .text(let pieces):
      var text = ""
      for piece in pieces {
        switch piece {
        case .escaped(let bytes): text += literal((try? JSONValue(parsing: [0x22] + bytes + [0x22]))?.string ?? "")
        case .value(let operand):
          guard let value = value(operand, program) else { continue }
          text += (try? JSONValue(parsing: value))?.string ?? value
        }
      }
      return quoted(text)
    case .list(let items): return "[" + items.map { value($0, program) ?? "null" }.joined(separator: ", ") + "]"
    default: return nil
    }
  }

  private static func getter(_ config: BotConfigUse, _ name: String) -> String? {
    if let node = given(config, name) { return flow(node) }
    guard let key = config.schema.keys.first(where: { $0.name == name }) else { return nil }
    if let variable = key.environment {
      if key.kind == .secret { return "{from: \(variable)}" }
      return quoted("${\(variable):-\(key.defaultNode?.scalar?.text ?? "")}")
    }
    return key.defaultNode.map(flow)
  }

  /// A text in which `${` stands for itself.
  private static func literal(_ text: String) -> String { text.replacing("${", with: "$${") }

  // MARK: YAML

  private static func flow(_ node: YAMLNode) -> String {
    switch node.content {
    case .scalar(let scalar):
      if case .string(let text) = scalar.value { return quoted(text) }
      return scalar.text.isEmpty ? "null" : scalar.text
    case .sequence(let items): return "[" + items.map(flow).joined(separator: ", ") + "]"
    case .mapping(let members):
      return "{" + members.map { "\(quoted($0.key)): \(flow($0.value))" }.joined(separator: ", ") + "}"
    }
  }

  /// JSON's strings are YAML's.
  private static func quoted(_ text: String) -> String { JSONValue.string(text).serialized() }
}
