extension BotParser {
  // MARK: Uses

  mutating func use(_ member: YAMLMember) -> UseSyntax? {
    let name = Located(member.key, at: member.keyLocation)
    guard isFreeName(name.value, at: name.location, "a use") else { return nil }
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
      for other in members where other.key != "bot" {
        diagnostics.error(
          "the use of another bot has no '\(other.key)'", at: other.keyLocation,
          hint: "a bot has no arguments; its settings are in its own configuration")
      }
      return word(bot).map { UseSyntax(name: name, type: $0, isBot: true, arguments: []) }
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

  // MARK: State, arguments, methods

  /// `state` and `args`: `name: type`, or `name: {type: …, default: …}`.
  mutating func fields(_ node: YAMLNode, _ key: String) -> [FieldSyntax] {
    var fields: [FieldSyntax] = []
    for member in mapping(node, key, "a mapping of names to types") {
      var text = member.key
      let isMarked = text.hasSuffix("?")
      if isMarked { text.removeLast() }
      let name = Located(text, at: member.keyLocation)
      guard isFreeName(text, at: name.location, key == "args" ? "an argument" : "a state") else { continue }
      if let first = fields.first(where: { $0.name.value == text }) {
        diagnostics.error("a second '\(text)'; the first is in line \(first.name.location.line)", at: name.location)
        continue
      }
      var typeNode = member.value
      var initial: ExpressionSyntax?
      // A record with a field called `type` is written `{type: {type: …}}`.
      if let long = member.value["type"] {
        checkKeys(member.value, ["type", "default"], "'\(text)'")
        typeNode = long
        initial = member.value["default"].flatMap { expression($0) }
      }
      var decoder = FieldTypeDecoder()
      let decoded = decoder.decode(typeNode, "'\(text)'")
      diagnostics.append(contentsOf: decoder.diagnostics)
      guard let decoded else { continue }
      fields.append(
        FieldSyntax(name: name, type: decoded.type, isOptional: isMarked || decoded.isOptional, initial: initial))
    }
    return fields
  }

  mutating func method(_ member: YAMLMember) -> MethodSyntax? {
    let name = Located(member.key, at: member.keyLocation)
    guard isFreeName(name.value, at: name.location, "a method") else { return nil }
    guard member.value.mapping != nil else {
      diagnostics.error(
        "the method '\(name.value)': expected {args: {…}, do: […]}, not \(member.value.summary)",
        at: member.value.location)
      return nil
    }
    checkKeys(member.value, ["args", "returns", "do", "super"], "a method")
    var method = MethodSyntax(name: name, arguments: [], steps: [])
    var decoder = FieldTypeDecoder()
    if let arguments = member.value["args"] { method.arguments = decoder.fields(arguments, "'args'") ?? [] }
    if let returns = member.value["returns"] { method.returns = decoder.decode(returns, "'returns'")?.type }
    diagnostics.append(contentsOf: decoder.diagnostics)
    for argument in member.value["args"]?.mapping ?? [] {
      let text = argument.key.hasSuffix("?") ? String(argument.key.dropLast()) : argument.key
      _ = isFreeName(text, at: argument.keyLocation, "an argument")
    }
    method.callsSuper = flag(member.value, "super")
    if let body = member.value["do"] {
      var count = 0
      method.steps = steps(body, &count)
    } else {
      diagnostics.error("the key 'do' is missing in the method '\(name.value)'", at: name.location)
    }
    return method
  }

  // MARK: Handlers

  mutating func handler(_ node: YAMLNode) -> HandlerSyntax? {
    guard node.mapping != nil else {
      diagnostics.error("expected a handler: {event: …, do: […]}, not \(node.summary)", at: node.location)
      return nil
    }
    checkKeys(node, ["event", "name", "do", "super"], "a handler")
    guard let event = word(node, "event") else {
      // YAML 1.1 readers made `on` a truth value; people still write it, and that has been reported.
      if node["event"] == nil, node["on"] == nil {
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
    let callsSuper = flag(node, "super")
    guard let body = node["do"] else {
      diagnostics.error("the key 'do' is missing in the handler of \(event.value)", at: node.location)
      return HandlerSyntax(event: event, name: name, callsSuper: callsSuper, steps: [], location: node.location)
    }
    var count = 0
    let steps = self.steps(body, &count)
    return HandlerSyntax(event: event, name: name, callsSuper: callsSuper, steps: steps, location: node.location)
  }

  private mutating func flag(_ node: YAMLNode, _ key: String) -> Located<Bool>? {
    guard let value = node[key] else { return nil }
    if case .bool(let flag)? = value.scalar?.value { return Located(flag, at: value.location) }
    diagnostics.error("'\(key)': expected true or false, not \(value.summary)", at: value.location)
    return nil
  }
}
