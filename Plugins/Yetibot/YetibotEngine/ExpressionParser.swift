/// Reads expressions.
///
/// ```
/// expr = cmd { " | " cmd } ;  cmd = { SP } word { { SP } word } { SP } ;
/// word = "`" expr "`" | "$(" expr ")" | chars { "|" chars } | "(" | ")" | quote | literal | "$" ;
/// ```
/// Only U+0020 is a space. With ``Dialect/modern`` a line feed may stand for a space beside a pipe, so that an expression can be written on
/// several lines, and a backslash takes the meaning from a bar that would be a pipe or an error, from a back-tick and from `$(`.
///
/// The grammar is ambiguous; of several readings the one counts that a search from left to right finds first,
/// which tries a quoted literal before a quote that stands for itself, a closing mark before anything else that the
/// character could be, and a pipe wherever one may be.
///
/// Each choice is a state of place, open sub-expressions and whether the command has a word yet; a state that was seen has
/// failed and is not tried again. A budget of steps that is linear in the length ends the search of a text that has too many ways to be
/// read all the same.
public struct ExpressionParser: Sendable {
  /// Which parenthesis closes `$(`.
  public enum Closing: Sendable, Hashable {
    /// The first one that lets the rest be read.
    case first
    /// The one that balances those opened inside, if the rest can be read so; else the first.
    case balanced
  }

  /// What may be written beside what the original reads.
  public enum Dialect: Sendable, Hashable { case original, modern }

  /// The longest text, in bytes of UTF-8.
  public var maximumLength: Int
  /// How deep sub-expressions may nest.
  public var maximumDepth: Int
  public var closing: Closing
  public var dialect: Dialect

  public init(
    maximumLength: Int = 16_384, maximumDepth: Int = 24, closing: Closing = .first, dialect: Dialect = .original
  ) {
    self.maximumLength = maximumLength
    self.maximumDepth = maximumDepth
    self.closing = closing
    self.dialect = dialect
  }

  /// Reads a whole text.
  public func parse(_ text: String) throws(ParseFailure) -> Expression {
    var steps = 0
    return try parse(text, counting: &steps)
  }

  /// Reads a whole text, and adds the steps of the search to `count`: each looks at a byte once, apart from one pass over runs and quotes.
  func parse(_ text: String, counting count: inout Int) throws(ParseFailure) -> Expression {
    var text = text
    guard text.utf8.count <= maximumLength else {
      throw ParseFailure(
        "", offset: 0, expected: "at most \(maximumLength) bytes, and these are \(text.utf8.count)")
    }
    text.makeContiguousUTF8()
    var failure: Reading.Failure?
    let read = text.utf8.withContiguousStorageIfAvailable { bytes in
      var reading = Reading(bytes: bytes, maximumDepth: maximumDepth, closing: closing, isModern: dialect == .modern)
      let expression = reading.run()
      count += reading.stepCount
      failure = reading.failure
      return expression
    }
    if let expression = read ?? nil { return expression }
    throw ParseFailure(text, offset: failure?.offset ?? 0, expected: failure?.expected ?? "a command")
  }
}

/// One search through one text.
private struct Reading {
  struct Failure {
    var offset: Int
    var expected: String
  }

  /// What the search has read, in order; taken back when a choice is undone.
  private enum Step {
    case text(Int, Int)
    case space
    case literal(Int, Int)
    case escaped(Int, Int)
    case open(Int)
    case close
    case pipe
  }

  /// The open sub-expressions at a place; equal stacks have one number.
  private struct Frame: Hashable {
    var parent: Int32
    var isBackTick: Bool
    /// Parentheses that are open inside, counted only where they must balance.
    var inner: Int16
  }

  /// What else could have been done at a place.
  private struct Alternative {
    var place: Int
    var stack: Int32
    var hasWord: Bool
    var steps: Int
    var way: Way
  }

