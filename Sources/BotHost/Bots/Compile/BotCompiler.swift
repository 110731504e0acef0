/// Compiles bots: looks every name up, checks every type, hashes every node, and lays out the code that handles events.
///
/// All errors of a project are found at once. One broken bot does not stop the others.
public struct BotCompiler {
  let project: BotProject
  let manifests: [Manifest]
  var diagnostics = Diagnostics()
  var inheritance: BotInheritance
  /// Files beside the bots of which something was used.
  var usedFiles: Set<String> = []
  /// Other bots that are used, by name.
  var usedBots: [String] = []

  // The bot that is being compiled.
  /// The bot itself first.
  var namespaces: [BotNamespace]
  /// The one whose names count.
  var current = 0
  /// The bot and the components that are being compiled, outermost first.
  var openNames: [String]
  var methodStack: [String] = []
  var eventDepth = 0
  var touchesForeignState = false
  var requirements: [BotInstanceRequirement] = []
  /// By requirement.
  var plugins: [BotUse.PluginUse] = []
  var configs: [BotConfigUse] = []
  var constants: [BotConstant] = []
  var states: [BotStateSlot] = []
  var methods: [BotMethodTarget] = []
  var handlers: [BotHandlerCode] = []
  var subscriptions: [Subscription] = []
  var loops = FeedbackLoops()
  /// Of the handler or method; nil in the arguments of a `use`, which read configurations and arguments only.
  var body: BotBody?
  /// A step of the handler was not understood, so that names may only seem unused.
  var hasUnresolvedStep = false

  private init(project: BotProject, manifests: [Manifest], name: String, file: String) {
    self.project = project
    self.manifests = manifests
    inheritance = BotInheritance(project: project)
    namespaces = [BotNamespace(name: name, instance: name, file: file)]
    openNames = [name]
  }

  /// Compiles the bots of the project's files, and other bots that they use.
  ///
  /// - Returns: a program for each bot without errors. The project's own diagnostics are among those given back.
  public static func compile(
    _ project: BotProject, manifests: [Manifest]
  ) -> (programs: [BotProgram], diagnostics: Diagnostics) {
    var diagnostics = project.diagnostics
    var programs: [BotProgram] = []
    var names: [String: SourceLocation] = [:]
    var waiting: [BotProject.Entry] = []
    for entry in project.main {
      if let first = names[entry.document.name.value] {
        diagnostics.error(
          "'\(entry.document.name.value)' is declared a second time; the first is \(first)",
          at: entry.document.name.location)
        continue
      }
      names[entry.document.name.value] = entry.document.name.location
      waiting.append(entry)
    }
    var next = 0
    while next < waiting.count {
      let entry = waiting[next]
      next += 1
      var compiler = BotCompiler(
        project: project, manifests: manifests, name: entry.document.name.value, file: entry.file)
      let program = compiler.compile(entry)
      diagnostics.append(contentsOf: compiler.inheritance.diagnostics)
      diagnostics.append(contentsOf: compiler.diagnostics)
      let used = compiler.usedFiles.union(compiler.inheritance.usedFiles)
      var isWhole = !compiler.diagnostics.hasErrors && !compiler.inheritance.diagnostics.hasErrors
      for file in used.sorted() {
        guard let found = project.besideDiagnostics[file] else { continue }
        diagnostics.append(contentsOf: found)
        if found.hasErrors { isWhole = false }
      }
      if isWhole, !project.diagnostics.hasErrors, let program { programs.append(program) }
      for name in compiler.usedBots {
        guard names[name] == nil, let other = project.document(name) else { continue }
        names[name] = other.document.name.location
        waiting.append(other)
      }
    }
    return (programs, diagnostics)
  }

  /// Nil for what is no bot, and is only looked at.
  private mutating func compile(_ entry: BotProject.Entry) -> BotProgram? {
    switch entry.document {
    case .bot(let bot): return compile(bot)
    case .component(let component): compileAlone(component)
    case .config(let config): _ = inheritance.keys(of: config)
    case .schema(let schema): _ = inheritance.fields(of: schema)
    }
    return nil
  }

  private mutating func compile(_ written: BotSyntax) -> BotProgram {
    let bot = inheritance.bot(written, isComponent: false, baseTypes: baseTypes)
    let children = compileBody(bot)
    loops.report(plugins: plugins, diagnostics: &diagnostics)
    if handlers.isEmpty, !diagnostics.hasErrors, !inheritance.diagnostics.hasErrors, !project.diagnostics.hasErrors {
      diagnostics.warning("the bot '\(bot.name.value)' has no handlers", at: bot.name.location)
    }
    var rootFields: JSONObject = ["bothost": 1]
    if let parent = bot.extends { rootFields["extends"] = .string(parent.value) }
    return BotProgram(
      name: bot.name.value, location: bot.name.location,
      tree: BotHashNode("bot", fields: rootFields, named: children), requirements: requirements,
      subscriptions: subscriptions.map(\.finished) + stateSubscriptions(), methods: methods, configs: configs,
      constants: constants, states: states, handlers: handlers)
  }

