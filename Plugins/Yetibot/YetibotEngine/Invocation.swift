/// What a handler receives.
public struct Invocation {
  /// The command word, and the text behind the first white space after it.
  public var command: String
  public var args: String
  /// What the handler's pattern found in `args`: the whole, then each group.
  public var match: [String?]
  /// The collection that was piped in.
  public var opts: Value?
  /// The value before, as it was, with its mark.
  public var raw: Value
  /// The data of the command before, of the enclosing pipe, or the value before.
  public var data: Value
  public var dataCollection: Value?
  /// The commands still to come, unparsed; nil when there is none.
  public var nextCommands: [String]?
  /// Lets the handler skip commands that follow.
  public let skip: SkipCounter
  public let context: Context
  /// Whether the fallback called it.
  public var isFallback: Bool
  /// The command's text again, with the data of one item; nil where it does not depend on it.
  var lateText: ((Value) throws -> String)?

  public final class SkipCounter {
    public var count = 0
    public init() {}
  }

  /// The items of the collection that was piped in.
  var items: [Value]? { Formatting.items(of: opts) }

  /// The items, or the error that a collection is missing.
  func needItems() throws(Complaint) -> [Value] {
    if let items { return items }
    throw Complaint("expected a collection\(args.isEmpty ? "" : " instead of \(args)")")
  }

  /// How long the message that this belongs to may still take, in milliseconds.
  public var millisecondsLeft: Int64 { context.allowance.millisecondsLeft }

  var engine: Yetibot { context.engine }
  var person: ChatPerson? { context.person }
  var quirks: Quirks { context.engine.configuration.quirks }
  public var place: ChatPlace { context.place }

  func group(_ number: Int) -> String? { match.indices.contains(number) ? match[number] : nil }

  /// The settings of the room.
  public var settings: Value { .map(engine.settings(place)) }

  /// The match as other plugins see it: a text, or a list when the pattern has groups.
  public var matchValue: Value {
    match.count == 1 ? Value(match[0]) : .list(match.map { Value($0) })
  }
}

/// An error that a handler answers with; it ends the expression and names the command.
struct Complaint: Error {
  var text: String
  init(_ text: String) { self.text = text }
}

/// For whom and where something is evaluated.
public final class Context {
  /// Not kept beyond the call that made the context.
  unowned let engine: Yetibot
  public let person: ChatPerson?
  /// The record of the person as commands hand it out; made once, since `echo` and its like put it into their data.
  private(set) lazy var personRecord: Value? = person?.record
  public let place: ChatPlace
  let allowance: Allowance
  /// What ties everything that is remembered of the message together; nil where nothing is remembered.
  let correlationID: String?
  /// Whether nobody asked, so that what is switched off in the room is passed over in silence.
  let isUnasked: Bool
  /// The data of the pipe in which the current sub-expression stands.
  var contextualData: Value = .null
  /// Aliases that are running, so that one that calls itself is seen.
  var runningAliases: [String] = []

  init(
    _ engine: Yetibot, person: ChatPerson?, place: ChatPlace, allowance: Allowance, correlationID: String? = nil,
    isUnasked: Bool = false
  ) {
    self.engine = engine
    self.person = person
    self.place = place
    self.allowance = allowance
    self.correlationID = correlationID
    self.isUnasked = isUnasked
  }

  /// Runs what a name stands for: an alias, or the latest command again. A name that leads back to itself too often is an error.
  func running<Result>(_ name: String, _ body: () throws -> Result) throws -> Result {
    guard runningAliases.filter({ $0 == name }).count < 8, runningAliases.count < 24 else {
      throw Raised("\(name) runs itself: \(runningAliases.suffix(6).joined(separator: " → "))", isLimit: true)
    }
    runningAliases.append(name)
    defer { runningAliases.removeLast() }
    return try body()
  }
}
