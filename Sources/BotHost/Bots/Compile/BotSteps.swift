extension BotCompiler {
  /// Compiles the steps of a block; names made in it end with it.
  mutating func compileSteps(_ steps: [StepSyntax]) -> [BotHashNode] {
    let outer = body?.locals.count ?? 0
    with { $0.latest = nil }
    var nodes: [BotHashNode] = []
    var hasReturned = false
    for step in steps {
      if hasReturned {
        diagnostics.warning("steps behind 'return' are never carried out", at: step.location)
        hasReturned = false
      }
      if case .result = step.action { hasReturned = true }
      let (first, done) = (body?.instructions.count ?? 0, body?.steps.count ?? 0)
      guard let node = compile(step) else { continue }
      nodes.append(node)
      with { body in
        let inner = Array(body.steps[done...])
        body.steps.removeSubrange(done...)
        body.steps.append(BotStepCode(node: node, range: first..<body.instructions.count, steps: inner))
      }
    }
    endBlock(outer)
    return nodes
  }

  /// Lets a closure change the body that is being compiled.
  @discardableResult
  mutating func with<Result>(_ change: (inout BotBody) -> Result) -> Result? {
    // Taken out, so that nothing is copied.
    guard var taken = body.take() else { return nil }
    defer { body = taken }
    return change(&taken)
  }

  mutating func endBlock(_ outer: Int) {
    guard let locals = body?.locals else { return }
    // A step that was not understood may have read the name.
    if !hasUnresolvedStep {
      for local in locals[outer...] where !local.isUsed {
        switch (local.origin, local.name) {
        case (.loop, _), (.argument, _): break
        case (.binding, let name?): diagnostics.warning("'\(name)' is never used", at: local.location)
        case (.result, let name?):
          diagnostics.error("the result '\(name)' is never used", at: local.location, hint: "remove 'as: \(name)'")
        case (.result, nil) where local.call == nil:
          diagnostics.error(
            "nobody uses what this step makes", at: local.location,
            hint: "name it with 'as', or read it as ${it} in the next step")
        default: break
        }
      }
    }
    with { body in
      body.locals.removeSubrange(outer...)
      body.latest = nil
    }
  }

  private mutating func compile(_ step: StepSyntax) -> BotHashNode? {
    let errors = diagnostics.errorCount
    defer { if diagnostics.errorCount > errors { hasUnresolvedStep = true } }
    switch step.action {
    case .call(let target, let arguments): return call(target, arguments, step)
    case .json, .format:
      guard let (value, node) = make(step) else {
        define(step.result, type: .any, origin: .result, call: nil, at: step.location, isQuiet: true)
        return nil
      }
      let slot = define(step.result, type: value.type, origin: .result, call: nil, at: step.location)
      with { $0.instructions.append(.store(slot: slot, value.operand)) }
      return node
    case .expect(let syntax):
      guard let (test, hash) = test(syntax, "expect") else { return nil }
      with { $0.endUnless(test) }
      return BotHashNode("expect", fields: hash)
    case .assert(let syntax):
      guard let (test, hash) = test(syntax, "assert") else { return nil }
      with { body in
        body.instructions.append(.test(test, otherwise: body.instructions.count + 2))
        body.instructions.append(.jump(body.instructions.count + 2))
        body.instructions.append(.fail(message: "an assertion does not hold", step.location))
      }
      return BotHashNode("assert", fields: hash)
    case .forEach(let variable, let list, let steps): return loop(variable, list, steps)
    case .branch(let syntax, let then, let otherwise): return branch(syntax, then, otherwise)
    case .bind(let bindings): return bind(bindings)
    case .set(let values): return set(values)
    case .result(let result): return giveResult(result, step)
    }
  }

  /// The value of a step that makes one, and the step's node.
  mutating func make(_ step: StepSyntax) -> (TypedExpression, BotHashNode)? {
    var node = JSONObject()
    if let name = step.result { node["as"] = .string(name.value) }
    switch step.action {
    case .json(let fields, let schema):
      var wanted: FieldType?
      if let schema {
        guard let record = record(of: schema) else { return nil }
        wanted = record
        node["schema"] = ["$ref": .string(schema.value), "type": .string(record.hashText)]
      }
      guard let value = map(fields, for: wanted, "'json'", step.location) else { return nil }
      var hash = JSONObject()
      for field in fields {
        hash[field.name.value] = value.hash["$map"]?[field.name.value] ?? value.hash[field.name.value]
      }
      node["fields"] = .object(hash)
      return (value, BotHashNode("json", fields: node))
    case .format(let syntax):
      guard let value = expression(syntax, for: nil, "'format'"), isNoSecret(value, "'format'", syntax.location)
      else { return nil }
      node["value"] = value.hash
      var text = value
      // A list or a record is its JSON text; what is a text already stays as it is.
      if value.type != .string { text.operand = .text([.value(value.operand)]) }
      text.type = .string
      text.isOptional = false
      return (text, BotHashNode("format", fields: node))
    default: return nil
    }
  }

  /// The record that a schema describes.
  private mutating func record(of name: Located<String>) -> FieldType? {
    guard let entry = project.document(name.value), case .schema(let schema) = entry.document else {
      let known = project.names { if case .schema = $0 { true } else { false } }
      diagnostics.error(
        "there is no schema '\(name.value)'", at: name.location, hint: Suggestion.hint(for: name.value, in: known))
      return nil
    }
    usedFiles.insert(entry.file)
    return .record(inheritance.fields(of: schema))
  }

  // MARK: Names

  /// `let`: all values are made before the first name is, since the order of a mapping means nothing.
  private mutating func bind(_ bindings: [ArgumentSyntax]) -> BotHashNode? {
    var hash = JSONObject()
    var values: [TypedExpression?] = []
    for binding in bindings { values.append(expression(binding.value, for: nil, "'\(binding.name.value)'")) }
    for (binding, value) in zip(bindings, values) {
      let slot = define(
        binding.name, type: value?.type ?? .any, origin: .binding, call: nil, at: binding.name.location,
        isOptional: value?.isOptional ?? false, isQuiet: value == nil)
      if let value {
        with { $0.instructions.append(.store(slot: slot, value.operand)) }
        hash[binding.name.value] = value.hash
      }
    }
    with { $0.latest = nil }
    return BotHashNode("let", fields: ["values": .object(hash)])
  }

  /// `set`: here too all values are made before the first state changes.
  private mutating func set(_ values: [ArgumentSyntax]) -> BotHashNode? {
    var hash = JSONObject()
    var changes: [(state: Int, value: BotOperand)] = []
    var isWhole = true
    with { $0.latest = nil }
    for change in values {
      let name = change.name.value
      guard let state = names.states[name] else {
        isWhole = false
        let isPlugins = names.base?.type.state.named(name) != nil
        let path = parts(name) ?? []
        let owner = path.count > 1 ? names.uses[path[0]] : nil
        if isPlugins {
          diagnostics.error(
            "'\(name)' is a state of \(names.base?.type.name ?? "") and changes with its events",
            at: change.name.location, hint: "declare a state of your own under 'state'")
        } else if owner != nil {
          diagnostics.error(
            "'set' changes states of its own document, and '\(path[0])' is a use", at: change.name.location,
            hint: "give the component a method that does it")
        } else {
          diagnostics.error(
            "there is no state '\(name)'", at: change.name.location,
            hint: Suggestion.hint(for: name, in: names.states.keys) ?? "declare it under 'state'")
        }
        continue
      }
      guard let value = expression(change.value, for: state.field.type, "'\(name)'"),
        isNoSecret(value, "'\(name)'", change.value.location)
      else {
        isWhole = false
        continue
      }
      hash[name] = value.hash
      if let slot = state.slot { changes.append((slot, value.operand)) } else { touchesForeignState = true }
    }
    guard isWhole else { return nil }
    with { body in
      if changes.count == 1, let only = changes.first {
        body.instructions.append(.set(state: only.state, only.value))
        return
      }
      let slots = changes.map { change in
        let slot = body.newSlot()
        body.instructions.append(.store(slot: slot, change.value))
        return slot
      }
      for (change, slot) in zip(changes, slots) {
        body.instructions.append(.set(state: change.state, .local(slot)))
      }
    }
    return BotHashNode("set", fields: ["values": .object(hash)])
  }

  /// Makes a name, or an unnamed result.
  ///
  /// - Parameter isQuiet: something was wrong with it already, so that nothing else is said of it.
  @discardableResult
  mutating func define(
    _ name: Located<String>?, type: FieldType, origin: BotLocal.Origin, call: Int?, at location: SourceLocation,
    isOptional: Bool = false, isQuiet: Bool = false
  ) -> Int {
    if let name, !isQuiet {
      if BotParser.reserved.contains(name.value) {
        diagnostics.error("'\(name.value)' is a word of the language", at: name.location, hint: "choose another name")
      } else if let problem = NameRules.nameProblem(name.value) {
        diagnostics.error("'\(name.value)' is no name: \(problem)", at: name.location)
      } else if let other = body?.locals.last(where: { $0.name == name.value }) {
        diagnostics.warning("'\(name.value)' hides the one of line \(other.location.line)", at: name.location)
      } else if names.valueNames.contains(name.value) {
        let what =
          names.uses[name.value] != nil ? "use" : names.arguments[name.value] != nil ? "argument" : "state"
        diagnostics.warning("'\(name.value)' hides the \(what) of that name", at: name.location)
      }
    }
    return with { body in
      let slot = body.newSlot()
      body.locals.append(
        BotLocal(
          name: name?.value, slot: slot, type: type, isOptional: isOptional, origin: origin,
          location: name?.location ?? location, call: call, isUsed: isQuiet))
      body.latest = body.locals.count - 1
      return slot
    } ?? 0
  }
}