  /// Looks at a component as if somebody used it, with arguments that nobody knows yet.
  private mutating func compileAlone(_ component: BotSyntax) {
    let whole = inheritance.bot(component, isComponent: true, baseTypes: baseTypes)
    namespaces[0].isComponent = true
    for field in whole.arguments {
      namespaces[0].arguments[field.name.value] = TypedExpression(
        operand: .literal([]), type: field.type, isOptional: field.isOptional, hash: nil)
      if let initial = field.initial {
        _ = argument(ArgumentSyntax(name: field.name, value: initial), Field(field.name.value, field.type))
      }
    }
    if let (manifest, type) = whole.base.flatMap({ pluginType($0) }) {
      let given = type.arguments.map(\.name)
      namespaces[0].base = requireInstance(
        manifest, type, path: component.name.value, instance: component.name.value, arguments: [], given: given,
        at: component.name.location)
    }
    _ = compileBody(whole)
    for event in whole.events { _ = self.event(event.event) }
  }

  /// A subscription while handlers are added to it.
  struct Subscription {
    var requirement: Int
    var topic: String
    var fields = JSONFieldTable()
    var handlers: [Int] = []

    var finished: BotSubscription {
      BotSubscription(
        requirement: requirement, topic: topic, isState: false, handlers: handlers, fields: fields, states: [])
    }
  }

  /// `<plugin>.state` of each instance whose state the bot reads.
  private func stateSubscriptions() -> [BotSubscription] {
    var found: [BotSubscription] = []
    for (index, requirement) in requirements.enumerated() {
      var fields = JSONFieldTable()
      var targets: [Int] = []
      for (slot, state) in states.enumerated() where state.owner == .instance(index) {
        _ = fields.position(of: [state.name])
        targets.append(slot)
      }
      guard !targets.isEmpty else { continue }
      found.append(
        BotSubscription(
          requirement: index, topic: "\(requirement.plugin).state", isState: true, handlers: [], fields: fields,
          states: targets))
    }
    return found
  }

  // MARK: Handlers

  mutating func compile(_ handler: HandlerSyntax, label: String) -> BotHashNode? {
    guard let place = event(handler.event) else { return nil }
    let requirement = place.plugin.requirement
    let topic = place.event.topic
    let known = subscriptions.firstIndex { $0.requirement == requirement && $0.topic == topic }
    let index = known ?? subscriptions.count
    if known == nil { subscriptions.append(Subscription(requirement: requirement, topic: topic)) }
    body = BotBody(
      eventType: place.plugin.manifest.topic(topic)?.payload ?? .any, fields: subscriptions[index].fields)
    hasUnresolvedStep = false
    let nodes = compileSteps(handler.steps)
    guard var body = body.take() else { return nil }
    body.instructions.append(.end)
    body.patchEnds()
    let shown = names.prefix.isEmpty ? label : "\(names.prefix.dropLast())/\(label)"
    if body.isTooLong || body.instructions.count > Self.instructionLimit {
      diagnostics.error(
        "the handler '\(shown)' has more than \(Self.instructionLimit) instructions with its methods written out",
        at: handler.event.location)
    }
    subscriptions[index].fields = body.fields
    subscriptions[index].handlers.append(handlers.count)
    loops.add(from: FeedbackLoops.Point(instance: requirement, event: place.event.name), calls: body.calls)
    if handler.steps.isEmpty, !diagnostics.hasErrors, !project.diagnostics.hasErrors {
      diagnostics.warning("the handler '\(label)' does nothing", at: handler.location)
    }
    let node = BotHashNode(
      "handler", fields: ["event": .string(names.prefix + handler.event.value)], children: nodes.map { ("", $0) })
    handlers.append(
      BotHandlerCode(
        label: shown, location: handler.location, instructions: body.instructions, slotCount: body.slotCount,
        iteratorCount: body.iteratorCount, node: node, steps: body.steps))
    return node
  }

  /// The index of a method in the program's table.
  mutating func method(_ use: BotUse.PluginUse, _ name: String) -> Int {
    let target = BotMethodTarget(
      requirement: use.requirement, name: "\(requirements[use.requirement].instance).\(name)")
    if let index = methods.firstIndex(of: target) { return index }
    methods.append(target)
    return methods.count - 1
  }

  mutating func constant(_ constant: BotConstant) -> Int {
    if let index = constants.firstIndex(of: constant) { return index }
    constants.append(constant)
    return constants.count - 1
  }

  /// The slot of an instance's state.
  mutating func state(_ use: BotUse.PluginUse, _ field: Field) -> Int {
    let owner = BotStateSlot.Owner.instance(use.requirement)
    if let index = states.firstIndex(where: { $0.owner == owner && $0.name == field.name }) { return index }
    states.append(
      BotStateSlot(owner: owner, name: field.name, type: field.type, initial: BotStateSlot.zero(field.type)))
    return states.count - 1
  }
}
