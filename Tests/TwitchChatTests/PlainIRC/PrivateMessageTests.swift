import Testing

@testable import TwitchChat

/// Messages between one person and the bot alone, on a plain server.
struct PrivateMessageTests {
  @Test func `a message to us alone is a whisper`() throws {
    var script = try Script.plain()
    script.line(":ann!a@x PRIVMSG Yeti :!help me")
    #expect(
      script.events() == [.whisper(Whisper(login: "ann", displayName: "ann", userID: "", id: "", text: "!help me"))])
    script.line(":ann!a@x PRIVMSG yeti :\u{1}ACTION waves\u{1}")
    script.line(":ann!a@x PRIVMSG yeti :\u{2}!help\u{F}")
    let texts = script.events().map { if case .whisper(let whisper) = $0 { whisper.text } else { "" } }
    #expect(texts == ["waves", "!help"])
    #expect(!script.outputs.contains(.message))
  }

  @Test(arguments: [
    ":ann!a@x PRIVMSG @#kitchen :for operators", ":oper!o@x PRIVMSG $*.example :to all", ":ann!a@x PRIVMSG bob :hi",
    ":yeti!y@x PRIVMSG yeti :to myself", ":yeti!y@x PRIVMSG #kitchen :from another program of mine",
    ":ann!a@x PRIVMSG yeti :\u{1}VERSION\u{1}", ":ann!a@x PRIVMSG #kitchen :\u{1}PING 1\u{1}",
    ":ann!a@x PRIVMSG yeti :\u{1}DCC SEND x 1 2 3\u{1}", ":ann!a@x NOTICE yeti :!help",
    ":ann!a@x NOTICE #kitchen :!help",
    ":ann!a@x NOTICE yeti :\u{1}VERSION bot\u{1}",
  ])
  func `what is no talk with us is not shown as talk, and nothing answers it`(_ line: String) throws {
    var script = try Script.plain(["#kitchen"])
    script.line(line)
    #expect(script.written() == [])
    #expect(!script.outputs.contains(.message))
    #expect(!script.events().contains { if case .whisper = $0 { true } else { false } })
  }

  @Test func `a text to one person`() throws {
    var script = try Script.plain()
    script.command(1, .tell("Ann", text: "the answer"))
    #expect(script.written() == ["PRIVMSG Ann :the answer"])
    #expect(script.settled() == [1: .sent(channel: "Ann", ids: [], parts: 1, isConfirmed: false)])
    guard case .sent(let sent)? = script.events().last else {
      Issue.record("no event")
      return
    }
    #expect(sent.isPrivate && sent.channel == "Ann")
    // It is nothing that the bot is in.
    #expect(script.session.state.rooms.isEmpty)
    script.command(2, .tell("ann", text: "/me waves"))
    #expect(script.written() == ["PRIVMSG ann :\u{1}ACTION waves\u{1}"])
  }

  @Test func `a room is not private`() throws {
    var script = try Script.plain(["#kitchen"])
    script.say(1, "kitchen", "hi")
    guard case .sent(let sent)? = script.events().last else {
      Issue.record("no event")
      return
    }
    #expect(!sent.isPrivate && sent.channel == "kitchen")
  }

  @Test(arguments: [
    "", "#kitchen", "&local", "ann,bob", "ann bob", "ann\r\nQUIT", "ann\u{0}", "$*.example", "@#kitchen", ":ann", "an*",
    "ann@host", String(repeating: "a", count: 65),
  ])
  func `only one person can be told something`(_ nick: String) throws {
    var script = try Script.plain()
    script.command(1, .tell(nick, text: "psst"))
    guard case .failed(let failure)? = script.settled()[1] else {
      Issue.record("must be refused")
      return
    }
    #expect(failure.kind == .invalid && failure.code == "invalid_nick")
    #expect(script.written() == [])
  }

  @Test func `Twitch carries none`() throws {
    var script = try Script.connected(["taco"])
    script.command(1, .tell("ann", text: "psst"))
    guard case .failed(let failure)? = script.settled()[1] else {
      Issue.record("must be refused")
      return
    }
    #expect(failure.kind == .refused && failure.text.contains("Twitch carries no private messages over IRC"))
    #expect(script.written() == [])
    // Its own word for them still comes in.
    script.line("@user-id=9;message-id=3;display-name=Ann :ann!a@a WHISPER taco :psst")
    #expect(
      script.events() == [.whisper(Whisper(login: "ann", displayName: "Ann", userID: "9", id: "3", text: "psst"))])
  }

  @Test func `before it is known which server it is, there is time`() {
    var script = Script(SessionConfiguration(nick: "yeti", hasToken: false))
    script.command(1, .tell("ann", text: "psst"))
    guard case .failed(let failure)? = script.settled()[1] else {
      Issue.record("must be asked again")
      return
    }
    #expect(failure.kind == .retry)
    script.input(.opened)
    script.line(":irc.test 421 * CAP :Unknown command")
    script.line(":irc.test 001 yeti :Welcome")
    script.input(.closed(reason: "reset", isFinal: false))
    // What it was, it will be again.
    script.command(2, .tell("ann", text: "one\ntwo"))
    #expect(script.settled() == [:])
    _ = script.written()
    script.input(.opened)
    script.line(":irc.test 421 * CAP :Unknown command")
    script.line(":irc.test 001 yeti :Welcome")
    #expect(script.written().suffix(2) == ["PRIVMSG ann :one", "PRIVMSG ann :two"])
  }

  @Test func `equal texts may be repeated where no server minds`() throws {
    var script = try Script.plain()
    script.command(1, .tell("ann", text: "ok"))
    script.command(2, .tell("ann", text: "ok"))
    #expect(script.written() == ["PRIVMSG ann :ok", "PRIVMSG ann :ok"])
  }

  @Test(arguments: ["401", "404"])
  func `what waits for somebody who is not there is not sent`(_ code: String) throws {
    var script = try Script.plain()
    let target = code == "401" ? "Ann" : "#kitchen"
    let long = (1...20).map { "line \($0)" }.joined(separator: "\n")
    if code == "401" { script.command(1, .tell("ann", text: long)) } else { script.say(1, "kitchen", long) }
    script.command(2, .tell("bob", text: "other"))
    _ = script.written()
    script.line(":irc.test \(code) yeti \(target) :No such nick")
    guard case .failed(let failure)? = script.settled()[1] else {
      Issue.record("the rest must fail")
      return
    }
    #expect(failure.kind == .forbidden && failure.code == code)
    script.pass(60 * second)
    #expect(script.written() == ["PRIVMSG bob :other"])
    #expect(script.session.state.queue.isEmpty)
  }
}
