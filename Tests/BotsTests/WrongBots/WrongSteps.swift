extension WrongBot {
  /// In the steps of handlers.
  static let steps: [WrongBot] = [
    WrongBot(
      "an unknown type",
      .use(#"  more: {type: TwitchConection, host: h}"#),
      #"""
      bot.yaml:9:16: error: there is no type 'TwitchConection' (did you mean 'TwitchConnection'?)
       9 |   more: {type: TwitchConection, host: h}
         |                ^~~~~~~~~~~~~~~
      """#),
    WrongBot(
      "an unknown use",
      .steps(#"- chatt.say: {channel: a, text: b}"#),
      #"""
      bot.yaml:13:9: error: there is no use 'chatt' (did you mean 'chat'?)
       13 |       - chatt.say: {channel: a, text: b}
          |         ^~~~~~~~~
      """#),
    WrongBot(
      "an unknown event",
      .when(#"  - {event: chat.mesage, do: [{stdout.write: x}]}"#),
      #"""
      bot.yaml:10:13: error: TwitchConnection has no event 'mesage' (did you mean 'message'?)
       10 |   - {event: chat.mesage, do: [{stdout.write: x}]}
          |             ^~~~~~~~~~~
      """#),
    WrongBot(
      "an event of no use",
      .when(#"  - {event: message, do: [{stdout.write: x}]}"#),
      #"""
      bot.yaml:10:13: error: 'message' is no event (an event is USE.EVENT, such as chat.message)
       10 |   - {event: message, do: [{stdout.write: x}]}
          |             ^~~~~~~
      """#),
    WrongBot(
      "an unknown method",
      .steps(#"- chat.jion: {channel: a}"#),
      #"""
      bot.yaml:13:9: error: TwitchConnection has no method 'jion' (did you mean 'join'?)
       13 |       - chat.jion: {channel: a}
          |         ^~~~~~~~~
      """#),
    WrongBot(
      "an unknown step",
      .steps(#"- exepct: ${event.message}"#),
      #"""
      bot.yaml:13:9: error: unknown step 'exepct' (did you mean 'expect'?)
       13 |       - exepct: ${event.message}
          |         ^~~~~~
      """#),
    WrongBot(
      "an unknown argument",
      .steps(#"- chat.say: {chanel: a, text: b}"#),
      #"""
      bot.yaml:13:20: error: chat.say has no argument 'chanel' (did you mean 'channel'?)
       13 |       - chat.say: {chanel: a, text: b}
          |                    ^~~~~~
      """#),
    WrongBot(
      "a missing argument",
      .steps(#"- chat.say: {channel: a}"#),
      #"""
      bot.yaml:13:9: error: chat.say: the argument 'text' is missing
       13 |       - chat.say: {channel: a}
          |         ^~~~~~~~
      """#),
    WrongBot(
      "an argument of another type",
      .steps(#"- chat.join: ${event.words}"#),
      #"""
      bot.yaml:13:20: error: 'channel': expected a string, not a [string]
       13 |       - chat.join: ${event.words}
          |                    ^~~~~~~~~~~~~~
      """#),
    WrongBot(
      "an unknown getter",
      .steps(#"- chat.join: ${config.chanels}"#),
      #"""
      bot.yaml:13:20: error: the configuration 'config' has no getter 'chanels' (did you mean 'channels'?)
       13 |       - chat.join: ${config.chanels}
          |                    ^~~~~~~~~~~~~~~~~
      """#),
    WrongBot(
      "an unknown member of the event",
      .steps(#"- stdout.write: "say: ${event.mesage}""#),
      #"""
      bot.yaml:13:29: error: 'event' has no member 'mesage' (did you mean 'message'?)
       13 |       - stdout.write: "say: ${event.mesage}"
          |                             ^~~~~~~~~~~~~~~
      """#),
    WrongBot(
      "an unknown name",
      .steps(#"- stdout.write: ${evnet.message}"#),
      #"""
      bot.yaml:13:23: error: there is nothing called 'evnet' (did you mean 'event'?)
       13 |       - stdout.write: ${evnet.message}
          |                       ^~~~~~~~~~~~~~~~
      """#),
    WrongBot(
      "an unknown state",
      .steps(#"- expect: ${chat.conected}"#),
      #"""
      bot.yaml:13:17: error: TwitchConnection has no state 'conected' (did you mean 'connected'?)
       13 |       - expect: ${chat.conected}
          |                 ^~~~~~~~~~~~~~~~
      """#),
    WrongBot(
      "a list inside a text",
      .steps(#"- stdout.write: "words: ${event.words}""#),
      #"""
      bot.yaml:13:31: error: '${event.words}' is a [string] and cannot be put into a text
       13 |       - stdout.write: "words: ${event.words}"
          |                               ^~~~~~~~~~~~~~
      """#),
    WrongBot(
      "a template without an end",
      .steps(#"- stdout.write: "${event.message""#),
      #"""
      bot.yaml:13:24: error: '${' is not closed by '}' (a literal '${' is written '$${')
       13 |       - stdout.write: "${event.message"
          |                        ^~~~~~~~~~~~~~~~
      """#),
    WrongBot(
      "an unused result",
      .steps(
        #"""
        - chat.count:
          as: n
        """#),
      #"""
      bot.yaml:14:13: error: the result 'n' is never used (remove 'as: n')
       14 |         as: n
          |             ^
      """#),
    WrongBot(
      "a result of nothing",
      .steps(
        #"""
        - chat.join: a
          as: joined
        - stdout.write: ${joined}
        """#),
      #"""
      bot.yaml:14:13: error: chat.join gives no result (remove 'as: joined')
       14 |         as: joined
          |             ^~~~~~
      """#),
    WrongBot(
      "no step before",
      .steps(#"- stdout.write: ${it}"#),
      #"""
      bot.yaml:13:23: error: '${it}' is the result of the step before, and there is none (name an earlier result with 'as')
       13 |       - stdout.write: ${it}
          |                       ^~~~~
      """#),
    WrongBot(
      "a shadowed loop variable",
      .steps(
        #"""
        - for: word
          in: ${event.words}
          do:
            - for: word
              in: [a]
              do: [{stdout.write: "${word}"}]
        """#),
      #"""
      bot.yaml:16:18: warning: 'word' hides the one of line 13
       16 |           - for: word
          |                  ^~~~
      """#),
    WrongBot(
      "a loop over a text",
      .steps(
        #"""
        - for: word
          in: ${event.message}
          do: [{stdout.write: "${word}"}]
        """#),
      #"""
      bot.yaml:14:13: error: 'in': expected a list, not a string
       14 |         in: ${event.message}
          |             ^~~~~~~~~~~~~~~~
      """#),
    WrongBot(
      "a comparison that never holds",
      .steps(#"- expect: {value: "${event.words}", equals: a}"#),
      #"""
      bot.yaml:13:51: error: 'equals': a [string] is never equal to a string
       13 |       - expect: {value: "${event.words}", equals: a}
          |                                                   ^
      """#),
    WrongBot(
      "an unknown test",
      .steps(#"- assert: {value: "${event.message}", equal: a}"#),
      #"""
      bot.yaml:13:45: error: unknown test 'equal' in 'assert' (did you mean 'equals'?)
       13 |       - assert: {value: "${event.message}", equal: a}
          |                                             ^~~~~
      """#),
    WrongBot(
      "an expression that is none",
      .steps(#"- expect: {value: "${event.message}", matches: '(a'}"#),
      #"""
      bot.yaml:13:54: error: 'matches': Unmatched ( or \( (POSIX extended regular expressions)
       13 |       - expect: {value: "${event.message}", matches: '(a'}
          |                                                      ^~~~
      """#),
    WrongBot(
      "two steps in one",
      .steps(
        #"""
        - chat.join: a
          chat.count: {}
        """#),
      #"""
      bot.yaml:14:9: error: a step does one thing; 'chat.join' and 'chat.count' are two (begin a new step with '-')
       14 |         chat.count: {}
          |         ^~~~~~~~~~
      """#),
    WrongBot(
      "a key of another step",
      .steps(
        #"""
        - if: ${event.message}
          do: [{stdout.write: x}]
          in: [a]
        """#),
      #"""
      bot.yaml:15:9: error: 'in' does not belong to 'if'
       15 |         in: [a]
          |         ^~
      """#),
    WrongBot(
      "a secret on standard output",
      .steps(#"- stdout.write: "my password is ${config.pass}""#),
      #"""
      bot.yaml:13:39: error: 'text': a secret may only be given to an argument that is declared secret (it would be seen by others)
       13 |       - stdout.write: "my password is ${config.pass}"
          |                                       ^~~~~~~~~~~~~~
      """#),
    WrongBot(
      "a secret in a record",
      .steps(#"- log.publish: {value: {password: "${config.pass}"}}"#),
      #"""
      bot.yaml:13:42: error: 'password': a secret may only be given to an argument that is declared secret (it would be seen by others)
       13 |       - log.publish: {value: {password: "${config.pass}"}}
          |                                          ^~~~~~~~~~~~~~
      """#),
    WrongBot(
      "a secret in a state",
      .body(
        #"""
        state: {kept: string}
        when: [{event: chat.message, do: [{set: {kept: "${config.pass}"}}]}]
        """#),
      #"""
      bot.yaml:10:49: error: 'kept': a secret may only be given to an argument that is declared secret (it would be seen by others)
       10 | when: [{event: chat.message, do: [{set: {kept: "${config.pass}"}}]}]
          |                                                 ^~~~~~~~~~~~~~
      """#),
    WrongBot(
      "a secret that is written down",
      .use(#"  more: {type: TwitchConnection, host: h, token: hunter2}"#),
      #"bot.yaml:9:50: error: 'token' is a secret and must not be written into a file (read it from a getter of type secret: ${config.token})"#
    ),
  ]
}
