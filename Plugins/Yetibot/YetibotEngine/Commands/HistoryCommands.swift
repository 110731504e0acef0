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
          history [-h] [-y] [-e] [-n] [-a] [-c <rooms>] [-u <users>] [-s <date>] [-v <date>] # what was said; one head, tail, count, \
          grep or random that follows works on all of it
          """, util
        ) { try $0.engine.history($0) }
      ])
    define(
      ["that"],
      [
        Self.on(#"^\s*cmd\s*$"#, "that cmd # the latest command", util) { Self.that($0, isCommand: true) },
        Self.on(#"^\s*$"#, "that # the latest line that is no command", util) { Self.that($0, isCommand: false) },
      ])
    define(
      ["!"],
      [
        Self.on(nil, "! # runs your latest command again", util) { call in
          let engine = call.engine
          let prefix = String(engine.configuration.prefix)
          let latest = engine.roomRows(call.place).last {
            $0["is_command"] == "true" && $0["user_id"] == call.person?.id && !$0["body"].hasPrefix(prefix + "!")
          }
          guard let body = latest?["body"], let text = Self.extractCommand(body, prefix: engine.configuration.prefix) else {
            return .failure("\(call.person?.name ?? "nobody") has run no command yet")
          }
          guard call.context.runningAliases.count < 24 else { throw Raised("a command that repeats itself", isLimit: true) }
          let evaluation = try engine.evaluateText(text, call.context)
          return .plain(evaluation.error.map(Value.string) ?? evaluation.value)
        }
      ])
  }

  /// The columns of a line of the chat; the bot's own when nobody is named.
  func record(
    _ body: String, _ person: ChatPerson?, _ place: ChatPlace, isCommand: Bool, isError: Bool, command: String?
  ) {
    guard configuration.recordsHistory else { return }
    rows.insert(
      "history",
      ValueMap([
        ("chat_source_adapter", .string(place.instance)), ("chat_source_room", .string(place.room)),
        ("user_id", .string(person?.id ?? "yetibot")), ("user_name", .string(person?.name ?? "yetibot")),
        ("command", .string(command ?? "")), ("body", .string(String(body.prefix(4096)))),
        ("is_yetibot", .bool(person == nil)), ("is_private", .bool(place.isPrivate)), ("is_error", .bool(isError)),
        ("is_command", .bool(isCommand)), ("created_at", .int(now())),
      ]))
  }

  private func roomRows(_ place: ChatPlace) -> [Rows.Row] {
    rows["history"].filter { $0["chat_source_adapter"] == place.instance && $0["chat_source_room"] == place.room }
  }

  private static func that(_ call: Invocation, isCommand: Bool) -> Outcome {
    var found = call.engine.roomRows(call.place).filter {
      $0["is_yetibot"] == "false" && $0["is_command"] == (isCommand ? "true" : "false")
    }
    // The latest command is the one that asks.
    if isCommand, !found.isEmpty { found.removeLast() }
    guard let row = found.last else { return .record(.init(.null)) }
    return .record(.init(.string(row["body"]), data: .map(row.columns)))
  }

  static let historyOptions: [OptionReader.Option] = [
    .init(short: "h", long: "include-history-commands", hasValue: false),
    .init(short: "y", long: "exclude-yetibot", hasValue: false),
    .init(short: "e", long: "exclude-commands", hasValue: false),
    .init(short: "n", long: "exclude-non-commands", hasValue: false),
    .init(short: "a", long: "include-all-channels", hasValue: false),
    .init(short: "c", long: "channels", hasValue: true), .init(short: "u", long: "user", hasValue: true),
    .init(short: "s", long: "since", hasValue: true), .init(short: "v", long: "until", hasValue: true),
  ]

  /// The options of `history` by their long names, and whether something was wrong.
  public static func parseHistoryOptions(_ text: String) -> (options: ValueMap, hasErrors: Bool) {
    let reader = OptionReader(text, historyOptions)
    var options = ValueMap()
    for (name, value) in reader.values { options[name] = value.map(Value.string) ?? true }
    return (options, !reader.bad.isEmpty)
  }

  private func history(_ call: Invocation) throws -> Outcome {
    let reader = OptionReader(call.args, Self.historyOptions)
    guard reader.bad.isEmpty else {
      let known = Self.historyOptions.map { "-\($0.short) --\($0.long)" }.joined(separator: "\n")
      return .failure("there is no option \(reader.bad.joined(separator: " ")); there are\n\(known)")
    }
    var earliest = Int64.min
    var latest = Int64.max
    for (name, value) in reader.values where name == "since" || name == "until" {
      guard let time = CivilTime.parse(value ?? "") else {
        return .failure("\(value ?? "") is no date: YYYY-MM-DD or YYYY-MM-DDThh:mm is expected")
      }
      if name == "since" { earliest = time } else { latest = time }
    }
    let rooms = reader.value("channels")?.split(separator: ",").map(String.init)
    let users = reader.value("user")?.split(separator: ",").map(String.init)
    let historyCommand = "\(configuration.prefix)history"
    var found = rows["history"].filter { row in
      guard row["chat_source_adapter"] == call.place.instance else { return false }
      let room = row["chat_source_room"]
      if row["is_private"] == "true", room != call.place.room { return false }
      if let rooms { if !rooms.contains(room) { return false } } else if !reader.has("include-all-channels") {
        if room != call.place.room { return false }
      }
      let isCommand = row["is_command"] == "true"
      if reader.has("exclude-commands") {
        if isCommand { return false }
      } else if !reader.has("include-history-commands"), isCommand, row["body"].hasPrefix(historyCommand) {
        return false
      }
      if reader.has("exclude-non-commands"), !isCommand { return false }
      if reader.has("exclude-yetibot"), row["is_yetibot"] == "true" { return false }
      if let users, !users.contains(row["user_name"]) { return false }
      let time = row.columns["created_at"]?.integer ?? 0
      return time >= earliest && time <= latest
    }
    try call.context.allowance.checkTime()
    if let next = call.nextCommands?.first {
      let (word, args) = Self.splitCommand(next.trimmed)
      let count = Int(args.trimmed) ?? (args.trimmed.isEmpty ? 1 : nil)
      switch (word, count) {
      case ("count", _):
        call.skip.count = 1
        return .text(String(found.count))
      case ("head", let count?) where count > 0:
        call.skip.count = 1
        return rowsShown(Array(found.prefix(count)), isOne: count == 1)
      case ("tail", let count?) where count > 0:
        call.skip.count = 1
        return rowsShown(Array(found.suffix(count)), isOne: count == 1)
      case ("random", _):
        call.skip.count = 1
        return rowsShown(found.randomElement(using: &random).map { [$0] } ?? [], isOne: true)
      case ("grep", _) where !args.hasPrefix("-") && !args.isEmpty:
        call.skip.count = 1
        let pattern = try Pattern(args)
        found = try found.filter { try PatternSearch.occurs(pattern, in: $0["body"], call.context.allowance) }
        return rowsShown(found, isOne: false)
      default: break
      }
    }
    return rowsShown(Array(found.prefix(call.context.allowance.limits.historyRows)), isOne: false)
  }

  private func rowsShown(_ rows: [Rows.Row], isOne: Bool) -> Outcome {
    let lines = rows.map {
      Value.string(
        "\($0["user_name"]) in \($0["chat_source_room"]) at \(time($0.columns["created_at"]?.integer ?? 0)): \($0["body"])")
    }
    let data = rows.map { Value.map($0.columns) }
    if isOne { return .record(.init(lines.first ?? .null, data: data.first ?? .null)) }
    return .record(.init(.list(lines), data: .list(data)))
  }
}
