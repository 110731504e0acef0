/// The emitted C of one unit: a function for each node of it, those inside before those around them.
struct CUnit {
  struct Function: Equatable {
    /// Of the node.
    var hash: String
    /// With `n_<hash>` for the names of functions.
    var text: String
  }

  private(set) var functions: [Function] = []
  private let tables: UnitTables
  private let instructions: [BotInstruction]

  // MARK: Handlers

  init(_ handler: BotHandlerCode, _ tables: UnitTables) throws {
    self.tables = tables
    instructions = handler.instructions
    for step in handler.steps { try add(step) }
    add(handler.node, "handler of \(handler.node.fields["event"]?.string ?? "")") { function in
      Self.enter(&function, handler.steps, names: [], handler.instructions)
    }
  }

  /// A use has no code: what it is wired to is said in a comment.
  init(use: BotHashNode, _ tables: UnitTables) {
    self.tables = tables
    instructions = []
    let text = "\(use.fields["type"]?.string ?? "") \(use.fields["args"]?.canonical() ?? "")"
    functions = [Function(hash: use.hash, text: "/* use: \(CNames.comment(text)) */\n")]
  }

  private mutating func add(
    _ node: BotHashNode, _ title: String, _ body: (inout CFunction) throws -> Void
  ) rethrows {
    var function = CFunction(tables)
    try body(&function)
    let text =
      "/* \(CNames.comment(title)) */\nstatic bot_status \(CNames.placeholder(node))(bot_run *run) {\n"
      + function.lines.joined(separator: "\n") + "\n}\n"
    functions.append(Function(hash: node.hash, text: text))
  }

  // MARK: Steps

  private mutating func add(_ step: BotStepCode) throws {
    let fields = step.node.fields
    let instructions = instructions
    let code = instructions[step.range]
    switch step.node.kind {
    case "call": try addCall(step)
    case "json", "format":
      guard case .store(_, let operand)? = code.first else { throw Self.surprise(step) }
      let content = Self.content(of: step.node)
      let result = fields["as"]?.string
      try add(step.node, step.node.kind + (result.map { " as \($0)" } ?? "")) { function in
        let value = try function.span(operand, content)
        function.line("return bot_name_result(run, \(CNames.local(result ?? "it")), \(value));")
      }
    case "expect", "assert":
      guard case .test(let test, _)? = code.first else { throw Self.surprise(step) }
      let otherwise =
        step.node.kind == "expect" ? "BOT_STOP" : "bot_fail(run, true, \"an assertion does not hold\")"
      try add(step.node, step.node.kind) { function in
        try function.test(test, fields)
        function.line("return holds ? BOT_NEXT : \(otherwise);")
      }
    case "for":
      guard case .loop(_, let list, _)? = code.first, let variable = fields["var"]?.string else {
        throw Self.surprise(step)
      }
      for inner in step.steps { try add(inner) }
      try add(step.node, "for \(variable)") { function in
        let value = try function.span(list, fields["in"])
        let (count, names) = Self.tables(&function, step.steps, names: [variable], instructions)
        function.line("return bot_each(run, \(value), \(CNames.local(variable)), \(count), \(names));")
      }
    case "if": try addBranch(step)
    case "let": try addNames(step)
    case "set": try addStates(step)
    case "return":
      guard case .store(_, let operand)? = code.first else { throw Self.surprise(step) }
      let content = step.node.children.first.map { Self.content(of: $0.node) } ?? fields["value"]
      try add(step.node, "return") { function in
        let value = try function.span(operand, content)
        function.line("return bot_return(run, \(value));")
      }
    default: throw Self.surprise(step)
    }
  }

  private static func surprise(_ step: BotStepCode) -> CEmitProblem {
    CEmitProblem(description: "the step '\(step.node.kind)' cannot be emitted as C")
  }

  /// What a record or a text is made of.
  private static func content(of node: BotHashNode) -> JSONValue? { node.fields["fields"] ?? node.fields["value"] }

