/// What the names under `use` stand for.
enum BotUse: Sendable {
  case plugin(PluginUse)
  case config(ConfigUse)
  /// Of `BotCompiler.namespaces`.
  case component(Int)
  /// Another bot: of `BotCompiler.namespaces`.
  case bot(Int)
  /// The host's own `StdOut`.
  case standardOutput
  /// Not looked at yet: arguments cannot read it.
  case waiting(type: String)
  /// Its error has been reported; nothing that names it is looked at again.
  case broken

  struct PluginUse: Sendable {
    var requirement: Int
    /// As the bot names it: `chat`, `chat.socket`, `commands.chat`.
    var path: String
    var manifest: Manifest
    var type: BotType
    /// What each argument is, by name, in words that are the same for the same value: what tells endpoints apart.
    var arguments: [String: String]
  }

  struct ConfigUse: Sendable {
    var config: Int
    var keys: [ConfigKey]
  }
}

/// Types that the host itself brings.
enum BuiltInType {
  static let standardOutput = "StdOut"
  static let names = [standardOutput]

  /// `stdout.write` takes any value; a text is written as it is, everything else as JSON.
  static let write = Field("text", .any)
}

extension BotCompiler {
  /// Looks up the types of all uses, configurations first, because the others' arguments read them.
  mutating func compileUses(_ uses: [UseSyntax]) -> [(label: String, node: BotHashNode)] {
    var nodes: [(label: String, node: BotHashNode)] = []
    var seen: [String: Int] = [:]
    var waiting: [(use: UseSyntax, found: UseTarget)] = []
    for use in uses {
      let name = use.name.value
      if let line = seen[name] {
        diagnostics.error("a second use '\(name)'; the first is in line \(line)", at: use.name.location)
        continue
      }
      seen[name] = use.name.location.line
      if names.states[name] != nil || names.arguments[name] != nil {
        let other = names.states[name] != nil ? "a state" : "an argument"
        diagnostics.error("'\(name)' is a use and \(other)", at: use.name.location, hint: "choose another name")
      }
      namespaces[current].uses[name] = .broken
      guard let found = target(of: use) else { continue }
      switch found {
      case .standardOutput:
        for argument in use.arguments {
          diagnostics.error("StdOut has no argument '\(argument.name.value)'", at: argument.name.location)
        }
        namespaces[current].uses[name] = .standardOutput
        nodes.append((name, BotHashNode("use", fields: ["type": .string(use.type.value)])))
      case .config(let config): nodes.append((name, compileConfig(use, config)))
      default:
        namespaces[current].uses[name] = .waiting(type: use.type.value)
        waiting.append((use, found))
      }
    }
    for (use, found) in waiting {
      let name = use.name.value
      switch found {
      case .plugin(let manifest, let type): nodes.append((name, compileInstance(use, manifest, type)))
      case .component(let component, let file):
        if let node = compileComponent(use, component, file: file) { nodes.append((name, node)) }
      case .bot(let bot, let file):
        if let node = compileOther(use, bot, file: file) { nodes.append((name, node)) }
      default: break
      }
    }
    return nodes
  }

  /// What a use's type is.
  private enum UseTarget {
    case standardOutput
    case config(ConfigSyntax)
    case component(BotSyntax, file: String)
    case bot(BotSyntax, file: String)
    case plugin(Manifest, BotType)
  }

