extension WrongBot {
  /// In methods and their calls.
  static let methods: [WrongBot] = [
    WrongBot(
      "a value of a handler",
      .steps(#"- return: ${event.message}"#),
      #"""
      bot.yaml:13:9: error: 'return' gives the value of a method, and this is a handler ('expect' ends a handler early)
       13 |       - return: ${event.message}
          |         ^~~~~~
      """#),
    WrongBot(
      "a method that calls itself",
      .body(
        #"""
        methods:
          a: {do: [{b: {}}]}
          b: {do: [{a: {}}]}
        when: [{event: chat.message, do: [{a: {}}]}]
        """#),
      #"""
      bot.yaml:11:13: error: a method must not call itself: a → b → a (repeat steps with 'for', which has an end)
       11 |   b: {do: [{a: {}}]}
          |             ^
      """#),
    WrongBot(
      "an event in a method",
      .body(
        #"""
        methods: {a: {do: [{stdout.write: "${event.message}"}]}}
        when: [{event: chat.message, do: [{a: {}}]}]
        """#),
      #"""
      bot.yaml:9:36: error: a method has no event (give it what it needs as an argument)
       9 | methods: {a: {do: [{stdout.write: "${event.message}"}]}}
         |                                    ^~~~~~~~~~~~~~~~
      """#),
    WrongBot(
      "a promise that is not kept",
      .body(
        #"""
        methods:
          a: {args: {x: string}, returns: string, do: [{if: "${x}", do: [{return: y}]}]}
        when: [{event: chat.message, do: [{stdout.write: x}]}]
        """#),
      #"""
      bot.yaml:10:3: error: the method 'a' may end without 'return', and 'returns' promises a value
       10 |   a: {args: {x: string}, returns: string, do: [{if: "${x}", do: [{return: y}]}]}
          |   ^
      """#),
    WrongBot(
      "a result of another type",
      .body(
        #"""
        methods:
          a: {returns: int, do: [{return: many}]}
        when: [{event: chat.message, do: [{stdout.write: x}]}]
        """#),
      #"""
      bot.yaml:10:35: error: 'return': expected an int, not a string
       10 |   a: {returns: int, do: [{return: many}]}
          |                                   ^~~~
      """#),
    WrongBot(
      "two types of one result",
      .body(
        #"""
        methods:
          a: {args: {x: bool}, do: [{if: "${x}", do: [{return: 1}], else: [{return: [a]}]}]}
        when: [{event: chat.message, do: [{stdout.write: x}]}]
        """#),
      #"""
      bot.yaml:10:69: error: 'return': a [string] here and an int before (a method gives values of one type)
       10 |   a: {args: {x: bool}, do: [{if: "${x}", do: [{return: 1}], else: [{return: [a]}]}]}
          |                                                                     ^~~~~~
      """#),
    WrongBot(
      "steps behind return",
      .body(
        #"""
        methods: {a: {do: [{return: 1}, {stdout.write: x}]}}
        when: [{event: chat.message, do: [{a: {}}]}]
        """#),
      #"""
      bot.yaml:9:34: warning: steps behind 'return' are never carried out
       9 | methods: {a: {do: [{return: 1}, {stdout.write: x}]}}
         |                                  ^~~~~~~~~~~~
      """#),
    WrongBot(
      "a method that replaces another",
      .whole(
        #"""
        bothost: 1
        kind: bot
        name: child
        extends: parent
        methods: {a: {args: {y: string}, do: [{out.write: "${y}"}]}}
        ---
        bothost: 1
        kind: bot
        name: parent
        use: {out: StdOut, chat: {type: TwitchConnection, host: h}}
        methods: {a: {args: {x: string}, do: [{out.write: "${x}"}]}}
        when: [{event: chat.message, do: [{a: b}]}]
        """#),
      #"""
      bot.yaml:5:11: error: the method 'a' has other arguments than the one that it replaces (its callers give {x: string})
       5 | methods: {a: {args: {y: string}, do: [{out.write: "${y}"}]}}
         |           ^
      """#),
  ]
}
