/// Reads the text of a GraphQL document, token by token.
struct GraphQLReader {
  private let scalars: [Unicode.Scalar]
  private var place = 0
  private var fields = 0

  init(_ text: String) { scalars = Array(text.unicodeScalars) }

  func failure(_ reason: String) -> Raised {
    let before = scalars[..<min(place, scalars.count)]
    let line = before.count { $0 == "\n" } + 1
    let column = before.reversed().prefix { $0 != "\n" }.count + 1
    return Raised("line \(line), column \(column): \(reason)")
  }

  // MARK: Tokens

  /// The next character that counts: white space, commas and comments do not.
  var peek: Unicode.Scalar? {
    mutating get {
      while place < scalars.count {
        let scalar = scalars[place]
        if scalar == "#" {
          while place < scalars.count, scalars[place] != "\n", scalars[place] != "\r" { place += 1 }
        } else if [" ", "\t", "\n", "\r", ",", "\u{FEFF}"].contains(scalar) {
          place += 1
        } else {
          return scalar
        }
      }
      return nil
    }
  }

  var beginsName: Bool { mutating get { peek.map { $0.isWord && !Self.isDigit($0) } ?? false } }

  private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { scalar.value >= 0x30 && scalar.value <= 0x39 }

  private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard peek == scalar else { return false }
    place += 1
    return true
  }

  private mutating func expect(_ scalar: Unicode.Scalar) throws(Raised) {
    guard take(scalar) else { throw failure("\(scalar) was expected") }
  }

  private func text(_ range: Range<Int>) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars[range])
    return String(view)
  }

  mutating func name() throws(Raised) -> String {
    guard beginsName else { throw failure("a name was expected") }
    let start = place
    while place < scalars.count, scalars[place].isWord { place += 1 }
    return text(start..<place)
  }

  // MARK: Selections

  mutating func selections(_ depth: Int) throws(Raised) -> [GraphQLDocument.Selection] {
    guard depth < GraphQLDocument.maximumDepth else {
      throw failure("more than \(GraphQLDocument.maximumDepth) levels")
    }
    try expect("{")
    var selections: [GraphQLDocument.Selection] = []
    while !take("}") {
      fields += 1
      guard fields <= GraphQLDocument.maximumFields else {
        throw failure("more than \(GraphQLDocument.maximumFields) fields")
      }
      selections.append(peek == "." ? try fragment(depth) : try field(depth))
    }
    guard !selections.isEmpty else { throw failure("a field was expected") }
    return selections
  }

  private mutating func field(_ depth: Int) throws(Raised) -> GraphQLDocument.Selection {
    var field = GraphQLDocument.Field(alias: "", name: try name(), arguments: [], directives: [], selections: [])
    field.alias = field.name
    if take(":") { field.name = try name() }
    field.arguments = try arguments()
    field.directives = try directives()
    if peek == "{" { field.selections = try selections(depth + 1) }
    return .field(field)
  }

  /// `...name`, `... on Type {…}` or `... {…}`.
  private mutating func fragment(_ depth: Int) throws(Raised) -> GraphQLDocument.Selection {
    guard scalars[place...].starts(with: "...".unicodeScalars) else { throw failure("... was expected") }
    place += 3
    var type: String?
    if beginsName {
      let name = try name()
      if name != "on" { return .spread(name, try directives()) }
      type = try self.name()
    }
    let directives = try directives()
    return .inline(on: type, try selections(depth + 1), directives)
  }

  private mutating func arguments() throws(Raised) -> GraphQLDocument.Arguments {
    guard take("(") else { return [] }
    var arguments: GraphQLDocument.Arguments = []
    repeat {
      let name = try name()
      guard !arguments.contains(where: { $0.name == name }) else { throw failure("\(name) is given twice") }
      try expect(":")
      arguments.append((name, try literal(0)))
    } while !take(")")
    return arguments
  }

  mutating func directives() throws(Raised) -> [GraphQLDocument.Directive] {
    var directives: [GraphQLDocument.Directive] = []
    while take("@") {
      directives.append(GraphQLDocument.Directive(name: try name(), arguments: try arguments()))
    }
    return directives
  }

  mutating func variables() throws(Raised) -> [GraphQLDocument.Variable] {
    guard take("(") else { return [] }
    var variables: [GraphQLDocument.Variable] = []
    repeat {
      try expect("$")
      let name = try name()
      guard !variables.contains(where: { $0.name == name }) else { throw failure("$\(name) is given twice") }
      try expect(":")
      let isRequired = try type(0)
      variables.append(
        GraphQLDocument.Variable(name: name, isRequired: isRequired, standard: take("=") ? try literal(0) : nil))
      _ = try directives()
    } while !take(")")
    return variables
  }

  /// A type, of which only counts whether it takes null: values are checked where they are used.
  private mutating func type(_ depth: Int) throws(Raised) -> Bool {
    guard depth < GraphQLDocument.maximumDepth else {
      throw failure("more than \(GraphQLDocument.maximumDepth) levels")
    }
    if take("[") {
      _ = try type(depth + 1)
      try expect("]")
    } else {
      _ = try name()
    }
    return take("!")
  }

  // MARK: Values

  private mutating func literal(_ depth: Int) throws(Raised) -> GraphQLDocument.Literal {
    guard depth < GraphQLDocument.maximumDepth else {
      throw failure("more than \(GraphQLDocument.maximumDepth) levels")
    }
    if beginsName {
      switch try name() {
      case "true": return .value(true)
      case "false": return .value(false)
      case "null": return .value(.null)
      case let word: return .word(word)
      }
    }
    if take("$") { return .variable(try name()) }
    if peek == "\"" { return .value(.string(try string())) }
    if take("[") {
      var items: [GraphQLDocument.Literal] = []
      while !take("]") { items.append(try literal(depth + 1)) }
      return .list(items)
    }
    if take("{") {
      var members: [(String, GraphQLDocument.Literal)] = []
      while !take("}") {
        let name = try name()
        try expect(":")
        members.append((name, try literal(depth + 1)))
      }
      return .map(members)
    }
    let start = place
    while place < scalars.count, scalars[place].isWord || ["+", "-", "."].contains(scalars[place]) { place += 1 }
    let written = text(start..<place)
    guard NumberText.isJSON(Array(written.utf8)[...]), let number = NumberText.parse(written) else {
      place = start
      throw failure("a value was expected")
    }
    return .value(number)
  }

  private mutating func string() throws(Raised) -> String {
    if scalars[place...].starts(with: "\"\"\"".unicodeScalars) { return try block() }
    // What is between the quotes is a JSON string.
    let start = place
    place += 1
    while place < scalars.count, !["\"", "\n", "\r"].contains(scalars[place]) {
      place += scalars[place] == "\\" ? 2 : 1
    }
    guard place < scalars.count, scalars[place] == "\"" else {
      place = min(place, scalars.count)
      throw failure("the string does not end")
    }
    place += 1
    do {
      return try JSONText.parse(text(start..<place)).text
    } catch { throw failure("the string has an escape that is none") }
  }

  /// A string in three quotes, without what all its lines are indented by, and the blank ones at its ends.
  private mutating func block() throws(Raised) -> String {
    place += 3
    var text = ""
    while place < scalars.count {
      let rest = scalars[place...]
      if rest.starts(with: "\"\"\"".unicodeScalars) {
        place += 3
        return Self.unindented(text)
      }
      let isEscaped = rest.starts(with: "\\\"\"\"".unicodeScalars)
      text.unicodeScalars.append(contentsOf: isEscaped ? Array(rest.dropFirst().prefix(3)) : [scalars[place]])
      place += isEscaped ? 4 : 1
    }
    throw failure("the string does not end")
  }

  private static func unindented(_ text: String) -> String {
    func indent(_ line: String) -> Int { line.utf8.prefix { $0 == 0x20 || $0 == 0x09 }.count }
    var lines = text.lines
    let common = lines.dropFirst().filter { !$0.trimmed.isEmpty }.map(indent).min() ?? 0
    for index in lines.indices.dropFirst() {
      lines[index] = String(lines[index].dropFirst(min(common, indent(lines[index]))))
    }
    while lines.first?.trimmed.isEmpty ?? false { lines.removeFirst() }
    while lines.last?.trimmed.isEmpty ?? false { lines.removeLast() }
    return lines.joined(separator: "\n")
  }
}
