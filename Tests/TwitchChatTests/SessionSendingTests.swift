import Testing

@testable import TwitchChat

struct SessionSendingTests {
  private func acknowledge(_ script: inout Script, _ id: String, _ channel: String = "taco", badges: String = "") {
    script.line("@badges=\(badges);id=\(id);mod=0 :tmi.twitch.tv USERSTATE #\(channel)")
  }

  @Test func `a message is sent when the server says so`() throws {
    var script = try Script.connected(["taco"])
    script.say(1, "#Taco", "hello there")
    #expect(script.written() == ["PRIVMSG #taco :hello there"])
    #expect(script.settled() == [:])
    acknowledge(&script, "m1")
    #expect(script.settled() == [1: .sent(channel: "taco", ids: ["m1"], parts: 1, isConfirmed: true)])
    guard case .sent(let sent)? = script.events().last else {
      Issue.record("no event")
      return
    }
    #expect(sent.raw == "PRIVMSG #taco :hello there")
    #expect(sent.id == "m1" && sent.isConfirmed && sent.text == "hello there")
  }

  @Test func `a text without a channel goes to the only one there is`() throws {
    var script = try Script.connected(["taco"])
    script.command(1, .say(channel: nil, text: "hello", replyTo: nil))
    #expect(script.written() == ["PRIVMSG #taco :hello"])
    script.command(2, .join("salsa"))
    script.command(3, .say(channel: nil, text: "hello", replyTo: nil))
    guard case .failed(let several)? = script.settled()[3] else {
      Issue.record("it cannot be known which")
      return
    }
    #expect(several.kind == .invalid && several.text.contains("#salsa, #taco"))

    var alone = try Script.connected([])
    alone.command(1, .say(channel: nil, text: "hello", replyTo: nil))
    guard case .failed(let none)? = alone.settled()[1] else {
      Issue.record("there is none")
      return
    }
    #expect(none.kind == .retry)
  }

  @Test func `silence is doubt, and is said`() throws {
    var script = try Script.connected(["taco"])
    script.say(1, "taco", "hello")
    script.pass(6 * second)
    guard case .unknown("taco", _)? = script.settled()[1] else {
      Issue.record("the end must be unknown")
      return
    }
    #expect(script.outputs.contains { if case .report(.warning, _) = $0 { true } else { false } })
  }

  @Test func `a lost connection leaves what is written in doubt and keeps the rest`() throws {
    var script = try Script.connected(["taco"])
    script.say(1, "taco", "one")
    script.say(2, "taco", "two")
    #expect(script.written() == ["PRIVMSG #taco :one"])
    script.input(.closed(reason: "reset", isFinal: false))
    guard case .unknown? = script.settled()[1] else {
      Issue.record("the first is unknown")
      return
    }
    script.input(.opened)
    script.line(":tmi.twitch.tv CAP * ACK :twitch.tv/membership twitch.tv/tags twitch.tv/commands")
    script.line(":tmi.twitch.tv 001 taco :Welcome")
    script.pass(2 * second)
    #expect(script.written().filter { $0.hasPrefix("PRIVMSG") } == ["PRIVMSG #taco :two"])
  }

  @Test(arguments: ["msg_rejected", "msg_r9k", "msg_bad_characters", "unrecognized_cmd", "msg_something_new"])
  func `a refused message fails`(_ id: String) throws {
    var script = try Script.connected(["taco"])
    script.say(1, "taco", "hello")
    script.line("@msg-id=\(id) :tmi.twitch.tv NOTICE #taco :No.")
    #expect(script.settled() == [1: .failed(CommandFailure(.refused, code: id, text: "No."))])
  }

  @Test func `a room that forbids us is left alone`() throws {
    var script = try Script.connected(["taco"])
    script.say(1, "taco", "one")
    script.say(2, "taco", "two")
    script.line("@msg-id=msg_banned :tmi.twitch.tv NOTICE #taco :You are banned.")
    let results = script.settled()
    #expect(results.keys.sorted() == [1, 2])
    script.say(3, "taco", "three")
    guard case .failed(let failure)? = script.settled()[3] else {
      Issue.record("the room is closed")
      return
    }
    #expect(failure.kind == .forbidden && failure.code == "msg_banned")
    #expect(script.written() == ["PRIVMSG #taco :one"])
    script.pass(601 * second)
    _ = script.written()
    script.say(4, "taco", "four")
    #expect(script.written().contains("PRIVMSG #taco :four"))
  }

