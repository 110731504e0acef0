/// Answers GraphQL queries about the bot, and runs expressions for them.
///
/// ```
/// eval(expr: String!): [String]
/// adapters: [{uuid platform is_connected connection_latency connection_last_active_timestamp}]
/// history(limit: 20, offset: 0, chat_source_adapter, chat_source_room, commands_only, yetibot_only, search_query, user_filter,
///         channel_filter): [{id created_at … body}]          newest first, never what is private
/// history_item(id: ID!)  channels: [{name}]  users: [{…}]  user(id: ID!): {username is_active id last_active karma}
/// stats(timezone_offset_hours: 0): {uptime adapter_count user_count history_count …}
/// aliases  observers  crons  karmas(report: SCORES | GIVERS, limit: 10): [{user_id score}]
/// ```
struct GraphQL {
  /// Something that a query can look into.
  private indirect enum Node {
    case leaf(Value)
    case object([String: (Arguments) throws -> Node])
    /// Objects, all of one type.
    case list([Node])
  }

  /// The arguments of one field. Asking for one of the wrong kind makes the whole query wrong.
  private struct Arguments {
    private let values: ValueMap

    init(_ values: [(String, Value)]) { self.values = ValueMap(values) }

    func text(_ name: String) throws -> String? {
      switch values[name] {
      case nil, .null?: return nil
      case .string(let text)?: return text
      case let value?: throw Raised("\(name) is \(JSONText.print(value)), and must be a string in quotes")
      }
    }

    func id(_ name: String) throws -> String {
      switch values[name] {
      case .string(let text)?: return text
      case .int(let number)?: return String(number)
      default: throw Raised("\(name) is missing, or is no id")
      }
    }

    func number(_ name: String, _ standard: Int) throws -> Int {
      switch values[name] {
      case nil, .null?: return standard
      case .int(let number)?: return Int(number)
      case let value?: throw Raised("\(name) is \(JSONText.print(value)), and must be a whole number")
      }
    }

    func isOn(_ name: String) throws -> Bool {
      switch values[name] {
      case nil, .null?: return false
      case .bool(let isOn)?: return isOn
      case let value?: throw Raised("\(name) is \(JSONText.print(value)), and must be true or false")
      }
    }

    /// A word of a list of words; words come marked, so that they are told from strings.
    func word(_ name: String, of words: [String]) throws -> String? {
      switch values[name] {
      case nil, .null?: return nil
      case .suppressed(.string(let word))? where words.contains(word): return word
      // A variable has no other way to spell a word.
      case .string(let word)? where words.contains(word): return word
      case let value?:
        throw Raised("\(name) is \(value.text), and must be one of \(words.joined(separator: ", "))")
      }
    }
  }

  /// A field that could not be answered; the others are.
  private struct FieldFailure: Error { var message: String }

  private let context: Context
  private let document: GraphQLDocument
  private var variables: [String: Value]
  private var errors: [Value] = []

  /// Answers one query: `{data}`, or `{errors}` when it cannot be read; both when a part of it failed.
  static func answer(_ query: String, variables: ValueMap = ValueMap(), operation: String? = nil, _ context: Context)
    -> Value
  {
    do {
      let document = try GraphQLDocument(query)
      let wanted =
        operation.map { name in document.operations.filter { $0.name == name } } ?? document.operations
      guard wanted.count == 1, let operation = wanted.first else {
        throw Raised("one query was expected, and there are \(wanted.count); name the one that is meant")
      }
      var known: [String: Value] = [:]
      var runner = GraphQL(context: context, document: document, variables: [:])
      for (name, standard) in operation.defaults {
        known[name] = try variables[name] ?? standard.map { try runner.resolve($0) } ?? .null
      }
      runner.variables = known
      let data = try runner.fields(of: .object(runner.questions()), operation.selections, "Query", depth: 0)
      return runner.errors.isEmpty ? ["data": data] : ["data": data, "errors": .list(runner.errors)]
    } catch {
      return ["errors": [["message": .string("\(error)")]]]
    }
  }

  private init(context: Context, document: GraphQLDocument, variables: [String: Value]) {
    self.context = context
    self.document = document
    self.variables = variables
  }

  // MARK: Execution

  private func resolve(_ literal: GraphQLDocument.Literal) throws -> Value {
    switch literal {
    case .value(let value): return value
    case .word(let word): return .suppressed(.string(word))
    case .variable(let name):
      guard let value = variables[name] else { throw Raised("there is no variable $\(name)") }
      return value
    case .list(let items): return .list(try items.map(resolve))
    case .map(let members): return .map(ValueMap(try members.map { ($0.0, try resolve($0.1)) }))
    }
  }

