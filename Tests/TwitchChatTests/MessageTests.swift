import Testing

@testable import TwitchChat

struct MessageTests {
  @Test func `a message with all its tags`() {
    let text =
      "@badge-info=subscriber/13;badges=moderator/1,subscriber/12;color=#FF0000;display-name=Bob;"
      + "emotes=25:0-4;first-msg=1;id=abc;mod=1;reply-parent-msg-id=p1;reply-parent-user-login=al;room-id=7;"
      + "returning-chatter=0;subscriber=1;tmi-sent-ts=1700000000123;user-id=9;vip=1;bits=100;source-id=s;source-room-id=8 "
      + ":bob!bob@bob.tmi.twitch.tv PRIVMSG #taco :Kappa hello"
    let found: Void? = withLine(text) { line in
      guard let chat = ChatLine(line) else {
        Issue.record("no message")
        return
      }
      #expect(chat.channel.string == "taco")
      #expect(chat.text.string == "Kappa hello")
      #expect(chat.login.string == "bob")
      #expect(chat.displayName.string == "Bob")
      #expect(chat.userID.string == "9")
      #expect(chat.id.string == "abc")
      #expect(chat.color.string == "#FF0000")
      #expect(chat.sentAt.integer == 1_700_000_000_123)
      #expect(chat.replyParentID.string == "p1")
      #expect(chat.replyParentLogin.string == "al")
      #expect(chat.roomID.string == "7")
      #expect(chat.sourceID.string == "s")
      #expect(chat.sourceRoomID.string == "8")
      #expect(chat.bits.integer == 100)
      #expect(chat.isModerator && chat.isSubscriber && chat.isFirst && chat.isVIP)
      #expect(!chat.isReturning && !chat.isAction && !chat.isBroadcaster)
      #expect(Badges(chat.badges).map { "\($0.set.string)=\($0.version.string)" } == ["moderator=1", "subscriber=12"])
    }
    #expect(found != nil)
  }

  @Test func `an action loses its frame`() {
    withLine(":a!a@a PRIVMSG #c :\u{1}ACTION waves\u{1}") { line in
      #expect(ChatLine(line)?.text.string == "waves")
      #expect(ChatLine(line)?.isAction == true)
    }
    // Some clients leave the last byte out.
    withLine(":a!a@a PRIVMSG #c :\u{1}ACTION waves") { line in
      #expect(ChatLine(line)?.text.string == "waves")
    }
    withLine(":a!a@a PRIVMSG #c :\u{1}ACTION \u{1}") { line in
      #expect(ChatLine(line)?.text.string == "")
    }
  }

