extension BotParser {
  mutating func expression(_ node: YAMLNode) -> ExpressionSyntax? {
    switch node.content {
    case .scalar(let scalar): return TemplateParser.parse(scalar, at: node.location, diagnostics: &diagnostics)
    case .sequence(let items):
      let values = items.map { expression($0) }
      return values.contains { $0 == nil } ? nil : .list(values.compactMap { $0 }, node.location)
    case .mapping: return named(node, "").map { .map($0, node.location) }
    }
  }

  mutating func named(_ node: YAMLNode, _ what: String) -> [ArgumentSyntax]? {
    guard let members = node.mapping else {
      diagnostics.error("'\(what)': expected a mapping of names to values, not \(node.summary)", at: node.location)
      return nil
    }
    var arguments: [ArgumentSyntax] = []
    var isWhole = true
    for member in members {
      if let value = expression(member.value) {
        arguments.append(ArgumentSyntax(name: Located(member.key, at: member.keyLocation), value: value))
      } else {
        isWhole = false
      }
    }
    return isWhole ? arguments : nil
  }
}
