/// What must hold between the parts of a manifest.
struct ManifestCheck {
  private let manifest: Manifest
  let document: YAMLNode
  var diagnostics = Diagnostics()

  static func run(_ manifest: Manifest, _ document: YAMLNode, diagnostics: inout Diagnostics) {
    var check = ManifestCheck(manifest: manifest, document: document)
    check.checkPublishing()
    check.checkHandlers()
    check.checkMethods()
    check.checkHooks()
    check.checkTypes()
    check.checkCommands()
    check.checkPolicies()
    check.checkExtensions()
    diagnostics.append(contentsOf: check.diagnostics)
  }

  private init(manifest: Manifest, document: YAMLNode) {
    self.manifest = manifest
    self.document = document
  }

  private func place(_ path: String...) -> SourceLocation {
    var node = document
    for key in path {
      guard let next = node[key] else { break }
      node = next
    }
    return node.location
  }

  /// A name as it was written may be missing from what was decoded because it is wrong itself: that has been reported.
  private func isWritten(_ section: String, _ name: String) -> Bool { document[section]?[name] != nil }

  // MARK: Topics

  private mutating func checkPublishing() {
    let permitted = document["permissions"]?["publish"]?.sequence ?? []
    let declared =
      manifest.topics.map { ("'topics.\($0.name)'", $0.name, $0.location) }
      + permitted.enumerated().compactMap { index, node in
        node.scalar.map { ("'permissions.publish[\(index)]'", $0.text, node.location) }
      }
    for (what, pattern, location) in declared {
      guard let problem = ReservedNames.publishProblem(pattern) else { continue }
      diagnostics.error("\(what): \(problem)", at: location, hint: "publish below '\(manifest.plugin).' instead")
    }
  }

  // MARK: Handlers

  private mutating func checkHandlers() {
    var seen: [String: Int] = [:]
    for (index, handler) in manifest.handlers.enumerated() {
      let what = "'handlers[\(index)]'"
      let source: String
      switch handler.topic {
      case .pattern(let pattern): source = pattern.text
      case .configuration(let name):
        source = "config:\(name)"
        switch manifest.configKey(name)?.kind {
        case .string?, .list(.string)?: break
        case nil where isWritten("config", name): break
        case nil:
          diagnostics.error(
            "\(what): there is no configuration key '\(name)'", at: handler.location,
            hint: Suggestion.hint(for: name, in: manifest.config.map(\.name)))
        default:
          diagnostics.error(
            "\(what): topics come from a configuration key of type string or list of string, which '\(name)' is not",
            at: handler.location)
        }
      }
      let conditions = handler.conditions.map { "\($0.pointer)=\($0.value.serialized())" }.sorted()
      let identity = ([source, handler.call ?? ""] + conditions).joined(separator: "\n")
      if let first = seen[identity] {
        diagnostics.error(
          "\(what): the same topic is bound to the same function in line \(first)", at: handler.location,
          hint: "remove one; each event would be handled twice")
      }
      seen[identity] = handler.location.line
      checkFunction(what, handler.location, handler.call, handler.signature)
      if let signature = handler.signature {
        let node = document["handlers"]?.sequence?.first { $0.location == handler.location }
        if node?["args"]?.sequence?.count ?? 0 == handler.arguments.count {
          checkArguments(what, handler.location, signature, handler.arguments, emits: handler.emits)
        }
        let hasResult = signature.result != .void
        if handler.emits != nil, !hasResult, !signature.hasCallback {
          diagnostics.error(
            "\(what): 'emits' has nothing to publish, the function returns void", at: handler.location,
            hint: "give the signature a result, or remove 'emits'")
        }
      } else {
        if !handler.arguments.isEmpty {
          diagnostics.error(
            "\(what): 'args' belong to a function with a 'signature'", at: handler.location,
            hint: "the standard handler receives the whole event")
        }
        if handler.emits != nil {
          diagnostics.error(
            "\(what): 'emits' publishes the result of a function with a 'signature'", at: handler.location)
        }
      }
      guard handler.signature != nil else { continue }
      for topic in [handler.emits].compactMap({ $0 }) + handler.arguments.compactMap(\.publishedTopic) {
        checkPublished(topic, what, handler.location)
      }
    }
  }

