import CBotHost
import Testing

@testable import TwitchPlugin

/// The plugin as the adapter of a plain IRC server.
struct PlainIRCTests {
  private func loggedIn(_ settings: String = "") throws -> FakeHost {
    let host = try FakeHost(
      configuration: ###"{"nick":"yeti","host":"127.0.0.1","server":"irc","channels":["##Kitchen"]\###(settings)}"###)
    host.activate()
    host.open()
    host.line(":irc.test 001 yeti :Welcome")
    host.line(":yeti!~yeti@host.example JOIN ##kitchen")
    host.line(":irc.test 353 yeti = ##kitchen :yeti @ann +bob")
    host.line(":irc.test 366 yeti ##kitchen :End of /NAMES list.")
    host.pass(60)
    host.events = []
    host.written = []
    return host
  }

  @Test func `a message in a room has its name, its author's roles, and no colours`() throws {
    let host = try loggedIn()
    host.line(":ann!a@x PRIVMSG ##KITCHEN :\u{2}!help\u{2} me")
    let chat = try #require(host.events("chat.message").first)
    #expect(chat.key == "twitch/##kitchen")
    #expect(chat.payload["channel"] as? [String: String] == ["id": "##kitchen", "name": "##kitchen"])
    #expect(chat.payload["private"] as? Bool == false)
    let author = try #require(chat.payload["author"] as? [String: Any])
    #expect(author["id"] as? String == "ann" && author["name"] as? String == "ann" && author["bot"] as? Bool == false)
    #expect(author["roles"] as? [String] == ["op", "moderator"])
    #expect((chat.payload["message"] as? [String: Any])?["text"] as? String == "!help me")
    let message = try #require(host.events("twitch.message").first)
    #expect(message.payload["channel"] as? String == "##kitchen" && message.payload["mod"] as? Bool == true)
    #expect(message.payload["message"] as? String == "\u{2}!help\u{2} me")
    host.events = []
    host.line(":bob!b@x PRIVMSG ##kitchen :hi")
    #expect(
      (host.events("chat.message").first?.payload["author"] as? [String: Any])?["roles"] as? [String] == ["voice"])
    #expect(host.events("twitch.message").first?.payload["mod"] as? Bool == false)
  }

