import Foundation
import Testing

@testable import TwitchChat

struct SessionHandoverTests {
  private func throughJSON(_ state: SessionState) throws -> SessionState {
    try JSONDecoder().decode(SessionState.self, from: JSONEncoder().encode(state))
  }

  @Test func `state survives its text form`() throws {
    var script = try Script.connected(["taco", "bell"])
    for number in 0..<30 { script.say(CommandID(number + 1), "taco", "text \(number)") }
    script.line("@id=1;source-id=s1 :a!a@a PRIVMSG #taco :hi")
    script.command(99, .join("later"))
    script.line("@slow=3 :t ROOMSTATE #taco")
    let state = script.session.state
    #expect(try throughJSON(state) == state)
  }

  @Test func `what is written is acknowledged to the next session, what waits is sent by it`() throws {
    var script = try Script.connected(["taco"])
    script.say(1, "taco", "one")
    script.say(2, "taco", "two")
    #expect(script.written() == ["PRIVMSG #taco :one"])
    try script.swap(throughJSON)
    // No login, no JOIN: the connection is the same.
    #expect(script.written() == [])
    script.line("@id=m1 :tmi.twitch.tv USERSTATE #taco")
    #expect(script.settled() == [1: .sent(channel: "taco", ids: ["m1"], parts: 1, isConfirmed: true)])
    script.pass(2 * second)
    #expect(script.written() == ["PRIVMSG #taco :two"])
  }

  @Test func `the limits go along`() throws {
    var script = try Script.connected(["a1", "a2", "a3", "a4", "a5"])
    for number in 0..<20 {
      script.command(0, .raw("PRIVMSG #a1 :\(number)"))
    }
    #expect(script.written().count == 20)
    try script.swap(throughJSON)
    script.say(1, "a2", "more")
    script.pass(28 * second)
    #expect(script.written().filter { $0.hasPrefix("PRIVMSG") } == [])
    script.pass(10 * second)
    #expect(script.written().contains("PRIVMSG #a2 :more"))
  }

  @Test func `callers are let go, and untouched texts can be taken back`() throws {
    var script = try Script.connected(["taco"])
    script.say(1, "taco", "one")
    script.say(2, "taco", "two")
    script.command(3, .join("nosuch"))
    let detached = script.session.detachCommands()
    #expect(detached.map(\.id) == [1, 2, 3])
    #expect(detached.map(\.isUntouched) == [false, true, false])
    for command in detached { script.session.withdraw(command) }
    try script.swap(throughJSON)
    _ = script.written()
    script.line("@id=m1 :tmi.twitch.tv USERSTATE #taco")
    // The first is still told to the world, and nobody waits for it.
    #expect(script.events().contains { if case .sent(let sent) = $0 { sent.id == "m1" } else { false } })
    #expect(script.settled() == [:])
    script.pass(5 * second)
    #expect(script.written() == [])
  }

  @Test func `another configuration joins and leaves`() throws {
    var script = try Script.connected(["aa", "bb"])
    var configuration = script.session.configuration
    configuration.channels = [try ChannelName("bb", strict: true), try ChannelName("cc", strict: true)]
    script.session.reconfigure(configuration, now: script.now, into: &script.outputs)
    #expect(script.written() == ["PART #aa", "JOIN #cc"])
  }

