/// A template: text, `{{variables|with:filters}}`, and the tags if, ifequal, ifunequal, for, with, firstof, cycle, sum, comment, verbatim,
/// safe.
public struct Template: Sendable {
  /// What is wrong with a template.
  public struct Failure: Error, Sendable, CustomStringConvertible {
    public var description: String
    init(_ description: String) { self.description = description }
  }

  indirect enum Node: Sendable {
    case text(String)
    case variable(Expression)
    case branch([(Condition, [Node])], otherwise: [Node])
    case loop(variables: [String], Expression, body: [Node], empty: [Node])
    case with([(String, Expression)], [Node])
    case firstOf([Expression])
    case sum([Expression])
    /// One after the other, in the rounds of the loop around it.
    case cycle([Expression])
  }

  /// A path or a literal, and its filters.
  struct Expression: Sendable {
    var path: [String]
    var literal: Value?
    var filters: [(name: String, arguments: [String])]
  }

  indirect enum Condition: Sendable {
    case truth(Expression)
    case compare(Expression, Comparison, Expression)
    case not(Condition)
    case any([Condition])
    case all([Condition])
  }

  let nodes: [Node]

  public init(_ source: String) throws {
    var reader = TemplateReader(try TemplateReader.tokens(source))
    nodes = try reader.nodes(until: [])
  }
}