  private enum Way { case quoteItself, tickOpens, parenthesisItself, parenthesisCloses, wordRun }

  let bytes: UnsafeBufferPointer<UInt8>
  let maximumDepth: Int
  let closing: ExpressionParser.Closing
  let isModern: Bool
  private(set) var stepCount = 0
  private(set) var failure: Failure?
  private var steps: [Step] = []
  private var frames: [Frame] = []
  private var depths: [Int16] = []
  private var numbers: [Frame: Int32] = [:]
  /// Each state in one number: its place, its stack, and whether the command has a word.
  private var seen: Set<UInt64> = []
  private var alternatives: [Alternative] = []
  private var budget: Int

  /// A text that people write takes fewer than three steps for each byte.
  static let baseBudget = 20_000
  static let budgetForByte = 40

  init(
    bytes: UnsafeBufferPointer<UInt8>, maximumDepth: Int, closing: ExpressionParser.Closing, isModern: Bool
  ) {
    self.bytes = bytes
    self.maximumDepth = maximumDepth
    self.closing = closing
    self.isModern = isModern
    budget = Self.baseBudget + bytes.count * Self.budgetForByte
    steps.reserveCapacity(24)
  }

  private func isOrdinary(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x20, 0x22, 0x24, 0x28, 0x29, 0x60, 0x7C: false
    default: true
    }
  }

  private func endOfRun(_ start: Int) -> Int {
    var end = start
    while end < bytes.count, isOrdinary(bytes[end]) {
      if isModern, end > start, linePipeEnd(end) != nil || escapeLength(end) > 0 { break }
      end += 1
    }
    return end
  }

  /// Where a pipe ends that begins with a line feed at this place: `\n  | `. nil where there is none.
  private func linePipeEnd(_ place: Int) -> Int? {
    guard bytes[place] == 0x0A else { return nil }
    var end = place + 1
    // White space is looked through for so far only, so that many line feeds do not cost many looks each.
    let last = min(bytes.count, place + 64)
    while end < last, bytes[end] == 0x20 || bytes[end] == 0x0A { end += 1 }
    guard end + 1 < bytes.count, bytes[end] == 0x7C, bytes[end + 1] == 0x20 || bytes[end + 1] == 0x0A else {
      return nil
    }
    return end + 2
  }

  /// How many bytes after a backslash at this place lose their meaning; 0 when it is an ordinary character.
  private func escapeLength(_ place: Int) -> Int {
    guard bytes[place] == 0x5C, place + 1 < bytes.count else { return 0 }
    switch bytes[place + 1] {
    case 0x60: return 1
    case 0x7C:
      // Between other characters a bar is text anyway, and the backslash belongs to a pattern.
      let isText = place + 2 < bytes.count && isOrdinary(bytes[place + 2])
      return isText ? 0 : 1
    case 0x24: return place + 2 < bytes.count && bytes[place + 2] == 0x28 ? 2 : 0
    default: return 0
    }
  }

  private func endOfLiteral(_ start: Int) -> Int? {
    let quote = bytes[start]
    var end = start + 1
    while end < bytes.count, bytes[end] != quote { end += 1 }
    return end < bytes.count && end > start + 1 ? end : nil
  }

  private mutating func number(_ frame: Frame) -> Int32? {
    if let known = numbers[frame] { return known }
    let depth = (frame.parent < 0 ? 0 : depths[Int(frame.parent)]) + 1
    guard depth <= maximumDepth, frames.count < Int(Int32.max) else { return nil }
    let number = Int32(frames.count)
    frames.append(frame)
    depths.append(depth)
    numbers[frame] = number
    return number
  }

  private mutating func fail(_ offset: Int, _ expected: String) {
    if let failure, failure.offset >= offset { return }
    failure = Failure(offset: offset, expected: expected)
  }

  /// Whether this state is new; one that was seen has failed.
  private mutating func enter(_ place: Int, _ stack: Int32, _ hasWord: Bool) -> Bool {
    if seen.isEmpty { seen.reserveCapacity(24) }
    let state = UInt64(UInt32(place)) << 33 | UInt64(UInt32(bitPattern: stack)) << 1 | (hasWord ? 1 : 0)
    return seen.insert(state).inserted
  }

  mutating func run() -> Expression? {
    var place = 0
    var stack: Int32 = -1
    var hasWord = false
    var way: Way?
    while true {
      budget -= 1
      stepCount += 1
      if budget < 0 {
        failure = Failure(
          offset: place, expected: "fewer back-ticks and parentheses: there are too many ways to read this")
        return nil
      }
      if advance(&place, &stack, &hasWord, way) {
        way = nil
        if place == bytes.count, stack < 0, hasWord { return tree() }
        continue
      }
      guard let next = alternatives.popLast() else { return nil }
      place = next.place
      stack = next.stack
      hasWord = next.hasWord
      way = next.way
      steps.removeLast(steps.count - next.steps)
    }
  }

  /// Reads one item. False when nothing fits.
  private mutating func advance(_ place: inout Int, _ stack: inout Int32, _ hasWord: inout Bool, _ way: Way?) -> Bool {
    guard place < bytes.count else {
      if stack >= 0, hasWord {
        fail(place, frames[Int(stack)].isBackTick ? "a closing back-tick" : "a closing parenthesis of `$(`")
      } else {
        fail(place, "a command")
      }
      return false
    }
    // Where nothing else could have been done, nobody comes back.
    if way == nil, !alternatives.isEmpty, !enter(place, stack, hasWord) { return false }
    let byte = bytes[place]
    if isModern, byte == 0x5C {
      let length = escapeLength(place)
      if length > 0 {
        steps.append(.escaped(place + 1, place + 1 + length))
        place += 1 + length
        hasWord = true
        return true
      }
    }
    switch byte {
    case 0x0A where isModern && hasWord:
      guard let end = linePipeEnd(place) else { return readRun(&place, &hasWord) }
      steps.append(.pipe)
      place = end
      hasWord = false
      return true
    case 0x20:
      if hasWord, place + 2 < bytes.count, bytes[place + 1] == 0x7C,
        bytes[place + 2] == 0x20 || (isModern && bytes[place + 2] == 0x0A)
      {
        steps.append(.pipe)
        place += 3
        hasWord = false
      } else {
        steps.append(.space)
        place += 1
      }
      return true
    case 0x22, 0x27:
      if way == nil, let end = endOfLiteral(place) {
        remember(place, stack, hasWord, byte == 0x22 ? .quoteItself : .wordRun)
        steps.append(.literal(place, end))
        place = end + 1
      } else if byte == 0x22 {
        steps.append(.text(place, place + 1))
        place += 1
      } else {
        return readRun(&place, &hasWord)
      }
      hasWord = true
      return true
    case 0x60: return readTick(&place, &stack, &hasWord, way)
    case 0x28:
      if closing == .balanced, stack >= 0, !frames[Int(stack)].isBackTick {
        var frame = frames[Int(stack)]
        if frame.inner < 512 { frame.inner += 1 }
        if let deeper = number(frame) { stack = deeper }
      }
      steps.append(.text(place, place + 1))
      place += 1
      hasWord = true
      return true
    case 0x29: return readParenthesis(&place, &stack, &hasWord, way)
    case 0x24:
      if place + 1 < bytes.count, bytes[place + 1] == 0x28 {
        return open(&place, &stack, &hasWord, isBackTick: false, length: 2)
      }
      steps.append(.text(place, place + 1))
      place += 1
      hasWord = true
      return true
    case 0x7C:
      fail(
        place,
        hasWord
          ? "a pipe with exactly one space on each side, or a bar with text directly on both"
          : "a command before the pipe")
      return false
    default: return readRun(&place, &hasWord)
    }
  }

  /// A run of ordinary characters, and the bars and runs that follow it without a space.
  private mutating func readRun(_ place: inout Int, _ hasWord: inout Bool) -> Bool {
    var end = endOfRun(place)
    steps.append(.text(place, end))
    place = end
    hasWord = true
    while place + 1 < bytes.count, bytes[place] == 0x7C, isOrdinary(bytes[place + 1]) {
      steps.append(.text(place, place + 1))
      end = endOfRun(place + 1)
      steps.append(.text(place + 1, end))
      place = end
    }
    return true
  }

  private mutating func remember(_ place: Int, _ stack: Int32, _ hasWord: Bool, _ way: Way) {
    alternatives.append(
      Alternative(place: place, stack: stack, hasWord: hasWord, steps: steps.count, way: way))
  }

  private mutating func open(
    _ place: inout Int, _ stack: inout Int32, _ hasWord: inout Bool, isBackTick: Bool, length: Int
  ) -> Bool {
    guard let deeper = number(Frame(parent: stack, isBackTick: isBackTick, inner: 0)) else {
      fail(place, "at most \(maximumDepth) sub-expressions inside each other")
      return false
    }
    steps.append(.open(place))
    stack = deeper
    place += length
    hasWord = false
    return true
  }

  private mutating func close(_ place: inout Int, _ stack: inout Int32, _ hasWord: inout Bool) -> Bool {
    steps.append(.close)
    stack = frames[Int(stack)].parent
    place += 1
    hasWord = true
    return true
  }

  private mutating func readTick(_ place: inout Int, _ stack: inout Int32, _ hasWord: inout Bool, _ way: Way?) -> Bool {
    let canClose = stack >= 0 && frames[Int(stack)].isBackTick && hasWord
    if way == nil, canClose {
      remember(place, stack, hasWord, .tickOpens)
      return close(&place, &stack, &hasWord)
    }
    return open(&place, &stack, &hasWord, isBackTick: true, length: 1)
  }

  private mutating func readParenthesis(
    _ place: inout Int, _ stack: inout Int32, _ hasWord: inout Bool, _ way: Way?
  ) -> Bool {
    let frame = stack >= 0 && !frames[Int(stack)].isBackTick ? frames[Int(stack)] : nil
    let prefersItself = frame.map { $0.inner > 0 } ?? false
    if let frame, hasWord, way == nil {
      if prefersItself {
        remember(place, stack, hasWord, .parenthesisCloses)
        var outer = frame
        outer.inner -= 1
        if let number = number(outer) { stack = number }
      } else {
        remember(place, stack, hasWord, .parenthesisItself)
        return close(&place, &stack, &hasWord)
      }
    } else if way == .parenthesisCloses {
      return close(&place, &stack, &hasWord)
    }
    steps.append(.text(place, place + 1))
    place += 1
    hasWord = true
    return true
  }

  // MARK: The tree

  private func string(_ start: Int, _ end: Int) -> String {
    String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<end]), as: UTF8.self)
  }

  /// What the steps spell.
  private func tree() -> Expression {
    var open: [Expression] = []
    var current = Expression(commands: [Expression.Command(items: [])])
    func add(_ item: Expression.Item) { current.commands[current.commands.count - 1].items.append(item) }
    for step in steps {
      switch step {
      case .text(let start, let end): add(.text(string(start, end)))
      case .space: add(.space)
      case .escaped(let start, let end): add(.escaped(string(start, end)))
      case .literal(let start, let end):
        add(.literal(quote: bytes[start] == 0x22 ? "\"" : "'", string(start + 1, end)))
      case .pipe: current.commands.append(Expression.Command(items: []))
      case .open:
        open.append(current)
        current = Expression(commands: [Expression.Command(items: [])])
      case .close:
        guard let outer = open.popLast() else { continue }
        let inner = current
        current = outer
        add(.expression(inner))
      }
    }
    return current
  }
}
