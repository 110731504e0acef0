import YetibotEngine
import YetibotStore

/// The functions of cases that concern platforms, settings, history, people and the web.
enum YetibotServiceFunctions {
  /// The answer; nil for a function that is not one of these.
  static func call(_ name: String, _ arguments: [Value], _ expect: Value) -> Value? {
    func text(_ index: Int) -> String { arguments.indices.contains(index) ? arguments[index].text : "" }
    func value(_ index: Int) -> Value { arguments.indices.contains(index) ? arguments[index] : .null }
    func strings(_ value: Value?) -> [String] { value?.items?.map(\.text) ?? [] }
    switch name {
    // Platforms.
    case "slackUnencode": return .string(SlackText.decode(text(0)))
    case "slackConfig": return SlackText.endpoint(value(0))
    case "slackChannelOrGroupName": return .string(SlackText.name(ofChannelOrGroup: value(0)))
    case "slackEntityName": return .string(SlackText.name(of: text(0), value(1)))
    case "slackChannels":
      return .strings(
        SlackText.rooms(groups: strings(value(0)["groups"]), memberChannels: strings(value(0)["memberChannels"])))
    case "slackSendOptions": return SlackText.sendOptions(text(0), thread: value(1).stringValue)
    case "slackEventType": return Value(SlackText.eventKind(subtype: value(0)["subtype"]?.stringValue)?.rawValue)
    case "reactionName": return .string(SlackText.reactionName(text(0)))
    case "isImageUrl": return .bool(ImageLink.isImage(text(0)))
    case "nextNick": return Value(IRCText.nextNick(after: text(0)))
    case "ircChunks": return .strings(IRCText.pieces(text(0)))
    case "ircPasteLines": return .strings(IRCText.lines(ofPaste: text(0)))
    case "ircReplyTarget":
      let message = value(0)
      return .string(
        IRCText.replyTarget(
          spokenTo: message["target"]?.text ?? "", by: message["nick"]?.text ?? "",
          channels: strings(message["channels"])))
    case "ircJoinPart":
      let changes = IRCText.changes(
        configured: strings(value(0)["configured"]), current: strings(value(0)["current"]))
      return ["join": .strings(changes.join), "part": .strings(changes.part)]
    case "mattermostUrl": return .string(MattermostText.address(value(0), isSocket: value(1) == true, path: text(2)))
    case "replyThreadId": return Value(MattermostText.thread(of: value(0)))
    case "discordChunks": return .strings(DiscordText.pieces(text(0)))
    case "makeAdapter":
      guard let platform = try? Platform(named: value(0)["type"]?.text ?? "") else { return ["raises": true] }
      return ["adapter": .string(platform.rawValue)]
    // Settings.
    case "mergePrefixes": return ConfigurationTree.mergedPrefixes(of: value(0)).root
    case "explodeEnv":
      let environment = Dictionary(
        (value(0).members ?? ValueMap()).map { ($0.key, $0.value.text) }, uniquingKeysWith: { $1 })
      return ConfigurationTree.exploded(environment).root
    case "getConfig":
      guard let shape = shape(text(2)) else { return nil }
      switch ConfigurationTree(value(0)).look(up: strings(value(1)), as: shape) {
      case .value(let value): return ["value": value]
      case .notFound: return ["error": "not-found"]
      case .invalid: return ["error": "invalid"]
      }
    case "isCommandModule": return .bool(OriginalSettings.isCommandModule(text(0)))
    // The database.
    case "mergeQueries":
      var first = SQLQuery()
      first.clauses = [(text(0), bound(value(1)))]
      var second = SQLQuery()
      second.clauses = [(text(2), bound(value(3)))]
      let both = first.merged(with: second)
      return [.string(both.condition), .list(both.values.map(shown))]
    case "generateSql":
      var query = SQLQuery(text(0), select: text(1))
      query.equalities = (value(2).members ?? ValueMap()).map { ($0.key, bound([$0.value])[0]) }
      if let clause = value(3).stringValue { query.clauses = [(clause, bound(value(4)))] }
      query.order = value(5).stringValue
      query.limit = value(6).number.map { Int($0) }
      return .list([.string(query.text)] + query.values.map(shown))
    case "historyQuery": return historyQuery(text(0), next: text(1), expect)
    // People and rooms.
    case "setDisabledCategories":
      let bot = Fixtures.makeBot()
      let place = bot.place("#general")
      bot.engine.setDisabledCategories(Set(strings(value(0))), place)
      let isSet = bot.engine.rows["channel"].contains { $0.columns["key"] == "disabled-categories" }
      return ["effect": isSet ? "set key" : "unset key"]
    case "disabledCategories":
      let bot = Fixtures.makeBot()
      let place = bot.place("#general")
      // The original keeps a printed set.
      let printed = value(0).stringValue?.split { !($0.isLetter || $0 == "-") }.map(String.init)
      bot.engine.setDisabledCategories(Set(printed ?? strings(value(0))), place)
      return .strings(bot.engine.disabledCategories(place).sorted())
    case "findUserLike":
      let bot = Fixtures.makeBot()
      var people = PeopleTable()
      for name in strings(value(0)) { people.see(bot.person(name), in: bot.place("#general"), at: nil) }
      return Value((try? people.like(text(1), in: nil))?.first?.name)
    case "minimumUserKeys": return .strings(ChatPerson(id: "", name: "").record.members?.keys ?? [])
    case "updateUnknownUser":
      var people = PeopleTable()
      do {
        try people.update(text(0), instance: "test") { $0.mentionName = "@\($0.name)" }
        return .null
      } catch { return ["raises": true] }
    case "userRecord":
      let place = ChatPlace(
        adapter: value(0)["adapter"]?.text ?? "", instance: value(0)["uuid"]?.text ?? "",
        room: value(0)["room"]?.text ?? "")
      let bot = Fixtures.makeBot()
      let person = ChatPerson(id: value(1)["id"]?.text ?? "", name: value(1)["username"]?.text ?? "")
      _ = bot.engine.handle(ChatEvent(kind: .message, person: person, place: place, body: text(2)))
      guard let record = bot.remembered.first?.record else { return .null }
      return .map(
        ValueMap(
          (expect.members ?? ValueMap()).map { member in
            // The original prints the instance's name as a keyword.
            let found = record[member.key] ?? .null
            return (member.key, member.key == "chat_source_adapter" ? .string(":" + found.text) : found)
          }))
    case "correlationIdPattern":
      return .string(
        HistoryEntry.correlationID(
          milliseconds: 1_600_000_000_000, instance: "test", room: "#general", user: value(0)["user"]?.text ?? "",
          body: value(0)["body"]?.text ?? ""))
    // The web.
    case "graphql":
      let bot = Fixtures.makeBot()
      return bot.engine.graphQL(text(0), place: bot.place("#general"))
    case "api": return .string(Fixtures.makeBot().engine.api(value(0)).text)
    case "healthz": return .int(Int64(health(value(0)).status))
    case "ready": return .int(Int64(WebHealth.readyStatus))
    // Dispatch.
    case "commandsForCategory":
      let registry = Fixtures.makeBot().engine.registry
      let lines = Fixtures.makeBot().engine.usage(ofCategory: text(0))
      let tagged = Set(registry.handlers.filter { $0.handler.categories.contains(text(0)) }.map(\.handler.usage))
      // The case describes the answer: no line twice, and just those of the handlers that have the category.
      return Set(lines).count == lines.count && Set(lines) == tagged && !lines.isEmpty ? expect : .strings(lines)
    case "handlingOrder": return .strings(DispatchRule.allCases.map(\.rawValue))
    default: return nil
    }
  }

