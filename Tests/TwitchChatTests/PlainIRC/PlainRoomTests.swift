import Testing

@testable import TwitchChat

/// Rooms of a plain server: invitations, being put out, who is an operator.
struct PlainRoomTests {
  @Test func `an invitation is told, and followed only where that is wanted`() throws {
    var ignoring = try Script.plain()
    ignoring.line(":ann!a@x INVITE yeti :#Cellar")
    #expect(ignoring.events() == [.invited(channel: "cellar", by: "ann")])
    #expect(ignoring.written() == [])

    var following = try Script.plain { $0.acceptsInvites = true }
    following.line(":ann!a@x INVITE yeti #Cellar")
    #expect(following.events() == [.invited(channel: "cellar", by: "ann")])
    #expect(following.written() == ["JOIN #cellar"])
    following.line(":yeti!y@x JOIN #cellar")
    #expect(following.session.state.rooms["#cellar"]?.membership == .joined)
    // Where it is already, it has nothing to do.
    following.line(":ann!a@x INVITE yeti #cellar")
    #expect(following.written() == [])
    // After the connection was lost it goes there again.
    following.input(.closed(reason: "reset", isFinal: false))
    following.input(.opened)
    following.line(":irc.test 001 yeti :Welcome")
    #expect(following.written().contains("JOIN #cellar"))
  }

  @Test(arguments: [
    ":ann!a@x INVITE bob #cellar", ":ann!a@x INVITE yeti cellar", ":ann!a@x INVITE yeti", "INVITE",
    ":ann!a@x INVITE yeti :",
  ])
  func `what is no invitation is none`(_ line: String) throws {
    var script = try Script.plain { $0.acceptsInvites = true }
    script.line(line)
    #expect(script.written() == [])
    #expect(script.events() == [])
  }

  @Test func `nobody can invite us into more rooms than are allowed`() throws {
    var script = try Script.plain {
      $0.acceptsInvites = true
      $0.maxChannels = 2
    }
    for number in 0..<50 { script.line(":ann!a@x INVITE yeti #room\(number)") }
    script.pass(60 * second)
    #expect(script.written().filter { $0.hasPrefix("JOIN") } == ["JOIN #room0", "JOIN #room1"])
    #expect(script.outputs.contains { if case .report(.warning, _) = $0 { true } else { false } })
  }

