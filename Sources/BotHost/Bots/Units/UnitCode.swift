/// Turns the code of a handler, or the arguments of a use, into bytes that stand for themselves, and back.
///
/// The bytes hold no place in a file, no label and no number of one bot: these come from the bot that uses the unit. So
/// equal nodes give equal bytes, wherever they stand.
enum UnitCode {
  // MARK: Handlers

  static func encode(_ handler: BotHandlerCode, _ tables: UnitTables) -> [UInt8] {
    var encoder = Encoder(tables)
    encoder.body.number(handler.slotCount)
    encoder.body.number(handler.iteratorCount)
    encoder.body.number(handler.instructions.count)
    for instruction in handler.instructions { encoder.write(instruction) }
    return encoder.bytes
  }

  /// The handler with the code that the bytes hold.
  ///
  /// - Parameter handler: says where its steps stand in the source.
  static func decode(
    _ bytes: [UInt8], for handler: BotHandlerCode, _ tables: UnitTables
  ) throws(UnitReader.Fault) -> BotHandlerCode {
    var decoder = try Decoder(bytes, tables)
    var decoded = handler
    decoded.slotCount = try decoder.reader.number(upTo: 100_000)
    decoded.iteratorCount = try decoder.reader.number(upTo: 100_000)
    decoder.slotCount = decoded.slotCount
    decoder.iteratorCount = decoded.iteratorCount
    let count = try decoder.reader.count()
    guard count == handler.instructions.count else { throw UnitReader.Fault() }
    decoder.instructionCount = count
    decoded.instructions = []
    for index in 0..<count { decoded.instructions.append(try decoder.instruction(like: handler.instructions[index])) }
    guard decoder.reader.isAtEnd, case .end? = decoded.instructions.last else { throw UnitReader.Fault() }
    return decoded
  }

  // MARK: Uses

  static func encode(_ arguments: [BotInstanceArgument], _ tables: UnitTables) -> [UInt8] {
    var encoder = Encoder(tables)
    encoder.body.number(arguments.count)
    for argument in arguments {
      encoder.body.text(argument.name)
      encoder.body.number(argument.isSecret ? 1 : 0)
      encoder.write(argument.value)
    }
    return encoder.bytes
  }

  /// - Parameter arguments: say where they stand in the source.
  static func decode(
    _ bytes: [UInt8], for arguments: [BotInstanceArgument], _ tables: UnitTables
  ) throws(UnitReader.Fault) -> [BotInstanceArgument] {
    var decoder = try Decoder(bytes, tables)
    guard try decoder.reader.count() == arguments.count else { throw UnitReader.Fault() }
    var decoded = arguments
    for index in arguments.indices {
      guard try decoder.reader.string() == arguments[index].name,
        try decoder.reader.number(upTo: 1) == (arguments[index].isSecret ? 1 : 0)
      else { throw UnitReader.Fault() }
      decoded[index].value = try decoder.operand(0)
    }
    guard decoder.reader.isAtEnd else { throw UnitReader.Fault() }
    return decoded
  }

  // MARK: The codes

  private enum InstructionCode: Int {
    case call, print, store, set, test, loop, next, jump, fail, end
  }

  private enum OperandCode: Int {
    case literal, field, local, constant, state, member, text, list, object
  }

  private enum CheckCode: Int {
    case truthy, equals, differs, contained, matches, greater, less, present, absent
  }

  private struct Encoder {
    let tables: UnitTables
    var symbols = UnitSymbols()
    var body = UnitWriter()

    init(_ tables: UnitTables) { self.tables = tables }

    /// The table of names, then the code.
    var bytes: [UInt8] {
      var writer = UnitWriter()
      symbols.write(to: &writer)
      return writer.bytes + body.bytes
    }

