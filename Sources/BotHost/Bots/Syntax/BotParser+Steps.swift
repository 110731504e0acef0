extension BotParser {
  mutating func steps(_ node: YAMLNode, _ count: inout Int) -> [StepSyntax] {
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
      let schema = word(node, "schema")
      guard let fields = named(member.value, "json") else { return nil }
      return .json(fields: fields, schema: schema)
    case "format": return expression(member.value).map(ActionSyntax.format)
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
    case "return": return result(member.value, &count)
    default:
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

  /// `return: value`, or `return: {json: …}` and `return: {format: …}` for what such a step makes.
  private mutating func result(_ node: YAMLNode, _ count: inout Int) -> ActionSyntax? {
    let members = node.mapping ?? []
    if let first = members.first(where: { ["json", "format"].contains($0.key) }),
      members.allSatisfy({ $0.key == first.key || $0.key == "schema" })
    {
      return step(node, &count).map { .result(.made($0)) }
    }
    return expression(node).map { .result(.value($0)) }
  }
}