  private mutating func target(of use: UseSyntax) -> UseTarget? {
    let name = use.type
    if !use.isBot, name.value == BuiltInType.standardOutput { return .standardOutput }
    guard let entry = project.document(name.value) else {
      if use.isBot {
        diagnostics.error(
          "there is no bot '\(name.value)'", at: name.location,
          hint: Suggestion.hint(
            for: name.value,
            in: project.names { if case .bot(let bot) = $0 { !openNames.contains(bot.name.value) } else { false } }))
        return nil
      }
      return pluginType(name).map { UseTarget.plugin($0.0, $0.1) }
    }
    usedFiles.insert(entry.file)
    switch (entry.document, use.isBot) {
    case (.config(let config), false): return .config(config)
    case (.component(let component), false): return .component(component, file: entry.file)
    case (.bot(let bot), true): return .bot(bot, file: entry.file)
    case (.bot, false):
      diagnostics.error(
        "'\(name.value)' is a bot, not a type", at: name.location,
        hint: "another bot is used with {bot: \(name.value)}")
    case (let document, _):
      let hint: String? =
        switch document {
        case .schema: "a schema is named by 'schema' beside 'json'"
        default: "write {type: \(name.value)}"
        }
      diagnostics.error(
        "'\(name.value)' is \(document.summary), not \(use.isBot ? "a bot" : "a type")", at: name.location, hint: hint)
    }
    return nil
  }

  /// The type of that name in the manifests. Nil and a diagnostic when there is none.
  mutating func pluginType(_ name: Located<String>) -> (Manifest, BotType)? {
    var found: [(Manifest, BotType)] = []
    for manifest in manifests {
      for type in manifest.types where type.name == name.value || "\(manifest.plugin).\(type.name)" == name.value {
        found.append((manifest, type))
      }
    }
    if found.count > 1 {
      let choices = found.map { "\($0.0.plugin).\($0.1.name)" }
      diagnostics.error(
        "the type '\(name.value)' is in several plugins", at: name.location, hint: "write " + Suggestion.list(choices))
      return nil
    }
    if let found = found.first { return found }
    let known =
      manifests.flatMap { $0.types.map(\.name) } + BuiltInType.names
      + project.names { document in
        switch document {
        case .config, .component: true
        case .bot, .schema: false
        }
      }
    diagnostics.error(
      "there is no type '\(name.value)'", at: name.location, hint: Suggestion.hint(for: name.value, in: Set(known)))
    return nil
  }

  private mutating func compileConfig(_ use: UseSyntax, _ config: ConfigSyntax) -> BotHashNode {
    let keys = inheritance.keys(of: config)
    var values = ConfigurationOverrides()
    var identity = config.name.value
    for argument in use.arguments {
      if argument.name.value == "file" {
        guard case .literal(let name, let location) = argument.value else {
          diagnostics.error("'file': expected a file's name", at: argument.value.location)
          continue
        }
        let path = BotProject.path(name.text, from: names.file)
        identity += " \(path)"
        if let node = project.values[path] {
          values = ConfigurationOverrides(node)
        } else if !project.sources.contains(where: { $0.name == path }), !project.diagnostics.hasErrors {
          diagnostics.error("there is no file '\(name.text)'", at: location)
        }
      } else {
        diagnostics.error(
          "the configuration '\(config.name.value)' has no argument '\(argument.name.value)'",
          at: argument.name.location,
          hint: Suggestion.question(about: argument.name.value, in: ["file"])
            ?? "its values stand in a file: file: NAME.yaml")
      }
    }
    let schema = ConfigurationSchema(owner: "the configuration '\(config.name.value)'", keys: keys)
    configs.append(
      BotConfigUse(
        name: names.prefix + use.name.value, schema: schema, values: values, identity: identity,
        location: use.name.location))
    namespaces[current].uses[use.name.value] = .config(BotUse.ConfigUse(config: configs.count - 1, keys: keys))
    var fields: JSONObject = ["type": .string(config.name.value)]
    if let parent = config.extends { fields["extends"] = .string(parent.value) }
    return BotHashNode("use", fields: fields)
  }

