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
        diagnostics.error("\(what): expected a \(other), not a list", at: location)
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
            "'${\(reference.text)}' is a \(value.type) and cannot be put into a text", at: reference.location)
          return nil
        case .secret: isSecret = true
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
      diagnostics.error("\(what): expected a \(other), not a mapping", at: location)
      return nil
    }
    var operands: [(name: [UInt8], value: BotOperand)] = []
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
      operands.append((JSONValue.string(name).serializedBytes() + [0x3A], value.operand))
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
      diagnostics.error("\(what): expected a \(target), not a \(value.type)", at: location)
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

  /// Looks a path up: locals, then the event, then uses.
  mutating func resolve(_ reference: ReferenceSyntax) -> TypedExpression? {
    let first = reference.path[0]
    guard case .handler(var body) = scope else { return resolveUse(reference, isArgument: true) }
    if first == "it" {
      guard let index = body.latest else {
        diagnostics.error(
          "'${it}' is the result of the step before, and there is none", at: reference.location,
          hint: "name an earlier result with 'as'")
        return nil
      }
      return use(local: index, reference, &body)
    }
    if let index = body.locals.lastIndex(where: { $0.name == first }) { return use(local: index, reference, &body) }
    if first == "event" {
      let path = Array(reference.path.dropFirst())
      guard let (type, isOptional) = member(of: body.eventType, path, reference) else { return nil }
      let position = body.fields.position(of: path)
      scope = .handler(body)
      return TypedExpression(
        operand: .field(position), type: type, isOptional: isOptional, hash: Self.hash(reference, type))
    }
    return resolveUse(reference, isArgument: false)
  }

  private mutating func use(local index: Int, _ reference: ReferenceSyntax, _ body: inout BotBody) -> TypedExpression? {
    body.locals[index].isUsed = true
    let local = body.locals[index]
    if let call = local.call, case .call(var code) = body.instructions[call], code.result == nil {
      code.result = local.slot
      body.instructions[call] = .call(code)
    }
    scope = .handler(body)
    let path = Array(reference.path.dropFirst())
    guard let (type, isOptional) = member(of: local.type, path, reference) else { return nil }
    let operand: BotOperand = path.isEmpty ? .local(local.slot) : .member(.local(local.slot), path: path)
    return TypedExpression(operand: operand, type: type, isOptional: isOptional, hash: Self.hash(reference, type))
  }

  private mutating func resolveUse(_ reference: ReferenceSyntax, isArgument: Bool) -> TypedExpression? {
    let first = reference.path[0]
    guard let use = uses[first] else {
      var names = Array(uses.keys)
      if case .handler(let body) = scope { names += body.locals.compactMap(\.name) + ["event", "it"] }
      let isEvent = isArgument && (first == "event" || first == "it")
      diagnostics.error(
        isEvent ? "there is no event yet when an instance starts" : "there is nothing called '\(first)'",
        at: reference.location, hint: isEvent ? nil : Suggestion.hint(for: first, in: Set(names)))
      return nil
    }
    switch use {
    case .broken: return nil
    case .waiting(let type):
      diagnostics.error(
        "an argument of 'use' reads configurations only, and '\(first)' is a \(type)", at: reference.location)
      return nil
    case .standardOutput:
      diagnostics.error("'\(first)' has no values", at: reference.location)
      return nil
    case .config(let config):
      guard reference.path.count > 1 else {
        diagnostics.error(
          "'${\(first)}' needs a getter, such as ${\(first).\(config.keys.first?.name ?? "name")}",
          at: reference.location)
        return nil
      }
      guard let key = config.keys.first(where: { $0.name == reference.path[1] }) else {
        diagnostics.error(
          "the configuration '\(first)' has no getter '\(reference.path[1])'", at: reference.location,
          hint: Suggestion.hint(for: reference.path[1], in: config.keys.map(\.name)))
        return nil
      }
      let path = Array(reference.path.dropFirst(2))
      guard let (type, isOptional) = member(of: key.kind.fieldType, path, reference) else { return nil }
      let index = constant(BotConstant(config: config.config, key: key.name, path: path))
      let mayBeMissing = isOptional || !(key.isRequired || key.hasDefault)
      return TypedExpression(
        operand: .constant(index), type: type, isOptional: mayBeMissing, hash: Self.hash(reference, type))
    case .plugin(let plugin):
      guard !isArgument else {
        diagnostics.error(
          "an argument of 'use' reads configurations only, and '\(first)' is a \(plugin.type.name)",
          at: reference.location)
        return nil
      }
      guard reference.path.count > 1, let field = plugin.type.state.named(reference.path[1]) else {
        let name = reference.path.count > 1 ? reference.path[1] : ""
        diagnostics.error(
          name.isEmpty ? "'${\(first)}' needs the name of a state" : "\(plugin.type.name) has no state '\(name)'",
          at: reference.location, hint: Suggestion.hint(for: name, in: plugin.type.state.map(\.name)))
        return nil
      }
      let path = Array(reference.path.dropFirst(2))
      guard let (type, isOptional) = member(of: field.type, path, reference) else { return nil }
      let slot = state(plugin, field)
      let operand: BotOperand = path.isEmpty ? .state(slot) : .member(.state(slot), path: path)
      return TypedExpression(operand: operand, type: type, isOptional: isOptional, hash: Self.hash(reference, type))
    }
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
        diagnostics.error("'\(owner)' is a \(type) and has no members", at: reference.location)
        return nil
      }
    }
    return (type, isOptional)
  }

  private static func hash(_ reference: ReferenceSyntax, _ type: FieldType) -> JSONValue {
    ["$ref": .string(reference.text), "type": .string(type.description)]
  }
}
