/// One event on its way through a bot's handlers. Used again for later events, so that none allocates.
final class BotRun {
  enum Phase {
    case idle
    /// Behind another event of its instance.
    case queued
    /// Its handlers are being carried out, or wait for a result.
    case running
    /// Its handlers have ended; answers are outstanding.
    case draining
  }

  var phase = Phase.idle
  var generation: UInt32 = 0
  var subscription = 0
  var delivery: UInt64 = 0
  var arena = BotArena()
  var values = BotValues()
  private var payloadEnd = 0

  /// Where it stands.
  var handler = 0
  var position = 0
  private var iterators: [(index: Int, end: Int)] = []
  private var instructionCount = 0

  /// By call: the handler and the instruction that made it; answered ones have no handler.
  var calls: [(handler: Int, instruction: Int)] = []
  var openCalls = 0
  /// The call whose result the next instruction needs, and where that goes.
  var awaited: (call: Int, slot: Int)?
  /// A result that came while the arena was lent out.
  var result: [UInt8] = []
  var isStepping = false
  var failure: BotFailure?

  /// How many instructions a handler may carry out, and how many calls an event may cause.
  static let instructionLimit = 1_000_000
  static let callLimit = 10_000

  func begin(subscription: Int, payload: UnsafeRawBufferPointer, delivery: UInt64, fields: Int) {
    self.subscription = subscription
    self.delivery = delivery
    arena.reset()
    arena.bytes.append(contentsOf: payload)
    payloadEnd = payload.count
    phase = .queued
    handler = 0
    calls.removeAll(keepingCapacity: true)
    openCalls = 0
    awaited = nil
    failure = nil
    if values.fields.count != fields { values.fields = Array(repeating: 0..<0, count: fields) }
  }

  func findFields(_ table: borrowing JSONFieldTable) {
    arena.bytes.withUnsafeBytes { table.find($0, into: &values.fields) }
  }

  /// Before a handler's first instruction: what the one before has made is forgotten.
  func beginHandler(_ code: borrowing BotHandlerCode) {
    arena.truncate(to: payloadEnd)
    values.slots.removeAll(keepingCapacity: true)
    for _ in 0..<code.slotCount { values.slots.append(0..<0) }
    iterators.removeAll(keepingCapacity: true)
    for _ in 0..<code.iteratorCount { iterators.append((0, 0)) }
    position = 0
    instructionCount = 0
  }

  /// Keeps the first failure; later ones of the same event are its consequences more often than not.
  func fail(_ message: String, handler: String, at location: SourceLocation) {
    if failure == nil { failure = BotFailure(handler: handler, location: location, message: message) }
  }

  /// Puts the result of the awaited call, which stands in `result`, in its place.
  func takeResult(slot: Int) {
    let start = arena.bytes.count
    arena.bytes.append(contentsOf: result)
    result.removeAll(keepingCapacity: true)
    values.slots[slot] = start..<arena.bytes.count
  }

