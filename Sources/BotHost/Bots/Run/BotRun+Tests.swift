/// Testing values: what counts as true, as equal, as less.
extension BotRun {
  /// Whether all checks of an instruction hold of its value.
  mutating func holds(
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
  func kind(_ range: Text) -> UInt8 { range.isEmpty ? 0 : bytes[range.lowerBound] }

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
  func text(_ range: Text) -> String? {
    switch kind(range) {
    case 0, 0x6E: nil
    case 0x22: JSONText.unescaped(bytes.bytes, range)
    default: String(decoding: bytes.bytes[range], as: UTF8.self)
    }
  }
}
