/// Fills a template. What it does is charged to the message.
struct TemplateRenderer {
  let allowance: Allowance
  /// Runs a command on a value, for the filters that do.
  let runCommand: (String, Value) throws -> Outcome.Answer

  private struct Scope {
    var root: Value
    var variables: [String: Value] = [:]

    subscript(path: [String]) -> Value {
      guard let first = path.first else { return root }
      var value = variables[first] ?? root[first] ?? .null
      for key in path.dropFirst() { value = value[key] ?? .null }
      return value
    }
  }

  func render(_ template: Template, _ data: Value) throws -> String {
    var text = ""
    try render(template.nodes, Scope(root: data), &text)
    return text
  }

  private func render(_ nodes: [Template.Node], _ scope: Scope, _ text: inout String) throws {
    for node in nodes {
      switch node {
      case .text(let part):
        try allowance.charge(bytes: part.utf8.count)
        text += part
      case .variable(let expression): text += DataText.scalar(try value(expression, scope))
      case .branch(let branches, let otherwise):
        var body = otherwise
        for (condition, nodes) in branches where try holds(condition, scope) {
          body = nodes
          break
        }
        try render(body, scope, &text)
      case .loop(let variables, let expression, let body, let empty):
        let collection = try value(expression, scope)
        let items = collection.items ?? collection.members?.map { .list([.string($0.key), $0.value]) } ?? []
        if items.isEmpty { try render(empty, scope, &text) }
        for (index, item) in items.enumerated() {
          var inner = scope
          if variables.count == 1 {
            inner.variables[variables[0]] = item
          } else {
            for (place, name) in variables.enumerated() { inner.variables[name] = item[String(place)] ?? .null }
          }
          inner.variables["forloop"] = [
            "counter": .int(Int64(index + 1)), "counter0": .int(Int64(index)),
            "revcounter": .int(Int64(items.count - index)), "revcounter0": .int(Int64(items.count - index - 1)),
            "first": .bool(index == 0), "last": .bool(index == items.count - 1), "length": .int(Int64(items.count)),
          ]
          try render(body, inner, &text)
        }
      case .with(let bindings, let body):
        var inner = scope
        for (name, expression) in bindings { inner.variables[name] = try value(expression, scope) }
        try render(body, inner, &text)
      case .firstOf(let expressions):
        for expression in expressions {
          let value = try value(expression, scope)
          if value.isTruthy {
            text += DataText.scalar(value)
            break
          }
        }
      case .cycle(let expressions):
        let round = scope.variables["forloop"]?["counter0"]?.integer ?? 0
        text += DataText.scalar(try value(expressions[Int(round) % expressions.count], scope))
      case .sum(let expressions):
        let numbers = try expressions.map { try value($0, scope).number ?? 0 }
        let sum = numbers.reduce(0, +)
        text += Int64(exactly: sum).map(String.init) ?? NumberText.format(sum)
      }
      try allowance.charge(bytes: 16)
      if text.utf8.count > allowance.limits.valueBytes { try allowance.charge(bytes: text.utf8.count) }
    }
  }

  private func value(_ expression: Template.Expression, _ scope: Scope) throws -> Value {
    var value = expression.literal ?? scope[expression.path]
    for filter in expression.filters {
      switch filter.name {
      case "yetibot", "yetibot-data":
        let answer = try runCommand(filter.arguments.joined(separator: ":"), value)
        value = filter.name == "yetibot" ? answer.value : answer.data ?? .null
      default: value = try TemplateFilters.apply(filter.name, filter.arguments, value)
      }
      try allowance.charge(value)
    }
    return value
  }

  private func holds(_ condition: Template.Condition, _ scope: Scope) throws -> Bool {
    switch condition {
    case .truth(let expression): return Self.isTrue(try value(expression, scope))
    case .not(let inner): return try !holds(inner, scope)
    case .any(let conditions): return try conditions.contains { try holds($0, scope) }
    case .all(let conditions): return try conditions.allSatisfy { try holds($0, scope) }
    case .compare(let left, let comparison, let right):
      return comparison.holds(try value(left, scope), try value(right, scope))
    }
  }

  private static func isTrue(_ value: Value) -> Bool {
    switch value.unmarked {
    case .null, .bool(false): false
    case .string(let text): !text.isEmpty
    default: true
    }
  }
}

extension Template {
  /// The template filled outside of any message: for those that have templates of their own, within the usual limits. The filters that run
  /// commands find none.
  ///
  /// - Throws: ``Raised`` and ``Failure``.
  public func rendered(with data: Value) throws -> String {
    let renderer = TemplateRenderer(allowance: Allowance(Limits(), for: "", clock: { 0 })) { name, _ in
      throw Failure("there is no command \(name) in this template")
    }
    return try renderer.render(self, data)
  }
}
