/// A bound program as plain memory: what the runtime carries out, without reference counts and without copies.
///
/// Immutable. Positions refer into its own arrays.
final class LoweredProgram: @unchecked Sendable {
  /// One step of writing a value as JSON text. Values that contain others are followed by `count` operations.
  struct Operation: BitwiseCopyable {
    enum Code: UInt8, BitwiseCopyable {
      /// Text of the pool.
      case literal
      case field
      case local
      case state
      case text
      case list
      /// An element of a list: null when nothing is written.
      case element
      case object
      /// A member of an object: left out when nothing is written. `start` and `length`: its `"name":`.
      case member
    }
    var code: Code
    /// Of a path below a value: the first of `pathCount` entries in `paths`.
    var pathCount: UInt8 = 0
    var path: Int32 = 0
    /// Of a pool's text, or the number of the field, local or state.
    var start: Int32 = 0
    var length: Int32 = 0
    /// How many operations behind this one belong to it.
    var count: Int32 = 0
  }

  /// A value: some operations.
  struct Value: BitwiseCopyable {
    var start: Int32
    var end: Int32
  }

  struct Check: BitwiseCopyable {
    enum Code: UInt8, BitwiseCopyable {
      case truthy, equals, differs, contained, matches, greater, less, present, absent
    }
    var code: Code
    var operand = Value(start: 0, end: 0)
    var pattern: Int32 = 0
  }

  struct Instruction: BitwiseCopyable {
    enum Code: UInt8, BitwiseCopyable {
      case call, print, store, set, test, loop, next, jump, fail, end
    }
    var code: Code
    var value = Value(start: 0, end: 0)
    /// A slot, or -1. Of `set`: the state.
    var slot: Int32 = -1
    var iterator: Int32 = 0
    var target: Int32 = 0
    /// Of `call`: the method. Of `test`: the first check.
    var first: Int32 = 0
    var count: Int32 = 0
  }

  struct Handler: BitwiseCopyable {
    var firstInstruction: Int32
    var slotCount: Int32
    var iteratorCount: Int32
  }

  struct Text: BitwiseCopyable {
    var start: Int32
    var length: Int32
  }

  // Not checked for exclusive access: written while it is made, only read afterwards, many times an event.
  @exclusivity(unchecked) private(set) var operations = RawArray<Operation>()
  @exclusivity(unchecked) private(set) var checks = RawArray<Check>()
  @exclusivity(unchecked) private(set) var instructions = RawArray<Instruction>()
  @exclusivity(unchecked) private(set) var handlers = RawArray<Handler>()
  @exclusivity(unchecked) private(set) var paths = RawArray<Text>()
  @exclusivity(unchecked) private(set) var pool = RawArray<UInt8>()
  private(set) var patterns: [TextPattern] = []
  private(set) var tables: [JSONFieldScanner.Table] = []
  private var tableMemory: [(RawArray<JSONFieldTable.Node>, RawArray<JSONFieldTable.Member>, RawArray<UInt8>)] = []
  private let constants: [[UInt8]]
  /// What the program's methods and states are called by the runtime.
  private let links: BotLinks.Own

  init(constants: [[UInt8]], links: BotLinks.Own = BotLinks.Own()) {
    self.constants = constants
    self.links = links
  }

  convenience init(_ bot: BoundBot, links: BotLinks.Own) {
    self.init(constants: bot.constants, links: links)
    for handler in bot.program.handlers { lower(handler) }
    for subscription in bot.program.subscriptions { lower(subscription.fields) }
  }

  deinit {
    operations.deallocate()
    checks.deallocate()
    instructions.deallocate()
    handlers.deallocate()
    paths.deallocate()
    pool.deallocate()
    for memory in tableMemory {
      memory.0.deallocate()
      memory.1.deallocate()
      memory.2.deallocate()
    }
  }

  private func lower(_ table: JSONFieldTable) {
    var nodes = RawArray<JSONFieldTable.Node>()
    var members = RawArray<JSONFieldTable.Member>()
    var names = RawArray<UInt8>()
    nodes.append(contentsOf: table.nodes)
    members.append(contentsOf: table.members)
    names.append(contentsOf: table.names)
    tableMemory.append((nodes, members, names))
    tables.append(
      JSONFieldScanner.Table(nodes: nodes.base, members: members.base, names: names.base, count: table.count))
  }