  @Test func `a kick is told with who and why, and we stay out`() throws {
    var script = try Script.plain(["#kitchen"])
    script.line(":bob!b@x KICK #Kitchen yeti :too loud")
    #expect(
      script.events() == [.kicked(channel: "kitchen", login: "yeti", isSelf: true, by: "bob", text: "too loud")])
    script.pass(600 * second)
    #expect(!script.written().contains { $0.hasPrefix("JOIN") })
    // A room that the configuration names is joined with the next connection, or when somebody wants us there.
    script.command(1, .join("kitchen"))
    #expect(script.written() == ["JOIN #kitchen"])
    script.line(":yeti!y@x JOIN #kitchen")
    script.line(":bob!b@x KICK #kitchen yeti")
    script.input(.closed(reason: "reset", isFinal: false))
    script.input(.opened)
    script.line(":irc.test 001 yeti :Welcome")
    #expect(script.written().contains("JOIN #kitchen"))
  }

  @Test func `a room that nobody has configured is forgotten after a kick`() throws {
    var script = try Script.plain { $0.acceptsInvites = true }
    script.line(":ann!a@x INVITE yeti #cellar")
    script.line(":yeti!y@x JOIN #cellar")
    script.line(":bob!b@x KICK #cellar yeti :no bots")
    #expect(script.session.state.rooms["#cellar"] == nil)
    _ = script.written()
    script.input(.closed(reason: "reset", isFinal: false))
    script.input(.opened)
    script.line(":irc.test 001 yeti :Welcome")
    #expect(!script.written().contains { $0.hasPrefix("JOIN") })
  }

  @Test func `somebody else is put out`() throws {
    var script = try Script.plain(["#kitchen"])
    script.line(":irc.test 353 yeti = #kitchen :yeti @bob ann")
    script.line(":bob!b@x KICK #kitchen ann :bye")
    #expect(script.events() == [.kicked(channel: "kitchen", login: "ann", isSelf: false, by: "bob", text: "bye")])
    #expect(script.session.state.rooms["#kitchen"]?.members == ["yeti", "bob"])
    #expect(script.session.state.rooms["#kitchen"]?.membership == .joined)
  }

  private func roles(_ script: Script, _ nick: String, _ room: String = "#kitchen") -> [String] {
    withLine(":\(nick)!x@x PRIVMSG \(room) :hi") { line in
      script.session.standing(of: IRCSource(line.source).nick, in: line.parameter(0) ?? .empty).roles
    } ?? []
  }

  @Test func `operators and those with a voice are known`() throws {
    var script = try Script.plain(["#kitchen"])
    script.line(":irc.test 353 yeti = #kitchen :yeti @bob +carl dave")
    #expect(roles(script, "bob") == ["op", "moderator"])
    #expect(roles(script, "BOB", "#KITCHEN") == ["op", "moderator"])
    #expect(roles(script, "carl") == ["voice"])
    #expect(roles(script, "dave") == [])
    #expect(roles(script, "bob", "#other") == [])
    script.line(":bob!b@x MODE #kitchen +o-o dave bob")
    #expect(roles(script, "dave") == ["op", "moderator"])
    #expect(roles(script, "bob") == [])
    #expect(script.session.state.rooms["#kitchen"]?.members == ["yeti", "bob", "carl", "dave"])
  }

  @Test func `modes with parameters of their own are passed over`() throws {
    var script = try Script.plain(["#kitchen"])
    script.line(":irc.test 005 yeti CHANMODES=IXbeg,k,FHJLdfjl,ACKM PREFIX=(qaohv)~&@%+ NICKLEN=30 :are supported")
    script.line(":bob!b@x MODE #kitchen +bklo-k+v-l *!*@spam key 5 ann key carl")
    #expect(roles(script, "ann") == ["op", "moderator"])
    #expect(roles(script, "carl") == ["voice"])
    script.line(":irc.test 353 yeti = #kitchen :~eve &fred %gus @+both")
    #expect(roles(script, "eve") == ["owner", "moderator"])
    #expect(roles(script, "fred") == ["admin", "moderator"])
    #expect(roles(script, "gus") == ["halfop"])
    #expect(roles(script, "both") == ["op", "voice", "moderator"])
    // A list that is sent again says what there is now.
    script.line(":irc.test 353 yeti = #kitchen :eve fred")
    #expect(roles(script, "eve") == [])
    // Too few parameters, and none.
    script.line(":bob!b@x MODE #kitchen +ooo gus")
    #expect(roles(script, "gus") == ["op", "halfop", "moderator"])
    script.line(":bob!b@x MODE #kitchen")
    script.line("MODE")
    script.line(":yeti MODE yeti :+i")
  }

  @Test(arguments: [
    ":bob!b@x PART #kitchen", ":bob!b@x QUIT :bye", ":carl!c@x KICK #kitchen bob", ":carl!c@x MODE #kitchen -o bob",
    ":yeti!y@x PART #kitchen", ":carl!c@x KICK #kitchen yeti",
  ])
  func `nobody stays an operator who is gone or is none any more`(_ line: String) throws {
    var script = try Script.plain(["#kitchen"])
    script.line(":irc.test 353 yeti = #kitchen :yeti @bob +carl")
    script.line(line)
    #expect(roles(script, "bob") == [])
    script.line(":bob!b@x JOIN #kitchen")
    #expect(roles(script, "bob") == [])
  }

  @Test func `an operator's standing goes with the nick, and ends with the connection`() throws {
    var script = try Script.plain(["#kitchen"])
    script.line(":irc.test 353 yeti = #kitchen :yeti @bob")
    script.line(":bob!b@x NICK :robert")
    #expect(roles(script, "robert") == ["op", "moderator"])
    #expect(roles(script, "bob") == [])
    #expect(script.session.state.rooms["#kitchen"]?.members == ["yeti", "robert"])
    try script.swap()
    #expect(roles(script, "robert") == ["op", "moderator"])
    script.input(.closed(reason: "reset", isFinal: false))
    #expect(roles(script, "robert") == [])
  }

  @Test func `what is remembered of operators is bounded`() throws {
    var script = try Script.plain(["#kitchen"]) { $0.maxMembers = 10 }
    for number in 0..<100 { script.line(":bob!b@x MODE #kitchen +o n\(number)") }
    for number in 0..<100 { script.line(":bob!b@x MODE #r\(number) +o ann") }
    #expect(script.session.state.plain?.standings["#kitchen"]?.count == 10)
    #expect(script.session.state.plain?.standings.count == 1)
  }

  @Test func `a room whose name begins with two signs keeps both`() throws {
    var script = try Script.plain(["##kitchen"])
    script.say(1, ChannelName(trusted: "##kitchen").bare, "hi")
    #expect(script.written() == ["PRIVMSG ##kitchen :hi"])
    #expect(ChannelName(trusted: "##kitchen").bare == "##kitchen")
    #expect(ChannelName(trusted: "#&x").bare == "#&x")
    #expect(ChannelName(trusted: "#kitchen").bare == "kitchen")
    #expect(ChannelName(trusted: "&local").bare == "&local")
    for name in ["##kitchen", "#&x", "#kitchen", "&local", "+x", "!x"] {
      #expect(try ChannelName(ChannelName(trusted: name).bare, strict: false).wire == name)
    }
    #expect(withLine(":a!a@a PRIVMSG ##kitchen :hi") { ChatLine($0)?.channel.string } == "##kitchen")
  }

  @Test func `a list of a room that we are not in is no way into it`() throws {
    var script = try Script.plain(["#kitchen"])
    script.line(":bob!b@x KICK #kitchen yeti")
    script.line(":irc.test 366 yeti #kitchen :End of /NAMES list.")
    #expect(script.session.state.rooms["#kitchen"]?.membership == .out)
  }
}