    mutating func write(_ instruction: BotInstruction) {
      switch instruction {
      case .call(let call):
        switch call.target {
        case .method(let method):
          body.number(InstructionCode.call.rawValue)
          body.number(UnitSymbols.number(tables.methods[method], in: &symbols.methods))
        case .print: body.number(InstructionCode.print.rawValue)
        }
        write(call.argument)
        // 0: nobody reads the result.
        body.number(call.result.map { $0 + 1 } ?? 0)
      case .store(let slot, let operand):
        body.number(InstructionCode.store.rawValue)
        body.number(slot)
        write(operand)
      case .set(let state, let operand):
        body.number(InstructionCode.set.rawValue)
        body.number(UnitSymbols.number(tables.states[state], in: &symbols.states))
        write(operand)
      case .test(let test, let otherwise):
        body.number(InstructionCode.test.rawValue)
        write(test.value)
        body.number(test.checks.count)
        for check in test.checks { write(check) }
        body.number(otherwise)
      case .loop(let iterator, let list, let exit):
        body.number(InstructionCode.loop.rawValue)
        body.number(iterator)
        write(list)
        body.number(exit)
      case .next(let iterator, let slot, let exit):
        body.number(InstructionCode.next.rawValue)
        body.number(iterator)
        body.number(slot)
        body.number(exit)
      case .jump(let target):
        body.number(InstructionCode.jump.rawValue)
        body.number(target)
      case .fail(let message, _):
        body.number(InstructionCode.fail.rawValue)
        body.text(message)
      case .end: body.number(InstructionCode.end.rawValue)
      }
    }

    private mutating func write(_ check: BotTest.Check) {
      func put(_ code: CheckCode) { body.number(code.rawValue) }
      switch check {
      case .truthy: put(.truthy)
      case .equals(let operand):
        put(.equals)
        write(operand)
      case .differs(let operand):
        put(.differs)
        write(operand)
      case .contained(let operand):
        put(.contained)
        write(operand)
      case .matches(let pattern):
        put(.matches)
        body.text(pattern.text)
      case .greater(let operand):
        put(.greater)
        write(operand)
      case .less(let operand):
        put(.less)
        write(operand)
      case .present(let flag): put(flag ? .present : .absent)
      }
    }

    mutating func write(_ operand: BotOperand) {
      func put(_ code: OperandCode, _ number: Int) {
        body.number(code.rawValue)
        body.number(number)
      }
      switch operand {
      case .literal(let text):
        body.number(OperandCode.literal.rawValue)
        body.text(text)
      case .field(let number): put(.field, UnitSymbols.number(tables.fields[number], in: &symbols.fields))
      case .local(let slot): put(.local, slot)
      case .constant(let number): put(.constant, UnitSymbols.number(tables.constants[number], in: &symbols.constants))
      case .state(let number): put(.state, UnitSymbols.number(tables.states[number], in: &symbols.states))
      case .member(let base, let path):
        body.number(OperandCode.member.rawValue)
        UnitSymbols.write(path, &body)
        write(base)
      case .text(let pieces):
        put(.text, pieces.count)
        for piece in pieces {
          switch piece {
          case .escaped(let text):
            body.number(0)
            body.text(text)
          case .value(let value):
            body.number(1)
            write(value)
          }
        }
      case .list(let items):
        put(.list, items.count)
        for item in items { write(item) }
      case .object(let members):
        put(.object, members.count)
        for member in members {
          body.text(member.name)
          write(member.value)
        }
      }
    }
  }

  private struct Decoder {
    typealias Fault = UnitReader.Fault

    var reader: UnitReader
    var slotCount = 0
    var iteratorCount = 0
    var instructionCount = 0
    /// The program's numbers for the unit's.
    private var fields: [Int] = []
    private var constants: [Int] = []
    private var states: [Int] = []
    private var methods: [Int] = []

    init(_ bytes: [UInt8], _ tables: UnitTables) throws(Fault) {
      reader = UnitReader(bytes)
      let symbols = try UnitSymbols(&reader)
      fields = try Self.find(symbols.fields, in: tables.fields)
      constants = try Self.find(symbols.constants, in: tables.constants)
      states = try Self.find(symbols.states, in: tables.states)
      methods = try Self.find(symbols.methods, in: tables.methods)
    }

    private static func find<Symbol: Hashable>(_ wanted: [Symbol], in table: [Symbol]) throws(Fault) -> [Int] {
      var found: [Int] = []
      for symbol in wanted {
        guard let index = table.firstIndex(of: symbol) else { throw Fault() }
        found.append(index)
      }
      return found
    }

    private mutating func target() throws(Fault) -> Int { try reader.index(below: instructionCount) }

