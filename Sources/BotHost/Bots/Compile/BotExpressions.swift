/// An expression with everything that the compiler knows of it.
struct TypedExpression {
  var operand: BotOperand
  var type: FieldType
  /// The field may be missing.
  var isOptional = false
  /// How it stands in the content hashes.
  var hash: JSONValue
}

extension BotCompiler {
  /// Compiles a value for a place that wants a type (nil: anything). Nil after an error.
  mutating func expression(_ syntax: ExpressionSyntax, for target: FieldType?, _ what: String) -> TypedExpression? {
    switch syntax {
    case .literal(let scalar, let location): return literal(scalar, for: target, what, location)
    case .reference(let reference):
      guard let value = resolve(reference) else { return nil }
      return convert(value, to: target, what, reference.location)
    case .template(let parts, let location): return template(parts, for: target, what, location)
    case .list(let items, let location):
      var element: FieldType?
      switch target {
      case .list(let type)?: element = type
      case nil, .any?: break
      case let other?:
        diagnostics.error("\(what): expected \(other.summary), not a list", at: location)
        return nil
      }
      var values: [TypedExpression] = []
      for item in items {
        guard let value = expression(item, for: element, what), isNoSecret(value, what, item.location) else {
          return nil
        }
        values.append(value)
      }
      let types = Set(values.map(\.type))
      return TypedExpression(
        operand: .list(values.map(\.operand)), type: .list(element ?? (types.count == 1 ? values[0].type : .any)),
        hash: .array(values.map(\.hash)))
    case .map(let members, let location): return map(members, for: target, what, location)
    }
  }

  private mutating func literal(
    _ scalar: YAMLScalar, for target: FieldType?, _ what: String, _ location: SourceLocation
  ) -> TypedExpression? {
    var value = scalar.value
    // Versions and channel names are texts also when they look like numbers.
    if target == .string || target == .secret {
      switch value {
      case .int, .float: value = .string(scalar.text)
      default: break
      }
    }
    let json: JSONValue
    let type: FieldType
    switch value {
    case .null: (json, type) = (.null, .null)
    case .bool(let flag): (json, type) = (.bool(flag), .bool)
    case .int(let number): (json, type) = (.int(number), .int)
    case .float(let number):
      guard number.isFinite else {
        diagnostics.error("\(what): \(scalar.text) is no number that JSON can hold", at: location)
        return nil
      }
      (json, type) = (.double(number), .float)
    case .string(let text): (json, type) = (.string(text), .string)
    }
    let result = TypedExpression(operand: .literal(json.serializedBytes()), type: type, hash: json)
    // A text for a secret is reported by who asked, without the text.
    if target == .secret { return result }
    return convert(result, to: target, what, location)
  }

  private mutating func template(
    _ parts: [TemplatePart], for target: FieldType?, _ what: String, _ location: SourceLocation
  ) -> TypedExpression? {
    var pieces: [BotTextPiece] = []
    var hashes: [JSONValue] = []
    var isSecret = false
    for part in parts {
      switch part {
      case .text(let text):
        pieces.append(.escaped(JSONText.escaped(text)))
        hashes.append(.string(text))
      case .reference(let reference):
        guard let value = resolve(reference) else { return nil }
        switch value.type {
        case .list, .map, .record:
          diagnostics.error(
            "'${\(reference.text)}' is \(value.type.summary) and cannot be put into a text", at: reference.location)
          return nil
        case .secret:
          guard target == nil || target == .secret else {
            _ = isNoSecret(value, what, reference.location)
            return nil
          }
          isSecret = true
        default: break
        }
        pieces.append(.value(value.operand))
        hashes.append(value.hash)
      }
    }
    let result = TypedExpression(
      operand: .text(pieces), type: isSecret ? .secret : .string, hash: ["$template": .array(hashes)])
    return convert(result, to: target, what, location)
  }

