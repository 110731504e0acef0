/// Reads the documents of a bot's project from YAML into syntax trees.
struct BotParser {
  var diagnostics = Diagnostics()

  /// The keys of steps, which no `use` may be named after.
  static let stepKeys = ["json", "format", "expect", "assert", "for", "if", "let", "set", "return"]
  static let modifierKeys = ["as", "in", "do", "else", "schema"]
  static let reserved = Set(stepKeys + modifierKeys + ["event", "it", "use", "when", "super"])
  static let kinds = ["bot", "component", "schema", "config"]

  /// How many steps a handler may have, in all its blocks.
  static let stepLimit = 1_000

  mutating func parse(_ node: YAMLNode) -> BotDocument? {
    guard node.mapping != nil else {
      diagnostics.error("expected a mapping that begins with bothost: 1", at: node.location)
      return nil
    }
    guard let kind = node["kind"]?.scalar?.text else {
      diagnostics.error(
        "the key 'kind' is missing", at: node["kind"]?.location ?? node.location,
        hint: "write kind: " + Suggestion.list(Self.kinds))
      return nil
    }
    switch kind {
    case "bot": return bot(node).map(BotDocument.bot)
    case "component": return component(node).map(BotDocument.component)
    case "config": return config(node).map(BotDocument.config)
    case "schema": return schema(node).map(BotDocument.schema)
    default:
      diagnostics.error(
        "'kind': expected \(Suggestion.list(Self.kinds)), not '\(kind)'", at: node["kind"]?.location,
        hint: Suggestion.question(about: kind, in: Self.kinds))
      return nil
    }
  }

  // MARK: Documents

  private static let bodyKeys = ["bothost", "kind", "name", "extends", "use", "state", "methods", "when", "remove"]

  private mutating func bot(_ node: YAMLNode) -> BotSyntax? {
    for key in ["args", "events"] {
      if let member = node.member(key) {
        diagnostics.error(
          "'\(key)' belongs to components", at: member.keyLocation,
          hint: key == "args"
            ? "nobody gives a bot arguments; use a configuration" : "a bot's events are those of its uses")
      }
    }
    checkKeys(node, Self.bodyKeys + ["args", "events"], "a bot")
    return body(node)
  }

  private mutating func component(_ node: YAMLNode) -> BotSyntax? {
    checkKeys(node, Self.bodyKeys + ["args", "events"], "a component")
    guard var component = body(node) else { return nil }
    component.arguments = fields(node, "args")
    for member in mapping(node, "events", "a mapping of names to events") {
      guard let event = word(member), isName(member.key, at: member.keyLocation) else { continue }
      component.events.append(EventSyntax(name: Located(member.key, at: member.keyLocation), event: event))
    }
    return component
  }

  /// What bots and components have in common.
  private mutating func body(_ node: YAMLNode) -> BotSyntax? {
    guard let name = header(node) else { return nil }
    var bot = BotSyntax(name: name, extends: word(node, "extends"))
    for member in mapping(node, "use", "a mapping of names to types") {
      if let use = use(member) { bot.uses.append(use) }
    }
    bot.state = fields(node, "state")
    for field in bot.state where field.type == .secret {
      diagnostics.error("'\(field.name.value)': a state cannot be a secret", at: field.name.location)
    }
    for member in mapping(node, "methods", "a mapping of names to methods") {
      if let method = method(member) { bot.methods.append(method) }
    }
    if let when = node["when"], !when.isNull {
      if let items = when.sequence {
        bot.handlers = items.compactMap { handler($0) }
      } else {
        diagnostics.error("'when': expected a list of handlers, not \(when.summary)", at: when.location)
      }
    }
    if let remove = node["remove"] {
      let items = remove.sequence ?? []
      if remove.sequence == nil {
        diagnostics.error("'remove': expected a list of labels, not \(remove.summary)", at: remove.location)
      }
      for item in items {
        if let text = item.scalar?.text {
          bot.remove.append(Located(text, at: item.location))
        } else {
          diagnostics.error("'remove': expected a label, not \(item.summary)", at: item.location)
        }
      }
    }
    return bot
  }

  private mutating func schema(_ node: YAMLNode) -> SchemaSyntax? {
    checkKeys(node, ["bothost", "kind", "name", "extends", "fields"], "a schema")
    guard let name = header(node) else { return nil }
    var schema = SchemaSyntax(name: name, extends: word(node, "extends"), fields: [])
    for member in mapping(node, "fields", "a mapping of names to types") {
      var decoder = FieldTypeDecoder()
      let one = YAMLNode(.mapping([member]), location: member.keyLocation)
      let decoded = decoder.fields(one, "'fields'")
      diagnostics.append(contentsOf: decoder.diagnostics)
      for field in decoded ?? [] {
        if let first = schema.fields.first(where: { $0.field.name == field.name }) {
          diagnostics.error(
            "a second field '\(field.name)'; the first is in line \(first.location.line)", at: member.keyLocation)
          continue
        }
        if field.type == .secret {
          diagnostics.error("'\(field.name)': a record cannot hold a secret", at: member.value.location)
        }
        schema.fields.append(SchemaSyntax.LocatedField(field: field, location: member.keyLocation))
      }
    }
    return schema
  }

