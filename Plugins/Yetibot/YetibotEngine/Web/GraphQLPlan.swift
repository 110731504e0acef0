/// What an operation asks for, checked against the schema: fields in order, each once, with their arguments. Nothing of a document is run
/// before all that it asks for is known to be there (GraphQL, October 2021, sections 5, 6.3.2 and 6.4.1).
struct GraphQLPlan {
  struct Field {
    /// The key in the answer.
    var key: String
    var name: String
    var arguments: ValueMap
    var fields: [Field]
  }

  /// - Parameter values: of the variables, which come from outside.
  /// - Throws: ``Raised`` for what is wrong with the document or the variables.
  static func fields(
    of operation: GraphQLDocument.Operation, in document: GraphQLDocument, _ values: ValueMap
  ) throws(Raised) -> [Field] {
    var known: [String: Value] = [:]
    for variable in operation.variables {
      if let value = values[variable.name] {
        known[variable.name] = value
      } else if let standard = variable.standard {
        known[variable.name] = try constant(standard)
      }
      if variable.isRequired, known[variable.name] ?? .null == .null {
        throw Raised("the variable $\(variable.name) needs a value")
      }
    }
    var planner = Planner(
      document: document, variables: known, declared: Set(operation.variables.map(\.name)))
    try planner.checkDirectives(operation.directives)
    return try planner.plan([operation.selections], of: GraphQLSchema.query)
  }

  private static func constant(_ literal: GraphQLDocument.Literal) throws(Raised) -> Value {
    try Planner(document: nil, variables: [:], declared: []).value(of: literal) ?? .null
  }

  private struct Planner {
    let document: GraphQLDocument?
    let variables: [String: Value]
    let declared: Set<String>
    /// The fragments in which what is planned stands.
    private var open: Set<String> = []
    private var planned = 0

    /// Fields after fragments have been put in.
    private static let maximumFields = 5000

    init(document: GraphQLDocument?, variables: [String: Value], declared: Set<String>) {
      self.document = document
      self.variables = variables
      self.declared = declared
    }

    /// A literal's value; nil for a variable that has none.
    func value(of literal: GraphQLDocument.Literal) throws(Raised) -> Value? {
      switch literal {
      case .value(let value): return value
      case .word(let word): return .string(word)
      case .variable(let name):
        guard declared.contains(name) else { throw Raised("there is no variable $\(name)") }
        return variables[name]
      case .list(let items):
        var values: [Value] = []
        for item in items { values.append(try value(of: item) ?? .null) }
        return .list(values)
      case .map(let members):
        var map = ValueMap()
        for (name, literal) in members { map[name] = try value(of: literal) }
        return .map(map)
      }
    }

    /// Whether `@include` and `@skip` leave something in.
    @discardableResult
    func checkDirectives(_ directives: [GraphQLDocument.Directive]) throws(Raised) -> Bool {
      var isIncluded = true
      for directive in directives {
        guard directive.name == "include" || directive.name == "skip" else {
          throw Raised("there is no directive @\(directive.name)")
        }
        guard directive.arguments.count == 1, let condition = directive.arguments.first, condition.name == "if",
          case .bool(let isOn)? = try value(of: condition.value)
        else { throw Raised("@\(directive.name) needs an if that is true or false") }
        if isOn == (directive.name == "skip") { isIncluded = false }
      }
      return isIncluded
    }

    /// The fields of several selections of one type; those with the same key become one.
    mutating func plan(
      _ selections: [[GraphQLDocument.Selection]], of type: String
    ) throws(Raised) -> [Field] {
      var collected: [(field: Field, selections: [[GraphQLDocument.Selection]])] = []
      var places: [String: Int] = [:]
      var seen: Set<String> = []
      for selection in selections {
        try collect(selection, of: type, &collected, &places, &seen)
      }
      var fields: [Field] = []
      for (field, selections) in collected {
        var field = field
        if let inner = GraphQLSchema.types[type]?[field.name]?.type {
          guard !selections.isEmpty else { throw Raised("\(field.name) needs a selection of its fields") }
          field.fields = try plan(selections, of: inner)
        } else if !selections.isEmpty {
          throw Raised("\(field.name) has no fields")
        }
        fields.append(field)
      }
      return fields
    }