  /// Lends what `{"text": value}` prints: a text without quotes and escapes, everything else as its JSON.
  func withPrintedText(of argument: Range<Int>, _ body: (UnsafeRawBufferPointer) -> Void) {
    let found = arena.bytes.withUnsafeBytes { JSONText.member($0, in: argument, named: Array("text".utf8)) }
    guard let range = found else { return body(UnsafeRawBufferPointer(start: nil, count: 0)) }
    if kind(range) != 0x22 || !arena.bytes[range].contains(0x5C) {
      let inner = kind(range) == 0x22 ? range.lowerBound + 1..<range.upperBound - 1 : range
      return arena.bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[inner])) }
    }
    var text = text(range) ?? ""
    text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
  }

  enum Outcome {
    case ended
    case waiting
    case failed(String, SourceLocation)
  }

  /// Carries out instructions until the handler ends, fails, or waits for a result.
  func execute(_ code: borrowing BotHandlerCode, call: (BotCall, Range<Int>) -> Void) -> Outcome {
    while true {
      guard instructionCount < Self.instructionLimit else {
        return .failed("the handler did not end within \(Self.instructionLimit) steps", code.location)
      }
      instructionCount += 1
      let current = position
      position += 1
      switch code.instructions[current] {
      case .call(let instruction):
        guard calls.count < Self.callLimit else {
          return .failed("one event causes more than \(Self.callLimit) calls", instruction.location)
        }
        let mark = arena.bytes.count
        let argument = arena.write(instruction.argument, values)
        guard !arena.isFull else { return .failed("the handler's values are larger than 64 MiB", instruction.location) }
        call(instruction, argument)
        arena.truncate(to: mark)
        if let slot = instruction.result {
          guard awaited == nil else { return .waiting }
          takeResult(slot: slot)
        }
        if position == BotRun.failedPosition { return .ended }
      case .store(let slot, let operand):
        values.slots[slot] = arena.write(operand, values)
        guard !arena.isFull else { return .failed("the handler's values are larger than 64 MiB", code.location) }
      case .test(let test, let otherwise):
        let mark = arena.bytes.count
        if !holds(test) { position = otherwise }
        arena.truncate(to: mark)
      case .loop(let iterator, let operand, let exit):
        let list = arena.write(operand, values)
        let isList = arena.bytes.withUnsafeBytes { bytes in !list.isEmpty && bytes[list.lowerBound] == 0x5B }
        if isList { iterators[iterator] = (list.lowerBound + 1, list.upperBound) } else { position = exit }
      case .next(let iterator, let slot, let exit):
        var index = iterators[iterator].index
        let end = iterators[iterator].end
        let element = arena.bytes.withUnsafeBytes { JSONText.nextElement($0, &index, end: end) }
        if let element {
          values.slots[slot] = element
          iterators[iterator].index = element.upperBound
        } else {
          position = exit
        }
      case .jump(let target): position = target
      case .fail(let message, let location): return .failed(message, location)
      case .end: return .ended
      }
    }
  }

  /// Where a handler stands that a failed call has ended.
  static let failedPosition = -1

  // MARK: Tests

  private func holds(_ test: BotTest) -> Bool {
    let value = arena.write(test.value, values)
    return test.checks.allSatisfy { check in
      switch check {
      case .truthy: return isTruthy(value)
      case .equals(let operand): return areEqual(value, arena.write(operand, values))
      case .differs(let operand): return !areEqual(value, arena.write(operand, values))
      case .contained(let operand): return isContained(value, in: arena.write(operand, values))
      case .matches(let pattern): return text(value).map { pattern.matches($0) } ?? false
      case .greater(let operand): return compare(value, arena.write(operand, values)) { $0 > $1 }
      case .less(let operand): return compare(value, arena.write(operand, values)) { $0 < $1 }
      case .present(let flag): return (kind(value) != 0 && kind(value) != 0x6E) == flag
      }
    }
  }

  /// The value's first byte, which tells its kind; 0 for none.
  private func kind(_ range: Range<Int>) -> UInt8 { range.isEmpty ? 0 : arena.bytes[range.lowerBound] }

  /// Not missing, null, false, zero, or empty.
  private func isTruthy(_ range: Range<Int>) -> Bool {
    switch kind(range) {
    case 0, 0x6E, 0x66: return false
    case 0x74: return true
    case 0x22: return range.count > 2
    case 0x5B, 0x7B:
      var index = range.lowerBound + 1
      return arena.bytes.withUnsafeBytes { bytes in
        JSONText.skipBlanks(bytes, &index)
        return index < range.upperBound && bytes[index] != 0x5D && bytes[index] != 0x7D
      }
    default: return number(range).map { $0 != 0 } ?? true
    }
  }

  private func areEqual(_ a: Range<Int>, _ b: Range<Int>) -> Bool {
    // What is missing is equal to null.
    let isNothing = { (range: Range<Int>) in self.kind(range) == 0 || self.kind(range) == 0x6E }
    if isNothing(a) || isNothing(b) { return isNothing(a) && isNothing(b) }
    if a.count == b.count, arena.bytes[a].elementsEqual(arena.bytes[b]) { return true }
    guard (kind(a) == 0x22) == (kind(b) == 0x22) else { return false }
    if kind(a) == 0x22 {
      // Without escapes, equal texts are equal bytes.
      guard arena.bytes[a].contains(0x5C) || arena.bytes[b].contains(0x5C) else { return false }
      return text(a) == text(b)
    }
    if let left = number(a), let right = number(b) { return left == right }
    guard kind(a) == kind(b), kind(a) == 0x5B || kind(a) == 0x7B else { return false }
    guard let left = try? JSONValue(parsing: Array(arena.bytes[a])),
      let right = try? JSONValue(parsing: Array(arena.bytes[b]))
    else { return false }
    return Self.areEqual(left, right)
  }

  /// Numbers are equal by value, however they are written.
  private static func areEqual(_ a: JSONValue, _ b: JSONValue) -> Bool {
    switch (a, b) {
    case (.int(let left), .double(let right)): return Double(left) == right
    case (.double(let left), .int(let right)): return left == Double(right)
    case (.array(let left), .array(let right)):
      return left.count == right.count && zip(left, right).allSatisfy { areEqual($0, $1) }
    case (.object(let left), .object(let right)):
      return left.count == right.count
        && left.allSatisfy { name, value in right[name].map { areEqual(value, $0) } ?? false }
    default: return a == b
    }
  }

  private func isContained(_ value: Range<Int>, in list: Range<Int>) -> Bool {
    guard kind(list) == 0x5B else { return false }
    var index = list.lowerBound + 1
    while let element = arena.bytes.withUnsafeBytes({ JSONText.nextElement($0, &index, end: list.upperBound) }) {
      if areEqual(value, element) { return true }
      index = element.upperBound
    }
    return false
  }

  private func compare(_ a: Range<Int>, _ b: Range<Int>, _ isOrdered: (Double, Double) -> Bool) -> Bool {
    guard let left = number(a), let right = number(b) else { return false }
    return isOrdered(left, right)
  }

  private func number(_ range: Range<Int>) -> Double? {
    let first = kind(range)
    guard first == 0x2D || first >= 0x30 && first <= 0x39 else { return nil }
    return Double(String(decoding: arena.bytes[range], as: UTF8.self))
  }

  /// A string's text; of other values the JSON.
  private func text(_ range: Range<Int>) -> String? {
    switch kind(range) {
    case 0, 0x6E: return nil
    case 0x22: return arena.bytes.withUnsafeBytes { JSONText.unescaped($0, range) }
    default: return String(decoding: arena.bytes[range], as: UTF8.self)
    }
  }
}
