/// A bot that has been compiled: no names, no YAML, no look-ups are left for the time when events come.
///
/// Immutable; shared by all threads. `bind` gives it the values of its configuration.
public struct BotProgram: Sendable {
  public let name: String
  public let location: SourceLocation
  /// The content hashes of every node.
  public let tree: BotHashNode
  /// The plugin instances that the bot needs, in the order of `use`.
  public internal(set) var requirements: [BotInstanceRequirement]
  /// The topics that must reach the bot.
  public let subscriptions: [BotSubscription]
  /// The methods that the bot calls.
  public let methods: [BotMethodTarget]

  let configs: [BotConfigUse]
  let constants: [BotConstant]
  let states: [BotStateSlot]
  var handlers: [BotHandlerCode]
}

extension BotProgram {
  /// Where its handlers and their steps stand in the source.
  var places: [[SourceLocation]] {
    handlers.map { handler in
      [handler.location]
        + handler.instructions.compactMap { instruction in
          switch instruction {
          case .call(let call): call.location
          case .fail(_, let location): location
          default: nil
          }
        }
    }
  }
}

/// An instance of a plugin that a bot uses.
public struct BotInstanceRequirement: Sendable {
  /// `<bot>.<use>`; inside a component `<bot>.<use>.<use>`.
  public let instance: String
  /// As the bot names it: `chat`, `chat.socket`, `commands.chat`.
  public let use: String
  public let plugin: String
  public let type: String
  public let location: SourceLocation
  var arguments: [BotInstanceArgument]
}

struct BotInstanceArgument: Sendable {
  var name: String
  var value: BotOperand
  var isSecret: Bool
  var location: SourceLocation
}

/// Events of one topic from one instance.
public struct BotSubscription: Sendable {
  /// Of `requirements`; only events whose source is that instance are meant.
  public let requirement: Int
  public let topic: String
  /// The topic carries the instance's state.
  public let isState: Bool
  /// Of `handlers`, in the order in which they run.
  let handlers: [Int]
  let fields: JSONFieldTable
  /// Where members of a state event go: by position in `fields`.
  let states: [Int]
}

/// A method of an instance.
public struct BotMethodTarget: Sendable, Hashable {
  /// Of `requirements`.
  public let requirement: Int
  /// `<bot>.<use>.<method>`, where the method has the plugin's name for it.
  public let name: String
}

/// A `use` of a configuration.
struct BotConfigUse: Sendable {
  var name: String
  var schema: ConfigurationSchema
  /// The file with the values.
  var values: ConfigurationOverrides
  /// The same for uses of the same configuration with the same values.
  var identity: String
  var location: SourceLocation
}

/// A value that does not change while the bot runs.
struct BotConstant: Sendable, Hashable {
  enum Source: Sendable, Hashable {
    /// A getter: of `BotProgram.configs`, by name.
    case getter(config: Int, key: String)
    /// An argument of a component: made of constants before this one.
    case argument(BotOperand)
  }
  /// As it stands in content hashes: `config.channels`, `chat.host`.
  var name: String
  var source: Source
  /// Members below it.
  var path: [String]
}

/// A state that the bot reads or keeps.
struct BotStateSlot: Sendable {
  enum Owner: Sendable, Hashable {
    /// Told by events of this requirement on `<plugin>.state`.
    case instance(Int)
    /// Kept by the bot, changed by `set`.
    case bot
  }
  var owner: Owner
  /// Of an instance: the member of the event. Of the bot: `count`, or `chat.connected` in a component.
  var name: String
  var type: FieldType
  /// JSON text of what holds at first; empty for nothing.
  var initial: [UInt8]
}

/// A value that a program reads, as JSON text.
indirect enum BotOperand: Sendable, Hashable {
  /// JSON text.
  case literal([UInt8])
  /// A position in the event's table of fields.
  case field(Int)
  case local(Int)
  case constant(Int)
  case state(Int)
  case member(BotOperand, path: [String])
  /// A string put together: JSON-escaped pieces without quotes, and values that are formatted.
  case text([BotTextPiece])
  case list([BotOperand])
  case object([BotMember])
}

struct BotMember: Sendable, Hashable {
  /// As `"name":`.
  var name: [UInt8]
  var value: BotOperand

  /// The name itself.
  var text: String { (try? JSONValue(parsing: Array(name.dropLast())))?.string ?? "" }

  init(_ name: String, _ value: BotOperand) {
    self.name = JSONValue.string(name).serializedBytes() + [0x3A]
    self.value = value
  }
}

enum BotTextPiece: Sendable, Hashable {
  case escaped([UInt8])
  case value(BotOperand)
}

struct BotTest: Sendable {
  enum Check: Sendable {
    case truthy
    case equals(BotOperand)
    case differs(BotOperand)
    case contained(BotOperand)
    case matches(TextPattern)
    case greater(BotOperand)
    case less(BotOperand)
    case present(Bool)
  }
  var value: BotOperand
  var checks: [Check]
}

struct BotCall: Sendable {
  enum Target: Sendable {
    /// Of `BotProgram.methods`.
    case method(Int)
    case print
  }
  var target: Target
  var argument: BotOperand
  /// Where the result goes; the next instruction waits for it. Nil: nobody reads it, and the handler's end waits.
  var result: Int?
  var location: SourceLocation
}

enum BotInstruction: Sendable {
  case call(BotCall)
  case store(slot: Int, BotOperand)
  /// Changes a state that the bot keeps: of `BotProgram.states`.
  case set(state: Int, BotOperand)
  /// Goes on with the next instruction when it holds, otherwise at `otherwise`.
  case test(BotTest, otherwise: Int)
  case loop(iterator: Int, list: BotOperand, exit: Int)
  case next(iterator: Int, slot: Int, exit: Int)
  case jump(Int)
  case fail(message: String, SourceLocation)
  case end
}

struct BotHandlerCode: Sendable {
  /// `chat.message#Log`.
  var label: String
  var location: SourceLocation
  var instructions: [BotInstruction]
  var slotCount: Int
  var iteratorCount: Int
  /// The handler's own node, and which instructions each of its steps has become.
  var node: BotHashNode
  var steps: [BotStepCode]
}

/// A step and its instructions, for generators of code that keep the form of the tree.
struct BotStepCode: Sendable {
  var node: BotHashNode
  /// Of the handler's instructions.
  var range: Range<Int>
  /// The steps of its blocks; of `if` those of `do`, then those of `else`.
  var steps: [BotStepCode]
}
