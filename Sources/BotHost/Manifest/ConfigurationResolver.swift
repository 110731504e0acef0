/// What a host's configuration file or a bot gives for one instance, over the manifest's defaults.
public struct ConfigurationOverrides: Sendable {
  /// What a key is given.
  public enum Value: Sendable {
    /// As written; may contain `${NAME}`.
    case node(YAMLNode)
    /// Computed by a bot.
    case json(JSONValue)
    case secret(Secret)
  }

  /// One key.
  public struct Entry: Sendable {
    public var name: String
    public var value: Value
    public var location: SourceLocation?

    public init(_ name: String, _ value: Value, at location: SourceLocation? = nil) {
      self.name = name
      self.value = value
      self.location = location
    }
  }

  public var entries: [Entry]

  public init(_ entries: [Entry] = []) { self.entries = entries }

  /// The members of a `config:` mapping.
  public init(_ node: YAMLNode?) {
    entries = (node?.mapping ?? []).map { Entry($0.key, .node($0.value), at: $0.keyLocation) }
  }

  /// Values that a program gives.
  public init(_ object: JSONObject) {
    entries = object.map { Entry($0.key, .json($0.value)) }
  }
}

/// A configuration that is complete and checked.
public struct ResolvedConfiguration: Sendable {
  /// Defaults applied; a secret stands there as `{"$secret": name}`. Keys without a value are left out.
  public var json: JSONValue
  /// The secrets by the name that `json` gives them.
  public var secrets: [String: Secret]

  /// The keys whose values another one had differently or not at all, or had and are gone; sorted.
  func changes(from other: ResolvedConfiguration) -> [String] {
    var keys = Set(secrets.keys).union(other.secrets.keys)
    for object in [json.object, other.json.object] { keys.formUnion((object ?? JSONObject()).map(\.key)) }
    return keys.filter { json[$0] != other.json[$0] || secrets[$0] != other.secrets[$0] }.sorted()
  }
}

extension Manifest {
  /// Applies overrides, environment variables and defaults, in this order of precedence, and checks the result.
  ///
  /// - Parameter place: where to point when a required key is given nowhere; the manifest itself when nil.
  /// - Returns: nil when there is an error, which is then in `diagnostics`. No diagnostic contains a secret.
  public func resolveConfiguration(
    overrides: ConfigurationOverrides = ConfigurationOverrides(), environment: Environment,
    place: SourceLocation? = nil, diagnostics: inout Diagnostics
  ) -> ResolvedConfiguration? {
    ConfigurationSchema(owner: "the plugin '\(plugin)'", keys: config).resolve(
      overrides: overrides, environment: environment, place: place, diagnostics: &diagnostics)
  }
}

/// The keys of a configuration and what they belong to.
struct ConfigurationSchema: Sendable {
  /// For messages: `the plugin 'twitch'`.
  var owner: String
  var keys: [ConfigKey]

  /// Applies overrides, environment variables and defaults, in this order of precedence, and checks the result.
  ///
  /// - Parameter place: where to point when a required key is given nowhere; the manifest itself when nil.
  /// - Returns: nil when there is an error, which is then in `diagnostics`. No diagnostic contains a secret.
  func resolve(
    overrides: ConfigurationOverrides, environment: Environment,
    place: SourceLocation?, diagnostics: inout Diagnostics
  ) -> ResolvedConfiguration? {
    let before = diagnostics.errorCount
    var given: [String: ConfigurationOverrides.Entry] = [:]
    for entry in overrides.entries {
      guard keys.contains(where: { $0.name == entry.name }) else {
        diagnostics.error(
          "\(owner) has no configuration key '\(entry.name)'", at: entry.location,
          hint: Suggestion.hint(for: entry.name, in: keys.map(\.name)))
        continue
      }
      if case .node(let node) = entry.value, node.isNull { continue }
      if given.updateValue(entry, forKey: entry.name) != nil {
        diagnostics.error("the configuration key '\(entry.name)' is given twice", at: entry.location)
      }
    }
    var object = JSONObject()
    var secrets: [String: Secret] = [:]
    for key in keys {
      if key.kind == .secret {
        if let secret = secret(key, given[key.name], environment, &diagnostics) {
          secrets[key.name] = secret
          object[key.name] = .object(["$secret": .string(key.name)])
          continue
        }
      } else {
        var parser = ConfigValueParser(key: key, environment: environment)
        let value = Self.value(key, given[key.name], environment, &parser)
        diagnostics.append(contentsOf: parser.diagnostics)
        if let value {
          object[key.name] = value
          continue
        }
        if parser.diagnostics.hasErrors { continue }
      }
      if key.isRequired, diagnostics.errorCount == before || given[key.name] == nil {
        diagnostics.error(
          "the configuration key '\(key.name)' of \(owner) has no value", at: place ?? key.location,
          hint: key.environment.map { "give it under 'config', or set the environment variable \($0)" }
            ?? "give it under 'config'")
      }
    }
    guard diagnostics.errorCount == before else { return nil }
    return ResolvedConfiguration(json: .object(object), secrets: secrets)
  }

  private static func value(
    _ key: ConfigKey, _ entry: ConfigurationOverrides.Entry?, _ environment: Environment,
    _ parser: inout ConfigValueParser
  ) -> JSONValue? {
    switch entry?.value {
    case .node(let node)?: return parser.parse(node)
    case .json(let value)?: return parser.parse(json: value, at: entry?.location)
    case .secret?:
      parser.diagnostics.error(
        "a secret may only be given to a configuration key of type secret; '\(key.name)' is a \(key.kind.noun)",
        at: entry?.location)
      return nil
    case nil:
      if let name = key.environment, let text = environment[name], !text.isEmpty {
        return parser.parse(text: text, from: name, at: key.location)
      }
      return key.defaultNode.flatMap { parser.parse($0) }
    }
  }

  /// A secret comes from the environment, never from the file's own text.
  private func secret(
    _ key: ConfigKey, _ entry: ConfigurationOverrides.Entry?, _ environment: Environment,
    _ diagnostics: inout Diagnostics
  ) -> Secret? {
    func refuse(_ message: String, at location: SourceLocation?) -> Secret? {
      let hint = "write \(key.name): \"${\(key.environment ?? ConfigKeyDecoder.variableName(key.name))}\""
      diagnostics.add(Diagnostic(.error, message, at: location, hint: hint, hidesSource: true))
      return nil
    }
    switch entry?.value {
    case .secret(let secret)?: return secret
    case .json?:
      return refuse("'\(key.name)' is a secret and cannot be computed from plain values", at: entry?.location)
    case .node(let node)?:
      if let from = node["from"]?.scalar?.text, node.mapping?.count == 1, Environment.isName(from) {
        guard let text = environment[from], !text.isEmpty else {
          return refuse("'\(key.name)': the environment variable \(from) is not set", at: node.location)
        }
        return Secret(text)
      }
      guard case .string(let raw)? = node.scalar?.value else {
        return refuse("'\(key.name)' is a secret; it must come from the environment", at: node.location)
      }
      guard let template = try? EnvironmentTemplate(raw), template.hasVariables else {
        return refuse("'\(key.name)' is a secret and must not be written into a file", at: node.location)
      }
      switch template.expand(environment) {
      case .success(let text): return text.isEmpty ? nil : Secret(text)
      case .failure(let missing):
        return refuse("'\(key.name)': the environment variable \(missing.names[0]) is not set", at: node.location)
      }
    case nil:
      guard let name = key.environment, let text = environment[name], !text.isEmpty else { return nil }
      return Secret(text)
    }
  }
}
