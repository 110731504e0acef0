/// The names that a bot declares, or a component where it is used.
///
/// A component is put into the bot that uses it: what it declares exists once for each use, under the use's name.
struct BotNamespace {
  /// Of the document, for messages.
  var name: String
  var isComponent = false
  /// What is in front of its names where the whole bot is looked at: nothing for the bot itself, `chat.` for the
  /// component under `chat`.
  var prefix = ""
  /// What names of its instances begin with: `taco`, `taco.chat`.
  var instance: String
  var file: String
  /// It is another bot, with a runtime of its own, or a component of one.
  var isForeign = false
  var uses: [String: BotUse] = [:]
  var arguments: [String: TypedExpression] = [:]
  var states: [String: State] = [:]
  var methods: [String: Method] = [:]
  var events: [String: Located<String>] = [:]
  /// The plugin's type that a component extends.
  var base: BotUse.PluginUse?

  struct State {
    /// An index into the program's states; nil in another bot.
    var slot: Int?
    var field: FieldSyntax
  }

  struct Method {
    var syntax: MethodSyntax
    var progress = Progress.waiting
  }

  enum Progress {
    case waiting
    case compiling
    case done(CompiledMethod)
  }

  /// The names that `${…}` may begin with, besides those of a handler.
  var valueNames: Set<String> {
    Set(uses.keys).union(arguments.keys).union(states.keys).union(base?.type.state.map(\.name) ?? [])
  }

  /// The names that a step may have, besides those of the language and of uses.
  var methodNames: Set<String> {
    Set(methods.keys).union(base?.type.methods.map(\.name) ?? [])
  }

  var eventNames: Set<String> {
    Set(events.keys).union(base?.type.events.map(\.name) ?? [])
  }

  var stateNames: Set<String> {
    Set(states.keys).union(base?.type.state.map(\.name) ?? [])
  }
}

/// What is known of a method after its steps have been looked at.
struct CompiledMethod {
  /// Nil after an error.
  var node: BotHashNode?
  /// Nil: it gives nothing.
  var returns: FieldType?
  /// Not every way through the steps ends with a `return`.
  var mayReturnNothing = false
  /// It cannot be carried out for another bot than its own.
  var touchesForeignState = false
}

extension BotCompiler {
  var names: BotNamespace { namespaces[current] }

  /// A dotted name in its parts; nil when one of them is empty.
  func parts(_ name: String) -> [String]? {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    return parts.allSatisfy { !$0.isEmpty } ? parts : nil
  }

  /// The use that a dotted name without its last part means. Nil after an error, or where one has been reported.
  mutating func use(at path: some Collection<String>, _ location: SourceLocation) -> BotUse? {
    var namespace = current
    var found: BotUse?
    var before: [String] = []
    for part in path {
      switch found {
      case nil: break
      case .bot(let other)?: namespace = other
      case .component(let other)?:
        diagnostics.error(
          "'\(part)' is inside the component '\(namespaces[other].name)' and cannot be reached from outside",
          at: location, hint: "give the component a method, an event or a state for it")
        return nil
      case .broken?, .waiting?: return nil
      default:
        diagnostics.error("'\(before.joined(separator: "."))' has nothing called '\(part)'", at: location)
        return nil
      }
      guard let next = namespaces[namespace].uses[part] else {
        let names = namespaces[namespace].uses.keys
        diagnostics.error(
          before.isEmpty
            ? "there is no use '\(part)'" : "the bot '\(namespaces[namespace].name)' has no use '\(part)'",
          at: location, hint: Suggestion.hint(for: part, in: names))
        return nil
      }
      found = next
      before.append(part)
    }
    return found
  }

  // MARK: Events

  /// The topic of an instance that an event's name means.
  struct EventPlace {
    var plugin: BotUse.PluginUse
    var event: BotTypeEvent
  }

  mutating func event(_ name: Located<String>) -> EventPlace? {
    let location = name.location
    guard let parts = parts(name.value), let last = parts.last, parts.count > 1 || names.isComponent else {
      diagnostics.error(
        "'\(name.value)' is no event", at: location, hint: "an event is USE.EVENT, such as chat.message")
      return nil
    }
    if parts.count == 1 { return event(last, of: current, location) }
    guard let use = use(at: parts.dropLast(), location) else { return nil }
    switch use {
    case .broken, .waiting: return nil
    case .component(let namespace): return event(last, of: namespace, location)
    case .plugin(let plugin):
      guard let event = plugin.type.event(last) else {
        diagnostics.error(
          "\(plugin.type.name) has no event '\(last)'", at: location,
          hint: Suggestion.hint(for: last, in: plugin.type.events.map(\.name)))
        return nil
      }
      return EventPlace(plugin: plugin, event: event)
    case .bot(let namespace):
      diagnostics.error(
        "the bot '\(namespaces[namespace].name)' has no events of its own", at: location,
        hint: "name one of its uses: \(name.value).EVENT")
      return nil
    case .config, .standardOutput:
      diagnostics.error("'\(parts.dropLast().joined(separator: "."))' has no events", at: location)
      return nil
    }
  }

  /// An event that a component declares, or that the plugin's type has which it extends.
  private mutating func event(_ name: String, of namespace: Int, _ location: SourceLocation) -> EventPlace? {
    let owner = namespaces[namespace]
    if let alias = owner.events[name] {
      let outer = current
      current = namespace
      defer { current = outer }
      // The name of an event of its own: the base's, or else a circle.
      if alias.value == name {
        if let plugin = owner.base, let event = plugin.type.event(name) {
          return EventPlace(plugin: plugin, event: event)
        }
        diagnostics.error("the event '\(name)' is said to be itself", at: alias.location)
        return nil
      }
      eventDepth += 1
      defer { eventDepth -= 1 }
      guard eventDepth <= 64 else {
        diagnostics.error("the event '\(name)' is said to be itself", at: alias.location)
        return nil
      }
      return event(alias)
    }
    if let plugin = owner.base, let event = plugin.type.event(name) { return EventPlace(plugin: plugin, event: event) }
    diagnostics.error(
      "the component '\(owner.name)' has no event '\(name)'", at: location,
      hint: Suggestion.hint(for: name, in: owner.eventNames))
    return nil
  }
}