  mutating func map(
    _ members: [ArgumentSyntax], for target: FieldType?, _ what: String, _ location: SourceLocation
  ) -> TypedExpression? {
    var wanted: [Field]?
    var element: FieldType?
    switch target {
    case .record(let fields)?: wanted = fields
    case .map(let type)?: element = type == .any ? nil : type
    case nil, .any?: break
    case let other?:
      diagnostics.error("\(what): expected \(other.summary), not a mapping", at: location)
      return nil
    }
    var operands: [BotMember] = []
    var fields: [Field] = []
    var hash = JSONObject()
    for member in members {
      let name = member.name.value
      var type = element
      if let wanted {
        guard let field = wanted.named(name) else {
          diagnostics.error(
            "\(what): there is no member '\(name)'", at: member.name.location,
            hint: Suggestion.hint(for: name, in: wanted.map(\.name)))
          return nil
        }
        type = field.type
      }
      guard let value = expression(member.value, for: type, "'\(name)'"),
        isNoSecret(value, "'\(name)'", member.value.location)
      else { return nil }
      operands.append(BotMember(name, value.operand))
      fields.append(Field(name, value.type, optional: value.isOptional))
      hash[name] = value.hash
    }
    for field in wanted ?? [] where !field.isOptional && hash[field.name] == nil {
      diagnostics.error("\(what): the member '\(field.name)' is missing", at: location)
      return nil
    }
    // A literal mapping must not look like a reference to the hash.
    let looksSpecial = hash.contains { $0.key.hasPrefix("$") }
    return TypedExpression(
      operand: .object(operands), type: .record(fields), hash: looksSpecial ? ["$map": .object(hash)] : .object(hash))
  }

  /// A secret may only flow into arguments declared secret.
  mutating func isNoSecret(_ value: TypedExpression, _ what: String, _ location: SourceLocation) -> Bool {
    guard value.type == .secret else { return true }
    diagnostics.error(
      "\(what): a secret may only be given to an argument that is declared secret", at: location,
      hint: "it would be seen by others")
    return false
  }

  // MARK: Types

  mutating func convert(
    _ value: TypedExpression, to target: FieldType?, _ what: String, _ location: SourceLocation
  ) -> TypedExpression? {
    guard let target else { return value }
    if value.type == .secret, target != .secret {
      _ = isNoSecret(value, what, location)
      return nil
    }
    var value = value
    switch (value.type, target) {
    case (.int, .string), (.float, .string), (.bool, .string):
      // Formatted, as inside a text.
      value.operand = .text([.value(value.operand)])
      value.type = .string
      return value
    default: break
    }
    guard Self.fits(value.type, target) else {
      diagnostics.error("\(what): expected \(target.summary), not \(value.type.summary)", at: location)
      return nil
    }
    return value
  }

  /// Whether a value of one type may stand where the other is wanted; what is not known until then passes.
  static func fits(_ type: FieldType, _ target: FieldType) -> Bool {
    if type == target || type == .any || target == .any { return type != .secret || target == .secret }
    switch (type, target) {
    case (.int, .float), (.string, .bytes), (.bytes, .string), (.null, _): return true
    case (.list(let element), .list(let wanted)): return fits(element, wanted)
    case (.map(let element), .map(let wanted)): return fits(element, wanted)
    case (.record(let fields), .map(let wanted)): return fields.allSatisfy { fits($0.type, wanted) }
    case (.record(let fields), .record(let wanted)):
      return wanted.allSatisfy { field in
        fields.named(field.name).map { fits($0.type, field.type) } ?? field.isOptional
      }
    case (.map(let element), .record(let wanted)): return wanted.allSatisfy { fits(element, $0.type) }
    default: return false
    }
  }

  // MARK: Names

  /// Looks a path up: locals, then the event, then what the bot or the component declares.
  mutating func resolve(_ reference: ReferenceSyntax) -> TypedExpression? {
    let first = reference.path[0]
    guard body != nil else {
      if first == "event" || first == "it" {
        diagnostics.error("there is no event yet when an instance starts", at: reference.location)
        return nil
      }
      return declared(reference, isArgument: true)
    }
    if first == "it" {
      guard let index = body?.latest else {
        diagnostics.error(
          "'${it}' is the result of the step before, and there is none", at: reference.location,
          hint: "name an earlier result with 'as'")
        return nil
      }
      return use(local: index, reference)
    }
    if let index = body?.locals.lastIndex(where: { $0.name == first }) { return use(local: index, reference) }
    if first == "event" {
      guard let payload = body?.eventType else {
        diagnostics.error(
          "a method has no event", at: reference.location, hint: "give it what it needs as an argument")
        return nil
      }
      let path = Array(reference.path.dropFirst())
      guard let (type, isOptional) = member(of: payload, path, reference) else { return nil }
      let position = with { $0.fields.position(of: path) } ?? 0
      return TypedExpression(
        operand: .field(position), type: type, isOptional: isOptional, hash: Self.hash(reference.text, type))
    }
    return declared(reference, isArgument: false)
  }

