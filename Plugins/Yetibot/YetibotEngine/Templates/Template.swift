/// A template: text, `{{variables|with:filters}}`, and the tags if, ifequal, ifunequal, for, with, firstof, cycle, now, sum, comment,
/// verbatim, safe, block, debug, script and style, as Selmer has them.
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
    case cycle([String])
    /// The time, written as the format says.
    case now(String)
    /// All that there is, written out.
    case debug
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

  /// - Parameter endClosesMarks: whether a mark that is not closed ends where the source does, instead of being an error.
  public init(_ source: String, endClosesMarks: Bool = false) throws {
    var reader = TemplateReader(try TemplateReader.tokens(source, endClosesMarks: endClosesMarks))
    nodes = try reader.nodes(until: [])
  }
}
