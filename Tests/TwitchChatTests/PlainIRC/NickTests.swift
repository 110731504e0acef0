import Testing

@testable import TwitchChat

/// Nicks on a plain server: those that are taken, and those that change.
struct NickTests {
  @Test func `the next nick`() {
    #expect(NickName.next(after: "taco") == "taco_")
    #expect(NickName.next(after: "taco____") == "taco_____")
    #expect(NickName.next(after: "taco_____") == "taco____0")
    #expect(NickName.next(after: "taco____0") == "taco____1")
    #expect(NickName.next(after: "taco____9") == "taco___00")
    #expect(NickName.next(after: "taco___09") == "taco___10")
    #expect(NickName.next(after: "taco___99") == "taco__000")
    #expect(NickName.next(after: "a_long_nick_of_a_bot") == "a_long_nick_of_a_bo0")
    #expect(NickName.next(after: "a00000009") == "a00000010")
    #expect(NickName.next(after: "a99999999") == nil)
    #expect(NickName.next(after: "999999999") == nil)
    #expect(NickName.next(after: "") == "_")
  }

  /// Logs in where the first so many nicks are taken; returns those that were tried.
  private func logIn(_ script: inout Script, taken: Int, code: String = "433") -> [String] {
    script.input(.opened)
    var tried: [String] = []
    for _ in 0..<20 {
      let nicks = script.written().filter { $0.hasPrefix("NICK ") }.map { String($0.dropFirst(5)) }
      tried += nicks
      guard let nick = nicks.last, tried.count <= taken else { break }
      script.line(":irc.test \(code) * \(nick) :Nickname is already in use")
    }
    return tried
  }

  @Test(arguments: ["433", "436", "437"])
  func `a taken nick gets a line behind it, then a number`(_ code: String) {
    var script = Script(SessionConfiguration(nick: "yetibot", hasToken: false, server: .irc))
    #expect(
      logIn(&script, taken: 5, code: code) == [
        "yetibot", "yetibot_", "yetibot__", "yetibot_0", "yetibot_1", "yetibot_2",
      ])
    script.line(":irc.test 001 yetibot_2 :Welcome")
    #expect(script.session.state.nick == "yetibot_2")
    script.line(":ann!a@x PRIVMSG yetibot_2 :hi")
    #expect(script.events().contains { if case .whisper = $0 { true } else { false } })
  }

  @Test func `the tries are bounded, and begin anew after a while`() {
    var script = Script(SessionConfiguration(nick: "yetibot", hasToken: false, server: .irc))
    #expect(logIn(&script, taken: 100).count == 11)
    let pauses = script.outputs.compactMap { if case .reconnect(let after, _) = $0 { after } else { nil } }
    #expect(pauses == [30 * second])
    script.outputs = []
    script.input(.closed(reason: "local", isFinal: false))
    #expect(logIn(&script, taken: 1) == ["yetibot", "yetibot_"])
  }

  @Test func `the nick that we want is taken as soon as it is free`() {
    var script = Script(SessionConfiguration(nick: "yeti", hasToken: false, server: .irc))
    _ = logIn(&script, taken: 1)
    script.line(":irc.test 001 yeti_ :Welcome")
    #expect(script.written() == [])
    // Asked for now and then, and quietly.
    script.pass(61 * second)
    #expect(script.written().filter { $0.hasPrefix("NICK") } == ["NICK yeti"])
    script.line(":irc.test 433 yeti_ yeti :Nickname is already in use")
    #expect(script.session.state.nick == "yeti_")
    script.pass(30 * second)
    #expect(script.written().filter { $0.hasPrefix("NICK") } == [])
    // At once when whoever had it is seen to go.
    script.line(":yeti!y@x QUIT :Ping timeout")
    #expect(script.written() == ["NICK yeti"])
    script.line(":yeti_!y@x NICK :yeti")
    #expect(script.events().contains(.renamed(nick: "yeti")))
    #expect(script.session.state.nick == "yeti")
    script.pass(300 * second)
    #expect(script.written().filter { $0.hasPrefix("NICK") } == [])
  }

  @Test func `a nick that the server has given us is not fought`() throws {
    var script = try Script.plain(["#kitchen"])
    script.line(":yeti!y@x NICK :Guest42")
    #expect(script.events() == [.renamed(nick: "Guest42")])
    #expect(script.session.state.nick == "Guest42")
    #expect(script.session.state.rooms["#kitchen"]?.membership == .joined)
    #expect(script.session.state.rooms["#kitchen"]?.members == ["Guest42"])
    script.pass(600 * second)
    #expect(script.written().filter { $0.hasPrefix("NICK") } == [])
    script.line(":ann!a@x PRIVMSG guest42 :hi")
    #expect(script.events().contains { if case .whisper = $0 { true } else { false } })
    script.line(":bob!b@x KICK #kitchen Guest42")
    #expect(script.session.state.rooms["#kitchen"]?.membership == .out)
  }

  @Test func `a nick with another case is the same one`() {
    #expect(NickName.folded("Ann[1]") == "ann[1]")
  }

  @Test func `why the server ends the connection is told`() throws {
    var script = try Script.plain()
    script.line("ERROR :Closing link: (yeti@x) [K-lined: no bots]")
    script.input(.closed(reason: "end of file", isFinal: false))
    #expect(
      script.events() == [
        .failed(reason: "end of file: Closing link: (yeti@x) [K-lined: no bots]", isFinal: false)
      ])
    // The next login says whether that is for good.
    script.input(.opened)
    script.line(":irc.test 465 yeti :You are banned from this server")
    #expect(
      script.events().contains(.failed(reason: "login refused: You are banned from this server", isFinal: true)))
  }
}
