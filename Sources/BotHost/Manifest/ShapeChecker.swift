/// Compares a YAML tree with a shape and reports everything that differs.
struct ShapeChecker {
  var diagnostics = Diagnostics()

  /// - Parameter what: what stands here, for messages: `'timeout'`, `'handlers[2].topic'`.
  mutating func check(_ node: YAMLNode, _ shape: Shape, _ what: String) {
    switch shape {
    case .any:
      break
    case .scalar:
      if node.scalar == nil { wrongType(node, what, "a single value") }
    case .text(let form):
      guard let text = text(node, what, form.expected) else { return }
      if let problem = form.problem(text) {
        diagnostics.error("\(what): \(problem), not \(node.summary)", at: node.location)
      }
    case .integer(let range):
      guard let scalar = node.scalar, case .int(let value) = scalar.value else {
        return wrongType(node, what, "a whole number")
      }
      if !range.contains(value) { outOfRange(node, what, "\(range.lowerBound)", "\(range.upperBound)") }
    case .number(let range):
      let value: Double
      switch node.scalar?.value {
      case .int(let number): value = Double(number)
      case .float(let number): value = number
      default: return wrongType(node, what, "a number")
      }
      if !range.contains(value) { outOfRange(node, what, "\(range.lowerBound)", "\(range.upperBound)") }
    case .bool:
      guard let scalar = node.scalar, case .bool = scalar.value else {
        return wrongType(node, what, "true or false", hint: Self.boolHint(node))
      }
    case .choice(let words):
      guard let text = text(node, what, Suggestion.list(words)) else { return }
      if !words.contains(text) {
        diagnostics.error(
          "\(what): expected \(Suggestion.list(words)), not \(node.summary)", at: node.location,
          hint: Suggestion.question(about: text, in: words))
      }
    case .fieldType:
      var decoder = FieldTypeDecoder()
      _ = decoder.decode(node, what)
      diagnostics.append(contentsOf: decoder.diagnostics)
    case .list(let element):
      guard let items = node.sequence else { return wrongType(node, what, "a list") }
      for (index, item) in items.enumerated() { check(item, element, Self.join(what, "[\(index)]")) }
    case .map(let form, let value, let keyWord):
      // An empty value is an empty map: `topics:` with nothing below it.
      if node.isNull { return }
      guard let members = node.mapping else { return wrongType(node, what, "a mapping of \(keyWord)s") }
      for member in members {
        if let problem = form.problem(member.key) {
          diagnostics.error("\(what): '\(member.key)' is no \(keyWord): \(problem)", at: member.keyLocation)
        }
        check(member.value, value, Self.join(what, ".\(member.key)"))
      }
    case .object(let object):
      checkObject(node, object, what)
    case .either(let alternatives):
      guard let match = alternatives.first(where: { $0.applies(node) }) else { return }
      check(node, match.shape, what)
    }
  }

  private mutating func checkObject(_ node: YAMLNode, _ object: ObjectShape, _ what: String) {
    guard let members = node.mapping else {
      let keys = object.keys.prefix(4).map(\.name).joined(separator: ", ")
      return wrongType(node, what, "a mapping with keys such as \(keys)")
    }
    let names = object.keys.map(\.name)
    // Once for all unknown keys: a file may hold thousands of them.
    let absent = names.filter { node[$0] == nil }
    for member in members {
      guard let key = object.key(member.key) else {
        diagnostics.error(
          "unknown key '\(member.key)'\(Self.place(what))", at: member.keyLocation,
          hint: Suggestion.question(about: member.key, in: absent)
            ?? "expected " + Suggestion.list(names))
        continue
      }
      if member.value.isNull, !key.acceptsNull {
        diagnostics.error(
          "\(Self.join(what, ".\(member.key)")): the value is missing", at: member.keyLocation, hint: key.summary)
        continue
      }
      check(member.value, key.shape, Self.join(what, ".\(member.key)"))
    }
    for key in object.keys where key.isRequired && node[key.name] == nil {
      diagnostics.error("the key '\(key.name)' is missing\(Self.place(what))", at: node.location, hint: key.summary)
    }
  }

  private mutating func text(_ node: YAMLNode, _ what: String, _ expected: String) -> String? {
    guard let scalar = node.scalar else {
      wrongType(node, what, expected)
      return nil
    }
    switch scalar.value {
    case .null, .bool:
      wrongType(node, what, expected, hint: "put it in quotes if this text is meant")
      return nil
    case .string, .int, .float:
      return scalar.text
    }
  }

  private mutating func wrongType(_ node: YAMLNode, _ what: String, _ expected: String, hint: String? = nil) {
    let subject = what.isEmpty ? "" : "\(what): "
    diagnostics.error("\(subject)expected \(expected), not \(node.summary)", at: node.location, hint: hint)
  }

  private mutating func outOfRange(_ node: YAMLNode, _ what: String, _ lower: String, _ upper: String) {
    diagnostics.error("\(what): expected a number from \(lower) to \(upper), not \(node.summary)", at: node.location)
  }

  private static func boolHint(_ node: YAMLNode) -> String? {
    switch node.scalar?.text.lowercased() {
    case "yes", "on", "y": "write true"
    case "no", "off", "n": "write false"
    default: nil
    }
  }

  /// `'handlers[2].topic'`.
  static func join(_ what: String, _ more: String) -> String {
    if what.isEmpty { return "'" + more.drop { $0 == "." } + "'" }
    return what.dropLast() + more + "'"
  }

  private static func place(_ what: String) -> String { what.isEmpty ? "" : " in \(what)" }
}

extension KeyShape {
  /// `key:` with nothing after it stands for an empty map.
  var acceptsNull: Bool {
    switch shape {
    case .map, .any: true
    default: false
    }
  }
}
