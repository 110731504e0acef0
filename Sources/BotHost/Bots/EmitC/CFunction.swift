/// The body of a node's function while it is written: reading and writing values.
///
/// What is written depends on the node's content alone: names come from there, not from the numbers that one bot gives them.
struct CFunction {
  let tables: UnitTables
  private(set) var lines: [String] = []
  private var indent = 1
  private var variables = 0

  init(_ tables: UnitTables) { self.tables = tables }

  mutating func line(_ text: String) { lines.append(String(repeating: "  ", count: indent) + text) }

  mutating func block(_ head: String, _ body: (inout CFunction) throws -> Void) rethrows {
    line(head.isEmpty ? "{" : head + " {")
    indent += 1
    try body(&self)
    indent -= 1
    line("}")
  }

  mutating func variable(_ prefix: String) -> String {
    variables += 1
    return "\(prefix)\(variables)"
  }

  // MARK: Values

  /// An expression for a value: where it stands already, or where it has been written to.
  ///
  /// - Parameter content: how the value stands in the node.
  mutating func span(_ operand: BotOperand, _ content: JSONValue?) throws -> String {
    if let place = try place(operand, content) { return place }
    let mark = variable("mark")
    line("size_t \(mark) = run->bytes.count;")
    try write(operand, content, isInside: false)
    let value = variable("value")
    line("bot_span \(value) = bot_since(run, \(mark));")
    return value
  }

  /// An expression for a value that is in the run's memory; nil for others.
  private func place(_ operand: BotOperand, _ content: JSONValue?) throws -> String? {
    switch operand {
    case .field(let number): return "bot_field(run, \(CNames.field(tables.fields[number])))"
    case .local: return "run->locals[\(CNames.local(try name(content)))]"
    case .member(let base, let path):
      guard let place = try place(base, content) else { return nil }
      return path.reduce(place) { "bot_member(run, \($0), \(CNames.literal($1)), \($1.utf8.count))" }
    default: return nil
    }
  }

  /// The name under which a local is read: `it` or its own.
  private func name(_ content: JSONValue?) throws -> String {
    guard let path = content?["$ref"]?.string, let first = path.split(separator: ".").first else {
      throw CEmitProblem(description: "a value of the node is not the reference that its code reads")
    }
    return String(first)
  }

  /// Writes a value at the end of the run's memory.
  mutating func write(_ operand: BotOperand, _ content: JSONValue?, isInside: Bool) throws {
    if let place = try place(operand, content) {
      line("\(isInside ? "bot_put_inside" : "bot_put_value")(run, \(place));")
      return
    }
    switch operand {
    case .literal(let text): put(isInside ? LoweredProgram.inner(text) : text)
    case .text(let pieces) where !isInside:
      put([UInt8(ascii: "\"")])
      try write(pieces, content)
      put([UInt8(ascii: "\"")])
    default:
      guard isInside else {
        try writeWhole(operand, content)
        return
      }
      try block("") { function in
        function.line("size_t mark = run->bytes.count;")
        try function.writeWhole(operand, content)
        function.line("bot_inside(run, mark);")
      }
    }
  }

  private mutating func writeWhole(_ operand: BotOperand, _ content: JSONValue?) throws {
    switch operand {
    case .constant(let number):
      line("bot_put_bytes(run, &run->bot->constants[\(CNames.constant(tables.constants[number]))]);")
    case .state(let number): writeState(number, [])
    case .member(.state(let number), let path): writeState(number, path)
    case .text: try write(operand, content, isInside: false)
    case .list(let items):
      put([UInt8(ascii: "[")])
      for (index, item) in items.enumerated() {
        try part("'['", "\"\"", 0, "bot_end_element") { try $0.write(item, content?[index], isInside: false) }
      }
      put([UInt8(ascii: "]")])
    case .object(let members):
      put([UInt8(ascii: "{")])
      for member in members {
        let value = (content?["$map"] ?? content)?[member.text]
        try part("'{'", CNames.literal(member.name), member.name.count, "bot_end_member") {
          try $0.write(member.value, value, isInside: false)
        }
      }
      put([UInt8(ascii: "}")])
    default: throw CEmitProblem(description: "a member of a value that is known before is read")
    }
  }

  private mutating func write(_ pieces: [BotTextPiece], _ content: JSONValue?) throws {
    let parts = content?["$template"]?.array
    for (index, piece) in pieces.enumerated() {
      switch piece {
      case .escaped(let text): put(text)
      // Without a template it is a value that is written as a text.
      case .value(let value):
        try write(value, parts.map { index < $0.count ? $0[index] : .null } ?? content, isInside: true)
      }
    }
  }

  private mutating func writeState(_ number: Int, _ path: [String]) {
    let state = "run->bot->states[\(CNames.state(tables.states[number]))]"
    guard !path.isEmpty else {
      line("bot_put_bytes(run, &\(state));")
      return
    }
    block("") { function in
      function.line("const bot_bytes *state = &\(state);")
      function.line("bot_span value = {0, state->count};")
      for name in path {
        function.line("value = bot_find(state->at, value, \(CNames.literal(name)), \(name.utf8.count));")
      }
      function.line("bot_put_found(run, state, value);")
    }
  }

  private mutating func part(
    _ open: String, _ name: String, _ length: Int, _ end: String, _ body: (inout CFunction) throws -> Void
  ) throws {
    try block("") { function in
      let mark = function.variable("part")
      function.line("bot_mark \(mark) = bot_begin_part(run, \(open), \(name), \(length));")
      try body(&function)
      function.line("\(end)(run, \(mark));")
    }
  }

  mutating func put(_ bytes: [UInt8]) {
    guard !bytes.isEmpty else { return }
    line("bot_put(run, \(CNames.literal(bytes)), \(bytes.count));")
  }

  // MARK: Tests

  /// Sets `holds`, and leaves no value behind.
  mutating func test(_ test: BotTest, _ content: JSONObject) throws {
    line("size_t mark = run->bytes.count;")
    var name = try span(test.value, content["value"])
    if name.contains("(") || name.contains("[") {
      let value = variable("value")
      line("bot_span \(value) = \(name);")
      name = value
    }
    let contents = content.filter { $0.key != "value" }.map { $0.value }
    var conditions: [String] = []
    for (index, check) in test.checks.enumerated() {
      let content = index < contents.count ? contents[index] : nil
      conditions.append(try condition(check, content, name))
    }
    // The text is looked at after all values have been written: it may move while they are.
    line("const char *text = run->bytes.at;")
    line("bool holds = " + conditions.joined(separator: " && ") + ";")
    line("(void)text;")
    line("run->bytes.count = mark;")
  }

  private mutating func condition(_ check: BotTest.Check, _ content: JSONValue?, _ value: String) throws -> String {
    switch check {
    case .truthy: return "bot_is_true(text, \(value))"
    case .present(let flag): return (flag ? "!" : "") + "bot_is_nothing(text, \(value))"
    case .matches(let pattern): return "bot_matches(run, \(value), \(CNames.pattern(pattern.text)))"
    case .equals(let operand): return "bot_equal(text, \(value), \(try span(operand, content)))"
    case .differs(let operand): return "!bot_equal(text, \(value), \(try span(operand, content)))"
    case .contained(let operand): return "bot_is_in(text, \(value), \(try span(operand, content)))"
    case .greater(let operand): return "bot_is_less(text, \(try span(operand, content)), \(value))"
    case .less(let operand): return "bot_is_less(text, \(value), \(try span(operand, content)))"
    }
  }
}
