import CBotHost
import Testing

@testable import TwitchPlugin

struct TwitchPluginTests {
  private static let configuration =
    #"{"nick":"TacoBot","token":{"$secret":"token"},"channels":["kitchen"],"host":"irc.chat.twitch.tv"}"#

  private func make(_ configuration: String = configuration, flags: Int = 1) throws -> FakeHost {
    try FakeHost(configuration: configuration, flags: flags)
  }

  private func loggedIn() throws -> FakeHost {
    let host = try make()
    host.logIn("kitchen")
    host.events = []
    host.written = []
    return host
  }

  @Test func `it logs in and tells so, in order`() throws {
    let host = try make()
    host.logIn("kitchen")
    #expect(host.dials == 1)
    #expect(
      host.written == [
        "CAP REQ :twitch.tv/membership twitch.tv/tags twitch.tv/commands", "PASS oauth:secret-value",
        "NICK tacobot", "JOIN #kitchen",
      ])
    let topics = host.events.map(\.topic)
    let state = try #require(topics.firstIndex(of: "twitch.state"))
    let connected = try #require(topics.firstIndex(of: "twitch.connected"))
    #expect(state < connected)
    #expect(host.events[state].payload["connected"] as? Bool == true)
    #expect(host.events("chat.connected").first?.payload["platform"] as? String == "twitch")
    #expect(host.events("twitch.joined").first?.payload["channel"] as? String == "kitchen")
    #expect(!host.log.contains { $0.contains("secret-value") })
  }

  @Test func `the token is looked after where somebody can be asked`() throws {
    let host = try loggedIn()
    #expect(try #require(host.timers["token"]) <= UInt64(host.now) + 1_000_000)
    let plain = try make(#"{"nick":"tacobot","token":{"$secret":"token"},"host":"127.0.0.1"}"#)
    plain.activate()
    #expect(plain.timers["token"] == nil && plain.dials == 1)
    // Nothing to log in with yet: the chat waits.
    let without = try make(#"{"nick":"tacobot","refresh_token":{"$secret":"refresh_token"},"client_id":"c"}"#)
    without.activate()
    #expect(without.timers["token"] != nil && without.dials == 0)
  }

  @Test(arguments: [
    (#""token":{"$secret":"token"},"token_check":"ftp://x""#, "token_check"),
    (#""refresh_token":{"$secret":"refresh_token"}"#, "client_id"),
    (#""refresh_token":{"$secret":"refresh_token"},"client_id":"c","host":"127.0.0.1""#, "token_renewal"),
    (#""refresh_token":{"$secret":"refresh_token"},"client_id":"c","token_renewal":"x""#, "token_renewal"),
  ])
  func `what a token cannot be looked after with is refused`(_ settings: String, _ key: String) {
    let error = #expect(throws: FakeHost.Refusal.self) { try make(#"{"nick":"tacobot",\#(settings)}"#) }
    #expect(error?.text.contains("config \(key): ") == true, "\(error?.text ?? "")")
  }

  @Test func `a message becomes the platform's and the common payload`() throws {
    let host = try loggedIn()
    host.line(
      #"@badges=moderator/1,subscriber/12;color=#1E90FF;display-name=Ann\sB;emotes=25:0-4;first-msg=1;id=m1;mod=1;"#
        + #"reply-parent-msg-id=p1;room-id=7;subscriber=1;tmi-sent-ts=1700000000123;user-id=9 "#
        + #":ann!ann@ann.tmi.twitch.tv PRIVMSG #kitchen :Kappa "quoted" \ 👉"#)
    #expect(host.events.map(\.topic) == ["twitch.line", "twitch.message", "chat.message"])
    let message = host.events[1]
    #expect(message.key == "kitchen")
    #expect(message.delivery != 0)
    #expect(message.payload["channel"] as? String == "kitchen")
    #expect(message.payload["username"] as? String == "ann")
    #expect(message.payload["display_name"] as? String == "Ann B")
    #expect(message.payload["user_id"] as? String == "9")
    #expect(message.payload["message"] as? String == #"Kappa "quoted" \ 👉"#)
    #expect(message.payload["id"] as? String == "m1")
    #expect(message.payload["ts"] as? Int == 1_700_000_000_123)
    #expect(message.payload["reply_to"] as? String == "p1")
    #expect(message.payload["mod"] as? Bool == true)
    #expect(message.payload["first"] as? Bool == true)
    #expect(message.payload["action"] as? Bool == false)
    #expect((message.payload["emotes"] as? [[String: Any]])?.first?["id"] as? String == "25")
    #expect((message.payload["badges"] as? [[String: Any]])?.count == 2)
    #expect((message.payload["raw"] as? String)?.hasPrefix("@badges=") == true)
    let chat = host.events[2]
    #expect(chat.key == "twitch/kitchen")
    #expect((chat.payload["author"] as? [String: Any])?["name"] as? String == "Ann B")
    #expect((chat.payload["author"] as? [String: Any])?["bot"] as? Bool == false)
    #expect((chat.payload["author"] as? [String: Any])?["roles"] as? [String] == ["moderator", "subscriber"])
    #expect((chat.payload["message"] as? [String: Any])?["text"] as? String == #"Kappa "quoted" \ 👉"#)
    #expect((chat.payload["channel"] as? [String: Any])?["name"] as? String == "kitchen")
    #expect(chat.payload["private"] as? Bool == false)
  }

  @Test func `bytes that are no text still give JSON`() throws {
    let host = try loggedIn()
    var bytes = Array(":ann!a@a PRIVMSG #kitchen :".utf8) + [0xFF, 0x01, 0x22, 0xC3]
    let rc = bytes.withUnsafeMutableBytes { host.deliver(host.binding("on_frame"), UnsafeRawBufferPointer($0)).rc }
    #expect(rc == 0)
    #expect(host.events("twitch.message").first?.payload["message"] as? String == "\u{FFFD}\u{1}\"\u{FFFD}")
  }

  @Test(arguments: [
    (#"["message"]"#, ["twitch.message"]), (#"["chat"]"#, ["chat.message"]), (#"["line"]"#, ["twitch.line"]),
    ("[]", []),
  ])
  func `only what is wanted is published`(_ list: String, _ topics: [String]) throws {
    let host = try make(#"{"nick":"tacobot","token":{"$secret":"token"},"publish":\#(list)}"#)
    host.logIn("kitchen")
    host.events = []
    host.line(":ann!a@a PRIVMSG #kitchen :hi")
    #expect(host.events.map(\.topic) == topics)
  }

  @Test func `say answers with the id that the server gave`() throws {
    let host = try loggedIn()
    let (rc, call) = host.call("say", #"{"channel":"kitchen","text":"hello","reply_to":"p9"}"#)
    #expect(rc == bh_rc(BH_ASYNC))
    #expect(host.written == ["@reply-parent-msg-id=p9 PRIVMSG #kitchen :hello"])
    host.line("@badges=;id=m7;mod=0 :tmi.twitch.tv USERSTATE #kitchen")
    let answer = try #require(host.replies[call])
    #expect(answer.rc == 0)
    #expect(answer.map["id"] as? String == "m7")
    #expect(answer.map["state"] as? String == "done")
    let sent = try #require(host.events("twitch.sent").first)
    #expect(sent.payload["raw"] as? String == "@reply-parent-msg-id=p9 PRIVMSG #kitchen :hello")
    let own = try #require(host.events("chat.message").first)
    #expect((own.payload["author"] as? [String: Any])?["bot"] as? Bool == true)
    #expect((own.payload["message"] as? [String: Any])?["id"] as? String == "m7")
  }

  @Test func `a refused say fails with its reason`() throws {
    let host = try loggedIn()
    let (_, call) = host.call("say", #"{"channel":"kitchen","text":"hello"}"#)
    host.line("@msg-id=msg_banned :tmi.twitch.tv NOTICE #kitchen :You are permanently banned.")
    let answer = try #require(host.replies[call])
    #expect(answer.rc == bh_rc(BH_E_DENIED))
    #expect((answer.payload as? String)?.contains("msg_banned") == true)
    let (rc, _) = host.call("say", #"{"channel":1}"#)
    #expect(rc == bh_rc(BH_E_INVALID))
  }

  @Test func `the common wish to speak is settled when it is said`() throws {
    let host = try loggedIn()
    let (rc, delivery) = host.deliver("on_say", #"{"platform":"twitch","channel":"kitchen","text":"hi"}"#)
    #expect(rc == bh_rc(BH_ASYNC))
    #expect(host.acknowledged.isEmpty)
    host.line("@badges=;id=m8 :tmi.twitch.tv USERSTATE #kitchen")
    #expect(host.acknowledged == [delivery])
    #expect(host.events("chat.sent").first?.payload["ids"] as? [String] == ["m8"])
    #expect(host.deliver("on_say", #"{"platform":"console","channel":"x","text":"hi"}"#).rc == bh_rc(BH_SKIP))
    #expect(
      host.deliver("on_say", #"{"platform":"twitch","instance":"other","channel":"x","text":"hi"}"#).rc
        == bh_rc(BH_SKIP))
    let (_, refused) = host.deliver("on_say", #"{"platform":"twitch","channel":"no such","text":"hi"}"#)
    #expect(host.refused[refused] == bh_rc(BH_E_REJECT))
  }

  @Test func `joining answers when it is done`() throws {
    let host = try loggedIn()
    let (rc, call) = host.call("join", #"{"channel":"garden"}"#)
    #expect(rc == bh_rc(BH_ASYNC))
    host.line(":tacobot!tacobot@tacobot.tmi.twitch.tv JOIN #garden")
    #expect(host.replies[call]?.map["channel"] as? String == "garden")
    let (_, lost) = host.call("join", #"{"channel":"nowhere"}"#)
    host.pass(11)
    #expect(host.replies[lost]?.rc == bh_rc(BH_E_TIMEOUT))
    #expect(host.events("twitch.join_failed").first?.payload["channel"] as? String == "nowhere")
  }

  @Test(arguments: ["garden", "#Garden"])
  func `leaving answers with the name that events have`(_ name: String) throws {
    let host = try loggedIn()
    let (_, joined) = host.call("join", #"{"channel":"\#(name)"}"#)
    host.line(":tacobot!tacobot@tacobot.tmi.twitch.tv JOIN #garden")
    #expect(host.replies[joined]?.map["channel"] as? String == "garden")
    host.written = []
    let (_, left) = host.call("leave", #"{"channel":"\#(name)","reason":"enough"}"#)
    #expect(host.written == ["PART #garden :enough"])
    #expect(host.replies[left]?.map["channel"] as? String == "garden")
  }

  @Test func `parse works without a connection`() throws {
    let host = try make("{}")
    let (rc, call) = host.call("parse", ##"{"line":"@a=b\\sc;d :n!u@h PRIVMSG #x :hi \"you\""}"##)
    #expect(rc == 0)
    let answer = try #require(host.replies[call]).map
    #expect(answer["tags"] as? [String: String] == ["a": "b c", "d": ""])
    #expect(answer["source"] as? String == "n!u@h")
    #expect(answer["verb"] as? String == "PRIVMSG")
    #expect(answer["params"] as? [String] == ["#x", "hi \"you\""])
    #expect((answer["message"] as? [String: Any])?["username"] as? String == "n")
    #expect(host.call("parse", #"{"line":""}"#).rc == bh_rc(BH_E_INVALID))
    #expect(host.call("parse", #"{}"#).rc == bh_rc(BH_E_INVALID))
  }

  @Test func `a refused login is final and closes`() throws {
    let host = try make()
    host.activate()
    host.open()
    host.line(":tmi.twitch.tv NOTICE * :Login authentication failed")
    #expect(host.closes == 1)
    #expect(host.events("chat.failed").first?.payload["final"] as? Bool == true)
    #expect(host.events("twitch.failed").first?.payload["fatal"] as? Bool == true)
    #expect(host.events("twitch.state").last?.payload["connected"] as? Bool == false)
  }

  @Test func `a swap keeps the session, the queue and the owed acknowledgement`() throws {
    let old = try loggedIn()
    let (_, first) = old.call("say", #"{"channel":"kitchen","text":"one"}"#)
    let (_, second) = old.call("say", #"{"channel":"kitchen","text":"two"}"#)
    let (_, wish) = old.deliver("on_say", #"{"platform":"twitch","channel":"kitchen","text":"three"}"#)
    #expect(old.quiesce() == 0)
    #expect(old.replies[first]?.map["state"] as? String == "pending")
    #expect(old.replies[second]?.map["state"] as? String == "pending")
    #expect(old.refused[wish] == bh_rc(BH_E_RETRY))

    let new = try make(flags: Int(BH_START_SWAP))
    new.now = old.now
    #expect(new.importState(old.exportState()) == 0)
    new.activate()
    #expect(new.written.isEmpty && new.reconnects == 0)
    new.line("@badges=;id=m1 :tmi.twitch.tv USERSTATE #kitchen")
    #expect(new.events("twitch.sent").first?.payload["id"] as? String == "m1")
    new.pass(2)
    #expect(new.written == ["PRIVMSG #kitchen :two"])
    new.pass(10)
    #expect(new.written.count == 1)
  }

  @Test func `an aborted swap goes on`() throws {
    let host = try loggedIn()
    host.call("say", #"{"channel":"kitchen","text":"one"}"#)
    host.call("say", #"{"channel":"kitchen","text":"two"}"#)
    host.quiesce()
    host.resume()
    host.pass(3)
    #expect(host.written == ["PRIVMSG #kitchen :one", "PRIVMSG #kitchen :two"])
  }

  @Test func `a generation without state starts the connection anew`() throws {
    let host = try make(flags: Int(BH_START_SWAP))
    host.activate()
    #expect(host.reconnects == 1)
    let fresh = try make()
    fresh.activate()
    #expect(fresh.reconnects == 0)
  }

  @Test func `another configuration is taken over or refused whole`() throws {
    let host = try loggedIn()
    #expect(
      host.reconfigure(#"{"nick":"TacoBot","token":{"$secret":"token"},"channels":["garden"],"publish":["message"]}"#)
        == 0)
    #expect(host.written == ["PART #kitchen", "JOIN #garden"])
    #expect(host.dials == 1)
    #expect(host.reconfigure(#"{"channels":["not a channel"]}"#) != 0)
    #expect(host.reconfigure(#"{"nick":"x","publish":["everything"]}"#) != 0)
    host.line(":ann!a@a PRIVMSG #garden :hi")
    #expect(host.events.last?.topic == "twitch.message")
  }

  @Test(arguments: [
    #"{"nick":"TacoBot","token":{"$secret":"token"},"host":"other.twitch.tv"}"#,
    #"{"nick":"TacoBot","token":{"$secret":"token"},"port":6667,"tls":false}"#,
    #"{"nick":"other","token":{"$secret":"token"}}"#, #"{}"#,
  ])
  func `another server or login is left to a fresh generation, which connects anew`(_ configuration: String) throws {
    let host = try loggedIn()
    #expect(host.reconfigure(configuration) == BH_E_UNSUPPORTED)
    #expect(host.dials == 1)
    #expect(host.written.isEmpty)
  }

  @Test(arguments: [
    #"{"channels":["a b"]}"#, #"{"server":"jabber"}"#, #"{"publish":["all"]}"#, #"{"token":{"$secret":"token"}}"#,
    #"{"nick":"no spaces please"}"#, #"{"messages":0,"nick":"x"}"#, #"{"port":"x"}"#,
  ])
  func `a wrong configuration is refused with its key`(_ configuration: String) {
    #expect(throws: FakeHost.Refusal.self) { try make(configuration) }
  }

  @Test func `a message that nobody can take comes again`() throws {
    let host = try loggedIn()
    host.refusesPublish = bh_rc(BH_E_BUSY)
    #expect(host.deliver("on_frame", ":ann!a@a PRIVMSG #kitchen :hi").rc < 0)
    host.refusesPublish = 0
    #expect(host.deliver("on_frame", ":ann!a@a PRIVMSG #kitchen :hi").rc == 0)
    #expect(host.events("twitch.message").count == 1)
  }

  @Test func `the other verbs come out on their topics`() throws {
    let host = try loggedIn()
    host.line(
      #"@msg-id=resub;login=ann;display-name=Ann;system-msg=Ann\ssubscribed;msg-param-months=3 :t USERNOTICE #kitchen :yay"#
    )
    #expect(host.events("twitch.usernotice").first?.payload["system"] as? String == "Ann subscribed")
    #expect(
      (host.events("twitch.usernotice").first?.payload["params"] as? [String: String]) == ["months": "3"])
    host.line("@ban-duration=60 :t CLEARCHAT #kitchen :bob")
    #expect(host.events("twitch.clearchat").first?.payload["duration"] as? Int == 60)
    host.line("@login=bob;target-msg-id=m3 :t CLEARMSG #kitchen :bad")
    #expect(host.events("twitch.clearmsg").first?.payload["id"] as? String == "m3")
    #expect(host.events("chat.deleted").count == 2)
    host.line("@slow=5 :t ROOMSTATE #kitchen")
    #expect((host.events("twitch.roomstate").first?.payload["changed"] as? [String: Int]) == ["slow": 5])
    host.line(":ann!a@a WHISPER tacobot :psst")
    #expect(host.events("twitch.whisper").first?.payload["message"] as? String == "psst")
    #expect(host.events("chat.message").last?.payload["private"] as? Bool == true)
    host.line(":t RECONNECT")
    #expect(host.events("twitch.reconnect").count == 1 && host.dials == 2)
    host.line(":bob!b@b JOIN #kitchen")
    host.line(":bob!b@b PART #kitchen")
    #expect(host.events("chat.joined").count == 1 && host.events("chat.left").count == 1)
  }

  @Test func `state shows rooms and queues`() throws {
    let host = try loggedIn()
    let (rc, call) = host.call("state", "null")
    #expect(rc == 0)
    let state = try #require(host.replies[call]).map
    #expect(state["connected"] as? Bool == true)
    #expect((state["channels"] as? [[String: Any]])?.first?["channel"] as? String == "kitchen")
  }
}
