import Testing

@testable import YetibotEngine

@Suite struct PlatformTests {
  @Test func ircTexts() {
    #expect(IRCText.pieces(String(repeating: "a", count: 841)).map(\.count) == [420, 420, 1])
    // Cut between characters, and by bytes.
    let pieces = IRCText.pieces(String(repeating: "é👍🏽", count: 100))
    #expect(pieces.joined() == String(repeating: "é👍🏽", count: 100))
    #expect(pieces.allSatisfy { $0.utf8.count <= 420 })
    #expect(IRCText.lines(ofPaste: "a\n\nb\n") == ["a", " ", "b"])
    #expect(IRCText.lines(ofPaste: "a\rQUIT\r\n\rb") == ["a", "QUIT", " ", "b"])
    // A letter under so many accents that it alone is too long.
    let letter = "e" + String(repeating: "\u{301}", count: 600)
    #expect(IRCText.pieces("x" + letter).allSatisfy { $0.utf8.count <= 420 })
    #expect(IRCText.pieces("x" + letter).joined().utf8.elementsEqual(("x" + letter).utf8))
    #expect(IRCText.replyTarget(spokenTo: "me", by: "you", channels: ["#a"]) == "you")
    let changes = IRCText.changes(configured: ["#a"], current: ["#b"])
    #expect(changes.join == ["#a"] && changes.part == ["#b"])
  }

  @Test func nicksCountUp() {
    var nick: String? = "yetibot"
    var tried: [String] = []
    while let next = nick, tried.count < 20 {
      tried.append(next)
      nick = IRCText.nextNick(after: next)
    }
    #expect(tried.prefix(4) == ["yetibot", "yetibot_", "yetibot__", "yetibot_0"])
    #expect(tried[12...14] == ["yetibot_9", "yetibot00", "yetibot01"])
    #expect(IRCText.nextNick(after: "yetibot99") == "yetibo000")
    #expect(IRCText.nextNick(after: "a00000009") == "a00000010")
    #expect(IRCText.nextNick(after: "999999999") == nil)
  }

  @Test func slackTexts() {
    #expect(SlackText.decode("<https://a.b|the a> & <@U1> <!here> &amp;lt;") == "the a & @U1 @here &lt;")
    #expect(SlackText.decode("a < b > c <> <open") == "a  b  c <> <open")
    #expect(SlackText.decode("<#C1|general> <@U1|bob> <!subteam^S1|@devs>") == "#general @bob @devs")
    #expect(
      SlackText.encode("a & b < c <!channel> <@U1> <@u1> <@> &amp;")
        == "a &amp; b &lt; c &lt;!channel&gt; <@U1> &lt;@u1&gt; &lt;@&gt; &amp;amp;")
    #expect(SlackText.eventKind(subtype: "channel_join") == .enter)
    #expect(SlackText.eventKind(subtype: "pinned_item") == nil)
    #expect(SlackText.sendOptions("https://x.y/z.png", thread: "1")["blocks"]?.items?.count == 1)
  }

  @Test func imagesAreKnownByTheirNames() {
    for text in ["https://a.b/c.PNG", "http://a.b/c.jpeg?x=1", "https://a.b/?u=x.gif#top"] {
      #expect(ImageLink.isImage(text))
    }
    for text in ["https://a.b/png", "a.png", "ftp://a.b/c.png", "https://a.b/c.png and more", ""] {
      #expect(!ImageLink.isImage(text), "\(text)")
    }
  }

  @Test func postsAreSplitAsThePlatformNeeds() {
    let post = Post(kind: .paste, room: "#a", text: "a\n\n" + String(repeating: "b", count: 500))
    #expect(Platform.irc.messages(for: post).map(\.count) == [1, 1, 420, 80])
    #expect(Platform.slack.messages(for: post) == [post.text])
    #expect(
      Platform.discord.messages(for: Post(kind: .message, room: "", text: String(repeating: "x", count: 4001))).count
        == 3)
    #expect(throws: Raised.self) { try Platform(named: "pigeon") }
  }

  @Test func webhooksBecomeEventsAndCalls() throws {
    let slack: Value = [
      "event": ["type": "message", "channel": "C1", "user": "U1", "text": "!echo &lt;hi&gt;", "thread_ts": "7.1"]
    ]
    let incoming = try #require(try Webhook.read(slack, from: .slack, instance: "work"))
    #expect(incoming.event.body == "!echo <hi>")
    #expect(incoming.event.place.room == "#C1")
    let bot = TestBot()
    let calls = Webhook.calls(for: bot.engine.handle(incoming.event), answering: incoming, on: .slack, .null)
    #expect(
      calls == [
        [
          "url": "https://slack.com/api/chat.postMessage",
          "body": [
            "unfurl_media": "true", "as_user": "true", "thread_ts": "7.1", "channel": "C1", "text": "&lt;hi&gt;",
          ],
        ]
      ])
    let reaction: Value = [
      "event": [
        "type": "reaction_added", "user": "U1", "reaction": "thunder_cloud_and_rain", "item_user": "U2",
        "item": ["type": "message", "channel": "C1", "ts": "7.1"],
      ]
    ]
    #expect(try Webhook.read(reaction, from: .slack, instance: "work")?.event.reaction == "thunder cloud and rain")
    #expect(
      try Webhook.read(
        ["event": ["type": "message", "subtype": "pinned_item", "channel": "C1"]], from: .slack, instance: "") == nil)
    let post: Value = [
      "event": "posted",
      "data": [
        "sender_name": "@ann", "channel_name": "town",
        "post": #"{"id": "p", "root_id": "r", "channel_id": "c", "user_id": "u", "message": "!list a b"}"#,
      ],
    ]
    let posted = try #require(try Webhook.read(post, from: .mattermost, instance: "chat"))
    #expect(posted.event.person.name == "ann")
    let liked: Value = [
      "event": "reaction_added", "broadcast": ["channel_id": "c"],
      "data": ["reaction": #"{"user_id": "u", "post_id": "p", "emoji_name": "thumbs_up"}"#],
    ]
    let like = try #require(try Webhook.read(liked, from: .mattermost, instance: "chat"))
    #expect(like.event.reaction == "thumbs up" && like.channel == "c" && like.thread == "p")
    let answer = Webhook.calls(
      for: bot.engine.handle(posted.event), answering: posted, on: .mattermost, ["host": "m.example"])
    #expect(
      answer == [
        [
          "url": "https://m.example/api/v4/posts",
          "body": ["channel_id": "c", "message": "```\na\nb\n```", "root_id": "r"],
        ]
      ])
    #expect(throws: Raised.self) { try Webhook.read(post, from: .irc, instance: "") }
  }
}
