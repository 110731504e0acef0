extension BotCompiler {
  /// Compiles the steps of a block; names made in it end with it.
  mutating func compileSteps(_ steps: [StepSyntax]) -> [BotHashNode] {
    guard case .handler(let before) = scope else { return [] }
    let outer = before.locals.count
    with { $0.latest = nil }
    var nodes: [BotHashNode] = []
    for step in steps {
      guard case .handler(let body) = scope else { break }
      let (first, done) = (body.instructions.count, body.steps.count)
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
  private mutating func with<Result>(_ change: (inout BotBody) -> Result) -> Result? {
    guard case .handler(var body) = scope else { return nil }
    let result = change(&body)
    scope = .handler(body)
    return result
  }

  private mutating func endBlock(_ outer: Int) {
    guard case .handler(var body) = scope else { return }
    // A step that was not understood may have read the name.
    if !hasUnresolvedStep {
      for local in body.locals[outer...] where !local.isUsed {
        switch (local.origin, local.name) {
        case (.loop, _): break
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
    body.locals.removeSubrange(outer...)
    body.latest = nil
    scope = .handler(body)
  }

  private mutating func compile(_ step: StepSyntax) -> BotHashNode? {
    let errors = diagnostics.errorCount
    defer { if diagnostics.errorCount > errors { hasUnresolvedStep = true } }
    switch step.action {
    case .call(let target, let arguments): return call(target, arguments, step)
    case .json(let fields):
      guard let value = map(fields, for: nil, "'json'", step.location) else {
        define(step.result, type: .any, origin: .result, call: nil, at: step.location, isQuiet: true)
        return nil
      }
      var hash = JSONObject()
      for field in fields {
        hash[field.name.value] = value.hash["$map"]?[field.name.value] ?? value.hash[field.name.value]
      }
      let slot = define(step.result, type: value.type, origin: .result, call: nil, at: step.location)
      with { $0.instructions.append(.store(slot: slot, value.operand)) }
      var node: JSONObject = ["fields": .object(hash)]
      if let name = step.result { node["as"] = .string(name.value) }
      return BotHashNode("json", fields: node)
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
    case .set(let values):
      diagnostics.error(
        "'set' changes the state of a component, which this version does not carry out",
        at: values.first?.name.location ?? step.location, hint: "state comes from the plugin's events")
      return nil
    case .result:
      diagnostics.error(
        "'return' gives the value of a method, which this version's bots do not have", at: step.location)
      return nil
    }
  }

  // MARK: Calls

  private mutating func call(_ target: String, _ arguments: CallArguments, _ step: StepSyntax) -> BotHashNode? {
    /// After an error the name still exists, so that its readers are not reported too.
    func fail() -> BotHashNode? {
      define(step.result, type: .any, origin: .result, call: nil, at: step.location, isQuiet: true)
      return nil
    }
    guard let (useName, methodName) = split(target) else {
      diagnostics.error("'\(target)' is no method", at: step.location, hint: "a call is USE.METHOD, such as chat.say")
      return fail()
    }
    guard let use = uses[useName] else {
      diagnostics.error(
        "there is no use '\(useName)'", at: step.location, hint: Suggestion.hint(for: useName, in: uses.keys))
      return fail()
    }
    let parameters: [Field]?
    let returns: FieldType?
    let code: BotCall.Target
    switch use {
    case .broken, .waiting: return fail()
    case .config:
      diagnostics.error(
        "a configuration has no methods", at: step.location, hint: "a getter is read with ${\(target)}")
      return fail()
    case .standardOutput:
      guard methodName == "write" else {
        diagnostics.error(
          "StdOut has no method '\(methodName)'", at: step.location,
          hint: Suggestion.hint(for: methodName, in: ["write"]))
        return fail()
      }
      (parameters, returns, code) = ([BuiltInType.write], nil, .print)
    case .plugin(let plugin):
      guard let alias = plugin.type.method(methodName), let method = plugin.manifest.method(alias.method) else {
        diagnostics.error(
          "\(plugin.type.name) has no method '\(methodName)'", at: step.location,
          hint: Suggestion.hint(for: methodName, in: plugin.type.methods.map(\.name)))
        return fail()
      }
      (parameters, returns) = (method.arguments, method.returns)
      code = .method(self.method(plugin, method.name))
    }
    guard let (operand, hash) = self.arguments(arguments, parameters, target, step.location) else { return fail() }
    var instruction = 0
    with { body in
      body.calls.append(FeedbackLoops.Call(use: useName, method: methodName, location: step.location))
      instruction = body.instructions.count
      body.instructions.append(.call(BotCall(target: code, argument: operand, result: nil, location: step.location)))
    }
    if let returns {
      define(step.result, type: returns, origin: .result, call: instruction, at: step.location)
    } else {
      with { $0.latest = nil }
      if let name = step.result {
        diagnostics.error("\(target) gives no result", at: name.location, hint: "remove 'as: \(name.value)'")
        define(name, type: .any, origin: .result, call: nil, at: step.location, isQuiet: true)
      }
    }
    var fields: JSONObject = ["method": .string(target)]
    if !hash.isEmpty { fields["args"] = .object(hash) }
    if let name = step.result { fields["as"] = .string(name.value) }
    return BotHashNode("call", fields: fields)
  }

  private mutating func arguments(
    _ arguments: CallArguments, _ parameters: [Field]?, _ target: String, _ location: SourceLocation
  ) -> (BotOperand, JSONObject)? {
    var given: [ArgumentSyntax]
    switch arguments {
    case .none: given = []
    case .named(let named): given = named
    case .single(let value):
      let candidates = parameters ?? []
      let required = candidates.filter { !$0.isOptional }
      guard let only = required.count == 1 ? required.first : candidates.count == 1 ? candidates.first : nil else {
        diagnostics.error(
          "\(target) has \(candidates.isEmpty ? "no single argument" : "several arguments"); name them",
          at: value.location, hint: candidates.isEmpty ? nil : "such as {\(candidates[0].name): …}")
        return nil
      }
      given = [ArgumentSyntax(name: Located(only.name, at: value.location), value: value)]
    }
    var operands: [(name: [UInt8], value: BotOperand)] = []
    var hash = JSONObject()
    var isWhole = true
    var hasUnknown = false
    for argument in given {
      let name = argument.name.value
      var type: FieldType?
      if let parameters {
        guard let field = parameters.named(name) else {
          diagnostics.error(
            "\(target) has no argument '\(name)'", at: argument.name.location,
            hint: Suggestion.hint(for: name, in: parameters.map(\.name)))
          isWhole = false
          hasUnknown = true
          continue
        }
        type = field.type
      }
      // Without a declared type a secret has no business there.
      guard let value = expression(argument.value, for: type ?? .any, "'\(name)'") else {
        isWhole = false
        continue
      }
      operands.append((JSONValue.string(name).serializedBytes() + [0x3A], value.operand))
      hash[name] = value.hash
    }
    // A name that is not known is the missing one more often than not.
    for parameter in hasUnknown ? [] : parameters ?? []
    where !parameter.isOptional && !given.contains(where: { $0.name.value == parameter.name }) {
      diagnostics.error("\(target): the argument '\(parameter.name)' is missing", at: location)
      isWhole = false
    }
    return isWhole ? (.object(operands), hash) : nil
  }

  // MARK: Blocks

  private mutating func loop(
    _ variable: Located<String>, _ list: ExpressionSyntax, _ steps: [StepSyntax]
  ) -> BotHashNode? {
    let source = expression(list, for: nil, "'in'")
    var element = FieldType.any
    switch source?.type {
    case nil, .any?: break
    case .list(let type)?: element = type
    case let other?:
      diagnostics.error("'in': expected a list, not a \(other)", at: list.location)
    }
    guard case .handler(let before) = scope else { return nil }
    let outer = before.locals.count
    var start = 0
    var iterator = 0
    with { body in
      iterator = body.newIterator()
      start = body.instructions.count
      body.instructions.append(.loop(iterator: iterator, list: source?.operand ?? .literal([]), exit: 0))
    }
    let slot = define(variable, type: element, origin: .loop, call: nil, at: variable.location)
    with { body in
      body.latest = nil
      body.instructions.append(.next(iterator: iterator, slot: slot, exit: 0))
    }
    let nodes = compileSteps(steps)
    with { body in
      body.instructions.append(.jump(start + 1))
      body.setTarget(of: start, to: body.instructions.count)
      body.setTarget(of: start + 1, to: body.instructions.count)
    }
    endBlock(outer)
    guard let source else { return nil }
    return BotHashNode(
      "for", fields: ["in": source.hash, "var": .string(variable.value)], children: nodes.map { ("", $0) })
  }

  private mutating func branch(
    _ syntax: TestSyntax, _ then: [StepSyntax], _ otherwise: [StepSyntax]
  ) -> BotHashNode? {
    let compiled = test(syntax, "if")
    var start = 0
    with { body in
      start = body.instructions.count
      let test = compiled?.0 ?? BotTest(value: .literal([]), checks: [])
      body.instructions.append(.test(test, otherwise: 0))
    }
    var children = compileSteps(then).map { ("", $0) }
    if otherwise.isEmpty {
      with { $0.setTarget(of: start, to: $0.instructions.count) }
    } else {
      var skip = 0
      with { body in
        skip = body.instructions.count
        body.instructions.append(.jump(0))
        body.setTarget(of: start, to: body.instructions.count)
      }
      children.append(("else", BotHashNode("else", children: compileSteps(otherwise).map { ("", $0) })))
      with { $0.setTarget(of: skip, to: $0.instructions.count) }
    }
    guard let (_, hash) = compiled else { return nil }
    return BotHashNode("if", fields: hash, children: children)
  }

  private mutating func bind(_ bindings: [ArgumentSyntax]) -> BotHashNode? {
    var hash = JSONObject()
    for binding in bindings {
      let value = expression(binding.value, for: nil, "'\(binding.name.value)'")
      let slot = define(
        binding.name, type: value?.type ?? .any, origin: .binding, call: nil, at: binding.name.location,
        isQuiet: value == nil)
      if let value {
        with { $0.instructions.append(.store(slot: slot, value.operand)) }
        hash[binding.name.value] = value.hash
      }
    }
    with { $0.latest = nil }
    return BotHashNode("let", fields: ["values": .object(hash)])
  }

  /// Makes a name, or an unnamed result.
  ///
  /// - Parameter isQuiet: something was wrong with it already, so that nothing else is said of it.
  @discardableResult
  private mutating func define(
    _ name: Located<String>?, type: FieldType, origin: BotLocal.Origin, call: Int?, at location: SourceLocation,
    isQuiet: Bool = false
  ) -> Int {
    guard case .handler(var body) = scope else { return 0 }
    if let name, !isQuiet {
      if BotParser.reserved.contains(name.value) {
        diagnostics.error("'\(name.value)' is a word of the language", at: name.location, hint: "choose another name")
      } else if let problem = NameRules.nameProblem(name.value) {
        diagnostics.error("'\(name.value)' is no name: \(problem)", at: name.location)
      } else if let other = body.locals.last(where: { $0.name == name.value }) {
        diagnostics.warning("'\(name.value)' hides the one of line \(other.location.line)", at: name.location)
      } else if uses[name.value] != nil {
        diagnostics.warning("'\(name.value)' hides the use of that name", at: name.location)
      }
    }
    let slot = body.newSlot()
    body.locals.append(
      BotLocal(
        name: name?.value, slot: slot, type: type, origin: origin, location: name?.location ?? location, call: call,
        isUsed: isQuiet))
    body.latest = body.locals.count - 1
    scope = .handler(body)
    return slot
  }

  // MARK: Tests

  private mutating func test(_ syntax: TestSyntax, _ what: String) -> (BotTest, JSONObject)? {
    guard let value = expression(syntax.value, for: nil, "'\(what)'") else { return nil }
    if value.type == .secret, !syntax.operations.allSatisfy({ $0.operation == .present }) {
      diagnostics.error("'\(what)': a secret can only be tested for being there", at: syntax.value.location)
      return nil
    }
    var checks: [BotTest.Check] = syntax.operations.isEmpty ? [.truthy] : []
    var hash: JSONObject = ["value": value.hash]
    for (operation, operand) in syntax.operations {
      guard let (check, operandHash) = self.check(operation, operand, value) else { return nil }
      checks.append(check)
      hash[operation.rawValue] = operandHash
    }
    return (BotTest(value: value.operand, checks: checks), hash)
  }

  private mutating func check(
    _ operation: TestSyntax.Operation, _ syntax: ExpressionSyntax, _ value: TypedExpression
  ) -> (BotTest.Check, JSONValue)? {
    let what = "'\(operation.rawValue)'"
    let location = syntax.location
    func compare(_ operand: TypedExpression) -> TypedExpression? {
      if Self.fits(operand.type, value.type) || Self.fits(value.type, operand.type) { return operand }
      diagnostics.error("\(what): a \(value.type) is never equal to a \(operand.type)", at: location)
      return nil
    }
    switch operation {
    case .equals, .not:
      // A number without quotes is a text where a text is compared.
      let target: FieldType? = value.type == .string && syntax.isLiteral ? .string : nil
      guard let operand = expression(syntax, for: target, what), isNoSecret(operand, what, location),
        let operand = compare(operand)
      else { return nil }
      return (operation == .equals ? .equals(operand.operand) : .differs(operand.operand), operand.hash)
    case .in:
      let target: FieldType? = value.type == .string ? .list(.string) : nil
      guard let operand = expression(syntax, for: target, what) else { return nil }
      switch operand.type {
      case .list(let element):
        guard Self.fits(element, value.type) || Self.fits(value.type, element) else {
          diagnostics.error("\(what): a \(value.type) is never in a \(operand.type)", at: location)
          return nil
        }
      case .any: break
      default:
        diagnostics.error("\(what): expected a list, not a \(operand.type)", at: location)
        return nil
      }
      return (.contained(operand.operand), operand.hash)
    case .matches:
      guard case .literal(let scalar, _) = syntax, case .string(let text) = scalar.value else {
        diagnostics.error("\(what): expected an expression in quotes", at: location)
        return nil
      }
      guard Self.fits(value.type, .string) else {
        diagnostics.error("\(what): expected a text to look at, not a \(value.type)", at: location)
        return nil
      }
      do throws(BotPattern.Problem) {
        return (.matches(try BotPattern(text)), .string(text))
      } catch {
        diagnostics.error(
          "\(what): \(error.message)", at: location, hint: "POSIX extended regular expressions")
        return nil
      }
    case .gt, .lt:
      guard let operand = expression(syntax, for: nil, what) else { return nil }
      for type in [value.type, operand.type] where !Self.fits(type, .float) {
        diagnostics.error("\(what): expected numbers, not a \(type)", at: location)
        return nil
      }
      return (operation == .gt ? .greater(operand.operand) : .less(operand.operand), operand.hash)
    case .present:
      guard case .literal(let scalar, _) = syntax, case .bool(let flag) = scalar.value else {
        diagnostics.error("\(what): expected true or false", at: location)
        return nil
      }
      return (.present(flag), .bool(flag))
    }
  }
}

extension ExpressionSyntax {
  fileprivate var isLiteral: Bool {
    if case .literal(let scalar, _) = self {
      switch scalar.value {
      case .int, .float: return true
      default: return false
      }
    }
    return false
  }
}
