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
          guard let room = try call.engine.chats?.join(call.group(1) ?? "", for: call) else {
            return .failure("invite me, since I cannot join rooms here")
          }
          call.engine.noteMembership(true, of: room, call.place)
          return .text("joined \(room)")
        },
        Self.on(#"^\s*leave\s+(\S+)"#, "channel leave <room> # leaves a room", util) { call in
          guard let room = try call.engine.chats?.leave(call.group(1) ?? "", for: call) else {
            return .failure("remove me, since I cannot leave rooms here")
          }
          call.engine.noteMembership(false, of: room, call.place)
          return .text("left \(room)")
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
    if !configuration.quirks.contains(.originalCommands) {
      define(
        ["broadcast"],
        [
          Self.on(
            #"(?s)^\s*(\S.*)$"#,
            "broadcast <text> # says a text in all rooms with the setting broadcast, for administrators", util
          ) { call in
            guard call.engine.isAdmin(call.person) else { return .failure("broadcast is for administrators only") }
            let posts = call.engine.broadcast(call.group(1) ?? "")
            try call.context.allowance.charge(bytes: posts.reduce(0) { $0 + $1.text.utf8.count })
            guard !posts.isEmpty else {
              return .failure("no room has asked for broadcasts by: channel set broadcast = true")
            }
            call.engine.posts += posts
            return .text("said in \(posts.count) room\(posts.count == 1 ? "" : "s")")
          }
        ])
    }
    define(
      ["react"],
      [
        Self.on(
          #"(\S+)"#, "react <emoji> # adds a reaction to the latest message that is no command", ["fun"]
        ) { call in
          guard try call.engine.chats?.react(call.group(1) ?? "", for: call) == true else {
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
}