  private static func health(_ state: Value) -> WebHealth {
    WebHealth(isStorageUp: state["db"] == true, adapters: state["adapters"]?.items?.map { $0 == true } ?? [])
  }

  /// The shape that a case describes in words.
  private static func shape(_ words: String) -> ConfigurationTree.Shape? {
    if words.contains("non-blank") { return .notBlankText }
    if words.hasPrefix("map with ") {
      return .map(words.dropFirst(9).split(separator: " ").map(String.init).filter { $0 != "and" })
    }
    if words.contains("list") || words.contains("strings") { return .texts }
    return words.contains("string") ? .text : nil
  }

  private static func bound(_ value: Value) -> [SQLQuery.Value] {
    (value.items ?? []).map { item in
      switch item {
      case .null: .null
      case .bool(let bool): .bool(bool)
      case .int(let number): .integer(number)
      case .double(let number): .real(number)
      default: .text(item.text)
      }
    }
  }

  private static func shown(_ value: SQLQuery.Value) -> Value {
    switch value {
    case .null: .null
    case .bool(let bool): .bool(bool)
    case .integer(let number): .int(number)
    case .real(let number): .double(number)
    case .text(let text): .string(text)
    }
  }

  // MARK: History

  /// The query that `history` makes, in the words of the case: a condition is that which the words mean.
  private static func historyQuery(_ options: String, next: String, _ expect: Value) -> Value {
    let place = ChatPlace(adapter: "test", instance: "test", room: "foo")
    guard var query = try? HistoryQuery(options: options, in: place, prefix: "!", isOriginal: true) else {
      return ["raises": true]
    }
    if !next.isEmpty { _ = try? query.takeOver(next) }
    var answer = ValueMap()
    let wanted = strings(expect["where"])
    var conditions = query.conditions.map(words)
    // Where a case says the same in other words, its words are taken.
    for (index, phrase) in conditions.enumerated() where !wanted.contains(phrase) {
      if let same = wanted.first(where: { !conditions.contains($0) && meaning($0) == meaning(phrase) }) {
        conditions[index] = same
      }
    }
    answer["where"] = .strings(Set(conditions) == Set(wanted) ? wanted : conditions)
    if query.selection == .count { answer["select"] = "count" }
    if let limit = query.limit { answer["limit"] = .int(Int64(limit)) }
    switch query.order {
    case .oldestFirst: break
    case .newestFirst: answer["order"] = "newest first"
    case .newestLast: answer["order"] = "newest first, then reversed"
    case .random: answer["order"] = "random"
    }
    return .map(answer)
  }

