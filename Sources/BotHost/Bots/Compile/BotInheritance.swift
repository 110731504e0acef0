/// Puts what a bot or a configuration inherits into it.
struct BotInheritance {
  let project: BotProject
  var diagnostics = Diagnostics()
  /// Files beside the bots of which something is used.
  private(set) var usedFiles: Set<String> = []

  init(project: BotProject) { self.project = project }

  /// How long a chain of `extends` may be.
  private static let depthLimit = 32

  /// The parents of a document, nearest first. Reports unknown names and circles.
  private mutating func parents(_ name: Located<String>, extends first: Located<String>?) -> [BotDocument] {
    var chain: [BotDocument] = []
    var seen = [name.value]
    var next = first
    while let wanted = next {
      guard !seen.contains(wanted.value) else {
        let circle = (seen + [wanted.value]).joined(separator: " → ")
        diagnostics.error("'extends' goes in a circle: \(circle)", at: wanted.location)
        break
      }
      guard let entry = project.document(wanted.value) else {
        diagnostics.error(
          "'extends': there is no '\(wanted.value)' in the project", at: wanted.location,
          hint: Suggestion.nearest(to: wanted.value, in: project.names).map { "did you mean '\($0)'?" })
        break
      }
      usedFiles.insert(entry.file)
      seen.append(wanted.value)
      chain.append(entry.document)
      guard chain.count <= Self.depthLimit else {
        diagnostics.error("'extends' is more than \(Self.depthLimit) deep", at: wanted.location)
        break
      }
      switch entry.document {
      case .bot(let bot): next = bot.extends
      case .config(let config): next = config.extends
      }
    }
    return chain
  }

  /// The getters of a configuration with those of its parents; a child's getter of the same name and type replaces.
  mutating func keys(of config: ConfigSyntax) -> [ConfigKey] {
    var keys: [ConfigKey] = []
    var levels = [config]
    for parent in parents(config.name, extends: config.extends) {
      guard case .config(let other) = parent else {
        diagnostics.error(
          "the configuration '\(config.name.value)' extends '\(parent.name.value)', which is a bot",
          at: config.extends?.location)
        break
      }
      levels.append(other)
    }
    for level in levels.reversed() {
      for key in level.keys {
        guard let index = keys.firstIndex(where: { $0.name == key.name }) else {
          keys.append(key)
          continue
        }
        if keys[index].kind.fieldType != key.kind.fieldType {
          diagnostics.error(
            "the getter '\(key.name)' is a \(key.kind.fieldType) here and a \(keys[index].kind.fieldType) in what is extended",
            at: key.location, hint: "a getter keeps its type")
        }
        keys[index] = key
      }
    }
    return keys
  }

  /// A bot with the uses and handlers of its parents: parents' handlers run first, one with the same label is replaced.
  mutating func bot(_ bot: BotSyntax) -> BotSyntax {
    var levels = [bot]
    for parent in parents(bot.name, extends: bot.extends) {
      guard case .bot(let other) = parent else {
        diagnostics.error(
          "the bot '\(bot.name.value)' extends '\(parent.name.value)', which is a configuration",
          at: bot.extends?.location)
        break
      }
      levels.append(other)
    }
    var result = bot
    result.uses = []
    result.handlers = []
    var labels: [String] = []
    for level in levels.reversed() {
      for use in level.uses {
        if let index = result.uses.firstIndex(where: { $0.name.value == use.name.value }) {
          result.uses[index] = use
        } else {
          result.uses.append(use)
        }
      }
      for label in level.remove {
        guard let index = labels.firstIndex(of: label.value) else {
          diagnostics.error(
            "there is no inherited handler '\(label.value)' to remove", at: label.location,
            hint: Suggestion.hint(for: label.value, in: labels))
          continue
        }
        labels.remove(at: index)
        result.handlers.remove(at: index)
      }
      var ownLabels: Set<String> = []
      for (label, handler) in Self.labelled(level.handlers, after: labels) {
        if !ownLabels.insert(label).inserted {
          diagnostics.error(
            "a second handler '\(label)'", at: handler.name?.location ?? handler.location,
            hint: "a name is used once for an event")
          continue
        }
        let inherited = labels.firstIndex(of: label)
        var handler = handler
        if let callsSuper = handler.callsSuper, callsSuper.value {
          if let inherited {
            handler.steps = result.handlers[inherited].steps + handler.steps
          } else {
            diagnostics.error(
              "there is no inherited handler '\(label)' whose steps could run first", at: callsSuper.location)
          }
        }
        if let inherited {
          result.handlers[inherited] = handler
        } else {
          labels.append(label)
          result.handlers.append(handler)
        }
      }
    }
    return result
  }

  /// `event#name`, or `event#1`, `event#2`, … for those without a name, counting on from what is there.
  static func labelled(_ handlers: [HandlerSyntax], after labels: [String] = []) -> [(String, HandlerSyntax)] {
    var counts: [String: Int] = [:]
    for label in labels {
      let parts = label.split(separator: "#")
      if parts.count == 2, let number = Int(parts[1]) {
        counts[String(parts[0])] = max(counts[String(parts[0])] ?? 0, number)
      }
    }
    return handlers.map { handler in
      if let name = handler.name { return ("\(handler.event.value)#\(name.value)", handler) }
      let number = (counts[handler.event.value] ?? 0) + 1
      counts[handler.event.value] = number
      return ("\(handler.event.value)#\(number)", handler)
    }
  }
}