  /// A swap at any moment changes nothing that the server or a caller could see.
  @Test(arguments: 1...20)
  func `a swap at any moment cannot be seen`(_ seed: UInt64) throws {
    func run(swapping: Bool) throws -> [SessionOutput] {
      var dice = Dice(seed)
      var script = try Script.connected(["aa", "bb"])
      var id: CommandID = 1
      for _ in 0..<150 {
        switch Int.random(in: 0..<12, using: &dice) {
        case 0...3:
          script.say(id, ["aa", "bb"][Int(id % 2)], "text \(id)")
          id += 1
        case 4, 5: script.line("@id=x\(id) :t USERSTATE #aa")
        case 6: script.line("@id=y\(id) :t USERSTATE #bb")
        case 7: script.line("@msg-id=msg_slowmode :t NOTICE #aa :2 seconds")
        case 8:
          script.command(id, .join("room\(id)"))
          id += 1
        case 9: script.line("@source-id=\(id % 3) :a!a@a PRIVMSG #aa :hi")
        case 10:
          if Int.random(in: 0..<5, using: &dice) == 0 {
            script.input(.closed(reason: "x", isFinal: false))
            script.input(.opened)
            script.line(":tmi.twitch.tv CAP * ACK :twitch.tv/membership twitch.tv/tags twitch.tv/commands")
            script.line(":tmi.twitch.tv 001 taco :Welcome")
          }
        default: break
        }
        script.pass(Int64.random(in: 0...(3 * second), using: &dice))
        if swapping, Int.random(in: 0..<2, using: &dice) == 0 {
          try script.swap(throughJSON)
        } else if !swapping {
          _ = Int.random(in: 0..<2, using: &dice)
        }
      }
      // The timer is set anew by a swap; nothing else may differ.
      return script.outputs.filter { if case .wake = $0 { false } else { true } }
    }
    #expect(try run(swapping: true) == run(swapping: false))
  }

  @Test func `equal inputs give equal outputs`() throws {
    func run() throws -> [SessionOutput] {
      var script = Script(SessionConfiguration(nick: nil, hasToken: false, server: .twitch), seed: 42)
      for _ in 0..<5 {
        script.input(.opened)
        script.pass(second)
        script.input(.closed(reason: "x", isFinal: false))
      }
      return script.outputs
    }
    #expect(try run() == run())
  }

  /// Whatever a server sends, the session goes on: it neither traps nor writes a line with a line end inside.
  @Test(arguments: 1...8)
  func `no server can break it`(_ seed: UInt64) throws {
    var dice = Dice(seed)
    let verbs = [
      "PING", "PONG", "CAP", "NOTICE", "JOIN", "PART", "KICK", "QUIT", "NICK", "USERSTATE", "GLOBALUSERSTATE",
      "ROOMSTATE",
      "USERNOTICE", "CLEARCHAT", "CLEARMSG", "WHISPER", "RECONNECT", "ERROR", "PRIVMSG", "001", "353", "366", "403",
      "404",
      "421", "433", "464", "999",
    ]
    let words = ["#taco", "taco", "*", "ACK", "NAK", ":", ":a b", "=", "#x", "\r", "\u{0}", "é", "", "-1", ":+o \u{1}"]
    let tags = ["@msg-id=msg_banned", "@id=1", "@slow=99999999999999", "@mod=1", "@badges=,/,", "@emotes=::", ""]
    var script = try Script.connected(["taco"])
    for step in 0..<3000 {
      let parameters = (0..<Int.random(in: 0...4, using: &dice)).map { _ in
        words[Int.random(in: 0..<words.count, using: &dice)]
      }
      let line =
        "\(tags[Int.random(in: 0..<tags.count, using: &dice)]) "
        + "\([":taco!t@h", ":x!y@z", ":tmi.twitch.tv", ""][Int.random(in: 0..<4, using: &dice)]) "
        + "\(verbs[Int.random(in: 0..<verbs.count, using: &dice)]) \(parameters.joined(separator: " "))"
      script.line(line)
      if step % 7 == 0 { script.say(0, "taco", "t\(step)") }
      script.pass(Int64.random(in: 0...second, using: &dice))
      if script.session.state.phase == .failed || step % 100 == 0 {
        script = try Script.connected(["taco"])
      }
      for case .write(let bytes) in script.outputs {
        #expect(bytes.suffix(2) == [0x0D, 0x0A])
        #expect(!bytes.dropLast(2).contains { $0 == 0x0D || $0 == 0x0A || $0 == 0 })
      }
      script.outputs = []
    }
  }
}
