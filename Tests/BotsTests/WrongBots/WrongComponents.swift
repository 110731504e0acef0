extension WrongBot {
  /// In components, and bots used by bots.
  static let components: [WrongBot] = [
    WrongBot(
      "a missing argument of a component",
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
        when: [{event: chat.message, do: [{stdout.write: x}]}]
        ---
        bothost: 1
        kind: config
        name: Settings
        get: {host: {type: string, default: h}, pass: {type: secret, from: PASS}, channels: {type: list, of: string, default: []}}
        ---
        bothost: 1
        kind: component
        name: Part
        args: {channel: string}
        """#),
      #"""
      bot.yaml:9:3: error: 'use.part': the argument 'channel' of Part is missing
       9 |   part: {type: Part}
         |   ^~~~
      """#),
    WrongBot(
      "an unknown argument of a component",
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
          part: {type: Part, chanel: a}
        when: [{event: chat.message, do: [{stdout.write: x}]}]
        ---
        bothost: 1
        kind: config
        name: Settings
        get: {host: {type: string, default: h}, pass: {type: secret, from: PASS}, channels: {type: list, of: string, default: []}}
        ---
        bothost: 1
        kind: component
        name: Part
        args: {channel?: string}
        """#),
      #"""
      bot.yaml:9:22: error: Part has no argument 'chanel' (did you mean 'channel'?)
       9 |   part: {type: Part, chanel: a}
         |                      ^~~~~~
      """#),
    WrongBot(
      "an unknown method of a component",
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
        when: [{event: chat.message, do: [{part.gret: {}}]}]
        ---
        bothost: 1
        kind: config
        name: Settings
        get: {host: {type: string, default: h}, pass: {type: secret, from: PASS}, channels: {type: list, of: string, default: []}}
        ---
        bothost: 1
        kind: component
        name: Part
        methods: {greet: {do: []}}
        """#),
      #"""
      bot.yaml:10:36: error: Part has no method 'gret' (did you mean 'greet'?)
       10 | when: [{event: chat.message, do: [{part.gret: {}}]}]
          |                                    ^~~~~~~~~
      """#),
    WrongBot(
      "an unknown event of a component",
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
        when: [{event: part.siad, do: [{stdout.write: x}]}]
        ---
        bothost: 1
        kind: config
        name: Settings
        get: {host: {type: string, default: h}, pass: {type: secret, from: PASS}, channels: {type: list, of: string, default: []}}
        ---
        bothost: 1
        kind: component
        name: Part
        use: {inner: {type: TwitchConnection, host: h}}
        events: {said: inner.message}
        """#),
      #"""
      bot.yaml:10:16: error: the component 'Part' has no event 'siad' (did you mean 'said'?)
       10 | when: [{event: part.siad, do: [{stdout.write: x}]}]
          |                ^~~~~~~~~
      """#),
    WrongBot(
      "the inside of a component",
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
        when: [{event: chat.message, do: [{part.inner.join: x}]}]
        ---
        bothost: 1
        kind: config
        name: Settings
        get: {host: {type: string, default: h}, pass: {type: secret, from: PASS}, channels: {type: list, of: string, default: []}}
        ---
        bothost: 1
        kind: component
        name: Part
        use: {inner: {type: TwitchConnection, host: h}}
        """#),
      #"""
      bot.yaml:10:36: error: 'inner' is inside the component 'Part' and cannot be reached from outside (give the component a method, an event or a state for it)
       10 | when: [{event: chat.message, do: [{part.inner.join: x}]}]
          |                                    ^~~~~~~~~~~~~~~
      """#),
    WrongBot(
      "a component in itself",
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
        when: [{event: chat.message, do: [{stdout.write: x}]}]
        ---
        bothost: 1
        kind: config
        name: Settings
        get: {host: {type: string, default: h}, pass: {type: secret, from: PASS}, channels: {type: list, of: string, default: []}}
        ---
        bothost: 1
        kind: component
        name: Part
        use: {again: {type: Part}}
        """#),
      #"""
      bot.yaml:20:21: error: 'use' goes in a circle: Part → Part
       20 | use: {again: {type: Part}}
          |                     ^~~~
      """#),
    WrongBot(
      "an error inside a component",
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
          part: {type: Part, word: a}
        when: [{event: chat.message, do: [{stdout.write: x}]}]
        ---
        bothost: 1
        kind: config
        name: Settings
        get: {host: {type: string, default: h}, pass: {type: secret, from: PASS}, channels: {type: list, of: string, default: []}}
        ---
        bothost: 1
        kind: component
        name: Part
        args: {word: string}
        methods: {say: {do: [{return: "${wrod}"}]}}
        """#),
      #"""
      bot.yaml:21:32: error: there is nothing called 'wrod' (did you mean 'word'?)
       21 | methods: {say: {do: [{return: "${wrod}"}]}}
          |                                ^~~~~~~
      """#),
    WrongBot(
      "an unknown bot",
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
          commands: {bot: CommandBto}
        when: [{event: chat.message, do: [{stdout.write: x}]}]
        ---
        bothost: 1
        kind: bot
        name: CommandBot
        use: {out: StdOut, chat: {type: TwitchConnection, host: h}}
        when: [{event: chat.message, do: [{out.write: x}]}]
        ---
        bothost: 1
        kind: config
        name: Settings
        get: {host: {type: string, default: h}, pass: {type: secret, from: PASS}, channels: {type: list, of: string, default: []}}
        """#),
      #"""
      bot.yaml:9:19: error: there is no bot 'CommandBto' (did you mean 'CommandBot'?)
       9 |   commands: {bot: CommandBto}
         |                   ^~~~~~~~~~
      """#),
    WrongBot(
      "a state of another bot",
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
          commands: {bot: CommandBot}
        when: [{event: chat.message, do: [{stdout.write: "${commands.count}"}]}]
        ---
        bothost: 1
        kind: bot
        name: CommandBot
        use: {out: StdOut, chat: {type: TwitchConnection, host: h}}
        state: {count: int}
        when: [{event: chat.message, do: [{out.write: "${count}"}]}]
        ---
        bothost: 1
        kind: config
        name: Settings
        get: {host: {type: string, default: h}, pass: {type: secret, from: PASS}, channels: {type: list, of: string, default: []}}
        """#),
      #"""
      bot.yaml:10:51: error: the state 'count' is kept by another bot, 'CommandBot' (only its own handlers can read and change it)
       10 | when: [{event: chat.message, do: [{stdout.write: "${commands.count}"}]}]
          |                                                   ^~~~~~~~~~~~~~~~~
      """#),
    WrongBot(
      "a bot as a type",
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
          commands: {type: CommandBot}
        when: [{event: chat.message, do: [{stdout.write: x}]}]
        ---
        bothost: 1
        kind: bot
        name: CommandBot
        use: {out: StdOut, chat: {type: TwitchConnection, host: h}}
        when: [{event: chat.message, do: [{out.write: x}]}]
        ---
        bothost: 1
        kind: config
        name: Settings
        get: {host: {type: string, default: h}, pass: {type: secret, from: PASS}, channels: {type: list, of: string, default: []}}
        """#),
      #"""
      bot.yaml:9:20: error: 'CommandBot' is a bot, not a type (another bot is used with {bot: CommandBot})
       9 |   commands: {type: CommandBot}
         |                    ^~~~~~~~~~
      """#),
  ]
}
