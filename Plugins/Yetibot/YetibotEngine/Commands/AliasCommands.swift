/// Commands that people make at run time.
extension Yetibot {
  func registerAliases() {
    let util: Set = ["util"]
    define(
      ["alias"],
      [
        Self.on(#"^\s*remove\s+(\S+)\s*$"#, "alias remove <name> # forgets an alias", util) { call in
          let name = call.group(1) ?? ""
          guard call.engine.rows["alias"].contains(where: { $0["cmd_name"] == name }) else {
            return .failure("there is no alias \(name)")
          }
          call.engine.rows.remove("alias") { $0["cmd_name"] == name }
          call.engine.registry.unregister(topic: name)
          return .text("alias \(name) removed")
        },
        Self.on(
          acrossLines(Self.aliasPattern),
          "alias <name> = <command> # makes a command; $s and $1, $2, … stand for its arguments", util
        ) {
          $0.engine.makeAlias($0)
        },
        Self.on(#"^\s*$"#, "alias # the aliases", util) { call in
          let rows = call.engine.rows["alias"]
          guard !rows.isEmpty else { return .failure("there are no aliases") }
          return .record(
            .init(
              .map(ValueMap(rows.map { ($0["cmd_name"], .string($0["cmd"])) })),
              data: .list(rows.map(\.record))))
        },
      ])
  }

  /// Name and body.
  public static let aliasPattern = #"([\S\s]+?)\s*=\s*(.+)"#

  /// The first word of what was given as a name.
  public static func cleanAliasName(_ text: String) -> String {
    String(text.trimmed.split(separator: " ").first ?? "")
  }

  private func makeAlias(_ call: Invocation) -> Outcome {
    guard let person = call.person else { return .failure("an alias needs somebody who makes it") }
    let name = Self.cleanAliasName(call.group(1) ?? "")
    let body = unquoted(call.group(2) ?? "")
    guard !name.isEmpty, name.count <= 64,
      name.unicodeScalars.allSatisfy({ $0.isWord || $0.value > 127 || "-_.:?!+*'".unicodeScalars.contains($0) })
    else { return .failure("the name of an alias has letters, digits and -_.:?!+*' only") }
    if registry.command(for: name).map({ !$0.isAlias }) ?? !registry.hooked(for: name).isEmpty {
      return .text("\(name) is a command already, and cannot be an alias")
    }
    let columns = ValueMap([("user_id", .string(person.id)), ("cmd_name", .string(name)), ("cmd", .string(body))])
    let old = rows["alias"].first { $0["cmd_name"] == name }
    guard old != nil || rows.hasRoom(in: "alias") else { return .failure("there are too many aliases; remove one") }
    if let old { rows.update("alias", old.id, columns) } else { insert("alias", columns) }
    registerAlias(name, body)
    guard let old else { return .text("\(name) alias created") }
    return .text("\(name) alias replaced; it was \(old["cmd"])")
  }

  /// Registers an alias; a name is matched letter for letter.
  func registerAlias(_ name: String, _ body: String) {
    let quoted = name.unicodeScalars.reduce(into: "") { text, scalar in
      if ".?+*".unicodeScalars.contains(scalar) { text += "\\" }
      text.unicodeScalars.append(scalar)
    }
    let handler = Self.on(nil, "\(name) # alias for \(body)", []) { try Self.runAlias($0, name, body) }
    do {
      try registry.register(topics: [(name, quoted)], [handler], isAlias: true)
    } catch {
      assertionFailure("\(name): \(error)")
    }
  }

  private func rememberExpansion(_ text: String, _ context: Context) {
    guard let correlationID = context.correlationID, let person = context.person else { return }
    remember("\(configuration.prefix)\(text)", person, context.place, isCommand: true, correlationID: correlationID)
  }

  private static func runAlias(_ call: Invocation, _ name: String, _ body: String) throws -> Outcome {
    let context = call.context
    let arguments =
      call.args.isEmpty ? [] : call.args.pieces { $0 == " " }
    let text = Formatting.pseudoFormatN(
      body, arguments, prefix: "$", isShort: call.quirks.contains(.shortPlaceholders))
    try context.allowance.charge(bytes: text.utf8.count)
    let saved = context.contextualData
    context.contextualData = .null
    defer { context.contextualData = saved }
    if call.quirks.contains(.plainAliases) {
      call.engine.rememberExpansion(text, context)
      let evaluation = try context.running(name) { try call.engine.evaluateText(text, context) }
      return .plain(evaluation.error.map(Value.string) ?? evaluation.value)
    }
    // A piped collection goes to the first command of the body.
    var start = Evaluation()
    if let opts = call.opts {
      start = Evaluation(value: opts, data: call.data)
      start.dataCollection = call.dataCollection
    }
    let evaluation = try context.running(name) {
      try call.engine.evaluate(try call.engine.parser.parse(text), context, from: start)
    }
    if let error = evaluation.error { return .failure(error) }
    return .record(
      .init(evaluation.value, data: evaluation.data, dataCollection: evaluation.dataCollection))
  }
}