  private func isIncluded(_ directives: [(name: String, arguments: [(name: String, value: GraphQLDocument.Literal)])])
    throws -> Bool
  {
    for directive in directives {
      guard directive.name == "include" || directive.name == "skip" else {
        throw Raised("there is no directive @\(directive.name)")
      }
      guard let condition = directive.arguments.first(where: { $0.name == "if" }) else {
        throw Raised("@\(directive.name) needs an if")
      }
      if try resolve(condition.value) == .bool(directive.name == "skip") { return false }
    }
    return true
  }

  /// The selected fields of something, in their order; a field that fails is null, and its error is kept.
  private mutating func fields(
    of node: Node, _ selections: [GraphQLDocument.Selection], _ type: String, depth: Int
  ) throws -> Value {
    guard depth < 3 * GraphQLDocument.maximumDepth else { throw Raised("fragments inside each other without an end") }
    switch node {
    case .leaf(let value):
      guard selections.isEmpty || value == .null else { throw Raised("\(type) has no fields") }
      return value
    case .list(let nodes):
      guard !selections.isEmpty else { throw Raised("\(type) needs a selection of its fields") }
      return .list(try nodes.map { try fields(of: $0, selections, type, depth: depth + 1) })
    case .object(let members):
      guard !selections.isEmpty else { throw Raised("\(type) needs a selection of its fields") }
      var result = ValueMap()
      for selection in selections {
        switch selection {
        case .field(let field):
          guard try isIncluded(field.directives) else { continue }
          if field.name == "__typename" {
            result[field.alias] = .string(type)
            continue
          }
          guard let member = members[field.name] else {
            throw Raised("\(type) has no field \(field.name); it has \(members.keys.sorted().joined(separator: ", "))")
          }
          try context.allowance.chargeCommand()
          let arguments = Arguments(try field.arguments.map { ($0.name, try resolve($0.value)) })
          let inner: Node
          do {
            inner = try member(arguments)
          } catch let failure as FieldFailure {
            errors.append(["message": .string(failure.message), "path": [.string(field.alias)]])
            result[field.alias] = .null
            continue
          }
          result[field.alias] = try fields(of: inner, field.selections, field.name, depth: depth + 1)
        case .spread(let name, let directives):
          guard try isIncluded(directives) else { continue }
          guard let inner = document.fragments[name] else { throw Raised("there is no fragment \(name)") }
          for member in try fields(of: node, inner, type, depth: depth + 1).members ?? ValueMap() {
            result[member.key] = member.value
          }
        case .inline(let inner, let directives):
          guard try isIncluded(directives) else { continue }
          for member in try fields(of: node, inner, type, depth: depth + 1).members ?? ValueMap() {
            result[member.key] = member.value
          }
        }
      }
      return .map(result)
    }
  }

  // MARK: What can be asked

  private var engine: Yetibot { context.engine }

  /// An object whose fields are values that are known already.
  private func object(_ members: [(String, Value)]) -> Node {
    .object(Dictionary(members.map { member in (member.0, { _ in .leaf(member.1) }) }, uniquingKeysWith: { $1 }))
  }

  private func rows(_ table: String, _ columns: [String]) -> Node {
    .list(
      engine.rows[table].map { row in
        object([("id", .int(row.id))] + columns.map { ($0, row.columns[$0] ?? .null) })
      })
  }

  private func questions() -> [String: (Arguments) throws -> Node] {
    [
      "eval": { arguments in
        guard let text = try arguments.text("expr") else { throw Raised("expr is missing") }
        return .leaf(.strings(try evaluate(text)))
      },
      "adapters": { _ in
        .list(
          engine.adapters.map { adapter in
            object([
              ("uuid", .string(adapter.instance)), ("platform", .string(adapter.platform)),
              ("is_connected", .bool(adapter.isConnected)), ("connection_latency", .null),
              ("connection_last_active_timestamp", adapter.lastActive.map(Value.int) ?? .null),
            ])
          })
      },
      "channels": { _ in
        var names: [String] = []
        for room in engine.rooms where !names.contains(room.room) { names.append(room.room) }
        return .list(names.map { object([("name", .string($0))]) })
      },
      "history": { try history($0) },
      "history_item": { arguments in
        let id = Int64(try arguments.id("id")) ?? 0
        let query = HistoryQuery([.notPrivate, .id(id)], limit: 1)
        return try engine.lines(query, context.allowance).first.map { object($0) } ?? .leaf(.null)
      },
      "users": { _ in .list(engine.people.all(in: nil).map { object($0) }) },
      "user": { arguments in
        let id = try arguments.id("id")
        return engine.people.all(in: nil).first { $0.id == id }.map { object($0) } ?? .leaf(.null)
      },
      "stats": { .object(try stats($0)) },
      "aliases": { _ in rows("alias", ["user_id", "cmd_name", "cmd", "created_at"]) },
      "observers": { _ in
        rows(
          "observer",
          ["user_id", "pattern", "user_pattern", "channel_pattern", "event_type", "cmd", "created_at"])
      },
      "crons": { _ in
        rows("cron", ["chat_source_adapter", "chat_source_room", "user_id", "schedule", "cmd", "created_at"])
      },
      "karmas": { arguments in
        let giver = try arguments.word("report", of: ["SCORES", "GIVERS"]) == "GIVERS"
        let limit = Yetibot.karmaLimit(try arguments.number("limit", 10), standard: 10)
        return .list(
          engine.karmaLeaders(byGiver: giver, limit: limit).map { leader in
            object([("user_id", .string(leader.id)), ("score", .int(leader.score))])
          })
      },
    ]
  }