    private mutating func code<Code: RawRepresentable>(_ type: Code.Type) throws(Fault) -> Code
    where Code.RawValue == Int {
      guard let code = Code(rawValue: try reader.number()) else { throw Fault() }
      return code
    }

    mutating func instruction(like other: BotInstruction) throws(Fault) -> BotInstruction {
      switch try code(InstructionCode.self) {
      case .call:
        let method = methods[try reader.index(below: methods.count)]
        return try call(.method(method), like: other)
      case .print: return try call(.print, like: other)
      case .store:
        let slot = try reader.index(below: slotCount)
        return .store(slot: slot, try operand(0))
      case .set:
        let state = states[try reader.index(below: states.count)]
        return .set(state: state, try operand(0))
      case .test:
        var test = BotTest(value: try operand(0), checks: [])
        for _ in 0..<(try reader.count()) { test.checks.append(try check()) }
        return .test(test, otherwise: try target())
      case .loop:
        let iterator = try reader.index(below: iteratorCount)
        return .loop(iterator: iterator, list: try operand(0), exit: try target())
      case .next:
        let iterator = try reader.index(below: iteratorCount)
        let slot = try reader.index(below: slotCount)
        return .next(iterator: iterator, slot: slot, exit: try target())
      case .jump: return .jump(try target())
      case .fail:
        guard case .fail(_, let location) = other else { throw Fault() }
        return .fail(message: try reader.string(), location)
      case .end: return .end
      }
    }

    private mutating func call(_ target: BotCall.Target, like other: BotInstruction) throws(Fault) -> BotInstruction {
      guard case .call(let written) = other else { throw Fault() }
      let argument = try operand(0)
      let result = try reader.number(upTo: slotCount)
      return .call(
        BotCall(target: target, argument: argument, result: result == 0 ? nil : result - 1, location: written.location))
    }

    private mutating func check() throws(Fault) -> BotTest.Check {
      switch try code(CheckCode.self) {
      case .truthy: return .truthy
      case .equals: return .equals(try operand(0))
      case .differs: return .differs(try operand(0))
      case .contained: return .contained(try operand(0))
      case .matches:
        let text = try reader.string()
        guard let pattern = try? TextPattern(text) else { throw Fault() }
        return .matches(pattern)
      case .greater: return .greater(try operand(0))
      case .less: return .less(try operand(0))
      case .present: return .present(true)
      case .absent: return .present(false)
      }
    }

    mutating func operand(_ depth: Int) throws(Fault) -> BotOperand {
      guard depth < UnitReader.depthLimit else { throw Fault() }
      switch try code(OperandCode.self) {
      case .literal:
        let text = try reader.text()
        // It is copied into payloads as it is.
        guard text.isEmpty || (try? JSONValue(parsing: text)) != nil else { throw Fault() }
        return .literal(text)
      case .field: return .field(fields[try reader.index(below: fields.count)])
      case .local: return .local(try reader.index(below: slotCount))
      case .constant: return .constant(constants[try reader.index(below: constants.count)])
      case .state: return .state(states[try reader.index(below: states.count)])
      case .member:
        let path = try UnitSymbols.path(&reader)
        return .member(try operand(depth + 1), path: path)
      case .text:
        var pieces: [BotTextPiece] = []
        for _ in 0..<(try reader.count()) {
          if try reader.number(upTo: 1) == 1 {
            pieces.append(.value(try operand(depth + 1)))
          } else {
            pieces.append(.escaped(try escaped()))
          }
        }
        return .text(pieces)
      case .list:
        var items: [BotOperand] = []
        for _ in 0..<(try reader.count()) { items.append(try operand(depth + 1)) }
        return .list(items)
      case .object:
        var members: [BotMember] = []
        for _ in 0..<(try reader.count()) {
          let name = try reader.text()
          guard name.last == 0x3A, let text = (try? JSONValue(parsing: Array(name.dropLast())))?.string else {
            throw Fault()
          }
          members.append(BotMember(text, try operand(depth + 1)))
        }
        return .object(members)
      }
    }

    /// The inside of a JSON string.
    private mutating func escaped() throws(Fault) -> [UInt8] {
      let text = try reader.text()
      guard (try? JSONValue(parsing: [0x22] + text + [0x22]))?.string != nil else { throw Fault() }
      return text
    }
  }
}
