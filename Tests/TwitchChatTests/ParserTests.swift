import Testing

@testable import TwitchChat

struct ParserTests {
  @Test(
    arguments: [
      ("foo bar baz asdf", nil, "foo", ["bar", "baz", "asdf"]),
      (":coolguy foo bar baz :asdf quux", "coolguy", "foo", ["bar", "baz", "asdf quux"]),
      (":coolguy foo bar baz :", "coolguy", "foo", ["bar", "baz", ""]),
      (":coolguy foo bar baz ::asdf", "coolguy", "foo", ["bar", "baz", ":asdf"]),
      (":src AWAY ", "src", "AWAY", []),
      (":g 432  #momo :Erroneous Nickname: x", "g", "432", ["#momo", "Erroneous Nickname: x"]),
      (":s MODE #foo-bar +o foobar  ", "s", "MODE", ["#foo-bar", "+o", "foobar"]),
      (":cool\tguy foo bar\tbaz", "cool\tguy", "foo", ["bar\tbaz"]),
      ("PING :tmi.twitch.tv\r\n", nil, "PING", ["tmi.twitch.tv"]),
    ] as [(String, String?, String, [String])])
  func `a line falls into its parts`(_ input: String, _ source: String?, _ verb: String, _ parameters: [String]) throws
  {
    let message = try #require(IRCMessage(parsing: input))
    #expect(message.sourceText == source)
    #expect(message.verbText == verb)
    #expect(message.parameterTexts == parameters)
  }

  @Test(arguments: ["", "   ", "\r\n", "@a=b", "@a=b ", ":src", ":src ", "@a :src", "@a=b :src "])
  func `a line without a verb is none`(_ input: String) {
    #expect(IRCMessage(parsing: input) == nil)
  }

