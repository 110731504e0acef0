/// What one YAML document of a bot's project declares, with the place of every name, before any name is looked up.
///
/// The tree has a place for everything that the language has; what this version does not carry out is refused by
/// `BotParser` or `BotCompiler` with a message that says so.
enum BotDocument: Sendable {
  case bot(BotSyntax)
  case config(ConfigSyntax)

  var name: Located<String> {
    switch self {
    case .bot(let bot): bot.name
    case .config(let config): config.name
    }
  }
}

/// A value and where it stands.
struct Located<Value: Sendable>: Sendable {
  var value: Value
  var location: SourceLocation

  init(_ value: Value, at location: SourceLocation) {
    self.value = value
    self.location = location
  }
}

/// `kind: bot`.
struct BotSyntax: Sendable {
  var name: Located<String>
  var extends: Located<String>?
  var uses: [UseSyntax]
  var handlers: [HandlerSyntax]
  /// Labels of inherited handlers that the bot does without.
  var remove: [Located<String>]
}

/// `kind: config`: getters with their types.
struct ConfigSyntax: Sendable {
  var name: Located<String>
  var extends: Located<String>?
  var keys: [ConfigKey]
}

/// One entry of `use`.
struct UseSyntax: Sendable {
  var name: Located<String>
  var type: Located<String>
  /// Everything besides `type`, in order.
  var arguments: [ArgumentSyntax]

  func argument(_ name: String) -> ArgumentSyntax? { arguments.first { $0.name.value == name } }
}

/// A named argument.
struct ArgumentSyntax: Sendable {
  var name: Located<String>
  var value: ExpressionSyntax
}

/// One entry of `when`.
struct HandlerSyntax: Sendable {
  /// `chat.message`.
  var event: Located<String>
  var name: Located<String>?
  /// The steps of the inherited handler with the same label run first.
  var callsSuper: Located<Bool>?
  var steps: [StepSyntax]
  var location: SourceLocation
}

/// A step with the name of its result.
struct StepSyntax: Sendable {
  var action: ActionSyntax
  var result: Located<String>?
  /// Of the key that says what the step does.
  var location: SourceLocation
}

indirect enum ActionSyntax: Sendable {
  /// `chat.join: {channel: x}`; the argument may be a single value for a method with one argument.
  case call(target: String, arguments: CallArguments)
  case json(fields: [ArgumentSyntax])
  case expect(TestSyntax)
  case assert(TestSyntax)
  case forEach(variable: Located<String>, list: ExpressionSyntax, steps: [StepSyntax])
  case branch(TestSyntax, then: [StepSyntax], otherwise: [StepSyntax])
  case bind([ArgumentSyntax])
  case set([ArgumentSyntax])
  case result(ExpressionSyntax)
}

enum CallArguments: Sendable {
  case none
  case single(ExpressionSyntax)
  case named([ArgumentSyntax])
}

/// What `expect`, `assert` and `if` ask.
struct TestSyntax: Sendable {
  enum Operation: String, Sendable, CaseIterable {
    case equals
    case not
    case `in`
    case matches
    case gt
    case lt
    case present
  }
  var value: ExpressionSyntax
  /// All of them must hold; none: the value must be true, not empty and not zero.
  var operations: [(operation: Operation, operand: ExpressionSyntax)]
}

/// A value as written.
indirect enum ExpressionSyntax: Sendable {
  /// A scalar without `${…}`.
  case literal(YAMLScalar, SourceLocation)
  /// A scalar that is one `${path}`: it keeps the type.
  case reference(ReferenceSyntax)
  /// Text with `${path}` in it.
  case template([TemplatePart], SourceLocation)
  case list([ExpressionSyntax], SourceLocation)
  case map([ArgumentSyntax], SourceLocation)

  var location: SourceLocation {
    switch self {
    case .literal(_, let location), .template(_, let location), .list(_, let location), .map(_, let location): location
    case .reference(let reference): reference.location
    }
  }
}

enum TemplatePart: Sendable {
  case text(String)
  case reference(ReferenceSyntax)
}

/// `${a.b.c}`.
struct ReferenceSyntax: Sendable {
  var path: [String]
  /// Of the `${`.
  var location: SourceLocation

  var text: String { path.joined(separator: ".") }
}
