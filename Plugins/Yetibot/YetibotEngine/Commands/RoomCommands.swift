/// Rooms and their settings, and what is known of the bot.
extension Yetibot {
  func registerRooms() {
    let util: Set = ["util"]
    define(
      ["channel", "room"],
      [
        Self.on(#"^\s*list\s*$"#, "channel list # the rooms that the bot is in", util) { call in
          let names = Value.strings(call.engine.roomNames(call.place))
          return .record(.init(names, data: names))
        },
        Self.on(#"^\s*settings\s+(\S+)\s*$"#, "channel settings <key> # one setting of this room", util) { call in
          let key = call.group(1) ?? ""
          guard let value = call.engine.settings(call.place)[key] else {
            return .failure("\(key) is not set in this room")
          }
          return .plain(value)
        },
        Self.on(#"^\s*settings\s*$"#, "channel settings # the settings of this room", util) {
          .plain(.map($0.engine.settings($0.place)))
        },
        Self.on(
          Self.channelSetPattern, "channel set <key> = <value> # changes a setting of this room", util
        ) { call in
          let key = call.group(1) ?? ""
          let value = call.group(2)?.trimmed ?? ""
          guard !Self.protectedSettings.contains(key) else { return .failure("\(key) cannot be changed so") }
          call.engine.setSetting(key, value, call.place)
          return .text("\(key) is \(value) now")
        },
        Self.on(#"^\s*unset\s+(\S+)\s*$"#, "channel unset <key> # takes a setting of this room back", util) { call in
          let key = call.group(1) ?? ""
          guard !Self.protectedSettings.contains(key) else { return .failure("\(key) cannot be changed so") }
          guard call.engine.setting(key, call.place) != nil else {
            return .failure("there was no \(key) in \(call.place.room)")
          }
          call.engine.setSetting(key, nil, call.place)
          return .text("\(key) is not set any more")
        },
        Self.on(#"^\s*join\s+(\S+)"#, "channel join <room> # goes into a room", util) { call in
          guard let join = call.engine.joinRoom else { return .failure("invite me, since I cannot join rooms here") }
          return .text(join(call.group(1) ?? "", call.place))
        },
        Self.on(#"^\s*leave\s+(\S+)"#, "channel leave <room> # leaves a room", util) { call in
          guard let leave = call.engine.leaveRoom else { return .failure("remove me, since I cannot leave rooms here") }
          return .text(leave(call.group(1) ?? "", call.place))
        },
      ])
    define(
      ["replyto"],
      [
        Self.on(#"(?s)^\s*(\S+)\s(.+)"#, "replyto <room> <text> # says a text in another room", ["util", "async"]) {
          call in
          let text = call.group(2) ?? ""
          try call.engine.say(
            Post(kind: text.contains("\n") ? .paste : .message, room: call.group(1) ?? "", text: text),
            call.context.allowance)
          return .plain(.suppressed(.map(ValueMap())))
        }
      ])
    define(
      ["react"],
      [
        Self.on(#"(\S+)"#, "react <emoji> # adds a reaction to the latest message", ["fun"]) { call in
          guard let react = call.engine.react, react(call.group(1) ?? "", call.place) else {
            return .failure("this chat knows no reactions")
          }
          return .plain(.suppressed(.map(ValueMap())))
        }
      ])
    define(
      ["about"],
      [
        Self.on(nil, "about # what this is", ["info"]) { _ in
          let about: Value = [
            "name": "yetibot", "what": "a pipeline of commands for chats", "host": "bothost",
            "help": "help", "language": "commands joined by ` | `",
          ]
          return .record(.init(about, data: about))
        }
      ])
    define(
      ["yeti"],
      [
        Self.on(#"^\s*self\s*$"#, "yeti self # what the bot knows of itself", ["info"]) { call in
          if call.quirks.contains(.stubs) { return .text(Quirks.stubAnswer) }
          let engine = call.engine
          let facts: Value = [
            "uptime": .string(TimeSpan.text(max(engine.now() - engine.startedAt, 0))),
            "commands": .int(Int64(engine.registry.topics.count)),
            "aliases": .int(Int64(engine.registry.aliases.count)),
            "people": .int(Int64(engine.people.all(in: nil).count)),
            "adapters": .strings(engine.adapters.map(\.instance)),
          ]
          return .record(.init(facts, data: facts))
        }
      ])
    define(
      ["uptime"],
      [
        Self.on(nil, "uptime # how long it has run", ["info"]) { call in
          let milliseconds = max(call.engine.now() - call.engine.startedAt, 0)
          return .record(.init(.string(TimeSpan.text(milliseconds)), data: .int(milliseconds)))
        }
      ])
    define(
      ["url"], [Self.on(nil, "url # the configured address", ["info"]) { .plain(Value($0.engine.configuration.url)) }])
    define(
      ["eval"],
      [
        Self.on(nil, "eval <form> # evaluates code in the process: refused to all", ["repl"]) {
          .failure("\($0.person?.name ?? "nobody") may not evaluate code")
        }
      ])
  }

