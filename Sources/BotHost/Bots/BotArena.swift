/// Where an operand's values come from while a program runs. Everything is JSON text; an empty text is no value.
struct BotValues {
  var constants: [[UInt8]] = []
  var states: [[UInt8]] = []
  /// Ranges in the arena.
  var fields: [Range<Int>] = []
  var slots: [Range<Int>] = []
}

/// The memory of one run: the event's payload and everything that the run makes, as JSON text, one behind the other.
///
/// Making a value is copying bytes: a string of the event goes into an argument as it stands, escapes and all.
struct BotArena {
  var bytes: [UInt8] = []

  /// How much one run may write.
  static let limit = 64 << 20

  /// The run has written more than it may; everything from then on is empty.
  private(set) var isFull = false

  mutating func reset() {
    bytes.removeAll(keepingCapacity: true)
    isFull = false
  }

  /// Forgets what was written last.
  mutating func truncate(to count: Int) {
    if bytes.count > count { bytes.removeLast(bytes.count - count) }
  }

  /// The text of an operand: in place where there is one, written at the end otherwise. Empty: no value.
  mutating func write(_ operand: BotOperand, _ values: borrowing BotValues) -> Range<Int> {
    switch operand {
    case .field(let index): return values.fields[index]
    case .local(let index): return values.slots[index]
    case .member(let base, let path):
      var range = write(base, values)
      for name in path {
        guard !range.isEmpty else { return range }
        let found = bytes.withUnsafeBytes { JSONText.member($0, in: range, named: Array(name.utf8)) }
        guard let found else { return 0..<0 }
        range = found
      }
      return range
    default:
      let start = bytes.count
      append(operand, values)
      return start..<bytes.count
    }
  }

  /// Appends an operand's text; what is missing is `null` inside lists and left out of objects.
  private mutating func append(_ operand: BotOperand, _ values: borrowing BotValues) {
    guard bytes.count <= Self.limit else {
      isFull = true
      return
    }
    switch operand {
    case .literal(let text): bytes.append(contentsOf: text)
    case .constant(let index): bytes.append(contentsOf: values.constants[index])
    case .state(let index): bytes.append(contentsOf: values.states[index])
    case .field(let index): copy(values.fields[index])
    case .local(let index): copy(values.slots[index])
    case .member: copy(write(operand, values))
    case .text(let pieces):
      bytes.append(0x22)
      for piece in pieces {
        switch piece {
        case .escaped(let text): bytes.append(contentsOf: text)
        case .value(let value): appendInner(value, values)
        }
      }
      bytes.append(0x22)
    case .list(let items):
      bytes.append(0x5B)
      for (index, item) in items.enumerated() {
        if index > 0 { bytes.append(0x2C) }
        let start = bytes.count
        append(item, values)
        if bytes.count == start { bytes.append(contentsOf: Self.null) }
      }
      bytes.append(0x5D)
    case .object(let members):
      bytes.append(0x7B)
      var isFirst = true
      for member in members {
        let before = bytes.count
        if !isFirst { bytes.append(0x2C) }
        bytes.append(contentsOf: member.name)
        let start = bytes.count
        append(member.value, values)
        if bytes.count == start {
          bytes.removeLast(bytes.count - before)
        } else {
          isFirst = false
        }
      }
      bytes.append(0x7D)
    }
  }

  /// A value inside a text: a string without its quotes, everything else as its JSON, null and nothing as nothing.
  private mutating func appendInner(_ operand: BotOperand, _ values: borrowing BotValues) {
    let mark = bytes.count
    let range = write(operand, values)
    let isFresh = range.lowerBound >= mark
    var inner = range
    if let first = range.first {
      if bytes[first] == 0x22, range.count >= 2 {
        inner = range.lowerBound + 1..<range.upperBound - 1
      } else if bytes[first] == 0x6E {
        inner = 0..<0
      } else if bytes[first] == 0x7B || bytes[first] == 0x5B {
        // A value of a type that was not known: its JSON, escaped.
        let text = JSONText.escaped(String(decoding: bytes[range], as: UTF8.self))
        if isFresh { bytes.removeLast(bytes.count - mark) }
        bytes.append(contentsOf: text)
        return
      }
    }
    if isFresh {
      // Written at the end already: drop the quotes.
      if inner.isEmpty {
        bytes.removeLast(bytes.count - mark)
      } else if inner != range {
        bytes.removeLast()
        bytes.remove(at: mark)
      }
    } else {
      copy(inner)
    }
  }

  private mutating func copy(_ range: Range<Int>) {
    guard !range.isEmpty else { return }
    bytes.append(contentsOf: bytes[range])
  }

  private static let null = Array("null".utf8)
}