  private func lower(_ handler: BotHandlerCode) {
    let base = Int32(instructions.count)
    handlers.append(
      Handler(
        firstInstruction: base, slotCount: Int32(handler.slotCount), iteratorCount: Int32(handler.iteratorCount)))
    for instruction in handler.instructions {
      var lowered: Instruction
      switch instruction {
      case .call(let call):
        switch call.target {
        case .method(let method):
          lowered = Instruction(code: .call, value: lower(call.argument))
          lowered.first = Int32(links.methods[method])
          lowered.slot = call.result.map { Int32($0) } ?? -1
        case .print:
          lowered = Instruction(code: .print, value: lower(Self.printed(call.argument)))
        }
      case .store(let slot, let operand):
        lowered = Instruction(code: .store, value: lower(operand), slot: Int32(slot))
      case .set(let state, let operand):
        lowered = Instruction(code: .set, value: lower(operand), slot: Int32(state))
      case .test(let test, let otherwise):
        lowered = Instruction(code: .test, value: lower(test.value), target: base + Int32(otherwise))
        let lowering = test.checks.map { lower($0) }
        lowered.first = Int32(checks.count)
        lowered.count = Int32(lowering.count)
        for check in lowering { checks.append(check) }
      case .loop(let iterator, let list, let exit):
        lowered = Instruction(code: .loop, value: lower(list), iterator: Int32(iterator), target: base + Int32(exit))
      case .next(let iterator, let slot, let exit):
        lowered = Instruction(code: .next, slot: Int32(slot), iterator: Int32(iterator), target: base + Int32(exit))
      case .jump(let target): lowered = Instruction(code: .jump, target: base + Int32(target))
      case .fail: lowered = Instruction(code: .fail)
      case .end: lowered = Instruction(code: .end)
      }
      instructions.append(lowered)
    }
  }

  /// What `StdOut.write` prints of its argument.
  private static func printed(_ argument: BotOperand) -> BotOperand {
    if case .object(let members) = argument, let only = members.first { return only.value }
    return .literal([])
  }

  private func lower(_ check: BotTest.Check) -> Check {
    switch check {
    case .truthy: return Check(code: .truthy)
    case .equals(let operand): return Check(code: .equals, operand: lower(operand))
    case .differs(let operand): return Check(code: .differs, operand: lower(operand))
    case .contained(let operand): return Check(code: .contained, operand: lower(operand))
    case .greater(let operand): return Check(code: .greater, operand: lower(operand))
    case .less(let operand): return Check(code: .less, operand: lower(operand))
    case .present(let flag): return Check(code: flag ? .present : .absent)
    case .matches(let pattern):
      patterns.append(pattern)
      return Check(code: .matches, pattern: Int32(patterns.count - 1))
    }
  }

  // MARK: Values

  func lower(_ operand: BotOperand) -> Value {
    let start = operations.count
    append(operand, isInner: false)
    return Value(start: Int32(start), end: Int32(operations.count))
  }

  private func append(_ operand: BotOperand, isInner: Bool) {
    switch operand {
    case .literal(let text): literal(isInner ? Self.inner(text) : text)
    case .constant(let index): literal(isInner ? Self.inner(constants[index]) : constants[index])
    case .field(let number): operations.append(Operation(code: .field, start: Int32(number)))
    case .local(let number): operations.append(Operation(code: .local, start: Int32(number)))
    case .state(let number): operations.append(Operation(code: .state, start: Int32(links.states[number])))
    case .member(let base, let path):
      append(base, isInner: isInner)
      let last = operations.count - 1
      var operation = operations[last]
      operation.path = Int32(paths.count)
      operation.pathCount = UInt8(clamping: path.count)
      operations[last] = operation
      for name in path { paths.append(text(Array(name.utf8))) }
    case .text(let pieces):
      nest(.text, isInner) {
        for piece in pieces {
          switch piece {
          case .escaped(let text): literal(text)
          case .value(let value): append(value, isInner: true)
          }
        }
      }
    case .list(let items):
      nest(.list, isInner) {
        for item in items { nest(.element, false) { append(item, isInner: false) } }
      }
    case .object(let members):
      nest(.object, isInner) {
        for member in members {
          let name = text(member.name)
          nest(.member, false, name) { append(member.value, isInner: false) }
        }
      }
    }
  }

  private func literal(_ bytes: [UInt8]) {
    let text = text(bytes)
    operations.append(Operation(code: .literal, start: text.start, length: text.length))
  }

  private func text(_ bytes: [UInt8]) -> Text {
    pool.append(contentsOf: bytes)
    return Text(start: Int32(pool.count - bytes.count), length: Int32(bytes.count))
  }

  private func nest(
    _ code: Operation.Code, _ isInner: Bool, _ name: Text = Text(start: 0, length: 0), _ body: () -> Void
  ) {
    let index = operations.count
    operations.append(Operation(code: code, start: name.start, length: name.length))
    body()
    var operation = operations[index]
    operation.count = Int32(operations.count - index - 1)
    operations[index] = operation
  }

  /// What a known value is inside a text.
  static func inner(_ text: [UInt8]) -> [UInt8] {
    switch text.first {
    case nil, 0x6E: []
    case 0x22: Array(text.dropFirst().dropLast())
    case 0x7B, 0x5B: JSONText.escaped(String(decoding: text, as: UTF8.self))
    default: text
    }
  }
}