  @Test func `a slow room is waited for`() throws {
    var script = try Script.connected(["taco"])
    script.say(1, "taco", "one")
    _ = script.written()
    script.line("@msg-id=msg_slowmode :t NOTICE #taco :You can talk again in 7 seconds.")
    #expect(script.settled() == [:])
    script.pass(6 * second)
    #expect(script.written() == [])
    script.pass(2 * second)
    #expect(script.written() == ["PRIVMSG #taco :one"])
    acknowledge(&script, "m")
    #expect(script.settled()[1] == .sent(channel: "taco", ids: ["m"], parts: 1, isConfirmed: true))
  }

  @Test func `a wait that is too long is the caller's`() throws {
    var script = try Script.connected(["taco"])
    script.say(1, "taco", "one")
    script.line("@msg-id=msg_timedout :t NOTICE #taco :You are timed out for 600 more seconds.")
    guard case .failed(let failure)? = script.settled()[1] else {
      Issue.record("the message must fail")
      return
    }
    #expect(failure.kind == .retry && failure.retryAfter == 600 * second)
  }

  @Test func `retries are bounded`() throws {
    var script = try Script.connected(["taco"])
    script.say(1, "taco", "one")
    var writes = 0
    for _ in 0..<10 {
      writes += script.written().filter { $0.hasPrefix("PRIVMSG") }.count
      script.line("@msg-id=msg_slowmode :t NOTICE #taco :1 second")
      script.pass(2 * second)
    }
    #expect(writes == 3)
    #expect(script.settled().count == 1)
  }

  @Test func `the server's rate limit stops everything for a window`() throws {
    var script = try Script.connected(["taco", "bell"])
    script.say(1, "taco", "one")
    script.line("@msg-id=msg_ratelimit :t NOTICE #taco :You are sending messages too quickly.")
    _ = script.written()
    script.say(2, "bell", "two")
    script.pass(30 * second)
    #expect(script.written() == [])
    script.pass(5 * second)
    #expect(script.written().count == 2)
  }

  @Test func `equal texts`() throws {
    for rule in [SessionConfiguration.DuplicateRule.refuse, .vary, .send] {
      var script = try Script.connected(["taco"]) { $0.duplicates = rule }
      script.say(1, "taco", "hi")
      acknowledge(&script, "1")
      _ = script.settled()
      script.pass(2 * second)
      script.say(2, "taco", "hi")
      let lines = script.written()
      switch rule {
      case .refuse:
        guard case .failed(let failure)? = script.settled()[2] else {
          Issue.record("must be refused")
          continue
        }
        #expect(failure.code == "msg_duplicate")
      case .vary: #expect(lines == ["PRIVMSG #taco :hi", "PRIVMSG #taco :hi \u{E0000}"])
      case .send: #expect(lines == ["PRIVMSG #taco :hi", "PRIVMSG #taco :hi"])
      }
      // Another text between, or half a minute, and it may be said again.
      script.pass(2 * second)
      script.say(3, "taco", "ho")
      script.pass(2 * second)
      _ = script.written()
      script.say(4, "taco", "hi")
      #expect(script.written() == ["PRIVMSG #taco :hi"])
      script.pass(31 * second)
      _ = script.written()
      script.say(5, "taco", "hi")
      #expect(script.written() == ["PRIVMSG #taco :hi"])
    }
  }

  @Test func `moderators may repeat themselves`() throws {
    var script = try Script.connected(["taco"])
    acknowledge(&script, "0", badges: "moderator/1")
    script.say(1, "taco", "hi")
    script.say(2, "taco", "hi")
    #expect(script.written() == ["PRIVMSG #taco :hi", "PRIVMSG #taco :hi"])
  }

