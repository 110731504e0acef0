import Testing

@testable import TwitchChat

struct SessionRoomTests {
  @Test func `rooms of the configuration are joined once, when logged in`() throws {
    var script = Script(
      SessionConfiguration(
        nick: "taco", hasToken: true, server: .twitch, channels: [try ChannelName("a1", strict: true)]))
    script.command(1, .join("#A1"))
    script.input(.opened)
    _ = script.written()
    script.line(":tmi.twitch.tv 001 taco :Welcome")
    #expect(script.written() == ["JOIN #a1"])
    script.command(2, .join("a1"))
    #expect(script.written() == [])
    #expect(script.settled() == [:])
    script.enter("a1")
    #expect(script.settled() == [1: .done, 2: .done])
    #expect(script.events().contains(.joined(channel: "a1", login: "taco", isSelf: true)))
    script.command(3, .join("a1"))
    #expect(script.settled() == [3: .done])
    #expect(script.written() == [])
  }

  @Test func `joins keep within 20 in 10 seconds`() throws {
    var script = try Script.connected { $0.joinTime = 1000 * second }
    var times: [Int64] = []
    for number in 0..<50 { script.command(CommandID(number + 1), .join("room\(number)")) }
    for _ in 0..<400 {
      for line in script.written() where line.hasPrefix("JOIN") { times.append(script.now) }
      script.pass(second / 10)
    }
    #expect(times.count == 50)
    for (index, time) in times.enumerated() {
      #expect(times[index...].prefix { $0 < time + 10 * second }.count <= 20)
    }
  }

  @Test func `an unknown room times out and is reported`() throws {
    var script = try Script.connected()
    script.command(1, .join("nosuch"))
    script.pass(9 * second)
    #expect(script.settled() == [:])
    script.pass(2 * second)
    guard case .failed(let failure)? = script.settled()[1] else {
      Issue.record("the join must fail")
      return
    }
    #expect(failure.kind == .timeout)
    #expect(script.events().contains { if case .joinFailed("nosuch", "timeout", _) = $0 { true } else { false } })
    // It is tried again with the next connection, and a late answer counts.
    script.enter("nosuch")
    #expect(script.session.state.rooms["#nosuch"]?.membership == .joined)
  }

  @Test func `a suspended room fails at once`() throws {
    var script = try Script.connected()
    script.command(1, .join("gone"))
    script.line("@msg-id=msg_channel_suspended :tmi.twitch.tv NOTICE #gone :This channel has been suspended.")
    guard case .failed(let failure)? = script.settled()[1] else {
      Issue.record("the join must fail")
      return
    }
    #expect(failure.code == "msg_channel_suspended")
  }

  @Test(arguments: ["403", "471", "473", "474", "475"])
  func `a plain server's refusal fails the join`(_ numeric: String) {
    var script = Script(SessionConfiguration(nick: "taco", hasToken: false, server: .irc))
    script.input(.opened)
    script.line(":irc.test 001 taco :Welcome")
    script.command(1, .join("#closed"))
    script.line(":irc.test \(numeric) taco #closed :No")
    guard case .failed(let failure)? = script.settled()[1] else {
      Issue.record("the join must fail")
      return
    }
    #expect(failure.code == numeric)
  }

  @Test func `leaving`() throws {
    var script = try Script.connected(["taco"])
    script.command(1, .part("taco", reason: ""))
    #expect(script.written() == ["PART #taco"])
    #expect(script.settled() == [1: .done])
    script.line(":taco!taco@x PART #taco")
    #expect(script.events() == [.parted(channel: "taco", login: "taco", isSelf: true, reason: "")])
    #expect(script.session.state.rooms["#taco"] == nil)
  }

  @Test func `being put out is told, and mended by the next connection`() throws {
    var script = try Script.connected(["taco"])
    script.line(":taco!taco@x PART #taco")
    #expect(script.events() == [.parted(channel: "taco", login: "taco", isSelf: true, reason: "removed")])
    #expect(script.session.state.rooms["#taco"]?.isWanted == true)
    script.input(.closed(reason: "x", isFinal: false))
    script.input(.opened)
    script.line(":tmi.twitch.tv 001 taco :Welcome")
    #expect(script.written().contains("JOIN #taco"))
  }

  @Test func `members are known and bounded`() throws {
    var script = try Script.connected(["taco"]) { $0.maxMembers = 5 }
    script.line(":taco.tmi.twitch.tv 353 taco = #taco :taco ann @bob")
    script.line(":eve!eve@x JOIN #taco")
    #expect(script.session.state.rooms["#taco"]?.members == ["taco", "ann", "bob", "eve"])
    for number in 0..<10 { script.line(":u\(number)!u@x JOIN #taco") }
    #expect(script.session.state.rooms["#taco"]?.members.count == 5)
    script.line(":ann!ann@x PART #taco")
    script.line(":bob!bob@x QUIT :bye")
    #expect(script.session.state.rooms["#taco"]?.members.isDisjoint(with: ["ann", "bob"]) == true)
  }

  @Test func `modes are merged`() throws {
    var script = try Script.connected(["taco"])
    script.line("@slow=10 :tmi.twitch.tv ROOMSTATE #taco")
    guard case .roomState("taco", let change, let all)? = script.events().last else {
      Issue.record("no room state")
      return
    }
    #expect(change.slow == 10 && change.followersOnly == nil)
    #expect(all.slow == 10 && all.followersOnly == -1)
  }

  @Test func `only so many rooms`() throws {
    var script = try Script.connected { $0.maxChannels = 2 }
    script.command(1, .join("a1"))
    script.command(2, .join("a2"))
    script.command(3, .join("a3"))
    guard case .failed(let failure)? = script.settled()[3] else {
      Issue.record("the third join must fail")
      return
    }
    #expect(failure.kind == .busy)
    // Rooms where we are moderator do not count.
    script.enter("a1", rank: "moderator/1")
    script.command(4, .join("a3"))
    #expect(script.written().last == "JOIN #a3")
  }

  @Test func `copies of a shared message are dropped`() throws {
    var script = try Script.connected(["aa", "bb"])
    script.line("@id=1;source-id=s1 :a!a@a PRIVMSG #aa :hi")
    script.line("@id=2;source-id=s1 :a!a@a PRIVMSG #bb :hi")
    script.line("@id=3;source-id=s2 :a!a@a PRIVMSG #bb :hi")
    script.line("@id=4 :a!a@a PRIVMSG #aa :hi")
    script.line("@id=4 :a!a@a PRIVMSG #aa :hi")
    #expect(script.outputs.filter { $0 == .message }.count == 4)
  }

  @Test func `a shared message that comes again after a failure is no copy of itself`() throws {
    var script = try Script.connected(["aa"])
    script.line("@id=1;source-id=s1 :a!a@a PRIVMSG #aa :hi")
    script.line("@id=1;source-id=s1 :a!a@a PRIVMSG #aa :hi", again: true)
    #expect(script.outputs.filter { $0 == .message }.count == 2)
    script.line("@id=2;source-id=s1 :a!a@a PRIVMSG #aa :hi")
    #expect(script.outputs.filter { $0 == .message }.count == 2)
  }

  @Test func `a server cannot make us remember rooms without end`() throws {
    var script = try Script.connected()
    for number in 0..<3000 { script.line(":taco!taco@x JOIN #r\(number)") }
    #expect(script.session.state.rooms.count <= 1000)
  }
}
