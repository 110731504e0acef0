/// One event on its way through a bot's handlers: plain memory that is used again for later events.
///
/// The payload and every value that the handlers make stand one behind the other in `bytes`, as JSON text. Making a value
/// is copying bytes: a string of the event goes into an argument as it stands, escapes and all.
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

  private struct Span: BitwiseCopyable {
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

  private(set) var bytes = RawArray<UInt8>(capacity: 2_048)
  private var payloadEnd = 0
  private var scanner = JSONFieldScanner()
  private var fields: JSONFieldScanner.Table?
  private var slots = RawArray<Span>()
  private var iterators = RawArray<Span>()
  private var instructionCount = 0
  private var isFull = false

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

  // MARK: Values

  /// What writing values needs of a program, which outlives it: plain memory, so that nothing is counted and all is looked up once.
  private struct Writer {
    let operations: UnsafeMutablePointer<LoweredProgram.Operation>
    let paths: RawArray<LoweredProgram.Text>
    let pool: UnsafePointer<UInt8>
    let states: RawArray<RawArray<UInt8>>

    init(_ program: LoweredProgram, _ states: RawArray<RawArray<UInt8>>) {
      operations = program.operations.base
      paths = program.paths
      pool = UnsafePointer(program.pool.base)
      self.states = states
    }
  }

  /// The text of a value: in place where there is one, written at the end otherwise.
  @inline(__always)
  private mutating func value(_ value: LoweredProgram.Value, _ writer: Writer) -> Text {
    if value.end &- value.start == 1 {
      let operation = writer.operations[Int(value.start)]
      if operation.code == .field || operation.code == .local { return inPlace(operation, writer) }
    }
    let start = bytes.count
    write(Int(value.start), Int(value.end), isInner: false, writer)
    return start..<bytes.count
  }

  /// The text of a field or a local.
  @inline(__always)
  private mutating func inPlace(_ operation: LoweredProgram.Operation, _ writer: Writer) -> Text {
    var range: Text
    if operation.code == .field {
      range = field(Int(operation.start))
    } else {
      let span = slots[Int(operation.start)]
      range = span.start..<span.end
    }
    if operation.pathCount > 0 { range = member(of: range, bytes.bytes, operation, writer) }
    return range
  }

  private func member(
    of range: Text, _ text: UnsafeRawBufferPointer, _ operation: LoweredProgram.Operation, _ writer: Writer
  ) -> Text {
    var range = range
    for index in 0..<Int(operation.pathCount) {
      let name = writer.paths[Int(operation.path) + index]
      let bytes = UnsafeBufferPointer(
        start: writer.pool + Int(name.start), count: Int(name.length))
      guard let found = JSONText.member(text, in: range, named: bytes) else { return 0..<0 }
      range = found
    }
    return range
  }

  /// Carries out operations that append to `bytes`.
  ///
  /// - Parameter isInner: inside a text: strings without their quotes, null and nothing as nothing.
  private mutating func write(_ first: Int, _ end: Int, isInner: Bool, _ writer: Writer) {
    guard bytes.count <= Self.byteLimit else {
      isFull = true
      return
    }
    var index = first
    while index < end {
      let operation = writer.operations[index]
      let inner = index &+ 1
      index = inner &+ Int(operation.count)
      switch operation.code {
      case .literal:
        bytes.append(writer.pool + Int(operation.start), Int(operation.length))
      case .field, .local:
        let range = inPlace(operation, writer)
        if isInner { appendInner(range) } else { bytes.append(own: range) }
      case .state:
        let state = writer.states[Int(operation.start)]
        let whole = 0..<state.count
        let range = operation.pathCount > 0 ? member(of: whole, state.bytes, operation, writer) : whole
        if isInner {
          let mark = bytes.count
          bytes.append(UnsafePointer(state.base) + range.lowerBound, range.count)
          stripInner(from: mark)
        } else {
          bytes.append(UnsafePointer(state.base) + range.lowerBound, range.count)
        }
      case .text:
        bytes.append(0x22)
        write(inner, index, isInner: true, writer)
        bytes.append(0x22)
      case .list:
        let mark = bytes.count
        bytes.append(0x5B)
        write(inner, index, isInner: false, writer)
        bytes.append(0x5D)
        if isInner { stripInner(from: mark) }
      case .element:
        if bytes[bytes.count &- 1] != 0x5B { bytes.append(0x2C) }
        let mark = bytes.count
        write(inner, index, isInner: false, writer)
        if bytes.count == mark {
          for byte in [0x6E, 0x75, 0x6C, 0x6C] as [UInt8] { bytes.append(byte) }
        }
      case .object:
        let mark = bytes.count
        bytes.append(0x7B)
        write(inner, index, isInner: false, writer)
        bytes.append(0x7D)
        if isInner { stripInner(from: mark) }
      case .member:
        let before = bytes.count
        if bytes[before &- 1] != 0x7B { bytes.append(0x2C) }
        bytes.append(writer.pool + Int(operation.start), Int(operation.length))
        let mark = bytes.count
        write(inner, index, isInner: false, writer)
        if bytes.count == mark { bytes.truncate(to: before) }
      }
    }
  }

  private mutating func appendInner(_ range: Text) {
    let first = kind(range)
    if first == 0x22, range.count >= 2 {
      bytes.append(own: range.lowerBound + 1..<range.upperBound - 1)
    } else if first == 0x7B || first == 0x5B {
      // A value of a type that was not known: its JSON, escaped.
      bytes.append(contentsOf: JSONText.escaped(String(decoding: bytes.bytes[range], as: UTF8.self)))
    } else if first != 0x6E {
      bytes.append(own: range)
    }
  }

  /// Turns the value at the end into what it is inside a text.
  private mutating func stripInner(from mark: Int) {
    let text = bytes.array(mark..<bytes.count)
    bytes.truncate(to: mark)
    switch text.first {
    case nil, 0x6E: break
    case 0x22: bytes.append(contentsOf: Array(text.dropFirst().dropLast()))
    case 0x7B, 0x5B: bytes.append(contentsOf: JSONText.escaped(String(decoding: text, as: UTF8.self)))
    default: bytes.append(contentsOf: text)
    }
  }

  /// What a printed value is on a line: a text without quotes and escapes, everything else as its JSON.
  func printed(_ range: Text) -> String? {
    guard kind(range) == 0x22, bytes.bytes[range].contains(0x5C) else { return nil }
    return text(range)
  }

  /// Where a printed value without escapes stands.
  func printedRange(_ range: Text) -> Text {
    kind(range) == 0x22 ? range.lowerBound + 1..<range.upperBound - 1 : range
  }

  /// Evaluates a value on its own, as the binding of a bot does.
  static func evaluate(_ operand: BotOperand, constants: [[UInt8]]) -> [UInt8] {
    let program = LoweredProgram(constants: constants)
    let lowered = program.lower(operand)
    let states = RawArray<RawArray<UInt8>>()
    var run = BotRun()
    defer {
      run.deallocate()
      states.deallocate()
    }
    let writer = Writer(program, states)
    let range = run.value(lowered, writer)
    return run.bytes.array(range)
  }

  // MARK: Tests

  private mutating func holds(
    _ instruction: LoweredProgram.Instruction, _ program: LoweredProgram, _ writer: Writer
  ) -> Bool {
    let range = value(instruction.value, writer)
    for index in 0..<Int(instruction.count) {
      let check = program.checks[Int(instruction.first) + index]
      // First, and by itself: it may move the bytes.
      let operand = value(check.operand, writer)
      let isMet: Bool
      switch check.code {
      case .truthy: isMet = isTruthy(range)
      case .equals: isMet = areEqual(range, operand)
      case .differs: isMet = !areEqual(range, operand)
      case .contained: isMet = isContained(range, in: operand)
      case .matches: isMet = text(range).map { program.patterns[Int(check.pattern)].matches($0) } ?? false
      case .greater: isMet = isOrdered(operand, range)
      case .less: isMet = isOrdered(range, operand)
      case .present: isMet = !isNothing(range)
      case .absent: isMet = isNothing(range)
      }
      if !isMet { return false }
    }
    return true
  }

  /// The value's first byte, which tells its kind; 0 for none.
  @inline(__always)
  private func kind(_ range: Text) -> UInt8 { range.isEmpty ? 0 : bytes[range.lowerBound] }

  /// Missing or null.
  private func isNothing(_ range: Text) -> Bool { kind(range) == 0 || kind(range) == 0x6E }

  /// Not missing, null, false, zero, or empty.
  private func isTruthy(_ range: Text) -> Bool {
    switch kind(range) {
    case 0, 0x6E, 0x66: return false
    case 0x74: return true
    case 0x22: return range.count > 2
    case 0x5B, 0x7B:
      var index = range.lowerBound + 1
      JSONText.skipBlanks(bytes.bytes, &index)
      return index < range.upperBound && bytes[index] != 0x5D && bytes[index] != 0x7D
    default: return number(range).map { $0 != 0 } ?? true
    }
  }

  private func areEqual(_ a: Text, _ b: Text) -> Bool {
    if isNothing(a) || isNothing(b) { return isNothing(a) && isNothing(b) }
    let left = UnsafeRawBufferPointer(rebasing: bytes.bytes[a])
    let right = UnsafeRawBufferPointer(rebasing: bytes.bytes[b])
    if left.count == right.count, left.elementsEqual(right) { return true }
    guard (kind(a) == 0x22) == (kind(b) == 0x22) else { return false }
    if kind(a) == 0x22 {
      // Without escapes, equal texts are equal bytes.
      return left.contains(0x5C) || right.contains(0x5C) ? Self.areSameText(text(a), text(b)) : false
    }
    if let left = number(a), let right = number(b) { return left == right }
    guard kind(a) == kind(b), kind(a) == 0x5B || kind(a) == 0x7B else { return false }
    guard let left = try? JSONValue(parsing: left), let right = try? JSONValue(parsing: right) else { return false }
    return Self.areEqual(left, right)
  }

  /// By their bytes: what Unicode calls equivalent is not the same text.
  private static func areSameText(_ a: String?, _ b: String?) -> Bool {
    guard let a, let b else { return false }
    return a.utf8.elementsEqual(b.utf8)
  }

  /// Numbers are equal by value, however they are written.
  private static func areEqual(_ a: JSONValue, _ b: JSONValue) -> Bool {
    switch (a, b) {
    case (.int(let left), .double(let right)): return Double(left) == right
    case (.double(let left), .int(let right)): return left == Double(right)
    case (.string(let left), .string(let right)): return areSameText(left, right)
    case (.array(let left), .array(let right)):
      return left.count == right.count && zip(left, right).allSatisfy { areEqual($0, $1) }
    case (.object(let left), .object(let right)):
      return left.count == right.count
        && left.allSatisfy { name, value in right[name].map { areEqual(value, $0) } ?? false }
    default: return a == b
    }
  }

  private func isContained(_ value: Text, in list: Text) -> Bool {
    guard kind(list) == 0x5B else { return false }
    var index = list.lowerBound + 1
    while let element = JSONText.nextElement(bytes.bytes, &index, end: list.upperBound) {
      if areEqual(value, element) { return true }
      index = element.upperBound
    }
    return false
  }

  private func isOrdered(_ smaller: Text, _ larger: Text) -> Bool {
    guard let left = number(smaller), let right = number(larger) else { return false }
    return left < right
  }

  private func number(_ range: Text) -> Double? {
    let first = kind(range)
    guard first == 0x2D || first >= 0x30 && first <= 0x39 else { return nil }
    return Double(String(decoding: bytes.bytes[range], as: UTF8.self))
  }

  /// A string's text; of other values the JSON.
  private func text(_ range: Text) -> String? {
    switch kind(range) {
    case 0, 0x6E: nil
    case 0x22: JSONText.unescaped(bytes.bytes, range)
    default: String(decoding: bytes.bytes[range], as: UTF8.self)
    }
  }
}