  private mutating func use(local index: Int, _ reference: ReferenceSyntax) -> TypedExpression? {
    let found = with { body in
      body.locals[index].isUsed = true
      let local = body.locals[index]
      if let call = local.call, case .call(var code) = body.instructions[call], code.result == nil {
        code.result = local.slot
        body.instructions[call] = .call(code)
      }
      return local
    }
    guard let local = found else { return nil }
    let path = Array(reference.path.dropFirst())
    guard let (type, isOptional) = member(of: local.type, path, reference) else { return nil }
    let operand: BotOperand = path.isEmpty ? .local(local.slot) : .member(.local(local.slot), path: path)
    return TypedExpression(
      operand: operand, type: type, isOptional: isOptional || local.isOptional, hash: Self.hash(reference.text, type))
  }

  /// An argument, a state or a use.
  private mutating func declared(_ reference: ReferenceSyntax, isArgument: Bool) -> TypedExpression? {
    let first = reference.path[0]
    if let argument = names.arguments[first] {
      let path = Array(reference.path.dropFirst())
      guard let (type, isOptional) = member(of: argument.type, path, reference) else { return nil }
      let name = names.prefix + reference.text
      let index = constant(BotConstant(name: name, source: .argument(argument.operand), path: path))
      return TypedExpression(
        operand: .constant(index), type: type, isOptional: isOptional || argument.isOptional,
        hash: Self.hash(name, type))
    }
    if names.stateNames.contains(first) {
      if isArgument {
        diagnostics.error(
          "an argument of 'use' reads configurations only, and '\(first)' is a state", at: reference.location)
        return nil
      }
      return state(of: current, reference, from: 0, prefix: names.prefix)
    }
    guard names.uses[first] != nil else {
      var known = names.valueNames
      if let body {
        known.formUnion(body.locals.compactMap(\.name))
        known.formUnion(body.eventType == nil ? ["it"] : ["event", "it"])
      }
      diagnostics.error(
        "there is nothing called '\(first)'", at: reference.location, hint: Suggestion.hint(for: first, in: known))
      return nil
    }
    // As many parts as lead through other bots.
    var depth = 1
    var namespace = current
    while depth < reference.path.count, case .bot(let other)? = namespaces[namespace].uses[reference.path[depth - 1]],
      namespaces[other].uses[reference.path[depth]] != nil
    {
      namespace = other
      depth += 1
    }
    guard let use = use(at: reference.path[..<depth], reference.location) else { return nil }
    return value(of: use, reference, depth, isArgument: isArgument)
  }

  /// What a use has for `${…}`.
  private mutating func value(
    of use: BotUse, _ reference: ReferenceSyntax, _ depth: Int, isArgument: Bool
  ) -> TypedExpression? {
    let owner = reference.path[..<depth].joined(separator: ".")
    let name = depth < reference.path.count ? reference.path[depth] : nil
    func isForbidden(_ type: String) -> Bool {
      guard isArgument else { return false }
      diagnostics.error(
        "an argument of 'use' reads configurations only, and '\(owner)' is a \(type)", at: reference.location)
      return true
    }
    switch use {
    case .broken: return nil
    case .waiting(let type):
      _ = isForbidden(type)
      return nil
    case .standardOutput:
      diagnostics.error("'\(owner)' has no values", at: reference.location)
      return nil
    case .config(let config): return getter(config, owner, reference, depth)
    case .component(let namespace):
      guard !isForbidden(namespaces[namespace].name), let name else {
        if name == nil, !isArgument {
          diagnostics.error("'${\(owner)}' needs the name of a state", at: reference.location)
        }
        return nil
      }
      guard namespaces[namespace].stateNames.contains(name) else {
        diagnostics.error(
          "\(namespaces[namespace].name) has no state '\(name)'", at: reference.location,
          hint: Suggestion.hint(for: name, in: namespaces[namespace].stateNames))
        return nil
      }
      return state(of: namespace, reference, from: depth, prefix: names.prefix)
    case .bot(let namespace):
      if let name, namespaces[namespace].states[name] != nil {
        return state(of: namespace, reference, from: depth, prefix: names.prefix)
      }
      let bot = namespaces[namespace]
      diagnostics.error(
        name.map { "the bot '\(bot.name)' has nothing called '\($0)'" }
          ?? "'${\(owner)}' needs the name of a use of the bot '\(bot.name)'",
        at: reference.location, hint: Suggestion.hint(for: name ?? "", in: bot.uses.keys))
      return nil
    case .plugin(let plugin):
      guard !isForbidden(plugin.type.name) else { return nil }
      guard let name, let field = plugin.type.state.named(name) else {
        diagnostics.error(
          name.map { "\(plugin.type.name) has no state '\($0)'" } ?? "'${\(owner)}' needs the name of a state",
          at: reference.location, hint: Suggestion.hint(for: name ?? "", in: plugin.type.state.map(\.name)))
        return nil
      }
      return value(of: plugin, field, reference, depth, prefix: names.prefix)
    }
  }

