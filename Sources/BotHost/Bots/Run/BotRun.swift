/// One event on its way through a bot's handlers: plain memory that is used again for later events.
///
/// The payload and every value that the handlers make stand one behind the other in `bytes`, as JSON text. Making a value
/// is copying bytes: a string of the event goes into an argument as it stands, escapes and all.
///
/// How values are written is in `BotRun+Values`, how they are compared in `BotRun+Tests`.
struct BotRun {
  enum Phase: UInt8 {
    case idle
    /// Behind another event of its instance.
    case queued
    /// Its handlers are being carried out, or wait for a result.
    case running
    /// Its handlers have ended; answers are outstanding.
    case draining
  }

  /// A call that the run has made.
  struct Call: BitwiseCopyable {
    /// -1: answered.
    var handler: Int32
    var instruction: Int32
  }

  /// The text of a value: a part of `bytes`; empty for none.
  typealias Text = Range<Int>

  struct Span: BitwiseCopyable {
    var start: Int
    var end: Int
  }

  var phase = Phase.idle
  var isStepping = false
  var generation: UInt32 = 0
  /// What it is handled by; kept alive by the runtime.
  var table: Unmanaged<BotTable>?
  var subscription = 0
  var delivery: UInt64 = 0
  var attempt = BotAttempt.only
  /// Among those of the subscription.
  var handler = 0
  /// The next instruction; `failedPosition` after a failure.
  var position = 0
  var calls = RawArray<Call>()
  var openCalls = 0
  /// The call whose result the next instruction needs, or -1, and where that goes.
  var awaitedCall = -1
  var awaitedSlot = 0
  /// A result that came while `bytes` was lent out.
  var result = RawArray<UInt8>()

  var bytes = RawArray<UInt8>(capacity: 2_048)
  private var payloadEnd = 0
  private var scanner = JSONFieldScanner()
  private var fields: JSONFieldScanner.Table?
  /// The texts of locals, by their slots.
  var slots = RawArray<Span>()
  private var iterators = RawArray<Span>()
  private var instructionCount = 0
  /// The values have become larger than `byteLimit`.
  var isFull = false

  /// How many instructions a handler may carry out, how many calls an event may cause, how many bytes it may make.
  static let instructionLimit = 1_000_000
  static let callLimit = 10_000
  static let byteLimit = 64 << 20

  /// Where a handler stands that a failed call has ended.
  static let failedPosition = -1

  func deallocate() {
    calls.deallocate()
    result.deallocate()
    bytes.deallocate()
    scanner.deallocate()
    slots.deallocate()
    iterators.deallocate()
  }

  mutating func begin(
    table: Unmanaged<BotTable>, subscription: Int, payload: UnsafeRawBufferPointer, delivery: UInt64,
    attempt: BotAttempt
  ) {
    self.table = table
    self.subscription = subscription
    self.delivery = delivery
    self.attempt = attempt
    bytes.truncate(to: 0)
    if let base = payload.baseAddress { bytes.append(base.assumingMemoryBound(to: UInt8.self), payload.count) }
    payloadEnd = payload.count
    phase = .queued
    handler = 0
    position = 0
    calls.truncate(to: 0)
    openCalls = 0
    awaitedCall = -1
    result.truncate(to: 0)
    isFull = false
  }

  /// The event's payload as a copy.
  var payload: [UInt8] { bytes.array(0..<payloadEnd) }

  mutating func findFields(_ table: JSONFieldScanner.Table) {
    fields = table
    scanner.begin(table, bytes.bytes, payload: payloadEnd)
  }

  @inline(__always)
  mutating func field(_ position: Int) -> Text {
    guard let fields else { return 0..<0 }
    return scanner.field(position, fields, bytes.bytes)
  }

  /// A field's text as a copy; empty where there is none.
  mutating func fieldText(_ position: Int) -> [UInt8] { bytes.array(field(position)) }