  /// Always a list of texts; an error is one of them.
  private func evaluate(_ text: String) throws -> [String] {
    do {
      let evaluation = try engine.evaluateText(text, context)
      if let error = evaluation.error { return [error] }
      return (evaluation.value.items ?? [evaluation.value]).map { engine.shown($0).text }
    } catch let raised as Raised where raised.isLimit {
      throw raised
    } catch { throw FieldFailure(message: "\(error)") }
  }

  private func object(_ person: ChatPerson) -> Node {
    .object([
      "id": { _ in .leaf(.string(person.id)) }, "username": { _ in .leaf(.string(person.name)) },
      "name": { _ in .leaf(.string(person.name)) }, "is_active": { _ in .leaf(true) },
      "last_active": { _ in .leaf(person.lastActive.map(Value.int) ?? .null) },
      "karma": { _ in
        .leaf(
          .int(
            engine.rows["karma"].reduce(0) { sum, row in
              row["user_id"] == person.id ? sum + (row.columns["points"]?.integer ?? 0) : sum
            }))
      },
    ])
  }

  private func object(_ line: HistoryEntry) -> Node {
    object((line.record.members ?? ValueMap()).map { ($0.key, $0.value) })
  }

  private static let longestPage = 500

  private func history(_ arguments: Arguments) throws -> Node {
    var query = HistoryQuery([.notPrivate], order: .newestFirst)
    func list(_ name: String) throws -> [String]? {
      guard let text = try arguments.text(name), !text.isEmpty else { return nil }
      return text.split(separator: ",").map { String($0).trimmed }
    }
    query.limit = min(max(try arguments.number("limit", 20), 0), Self.longestPage)
    query.offset = max(try arguments.number("offset", 0), 0)
    if let adapter = try arguments.text("chat_source_adapter") { query.conditions.append(.instance(adapter)) }
    if let room = try arguments.text("chat_source_room") { query.conditions.append(.room(room)) }
    if try arguments.isOn("commands_only") { query.conditions.append(.command) }
    if try arguments.isOn("yetibot_only") { query.conditions.append(.byBot) }
    if let names = try list("user_filter") { query.conditions.append(.userNames(names)) }
    if let rooms = try list("channel_filter") { query.conditions.append(.rooms(rooms)) }
    if let search = try arguments.text("search_query") {
      let words = search.split { $0.isWhitespace }.map(String.init)
      if !words.isEmpty { query.conditions.append(.hasWords(words)) }
    }
    return .list(try engine.lines(query, context.allowance).map { object($0) })
  }

  /// Each is counted when it is asked for.
  private func stats(_ arguments: Arguments) throws -> [String: (Arguments) throws -> Node] {
    let hours = try arguments.number("timezone_offset_hours", 0)
    guard (-14...14).contains(hours) else {
      throw Raised("timezone_offset_hours is \(hours), and must be from -14 to 14")
    }
    let now = engine.now()
    let offset = Int64(hours) * 3_600_000
    let today = now - (now + offset) % 86_400_000
    func count(_ conditions: HistoryQuery.Condition...) throws -> Node {
      .leaf(.int(Int64(try engine.count(HistoryQuery(conditions), context.allowance))))
    }
    func rowCount(_ table: String) -> Node { .leaf(.int(Int64(engine.rows[table].count))) }
    return [
      "uptime": { _ in .leaf(.string(TimeSpan.text(max(now - engine.startedAt, 0)))) },
      "adapter_count": { _ in .leaf(.int(Int64(engine.adapters.count))) },
      "user_count": { _ in .leaf(.int(Int64(engine.people.all(in: nil).count))) },
      "history_count": { _ in try count() },
      "history_count_today": { _ in try count(.since(today)) },
      "command_count": { _ in try count(.command) },
      "command_count_today": { _ in try count(.command, .since(today)) },
      "alias_count": { _ in rowCount("alias") },
      "observer_count": { _ in rowCount("observer") },
      "cron_count": { _ in rowCount("cron") },
    ]
  }
}
