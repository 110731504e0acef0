import Testing

@testable import BotHost

@Suite struct RuntimeTests {
  static let message =
    ##"{"username":"ann","channel":"#tea","message":"hi \"you\" \u00e9","raw":"PRIVMSG","tags":{"color":"#f00"},"words":["a","b\n","c"],"nested":{"deep":{"x":7}}}"##

  @Test func recordsAndCalls() throws {
    let bench = try Bench(
      botText(
        """
        - json: {username: "${event.username}", message: "${event.message}", n: [1, "${event.nested.deep.x}"], bits: "${event.bits}"}
          as: line
        - log.publish: {key: "${event.channel}", value: "${line}"}
        - log.publish: {value: "${line.message}"}
        """))
    #expect(try bench.event("twitch.message", Self.message) == .done(nil))
    #expect(
      bench.recorder.summary == [
        ##"taco.log.publish {"key":"#tea","value":{"username":"ann","message":"hi \"you\" \u00e9","n":[1,7]}}"##,
        #"taco.log.publish {"value":"hi \"you\" \u00e9"}"#,
      ])
  }

  @Test func texts() throws {
    let bench = try Bench(
      botText(
        """
        - stdout.write: "<${event.username}> ${event.message} ${event.nested.deep.x} $${x} [${event.bits}] ${event.tags.color}"
        - stdout.write: ${event.message}
        - stdout.write: ${event.words}
        - stdout.write: ${event.nested.deep.x}
        - stdout.write: plain
        - stdout.write: ${event.bits}
        - chat.say: {channel: "${event.nested.deep.x}", text: "\\\\ \\"${event.message}\\""}
        """))
    try bench.event("twitch.message", Self.message)
    #expect(
      bench.recorder.lines == [
        #"<ann> hi "you" é 7 ${x} [] #f00"#, #"hi "you" é"#, #"["a","b\n","c"]"#, "7", "plain", "",
      ])
    #expect(bench.recorder.calls.first?.argument == #"{"channel":"7","text":"\\ \"hi \"you\" \u00e9\""}"#)
  }

  @Test(
    arguments: [
      ("${event.username}", true), ("${event.bits}", false), ("${event.words}", true), ("${event.nested.deep.x}", true),
      ("{value: \"${event.username}\", equals: ann}", true), ("{value: \"${event.username}\", equals: Ann}", false),
      ("{value: \"${event.message}\", equals: 'hi \"you\" é'}", true),
      ("{value: \"${event.username}\", not: ann}", false),
      ("{value: \"${event.username}\", not: bob}", true), ("{value: \"${event.username}\", in: [bob, ann]}", true),
      ("{value: \"${event.username}\", in: [bob]}", false), ("{value: c, in: \"${event.words}\"}", true),
      ("{value: \"b\\n\", in: \"${event.words}\"}", true), ("{value: d, in: \"${event.words}\"}", false),
      ("{value: \"${event.nested.deep.x}\", equals: 7}", true),
      ("{value: \"${event.nested.deep.x}\", equals: 7.0}", true),
      ("{value: \"${event.nested.deep.x}\", gt: 6, lt: 8}", true),
      ("{value: \"${event.nested.deep.x}\", gt: 7}", false),
      ("{value: \"${event.message}\", matches: '^hi \".*é$'}", true),
      ("{value: \"${event.username}\", matches: '^(ann|bob)$'}", true),
      ("{value: \"${event.message}\", matches: '(?i)^HI '}", true),
      ("{value: \"${event.message}\", matches: '^HI '}", false),
      ("{value: \"${event.username}\", matches: '[0-9]'}", false), ("{value: \"${event.bits}\", present: true}", false),
      ("{value: \"${event.bits}\", present: false}", true), ("{value: \"${event.bits}\", equals: null}", true),
      ("{value: \"${event.tags.color}\", equals: \"#f00\"}", true),
      ("{value: \"${event.tags.none}\", present: false}", true),
      ("{value: [1, {a: 2}], equals: [1.0, {a: 2}]}", true), ("{value: \"${config.level}\", equals: debug}", true),
      ("{value: \"${config.port}\", equals: 6667}", true), ("${chat.connected}", false),
      ("{value: 0, equals: false}", nil), ("{value: 001, equals: \"001\"}", nil),
    ] as [(String, Bool?)])
  func tests(expression: String, holds: Bool?) throws {
    for keyword in ["expect", "assert"] {
      let text = botText("- \(keyword): \(expression)\n- stdout.write: yes-it-holds")
      guard let holds else {
        #expect(try compile(text).1.hasErrors)
        continue
      }
      let bench = try Bench(text)
      let outcome = try bench.event("twitch.message", Self.message)
      #expect(bench.recorder.lines.count == (holds ? 1 : 0), "\(keyword)")
      if holds || keyword == "expect" {
        #expect(outcome == .done(nil))
      } else {
        guard case .done(let failure?) = outcome else {
          Issue.record("no failure")
          continue
        }
        #expect(failure.description == "b.yaml:14:9: error: handler chat.message#H: an assertion does not hold")
      }
    }
  }

  @Test func loopsAndBranches() throws {
    let bench = try Bench(
      botText(
        """
        - for: word
          in: ${event.words}
          do:
            - if: {value: "${word}", equals: a}
              do: [{stdout.write: "first ${word}"}]
              else:
                - for: n
                  in: [1, 2]
                  do:
                    - if: {value: "${n}", lt: 2}
                      do:
                        - let: {both: "${word}${n}"}
                        - stdout.write: ${both}
        - for: channel
          in: ${config.channels}
          do: [{chat.join: "${channel}"}]
        - for: none
          in: []
          do: [{stdout.write: "${none}"}]
        """))
    try bench.event("twitch.message", Self.message)
    #expect(bench.recorder.lines == ["first a", "b\n1", "c1"])
    #expect(bench.recorder.summary == [#"taco.chat.join {"channel":"one"}"#, #"taco.chat.join {"channel":"two"}"#])
  }

  /// What a name holds stays after it has been printed or sent.
  @Test func valuesStay() throws {
    let bench = try Bench(
      botText(
        """
        - let: {a: "<${event.username}>"}
        - stdout.write: ${a}
        - let: {b: "[${event.channel}]"}
        - stdout.write: "${a}${b}"
        - chat.join: ${a}
        - stdout.write: "${b}${a}"
        """))
    try bench.event("twitch.message", Self.message)
    #expect(bench.recorder.lines == ["<ann>", "<ann>[#tea]", "[#tea]<ann>"])
  }

  static let waiting = """
    - chat.say: {channel: x, text: "${event.username}"}
      as: sent
    - stdout.write: ${sent.id}
    - chat.count:
    - stdout.write: ${it}
    """

  @Test func aResultIsWaitedFor() throws {
    let bench = try Bench(botText(Self.waiting))
    bench.recorder.answer = { _ in nil }
    #expect(try bench.event("twitch.message", Self.message) == .pending)
    #expect(bench.recorder.lines.isEmpty && bench.recorder.calls.count == 1)
    bench.recorder.reply(bench.recorder.calls[0], .success(#"{"id":"42"}"#))
    #expect(bench.recorder.lines == ["42"] && bench.recorder.calls.count == 2)
    bench.recorder.reply(bench.recorder.calls[0], .success(#"{"id":"43"}"#))
    #expect(bench.recorder.lines == ["42"], "an answer counts once")
    bench.recorder.reply(bench.recorder.calls[1], .success("5"))
    #expect(bench.recorder.lines == ["42", "5"])
    #expect(bench.recorder.order == [1] && bench.recorder.settled[1] == .some(nil))
    bench.recorder.reply(bench.recorder.calls[1], .success("6"))
    #expect(bench.recorder.order == [1] && bench.runtime.pendingCount == 0)
  }

  @Test func aResultAtOnce() throws {
    let bench = try Bench(botText(Self.waiting))
    bench.recorder.answer = { $0.method.hasSuffix("say") ? .success(#"{"id":"1"}"#) : .success("2") }
    #expect(try bench.event("twitch.message", Self.message) == .done(nil))
    #expect(bench.recorder.lines == ["1", "2"])
  }

  @Test(arguments: [true, false])
  func aFailedCallEndsTheHandler(atOnce: Bool) throws {
    let bench = try Bench(botText(Self.waiting))
    bench.recorder.answer = { _ in atOnce ? .failure(.init(message: "no such channel")) : nil }
    let outcome = try bench.event("twitch.message", Self.message)
    if !atOnce { bench.recorder.reply(bench.recorder.calls[0], .failure(.init(message: "no such channel"))) }
    let failure: BotFailure?
    if case .done(let found) = outcome { failure = found } else { failure = bench.recorder.settled[1] ?? nil }
    #expect(failure?.description == "b.yaml:14:9: error: handler chat.message#H: no such channel")
    #expect(bench.recorder.lines.isEmpty && bench.recorder.calls.count == 1 && bench.runtime.pendingCount == 0)
  }

  static let two =
    """
    bothost: 1
    kind: bot
    name: taco
    use:
      chat: {type: TwitchConnection, host: h}
      log: {type: KafkaTopic, brokers: b, topic: t}
      stdout: StdOut
    when:
      - event: chat.message
        name: First
        do:
          - log.publish: {value: "${event.username}"}
          - expect: {value: "${event.username}", not: stop}
          - assert: {value: "${event.username}", not: fail}
          - stdout.write: "first ${event.username}"
      - event: chat.message
        name: Second
        do:
          - stdout.write: "second ${event.username}"
    """

  @Test func handlersAreIndependent() throws {
    let bench = try Bench(Self.two)
    func lines(_ name: String) throws -> ([String], BotDelivery) {
      bench.recorder.lines = []
      let outcome = try bench.event("twitch.message", #"{"username":"\#(name)"}"#)
      return (bench.recorder.lines, outcome)
    }
    #expect(try lines("ann") == (["first ann", "second ann"], .done(nil)))
    #expect(
      try lines("stop") == (["second stop"], .done(nil)), "a failed expect ends only its handler, without an error")
    let (found, outcome) = try lines("fail")
    #expect(found == ["second fail"])
    guard case .done(let failure?) = outcome else {
      Issue.record("a failed assert is an error")
      return
    }
    #expect(failure.handler == "chat.message#First")
  }

  /// Answers that nobody reads are waited for at the end, while later events begin; calls leave in order.
  @Test func eventsOverlapOnlyInTheirAnswers() throws {
    let bench = try Bench(Self.two)
    bench.recorder.answer = { _ in nil }
    for (index, name) in ["a", "b", "c"].enumerated() {
      #expect(try bench.event("twitch.message", #"{"username":"\#(name)"}"#, delivery: UInt64(index + 1)) == .pending)
    }
    #expect(bench.recorder.summary.map { $0.suffix(13) } == [#"{"value":"a"}"#, #"{"value":"b"}"#, #"{"value":"c"}"#])
    #expect(bench.recorder.lines == ["first a", "second a", "first b", "second b", "first c", "second c"])
    #expect(bench.recorder.order.isEmpty)
    for index in [2, 0, 1] { bench.recorder.reply(bench.recorder.calls[index], .success("")) }
    #expect(bench.recorder.order == [3, 1, 2])
    #expect(bench.recorder.calls.map(\.delivery) == [1, 2, 3])
    #expect(bench.runtime.pendingCount == 0)
  }

  /// A handler that waits in its middle holds back the later events of the same instance, not those of others.
  @Test func eventsOfOneInstanceKeepTheirOrder() throws {
    let text = botText(Self.waiting).replacingOccurrences(
      of: "when:\n", with: "when:\n  - {event: inbox.record, do: [{stdout.write: \"${event.value}\"}]}\n")
    let bench = try Bench(text)
    bench.recorder.answer = { _ in nil }
    for delivery in 1...3 {
      #expect(
        try bench.event("twitch.message", #"{"username":"u\#(delivery)"}"#, delivery: UInt64(delivery)) == .pending)
    }
    #expect(bench.recorder.calls.count == 1)
    #expect(try bench.event("kafka.record", #"{"value":"other"}"#) == .done(nil))
    #expect(bench.recorder.lines == ["other"])
    var next = 0
    while next < bench.recorder.calls.count {
      let call = bench.recorder.calls[next]
      bench.recorder.reply(call, .success(call.method.hasSuffix("say") ? #"{"id":"\#(next)"}"# : "\(next)"))
      next += 1
    }
    #expect(
      bench.recorder.calls.filter { $0.method.hasSuffix("say") }.map(\.argument)
        == (1...3).map {
          #"{"channel":"x","text":"u\#($0)"}"#
        })
    #expect(bench.recorder.order == [1, 2, 3])
  }

  @Test func stateIsKept() throws {
    let text = botText("- stdout.write: \"${chat.connected} ${event.username}\"\n- stdout.write: ${chat.channels}")
    let bench = try Bench(text)
    #expect(bench.bot.program.subscriptions.map(\.topic) == ["twitch.message", "twitch.state"])
    #expect(bench.bot.program.subscriptions[1].isState)
    try bench.event("twitch.message", #"{"username":"a"}"#)
    #expect(try bench.event("twitch.state", #"{"connected":true,"channels":["x"]}"#) == .done(nil))
    try bench.event("twitch.message", #"{"username":"b"}"#)
    try bench.event("twitch.state", #"{"connected":false,"other":1}"#)
    try bench.event("twitch.message", #"{"username":"c"}"#)
    #expect(bench.recorder.lines == ["false a", "[]", "true b", #"["x"]"#, "false c", #"["x"]"#])
  }

  @Test func bounds() throws {
    let list = "[" + Array(repeating: "1", count: 1_100).joined(separator: ",") + "]"
    let endless = try Bench(
      botText(
        "- for: a\n  in: \(list)\n  do:\n    - for: b\n      in: \(list)\n      do:\n        - expect: ${a}\n        - expect: ${b}"
      ))
    guard case .done(let failure?) = try endless.event("twitch.message", "{}") else {
      Issue.record("it ended")
      return
    }
    #expect(failure.message.contains("did not end within"))
    let calls = try Bench(
      botText("- for: a\n  in: \(list)\n  do:\n    - for: b\n      in: \(list)\n      do: [{chat.join: \"${a}${b}\"}]"))
    guard case .done(let many?) = try calls.event("twitch.message", "{}") else {
      Issue.record("it ended")
      return
    }
    #expect(many.message.contains("more than 10000 calls"))
    #expect(calls.recorder.calls.count == 10_000)
  }

  @Test func secretsGoWhereTheyAreDeclared() throws {
    let bench = try Bench(botText("- chat.login: {password: \"oauth:${config.pass}\"}"), environment: ["PASS": "a\"b"])
    try bench.event("twitch.message", "{}")
    #expect(bench.recorder.calls.first?.argument == #"{"password":"oauth:a\"b"}"#)
  }

  /// Payloads that are no JSON, or not of the declared types, make fields missing and nothing worse.
  @Test func anyPayload() throws {
    let bench = try Bench(
      botText(
        """
        - stdout.write: "${event.username}${event.nested.deep.x}${event.tags.color}"
        - for: word
          in: ${event.words}
          do: [{stdout.write: "${word}"}]
        - expect: {value: "${event.message}", matches: x}
        - chat.join: ${event.channel}
        """))
    var state: UInt64 = 5
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    let seed = Array(Self.message.utf8)
    for _ in 0..<5_000 {
      var bytes = seed
      for _ in 0...random(5) {
        switch random(3) {
        case 0: bytes[random(bytes.count)] = UInt8(random(256))
        case 1: bytes.removeLast(random(bytes.count))
        default: bytes.insert([0x22, 0x5C, 0x7B, 0x5D, 0x2C][random(5)], at: random(bytes.count))
        }
        if bytes.isEmpty { bytes = [0x7B] }
      }
      let outcome = bytes.withUnsafeBytes { bench.runtime.deliver(subscription: 0, payload: $0, delivery: 1) }
      #expect(outcome == .done(nil))
    }
    #expect(bench.runtime.pendingCount == 0)
  }
}