  @Test func `a long text goes out in parts and is one command`() throws {
    var script = try Script.connected(["taco"])
    acknowledge(&script, "0", badges: "broadcaster/1")
    let text = (0..<300).map { "word\($0)" }.joined(separator: " ")
    script.say(1, "taco", text)
    let lines = script.written()
    #expect(lines.count == 5)
    #expect(lines.map { String($0.dropFirst("PRIVMSG #taco :".count)) }.joined(separator: " ") == text)
    for number in 0..<lines.count {
      #expect(script.settled() == [:])
      acknowledge(&script, "p\(number)", badges: "broadcaster/1")
    }
    #expect(
      script.settled() == [
        1: .sent(channel: "taco", ids: ["p0", "p1", "p2", "p3", "p4"], parts: 5, isConfirmed: true)
      ])
  }

  @Test func `when a part fails the others stay unsaid`() throws {
    var script = try Script.connected(["taco"])
    script.say(1, "taco", String(repeating: "word ", count: 300))
    _ = script.written()
    script.line("@msg-id=msg_rejected :t NOTICE #taco :No.")
    #expect(script.settled().count == 1)
    script.pass(10 * second)
    #expect(script.written() == [])
    #expect(script.session.state.queue.isEmpty)
  }

  @Test func `actions and replies`() throws {
    var script = try Script.connected(["taco"])
    script.say(1, "taco", "/me waves", replyTo: "abc 1;2")
    #expect(script.written() == [#"@reply-parent-msg-id=abc\s1\:2 PRIVMSG #taco :/me waves"#])
    script.say(2, "taco", "/me")
    guard case .failed? = script.settled()[2] else {
      Issue.record("an action needs a text")
      return
    }
    var plain = Script(SessionConfiguration(nick: "taco", hasToken: false, server: .irc))
    plain.input(.opened)
    plain.line(":irc.test 001 taco :Welcome")
    _ = plain.written()
    plain.say(1, "#c", "/me waves", replyTo: "x")
    #expect(plain.written() == ["PRIVMSG #c :\u{1}ACTION waves\u{1}"])
  }

  @Test func `no text can become a command`() throws {
    var script = try Script.connected(["taco"])
    script.say(1, "taco", "x\r\nQUIT :gone\r\n\u{0}")
    #expect(script.written() == ["PRIVMSG #taco :x QUIT :gone"])
    script.say(2, "taco\r\nQUIT", "x")
    script.say(3, "taco", "\r\n")
    script.command(4, .raw("PRIVMSG #taco :a\r\nQUIT"))
    #expect(script.settled().keys.sorted() == [2, 3, 4])
    #expect(script.written() == [])
  }

  @Test func `the queue is bounded`() throws {
    var script = try Script.connected(["taco"]) { $0.queueLimit = 3 }
    for number in 1...6 { script.say(CommandID(number), "taco", "text \(number)") }
    let results = script.settled()
    #expect(results.keys.sorted() == [5, 6])
    guard case .failed(let failure)? = results[5] else {
      Issue.record("must fail")
      return
    }
    #expect(failure.kind == .busy)
  }

  @Test func `a message does not wait for ever`() throws {
    var script = Script(SessionConfiguration(nick: "taco", hasToken: true, server: .twitch))
    script.say(1, "taco", "hi")
    script.pass(299 * second)
    #expect(script.settled() == [:])
    script.pass(2 * second)
    guard case .failed(let failure)? = script.settled()[1] else {
      Issue.record("must expire")
      return
    }
    #expect(failure.code == "expired")
  }

  @Test func `raw lines count against the limits`() throws {
    var script = try Script.connected(["taco"])
    for number in 1...25 { script.command(CommandID(number), .raw("PRIVMSG #taco :\(number)")) }
    #expect(script.written().count == 20)
    let failed = script.settled().values.filter { if case .failed = $0 { true } else { false } }
    #expect(failed.count == 5)
  }

  @Test func `the ordinary bucket holds 20 in half a minute`() throws {
    var script = try Script.connected(["a1", "a2", "a3", "a4", "a5"])
    for number in 0..<25 { script.say(CommandID(number + 1), "a\(number % 5 + 1)", "text \(number)") }
    var lines = script.written()
    for _ in 0..<29 {
      script.pass(second)
      lines += script.written().filter { $0.hasPrefix("PRIVMSG") }
      for room in 1...5 { acknowledge(&script, "x", "a\(room)") }
    }
    #expect(lines.count == 20)
    script.pass(10 * second)
    lines += script.written().filter { $0.hasPrefix("PRIVMSG") }
    #expect(lines.count == 25)
    #expect(Set(lines).count == 25)
  }
}