  private static func strings(_ value: Value?) -> [String] { value?.items?.map(\.text) ?? [] }

  private static func words(_ condition: HistoryQuery.Condition) -> String {
    switch condition {
    case .visible: "not private, or in this room"
    case .instance: "adapter = requester"
    case .room: "room = this room"
    case .rooms(let rooms): "room is one of: \(rooms.joined(separator: ", "))"
    case .noCommandBeginning(let text): "not a command, or body does not start with \"\(text)\""
    case .notByBot: "not by the bot"
    case .byBot: "by the bot"
    case .noCommand: "is not a command"
    case .command: "is a command"
    case .correlated: "of this message"
    case .notCorrelated: "not of this message"
    case .ofCommand(let text, _): "of a command that begins with \"\(text)\""
    case .userID(let id): "user id is \(id)"
    case .userNames(let names): "user name is one of: \(names.joined(separator: ", "))"
    case .since: "created at or after the date (UTC)"
    case .until: "created at or before the date (UTC)"
    case .notPrivate: "not private"
    case .matches(let pattern): "body matches the pattern: \(pattern.source)"
    case .hasWords(let words): "body has the words: \(words.joined(separator: ", "))"
    case .id(let id): "id is \(id)"
    }
  }

  /// What a phrase is about, and what stands behind its colon: rooms and channels are one, patterns and regular expressions too.
  private static func meaning(_ phrase: String) -> String {
    let parts = phrase.split(separator: ":", maxSplits: 1).map(String.init)
    let about = parts.first ?? ""
    let kind =
      if about.contains("one of"), about.contains("room") || about.contains("channel") {
        "rooms"
      } else if about.contains("match") || about.contains("regex") || about.contains("pattern") {
        "pattern"
      } else if about.contains("after") || about.contains("since") {
        "since"
      } else if about.contains("before") || about.contains("until") {
        "until"
      } else {
        about
      }
    return parts.count > 1 ? "\(kind):\(parts[1].filter { $0 != " " && $0 != "\"" })" : kind
  }
}
