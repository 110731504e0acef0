/// Components and bots that a bot uses.
///
/// A component is written into the bot that uses it, once for each use: its instances, states, methods and handlers are
/// then the bot's, under the use's name. Another bot is not: it runs by itself, and its uses are reached through it.
extension BotCompiler {
  /// How many components and other bots one bot may have in it.
  private static let namespaceLimit = 256

  mutating func compileComponent(_ use: UseSyntax, _ component: BotSyntax, file: String) -> BotHashNode? {
    guard let namespace = open(use, component, file: file, isForeign: names.isForeign) else { return nil }
    let outer = current
    let whole = inheritance.bot(component, isComponent: true, baseTypes: baseTypes)
    namespaces[namespace].isComponent = true
    namespaces[namespace].instance = "\(names.instance).\(use.name.value)"
    var fields: JSONObject = ["type": .string(use.type.value)]
    if let parent = component.extends { fields["extends"] = .string(parent.value) }
    let base = whole.base.flatMap { pluginType($0) }
    if let base = whole.base, base.value != component.extends?.value { fields["base"] = .string(base.value) }
    let hashes = bindArguments(use, whole, base, namespace)
    if !hashes.isEmpty { fields["args"] = .object(hashes) }
    current = namespace
    let children = compileBody(whole)
    for event in whole.events { namespaces[namespace].events[event.name.value] = event.event }
    for event in whole.events { _ = self.event(event.event) }
    current = outer
    openNames.removeLast()
    namespaces[current].uses[use.name.value] = .component(namespace)
    return BotHashNode(
      "use", fields: fields, named: children.filter { !$0.node.children.isEmpty || $0.label == "state" })
  }

  /// Gives a component what a use says, and the plugin's type that it extends what is left over for it.
  private mutating func bindArguments(
    _ use: UseSyntax, _ component: BotSyntax, _ base: (Manifest, BotType)?, _ namespace: Int
  ) -> JSONObject {
    var hashes = JSONObject()
    var forBase: [BotInstanceArgument] = []
    let inherited = base?.1.arguments ?? []
    for argument in use.arguments {
      let name = argument.name.value
      let own = component.arguments.first { $0.name.value == name }
      guard
        let field = own.map({ Field(name, $0.type, optional: $0.isOptional) }) ?? inherited.named(name)
      else {
        diagnostics.error(
          "\(component.name.value) has no argument '\(name)'", at: argument.name.location,
          hint: Suggestion.hint(
            for: name, in: component.arguments.map(\.name.value) + inherited.map(\.name)))
        continue
      }
      guard hashes[name] == nil, let value = self.argument(argument, field) else { continue }
      hashes[name] = value.hash
      if own != nil {
        namespaces[namespace].arguments[name] = TypedExpression(
          operand: value.operand, type: field.type, isOptional: value.isOptional, hash: value.hash)
      }
      if inherited.named(name) != nil {
        forBase.append(
          BotInstanceArgument(
            name: name, value: value.operand, isSecret: value.type == .secret, location: argument.value.location))
      }
    }
    for field in component.arguments where namespaces[namespace].arguments[field.name.value] == nil {
      let name = field.name.value
      if let initial = field.initial,
        let value = argument(
          ArgumentSyntax(name: field.name, value: initial), Field(name, field.type, optional: field.isOptional))
      {
        namespaces[namespace].arguments[name] = TypedExpression(
          operand: value.operand, type: field.type, hash: value.hash)
        // A default that changes is a change of what the instance is given.
        hashes[name] = value.hash
        if inherited.named(name) != nil {
          forBase.append(
            BotInstanceArgument(name: name, value: value.operand, isSecret: false, location: initial.location))
        }
        continue
      }
      if !field.isOptional, field.initial == nil, use.argument(name) == nil {
        diagnostics.error(
          "'use.\(use.name.value)': the argument '\(name)' of \(component.name.value) is missing",
          at: use.name.location)
      }
      namespaces[namespace].arguments[name] = TypedExpression(
        operand: .literal([]), type: field.type, isOptional: true, hash: nil)
    }
    if let (manifest, type) = base {
      namespaces[namespace].base = requireInstance(
        manifest, type, path: names.prefix + use.name.value, instance: namespaces[namespace].instance,
        arguments: forBase, given: use.arguments.map(\.name.value) + forBase.map(\.name), at: use.name.location)
    }
    return hashes
  }