  @Test(
    arguments: [
      (#"@foo=\\\\\:\\s\s\r\n COMMAND"#, "foo", "\\\\;\\s \r\n"),
      (#"@tag1=value\\ntest C"#, "tag1", "value\\ntest"),
      (#"@tag1=value\1 C"#, "tag1", "value1"),
      (#"@tag1=value1\ C"#, "tag1", "value1"),
      ("@tag1=1;tag2=3;tag1=5 C", "tag1", "5"),
      ("@a;b= C", "a", ""),
      ("@a;b= C", "b", ""),
      ("@vendor/x=1;x=2 C", "vendor/x", "1"),
      ("@x=a=b C", "x", "a=b"),
    ])
  func `tag values are unescaped and the last one counts`(_ input: String, _ name: String, _ value: String) throws {
    let message = try #require(IRCMessage(parsing: input))
    #expect(message[tag: name] == value)
  }

  @Test func `tags are found by name without a copy`() {
    withLine("@mod=0;id=abc;mod=1;sub :x PRIVMSG #c :hi") { line in
      #expect(line.tag("mod")?.string == "1")
      #expect(line.tag("id")?.string == "abc")
      #expect(line.tag("sub")?.isEmpty == true)
      #expect(line.tag("i") == nil)
      #expect(line.tagInteger("mod") == 1)
      #expect(line.lastParameter?.string == "hi")
      #expect(line.parameter(0)?.string == "#c")
      #expect(line.parameter(2) == nil)
    }
  }

  @Test(
    arguments: [
      ("coolguy", "coolguy", "", ""), ("coolguy!ag@127.0.0.1", "coolguy", "ag", "127.0.0.1"),
      ("coolguy@host", "coolguy", "", "host"), ("coolguy!ag", "coolguy", "ag", ""), ("a@b!c", "a", "", "b!c"),
    ])
  func `a source falls into nick, user and host`(_ source: String, _ nick: String, _ user: String, _ host: String) {
    withLine(":\(source) X") { line in
      let parts = IRCSource(line.source)
      #expect(parts.nick.string == nick)
      #expect(parts.user.string == user)
      #expect(parts.host.string == host)
    }
  }

  @Test func `masks know only stars and question marks`() {
    #expect(IRCMask("cool[guy]!*@*").matches("cool[guy]!guy@127.0.0.1"))
    #expect(!IRCMask("cool[guy]!*@*").matches("coolg!ab@127.0.0.1"))
    #expect(IRCMask("cool!a?*@*").matches("cool!ab@127.0.0.1"))
    #expect(!IRCMask("cool!a?*@*").matches("cool!a@127.0.0.1"))
    #expect(IRCMask("*").matches(""))
    #expect(!IRCMask("?").matches(""))
    #expect(IRCMask("*a*b*c").matches("xxaxxbxxbxxc"))
    #expect(!IRCMask("*a*b*c").matches("xxaxxbxxbxx"))
    // A mask that would take for ever if it were tried in all ways.
    #expect(!IRCMask(String(repeating: "*a", count: 60)).matches(String(repeating: "a", count: 59)))
  }

  @Test func `host names`() {
    for good in ["irc.example.com", "324.net.uk", "xn--bcher-kva.ch", "services."] {
      #expect(IRCHostname.isValid(good))
    }
    for bad in ["-lol-.net.uk", "_irc.net", "irc", "", " ", "example. net", "example.org ", "."] {
      #expect(!IRCHostname.isValid(bad), "\(bad)")
    }
  }

  @Test func `numbers of tags`() {
    func number(_ text: String) -> Int64? {
      var text = text
      return text.withUTF8 { ByteView(UnsafeRawBufferPointer($0)).integer }
    }
    #expect(number("0") == 0)
    #expect(number("-1") == -1)
    #expect(number("1700000000000") == 1_700_000_000_000)
    #expect(number("9223372036854775807") == Int64.max)
    #expect(number("-9223372036854775808") == Int64.min)
    #expect(number("9223372036854775808") == nil)
    for bad in ["", "-", "1a", "+1", " 1", "99999999999999999999999"] { #expect(number(bad) == nil) }
  }

  @Test func `what cannot stand on a line is refused`() {
    #expect(throws: IRCMessage.WireError.parameterMustBeLast(index: 0)) {
      try IRCMessage("PRIVMSG", "#a b", "hi").serialized()
    }
    #expect(throws: IRCMessage.WireError.parameterMustBeLast(index: 0)) { try IRCMessage("X", "", "y").serialized() }
    #expect(throws: IRCMessage.WireError.self) { try IRCMessage("PRIVMSG", "#a", "hi\r\nQUIT").serialized() }
    #expect(throws: IRCMessage.WireError.self) { try IRCMessage("", "#a").serialized() }
    #expect(throws: IRCMessage.WireError.self) { try IRCMessage(":x").serialized() }
    #expect(throws: IRCMessage.WireError.self) { try IRCMessage("X", tags: [("a b", "c")]).serialized() }
  }

  // MARK: Properties

  /// Bytes that mean something to the grammar come often.
  private func randomBytes(_ dice: inout Dice, upTo limit: Int) -> [UInt8] {
    let special: [UInt8] = [0x20, 0x3A, 0x40, 0x3B, 0x3D, 0x5C, 0x0D, 0x0A, 0x00, 0x01, 0x21, 0x2C, 0x2F, 0x2D, 0x23]
    return (0..<Int.random(in: 0...limit, using: &dice)).map { _ in
      Bool.random(using: &dice)
        ? special[Int.random(in: 0..<special.count, using: &dice)] : UInt8.random(in: 0...255, using: &dice)
    }
  }

  /// Reads all that there is to read; a mistake in a range traps.
  private func readEverything(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { buffer in
      guard let line = IRCLine(buffer) else { return }
      #expect(!line.verb.isEmpty)
      for tag in line.tags { #expect(!tag.name.isEmpty) }
      _ = IRCMessage(line)
      if let chat = ChatLine(line) {
        _ = EmoteUse.all(tag: chat.emotes, text: chat.text)
        for badge in Badges(chat.badges) { _ = badge.set.string }
        _ = chat.isBroadcaster
      }
      _ = UserNotice(line)
      _ = ClearChat(line)
      _ = ClearMessage(line)
      _ = OwnState(line).rank
      _ = RoomModes(line)
    }
  }

  @Test func `random bytes never trap`() {
    var dice = Dice(1)
    for _ in 0..<20_000 { readEverything(randomBytes(&dice, upTo: 120)) }
  }

  @Test func `mutated lines never trap`() {
    let seeds = [
      "@badges=broadcaster/1,vip/1;emotes=25:0-4,6-10/1902:12-16;id=x;mod=1;tmi-sent-ts=1 :a!a@a PRIVMSG #c :Kappa Kappa Keepo",
      "@emotes=emotesv2_ab:0-3 :a!a@a PRIVMSG #c :\u{1}ACTION waves 👉\u{1}",
      "@msg-id=sub;system-msg=a\\sb;msg-param-months=3 :tmi.twitch.tv USERNOTICE #c :hello",
      "@ban-duration=600 :tmi.twitch.tv CLEARCHAT #c :bob",
    ].map { Array($0.utf8) }
    var dice = Dice(2)
    for round in 0..<20_000 {
      var bytes = seeds[round % seeds.count]
      for _ in 0..<Int.random(in: 1...6, using: &dice) {
        let at = Int.random(in: 0..<bytes.count, using: &dice)
        switch Int.random(in: 0..<4, using: &dice) {
        case 0: bytes[at] = UInt8.random(in: 0...255, using: &dice)
        case 1: if bytes.count > 1 { bytes.remove(at: at) }
        case 2: bytes.insert(bytes[Int.random(in: 0..<bytes.count, using: &dice)], at: at)
        default: if bytes.count > 1 { bytes.removeSubrange(at..<min(bytes.count, at + 5)) }
        }
        if bytes.isEmpty { bytes = [0x41] }
      }
      readEverything(bytes)
    }
  }

  @Test func `parsing what was serialized gives the same message`() throws {
    var dice = Dice(3)
    var compared = 0
    for _ in 0..<20_000 {
      func word(_ limit: Int) -> [UInt8] { randomBytes(&dice, upTo: limit) }
      var tags: [IRCMessage.Tag] = []
      for _ in 0..<Int.random(in: 0...4, using: &dice) {
        let name = word(5)
        if !tags.contains(where: { $0.name == name }) { tags.append(IRCMessage.Tag(name: name, value: word(12))) }
      }
      let message = IRCMessage(
        tags: tags, source: Bool.random(using: &dice) ? word(9) : nil, verb: word(4),
        parameters: (0..<Int.random(in: 0...4, using: &dice)).map { _ in word(8) })
      guard let line = try? message.serialized() else { continue }
      compared += 1
      #expect(IRCMessage(parsing: line) == message)
      #expect(!line.contains(0x0A) && !line.contains(0x0D))
    }
    #expect(compared > 200)
  }
}