  @Test func `a private question is told as one, and answered to the nick`() throws {
    let host = try loggedIn()
    host.line(":ann!a@x PRIVMSG yeti :!help")
    let question = try #require(host.events("chat.message").first)
    #expect(question.payload["private"] as? Bool == true)
    #expect(question.payload["channel"] as? [String: String] == ["id": "ann", "name": "ann"])
    let author = try #require(question.payload["author"] as? [String: Any])
    #expect(author["id"] as? String == "ann" && author["roles"] as? [String] == [])
    #expect(host.events("twitch.whisper").first?.payload["message"] as? String == "!help")

    host.events = []
    let (rc, delivery) = host.deliver(
      "on_say", #"{"platform":"twitch","instance":"twitch","channel":"ann","text":"one\ntwo","private":true}"#)
    #expect(rc == bh_rc(BH_ASYNC))
    #expect(host.written == ["PRIVMSG ann :one", "PRIVMSG ann :two"])
    #expect(host.acknowledged == [delivery])
    #expect(host.events("chat.sent").first?.payload["channel"] as? String == "ann")
    #expect(host.events("twitch.sent").map { $0.payload["private"] as? Bool } == [true, true])
    let own = try #require(host.events("chat.message").first?.payload)
    #expect(own["private"] as? Bool == true)
    #expect((own["author"] as? [String: Any])?["bot"] as? Bool == true)
    #expect((own["author"] as? [String: Any])?["name"] as? String == "yeti")
  }

  @Test func `the method says it privately, too`() throws {
    let host = try loggedIn()
    let (_, call) = host.call("say", #"{"channel":"ann","text":"psst","private":true}"#)
    #expect(host.written == ["PRIVMSG ann :psst"])
    #expect(host.replies[call]?.map["channel"] as? String == "ann")
    #expect(host.call("say", #"{"text":"psst","private":true}"#).rc == bh_rc(BH_E_INVALID))
    let (_, wrong) = host.call("say", ##"{"channel":"#kitchen","text":"psst","private":true}"##)
    #expect(host.replies[wrong]?.rc == bh_rc(BH_E_INVALID))
  }

  @Test func `Twitch refuses a private text with the reason`() throws {
    let host = try FakeHost(configuration: #"{"nick":"TacoBot","token":{"$secret":"token"}}"#)
    host.logIn("kitchen")
    host.written = []
    let (_, delivery) = host.deliver(
      "on_say", #"{"platform":"twitch","channel":"ann","text":"psst","private":true}"#)
    #expect(host.refused[delivery] == bh_rc(BH_E_REJECT))
    let (_, call) = host.call("say", #"{"channel":"ann","text":"psst","private":true}"#)
    let reason = host.replies[call]?.payload as? String ?? ""
    #expect(reason.contains("Twitch carries no private messages over IRC"), "\(reason)")
    #expect(host.written.isEmpty)
  }

  @Test func `a kick says who and why`() throws {
    let host = try loggedIn()
    host.line(":ann!a@x KICK ##kitchen yeti :too loud")
    let kicked = try #require(host.events("chat.kicked").first?.payload)
    #expect((kicked["user"] as? [String: Any])?["bot"] as? Bool == true)
    #expect((kicked["by"] as? [String: Any])?["id"] as? String == "ann")
    #expect(kicked["reason"] as? String == "too loud")
    let parted = try #require(host.events("twitch.parted").first?.payload)
    #expect(parted["self"] as? Bool == true && parted["reason"] as? String == "kicked")
    #expect(parted["by"] as? String == "ann" && parted["text"] as? String == "too loud")
    #expect(host.events("chat.left").isEmpty)
    host.pass(600)
    #expect(!host.written.contains { $0.hasPrefix("JOIN") })
  }

  @Test func `an account is logged in to, and its password is nowhere else`() throws {
    let host = try FakeHost(
      configuration: #"{"nick":"yeti","host":"127.0.0.1","account":"yetis","token":{"$secret":"token"}}"#)
    host.secret = "sesame"
    host.activate()
    host.open()
    host.line(":irc.test CAP * ACK :sasl")
    host.line("AUTHENTICATE +")
    host.line(":irc.test 903 yeti :done")
    #expect(
      host.written == [
        "CAP REQ :sasl", "NICK yeti", "USER yeti 0 * :yeti", "AUTHENTICATE PLAIN",
        "AUTHENTICATE eWV0aXMAeWV0aXMAc2VzYW1l", "CAP END",
      ])
    #expect(!host.log.contains { $0.contains("sesame") || $0.contains("eWV0") })
  }

  @Test(arguments: [
    #""host":"irc.chat.twitch.tv","account":"yetis","token":{"$secret":"token"}"#,
    #""host":"127.0.0.1","account":"yetis""#, #""host":"127.0.0.1","account":"a\u0000b","token":{"$secret":"token"}"#,
  ])
  func `an account that cannot be is refused`(_ settings: String) {
    let error = #expect(throws: FakeHost.Refusal.self) { try FakeHost(configuration: #"{"nick":"yeti",\#(settings)}"#) }
    #expect(error?.text.contains("config account: ") == true, "\(error?.text ?? "")")
  }

  @Test func `invitations`() throws {
    let ignoring = try loggedIn()
    ignoring.line(":ann!a@x INVITE yeti #cellar")
    #expect(ignoring.events("twitch.invited").first?.payload["channel"] as? String == "cellar")
    #expect(ignoring.events("twitch.invited").first?.payload["username"] as? String == "ann")
    #expect(ignoring.written.isEmpty)
    let following = try loggedIn(#","invites":"join""#)
    following.line(":ann!a@x INVITE yeti #cellar")
    #expect(following.written == ["JOIN #cellar"])
    #expect(throws: (any Error).self) {
      try FakeHost(configuration: #"{"nick":"yeti","host":"127.0.0.1","server":"irc","invites":"yes"}"#)
    }
  }

  @Test func `another nick is told as the state`() throws {
    let host = try loggedIn()
    host.line(":yeti!y@x NICK :Guest42")
    let state = try #require(host.events("twitch.state").first?.payload)
    #expect(state["nick"] as? String == "Guest42" && state["connected"] as? Bool == true)
  }

  @Test func `a swap keeps what is known of the server`() throws {
    let old = try loggedIn()
    old.quiesce()
    let new = try FakeHost(
      configuration: ###"{"nick":"yeti","host":"127.0.0.1","server":"irc","channels":["##Kitchen"]}"###,
      flags: Int(BH_START_SWAP))
    new.now = old.now
    #expect(new.importState(old.exportState()) == 0)
    new.activate()
    #expect(new.reconnects == 0)
    new.line(":ann!a@x PRIVMSG ##kitchen :hi")
    #expect(
      (new.events("chat.message").first?.payload["author"] as? [String: Any])?["roles"] as? [String]
        == ["op", "moderator"])
  }
}
