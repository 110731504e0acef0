/// What was said: history, that, and running the latest command again.
extension Yetibot {
  func registerHistory() {
    let util: Set = ["util"]
    define(
      ["history"],
      [
        Self.on(
          nil,
          """
          history [-h] [-y] [-e] [-n] [-o] [-a] [-c <rooms>] [-u <users>] [-m <command>] [-s <date>] [-v <date>] # what was said; one \
          head, tail, count, grep or random that follows works on all of it
          """, util
        ) { try $0.engine.showHistory($0) }
      ])
    define(
      ["that"],
      [
        Self.on(#"^\s*cmd\s*$"#, "that cmd # the latest command", util) { try Self.that($0, isCommand: true) },
        Self.on(#"^\s*$"#, "that # the latest line that is no command", util) { try Self.that($0, isCommand: false) },
      ])
    // `!!` is what people type, so that is what they write in back-ticks too.
    define(
      configuration.quirks.contains(.originalCommands) ? ["!"] : Self.again,
      [Self.on(nil, "! # runs your latest command again", util) { try $0.engine.runAgain($0) }])
  }

  private static let again = ["!", "!!"]

  // MARK: Keeping

  /// Remembers a line of the chat; the bot's own when nobody is named. A line that cannot be kept is reported, and nothing else fails.
  func remember(
    _ body: String, _ person: ChatPerson?, _ place: ChatPlace, isCommand: Bool, isError: Bool = false,
    command: String = "", correlationID: String
  ) {
    guard configuration.recordsHistory else { return }
    var entry = HistoryEntry(
      String(body.prefix(HistoryEntry.longestBody)), by: person, in: place, isCommand: isCommand,
      correlationID: correlationID, createdAt: now())
    entry.isError = isError
    entry.command = String(command.prefix(HistoryEntry.longestBody))
    do { try history.append(entry) } catch { onStorageFailure?(error) }
  }

  /// Whether the person's line of a message that comes again is remembered already.
  func isRemembered(_ correlationID: String, _ event: ChatEvent, _ allowance: Allowance) -> Bool {
    // What comes again is young.
    let since = (event.time ?? now()) - Self.longestRepeat
    let query = HistoryQuery(
      [.instance(event.place.instance), .since(since), .notByBot, .correlated(correlationID)], limit: 1)
    return (try? lines(query, allowance).isEmpty) == false
  }

  private static let longestRepeat: Int64 = 86_400_000

  // MARK: Asking

  /// The lines of a query, charged to whoever asks.
  func lines(_ query: HistoryQuery, _ allowance: Allowance) throws -> [HistoryEntry] {
    try charged(allowance) { limits in try history.lines(query, &limits) }
  }

  func count(_ query: HistoryQuery, _ allowance: Allowance) throws -> Int {
    try charged(allowance) { limits in try history.count(query, &limits) }
  }

  private func charged<Result>(_ allowance: Allowance, _ body: (inout HistoryLimits) throws -> Result) throws -> Result
  {
    var limits = HistoryLimits(patternSteps: allowance.patternSteps, isTimeUp: { allowance.isTimeUp })
    let result = try body(&limits)
    allowance.patternSteps = limits.patternSteps
    try allowance.checkPatterns()
    return result
  }

  private static func that(_ call: Invocation, isCommand: Bool) throws -> Outcome {
    let query = HistoryQuery(
      call.engine.earlierLines(of: call) + [isCommand ? .command : .noCommand], order: .newestFirst, limit: 1)
    guard let line = try call.engine.lines(query, call.context.allowance).first else {
      return .record(.init(.null, data: .null))
    }
    return .record(.init(.string(line.body), data: line.record))
  }

  /// What people said in the room before the message that asks.
  private func earlierLines(of call: Invocation) -> [HistoryQuery.Condition] {
    [.instance(call.place.instance), .room(call.place.room), .notByBot]
      + (call.context.correlationID.map { [.notCorrelated($0)] } ?? [])
  }

  private static let longestLookBack = 20

  private func runAgain(_ call: Invocation) throws -> Outcome {
    let prefix = configuration.prefix
    var conditions = earlierLines(of: call) + [.command, .noCommandBeginning("\(prefix)\(prefix)")]
    if !configuration.quirks.contains(.sharedBang), let person = call.person { conditions.append(.userID(person.id)) }
    let query = HistoryQuery(conditions, order: .newestFirst, limit: Self.longestLookBack)
    var found: [Expression]?
    for line in try lines(query, call.context.allowance) {
      // A command that was embedded in talk runs again as it did then.
      let expressions =
        if let text = Self.extractCommand(line.body, prefix: prefix) {
          [try parser.parse(text)]
        } else {
          embeddedExpressions(in: line.body)
        }
      // One that ran an earlier one again is passed over.
      guard expressions.allSatisfy({ Set($0.commandWords).isDisjoint(with: Self.again) }) else { continue }
      found = expressions
      break
    }
    guard let expressions = found else {
      return .failure("\(call.person?.name ?? "nobody") has run no command yet")
    }
    return try call.context.running("!") {
      var outcomes: [Value] = []
      for expression in expressions {
        let evaluation = try evaluate(expression, call.context)
        outcomes.append(evaluation.error.map(Value.string) ?? evaluation.value)
      }
      return .plain(outcomes.count == 1 ? outcomes[0] : .list(outcomes))
    }
  }

  private func showHistory(_ call: Invocation) throws -> Outcome {
    let allowance = call.context.allowance
    var query = try HistoryQuery(
      options: call.args, in: call.place, prefix: configuration.prefix, now: now(),
      isOriginal: call.quirks.contains(.originalCommands))
    let isOne: Bool
    if let next = call.nextCommands?.first, try query.takeOver(next) {
      call.skip.count = 1
      isOne = query.limit == 1
      if query.limit == nil { query.limit = allowance.limits.rangeItems }
    } else {
      query.limit = allowance.limits.historyRows
      isOne = false
    }
    if query.selection == .count { return .text(String(try count(query, allowance))) }
    if query.order == .random {
      let total = try count(query, allowance)
      query.order = .oldestFirst
      query.offset = total > 0 ? Int.random(in: 0..<total, using: &random) : 0
    }
    let lines = try lines(query, allowance)
    let texts = lines.map { Value.string(historyLine($0)) }
    if isOne { return .record(.init(texts.first ?? .null, data: lines.first?.record ?? .null)) }
    return .record(.init(.list(texts), data: .list(lines.map(\.record))))
  }

  /// `<user> in <room> at <time>: <body>`.
  public func historyLine(_ line: HistoryEntry) -> String {
    "\(line.userName) in \(line.room) at \(time(line.createdAt)): \(line.body)"
  }
}