  private mutating func checkFunction(
    _ what: String, _ location: SourceLocation, _ call: String?, _ signature: Signature?
  ) {
    guard signature != nil else { return }
    guard let call else {
      diagnostics.error("\(what): 'signature' says how a function is called; 'call' is missing", at: location)
      return
    }
    if let problem = NameRules.symbolProblem(call) { diagnostics.error("\(what): '\(call)': \(problem)", at: location) }
  }

  private mutating func checkArguments(
    _ what: String, _ location: SourceLocation, _ signature: Signature, _ arguments: [ArgumentBinding], emits: String?
  ) {
    // A callback may go without an argument when 'emits' says where it publishes, and `event` is always the event.
    let wanted = signature.parameters.filter { !$0.isImplicit }
    var rest = arguments[...]
    for (index, parameter) in wanted.enumerated() {
      let left = wanted.count - index
      let mayBeOmitted = rest.count < left
      let place = rest.first?.location ?? location
      switch parameter {
      case .event:
        if rest.first?.source == .event {
          rest = rest.dropFirst()
        } else if !mayBeOmitted {
          diagnostics.error("\(what): the argument for 'event' is $event", at: place)
          rest = rest.dropFirst()
        }
      case .callback(let callback):
        if case .publish(_, let fields)? = rest.first?.source {
          rest = rest.dropFirst()
          if fields.count != callback.fieldCount {
            diagnostics.error(
              "\(what): the callback passes \(callback.fieldCount) values, 'fields' names \(fields.count)", at: place)
          }
          if Set(fields).count != fields.count {
            diagnostics.error("\(what): 'fields' names a field twice", at: place)
          }
        } else if emits == nil || !mayBeOmitted {
          diagnostics.error(
            "\(what): the argument for a callback says where it publishes", at: place,
            hint: "write {emits: TOPIC, fields: [NAME, …]}")
          rest = rest.dropFirst()
        }
      default:
        guard let argument = rest.popFirst() else {
          diagnostics.error(
            "\(what): the signature \(signature) has \(wanted.count) parameters to fill, 'args' fills "
              + "\(arguments.count)", at: location)
          return
        }
        checkFits(what, argument, parameter)
      }
    }
    if let extra = rest.first {
      diagnostics.error(
        "\(what): the signature \(signature) has no parameter for this argument", at: extra.location ?? location)
    }
  }

  private mutating func checkFits(_ what: String, _ argument: ArgumentBinding, _ parameter: Signature.Parameter) {
    for value in [argument.constant, argument.defaultValue].compactMap({ $0 }) where !parameter.accepts(value) {
      diagnostics.error(
        "\(what): \(value.serialized()) does not fit a parameter of type \(parameter)", at: argument.location)
    }
    switch (argument.source, parameter) {
    case (.publish, _):
      diagnostics.error("\(what): 'emits' here belongs to a callback, not to a \(parameter)", at: argument.location)
    case (.event, .scalar), (.event, .cstring):
      diagnostics.error(
        "\(what): $event fits parameters of type event, str, bytes and json, not \(parameter)", at: argument.location,
        hint: "name a field, such as /text")
    default: break
    }
  }

  private mutating func checkPublished(_ topic: String, _ what: String, _ location: SourceLocation) {
    if let problem = ReservedNames.publishProblem(topic) {
      return diagnostics.error(
        "\(what): the plugin publishes '\(topic)', but \(problem)", at: location,
        hint: "publish below '\(manifest.plugin).' instead")
    }
    if manifest.topic(topic) != nil || isWritten("topics", topic) { return }
    if manifest.permissions.publish.contains(where: { $0.matches(topic) }) { return }
    diagnostics.error(
      "\(what): the plugin publishes '\(topic)', which is not declared", at: location,
      hint: Suggestion.question(about: topic, in: manifest.topics.map(\.name))
        ?? "add it under 'topics'")
  }

  // MARK: Methods and hooks

