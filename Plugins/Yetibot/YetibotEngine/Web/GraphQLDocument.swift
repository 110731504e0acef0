/// A GraphQL query, read (GraphQL, October 2021, section 2): queries, fields with aliases and arguments, variables, fragments, and the
/// directives `@include` and `@skip`.
struct GraphQLDocument: Sendable {
  indirect enum Literal: Sendable {
    case value(Value)
    /// A name that stands for itself.
    case word(String)
    case variable(String)
    case list([Literal])
    case map([(String, Literal)])
  }

  struct Field: Sendable {
    var alias: String
    var name: String
    var arguments: [(name: String, value: Literal)]
    var directives: [(name: String, arguments: [(name: String, value: Literal)])]
    var selections: [Selection]
  }

  indirect enum Selection: Sendable {
    case field(Field)
    case spread(String, [(name: String, arguments: [(name: String, value: Literal)])])
    case inline([Selection], [(name: String, arguments: [(name: String, value: Literal)])])
  }

  struct Operation: Sendable {
    var name: String?
    var defaults: [(name: String, value: Literal?)]
    var selections: [Selection]
  }

  private(set) var operations: [Operation] = []
  private(set) var fragments: [String: [Selection]] = [:]

  static let maximumLength = 32_768
  static let maximumFields = 1000
  static let maximumDepth = 12

  /// - Throws: ``Raised``, with the line and column at which it went wrong.
  init(_ text: String) throws(Raised) {
    guard text.utf8.count <= Self.maximumLength else {
      throw Raised("a query of more than \(Self.maximumLength) bytes")
    }
    var reader = Reader(characters: Array(text))
    repeat {
      if reader.peek == "{" {
        operations.append(Operation(name: nil, defaults: [], selections: try reader.selections(0)))
        continue
      }
      switch try reader.name() {
      case "query":
        let name = reader.peek.map(Reader.beginsName) == true ? try reader.name() : nil
        let defaults = try reader.variables()
        _ = try reader.directives()
        operations.append(Operation(name: name, defaults: defaults, selections: try reader.selections(0)))
      case "fragment":
        let name = try reader.name()
        guard try reader.name() == "on" else { throw reader.failure("on and a type were expected") }
        _ = try reader.name()
        _ = try reader.directives()
        fragments[name] = try reader.selections(0)
      case let word: throw reader.failure("a query was expected, and \(word) is none: only questions are answered here")
      }
    } while reader.peek != nil
  }

  private struct Reader {
    let characters: [Character]
    var place = 0
    var fields = 0

    static func beginsName(_ character: Character) -> Bool {
      character == "_" || (character.isASCII && character.isLetter)
    }

    func failure(_ reason: String) -> Raised {
      let before = characters[..<min(place, characters.count)]
      let line = before.count { $0.isNewline } + 1
      let column = before.reversed().prefix { !$0.isNewline }.count + 1
      return Raised("line \(line), column \(column): \(reason)")
    }

    /// The next character that counts.
    var peek: Character? {
      mutating get {
        while place < characters.count {
          let character = characters[place]
          if character == "#" {
            while place < characters.count, !characters[place].isNewline { place += 1 }
          } else if character.isWhitespace || character == "," || character == "\u{FEFF}" {
            place += 1
          } else {
            return character
          }
        }
        return nil
      }
    }

    mutating func take(_ character: Character) -> Bool {
      guard peek == character else { return false }
      place += 1
      return true
    }

    mutating func expect(_ character: Character) throws(Raised) {
      guard take(character) else { throw failure("\(character) was expected") }
    }

    mutating func name() throws(Raised) -> String {
      guard let first = peek, Self.beginsName(first) else { throw failure("a name was expected") }
      let start = place
      while place < characters.count, Self.beginsName(characters[place]) || characters[place].isWholeNumber {
        place += 1
      }
      return String(characters[start..<place])
    }