  /// Before a handler's first instruction: what the one before has made is forgotten.
  mutating func beginHandler(_ handler: LoweredProgram.Handler) {
    bytes.truncate(to: payloadEnd)
    slots.set(count: Int(handler.slotCount), to: Span(start: 0, end: 0))
    iterators.set(count: Int(handler.iteratorCount), to: Span(start: 0, end: 0))
    position = Int(handler.firstInstruction)
    instructionCount = 0
  }

  /// Puts the result of the awaited call, which stands in `result`, in its place.
  mutating func takeResult() {
    let start = bytes.count
    bytes.append(UnsafePointer(result.base), result.count)
    result.truncate(to: 0)
    slots[awaitedSlot] = Span(start: start, end: bytes.count)
  }

  /// After a call or a print: gives back the memory of what it was given.
  mutating func truncate(to mark: Int) { bytes.truncate(to: mark) }

  enum Outcome {
    case ended
    /// The argument stands in `bytes`, at the end.
    case call(method: Int, Text, slot: Int)
    /// `mark`: how many bytes there were before.
    case print(Text, mark: Int)
    /// With the instruction.
    case failed(Failure, at: Int)
  }

  enum Failure {
    case assertion
    case tooManySteps
    case tooManyCalls
    case tooLarge

    var message: String {
      switch self {
      case .assertion: "an assertion does not hold"
      case .tooManySteps: "the handler did not end within \(instructionLimit) steps"
      case .tooManyCalls: "one event causes more than \(callLimit) calls"
      case .tooLarge: "the handler's values are larger than \(byteLimit >> 20) MiB"
      }
    }
  }

  /// Carries out instructions up to the next one that has an effect.
  mutating func execute(_ program: LoweredProgram, _ states: RawArray<RawArray<UInt8>>) -> Outcome {
    let instructions = program.instructions.base
    let writer = Writer(program, states)
    while true {
      let current = position
      guard instructionCount < Self.instructionLimit else { return .failed(.tooManySteps, at: current) }
      instructionCount &+= 1
      position = current &+ 1
      let instruction = instructions[current]
      switch instruction.code {
      case .call:
        guard calls.count < Self.callLimit else { return .failed(.tooManyCalls, at: current) }
        let argument = value(instruction.value, writer)
        guard !isFull else { return .failed(.tooLarge, at: current) }
        return .call(method: Int(instruction.first), argument, slot: Int(instruction.slot))
      case .print:
        let mark = bytes.count
        let text = value(instruction.value, writer)
        guard !isFull else { return .failed(.tooLarge, at: current) }
        return .print(text, mark: mark)
      case .store:
        let text = value(instruction.value, writer)
        guard !isFull else { return .failed(.tooLarge, at: current) }
        slots[Int(instruction.slot)] = Span(start: text.lowerBound, end: text.upperBound)
      case .set:
        let mark = bytes.count
        let text = value(instruction.value, writer)
        guard !isFull else { return .failed(.tooLarge, at: current) }
        var state = states[Int(instruction.slot)]
        state.truncate(to: 0)
        state.append(UnsafePointer(bytes.base) + text.lowerBound, text.count)
        states[Int(instruction.slot)] = state
        bytes.truncate(to: mark)
      case .test:
        let mark = bytes.count
        if !holds(instruction, program, writer) { position = Int(instruction.target) }
        bytes.truncate(to: mark)
      case .loop:
        let list = value(instruction.value, writer)
        if !list.isEmpty, bytes[list.lowerBound] == 0x5B {
          iterators[Int(instruction.iterator)] = Span(start: list.lowerBound + 1, end: list.upperBound)
        } else {
          position = Int(instruction.target)
        }
      case .next:
        var span = iterators[Int(instruction.iterator)]
        if let element = JSONText.nextElement(bytes.bytes, &span.start, end: span.end) {
          slots[Int(instruction.slot)] = Span(start: element.lowerBound, end: element.upperBound)
          span.start = element.upperBound
          iterators[Int(instruction.iterator)] = span
        } else {
          position = Int(instruction.target)
        }
      case .jump: position = Int(instruction.target)
      case .fail: return .failed(.assertion, at: current)
      case .end: return .ended
      }
    }
  }
}
