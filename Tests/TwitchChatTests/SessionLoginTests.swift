import Testing

@testable import TwitchChat

struct SessionLoginTests {
  private func twitch(nick: String? = "Taco", token: Bool = true) -> SessionConfiguration {
    SessionConfiguration(nick: nick, hasToken: token, server: .twitch, strictNames: true)
  }

  @Test func `capabilities, password, nick, and connected at 001`() {
    var script = Script(twitch())
    script.input(.opened)
    #expect(
      script.written() == ["CAP REQ :twitch.tv/membership twitch.tv/tags twitch.tv/commands", "PASS", "NICK taco"])
    script.line(":tmi.twitch.tv CAP * ACK :twitch.tv/membership twitch.tv/tags twitch.tv/commands")
    #expect(script.events() == [])
    script.line(":tmi.twitch.tv 001 taco :Welcome, GLHF!")
    #expect(script.events() == [.connected(nick: "taco", server: .twitch, anonymous: false)])
    #expect(script.session.acknowledges)
    script.line("@display-name=Taco;user-id=5 :tmi.twitch.tv GLOBALUSERSTATE")
    #expect(script.session.state.displayName == "Taco")
    #expect(script.session.state.userID == "5")
  }

  @Test func `anonymous reading needs no password`() {
    var script = Script(twitch(nick: nil, token: false))
    script.input(.opened)
    let lines = script.written()
    #expect(lines.count == 2)
    #expect(lines.last?.wholeMatch(of: /NICK justinfan[0-9]{5}/) != nil)
    script.line(":tmi.twitch.tv 001 \(script.session.state.nick) :Welcome")
    #expect(script.events() == [.connected(nick: script.session.state.nick, server: .twitch, anonymous: true)])
    script.say(1, "taco", "hi")
    guard case .failed(let failure)? = script.settled()[1] else {
      Issue.record("an anonymous reader cannot speak")
      return
    }
    #expect(failure.code == "anonymous")
  }

  @Test(arguments: ["Login authentication failed", "Improperly formatted auth", "Login unsuccessful", "Invalid NICK"])
  func `a refused login is final`(_ text: String) {
    var script = Script(twitch())
    script.command(9, .join("taco"))
    script.say(8, "taco", "hi")
    script.input(.opened)
    script.line(":tmi.twitch.tv NOTICE * :\(text)")
    let events = script.events()
    #expect(events.contains(.failed(reason: text, isFinal: true)))
    #expect(script.outputs.contains(.close(reason: text)))
    #expect(script.settled().keys.sorted() == [8, 9])
    // Nothing that comes later wakes it up.
    script.outputs = []
    script.input(.closed(reason: "end of file", isFinal: false))
    script.input(.opened)
    script.pass(600 * second)
    #expect(script.outputs.isEmpty)
  }

  @Test func `a refused capability does not stop Twitch`() {
    var script = Script(twitch())
    script.input(.opened)
    script.line(":tmi.twitch.tv CAP * NAK :twitch.tv/membership twitch.tv/tags twitch.tv/commands")
    script.line(":tmi.twitch.tv 001 taco :Welcome")
    #expect(script.session.isConnected)
    // Nothing will be acknowledged, so what is written counts as sent.
    _ = script.written()
    script.say(1, "taco", "hi")
    #expect(script.written() == ["PRIVMSG #taco :hi"])
    #expect(script.settled()[1] == .sent(channel: "taco", ids: [], parts: 1, isConfirmed: false))
  }

  @Test func `an unknown server that grants capabilities is Twitch`() {
    var script = Script(SessionConfiguration(nick: "taco", hasToken: true))
    script.input(.opened)
    #expect(script.written().count == 3)
    script.line(":tmi.twitch.tv CAP * ACK :twitch.tv/membership twitch.tv/tags twitch.tv/commands")
    script.pass(3 * second)
    #expect(script.written() == [])
    script.line(":tmi.twitch.tv 001 taco :Welcome")
    #expect(script.events() == [.connected(nick: "taco", server: .twitch, anonymous: false)])
  }

  @Test(arguments: [
    ":irc.test CAP * NAK :twitch.tv/tags", ":irc.test 421 * CAP :Unknown command", ":irc.test 451 * :Not registered",
  ])
  func `an unknown server that refuses them is a plain one`(_ answer: String) {
    var script = Script(SessionConfiguration(nick: "Taco", hasToken: false))
    script.input(.opened)
    #expect(script.written() == [ChatSession.capabilityRequest, "NICK taco"])
    script.line(answer)
    #expect(script.written() == ["CAP END", "USER taco 0 * :taco"])
    script.line(":irc.test 001 taco :Welcome")
    #expect(script.events() == [.connected(nick: "taco", server: .irc, anonymous: false)])
    #expect(!script.session.acknowledges)
  }

  @Test func `a server that does not answer is a plain one after a while`() {
    var script = Script(SessionConfiguration(nick: "taco", hasToken: false))
    script.input(.opened)
    _ = script.written()
    script.pass(3 * second)
    #expect(script.written() == ["CAP END", "USER taco 0 * :taco"])
  }

  @Test func `a taken nick is changed on a plain server`() {
    var configuration = SessionConfiguration(nick: "taco", hasToken: false, server: .irc)
    configuration.channels = []
    var script = Script(configuration)
    script.input(.opened)
    #expect(script.written() == ["NICK taco", "USER taco 0 * :taco"])
    script.line(":irc.test 433 * taco :Nickname is already in use")
    #expect(script.written() == ["NICK taco_"])
    script.line(":irc.test 001 taco_ :Welcome")
    #expect(script.session.state.nick == "taco_")
  }

  @Test func `a login that is not answered is tried again`() {
    var script = Script(twitch())
    script.input(.opened)
    script.pass(21 * second)
    #expect(script.outputs.contains { if case .reconnect = $0 { true } else { false } })
  }

  @Test func `failing logins are spaced out`() {
    var script = Script(twitch())
    var waits: [Int64] = []
    for _ in 0..<10 {
      script.input(.opened)
      script.input(.closed(reason: "end of file", isFinal: false))
      for case .reconnect(let after, _) in script.outputs { waits.append(after) }
      script.outputs = []
    }
    #expect(waits.count == 9)
    for (index, wait) in waits.enumerated() {
      let base = min(60 * second, second << Int64(index))
      #expect(wait >= base && wait <= base + base / 4)
    }
    // A minute of quiet forgets it.
    script.input(.opened)
    script.line(":tmi.twitch.tv 001 taco :Welcome")
    script.now += 61 * second
    script.input(.closed(reason: "end of file", isFinal: false))
    #expect(!script.outputs.contains { if case .reconnect = $0 { true } else { false } })
    #expect(script.session.state.failedLogins == 0)
  }

  @Test func `pings are answered and sent`() throws {
    var script = try Script.connected()
    script.line("PING :tmi.twitch.tv")
    #expect(script.written() == ["PONG :tmi.twitch.tv"])
    script.pass(61 * second)
    #expect(script.written() == ["PING :bothost"])
    script.line(":tmi.twitch.tv PONG tmi.twitch.tv :bothost")
    script.pass(30 * second)
    #expect(!script.outputs.contains { if case .reconnect = $0 { true } else { false } })
    script.pass(45 * second)
    #expect(script.outputs.contains { if case .reconnect(0, _) = $0 { true } else { false } })
  }

  @Test func `any line is a sign of life`() throws {
    var script = try Script.connected()
    for _ in 0..<20 {
      script.pass(20 * second)
      script.line(":a!a@a PRIVMSG #c :hi")
    }
    #expect(script.written() == [])
  }

  @Test func `the server asks to reconnect`() throws {
    var script = try Script.connected(["taco", "bell"])
    script.line(":tmi.twitch.tv RECONNECT")
    #expect(script.events() == [.reconnect])
    #expect(script.outputs.contains { if case .succeed = $0 { true } else { false } })
    script.outputs = []
    script.input(.closed(reason: "reconnect", isFinal: false))
    script.input(.opened)
    script.line(":tmi.twitch.tv CAP * ACK :twitch.tv/membership twitch.tv/tags twitch.tv/commands")
    _ = script.written()
    script.line(":tmi.twitch.tv 001 taco :Welcome")
    #expect(script.written() == ["JOIN #taco", "JOIN #bell"])
  }

  @Test func `logins keep within the server's limit`() throws {
    var script = try Script.connected()
    for _ in 0..<19 {
      script.input(.closed(reason: "cut", isFinal: false))
      script.input(.opened)
      script.line(":tmi.twitch.tv 001 taco :Welcome")
    }
    #expect(script.written().filter { $0 == "PASS" }.count == 19)
    script.outputs = []
    script.input(.closed(reason: "cut", isFinal: false))
    script.input(.opened)
    #expect(script.written().isEmpty)
    let waits = script.outputs.compactMap { if case .reconnect(let after, _) = $0 { after } else { nil } }
    #expect(waits.last == 11 * second)
    script.now += 11 * second
    script.input(.opened)
    #expect(script.written().contains("PASS"))
  }

  @Test func `the password line`() {
    func line(_ secret: String, _ server: ServerKind) -> String? {
      var secret = secret
      return secret.withUTF8 { passwordLine(secret: UnsafeRawBufferPointer($0), server: server) }
        .map { String(decoding: $0, as: UTF8.self) }
    }
    #expect(line("abc", .twitch) == "PASS oauth:abc\r\n")
    #expect(line("oauth:abc\n", .twitch) == "PASS oauth:abc\r\n")
    #expect(line("pass word", .irc) == "PASS :pass word\r\n")
    #expect(line("word", .irc) == "PASS word\r\n")
    #expect(line("a\r\nQUIT", .irc) == nil)
    #expect(line("a b", .twitch) == nil)
    #expect(line(" \n", .twitch) == nil)
  }

  @Test func `which hosts are Twitch`() {
    #expect(SessionConfiguration.serverKind(host: "irc.chat.Twitch.tv") == .twitch)
    #expect(SessionConfiguration.serverKind(host: "nottwitch.tv") == nil)
    #expect(SessionConfiguration.serverKind(host: "127.0.0.1") == nil)
  }
}
