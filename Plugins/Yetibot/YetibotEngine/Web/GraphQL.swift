/// Answers GraphQL queries about the bot, and runs expressions for them; see ``GraphQLSchema``.
struct GraphQL {
  /// Something that a query can look into.
  private indirect enum Node {
    case leaf(Value)
    case object([String: (ValueMap) throws -> Node])
    /// Objects, all of one type.
    case list([Node])
  }

  private let context: Context
  private var errors: [Value] = []

  /// Answers one query: `{data}`, or `{errors}` when it is wrong; both when a part of it failed.
  static func answer(_ query: String, variables: ValueMap = ValueMap(), operation: String? = nil, _ context: Context)
    -> Value
  {
    var plan: [GraphQLPlan.Field] = []
    do throws(Raised) {
      let document = try GraphQLDocument(query)
      let wanted =
        operation.map { name in document.operations.filter { $0.name == name } } ?? document.operations
      guard wanted.count == 1, let operation = wanted.first else {
        throw Raised("one query was expected, and there are \(wanted.count); name the one that is meant")
      }
      plan = try GraphQLPlan.fields(of: operation, in: document, variables)
    } catch {
      return ["errors": [["message": .string("\(error)")]]]
    }
    var runner = GraphQL(context: context)
    do {
      let data = try runner.value(of: .object(runner.questions()), plan, GraphQLSchema.query, at: [])
      return runner.errors.isEmpty ? ["data": data] : ["data": data, "errors": .list(runner.errors)]
    } catch {
      // A limit: nothing goes on.
      return ["data": .null, "errors": .list(runner.errors + [["message": .string("\(error)")]])]
    }
  }

  private init(context: Context) { self.context = context }

  // MARK: Execution

  /// What is asked of something. A field that fails is null, and its error is kept, with the path to it.
  private mutating func value(
    of node: Node, _ fields: [GraphQLPlan.Field], _ type: String, at path: [Value]
  ) throws -> Value {
    switch node {
    case .leaf(let value): return value
    case .list(let nodes):
      var values: [Value] = []
      for (index, node) in nodes.enumerated() {
        values.append(try value(of: node, fields, type, at: path + [.int(Int64(index))]))
      }
      return .list(values)
    case .object(let members):
      var result = ValueMap()
      for field in fields {
        if field.name == "__typename" {
          result[field.key] = .string(type)
          continue
        }
        try context.allowance.chargeCommand()
        let place = path + [.string(field.key)]
        let inner: Node
        do {
          inner = try members[field.name]?(field.arguments) ?? .leaf(.null)
        } catch let raised as Raised where raised.isLimit {
          throw raised
        } catch {
          errors.append(["message": .string("\(error)"), "path": .list(place)])
          result[field.key] = .null
          continue
        }
        let innerType = GraphQLSchema.types[type]?[field.name]?.type ?? ""
        result[field.key] = try value(of: inner, field.fields, innerType, at: place)
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

  private func rows(_ table: String, where isShown: (Rows.Row) -> Bool = { _ in true }) -> Node {
    .list(
      engine.rows[table].filter(isShown).map { row in
        object((row.record.members ?? ValueMap()).map { ($0.key, $0.value) })
      })
  }

  private func questions() -> [String: (ValueMap) throws -> Node] {
    [
      "eval": { .leaf(.strings(try evaluate($0["expr"]?.text ?? ""))) },
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
        let query = HistoryQuery([.notPrivate, .id(arguments["id"]?.integer ?? 0)], limit: 1)
        return try engine.lines(query, context.allowance).first.map { object($0) } ?? .leaf(.null)
      },
      "users": { _ in .list(engine.people.all(in: nil).map { object($0) }) },
      "user": { arguments in
        let id = arguments["id"]?.text
        return engine.people.all(in: nil).first { $0.id == id }.map { object($0) } ?? .leaf(.null)
      },
      "stats": { .object(try stats($0)) },
      "aliases": { _ in rows("alias") },
      "observers": { _ in rows("observer") },
      "crons": { _ in rows("cron") { !Yetibot.isPrivate($0) } },
      "karmas": { arguments in
        let limit = Yetibot.karmaLimit(arguments["limit"]?.integer.map(Int.init), standard: 10)
        return .list(
          engine.karmaLeaders(byGiver: arguments["report"] == "GIVERS", limit: limit).map { leader in
            object([("user_id", .string(leader.id)), ("score", .int(leader.score))])
          })
      },
    ]
  }

  /// Always a list of texts; an error is one of them.
  private func evaluate(_ text: String) throws -> [String] {
    let evaluation = try engine.evaluateText(text, context)
    if let error = evaluation.error { return [error] }
    return (evaluation.value.items ?? [evaluation.value]).map { engine.shown($0).text }
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

  private static let longestPage: Int64 = 500

  private func history(_ arguments: ValueMap) throws -> Node {
    var query = HistoryQuery([.notPrivate], order: .newestFirst)
    func list(_ name: String) -> [String]? {
      guard let text = arguments[name]?.stringValue, !text.isEmpty else { return nil }
      return text.split(separator: ",").map { String($0).trimmed }
    }
    query.limit = Int(min(max(arguments["limit"]?.integer ?? 20, 0), Self.longestPage))
    query.offset = Int(max(arguments["offset"]?.integer ?? 0, 0))
    if let adapter = arguments["chat_source_adapter"]?.stringValue { query.conditions.append(.instance(adapter)) }
    if let room = arguments["chat_source_room"]?.stringValue { query.conditions.append(.room(room)) }
    if arguments["commands_only"] == true { query.conditions.append(.command) }
    if arguments["yetibot_only"] == true { query.conditions.append(.byBot) }
    if let names = list("user_filter") { query.conditions.append(.userNames(names)) }
    if let rooms = list("channel_filter") { query.conditions.append(.rooms(rooms)) }
    if let search = arguments["search_query"]?.stringValue {
      let words = search.split { $0.isWhitespace }.map(String.init)
      if !words.isEmpty { query.conditions.append(.hasWords(words)) }
    }
    return .list(try engine.lines(query, context.allowance).map { object($0) })
  }

  /// Each is counted when it is asked for.
  private func stats(_ arguments: ValueMap) throws -> [String: (ValueMap) throws -> Node] {
    let hours = arguments["timezone_offset_hours"]?.integer ?? 0
    guard (-14...14).contains(hours) else {
      throw Raised("timezone_offset_hours is \(hours), and must be from -14 to 14")
    }
    let now = engine.now()
    let offset = hours * 3_600_000
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