  private mutating func getter(
    _ config: BotUse.ConfigUse, _ owner: String, _ reference: ReferenceSyntax, _ depth: Int
  ) -> TypedExpression? {
    guard depth < reference.path.count else {
      diagnostics.error(
        "'${\(owner)}' needs a getter, such as ${\(owner).\(config.keys.first?.name ?? "name")}",
        at: reference.location)
      return nil
    }
    let name = reference.path[depth]
    guard let key = config.keys.first(where: { $0.name == name }) else {
      diagnostics.error(
        "the configuration '\(owner)' has no getter '\(name)'", at: reference.location,
        hint: Suggestion.hint(for: name, in: config.keys.map(\.name)))
      return nil
    }
    let path = Array(reference.path.dropFirst(depth + 1))
    guard let (type, isOptional) = member(of: key.kind.fieldType, path, reference) else { return nil }
    let text = names.prefix + reference.text
    let index = constant(
      BotConstant(name: text, source: .getter(config: config.config, key: key.name), path: path))
    return TypedExpression(
      operand: .constant(index), type: type, isOptional: isOptional || !(key.isRequired || key.hasDefault),
      hash: Self.hash(text, type))
  }

  /// The state of a bot or component: its own, or that of the plugin's type that it extends.
  private mutating func state(
    of namespace: Int, _ reference: ReferenceSyntax, from depth: Int, prefix: String
  ) -> TypedExpression? {
    let name = reference.path[depth]
    guard let state = namespaces[namespace].states[name] else {
      guard let plugin = namespaces[namespace].base, let field = plugin.type.state.named(name) else { return nil }
      return value(of: plugin, field, reference, depth, prefix: prefix)
    }
    let path = Array(reference.path.dropFirst(depth + 1))
    guard let (type, isOptional) = member(of: state.field.type, path, reference) else { return nil }
    guard let slot = state.slot else {
      guard names.isForeign else {
        diagnostics.error(
          "the state '\(name)' is kept by another bot, '\(namespaces[namespace].name)'", at: reference.location,
          hint: "only its own handlers can read and change it")
        return nil
      }
      touchesForeignState = true
      return TypedExpression(
        operand: .literal([]), type: type, isOptional: true, hash: Self.hash(prefix + reference.text, type))
    }
    return TypedExpression(
      operand: path.isEmpty ? .state(slot) : .member(.state(slot), path: path), type: type,
      isOptional: isOptional || state.field.isOptional, hash: Self.hash(prefix + reference.text, type))
  }

  private mutating func value(
    of plugin: BotUse.PluginUse, _ field: Field, _ reference: ReferenceSyntax, _ depth: Int, prefix: String
  ) -> TypedExpression? {
    let path = Array(reference.path.dropFirst(depth + 1))
    guard let (type, isOptional) = member(of: field.type, path, reference) else { return nil }
    let slot = state(plugin, field)
    let operand: BotOperand = path.isEmpty ? .state(slot) : .member(.state(slot), path: path)
    return TypedExpression(
      operand: operand, type: type, isOptional: isOptional, hash: Self.hash(prefix + reference.text, type))
  }

  /// The type at the end of a path.
  private mutating func member(
    of type: FieldType, _ path: [String], _ reference: ReferenceSyntax
  ) -> (FieldType, isOptional: Bool)? {
    var type = type
    var isOptional = false
    for (index, name) in path.enumerated() {
      switch type {
      case .any: return (.any, true)
      case .map(let element):
        type = element
        isOptional = true
      case .record(let fields):
        guard let field = fields.named(name) else {
          let owner = reference.path.dropLast(path.count - index).joined(separator: ".")
          diagnostics.error(
            "'\(owner)' has no member '\(name)'", at: reference.location,
            hint: Suggestion.hint(for: name, in: fields.map(\.name)))
          return nil
        }
        type = field.type
        isOptional = isOptional || field.isOptional
      default:
        let owner = reference.path.dropLast(path.count - index).joined(separator: ".")
        diagnostics.error("'\(owner)' is \(type.summary) and has no members", at: reference.location)
        return nil
      }
    }
    return (type, isOptional)
  }

  private static func hash(_ name: String, _ type: FieldType) -> JSONValue {
    ["$ref": .string(name), "type": .string(type.hashText)]
  }
}