  private mutating func compileInstance(_ use: UseSyntax, _ manifest: Manifest, _ type: BotType) -> BotHashNode {
    var arguments: [BotInstanceArgument] = []
    var hashes = JSONObject()
    for argument in use.arguments {
      let name = argument.name.value
      guard let field = type.arguments.named(name) else {
        diagnostics.error(
          "\(type.name) has no argument '\(name)'", at: argument.name.location,
          hint: Suggestion.hint(for: name, in: type.arguments.map(\.name)))
        continue
      }
      guard hashes[name] == nil, let value = self.argument(argument, field) else { continue }
      hashes[name] = value.hash
      arguments.append(
        BotInstanceArgument(
          name: name, value: value.operand, isSecret: value.type == .secret, location: argument.value.location))
    }
    let plugin = requireInstance(
      manifest, type, path: names.prefix + use.name.value, instance: "\(names.instance).\(use.name.value)",
      arguments: arguments, given: use.arguments.map(\.name.value), at: use.name.location)
    namespaces[current].uses[use.name.value] = .plugin(plugin)
    var fields: JSONObject = ["type": .string(use.type.value)]
    if !hashes.isEmpty { fields["args"] = .object(hashes) }
    return BotHashNode("use", fields: fields)
  }

  /// The value of an argument of a use.
  mutating func argument(_ argument: ArgumentSyntax, _ field: Field) -> TypedExpression? {
    let outer = body.take()
    defer { body = outer }
    guard let value = expression(argument.value, for: field.type, "'\(field.name)'") else { return nil }
    if field.type == .secret, value.type != .secret {
      diagnostics.add(
        Diagnostic(
          .error, "'\(field.name)' is a secret and must not be written into a file", at: argument.value.location,
          hint: "read it from a getter of type secret: ${config.\(field.name)}", hidesSource: true))
      return nil
    }
    return value
  }

  /// Notes that the bot needs an instance of a plugin.
  mutating func requireInstance(
    _ manifest: Manifest, _ type: BotType, path: String, instance: String, arguments: [BotInstanceArgument],
    given: [String], at location: SourceLocation
  ) -> BotUse.PluginUse {
    for key in manifest.config
    where key.isRequired && key.environment == nil && type.arguments.named(key.name) != nil
      && !given.contains(key.name)
    {
      diagnostics.error(
        "'use.\(path)': the argument '\(key.name)' of \(type.name) is missing", at: location,
        hint: key.summary.isEmpty ? nil : key.summary)
    }
    if let problem = NameRules.instanceProblem(instance) {
      diagnostics.error("'\(instance)' cannot name an instance: \(problem)", at: location)
    }
    requirements.append(
      BotInstanceRequirement(
        instance: instance, use: path, plugin: manifest.plugin, type: type.name, location: location,
        arguments: arguments))
    let plugin = BotUse.PluginUse(
      requirement: requirements.count - 1, path: path, manifest: manifest, type: type,
      arguments: Dictionary(
        arguments.map { ($0.name, identity(of: $0.value)) }, uniquingKeysWith: { first, _ in first }))
    plugins.append(plugin)
    return plugin
  }

  /// What an argument's value is, in words that are the same for the same value wherever it is read.
  private func identity(of operand: BotOperand) -> String {
    switch operand {
    case .constant(let index):
      let constant = constants[index]
      switch constant.source {
      case .getter(let config, let key):
        return "\(configs[config].identity) \(([key] + constant.path).joined(separator: "."))"
      case .argument(let value):
        return ([identity(of: value)] + constant.path).joined(separator: ".")
      }
    case .text(let pieces):
      return pieces.map { piece in
        switch piece {
        case .escaped(let text): String(decoding: text, as: UTF8.self)
        case .value(let value): "${\(identity(of: value))}"
        }
      }.joined()
    case .literal(let text): return String(decoding: text, as: UTF8.self)
    case .list(let items): return "[" + items.map { identity(of: $0) }.joined(separator: ",") + "]"
    case .object(let members):
      let texts = members.map { String(decoding: $0.name, as: UTF8.self) + identity(of: $0.value) }
      return "{" + texts.sorted().joined(separator: ",") + "}"
    case .field, .local, .state, .member: return "\(operand)"
    }
  }
}