  private mutating func addCall(_ step: BotStepCode) throws {
    let fields = step.node.fields
    let target = fields["method"]?.string ?? ""
    let result = CNames.local(fields["as"]?.string ?? "it")
    let content = fields["args"]
    let title = "call \(target)"
    if let method = step.node.children.first(where: { $0.label == "method" })?.node {
      try addMethod(step, method)
      return
    }
    guard case .call(let call)? = instructions[step.range].first else { throw Self.surprise(step) }
    let tables = tables
    switch call.target {
    case .print:
      try add(step.node, title) { function in
        function.line("size_t mark = run->bytes.count;")
        if case .object(let members) = call.argument, let only = members.first {
          let value = try function.span(only.value, content?[only.text])
          function.line("return bot_print(run, mark, \(value));")
        } else {
          function.line("return bot_print(run, mark, bot_none());")
        }
      }
    case .method(let index):
      try add(step.node, title) { function in
        function.line("size_t mark = run->bytes.count;")
        try function.write(call.argument, content, isInside: false)
        function.line("return bot_call(run, \(CNames.method(tables.methods[index])), mark, \(result));")
      }
    }
  }

  /// A call of a method that a bot declares: its arguments become names, then its steps are entered.
  private mutating func addMethod(_ step: BotStepCode, _ method: BotHashNode) throws {
    for inner in step.steps { try add(inner) }
    let instructions = instructions
    add(method, "method") { function in
      Self.enter(&function, step.steps, names: Self.names(step.steps, instructions), instructions)
    }
    let names = (method.fields["args"]?.object?.keys ?? []).map { $0.hasSuffix("?") ? String($0.dropLast()) : $0 }
    // The first instruction empties the result, the next ones are the arguments'.
    var values: [BotOperand] = []
    for instruction in instructions[step.range].dropFirst().prefix(names.count) {
      guard case .store(_, let operand) = instruction else { throw Self.surprise(step) }
      values.append(operand)
    }
    guard values.count == names.count else { throw Self.surprise(step) }
    let fields = step.node.fields
    try add(step.node, "call \(fields["method"]?.string ?? "")") { function in
      // All of them before the first name changes.
      var places: [String] = []
      for (name, value) in zip(names, values) {
        let place = function.variable("argument")
        function.line("bot_span \(place) = \(try function.span(value, fields["args"]?[name]));")
        places.append(place)
      }
      function.line("if (run->is_full) return bot_too_large(run, false);")
      let (list, count) = Self.list(&function, names)
      let result = CNames.local(fields["as"]?.string ?? "it")
      function.line(
        "if (!bot_begin_method(run, \(result), \(list), \(count))) return bot_too_large(run, false);")
      for (name, place) in zip(names, places) { function.line("run->locals[\(CNames.local(name))] = \(place);") }
      function.line("return \(CNames.placeholder(method))(run);")
    }
  }

  private mutating func addBranch(_ step: BotStepCode) throws {
    let instructions = instructions
    guard case .test(let test, _)? = instructions[step.range].first else { throw Self.surprise(step) }
    for inner in step.steps { try add(inner) }
    let count = step.node.children.count { $0.label.isEmpty }
    let then = Array(step.steps.prefix(count))
    let otherwise = Array(step.steps.dropFirst(count))
    let elseNode = step.node.children.first { $0.label == "else" }?.node
    if let elseNode {
      add(elseNode, "else") { function in
        Self.enter(&function, otherwise, names: Self.names(otherwise, instructions), instructions)
      }
    }
    try add(step.node, "if") { function in
      try function.test(test, step.node.fields)
      let (steps, names) = Self.tables(&function, then, names: [], instructions)
      function.line("if (holds) return bot_enter(run, \(steps), \(names));")
      if let elseNode {
        function.line("run->inside += \(then.reduce(0) { $0 + $1.size });")
        function.line("return \(CNames.placeholder(elseNode))(run);")
      } else {
        function.line("return BOT_NEXT;")
      }
    }
  }

  private mutating func addNames(_ step: BotStepCode) throws {
    let values = step.node.fields["values"]?.object ?? [:]
    var operands: [BotOperand] = []
    for instruction in instructions[step.range] {
      guard case .store(_, let operand) = instruction else { throw Self.surprise(step) }
      operands.append(operand)
    }
    guard operands.count == values.count else { throw Self.surprise(step) }
    try add(step.node, "let \(values.keys.joined(separator: ", "))") { function in
      var places: [String] = []
      for (member, operand) in zip(values, operands) {
        let place = function.variable("named")
        function.line("bot_span \(place) = \(try function.span(operand, member.value));")
        places.append(place)
      }
      function.line("if (run->is_full) return bot_too_large(run, false);")
      for (name, place) in zip(values.keys, places) {
        function.line("run->locals[\(CNames.local(name))] = \(place);")
      }
      function.line("return BOT_NEXT;")
    }
  }