  private mutating func checkMethods() {
    for method in manifest.methods {
      let what = "'methods.\(method.name)'"
      checkFunction(what, method.location, method.call, method.signature)
      guard let signature = method.signature else {
        if !method.bindings.isEmpty {
          diagnostics.error("\(what): 'bind' belongs to a function with a 'signature'", at: method.location)
        }
        continue
      }
      if signature.hasCallback {
        diagnostics.error(
          "\(what): a callback belongs to a handler; a method answers once", at: method.location)
        continue
      }
      let written = document["methods"]?[method.name]?["bind"]?.sequence?.count ?? 0
      if written > 0 {
        // What could not be read has been reported.
        guard written == method.bindings.count else { continue }
        checkArguments(what, method.location, signature, method.bindings, emits: nil)
      } else {
        let wanted = signature.parameters.count { !$0.isImplicit && $0 != .event }
        if let arguments = method.arguments, arguments.count == wanted { continue }
        if wanted > 0 {
          diagnostics.error(
            "\(what): the signature \(signature) has \(wanted) parameters to fill, 'args' has "
              + "\(method.arguments?.count ?? 0) members", at: method.location,
            hint: "declare them in the order of the parameters, or add 'bind'")
        }
      }
    }
  }

  private mutating func checkHooks() {
    var seen: Set<[String]> = []
    for (index, hook) in manifest.hooks.enumerated() {
      for match in hook.configuredMatches {
        switch manifest.configKey(match.key)?.kind {
        case .list(.string)?, .map?: break
        case nil where isWritten("config", match.key): break
        case nil:
          diagnostics.error(
            "'hooks[\(index)]': there is no configuration key '\(match.key)'", at: hook.location,
            hint: Suggestion.hint(for: match.key, in: manifest.config.map(\.name)))
        default:
          diagnostics.error(
            "'hooks[\(index)]': words come from a configuration key of type list of string or map, which '\(match.key)' is not",
            at: hook.location)
        }
      }
      let conditions =
        (hook.matches.map { "\($0.pointer)=\($0.text)" }
        + hook.configuredMatches.map { "\($0.pointer)=config:\($0.key)" }).sorted()
      if !seen.insert([hook.method.text, hook.call ?? ""] + conditions).inserted {
        diagnostics.error("'hooks[\(index)]': the same function hooks the same method already", at: hook.location)
      }
    }
  }

  // MARK: Types and commands

  private mutating func checkTypes() {
    for type in manifest.types {
      let what = "type \(type.name)"
      for argument in type.arguments {
        guard let key = manifest.configKey(argument.name) else {
          if isWritten("config", argument.name) { continue }
          diagnostics.error(
            "\(what): the argument '\(argument.name)' is no configuration key of the plugin",
            at: place("types", type.name, "args", argument.name),
            hint: Suggestion.hint(for: argument.name, in: manifest.config.map(\.name)))
          continue
        }
        let expected = key.kind.fieldType
        let isLoose =
          switch (argument.type, expected) {
          case (.list(.any), .list), (.map(.any), .map): true
          case (.string, .int): key.kind == .duration || key.kind == .size
          default: false
          }
        if argument.type != expected, !isLoose {
          diagnostics.error(
            "\(what): the argument '\(argument.name)' is a \(argument.type), the configuration key a \(expected)",
            at: place("types", type.name, "args", argument.name))
        }
      }
      for key in manifest.config
      where key.isRequired && key.environment == nil && type.arguments.named(key.name) == nil {
        diagnostics.warning(
          "\(what): a bot cannot give the configuration key '\(key.name)', which is required", at: type.location,
          hint: "add it to the type's 'args'")
      }
      for event in type.events where manifest.topic(event.topic) == nil && !isWritten("topics", event.topic) {
        diagnostics.error(
          "\(what): the event '\(event.name)' is the topic '\(event.topic)', which the plugin does not declare",
          at: event.location, hint: Suggestion.hint(for: event.topic, in: manifest.topics.map(\.name)))
      }
      for method in type.methods where manifest.method(method.method) == nil && !isWritten("methods", method.method) {
        diagnostics.error(
          "\(what): the plugin has no method '\(method.method)'", at: method.location,
          hint: Suggestion.hint(for: method.method, in: manifest.methods.map(\.name)))
      }
      for (method, event) in type.echoes.sorted(by: { $0.key < $1.key }) {
        let location = place("types", type.name, "echoes", method)
        if type.method(method) == nil {
          diagnostics.error(
            "\(what): 'echoes' names the method '\(method)', which the type does not have", at: location,
            hint: Suggestion.hint(for: method, in: type.methods.map(\.name)))
        }
        if type.event(event) == nil {
          diagnostics.error(
            "\(what): 'echoes' names the event '\(event)', which the type does not have", at: location,
            hint: Suggestion.hint(for: event, in: type.events.map(\.name)))
        }
      }
      let stateTopic = "\(manifest.plugin).state"
      if !type.state.isEmpty, manifest.topic(stateTopic) == nil {
        diagnostics.error(
          "\(what): state is kept from events on '\(stateTopic)', which the plugin does not declare",
          at: place("types", type.name, "state"), hint: "add \(stateTopic) with these fields under 'topics'")
      }
    }
  }