  @Test func `what is no message is none`() {
    for text in ["PRIVMSG", "PRIVMSG #c", ":a PRIVMSG #c", "NOTICE #c :x", "privmsg #c :x"] {
      withLine(text) { line in #expect(ChatLine(line) == nil, "\(text)") }
    }
  }

  private func emotes(_ tag: String, _ text: String) -> [String] {
    var tag = tag
    var text = text
    return tag.withUTF8 { tag in
      text.withUTF8 { text in
        EmoteUse.all(tag: ByteView(UnsafeRawBufferPointer(tag)), text: ByteView(UnsafeRawBufferPointer(text))).map {
          "\($0.id):\($0.first)-\($0.last)=\($0.name)"
        }
      }
    }
  }

  @Test func `emotes count code points`() {
    #expect(emotes("25:0-4", "Kappa hi") == ["25:0-4=Kappa"])
    // One code point of four bytes, two UTF-16 units.
    #expect(emotes("9:2-3", "👉 <3") == ["9:2-3=<3"])
    #expect(emotes("25:0-4,6-10/1902:12-16", "Kappa Kappa Keepo").count == 3)
    #expect(emotes("300196486_TK:0-1/emotesv2_ab:3-4", "ab cd") == ["300196486_TK:0-1=ab", "emotesv2_ab:3-4=cd"])
  }

  @Test func `emotes that are off are clamped or left out`() {
    #expect(emotes("25:0-99", "Kappa") == ["25:0-4=Kappa"])
    #expect(emotes("25:5-9", "Kappa") == [])
    #expect(emotes("25:3-1", "Kappa") == [])
    #expect(emotes("25:-1-3", "Kappa") == [])
    #expect(emotes("25:0-9223372036854775807", "Kappa") == ["25:0-4=Kappa"])
    #expect(emotes("25:0-99999999999999999999999", "Kappa") == [])
    #expect(emotes("25:/26:0-0", "Kappa") == ["26:0-0=K"])
    #expect(emotes(":0-1/26:0-0", "Kappa") == ["26:0-0=K"])
    #expect(emotes("nonsense", "Kappa") == [])
    #expect(emotes("25:0-4", "") == [])
  }

  @Test func `a user notice`() throws {
    let text =
      "@badges=;color=;display-name=Ronni;emotes=;id=db;login=ronni;msg-id=resub;msg-param-cumulative-months=6;"
      + #"msg-param-sub-plan=Prime;room-id=12;system-msg=ronni\shas\ssubscribed!;tmi-sent-ts=15;user-id=87 "#
      + ":tmi.twitch.tv USERNOTICE #dallas :Great stream"
    let notice = try #require(withLine(text) { UserNotice($0) } ?? nil)
    #expect(notice.kind == "resub")
    #expect(notice.channel == "dallas")
    #expect(notice.systemText == "ronni has subscribed!")
    #expect(notice.text == "Great stream")
    #expect(notice.sentAt == 15)
    #expect(notice.parameters.map(\.name) == ["cumulative-months", "sub-plan"])
    #expect(notice.parameters.map(\.value) == ["6", "Prime"])
    let bare = try #require(withLine("@msg-id=raid;login=x :tmi.twitch.tv USERNOTICE #a") { UserNotice($0) } ?? nil)
    #expect(bare.text.isEmpty && bare.displayName == "x")
  }

  @Test func `clearing`() throws {
    let ban = try #require(withLine("@target-user-id=3 :t CLEARCHAT #a :bob") { ClearChat($0) } ?? nil)
    #expect(ban.user == "bob" && ban.duration == nil && ban.userID == "3")
    let timeout = try #require(withLine("@ban-duration=600 :t CLEARCHAT #a :bob") { ClearChat($0) } ?? nil)
    #expect(timeout.duration == 600)
    let all = try #require(withLine(":t CLEARCHAT #A") { ClearChat($0) } ?? nil)
    #expect(all.user == nil && all.channel == "a")
    let one = try #require(
      withLine("@login=bob;target-msg-id=x1 :t CLEARMSG #a :bad words") { ClearMessage($0) } ?? nil)
    #expect(one.messageID == "x1" && one.login == "bob" && one.text == "bad words")
  }

  @Test func `notices fall into the classes of the reference`() {
    #expect(NoticeKind(id: "slow_on") == .roomMode)
    #expect(NoticeKind(id: "msg_slowmode") == .wait)
    #expect(NoticeKind(id: "msg_duplicate") == .duplicate)
    #expect(NoticeKind(id: "msg_rejected_mandatory") == .refused)
    #expect(NoticeKind(id: "msg_banned") == .forbidden)
    #expect(NoticeKind(id: "msg_followersonly_zero") == .forbidden)
    #expect(NoticeKind(id: "unrecognized_cmd") == .command)
    #expect(NoticeKind(id: "whatever") == .other)
  }

  @Test func `channel names`() throws {
    #expect(try ChannelName("Taco", strict: true).wire == "#taco")
    #expect(try ChannelName("#taco_1", strict: true).bare == "taco_1")
    for bad in ["", "#", "a b", "a,b", "ta-co", "x\r\nQUIT", "ünder", String(repeating: "a", count: 26)] {
      #expect(throws: ChannelName.Invalid.self, "\(bad)") { try ChannelName(bad, strict: true) }
    }
    #expect(try ChannelName("foo-bar", strict: false).wire == "#foo-bar")
    #expect(try ChannelName("&local", strict: false).wire == "&local")
    for bad in ["", "a b", "a,b", "x\r\nQUIT", "a\u{0}"] {
      #expect(throws: ChannelName.Invalid.self) { try ChannelName(bad, strict: false) }
    }
  }
}
