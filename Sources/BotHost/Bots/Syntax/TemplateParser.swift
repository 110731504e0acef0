/// Splits text at `${path}`; `$${` is a literal `${`.
enum TemplateParser {
  /// The expression that a scalar stands for; nil after an error.
  static func parse(_ scalar: YAMLScalar, at location: SourceLocation, diagnostics: inout Diagnostics)
    -> ExpressionSyntax?
  {
    guard case .string(let text) = scalar.value, text.contains("${") else { return .literal(scalar, location) }
    var parts: [TemplatePart] = []
    var literal = ""
    var rest = text[...]
    var isWhole = true
    // The place of a reference is that of its characters when the scalar is on one line and has no escapes.
    let isPlain = scalar.isPlain && location.length == text.unicodeScalars.count
    let isQuoted = !scalar.isPlain && location.length == text.unicodeScalars.count + 2
    while let dollar = rest.firstIndex(of: "$") {
      literal += rest[..<dollar]
      rest = rest[dollar...]
      if rest.hasPrefix("$${") {
        literal += "${"
        rest = rest.dropFirst(3)
        continue
      }
      guard rest.hasPrefix("${") else {
        literal += "$"
        rest = rest.dropFirst()
        continue
      }
      var place = location
      if isPlain || isQuoted {
        place.column += text.unicodeScalars.distance(from: text.startIndex, to: dollar) + (isQuoted ? 1 : 0)
      }
      guard let end = rest.firstIndex(of: "}") else {
        diagnostics.error("'${' is not closed by '}'", at: place, hint: "a literal '${' is written '$${'")
        return nil
      }
      let body = rest[rest.index(rest.startIndex, offsetBy: 2)..<end]
      if isPlain || isQuoted { place.length = body.unicodeScalars.count + 3 }
      rest = rest[rest.index(after: end)...]
      if let path = path(body) {
        if !literal.isEmpty { parts.append(.text(literal)) }
        literal = ""
        parts.append(.reference(ReferenceSyntax(path: path, location: place)))
      } else {
        isWhole = false
        let isShell =
          body.contains(":-") || body.allSatisfy { $0.isUppercase || $0 == "_" || $0.isNumber } && !body.isEmpty
        diagnostics.error(
          "'${\(body)}' is no path of names such as ${event.text}", at: place,
          hint: isShell ? "the environment is read in a bot's configuration" : "a literal '${' is written '$${'")
      }
    }
    literal += rest
    guard isWhole else { return nil }
    if case .reference(let reference)? = parts.first, parts.count == 1, literal.isEmpty { return .reference(reference) }
    if !literal.isEmpty { parts.append(.text(literal)) }
    // Only `$${`: a text after all.
    if case .text(let only)? = parts.first, parts.count == 1 {
      return .literal(YAMLScalar(text: only, isPlain: false), location)
    }
    return .template(parts, location)
  }

  private static func path(_ body: Substring) -> [String]? {
    guard body.utf8.count <= 256 else { return nil }
    let parts = body.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    let isPath = parts.allSatisfy { part in
      !part.isEmpty && part.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" }
    }
    return isPath ? parts : nil
  }
}