  private mutating func checkCommands() {
    var names: Set<String> = []
    for command in manifest.commands {
      if !names.insert(command.name).inserted {
        diagnostics.error("there is a second command '\(command.name)'", at: command.location)
      }
      guard let method = manifest.method(command.method) else {
        if isWritten("methods", command.method) { continue }
        diagnostics.error(
          "command \(command.name): the plugin has no method '\(command.method)'", at: command.location,
          hint: Suggestion.hint(for: command.method, in: manifest.methods.map(\.name)))
        continue
      }
      if command.interactive != nil, command.arguments.isEmpty {
        diagnostics.error(
          "command \(command.name): an interactive command needs 'args', whose last member takes the line",
          at: command.location)
      }
      if let complete = command.interactive?.complete, manifest.method(complete) == nil, !isWritten("methods", complete)
      {
        diagnostics.error(
          "command \(command.name): the plugin has no method '\(complete)'", at: command.location,
          hint: Suggestion.hint(for: complete, in: manifest.methods.map(\.name)))
      }
      guard let arguments = method.arguments else { continue }
      for name in command.arguments where arguments.named(name) == nil {
        diagnostics.error(
          "command \(command.name): the method '\(method.name)' has no argument '\(name)'", at: command.location,
          hint: Suggestion.hint(for: name, in: arguments.map(\.name)))
      }
    }
  }

  private mutating func checkPolicies() {
    if manifest.isolation == .process, manifest.lane.isInline {
      diagnostics.error(
        "'lane.inline' runs handlers on the publisher's thread, which a worker process cannot",
        at: place("lane", "inline"),
        hint: "remove it, or write isolation: thread")
    }
    if manifest.isolation == .thread, manifest.permissions.memory != nil {
      diagnostics.warning(
        "'permissions.memory' limits a worker process only", at: place("permissions", "memory"),
        hint: "write isolation: process")
    }
    if manifest.requires.contains(where: { $0.plugin == manifest.plugin }) {
      diagnostics.error("the plugin requires itself", at: place("requires", manifest.plugin))
    }
    if manifest.library.contains("\0") || manifest.library.isEmpty, document["library"] != nil {
      diagnostics.error("'library' is no file name", at: manifest.libraryLocation)
    }
  }
}

extension Signature {
  /// One of the parameters is a function pointer.
  public var hasCallback: Bool {
    parameters.contains { parameter in
      if case .callback = parameter { return true }
      return false
    }
  }
}

extension ArgumentBinding {
  fileprivate var publishedTopic: String? {
    if case .publish(let topic, _) = source { return topic }
    return nil
  }

  fileprivate var constant: JSONValue? {
    if case .constant(let value) = source { return value }
    return nil
  }
}

extension Signature.Parameter {
  /// A constant of that JSON value can be passed.
  public func accepts(_ value: JSONValue) -> Bool {
    switch (self, value) {
    case (.json, _): true
    case (.cstring, .string(let text)): !text.utf8.contains(0)
    case (.str, .string), (.bytes, .string): true
    case (.scalar(.bool), .bool): true
    case (.scalar(.f32), .int), (.scalar(.f32), .double), (.scalar(.f64), .int), (.scalar(.f64), .double): true
    case (.scalar(let scalar), .int(let number)): scalar.range?.contains(number) ?? false
    default: false
    }
  }
}

extension Signature.Scalar {
  /// The numbers that fit, as far as JSON's 64-bit integers go; nil when it is no integer.
  public var range: ClosedRange<Int64>? {
    switch self {
    case .i8: -128...127
    case .i16: -32_768...32_767
    case .i32: Int64(Int32.min)...Int64(Int32.max)
    case .i64: Int64.min...Int64.max
    case .u8: 0...255
    case .u16: 0...65_535
    case .u32: 0...Int64(UInt32.max)
    case .u64: 0...Int64.max
    case .f32, .f64, .bool: nil
    }
  }
}
