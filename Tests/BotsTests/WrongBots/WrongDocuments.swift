extension WrongBot {
  /// In what stands around the steps.
  static let documents: [WrongBot] = [
    WrongBot(
      "two handlers of one name",
      .when(
        #"""
          - {event: chat.message, name: Log, do: [{stdout.write: x}]}
          - {event: chat.sent, name: Log, do: [{stdout.write: x}]}
          - {event: chat.message, name: Log, do: [{stdout.write: y}]}
        """#),
      #"""
      bot.yaml:12:33: error: a second handler 'chat.message#Log' (a name is used once for an event)
       12 |   - {event: chat.message, name: Log, do: [{stdout.write: y}]}
          |                                 ^~~
      """#),
    WrongBot(
      "a circle of parents",
      .whole(
        #"""
        bothost: 1
        kind: bot
        name: a
        extends: b
        when: []
        ---
        bothost: 1
        kind: bot
        name: b
        extends: a
        when: []
        """#),
      #"""
      bot.yaml:4:10: error: 'extends' goes in a circle: b → a → b
       4 | extends: b
         |          ^
      bot.yaml:10:10: error: 'extends' goes in a circle: a → b → a
       10 | extends: a
          |          ^
      """#),
    WrongBot(
      "an unknown parent",
      .whole(
        #"""
        bothost: 1
        kind: config
        name: Super
        extends: Setings
        get: {}

        ---
        bothost: 1
        kind: config
        name: Settings
        get: {host: {type: string, default: h}, pass: {type: secret, from: PASS}, channels: {type: list, of: string, default: []}}
        """#),
      #"""
      bot.yaml:4:10: error: 'extends': there is no 'Setings' in the project (did you mean 'Settings'?)
       4 | extends: Setings
         |          ^~~~~~~
      """#),
    WrongBot(
      "a parent of another kind",
      .whole(
        #"""
        bothost: 1
        kind: bot
        name: taco
        extends: Settings
        when: []

        ---
        bothost: 1
        kind: config
        name: Settings
        get: {host: {type: string, default: h}, pass: {type: secret, from: PASS}, channels: {type: list, of: string, default: []}}
        """#),
      #"""
      bot.yaml:4:10: error: 'taco' is a bot and extends 'Settings', which is a configuration
       4 | extends: Settings
         |          ^~~~~~~~
      """#),
    WrongBot(
      "a getter that changes its type",
      .whole(
        #"""
        bothost: 1
        kind: config
        name: Super
        extends: Settings
        get: {host: int}

        ---
        bothost: 1
        kind: config
        name: Settings
        get: {host: {type: string, default: h}, pass: {type: secret, from: PASS}, channels: {type: list, of: string, default: []}}
        """#),
      #"""
      bot.yaml:5:7: error: the getter 'host' is an int here and a string in what is extended (a getter keeps its type)
       5 | get: {host: int}
         |       ^~~~
      """#),
    WrongBot(
      "nothing to remove",
      .body(
        #"""
        remove: [chat.message#Log]
        when: [{event: chat.message, do: [{stdout.write: x}]}]
        """#),
      #"""
      bot.yaml:9:10: error: there is no inherited handler 'chat.message#Log' to remove
       9 | remove: [chat.message#Log]
         |          ^~~~~~~~~~~~~~~~
      """#),
    WrongBot(
      "nothing to run first",
      .when(#"  - {event: chat.message, name: Log, super: true, do: [{stdout.write: x}]}"#),
      #"""
      bot.yaml:10:45: error: there is no inherited handler 'chat.message#Log' whose steps could run first
       10 |   - {event: chat.message, name: Log, super: true, do: [{stdout.write: x}]}
          |                                             ^~~~
      """#),
    WrongBot(
      "an answer to itself",
      .when(#"  - {event: chat.sent, do: [{chat.say: {channel: a, text: "${event.raw}"}}]}"#),
      #"""
      bot.yaml:10:30: error: a feedback loop: what chat.say sends comes back as chat.sent, which sends it again
       10 |   - {event: chat.sent, do: [{chat.say: {channel: a, text: "${event.raw}"}}]}
          |                              ^~~~~~~~
      """#),
    WrongBot(
      "a relay back to where it came from",
      .whole(
        #"""
        bothost: 1
        kind: bot
        name: taco
        use:
          config: Settings
          chat: {type: TwitchConnection, host: "${config.host}", token: "${config.pass}"}
          log: {type: KafkaTopic, brokers: b, topic: saved}
          stdout: StdOut
          inbox: {type: KafkaTopic, brokers: b, topic: saved, group: g}
        when:
          - event: chat.message
            do: [{log.publish: {value: "${event.message}"}}]
          - event: inbox.record
            do: [{chat.say: {channel: a, text: "${event.value}"}}]
        ---
        bothost: 1
        kind: config
        name: Settings
        get: {host: {type: string, default: h}, pass: {type: secret, from: PASS}, channels: {type: list, of: string, default: []}}
        """#),
      #"""
      bot.yaml:14:11: error: a feedback loop: chat.say sends back to 'chat' what came from it and went through log.publish (relay another topic than the one that is saved)
       14 |     do: [{chat.say: {channel: a, text: "${event.value}"}}]
          |           ^~~~~~~~
      """#),
    WrongBot(
      "a state that is not declared",
      .body(
        #"""
        state: {count: int}
        when: [{event: chat.message, do: [{set: {cuont: 1}}]}]
        """#),
      #"""
      bot.yaml:10:42: error: there is no state 'cuont' (did you mean 'count'?)
       10 | when: [{event: chat.message, do: [{set: {cuont: 1}}]}]
          |                                          ^~~~~
      """#),
    WrongBot(
      "a state of another type",
      .body(
        #"""
        state: {count: int}
        when: [{event: chat.message, do: [{set: {count: "${event.message}"}}]}]
        """#),
      #"""
      bot.yaml:10:50: error: 'count': expected an int, not a string
       10 | when: [{event: chat.message, do: [{set: {count: "${event.message}"}}]}]
          |                                                  ^~~~~~~~~~~~~~~~
      """#),
    WrongBot(
      "a state of a component",
      .whole(
        #"""
        bothost: 1
        kind: bot
        name: taco
        use:
          config: Settings
          chat: {type: TwitchConnection, host: "${config.host}", token: "${config.pass}"}
          log: {type: KafkaTopic, brokers: b, topic: saved}
          stdout: StdOut
          part: {type: Part}
        when: [{event: chat.message, do: [{set: {part.mood: x}}]}]
        ---
        bothost: 1
        kind: config
        name: Settings
        get: {host: {type: string, default: h}, pass: {type: secret, from: PASS}, channels: {type: list, of: string, default: []}}
        ---
        bothost: 1
        kind: component
        name: Part
        state: {mood: string}
        """#),
      #"""
      bot.yaml:10:42: error: 'set' changes states of its own document, and 'part' is a use (give the component a method that does it)
       10 | when: [{event: chat.message, do: [{set: {part.mood: x}}]}]
          |                                          ^~~~~~~~~
      """#),
    WrongBot(
      "two meanings of a name",
      .body(
        #"""
        state: {chat: string}
        when: [{event: chat.message, do: [{stdout.write: x}]}]
        """#),
      #"""
      bot.yaml:6:3: error: 'chat' is a use and a state (choose another name)
       6 |   chat: {type: TwitchConnection, host: "${config.host}", token: "${config.pass}"}
         |   ^~~~
      """#),
    WrongBot(
      "an unknown schema",
      .whole(
        #"""
        bothost: 1
        kind: bot
        name: taco
        use:
          config: Settings
          chat: {type: TwitchConnection, host: "${config.host}", token: "${config.pass}"}
          log: {type: KafkaTopic, brokers: b, topic: saved}
          stdout: StdOut
        when:
          - event: chat.message
            name: H
            do:
              - json: {a: b}
                schema: ChatLin
              - stdout.write: ${it}
        ---
        bothost: 1
        kind: config
        name: Settings
        get: {host: {type: string, default: h}, pass: {type: secret, from: PASS}, channels: {type: list, of: string, default: []}}
        ---
        bothost: 1
        kind: schema
        name: ChatLine
        fields: {a: string}
        """#),
      #"""
      bot.yaml:14:17: error: there is no schema 'ChatLin' (did you mean 'ChatLine'?)
       14 |         schema: ChatLin
          |                 ^~~~~~~
      """#),
    WrongBot(
      "a record without a member",
      .whole(
        #"""
        bothost: 1
        kind: bot
        name: taco
        use:
          config: Settings
          chat: {type: TwitchConnection, host: "${config.host}", token: "${config.pass}"}
          log: {type: KafkaTopic, brokers: b, topic: saved}
          stdout: StdOut
        when:
          - event: chat.message
            name: H
            do:
              - json: {who: "${event.username}"}
                schema: ChatLine
              - stdout.write: ${it}
        ---
        bothost: 1
        kind: config
        name: Settings
        get: {host: {type: string, default: h}, pass: {type: secret, from: PASS}, channels: {type: list, of: string, default: []}}
        ---
        bothost: 1
        kind: schema
        name: ChatLine
        fields: {who: string, text: string}
        """#),
      #"""
      bot.yaml:13:9: error: 'json': the member 'text' is missing
       13 |       - json: {who: "${event.username}"}
          |         ^~~~
      """#),
    WrongBot(
      "a record with another member",
      .whole(
        #"""
        bothost: 1
        kind: bot
        name: taco
        use:
          config: Settings
          chat: {type: TwitchConnection, host: "${config.host}", token: "${config.pass}"}
          log: {type: KafkaTopic, brokers: b, topic: saved}
          stdout: StdOut
        when:
          - event: chat.message
            name: H
            do:
              - json: {who: "${event.username}", txet: x}
                schema: ChatLine
              - stdout.write: ${it}
        ---
        bothost: 1
        kind: config
        name: Settings
        get: {host: {type: string, default: h}, pass: {type: secret, from: PASS}, channels: {type: list, of: string, default: []}}
        ---
        bothost: 1
        kind: schema
        name: ChatLine
        fields: {who: string, text: string}
        """#),
      #"""
      bot.yaml:13:42: error: 'json': there is no member 'txet' (did you mean 'text'?)
       13 |       - json: {who: "${event.username}", txet: x}
          |                                          ^~~~
      """#),
    WrongBot(
      "a type that is none",
      .whole(
        #"""
        bothost: 1
        kind: schema
        name: Line
        fields: {who: strnig}
        """#),
      #"""
      bot.yaml:4:15: error: 'fields.who': expected a type, not the string "strnig" (did you mean 'string'?)
       4 | fields: {who: strnig}
         |               ^~~~~~
      """#),
    WrongBot(
      "a kind that is none",
      .whole(
        #"""
        bothost: 1
        kind: compnent
        name: x
        """#),
      #"""
      bot.yaml:2:7: error: 'kind': expected bot, component, schema or config, not 'compnent' (did you mean 'component'?)
       2 | kind: compnent
         |       ^~~~~~~~
      """#),
    WrongBot(
      "an unknown key",
      .when(#"  - {event: chat.message, nmae: Log, do: [{stdout.write: x}]}"#),
      #"""
      bot.yaml:10:27: error: unknown key 'nmae' in a handler (did you mean 'name'?)
       10 |   - {event: chat.message, nmae: Log, do: [{stdout.write: x}]}
          |                           ^~~~
      """#),
    WrongBot(
      "the YAML 1.1 key",
      .when(#"  - {on: chat.message, do: [{stdout.write: x}]}"#),
      #"""
      bot.yaml:10:6: error: unknown key 'on' in a handler (did you mean 'event'?)
       10 |   - {on: chat.message, do: [{stdout.write: x}]}
          |      ^~
      """#),
    WrongBot(
      "a word of the language as a name",
      .use(#"  event: StdOut"#),
      #"""
      bot.yaml:9:3: error: 'event' is a word of the language and cannot name a use
       9 |   event: StdOut
         |   ^~~~~
      """#),
    WrongBot(
      "an event before the start",
      .use(#"  more: {type: TwitchConnection, host: "${event.raw}"}"#),
      #"""
      bot.yaml:9:41: error: there is no event yet when an instance starts
       9 |   more: {type: TwitchConnection, host: "${event.raw}"}
         |                                         ^~~~~~~~~~~~
      """#),
    WrongBot(
      "two uses of one name",
      .whole(
        #"""
        bothost: 1
        kind: bot
        name: taco
        use:
          config: Settings
          chat: {type: TwitchConnection, host: "${config.host}", token: "${config.pass}"}
          log: {type: KafkaTopic, brokers: b, topic: saved}
          stdout: StdOut
          stdout: StdOut
        when:
          - event: chat.message
            name: H
            do:
              - stdout.write: x
        ---
        bothost: 1
        kind: config
        name: Settings
        get: {host: {type: string, default: h}, pass: {type: secret, from: PASS}, channels: {type: list, of: string, default: []}}
        """#),
      #"""
      bot.yaml:9:3: error: the key 'stdout' stands here a second time; the first is in line 8
       9 |   stdout: StdOut
         |   ^~~~~~
      """#),
    WrongBot(
      "a document twice",
      .whole(
        #"""
        bothost: 1
        kind: config
        name: Settings
        get: {host: {type: string, default: h}, pass: {type: secret, from: PASS}, channels: {type: list, of: string, default: []}}
        ---
        bothost: 1
        kind: config
        name: Settings
        get: {host: {type: string, default: h}, pass: {type: secret, from: PASS}, channels: {type: list, of: string, default: []}}
        """#),
      #"""
      bot.yaml:8:7: error: 'Settings' is declared a second time; the first is bot.yaml:3:7
       8 | name: Settings
         |       ^~~~~~~~
      """#),
    WrongBot(
      "YAML that is none",
      .steps(#"- stdout.write: "x"#),
      #"""
      bot.yaml:14:1: error: found unexpected document indicator (while scanning a quoted scalar at line 13)
       14 | ---
          | ^
      """#),
  ]
}
