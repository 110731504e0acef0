/// The body of the handler or method that is being compiled.
struct BotBody {
  /// Of the payload; nil in a method, which has no event.
  var eventType: FieldType?
  var fields: JSONFieldTable
  var instructions: [BotInstruction] = []
  var slotCount = 0
  var iteratorCount = 0
  var locals: [BotLocal] = []
  /// The result of the step before; an index into `locals`.
  var latest: Int?
  var calls: [FeedbackLoops.Call] = []
  /// Of the block that is being compiled: the steps so far.
  var steps: [BotStepCode] = []
  /// Of the method that is being looked at or written out.
  var frame: MethodFrame?
  /// With its methods written out it has more instructions than are allowed.
  var isTooLong = false
  /// Tests that end the handler, by instruction.
  private var endTests: [Int] = []

  init(eventType: FieldType?, fields: JSONFieldTable) {
    self.eventType = eventType
    self.fields = fields
  }

  mutating func newSlot() -> Int {
    slotCount += 1
    return slotCount - 1
  }

  mutating func newIterator() -> Int {
    iteratorCount += 1
    return iteratorCount - 1
  }

  /// A test whose failure ends the handler.
  mutating func endUnless(_ test: BotTest) {
    endTests.append(instructions.count)
    instructions.append(.test(test, otherwise: 0))
  }

  /// Points those tests at the last instruction, which is `end`.
  mutating func patchEnds() {
    for index in endTests { setTarget(of: index, to: instructions.count - 1) }
  }

  mutating func setTarget(of index: Int, to target: Int) {
    switch instructions[index] {
    case .test(let test, _): instructions[index] = .test(test, otherwise: target)
    case .loop(let iterator, let list, _): instructions[index] = .loop(iterator: iterator, list: list, exit: target)
    case .next(let iterator, let slot, _): instructions[index] = .next(iterator: iterator, slot: slot, exit: target)
    case .jump: instructions[index] = .jump(target)
    default: break
    }
  }
}

/// A name inside a handler, or the unnamed result of a step.
struct BotLocal {
  enum Origin {
    case loop
    case binding
    case result
    case argument
  }
  /// Nil: only `${it}` reaches it.
  var name: String?
  var slot: Int
  var type: FieldType
  /// It may be missing.
  var isOptional = false
  var origin: Origin
  var location: SourceLocation
  /// The call that makes it waits only when somebody reads it.
  var call: Int?
  var isUsed = false
}
