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

  // The bot that is being compiled.
  var botName = ""
  var file = ""
  var uses: [String: BotUse] = [:]
  var requirements: [BotInstanceRequirement] = []
  var configs: [BotConfigUse] = []
  var constants: [BotConstant] = []
  var states: [BotStateSlot] = []
  var methods: [BotMethodTarget] = []
  var scope = BotScope.arguments
  /// A step of the handler was not understood, so that names may only seem unused.
  var hasUnresolvedStep = false

  private init(project: BotProject, manifests: [Manifest]) {
    self.project = project
    self.manifests = manifests
    inheritance = BotInheritance(project: project)
  }

  /// Compiles the bots of the project's files.
  ///
  /// - Returns: a program for each bot without errors. The project's own diagnostics are among those given back.
  public static func compile(
    _ project: BotProject, manifests: [Manifest]
  ) -> (programs: [BotProgram], diagnostics: Diagnostics) {
    var diagnostics = project.diagnostics
    var programs: [BotProgram] = []
    var names: [String: SourceLocation] = [:]
    for entry in project.main {
      if let first = names[entry.document.name.value] {
        diagnostics.error(
          "'\(entry.document.name.value)' is declared a second time; the first is \(first)",
          at: entry.document.name.location)
        continue
      }
      names[entry.document.name.value] = entry.document.name.location
      guard case .bot(let bot) = entry.document else { continue }
      var compiler = BotCompiler(project: project, manifests: manifests)
      let program = compiler.compile(bot, file: entry.file)
      diagnostics.append(contentsOf: compiler.inheritance.diagnostics)
      diagnostics.append(contentsOf: compiler.diagnostics)
      let used = compiler.usedFiles.union(compiler.inheritance.usedFiles)
      var isWhole = !compiler.diagnostics.hasErrors && !compiler.inheritance.diagnostics.hasErrors
      for file in used.sorted() {
        guard let found = project.besideDiagnostics[file] else { continue }
        diagnostics.append(contentsOf: found)
        if found.hasErrors { isWhole = false }
      }
      if isWhole, !project.diagnostics.hasErrors { programs.append(program) }
    }
    return (programs, diagnostics)
  }

  private mutating func compile(_ written: BotSyntax, file: String) -> BotProgram {
    let bot = inheritance.bot(written)
    botName = bot.name.value
    self.file = file
    let useNodes = compileUses(bot.uses)
    var handlerNodes: [(label: String, node: BotHashNode)] = []
    var handlers: [BotHandlerCode] = []
    var subscriptions: [Subscription] = []
    var loops = FeedbackLoops()
    for (label, handler) in BotInheritance.labelled(bot.handlers) {
      guard let compiled = compile(handler, label: label, subscriptions: &subscriptions, loops: &loops) else {
        continue
      }
      handlerNodes.append((label, compiled.node))
      for index in subscriptions.indices where subscriptions[index].handlersTaken(compiled) {
        subscriptions[index].handlers.append(handlers.count)
      }
      handlers.append(compiled.code)
    }
    loops.report(uses: uses, diagnostics: &diagnostics)
    if handlers.isEmpty, !diagnostics.hasErrors, !project.diagnostics.hasErrors {
      diagnostics.warning("the bot '\(botName)' has no handlers", at: bot.name.location)
    }
    var rootFields: JSONObject = ["bothost": 1]
    if let parent = bot.extends { rootFields["extends"] = .string(parent.value) }
    let tree = BotHashNode(
      "bot", fields: rootFields,
      named: [("use", BotHashNode("uses", named: useNodes)), ("when", BotHashNode("handlers", named: handlerNodes))])
    return BotProgram(
      name: botName, location: bot.name.location, tree: tree, requirements: requirements,
      subscriptions: subscriptions.map(\.finished) + stateSubscriptions(), methods: methods, configs: configs,
      constants: constants, states: states, handlers: handlers)
  }

  /// A subscription while handlers are added to it.
  struct Subscription {
    var requirement: Int
    var topic: String
    var fields = JSONFieldTable()
    var handlers: [Int] = []

    func handlersTaken(_ compiled: CompiledHandler) -> Bool {
      requirement == compiled.requirement && topic == compiled.topic
    }

    var finished: BotSubscription {
      BotSubscription(
        requirement: requirement, topic: topic, isState: false, handlers: handlers, fields: fields, states: [])
    }
  }

  struct CompiledHandler {
    var requirement: Int
    var topic: String
    var node: BotHashNode
    var code: BotHandlerCode
  }

  /// `<plugin>.state` of each instance whose state the bot reads.
  private func stateSubscriptions() -> [BotSubscription] {
    var found: [BotSubscription] = []
    for (index, requirement) in requirements.enumerated() {
      var fields = JSONFieldTable()
      var targets: [Int] = []
      for (slot, state) in states.enumerated() where state.requirement == index {
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

  private mutating func compile(
    _ handler: HandlerSyntax, label: String, subscriptions: inout [Subscription], loops: inout FeedbackLoops
  ) -> CompiledHandler? {
    guard let (useName, eventName) = split(handler.event.value) else {
      diagnostics.error(
        "'\(handler.event.value)' is no event", at: handler.event.location,
        hint: "an event is USE.EVENT, such as chat.message")
      return nil
    }
    guard let use = uses[useName] else {
      diagnostics.error(
        "there is no use '\(useName)'", at: handler.event.location, hint: Suggestion.hint(for: useName, in: uses.keys))
      return nil
    }
    guard case .plugin(let plugin) = use else {
      if case .broken = use { return nil }
      diagnostics.error("'\(useName)' has no events", at: handler.event.location)
      return nil
    }
    guard let event = plugin.type.event(eventName) else {
      diagnostics.error(
        "\(plugin.type.name) has no event '\(eventName)'", at: handler.event.location,
        hint: Suggestion.hint(for: eventName, in: plugin.type.events.map(\.name)))
      return nil
    }
    var index = subscriptions.firstIndex { $0.requirement == plugin.requirement && $0.topic == event.topic }
    if index == nil {
      subscriptions.append(Subscription(requirement: plugin.requirement, topic: event.topic))
      index = subscriptions.count - 1
    }
    let place = index ?? 0
    var body = BotBody(
      eventType: plugin.manifest.topic(event.topic)?.payload ?? .any, fields: subscriptions[place].fields)
    body.endpoint = FeedbackLoops.Point(use: useName, event: eventName)
    scope = .handler(body)
    hasUnresolvedStep = false
    let nodes = compileSteps(handler.steps)
    guard case .handler(let finished) = scope else { return nil }
    body = finished
    body.instructions.append(.end)
    body.patchEnds()
    subscriptions[place].fields = body.fields
    loops.add(from: FeedbackLoops.Point(use: useName, event: eventName), calls: body.calls)
    if handler.steps.isEmpty, !diagnostics.hasErrors, !project.diagnostics.hasErrors {
      diagnostics.warning("the handler '\(label)' does nothing", at: handler.location)
    }
    let node = BotHashNode(
      "handler", fields: ["event": .string(handler.event.value)], children: nodes.map { ("", $0) })
    return CompiledHandler(
      requirement: plugin.requirement, topic: event.topic, node: node,
      code: BotHandlerCode(
        label: label, location: handler.location, instructions: body.instructions, slotCount: body.slotCount,
        iteratorCount: body.iteratorCount, node: node, steps: body.steps))
  }

  /// `chat.message` in two.
  func split(_ name: String) -> (String, String)? {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) else { return nil }
    return (String(parts[0]), String(parts[1]))
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

  mutating func state(_ use: BotUse.PluginUse, _ field: Field) -> Int {
    if let index = states.firstIndex(where: { $0.requirement == use.requirement && $0.name == field.name }) {
      return index
    }
    let initial: JSONValue =
      switch field.type {
      case .bool: false
      case .int, .float: 0
      case .string: ""
      case .list: []
      case .map, .record: [:]
      default: nil
      }
    states.append(
      BotStateSlot(requirement: use.requirement, name: field.name, initial: initial.serializedBytes()))
    return states.count - 1
  }
}
