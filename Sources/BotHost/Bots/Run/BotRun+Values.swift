/// Making values: their text, in place where it stands already, or written behind what there is.
extension BotRun {
  /// What writing values needs of a program, which outlives it: plain memory, so that nothing is counted and all is looked up once.
  struct Writer {
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
  mutating func value(_ value: LoweredProgram.Value, _ writer: Writer) -> Text {
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
}