  /// A use of another bot: its instances are shared with it, and its methods are carried out here.
  mutating func compileOther(_ use: UseSyntax, _ bot: BotSyntax, file: String) -> BotHashNode? {
    guard let namespace = open(use, bot, file: file, isForeign: true) else { return nil }
    usedBots.append(bot.name.value)
    let outer = current
    // What is wrong with the other bot is said where that is compiled.
    let before = (diagnostics, inheritance.diagnostics)
    let whole = inheritance.bot(bot, isComponent: false, baseTypes: baseTypes)
    namespaces[namespace].instance = bot.name.value
    current = namespace
    _ = compileBody(whole)
    current = outer
    openNames.removeLast()
    let isBroken =
      diagnostics.errorCount > before.0.errorCount || inheritance.diagnostics.errorCount > before.1.errorCount
    (diagnostics, inheritance.diagnostics) = before
    if isBroken {
      diagnostics.error("the bot '\(bot.name.value)', which is used here, has errors", at: use.type.location)
      return nil
    }
    namespaces[current].uses[use.name.value] = .bot(namespace)
    return BotHashNode("use", fields: ["bot": .string(bot.name.value)])
  }

  /// A new namespace below the current one; nil for a circle.
  private mutating func open(_ use: UseSyntax, _ document: BotSyntax, file: String, isForeign: Bool) -> Int? {
    let name = document.name.value
    guard !openNames.contains(name) else {
      let start = openNames.firstIndex(of: name) ?? 0
      let circle = (openNames[start...] + [name]).joined(separator: " → ")
      diagnostics.error("'use' goes in a circle: \(circle)", at: use.type.location)
      return nil
    }
    guard namespaces.count < Self.namespaceLimit else {
      diagnostics.error(
        "a bot has at most \(Self.namespaceLimit) components and other bots in it", at: use.type.location)
      return nil
    }
    openNames.append(name)
    var namespace = BotNamespace(name: name, instance: "", file: file)
    namespace.prefix = "\(names.prefix)\(use.name.value)."
    namespace.isForeign = isForeign
    namespaces.append(namespace)
    return namespaces.count - 1
  }

  /// Types of plugins that a component may extend.
  var baseTypes: Set<String> {
    Set(manifests.flatMap { manifest in manifest.types.flatMap { [$0.name, "\(manifest.plugin).\($0.name)"] } })
  }

  // MARK: What bots and components have in common

  /// Compiles the state, uses, methods and handlers of the document whose namespace is the current one.
  mutating func compileBody(_ body: BotSyntax) -> [(label: String, node: BotHashNode)] {
    var children: [(label: String, node: BotHashNode)] = []
    if let state = declareState(body.state) { children.append(("state", state)) }
    for method in body.methods {
      namespaces[current].methods[method.name.value] = BotNamespace.Method(syntax: method)
    }
    children.append(("use", BotHashNode("uses", named: compileUses(body.uses))))
    // Before the methods and handlers, which may read them.
    for event in body.events { namespaces[current].events[event.name.value] = event.event }
    var methods: [(label: String, node: BotHashNode)] = []
    for method in body.methods {
      let compiled = compiledMethod(method.name.value, of: current, calledAt: method.name.location)
      if let node = compiled?.node { methods.append((method.name.value, node)) }
    }
    if !methods.isEmpty { children.append(("methods", BotHashNode("methods", named: methods))) }
    var handlers: [(label: String, node: BotHashNode)] = []
    if !names.isForeign {
      for (label, handler) in BotInheritance.labelled(body.handlers) {
        if let node = compile(handler, label: label) { handlers.append((label, node)) }
      }
    }
    children.append(("when", BotHashNode("handlers", named: handlers)))
    return children
  }

  private mutating func declareState(_ fields: [FieldSyntax]) -> BotHashNode? {
    var hash = JSONObject()
    for field in fields {
      let name = field.name.value
      if names.arguments[name] != nil {
        diagnostics.error(
          "'\(name)' is a state and an argument", at: field.name.location, hint: "choose another name")
        continue
      }
      var initial = BotStateSlot.zero(field.isOptional ? .null : field.type)
      if let syntax = field.initial {
        guard let value = expression(syntax, for: field.type, "'default'") else { continue }
        guard case .literal(let text) = value.operand else {
          diagnostics.error("'default': expected a value that is known now", at: syntax.location)
          continue
        }
        initial = text
      }
      var entry: JSONObject = ["type": .string(field.type.hashText + (field.isOptional ? "?" : ""))]
      if let syntax = field.initial, case .literal = syntax {
        entry["default"] = try? JSONValue(parsing: String(decoding: initial, as: UTF8.self))
      }
      hash[name] = .object(entry)
      var slot: Int?
      if !names.isForeign {
        slot = states.count
        states.append(
          BotStateSlot(owner: .bot, name: names.prefix + name, type: field.type, initial: initial))
      }
      namespaces[current].states[name] = BotNamespace.State(slot: slot, field: field)
    }
    return hash.isEmpty ? nil : BotHashNode("state", fields: hash)
  }
}

extension BotStateSlot {
  /// JSON text of what a state is before anybody has said.
  static func zero(_ type: FieldType) -> [UInt8] {
    let value: JSONValue =
      switch type {
      case .bool: false
      case .int, .float: 0
      case .string: ""
      case .list: []
      case .map, .record: [:]
      default: nil
      }
    return value.serializedBytes()
  }
}