  private mutating func config(_ node: YAMLNode) -> ConfigSyntax? {
    checkKeys(node, ["bothost", "kind", "name", "extends", "get"], "a configuration")
    guard let name = header(node) else { return nil }
    var config = ConfigSyntax(name: name, extends: word(node, "extends"), keys: [])
    for member in mapping(node, "get", "a mapping of names to types") {
      if let key = configKey(member) { config.keys.append(key) }
    }
    return config
  }

  /// `bothost: 1` and the name.
  private mutating func header(_ node: YAMLNode) -> Located<String>? {
    if case .int(1)? = node["bothost"]?.scalar?.value {
    } else {
      diagnostics.error(
        "'bothost': expected 1, the version of this format", at: node["bothost"]?.location ?? node.location)
    }
    guard let name = word(node, "name") else {
      if node["name"] == nil { diagnostics.error("the key 'name' is missing", at: node.location) }
      return nil
    }
    if let problem = NameRules.nameProblem(name.value) {
      diagnostics.error("'name': \(problem)", at: name.location)
      return nil
    }
    return name
  }

  /// A getter: a type, or what a manifest's configuration key has.
  private mutating func configKey(_ member: YAMLMember) -> ConfigKey? {
    guard isName(member.key, at: member.keyLocation) else { return nil }
    if member.value.mapping != nil {
      var checker = ShapeChecker()
      checker.check(member.value, .object(ManifestShape.configKey), "'\(member.key)'")
      diagnostics.append(contentsOf: checker.diagnostics)
      var decoder = ConfigKeyDecoder()
      let key = decoder.decode(member)
      diagnostics.append(contentsOf: decoder.diagnostics)
      return key
    }
    var key = ConfigKey(
      name: member.key, kind: .string, isRequired: false, defaultNode: nil, environment: nil, minimum: nil,
      maximum: nil, summary: "", location: member.keyLocation)
    var word = member.value.scalar?.text ?? ""
    if let items = member.value.sequence, items.count == 1, let element = items[0].scalar?.text {
      word = "[\(element)]"
    }
    if word.hasPrefix("["), word.hasSuffix("]"), ConfigKind.elementWords.contains(String(word.dropFirst().dropLast())),
      let element = ConfigKind.simple(String(word.dropFirst().dropLast()))
    {
      key.kind = .list(element)
    } else if let kind = ConfigKind.simple(word) {
      key.kind = kind
    } else {
      diagnostics.error(
        "'\(member.key)': expected a type, not \(member.value.summary)", at: member.value.location,
        hint: Suggestion.hint(for: word, in: ConfigKind.words))
      return nil
    }
    return key
  }

  mutating func word(_ node: YAMLNode, _ key: String) -> Located<String>? {
    node.member(key).flatMap { word($0) }
  }

  mutating func word(_ member: YAMLMember) -> Located<String>? {
    switch member.value.scalar?.value {
    case .string, .int, .float:
      return member.value.scalar.map { Located($0.text, at: member.value.location) }
    default:
      diagnostics.error("'\(member.key)': expected a name, not \(member.value.summary)", at: member.value.location)
      return nil
    }
  }

  mutating func mapping(_ node: YAMLNode, _ key: String, _ expected: String) -> [YAMLMember] {
    guard let value = node[key], !value.isNull else { return [] }
    guard let members = value.mapping else {
      diagnostics.error("'\(key)': expected \(expected), not \(value.summary)", at: value.location)
      return []
    }
    return members
  }

  mutating func checkKeys(_ node: YAMLNode, _ keys: [String], _ what: String) {
    for member in node.mapping ?? [] where !keys.contains(member.key) {
      let typo = member.key == "on" ? "did you mean '\(keys.contains("event") ? "event" : "when")'?" : nil
      diagnostics.error(
        "unknown key '\(member.key)' in \(what)", at: member.keyLocation,
        hint: typo ?? Suggestion.hint(for: member.key, in: keys))
    }
  }

  /// Whether a text is a name; reports it when not.
  mutating func isName(_ text: String, at location: SourceLocation) -> Bool {
    guard let problem = NameRules.nameProblem(text) else { return true }
    diagnostics.error("'\(text)' is no name: \(problem)", at: location)
    return false
  }

  /// The same for what is read as `${name}`, where words of the language mean something else.
  mutating func isFreeName(_ text: String, at location: SourceLocation, _ what: String) -> Bool {
    guard isName(text, at: location) else { return false }
    guard Self.reserved.contains(text) else { return true }
    diagnostics.error("'\(text)' is a word of the language and cannot name \(what)", at: location)
    return false
  }
}