    private mutating func collect(
      _ selections: [GraphQLDocument.Selection], of type: String,
      _ collected: inout [(field: Field, selections: [[GraphQLDocument.Selection]])], _ places: inout [String: Int],
      _ seen: inout Set<String>
    ) throws(Raised) {
      for selection in selections {
        planned += 1
        guard planned <= Self.maximumFields else { throw Raised("more than \(Self.maximumFields) fields") }
        switch selection {
        case .field(let field):
          let isIncluded = try checkDirectives(field.directives)
          let plain = Field(
            key: field.alias, name: field.name, arguments: try arguments(of: field, in: type), fields: [])
          let inner = field.selections.isEmpty ? [] : [field.selections]
          guard isIncluded else {
            // What is left out must be right as well.
            if let type = GraphQLSchema.types[type]?[field.name]?.type { _ = try plan(inner, of: type) }
            continue
          }
          if let place = places[field.alias] {
            let other = collected[place].field
            guard other.name == plain.name, other.arguments == plain.arguments else {
              throw Raised("\(field.alias) is asked for in two ways; give one of them another name")
            }
            collected[place].selections += inner
          } else {
            places[field.alias] = collected.count
            collected.append((plain, inner))
          }
        case .spread(let name, let directives):
          guard let fragment = document?.fragments[name] else { throw Raised("there is no fragment \(name)") }
          guard !open.contains(name) else { throw Raised("the fragment \(name) stands in itself, without an end") }
          let isIncluded = try checkDirectives(directives)
          guard isIncluded, seen.insert(name).inserted else { continue }
          open.insert(name)
          defer { open.remove(name) }
          try checkFragment(on: fragment.type, in: type)
          try collect(fragment.selections, of: type, &collected, &places, &seen)
        case .inline(let condition, let inner, let directives):
          if let condition { try checkFragment(on: condition, in: type) }
          if try checkDirectives(directives) { try collect(inner, of: type, &collected, &places, &seen) }
        }
      }
    }

    private func checkFragment(on condition: String, in type: String) throws(Raised) {
      guard condition != type else { return }
      throw Raised(
        GraphQLSchema.types[condition] == nil
          ? "there is no type \(condition); there are \(GraphQLSchema.types.keys.sorted().joined(separator: ", "))"
          : "a fragment on \(condition) can add nothing to \(type)")
    }

    private func arguments(of field: GraphQLDocument.Field, in type: String) throws(Raised) -> ValueMap {
      var map = ValueMap()
      if field.name == "__typename" { return map }
      guard !field.name.hasPrefix("__") else { throw Raised("\(field.name): the schema is not told here") }
      let fields = GraphQLSchema.types[type] ?? [:]
      guard let known = fields[field.name] else {
        throw Raised("\(type) has no field \(field.name); it has \(fields.keys.sorted().joined(separator: ", "))")
      }
      for (name, literal) in field.arguments {
        guard let argument = known.arguments.first(where: { $0.name == name }) else {
          let names = known.arguments.map(\.name).joined(separator: ", ")
          throw Raised("\(field.name) has no argument \(name)\(names.isEmpty ? "" : "; it has \(names)")")
        }
        guard let value = try value(of: literal) else { continue }
        if let expected = argument.input.expectation(for: value) ?? expectation(argument.input, literal) {
          throw Raised("\(name) is \(literal.isWord ? value.text : JSONText.print(value)), and must be \(expected)")
        }
        map[name] = value
      }
      for argument in known.arguments where argument.isRequired && map[argument.name] ?? .null == .null {
        throw Raised("\(argument.name) is missing")
      }
      return map
    }

    /// A word is no string, and a string no word, where they are written out.
    private func expectation(_ input: GraphQLSchema.Input, _ literal: GraphQLDocument.Literal) -> String? {
      switch (input, literal) {
      case (.word(let words), .value(.string)): "one of \(words.joined(separator: ", ")), without quotes"
      case (.string, .word), (.id, .word): "a string in quotes"
      default: nil
      }
    }
  }
}

extension GraphQLDocument.Literal {
  fileprivate var isWord: Bool { if case .word = self { true } else { false } }
}