    mutating func selections(_ depth: Int) throws(Raised) -> [Selection] {
      guard depth < GraphQLDocument.maximumDepth else { throw failure("more than \(maximumDepth) levels") }
      try expect("{")
      var selections: [Selection] = []
      while !take("}") {
        fields += 1
        guard fields <= GraphQLDocument.maximumFields else { throw failure("more than \(maximumFields) fields") }
        if take(".") {
          try expect(".")
          try expect(".")
          if let character = peek, GraphQLDocument.Reader.beginsName(character) {
            let name = try name()
            if name != "on" {
              selections.append(.spread(name, try directives()))
              continue
            }
            _ = try self.name()
          }
          let directives = try directives()
          selections.append(.inline(try self.selections(depth + 1), directives))
          continue
        }
        var field = Field(alias: "", name: try name(), arguments: [], directives: [], selections: [])
        field.alias = field.name
        if take(":") { field.name = try name() }
        field.arguments = try arguments()
        field.directives = try directives()
        if peek == "{" { field.selections = try self.selections(depth + 1) }
        selections.append(.field(field))
      }
      guard !selections.isEmpty else { throw failure("a field was expected") }
      return selections
    }

    mutating func arguments() throws(Raised) -> [(name: String, value: Literal)] {
      guard take("(") else { return [] }
      var arguments: [(name: String, value: Literal)] = []
      while !take(")") {
        let name = try name()
        try expect(":")
        arguments.append((name, try literal(0)))
      }
      return arguments
    }

    mutating func directives() throws(Raised) -> [(name: String, arguments: [(name: String, value: Literal)])] {
      var directives: [(name: String, arguments: [(name: String, value: Literal)])] = []
      while take("@") { directives.append((try name(), try arguments())) }
      return directives
    }

    mutating func variables() throws(Raised) -> [(name: String, value: Literal?)] {
      guard take("(") else { return [] }
      var variables: [(name: String, value: Literal?)] = []
      while !take(")") {
        try expect("$")
        let name = try name()
        try expect(":")
        try type(0)
        variables.append((name, take("=") ? try literal(0) : nil))
      }
      return variables
    }

    /// A type is only passed over: arguments are checked where they are used.
    mutating func type(_ depth: Int) throws(Raised) {
      guard depth < GraphQLDocument.maximumDepth else { throw failure("more than \(maximumDepth) levels") }
      if take("[") {
        try type(depth + 1)
        try expect("]")
      } else {
        _ = try name()
      }
      _ = take("!")
    }

    mutating func literal(_ depth: Int) throws(Raised) -> Literal {
      guard depth < GraphQLDocument.maximumDepth else { throw failure("more than \(maximumDepth) levels") }
      guard let first = peek else { throw failure("a value was expected") }
      if take("$") { return .variable(try name()) }
      if first == "\"" { return .value(.string(try string())) }
      if take("[") {
        var items: [Literal] = []
        while !take("]") { items.append(try literal(depth + 1)) }
        return .list(items)
      }
      if take("{") {
        var members: [(String, Literal)] = []
        while !take("}") {
          let name = try name()
          try expect(":")
          members.append((name, try literal(depth + 1)))
        }
        return .map(members)
      }
      if GraphQLDocument.Reader.beginsName(first) {
        switch try name() {
        case "true": return .value(true)
        case "false": return .value(false)
        case "null": return .value(.null)
        case let word: return .word(word)
        }
      }
      let start = place
      while place < characters.count, characters[place].isWholeNumber || "+-.eE".contains(characters[place]) {
        place += 1
      }
      guard let number = NumberText.parse(String(characters[start..<place])) else {
        throw failure("a value was expected")
      }
      return .value(number)
    }

    mutating func string() throws(Raised) -> String {
      if characters[place...].starts(with: "\"\"\"") {
        place += 3
        var text = ""
        while place < characters.count {
          if characters[place...].starts(with: "\"\"\"") {
            place += 3
            return text.trimmed
          }
          text.append(characters[place])
          place += 1
        }
        throw failure("the string does not end")
      }
      // What is between the quotes is a JSON string.
      let start = place
      place += 1
      while place < characters.count, characters[place] != "\"", !characters[place].isNewline {
        place += characters[place] == "\\" ? 2 : 1
      }
      guard place < characters.count, characters[place] == "\"" else { throw failure("the string does not end") }
      place += 1
      do {
        return try JSONText.parse(String(characters[start..<place])).text
      } catch { throw failure("the string has an escape that is none") }
    }
  }
}
