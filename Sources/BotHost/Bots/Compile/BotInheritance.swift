/// Puts what a document inherits into it.
struct BotInheritance {
  let project: BotProject
  var diagnostics = Diagnostics()
  /// Files beside the bots of which something is used.
  private(set) var usedFiles: Set<String> = []

  init(project: BotProject) { self.project = project }

  /// How long a chain of `extends` may be.
  private static let depthLimit = 32

  /// The parents of a document, nearest first, all of its kind. Reports unknown names and circles.
  ///
  /// - Parameter baseTypes: names that are no documents and at which the chain may end.
  /// - Returns: also the name of these at which it ends.
  private mutating func parents(
    of document: BotDocument, baseTypes: Set<String> = []
  ) -> (chain: [BotDocument], base: Located<String>?) {
    var chain: [BotDocument] = []
    var seen = [document.name.value]
    var next = document.extends
    while let wanted = next {
      guard !seen.contains(wanted.value) else {
        let circle = (seen + [wanted.value]).joined(separator: " → ")
        diagnostics.error("'extends' goes in a circle: \(circle)", at: wanted.location)
        break
      }
      guard let entry = project.document(wanted.value) else {
        if baseTypes.contains(wanted.value) { return (chain, wanted) }
        let names = baseTypes.union(project.names { document.isSameKind(as: $0) }).subtracting(seen)
        diagnostics.error(
          "'extends': there is no '\(wanted.value)' in the project", at: wanted.location,
          hint: Suggestion.question(about: wanted.value, in: names.sorted()))
        break
      }
      guard document.isSameKind(as: entry.document) else {
        diagnostics.error(
          "'\(seen.last ?? "")' is \(document.summary) and extends '\(wanted.value)', which is \(entry.document.summary)",
          at: wanted.location)
        break
      }
      usedFiles.insert(entry.file)
      seen.append(wanted.value)
      chain.append(entry.document)
      guard chain.count <= Self.depthLimit else {
        diagnostics.error("'extends' is more than \(Self.depthLimit) deep", at: wanted.location)
        break
      }
      next = entry.document.extends
    }
    return (chain, nil)
  }

  /// The getters of a configuration with those of its parents; a child's getter of the same name and type replaces.
  mutating func keys(of config: ConfigSyntax) -> [ConfigKey] {
    var keys: [ConfigKey] = []
    for case .config(let level) in parents(of: .config(config)).chain.reversed() + [.config(config)] {
      for key in level.keys {
        guard let index = keys.firstIndex(where: { $0.name == key.name }) else {
          keys.append(key)
          continue
        }
        if keys[index].kind.fieldType != key.kind.fieldType {
          diagnostics.error(
            "the getter '\(key.name)' is \(key.kind.fieldType.summary) here and \(keys[index].kind.fieldType.summary) in what is extended",
            at: key.location, hint: "a getter keeps its type")
        }
        keys[index] = key
      }
    }
    return keys
  }

  /// The fields of a schema with those of its parents, sorted by name: their order means nothing.
  mutating func fields(of schema: SchemaSyntax) -> [Field] {
    var fields: [Field] = []
    for case .schema(let level) in parents(of: .schema(schema)).chain.reversed() + [.schema(schema)] {
      for own in level.fields {
        guard let index = fields.firstIndex(where: { $0.name == own.field.name }) else {
          fields.append(own.field)
          continue
        }
        if fields[index].type != own.field.type {
          diagnostics.error(
            "the field '\(own.field.name)' is \(own.field.type.summary) here and \(fields[index].type.summary) in what is extended",
            at: own.location, hint: "a field keeps its type")
        }
        fields[index] = own.field
      }
    }
    return fields.sorted { $0.name < $1.name }
  }

  /// A bot or a component with what it inherits: parents' handlers run first, one with the same label is replaced.
  mutating func bot(_ bot: BotSyntax, isComponent: Bool, baseTypes: Set<String>) -> BotSyntax {
    let own: BotDocument = isComponent ? .component(bot) : .bot(bot)
    let (chain, base) = parents(of: own, baseTypes: isComponent ? baseTypes : [])
    var result = bot
    result.base = base
    result.uses = []
    result.state = []
    result.methods = []
    result.handlers = []
    result.arguments = []
    result.events = []
    var labels: [String] = []
    for level in chain.reversed() + [own] {
      guard let level = level.body else { continue }
      Self.merge(level.uses, into: &result.uses) { $0.name.value }
      Self.merge(level.events, into: &result.events) { $0.name.value }
      merge(level.state, into: &result.state, "state")
      merge(level.arguments, into: &result.arguments, "argument")
      for method in level.methods { merge(method, into: &result.methods) }
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
      merge(level.handlers, into: &result.handlers, &labels)
    }
    return result
  }

  /// A child's entry replaces the inherited one with its name, in its place.
  private static func merge<Entry>(_ own: [Entry], into all: inout [Entry], name: (Entry) -> String) {
    let inherited = all.count
    for entry in own {
      if let index = all[..<inherited].firstIndex(where: { name($0) == name(entry) }) {
        all[index] = entry
      } else {
        all.append(entry)
      }
    }
  }

  private mutating func merge(_ own: [FieldSyntax], into all: inout [FieldSyntax], _ what: String) {
    for field in own {
      if let other = all.first(where: { $0.name.value == field.name.value }), other.type != field.type {
        diagnostics.error(
          "the \(what) '\(field.name.value)' is \(field.type.summary) here and \(other.type.summary) in what is extended",
          at: field.name.location, hint: "\(what == "state" ? "a state" : "an argument") keeps its type")
      }
    }
    Self.merge(own, into: &all) { $0.name.value }
  }

  private mutating func merge(_ method: MethodSyntax, into all: inout [MethodSyntax]) {
    var method = method
    guard let index = all.firstIndex(where: { $0.name.value == method.name.value }) else {
      if let callsSuper = method.callsSuper, callsSuper.value {
        diagnostics.error(
          "there is no inherited method '\(method.name.value)' whose steps could run first", at: callsSuper.location)
      }
      all.append(method)
      return
    }
    if Set(all[index].arguments) != Set(method.arguments) {
      diagnostics.error(
        "the method '\(method.name.value)' has other arguments than the one that it replaces",
        at: method.name.location, hint: "its callers give \(FieldType.record(all[index].arguments))")
    }
    if method.callsSuper?.value == true { method.steps = all[index].steps + method.steps }
    all[index] = method
  }

  private mutating func merge(
    _ own: [HandlerSyntax], into all: inout [HandlerSyntax], _ labels: inout [String]
  ) {
    var ownLabels: Set<String> = []
    for (label, handler) in Self.labelled(own, after: labels) {
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
          handler.steps = all[inherited].steps + handler.steps
        } else {
          diagnostics.error(
            "there is no inherited handler '\(label)' whose steps could run first", at: callsSuper.location)
        }
      }
      if let inherited {
        all[inherited] = handler
      } else {
        labels.append(label)
        all.append(handler)
      }
    }
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

extension BotDocument {
  fileprivate var body: BotSyntax? {
    switch self {
    case .bot(let bot), .component(let bot): bot
    case .config, .schema: nil
    }
  }

  fileprivate func isSameKind(as other: BotDocument) -> Bool {
    switch (self, other) {
    case (.bot, .bot), (.component, .component), (.config, .config), (.schema, .schema): true
    default: false
    }
  }
}
