/// What a unit names outside itself. By names, not by the numbers of one program, so that two bots can share the unit.
struct UnitSymbols: Equatable {
  /// As content hashes have it, `config.channels`, and members below it.
  struct Constant: Hashable {
    var name: String
    var path: [String]
  }

  /// A state, or a method, of an instance; a state of the bot itself has no use.
  struct Member: Hashable {
    var use: String
    var name: String
  }

  var fields: [[String]] = []
  var constants: [Constant] = []
  var states: [Member] = []
  var methods: [Member] = []

  /// The number of something that the unit names; given on the first time.
  static func number<Symbol: Hashable>(_ symbol: Symbol, in table: inout [Symbol]) -> Int {
    if let index = table.firstIndex(of: symbol) { return index }
    table.append(symbol)
    return table.count - 1
  }

  // MARK: Coding

  func write(to writer: inout UnitWriter) {
    writer.number(fields.count)
    for path in fields { Self.write(path, &writer) }
    writer.number(constants.count)
    for constant in constants {
      writer.text(constant.name)
      Self.write(constant.path, &writer)
    }
    for table in [states, methods] {
      writer.number(table.count)
      for member in table {
        writer.text(member.use)
        writer.text(member.name)
      }
    }
  }

  static func write(_ path: [String], _ writer: inout UnitWriter) {
    writer.number(path.count)
    for name in path { writer.text(name) }
  }

  init() {}

  init(_ reader: inout UnitReader) throws(UnitReader.Fault) {
    fields = try reader.list(Self.path)
    constants = try reader.list { (reader) throws(UnitReader.Fault) in
      Constant(name: try reader.string(), path: try Self.path(&reader))
    }
    states = try reader.list(Self.member)
    methods = try reader.list(Self.member)
  }

  static func path(_ reader: inout UnitReader) throws(UnitReader.Fault) -> [String] {
    try reader.list { (reader) throws(UnitReader.Fault) in try reader.string() }
  }

  private static func member(_ reader: inout UnitReader) throws(UnitReader.Fault) -> Member {
    Member(use: try reader.string(), name: try reader.string())
  }
}

/// One program's numbers for what units name, in both directions.
struct UnitTables {
  let fields: [[String]]
  let constants: [UnitSymbols.Constant]
  let states: [UnitSymbols.Member]
  let methods: [UnitSymbols.Member]

  /// - Parameter fields: the paths of the subscription that the unit's handler belongs to; none for a use.
  init(_ program: BotProgram, fields: [[String]] = []) {
    self.fields = fields
    constants = program.constants.map { UnitSymbols.Constant(name: $0.name, path: $0.path) }
    states = program.states.map { state in
      switch state.owner {
      case .instance(let index): UnitSymbols.Member(use: program.requirements[index].use, name: state.name)
      case .bot: UnitSymbols.Member(use: "", name: state.name)
      }
    }
    methods = program.methods.map { method in
      let requirement = program.requirements[method.requirement]
      return UnitSymbols.Member(
        use: requirement.use, name: String(method.name.dropFirst(requirement.instance.count + 1)))
    }
  }
}
