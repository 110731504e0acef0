/// What one YAML document of a bot's project declares, with the place of every name, before any name is looked up.
enum BotDocument: Sendable {
  case bot(BotSyntax)
  case component(BotSyntax)
  case config(ConfigSyntax)
  case schema(SchemaSyntax)

  var name: Located<String> {
    switch self {
    case .bot(let bot), .component(let bot): bot.name
    case .config(let config): config.name
    case .schema(let schema): schema.name
    }
  }

  var extends: Located<String>? {
    switch self {
    case .bot(let bot), .component(let bot): bot.extends
    case .config(let config): config.extends
    case .schema(let schema): schema.extends
    }
  }

  /// The document's kind in words, for messages.
  var summary: String {
    switch self {
    case .bot: "a bot"
    case .component: "a component"
    case .config: "a configuration"
    case .schema: "a schema"
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

/// `kind: bot`, and `kind: component`, which is the same with arguments and events of its own.
struct BotSyntax: Sendable {
  var name: Located<String>
  var extends: Located<String>?
  var uses: [UseSyntax] = []
  var state: [FieldSyntax] = []
  var methods: [MethodSyntax] = []
  var handlers: [HandlerSyntax] = []
  /// Labels of inherited handlers that the bot does without.
  var remove: [Located<String>] = []
  /// Of a component: what a use gives it.
  var arguments: [FieldSyntax] = []
  /// Of a component: its names for events of what it uses.
  var events: [EventSyntax] = []
  /// The plugin's type at the end of the chain of `extends`, once that has been followed.
  var base: Located<String>?
}

/// A state or an argument: a name, a type, and what holds before anybody says otherwise.
struct FieldSyntax: Sendable {
  var name: Located<String>
  var type: FieldType
  var isOptional: Bool
  var initial: ExpressionSyntax?
}

/// `message: socket.message`.
struct EventSyntax: Sendable {
  var name: Located<String>
  var event: Located<String>
}

/// One entry of `methods`.
struct MethodSyntax: Sendable {
  var name: Located<String>
  var arguments: [Field]
  /// Nil: as its `return` steps say.
  var returns: FieldType?
  /// The steps of the inherited method with the same name run first.
  var callsSuper: Located<Bool>?
  var steps: [StepSyntax]
}

/// `kind: schema`: the fields of a record.
struct SchemaSyntax: Sendable {
  var name: Located<String>
  var extends: Located<String>?
  var fields: [LocatedField]

  struct LocatedField: Sendable {
    var field: Field
    var location: SourceLocation
  }
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
  /// A type, or the name of another bot.
  var type: Located<String>
  /// Written `bot: NAME`.
  var isBot = false
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
  case json(fields: [ArgumentSyntax], schema: Located<String>?)
  /// A text made of a value.
  case format(ExpressionSyntax)
  case expect(TestSyntax)
  case assert(TestSyntax)
  case forEach(variable: Located<String>, list: ExpressionSyntax, steps: [StepSyntax])
  case branch(TestSyntax, then: [StepSyntax], otherwise: [StepSyntax])
  case bind([ArgumentSyntax])
  case set([ArgumentSyntax])
  case result(ResultSyntax)
}

/// What `return` gives: a value, or what a step makes (`return: {json: …}`).
indirect enum ResultSyntax: Sendable {
  case value(ExpressionSyntax)
  case made(StepSyntax)
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
