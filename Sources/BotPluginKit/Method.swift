/// A method's function with its plugin's type erased, as ``HandlerFunction``.
struct MethodFunction: Sendable {
  let call: @Sendable (AnyObject, borrowing Call) throws -> Void
}

/// A row of the table: the function behind a method of the manifest, `call: NAME`.
///
/// It takes the JSON argument as a `Decodable` value, or nothing, or the ``Call`` itself, and returns an
/// `Encodable` answer, or nothing, which answers `null`. What it throws is the answer: a ``PluginError`` with its
/// code, anything else as `internal`. A function over the bare call answers by ``Call/reply(_:)``, or takes
/// ``Call/later()`` and answers when it can.
public struct Method<Plugin: BotPlugin>: Sendable {
  let name: String
  let run: @Sendable (Plugin, borrowing Call) throws -> Void

  // MARK: Closures

  /// A closure over the call as it is.
  public init(_ name: String, _ body: @escaping @Sendable (Plugin, borrowing Call) throws -> Void) {
    self.name = name
    run = body
  }

  /// A closure from the decoded argument to the answer.
  public init<Argument: Decodable & SendableMetatype, Answer: Encodable & SendableMetatype>(
    _ name: String, decoding type: Argument.Type,
    _ body: @escaping @Sendable (Plugin, Argument, borrowing Call) throws -> Answer
  ) {
    self.name = name
    run = { plugin, call in try call.reply(body(plugin, call.decode(Argument.self), call)) }
  }

  /// A closure over the decoded argument that answers `null`, or answers by the call.
  public init<Argument: Decodable & SendableMetatype>(
    _ name: String, decoding type: Argument.Type,
    _ body: @escaping @Sendable (Plugin, Argument, borrowing Call) throws -> Void
  ) {
    self.name = name
    run = { plugin, call in try body(plugin, call.decode(Argument.self), call) }
  }

  // MARK: Methods of the plugin

  /// `func count(_ query: Query) throws -> Count`
  public init<Argument: Decodable & SendableMetatype, Answer: Encodable & SendableMetatype>(
    _ name: String, _ method: @escaping @Sendable (Plugin) -> (Argument) throws -> Answer
  ) {
    self.name = name
    run = { plugin, call in try call.reply(method(plugin)(call.decode(Argument.self))) }
  }

  /// `func join(_ channel: Channel) throws`, which answers `null`
  public init<Argument: Decodable & SendableMetatype>(
    _ name: String, _ method: @escaping @Sendable (Plugin) -> (Argument) throws -> Void
  ) {
    self.name = name
    run = { plugin, call in try method(plugin)(call.decode(Argument.self)) }
  }

  /// `func status() throws -> Status`
  public init<Answer: Encodable & SendableMetatype>(
    _ name: String, _ method: @escaping @Sendable (Plugin) -> () throws -> Answer
  ) {
    self.name = name
    run = { plugin, call in try call.reply(method(plugin)()) }
  }

  /// `func reset() throws`, which answers `null`
  public init(_ name: String, _ method: @escaping @Sendable (Plugin) -> () throws -> Void) {
    self.name = name
    run = { plugin, _ in try method(plugin)() }
  }

  /// `func parse(_ line: Line, _ call: borrowing Call) throws`, which answers by the call
  public init<Argument: Decodable & SendableMetatype>(
    _ name: String, _ method: @escaping @Sendable (Plugin) -> (Argument, borrowing Call) throws -> Void
  ) {
    self.name = name
    run = { plugin, call in try method(plugin)(call.decode(Argument.self), call) }
  }

  /// `func parse(_ call: borrowing Call) throws`, which answers by the call
  public init(_ name: String, _ method: @escaping @Sendable (Plugin) -> (borrowing Call) throws -> Void) {
    self.name = name
    run = { plugin, call in try method(plugin)(call) }
  }
}

/// What a hook does with the call that it stands before.
public enum HookOutcome {
  /// Passes it on as it is.
  case pass
  /// Passes it on with another argument.
  case amend(any Encodable)
  /// Answers it; nobody after this hook is asked.
  case answer(any Encodable)
  /// The hook has taken ``Call/later()`` or answered by ``Call/reply(_:)``.
  case handled
}

/// A row of the table: the function behind a hook of the manifest, `call: NAME`. Throwing answers the call with
/// the failure: a guard denies by `throw PluginError.denied("…")`.
public struct Hook<Plugin: BotPlugin>: Sendable {
  let name: String
  let run: @Sendable (Plugin, borrowing Call) throws -> HookOutcome

  /// A closure over the call as it is.
  public init(_ name: String, _ body: @escaping @Sendable (Plugin, borrowing Call) throws -> HookOutcome) {
    self.name = name
    run = body
  }

  /// `func guardCommand(_ call: borrowing Call) throws -> HookOutcome`
  public init(_ name: String, _ method: @escaping @Sendable (Plugin) -> (borrowing Call) throws -> HookOutcome) {
    self.name = name
    run = { plugin, call in try method(plugin)(call) }
  }

  /// `func guardCommand(_ command: Command) throws -> HookOutcome`
  public init<Argument: Decodable & SendableMetatype>(
    _ name: String, _ method: @escaping @Sendable (Plugin) -> (Argument) throws -> HookOutcome
  ) {
    self.name = name
    run = { plugin, call in try method(plugin)(call.decode(Argument.self)) }
  }
}
