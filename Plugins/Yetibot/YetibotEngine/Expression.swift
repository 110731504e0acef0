/// A parsed expression: commands joined by pipes. Never empty.
public struct Expression: Sendable, Hashable {
  public var commands: [Command]

  public init(commands: [Command]) { self.commands = commands }

  /// One command of a pipe: what it is written with, leading and trailing spaces included.
  public struct Command: Sendable, Hashable {
    public var items: [Item]

    public init(items: [Item]) { self.items = items }

    /// The text to show and to store: sub-expressions are written as `$( )`.
    public var unparsed: String {
      var text = ""
      for item in items {
        switch item {
        case .text(let part): text += part
        case .space: text += " "
        case .literal(let quote, let part):
          text.append(quote)
          text += part
          text.append(quote)
        case .escaped(let part): text += "\\" + part
        case .expression(let inner): text += "$(\(inner.unparsed))"
        }
      }
      return text
    }
  }

  /// A part of a command.
  public indirect enum Item: Sendable, Hashable {
    /// Ordinary characters; also one bar, parenthesis, quote or dollar that stands for itself.
    case text(String)
    /// Exactly one space.
    case space
    /// Quoted text, without its quotes.
    case literal(quote: Character, String)
    /// A mark that a backslash has taken the meaning from: `|`, a back-tick or `$(`.
    case escaped(String)
    /// A sub-expression, in back-ticks or `$( )`.
    case expression(Expression)
  }

  /// The text to show and to store; reading it gives the same commands.
  public var unparsed: String { commands.map(\.unparsed).joined(separator: " | ") }

  /// The words that its commands, and those of its sub-expressions, begin with, where they are written out.
  var commandWords: [String] {
    commands.flatMap { command -> [String] in
      var words: [String] = []
      if case .text(let word)? = command.items.first(where: { $0 != .space }) { words.append(word) }
      for case .expression(let inner) in command.items { words += inner.commandWords }
      return words
    }
  }

  /// The tree as nested lists: `["expr", ["cmd", ["words", …]], …]`.
  public var tree: Value {
    .list(
      ["expr"]
        + commands.map { command in
          .list(["cmd", .list(["words"] + command.items.map(Self.tree))])
        })
  }

  private static func tree(_ item: Item) -> Value {
    switch item {
    case .text(let text), .escaped(let text): .string(text)
    case .space: ["space", " "]
    case .literal(let quote, let text): ["literal", .string(String(quote)), .string(text), .string(String(quote))]
    case .expression(let inner): ["sub-expr", inner.tree]
    }
  }
}
