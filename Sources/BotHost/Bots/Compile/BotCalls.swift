/// Calls: of plugins' methods, of methods that bots and components declare, and of the host's `StdOut`.
extension BotCompiler {
  mutating func call(_ target: String, _ arguments: CallArguments, _ step: StepSyntax) -> BotHashNode? {
    /// After an error the name still exists, so that its readers are not reported too.
    func fail() -> BotHashNode? {
      define(step.result, type: .any, origin: .result, call: nil, at: step.location, isQuiet: true)
      return nil
    }
    guard let callee = callee(target, step.location) else { return fail() }
    let parameters: [Field]?
    var own: CompiledMethod?
    switch callee {
    case .print: parameters = [BuiltInType.write]
    case .plugin(_, _, let method): parameters = method.arguments
    case .own(let name, let namespace):
      parameters = namespaces[namespace].methods[name]?.syntax.arguments
      own = compiledMethod(name, of: namespace, calledAt: step.location)
    }
    guard let (values, hash) = self.arguments(arguments, parameters, target, step.location) else { return fail() }
    var fields: JSONObject = ["method": .string(names.prefix + target)]
    if !hash.isEmpty { fields["args"] = .object(hash) }
    if let name = step.result { fields["as"] = .string(name.value) }
    switch callee {
    case .print:
      emit(.print, values, nil, step, target)
      return BotHashNode("call", fields: fields)
    case .plugin(let plugin, let alias, let method):
      with { body in
        body.calls.append(
          FeedbackLoops.Call(instance: plugin.requirement, method: alias.name, location: step.location))
      }
      emit(.method(self.method(plugin, method.name)), values, method.returns, step, target)
      return BotHashNode("call", fields: fields)
    case .own(let name, let namespace):
      // After an error in the method, or in a circle, there is nothing to write out.
      guard let own, let node = own.node else { return fail() }
      if own.touchesForeignState, !names.isForeign {
        diagnostics.error(
          "\(target) uses states that '\(namespaces[namespace].name)' keeps for itself", at: step.location,
          hint: "only its own handlers can call this method")
        return fail()
      }
      if own.touchesForeignState { touchesForeignState = true }
      let operands = Dictionary(values.map { ($0.0, $0.1.operand) }, uniquingKeysWith: { first, _ in first })
      let slot = write(name, of: namespace, values: operands)
      give(own.returns, isOptional: own.mayReturnNothing, slot: slot, step, target)
      return BotHashNode("call", fields: fields, children: [("method", node)])
    }
  }

  /// A call of the host or a plugin, and the name of its result.
  private mutating func emit(
    _ code: BotCall.Target, _ values: [(String, TypedExpression)], _ returns: FieldType?, _ step: StepSyntax,
    _ target: String
  ) {
    let argument = BotOperand.object(values.map { BotMember($0.0, $0.1.operand) })
    let instruction = with { body in
      body.instructions.append(.call(BotCall(target: code, argument: argument, result: nil, location: step.location)))
      return body.instructions.count - 1
    }
    guard let returns else {
      giveNothing(step, target)
      return
    }
    define(step.result, type: returns, origin: .result, call: instruction, at: step.location)
  }

  /// The result of a method whose steps have been written out.
  private mutating func give(
    _ returns: FieldType?, isOptional: Bool, slot: Int, _ step: StepSyntax, _ target: String
  ) {
    guard let returns else {
      giveNothing(step, target)
      return
    }
    let place = define(
      step.result, type: returns, origin: .result, call: nil, at: step.location, isOptional: isOptional,
      // Nobody has to read what a method gives.
      isQuiet: step.result == nil)
    with { $0.instructions.append(.store(slot: place, .local(slot))) }
  }

  private mutating func giveNothing(_ step: StepSyntax, _ target: String) {
    with { $0.latest = nil }
    guard let name = step.result else { return }
    diagnostics.error("\(target) gives no result", at: name.location, hint: "remove 'as: \(name.value)'")
    define(name, type: .any, origin: .result, call: nil, at: step.location, isQuiet: true)
  }

  /// Whom a call means.
  private enum Callee {
    case print
    case plugin(BotUse.PluginUse, BotTypeMethod, MethodDeclaration)
    /// A method of a bot or a component: of `namespaces`.
    case own(String, Int)
  }

  private mutating func callee(_ target: String, _ location: SourceLocation) -> Callee? {
    guard let parts = parts(target), let name = parts.last else {
      diagnostics.error("'\(target)' is no method", at: location, hint: "a call is USE.METHOD, such as chat.say")
      return nil
    }
    if parts.count == 1 { return ownCallee(name, of: current, location) }
    let owner = parts.dropLast().joined(separator: ".")
    guard let use = use(at: parts.dropLast(), location) else { return nil }
    switch use {
    case .broken, .waiting: return nil
    case .config:
      diagnostics.error("a configuration has no methods", at: location, hint: "a getter is read with ${\(target)}")
      return nil
    case .standardOutput:
      guard name == "write" else {
        diagnostics.error(
          "StdOut has no method '\(name)'", at: location, hint: Suggestion.hint(for: name, in: ["write"]))
        return nil
      }
      return .print
    case .component(let namespace), .bot(let namespace): return ownCallee(name, of: namespace, location, owner)
    case .plugin(let plugin): return self.plugin(plugin, name, location)
    }
  }

  private mutating func plugin(
    _ plugin: BotUse.PluginUse, _ name: String, _ location: SourceLocation
  ) -> Callee? {
    guard let alias = plugin.type.method(name), let method = plugin.manifest.method(alias.method) else {
      diagnostics.error(
        "\(plugin.type.name) has no method '\(name)'", at: location,
        hint: Suggestion.hint(for: name, in: plugin.type.methods.map(\.name)))
      return nil
    }
    return .plugin(plugin, alias, method)
  }

  /// - Parameter owner: how the caller names the bot or component; nil: it is the caller's own.
  private mutating func ownCallee(
    _ name: String, of namespace: Int, _ location: SourceLocation, _ owner: String? = nil
  ) -> Callee? {
    let target = namespaces[namespace]
    if target.methods[name] != nil { return .own(name, namespace) }
    if let base = target.base, base.type.method(name) != nil { return plugin(base, name, location) }
    guard owner != nil else {
      let known = Set(BotParser.stepKeys).union(target.methodNames)
      diagnostics.error(
        "unknown step '\(name)'", at: location,
        hint: Suggestion.question(about: name, in: known.sorted())
          ?? "a call is written USE.METHOD, such as chat.say")
      return nil
    }
    let uses = target.isComponent ? [] : target.uses.keys.sorted()
    diagnostics.error(
      "\(target.isComponent ? "" : "the bot ")\(target.isComponent ? target.name : "'\(target.name)'") has no method '\(name)'",
      at: location, hint: Suggestion.hint(for: name, in: target.methodNames.union(uses)))
    return nil
  }

  private mutating func arguments(
    _ arguments: CallArguments, _ parameters: [Field]?, _ target: String, _ location: SourceLocation
  ) -> ([(String, TypedExpression)], JSONObject)? {
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
    var values: [(String, TypedExpression)] = []
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
      values.append((name, value))
      hash[name] = value.hash
    }
    // A name that is not known is the missing one more often than not.
    for parameter in hasUnknown ? [] : parameters ?? []
    where !parameter.isOptional && !given.contains(where: { $0.name.value == parameter.name }) {
      diagnostics.error("\(target): the argument '\(parameter.name)' is missing", at: location)
      isWhole = false
    }
    return isWhole ? (values, hash) : nil
  }
}
