/// One version of a bot as the runtime carries it out: its code, laid out, and where its parts meet what outlives it.
///
/// A bot that is swapped gets another one; events that came to the old one are handled by it to their end. Only the bot's
/// lane touches it.
final class BotTable {
  let bot: BoundBot
  let program: LoweredProgram
  /// By the index of the program's subscriptions.
  let subscriptions: [Subscription]
  /// Events that came to it and have not ended.
  var runs = 0

  struct Subscription {
    /// Of the runtime's lines.
    var line: Int
    /// Of the program's handlers.
    var handlers: [Int]
    var isState: Bool
    /// Of the runtime's states, by position in `fields`.
    var states: [Int]
    var fields: JSONFieldScanner.Table
  }

  /// - Parameter links: has everything that the bot names.
  init(_ bot: BoundBot, _ links: BotLinks) {
    self.bot = bot
    let own = links.own(bot.program)
    let program = LoweredProgram(bot, links: own)
    self.program = program
    subscriptions = bot.program.subscriptions.enumerated().map { index, subscription in
      Subscription(
        line: own.lines[subscription.requirement], handlers: subscription.handlers, isState: subscription.isState,
        states: subscription.states.map { own.states[$0] }, fields: program.tables[index])
    }
  }

  func failure(handler: Int, instruction: Int, _ message: String) -> BotFailure {
    let code = bot.program.handlers[handler]
    let first = Int(program.handlers[handler].firstInstruction)
    var location = code.location
    switch code.instructions[instruction - first] {
    case .call(let call): location = call.location
    case .fail(_, let place): location = place
    default: break
    }
    return BotFailure(handler: code.label, location: location, message: message)
  }
}

/// The numbers by which a runtime knows methods, states and instances. They stay the same when the bot is replaced by
/// another version, so that what is under way still finds them.
struct BotLinks {
  struct State: Hashable {
    /// Of `lines`; nil: the bot's own.
    var line: Int?
    /// What the instance is; another plugin's state is another state.
    var plugin: String
    var name: String
    /// A value of one type is none of another.
    var type: FieldType
  }

  /// What one program's own numbers are among all.
  struct Own {
    var methods: [Int] = []
    var states: [Int] = []
    /// By requirement.
    var lines: [Int] = []
  }

  /// `<instance>.<method>`.
  private(set) var methods: [String] = []
  private(set) var states: [State] = []
  /// Instances.
  private(set) var lines: [String] = []

  init(_ program: BotProgram) { add(program) }

  /// Gives numbers to what is new.
  mutating func add(_ program: BotProgram) {
    for requirement in program.requirements where !lines.contains(requirement.instance) {
      lines.append(requirement.instance)
    }
    for method in program.methods where !methods.contains(method.name) { methods.append(method.name) }
    for slot in program.states {
      let state = state(slot, program)
      if !states.contains(state) { states.append(state) }
    }
  }

  func own(_ program: BotProgram) -> Own {
    Own(
      methods: program.methods.map { methods.firstIndex(of: $0.name) ?? 0 },
      states: program.states.map { states.firstIndex(of: state($0, program)) ?? 0 },
      lines: program.requirements.map { lines.firstIndex(of: $0.instance) ?? 0 })
  }

  private func state(_ slot: BotStateSlot, _ program: BotProgram) -> State {
    guard case .instance(let index) = slot.owner else {
      return State(line: nil, plugin: "", name: slot.name, type: slot.type)
    }
    let requirement = program.requirements[index]
    return State(
      line: lines.firstIndex(of: requirement.instance), plugin: "\(requirement.plugin).\(requirement.type)",
      name: slot.name, type: slot.type)
  }
}
