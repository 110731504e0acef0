/// Reads the documents of a bot's project from YAML into syntax trees.
struct BotParser {
  var diagnostics = Diagnostics()

  /// The keys of steps, which no `use` may be named after.
  static let stepKeys = ["json", "expect", "assert", "for", "if", "let", "set", "return"]
  static let modifierKeys = ["as", "in", "do", "else", "schema"]
  static let reserved = Set(stepKeys + modifierKeys + ["event", "it", "use", "when", "super"])

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
        hint: "write kind: bot or kind: config")
      return nil
    }
    switch kind {
    case "bot": return bot(node).map(BotDocument.bot)
    case "config": return config(node).map(BotDocument.config)
    case "component", "schema":
      diagnostics.error(
        "kind: \(kind) is not carried out by this version", at: node["kind"]?.location,
        hint: kind == "component"
          ? "a component's events and methods come from a plugin's manifest"
          : "leave 'schema' out; records are checked by use")
      return nil
    default:
      diagnostics.error(
        "'kind': expected bot or config, not '\(kind)'", at: node["kind"]?.location,
        hint: Suggestion.nearest(to: kind, in: ["bot", "config"]).map { "did you mean '\($0)'?" })
      return nil
    }
  }

  // MARK: Documents

  private mutating func bot(_ node: YAMLNode) -> BotSyntax? {
    checkKeys(node, ["bothost", "kind", "name", "extends", "use", "when", "remove", "methods", "state"], "a bot")
    for key in ["methods", "state"] {
      if let member = node.member(key) {
        diagnostics.error(
          "'\(key)' belongs to components, which this version does not carry out", at: member.keyLocation)
      }
    }
    guard let name = header(node) else { return nil }
    var bot = BotSyntax(name: name, extends: word(node, "extends"), uses: [], handlers: [], remove: [])
    for member in mapping(node, "use", "a mapping of names to types") {
      if let use = use(member) { bot.uses.append(use) }
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
        if let text = item.scalar?.text { bot.remove.append(Located(text, at: item.location)) }
      }
    }
    return bot
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
    if let problem = NameRules.nameProblem(member.key) {
      diagnostics.error("'\(member.key)' is no name: \(problem)", at: member.keyLocation)
      return nil
    }
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

  private mutating func use(_ member: YAMLMember) -> UseSyntax? {
    let name = Located(member.key, at: member.keyLocation)
    if let problem = NameRules.nameProblem(name.value) {
      diagnostics.error("'\(name.value)' is no name: \(problem)", at: name.location)
      return nil
    }
    if Self.reserved.contains(name.value) {
      diagnostics.error("'\(name.value)' is a word of the language and cannot name a use", at: name.location)
      return nil
    }
    // `stdout: StdOut` is short for `stdout: {type: StdOut}`.
    if let scalar = member.value.scalar, case .string(let type) = scalar.value {
      return UseSyntax(name: name, type: Located(type, at: member.value.location), arguments: [])
    }
    guard let members = member.value.mapping else {
      diagnostics.error(
        "'use.\(name.value)': expected {type: TYPE, …}, not \(member.value.summary)", at: member.value.location)
      return nil
    }
    if let bot = member.value.member("bot") {
      diagnostics.error("the use of another bot is not carried out by this version", at: bot.keyLocation)
      return nil
    }
    guard let type = word(member.value, "type") else {
      if member.value["type"] == nil {
        diagnostics.error("'use.\(name.value)': the key 'type' is missing", at: member.value.location)
      }
      return nil
    }
    var use = UseSyntax(name: name, type: type, arguments: [])
    for argument in members where argument.key != "type" {
      if let value = expression(argument.value) {
        use.arguments.append(ArgumentSyntax(name: Located(argument.key, at: argument.keyLocation), value: value))
      }
    }
    return use
  }

  // MARK: Handlers and steps

  private mutating func handler(_ node: YAMLNode) -> HandlerSyntax? {
    guard node.mapping != nil else {
      diagnostics.error("expected a handler: {event: …, do: […]}, not \(node.summary)", at: node.location)
      return nil
    }
    checkKeys(node, ["event", "name", "do", "super"], "a handler")
    guard let event = word(node, "event") else {
      if node["event"] == nil {
        // YAML 1.1 readers made `on` a truth value; people still write it.
        diagnostics.error("the key 'event' is missing in a handler", at: node.location)
      }
      return nil
    }
    let name = word(node, "name")
    if let name,
      let problem = NameRules.nameProblem(name.value)
        ?? (name.value.first?.isNumber == true ? "a handler's name begins with a letter" : nil)
    {
      diagnostics.error("'name': \(problem)", at: name.location)
    }
    var callsSuper: Located<Bool>?
    if let node = node["super"] {
      if case .bool(let flag)? = node.scalar?.value {
        callsSuper = Located(flag, at: node.location)
      } else {
        diagnostics.error("'super': expected true or false, not \(node.summary)", at: node.location)
      }
    }
    guard let body = node["do"] else {
      diagnostics.error("the key 'do' is missing in the handler of \(event.value)", at: node.location)
      return HandlerSyntax(event: event, name: name, callsSuper: callsSuper, steps: [], location: node.location)
    }
    var count = 0
    let steps = self.steps(body, &count)
    return HandlerSyntax(event: event, name: name, callsSuper: callsSuper, steps: steps, location: node.location)
  }

  private mutating func steps(_ node: YAMLNode, _ count: inout Int) -> [StepSyntax] {
    // A single step may stand without the list.
    let items = node.sequence ?? (node.mapping != nil ? [node] : nil)
    guard let items else {
      if !node.isNull { diagnostics.error("expected a list of steps, not \(node.summary)", at: node.location) }
      return []
    }
    var steps: [StepSyntax] = []
    for item in items {
      count += 1
      guard count <= Self.stepLimit else {
        diagnostics.error("a handler has at most \(Self.stepLimit) steps", at: item.location)
        return steps
      }
      if let step = step(item, &count) { steps.append(step) }
    }
    return steps
  }

  private mutating func step(_ node: YAMLNode, _ count: inout Int) -> StepSyntax? {
    guard let members = node.mapping else {
      diagnostics.error(
        "expected a step such as chat.say: {…}, not \(node.summary)", at: node.location,
        hint: node.scalar.map { $0.text.contains(":") ? "put a blank after ':'" : "put ':' after the method's name" }
          ?? nil)
      return nil
    }
    let actions = members.filter { !Self.modifierKeys.contains($0.key) }
    guard let first = actions.first else {
      diagnostics.error(
        "a step has one key that says what it does", at: node.location, hint: "such as chat.say or expect")
      return nil
    }
    for extra in actions.dropFirst() {
      diagnostics.error(
        "a step does one thing; '\(first.key)' and '\(extra.key)' are two", at: extra.keyLocation,
        hint: "begin a new step with '-'")
    }
    let allowed: [String] =
      switch first.key {
      case "for": ["in", "do"]
      case "if": ["do", "else"]
      case "json": ["as", "schema"]
      case "expect", "assert", "let", "set", "return": []
      default: ["as"]
      }
    for member in members where Self.modifierKeys.contains(member.key) && !allowed.contains(member.key) {
      diagnostics.error("'\(member.key)' does not belong to '\(first.key)'", at: member.keyLocation)
    }
    let result = allowed.contains("as") ? word(node, "as") : nil
    guard let action = action(first, node, &count) else { return nil }
    return StepSyntax(action: action, result: result, location: first.keyLocation)
  }

  private mutating func action(_ member: YAMLMember, _ node: YAMLNode, _ count: inout Int) -> ActionSyntax? {
    switch member.key {
    case "json":
      if let schema = node.member("schema") {
        diagnostics.error("schemas are not carried out by this version", at: schema.keyLocation)
      }
      guard let fields = named(member.value, "json") else { return nil }
      return .json(fields: fields)
    case "expect": return test(member.value, "expect").map(ActionSyntax.expect)
    case "assert": return test(member.value, "assert").map(ActionSyntax.assert)
    case "for":
      guard let variable = word(member) else { return nil }
      guard let list = node["in"] else {
        diagnostics.error("'for' needs the list: in: ${…}", at: member.keyLocation)
        return nil
      }
      guard let body = node["do"] else {
        diagnostics.error("'for' needs its steps: do: […]", at: member.keyLocation)
        return nil
      }
      let source = expression(list)
      let steps = self.steps(body, &count)
      return source.map { .forEach(variable: variable, list: $0, steps: steps) }
    case "if":
      guard let body = node["do"] else {
        diagnostics.error("'if' needs its steps: do: […]", at: member.keyLocation)
        return nil
      }
      let test = test(member.value, "if")
      let then = steps(body, &count)
      let otherwise = node["else"].map { steps($0, &count) } ?? []
      return test.map { .branch($0, then: then, otherwise: otherwise) }
    case "let": return named(member.value, "let").map(ActionSyntax.bind)
    case "set": return named(member.value, "set").map(ActionSyntax.set)
    case "return": return expression(member.value).map(ActionSyntax.result)
    default:
      guard member.key.contains(".") else {
        diagnostics.error(
          "unknown step '\(member.key)'", at: member.keyLocation,
          hint: Suggestion.nearest(to: member.key, in: Self.stepKeys).map { "did you mean '\($0)'?" }
            ?? "a call is written USE.METHOD, such as chat.say")
        return nil
      }
      if member.value.isNull { return .call(target: member.key, arguments: .none) }
      if member.value.mapping != nil {
        return named(member.value, member.key).map { .call(target: member.key, arguments: .named($0)) }
      }
      return expression(member.value).map { .call(target: member.key, arguments: .single($0)) }
    }
  }

  private mutating func test(_ node: YAMLNode, _ what: String) -> TestSyntax? {
    guard let members = node.mapping else {
      return expression(node).map { TestSyntax(value: $0, operations: []) }
    }
    let names = TestSyntax.Operation.allCases.map(\.rawValue)
    var value: ExpressionSyntax?
    var operations: [(TestSyntax.Operation, ExpressionSyntax)] = []
    var isWhole = true
    for member in members {
      guard let expression = expression(member.value) else {
        isWhole = false
        continue
      }
      if member.key == "value" {
        value = expression
      } else if let operation = TestSyntax.Operation(rawValue: member.key) {
        operations.append((operation, expression))
      } else {
        diagnostics.error(
          "unknown test '\(member.key)' in '\(what)'", at: member.keyLocation,
          hint: Suggestion.hint(for: member.key, in: names + ["value"]))
        isWhole = false
      }
    }
    guard isWhole else { return nil }
    guard let value else {
      diagnostics.error("'\(what)': the key 'value' is missing", at: node.location, hint: "what is to be tested?")
      return nil
    }
    // The order of the tests means nothing, so it must not change the hash or the messages.
    return TestSyntax(value: value, operations: operations.sorted { $0.0.rawValue < $1.0.rawValue })
  }

  // MARK: Values

  mutating func expression(_ node: YAMLNode) -> ExpressionSyntax? {
    switch node.content {
    case .scalar(let scalar): return TemplateParser.parse(scalar, at: node.location, diagnostics: &diagnostics)
    case .sequence(let items):
      let values = items.map { expression($0) }
      return values.contains { $0 == nil } ? nil : .list(values.compactMap { $0 }, node.location)
    case .mapping: return named(node, "").map { .map($0, node.location) }
    }
  }

  private mutating func named(_ node: YAMLNode, _ what: String) -> [ArgumentSyntax]? {
    guard let members = node.mapping else {
      diagnostics.error("'\(what)': expected a mapping of names to values, not \(node.summary)", at: node.location)
      return nil
    }
    var arguments: [ArgumentSyntax] = []
    var isWhole = true
    for member in members {
      if let value = expression(member.value) {
        arguments.append(ArgumentSyntax(name: Located(member.key, at: member.keyLocation), value: value))
      } else {
        isWhole = false
      }
    }
    return isWhole ? arguments : nil
  }

  private mutating func word(_ node: YAMLNode, _ key: String) -> Located<String>? {
    node.member(key).flatMap { word($0) }
  }

  private mutating func word(_ member: YAMLMember) -> Located<String>? {
    switch member.value.scalar?.value {
    case .string, .int, .float:
      return member.value.scalar.map { Located($0.text, at: member.value.location) }
    default:
      diagnostics.error("'\(member.key)': expected a name, not \(member.value.summary)", at: member.value.location)
      return nil
    }
  }

  private mutating func mapping(_ node: YAMLNode, _ key: String, _ expected: String) -> [YAMLMember] {
    guard let value = node[key], !value.isNull else { return [] }
    guard let members = value.mapping else {
      diagnostics.error("'\(key)': expected \(expected), not \(value.summary)", at: value.location)
      return []
    }
    return members
  }

  private mutating func checkKeys(_ node: YAMLNode, _ keys: [String], _ what: String) {
    for member in node.mapping ?? [] where !keys.contains(member.key) {
      let typo = member.key == "on" ? "did you mean '\(keys.contains("event") ? "event" : "when")'?" : nil
      diagnostics.error(
        "unknown key '\(member.key)' in \(what)", at: member.keyLocation,
        hint: typo ?? Suggestion.hint(for: member.key, in: keys))
    }
  }
}
