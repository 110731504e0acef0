/// Where a method's steps are while they are written into the code of whoever calls it.
struct MethodFrame {
  /// Where `return` puts its value.
  var slot: Int
  /// What `return` gives, as far as it is known.
  var returns: FieldType?
  var isDeclared: Bool
  /// `return`s so far: jumps that are to lead behind the method's last instruction.
  var exits: [Int] = []
}

/// Methods of bots and components: looked at once by themselves, so that each error is reported once, and then written
/// into the code of every call. So a call costs nothing when the bot runs, and none can go in a circle.
extension BotCompiler {
  /// How many instructions a handler may have with its methods written out.
  static let instructionLimit = 10_000

  /// The method with its steps looked at. Nil when it is just being looked at: it calls itself.
  mutating func compiledMethod(_ name: String, of namespace: Int, calledAt location: SourceLocation?) -> CompiledMethod?
  {
    guard let method = namespaces[namespace].methods[name] else { return nil }
    let label = namespaces[namespace].prefix + name
    switch method.progress {
    case .done(let compiled): return compiled
    case .compiling:
      let start = methodStack.firstIndex(of: label) ?? 0
      let circle = (methodStack[start...] + [label]).joined(separator: " → ")
      diagnostics.error(
        "a method must not call itself: \(circle)", at: location, hint: "repeat steps with 'for', which has an end")
      return nil
    case .waiting: break
    }
    namespaces[namespace].methods[name]?.progress = .compiling
    methodStack.append(label)
    let outer = (body.take(), current, hasUnresolvedStep, touchesForeignState)
    let errors = diagnostics.errorCount
    current = namespace
    hasUnresolvedStep = false
    touchesForeignState = false
    body = BotBody(eventType: nil, fields: JSONFieldTable())
    _ = enter(method.syntax)
    for argument in method.syntax.arguments { define(argument: argument, at: method.syntax.name.location) }
    let nodes = compileSteps(method.syntax.steps)
    var compiled = CompiledMethod()
    compiled.returns = body?.frame?.returns
    if body?.isTooLong == true || body?.instructions.count ?? 0 > Self.instructionLimit {
      diagnostics.error(
        "the method '\(label)' has more than \(Self.instructionLimit) instructions with those that it calls written out",
        at: method.syntax.name.location)
    }
    compiled.mayReturnNothing = !method.syntax.steps.alwaysReturns
    if compiled.mayReturnNothing, method.syntax.returns != nil {
      diagnostics.error(
        "the method '\(name)' may end without 'return', and 'returns' promises a value",
        at: method.syntax.name.location)
    }
    compiled.touchesForeignState = touchesForeignState
    if diagnostics.errorCount == errors {
      compiled.node = Self.node(method.syntax, nodes)
    }
    (body, current, hasUnresolvedStep, touchesForeignState) = outer
    methodStack.removeLast()
    namespaces[namespace].methods[name]?.progress = .done(compiled)
    return compiled
  }

  private static func node(_ method: MethodSyntax, _ steps: [BotHashNode]) -> BotHashNode {
    var fields = JSONObject()
    if !method.arguments.isEmpty {
      var arguments = JSONObject()
      for argument in method.arguments {
        arguments[argument.name + (argument.isOptional ? "?" : "")] = .string(argument.type.hashText)
      }
      fields["args"] = .object(arguments)
    }
    if let returns = method.returns { fields["returns"] = .string(returns.hashText) }
    return BotHashNode("method", fields: fields, children: steps.map { ("", $0) })
  }

  /// Writes a method's steps into the code of the handler that is being compiled.
  ///
  /// - Parameter values: by the names of its arguments, in terms of the caller.
  /// - Returns: the slot with the result.
  mutating func write(_ name: String, of namespace: Int, values: [String: BotOperand]) -> Int {
    guard let method = namespaces[namespace].methods[name] else { return 0 }
    // What is wrong with the steps has been said when they were looked at by themselves.
    let outer = (diagnostics, current, hasUnresolvedStep)
    current = namespace
    let caller = with { body in
      defer { (body.locals, body.latest, body.eventType) = ([], nil, nil) }
      return (locals: body.locals, latest: body.latest, eventType: body.eventType, frame: body.frame)
    }
    guard let caller else { return 0 }
    let slot = enter(method.syntax)
    // A loop comes here again: what the last round has left is not this one's.
    with { $0.instructions.append(.store(slot: slot, .literal([]))) }
    for argument in method.syntax.arguments {
      let place = define(argument: argument, at: method.syntax.name.location)
      with { $0.instructions.append(.store(slot: place, values[argument.name] ?? .literal([]))) }
    }
    let isTooLong = with { body in
      body.isTooLong = body.isTooLong || body.instructions.count > Self.instructionLimit
      return body.isTooLong
    }
    if isTooLong == false { _ = compileSteps(method.syntax.steps) }
    with { body in
      for exit in body.frame?.exits ?? [] { body.setTarget(of: exit, to: body.instructions.count) }
      (body.locals, body.latest, body.eventType, body.frame) = caller
    }
    (diagnostics, current, hasUnresolvedStep) = outer
    return slot
  }

  /// Begins the steps of a method; returns the slot for its result.
  private mutating func enter(_ method: MethodSyntax) -> Int {
    with { body in
      let slot = body.newSlot()
      body.frame = MethodFrame(slot: slot, returns: method.returns, isDeclared: method.returns != nil)
      return slot
    } ?? 0
  }

  @discardableResult
  private mutating func define(argument: Field, at location: SourceLocation) -> Int {
    with { body in
      let slot = body.newSlot()
      body.locals.append(
        BotLocal(
          name: argument.name, slot: slot, type: argument.type, isOptional: argument.isOptional, origin: .argument,
          location: location))
      return slot
    } ?? 0
  }

  /// `return`.
  mutating func giveResult(_ result: ResultSyntax, _ step: StepSyntax) -> BotHashNode? {
    guard let frame = body?.frame else {
      diagnostics.error(
        "'return' gives the value of a method, and this is a handler", at: step.location,
        hint: "'expect' ends a handler early")
      return nil
    }
    var value: TypedExpression?
    var fields = JSONObject()
    var children: [(label: String, node: BotHashNode)] = []
    let wanted = frame.isDeclared ? frame.returns : nil
    switch result {
    case .value(let syntax):
      value = expression(syntax, for: wanted, "'return'")
      if let hash = value?.hash { fields["value"] = hash }
    case .made(let made):
      guard let (made, node) = make(made) else { return nil }
      value = convert(made, to: wanted, "'return'", step.location)
      children = [("", node)]
    }
    guard let value else { return nil }
    if let before = frame.returns, !frame.isDeclared, !Self.fits(value.type, before) {
      diagnostics.error(
        "'return': \(value.type.summary) here and \(before.summary) before", at: step.location,
        hint: "a method gives values of one type")
      return nil
    }
    with { body in
      body.instructions.append(.store(slot: frame.slot, value.operand))
      body.frame?.exits.append(body.instructions.count)
      body.instructions.append(.jump(0))
      if frame.returns == nil { body.frame?.returns = value.type }
    }
    return BotHashNode("return", fields: fields, children: children)
  }
}

extension [StepSyntax] {
  /// Whether every way through the steps ends with `return`.
  var alwaysReturns: Bool {
    contains { step in
      switch step.action {
      case .result: true
      case .branch(_, let then, let otherwise): then.alwaysReturns && otherwise.alwaysReturns
      default: false
      }
    }
  }
}
