/// What the names under `use` stand for.
enum BotUse: Sendable {
  case plugin(PluginUse)
  case config(ConfigUse)
  /// The host's own `StdOut`.
  case standardOutput
  /// Of a plugin, not looked at yet: arguments cannot read it.
  case waiting(type: String)
  /// Its error has been reported; nothing that names it is looked at again.
  case broken

  struct PluginUse: Sendable {
    var requirement: Int
    var manifest: Manifest
    var type: BotType
    /// Canonical JSON of each argument, by name: what tells endpoints apart.
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
    var waiting: [(UseSyntax, Manifest, BotType)] = []
    for use in uses {
      if let line = seen[use.name.value] {
        diagnostics.error("a second use '\(use.name.value)'; the first is in line \(line)", at: use.name.location)
        continue
      }
      seen[use.name.value] = use.name.location.line
      self.uses[use.name.value] = .broken
      if use.type.value == BuiltInType.standardOutput {
        for argument in use.arguments {
          diagnostics.error("StdOut has no argument '\(argument.name.value)'", at: argument.name.location)
        }
        self.uses[use.name.value] = .standardOutput
        nodes.append((use.name.value, BotHashNode("use", fields: ["type": .string(use.type.value)])))
      } else if let entry = project.document(use.type.value) {
        guard case .config(let config) = entry.document else {
          diagnostics.error("'\(use.type.value)' is a bot, not a type", at: use.type.location)
          continue
        }
        usedFiles.insert(entry.file)
        nodes.append((use.name.value, compileConfig(use, config)))
      } else if let (manifest, type) = pluginType(use.type) {
        self.uses[use.name.value] = .waiting(type: type.name)
        waiting.append((use, manifest, type))
      }
    }
    for (use, manifest, type) in waiting { nodes.append((use.name.value, compileInstance(use, manifest, type))) }
    return nodes
  }

  private mutating func pluginType(_ name: Located<String>) -> (Manifest, BotType)? {
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
      + (project.main + project.beside).compactMap { entry in
        if case .config(let config) = entry.document { return config.name.value }
        return nil
      }
    diagnostics.error(
      "there is no type '\(name.value)'", at: name.location, hint: Suggestion.hint(for: name.value, in: Set(known)))
    return nil
  }

  private mutating func compileConfig(_ use: UseSyntax, _ config: ConfigSyntax) -> BotHashNode {
    let keys = inheritance.keys(of: config)
    var values = ConfigurationOverrides()
    for argument in use.arguments {
      if argument.name.value == "file" {
        guard case .literal(let name, let location) = argument.value else {
          diagnostics.error("'file': expected a file's name", at: argument.value.location)
          continue
        }
        let path = BotProject.path(name.text, from: file)
        if let node = project.values[path] {
          values = ConfigurationOverrides(node)
        } else if !project.sources.contains(where: { $0.name == path }), !project.diagnostics.hasErrors {
          diagnostics.error("there is no file '\(name.text)'", at: location)
        }
      } else {
        diagnostics.error(
          "the configuration '\(config.name.value)' has no argument '\(argument.name.value)'",
          at: argument.name.location,
          hint: Suggestion.nearest(to: argument.name.value, in: ["file"]).map { "did you mean '\($0)'?" }
            ?? "its values stand in a file: file: NAME.yaml")
      }
    }
    let schema = ConfigurationSchema(owner: "the configuration '\(config.name.value)'", keys: keys)
    configs.append(BotConfigUse(name: use.name.value, schema: schema, values: values, location: use.name.location))
    uses[use.name.value] = .config(BotUse.ConfigUse(config: configs.count - 1, keys: keys))
    var fields: JSONObject = ["type": .string(config.name.value)]
    if let parent = config.extends { fields["extends"] = .string(parent.value) }
    return BotHashNode("use", fields: fields)
  }

  private mutating func compileInstance(_ use: UseSyntax, _ manifest: Manifest, _ type: BotType) -> BotHashNode {
    var arguments: [BotInstanceArgument] = []
    var hashes = JSONObject()
    scope = .arguments
    for argument in use.arguments {
      let name = argument.name.value
      guard let field = type.arguments.named(name) else {
        diagnostics.error(
          "\(type.name) has no argument '\(name)'", at: argument.name.location,
          hint: Suggestion.hint(for: name, in: type.arguments.map(\.name)))
        continue
      }
      guard hashes[name] == nil, let value = expression(argument.value, for: field.type, "'\(name)'") else { continue }
      if field.type == .secret, value.type != .secret {
        diagnostics.add(
          Diagnostic(
            .error, "'\(name)' is a secret and must not be written into a file", at: argument.value.location,
            hint: "read it from a getter of type secret: ${config.\(name)}", hidesSource: true))
        continue
      }
      hashes[name] = value.hash
      arguments.append(
        BotInstanceArgument(
          name: name, value: value.operand, isSecret: value.type == .secret, location: argument.value.location))
    }
    for key in manifest.config
    where key.isRequired && key.environment == nil && type.arguments.named(key.name) != nil
      && use.argument(key.name) == nil
    {
      diagnostics.error(
        "'use.\(use.name.value)': the argument '\(key.name)' of \(type.name) is missing", at: use.name.location,
        hint: key.summary.isEmpty ? nil : key.summary)
    }
    let instance = "\(botName).\(use.name.value)"
    if let problem = NameRules.instanceProblem(instance) {
      diagnostics.error("'\(instance)' cannot name an instance: \(problem)", at: use.name.location)
    }
    requirements.append(
      BotInstanceRequirement(
        instance: instance, use: use.name.value, plugin: manifest.plugin, type: type.name, location: use.name.location,
        arguments: arguments))
    uses[use.name.value] = .plugin(
      BotUse.PluginUse(
        requirement: requirements.count - 1, manifest: manifest, type: type,
        arguments: Dictionary(uniqueKeysWithValues: hashes.map { ($0.key, $0.value.canonical()) })))
    var fields: JSONObject = ["type": .string(use.type.value)]
    if !hashes.isEmpty { fields["args"] = .object(hashes) }
    return BotHashNode("use", fields: fields)
  }
}