  private mutating func addStates(_ step: BotStepCode) throws {
    let values = (step.node.fields["values"]?.object ?? [:]).map { $0.value }
    var operands: [BotOperand] = []
    var states: [Int] = []
    for instruction in instructions[step.range] {
      switch instruction {
      case .store(_, let operand): operands.append(operand)
      case .set(let state, let operand):
        states.append(state)
        if values.count == 1 { operands.append(operand) }
      default: throw Self.surprise(step)
      }
    }
    guard operands.count == values.count, states.count == values.count else { throw Self.surprise(step) }
    let tables = tables
    try add(step.node, "set") { function in
      function.line("size_t mark = run->bytes.count;")
      var places: [String] = []
      for (value, operand) in zip(values, operands) {
        let place = function.variable("new")
        function.line("bot_span \(place) = \(try function.span(operand, value));")
        places.append(place)
      }
      function.line("bot_status status = BOT_NEXT;")
      for (state, place) in zip(states, places) {
        let name = CNames.state(tables.states[state])
        function.line("if (status == BOT_NEXT) status = bot_set(run, \(name), \(place));")
      }
      function.line("run->bytes.count = mark;")
      function.line("return status;")
    }
  }

  // MARK: Blocks

  private static func enter(
    _ function: inout CFunction, _ steps: [BotStepCode], names: [String], _ instructions: [BotInstruction]
  ) {
    let (list, place) = tables(&function, steps, names: nil, instructions, all: names)
    function.line("return bot_enter(run, \(list), \(place));")
  }

  /// Writes the tables of a block's steps and of the names that they make; returns them as arguments.
  ///
  /// - Parameter names: names besides those that the steps make; nil: `all` are the names.
  private static func tables(
    _ function: inout CFunction, _ steps: [BotStepCode], names: [String]?, _ instructions: [BotInstruction],
    all: [String] = []
  ) -> (steps: String, names: String) {
    var offset = 0
    var entries: [String] = []
    for step in steps {
      var isRead = false
      if case .call(let call)? = instructions[step.range].first, call.result != nil { isRead = true }
      entries.append("{\(CNames.placeholder(step.node)), \(offset), \(isRead)},")
      offset += step.size
    }
    if !entries.isEmpty {
      function.line("static const bot_step steps[] = {")
      for entry in entries { function.line("  " + entry) }
      function.line("};")
    }
    let (list, count) = list(&function, names.map { $0 + Self.names(steps, instructions) } ?? all)
    return (entries.isEmpty ? "NULL, 0" : "steps, \(entries.count)", "\(list), \(count)")
  }

  private static func list(_ function: inout CFunction, _ names: [String]) -> (list: String, count: Int) {
    var unique: [String] = []
    for name in names where !unique.contains(name) { unique.append(name) }
    guard !unique.isEmpty else { return ("NULL", 0) }
    let locals = unique.map { CNames.local($0) }.joined(separator: ", ")
    function.line("static const unsigned short names[] = {\(locals)};")
    return ("names", unique.count)
  }

  /// The names that the steps of a block make: they end with it.
  static func names(_ steps: [BotStepCode], _ instructions: [BotInstruction]) -> [String] {
    steps.flatMap { step -> [String] in
      let made = step.node.fields["as"]?.string.map { [$0] } ?? []
      return made + (step.node.kind == "let" ? step.node.fields["values"]?.object?.keys ?? [] : [])
    }
  }

  // MARK: Coding

  var bytes: [UInt8] {
    var writer = UnitWriter()
    writer.number(functions.count)
    for function in functions {
      writer.text(function.hash)
      writer.text(function.text)
    }
    return writer.bytes
  }

  /// The functions of a unit that was kept.
  static func functions(_ bytes: [UInt8]) throws(UnitReader.Fault) -> [Function] {
    var reader = UnitReader(bytes)
    let functions = try reader.list { (reader) throws(UnitReader.Fault) in
      Function(hash: try reader.string(), text: try reader.string())
    }
    guard reader.isAtEnd, functions.allSatisfy({ UnitKey($0.hash) != nil }) else { throw UnitReader.Fault() }
    return functions
  }
}

extension BotStepCode {
  /// The step and all steps inside it.
  var size: Int { steps.reduce(1) { $0 + $1.size } }
}
