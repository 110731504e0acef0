/// Reads a `FieldType` from YAML.
struct FieldTypeDecoder {
  var diagnostics = Diagnostics()

  /// The type, and whether a `?` marks it as optional; nil after an error.
  mutating func decode(_ node: YAMLNode, _ what: String) -> (type: FieldType, isOptional: Bool)? {
    switch node.content {
    case .scalar(let scalar):
      // `null` without quotes is a type here, and the word for it.
      if scalar.value == .null, !scalar.text.isEmpty { return (.null, false) }
      guard case .string(var word) = scalar.value else { return fail(node, what) }
      let isOptional = word.hasSuffix("?")
      if isOptional { word.removeLast() }
      if word.hasPrefix("["), word.hasSuffix("]"), let element = FieldType(word: String(word.dropFirst().dropLast())) {
        return (.list(element), isOptional)
      }
      if word.hasPrefix("map of "), let element = FieldType(word: String(word.dropFirst(7))) {
        return (.map(element), isOptional)
      }
      guard let type = FieldType(word: word) else { return fail(node, what, word: word) }
      return (type, isOptional)
    case .sequence(let items):
      guard items.count == 1 else {
        diagnostics.error(
          "\(what): a list type names the type of its elements, as in [string]", at: node.location)
        return nil
      }
      return decode(items[0], what).map { (.list($0.type), false) }
    case .mapping:
      return fields(node, what).map { (.record($0), false) }
    }
  }

  /// The fields of `{name: type, other?: type}`.
  mutating func fields(_ node: YAMLNode, _ what: String) -> [Field]? {
    if node.isNull { return [] }
    guard let members = node.mapping else {
      diagnostics.error("\(what): expected a mapping of fields and their types, not \(node.summary)", at: node.location)
      return nil
    }
    var fields: [Field] = []
    for member in members {
      var name = member.key
      let isMarked = name.hasSuffix("?")
      if isMarked { name.removeLast() }
      if let problem = TextForm.fieldName.problem(member.key) {
        diagnostics.error("\(what): \(problem)", at: member.keyLocation)
        continue
      }
      if fields.named(name) != nil {
        diagnostics.error("\(what): the field '\(name)' stands here a second time", at: member.keyLocation)
        continue
      }
      guard let decoded = decode(member.value, ShapeChecker.join(what, ".\(name)")) else { continue }
      fields.append(Field(name, decoded.type, optional: isMarked || decoded.isOptional))
    }
    return fields
  }

  private mutating func fail(
    _ node: YAMLNode, _ what: String, word: String? = nil
  ) -> (type: FieldType, isOptional: Bool)? {
    let hint = word.flatMap { Suggestion.question(about: $0, in: FieldType.words) }
    diagnostics.error(
      "\(what): expected a type, not \(node.summary)", at: node.location,
      hint: hint ?? "expected " + Suggestion.list(FieldType.words) + ", [type], or {field: type}")
    return nil
  }
}
