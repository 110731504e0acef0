/// A GraphQL query, read (GraphQL, October 2021, section 2): queries, fields with aliases and arguments, variables, fragments and directives.
struct GraphQLDocument: Sendable {
  indirect enum Literal: Sendable {
    case value(Value)
    /// A name that stands for itself.
    case word(String)
    case variable(String)
    case list([Literal])
    case map([(String, Literal)])
  }

  typealias Arguments = [(name: String, value: Literal)]

  struct Directive: Sendable {
    var name: String
    var arguments: Arguments
  }

  struct Field: Sendable {
    var alias: String
    var name: String
    var arguments: Arguments
    var directives: [Directive]
    var selections: [Selection]
  }

  indirect enum Selection: Sendable {
    case field(Field)
    case spread(String, [Directive])
    case inline(on: String?, [Selection], [Directive])
  }

  struct Variable: Sendable {
    var name: String
    /// Whether its type says that it is not null.
    var isRequired: Bool
    var standard: Literal?
  }

  struct Operation: Sendable {
    var name: String?
    var variables: [Variable]
    var directives: [Directive]
    var selections: [Selection]
  }

  struct Fragment: Sendable {
    var type: String
    var selections: [Selection]
  }

  private(set) var operations: [Operation] = []
  private(set) var fragments: [String: Fragment] = [:]

  static let maximumLength = 32_768
  static let maximumFields = 1000
  static let maximumDepth = 12

  /// - Throws: ``Raised``, with the line and column at which it went wrong.
  init(_ text: String) throws(Raised) {
    guard text.utf8.count <= Self.maximumLength else {
      throw Raised("a query of more than \(Self.maximumLength) bytes")
    }
    var reader = GraphQLReader(text)
    repeat {
      if reader.peek == "{" {
        let selections = try reader.selections(0)
        operations.append(Operation(name: nil, variables: [], directives: [], selections: selections))
        continue
      }
      switch try reader.name() {
      case "query":
        let name = reader.beginsName ? try reader.name() : nil
        operations.append(
          Operation(
            name: name, variables: try reader.variables(), directives: try reader.directives(),
            selections: try reader.selections(0)))
      case "fragment":
        let name = try reader.name()
        guard name != "on", fragments[name] == nil else { throw reader.failure("a fragment needs a name of its own") }
        guard try reader.name() == "on" else { throw reader.failure("on and a type were expected") }
        let type = try reader.name()
        _ = try reader.directives()
        fragments[name] = Fragment(type: type, selections: try reader.selections(0))
      case let word: throw reader.failure("a query was expected, and \(word) is none: only questions are answered here")
      }
    } while reader.peek != nil
  }
}