  // MARK: Settings

  /// Key and value.
  public static let channelSetPattern = #"^\s*set\s+(\S+)\s+(?:=\s+)?(\S.*)$"#

  public static let protectedSettings: Set<String> = ["disabled-categories", "yetibot-channels", "is-member"]

  /// What holds where a room has no setting of its own.
  public static let defaultSettings: ValueMap = [
    ("broadcast", "false"), ("jira-project", ""), ("jenkins-default", ""), ("karma-observers-enabled", "false"),
  ].reduce(into: ValueMap()) { $0[$1.0] = .string($1.1) }

  private func settingRow(_ key: String, _ place: ChatPlace) -> Rows.Row? {
    rows["channel"].first {
      $0["key"] == key && $0["chat_source_channel"] == place.room && $0["chat_source_adapter"] == place.instance
    }
  }

  func setting(_ key: String, _ place: ChatPlace) -> String? { settingRow(key, place)?["value"] }

  func setSetting(_ key: String, _ value: String?, _ place: ChatPlace) {
    // A room may be known as several places: private or not.
    disabledCategoriesCache = [:]
    let row = settingRow(key, place)
    guard let value else {
      if let row { rows.remove("channel") { $0.id == row.id } }
      return
    }
    let columns = ValueMap([
      ("chat_source_adapter", .string(place.instance)), ("chat_source_channel", .string(place.room)),
      ("key", .string(key)), ("value", .string(value)),
    ])
    if let row { rows.update("channel", row.id, columns) } else { insert("channel", columns) }
  }

  func settings(_ place: ChatPlace) -> ValueMap {
    var settings = Self.defaultSettings
    for row in rows["channel"]
    where row["chat_source_channel"] == place.room && row["chat_source_adapter"] == place.instance {
      settings[row["key"]] = .string(row["value"])
    }
    return settings
  }

  func roomNames(_ place: ChatPlace) -> [String] {
    var names: [String] = []
    for room in rooms where room.instance == place.instance && !names.contains(room.room) { names.append(room.room) }
    if !names.contains(place.room), !place.isPrivate { names.append(place.room) }
    return names
  }
}

/// Spans of time as text.
public enum TimeSpan {
  /// In seconds where it is a number of them: `1 second`, `5 seconds`, `1500 milliseconds`.
  static func exact(_ milliseconds: Int64) -> String {
    milliseconds > 0 && milliseconds.isMultiple(of: 1000)
      ? count(milliseconds / 1000, "second") : count(milliseconds, "millisecond")
  }

  private static func count(_ number: Int64, _ unit: String) -> String { "\(number) \(unit)\(number == 1 ? "" : "s")" }

  /// The largest unit alone: `3 seconds`, `1 minute`.
  public static func text(_ milliseconds: Int64) -> String {
    let units: [(Int64, String)] = [
      (604_800_000, "week"), (86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1000, "second"),
    ]
    for (length, name) in units where milliseconds >= length {
      return count(milliseconds / length, name)
    }
    return "\(milliseconds) milliseconds"
  }
}
