/// Fills a template. What it does is charged to the message.
struct TemplateRenderer {
  let allowance: Allowance
  /// Runs a command on a value, for the filters that do.
  let runCommand: (String, Value) throws -> Outcome.Answer
  /// Milliseconds since 1970, for `now`; nil where there is no clock.
  var clock: (() -> Int64)?
  /// Seconds east of UTC of the times that are shown.
  var utcOffset: Int64 = 0
  /// A number by chance below another, for `rand-nth`; nil where nothing is left to chance.
  var chance: ((Int) -> Int)?

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
      case .variable(let expression): text += try written(try value(expression, scope))
      case .branch(let branches, let otherwise):
        var body = otherwise
        for (condition, nodes) in branches where try holds(condition, scope) {
          body = nodes
          break
        }
        try render(body, scope, &text)
      case .loop(let variables, let expression, let body, let empty):
        let items = TemplateFilters.items(try value(expression, scope))
        if items.isEmpty { try render(empty, scope, &text) }
        var previous = Value.null
        for (index, item) in items.enumerated() {
          var names = ValueMap()
          if variables.count == 1 {
            names[variables[0]] = item
          } else {
            for (place, name) in variables.enumerated() { names[name] = item[String(place)] ?? .null }
          }
          var inner = scope
          for (name, value) in names { inner.variables[name] = value }
          // Counted as Selmer does: `revcounter` ends with 0, and `revcounter0` with 1.
          inner.variables["forloop"] = [
            "counter": .int(Int64(index + 1)), "counter0": .int(Int64(index)),
            "revcounter": .int(Int64(items.count - index - 1)), "revcounter0": .int(Int64(items.count - index)),
            "first": .bool(index == 0), "last": .bool(index == items.count - 1), "length": .int(Int64(items.count)),
            "parentloop": scope.variables["forloop"] ?? .null, "previous": previous,
          ]
          try render(body, inner, &text)
          previous = .map(names)
        }
      case .with(let bindings, let body):
        var inner = scope
        for (name, expression) in bindings { inner.variables[name] = try value(expression, scope) }
        try render(body, inner, &text)
      case .firstOf(let expressions):
        for expression in expressions {
          let value = try value(expression, scope)
          if value.isTruthy {
            text += try written(value)
            break
          }
        }
      case .cycle(let texts):
        // `with` may have put anything in its place.
        let round = scope.variables["forloop"]?["counter0"]?.integer ?? 0
        text += texts[Int(round.magnitude % UInt64(texts.count))]
      case .sum(let expressions):
        let values = try expressions.map { try value($0, scope) }
        text += TemplateNumbers.sum(values.map { $0.number == nil ? 0 : $0 })?.text ?? ""
      case .now(let format):
        guard let clock else { throw Template.Failure("there is no clock for now in this template") }
        text += try TemplateDates.text(of: clock(), format, utcOffset: utcOffset)
      case .debug:
        var all = scope.root.members ?? ValueMap([(".", scope.root)])
        for name in scope.variables.keys.sorted() { all[name] = scope.variables[name] }
        try allowance.check(.map(all))
        text += JSONText.print(.map(all), indent: true)
      }
      try allowance.charge(bytes: 16)
      if text.utf8.count > allowance.limits.valueBytes { try allowance.charge(bytes: text.utf8.count) }
    }
  }

  private func value(_ expression: Template.Expression, _ scope: Scope) throws -> Value {
    var value = expression.literal ?? scope[expression.path]
    if !expression.filters.isEmpty, value.isCollection { try allowance.check(value) }
    for filter in expression.filters {
      let arguments = try arguments(filter.arguments, scope)
      switch filter.name {
      case "yetibot", "yetibot-data":
        let answer = try runCommand(arguments.joined(separator: ":"), value)
        value = filter.name == "yetibot" ? answer.value : answer.data ?? .null
      case "rand-nth":
        guard let chance else { throw Template.Failure("nothing is left to chance in this template") }
        let items = TemplateFilters.items(value)
        guard !items.isEmpty else { throw Template.Failure("rand-nth needs a collection that is not empty") }
        value = items[min(max(chance(items.count), 0), items.count - 1)]
      case "date":
        if value != .null {
          value = .string(try TemplateDates.text(of: value, arguments, utcOffset: utcOffset))
        }
      case "remove-tags": value = .string(try TemplateMarkup.withoutTags(value.text, arguments, allowance))
      default: value = try TemplateFilters.apply(filter.name, arguments, value)
      }
      try allowance.charge(value)
    }
    return value
  }

  /// The arguments of a filter: `@name` stands for the value of that name, where there is one.
  private func arguments(_ arguments: [String], _ scope: Scope) throws -> [String] {
    try arguments.map { argument in
      guard argument.utf8.count > 1, argument.hasPrefix("@") else { return argument }
      let value = scope[argument.dropFirst().split(separator: ".").map(String.init)]
      guard value != .null else { return argument }
      try allowance.charge(value)
      return value.text
    }
  }

  /// The value as it stands in the text. Values of `forloop` hold those of the loops around them, which is much when it is written out.
  private func written(_ value: Value) throws -> String {
    if value.isCollection { try allowance.check(value) }
    return DataText.scalar(value)
  }

  private func holds(_ condition: Template.Condition, _ scope: Scope) throws -> Bool {
    switch condition {
    case .truth(let expression): return Self.isTrue(try value(expression, scope))
    case .not(let inner): return try !holds(inner, scope)
    case .any(let conditions): return try conditions.contains { try holds($0, scope) }
    case .all(let conditions): return try conditions.allSatisfy { try holds($0, scope) }
    case .compare(let left, let comparison, let right):
      return try compare(try value(left, scope), comparison, try value(right, scope))
    }
  }

  /// Everything is compared as it reads, so that 1 is the same as "1"; what is written as a number is compared as one. What is missing
  /// is equal to nothing but what is missing, and has no order.
  private func compare(_ left: Value, _ comparison: Comparison, _ right: Value) throws -> Bool {
    let numbers = (left.number, right.number)
    let areEqual: Bool
    if let first = numbers.0, let second = numbers.1 {
      areEqual = first == second
    } else {
      areEqual = try (left == .null) == (right == .null) && written(left) == written(right)
    }
    switch comparison {
    case .equal: return areEqual
    case .unequal: return !areEqual
    default: break
    }
    for (value, number) in [(left, numbers.0), (right, numbers.1)] where number == nil {
      if value == .null || value == .empty { return false }
      throw Template.Failure("\(try written(value)) is no number that could be compared")
    }
    return comparison.holds(left, right)
  }

  private static func isTrue(_ value: Value) -> Bool {
    switch value.unmarked {
    case .null, .bool(false): false
    case .string(let text): !text.isEmpty && text != "false"
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
