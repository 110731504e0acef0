import Foundation
import Testing

@testable import TwitchChat

/// The session against real servers, where they are installed.
@Suite(.serialized)
struct LiveServerTests {
  /// Two sessions meet in a channel of a plain server and talk.
  private func talk(_ server: LiveServer, kind: ServerKind?) throws {
    let ann = try LiveSession(SessionConfiguration(nick: "ann", hasToken: false, server: kind), port: server.port)
    try ann.run(until: "ann is in") { $0.session.isConnected }
    #expect(ann.session.state.server == .irc)
    #expect(!ann.session.acknowledges)
    ann.command(1, .join("#kitchen"))
    try ann.run(until: "ann has joined") { $0.settled[1] != nil }
    #expect(ann.settled[1] == .done)

    var configuration = SessionConfiguration(nick: "ann", hasToken: false, server: kind)
    configuration.channels = [try ChannelName("#kitchen", strict: false)]
    let other = try LiveSession(configuration, port: server.port)
    try other.run(until: "the second is in the room") {
      $0.session.state.rooms["#kitchen"]?.membership == .joined
    }
    // The nick was taken.
    #expect(other.session.state.nick == "ann_")
    #expect(other.session.state.rooms["#kitchen"]?.members.contains("ann") == true)
    other.command(1, .say(channel: "kitchen", text: "hello\r\nQUIT :no", replyTo: nil))
    other.command(2, .say(channel: "kitchen", text: "/me waves", replyTo: nil))
    try other.run(until: "both are sent") { $0.settled.count == 2 }
    #expect(other.settled[1] == .sent(channel: "kitchen", ids: [], parts: 2, isConfirmed: false))
    try ann.run(until: "ann has read all") { $0.messages.count == 3 }
    #expect(ann.messages[0].contains("PRIVMSG #kitchen :hello"))
    #expect(ann.messages[1].contains("PRIVMSG #kitchen :QUIT :no"))
    #expect(ann.messages[2].contains("\u{1}ACTION waves\u{1}"))
    other.command(3, .part("kitchen", reason: "bye"))
    try ann.run(until: "the second has left") { live in
      live.events.contains { if case .parted("kitchen", "ann_", false, _) = $0 { true } else { false } }
    }
  }

  /// A text of many bytes arrives whole, in a room with a long name and in private, and people's standing is seen.
  private func carry(_ server: LiveServer) throws {
    let room = "#" + String(repeating: "k", count: 40)
    let ann = try LiveSession(SessionConfiguration(nick: "ann", hasToken: false, server: .irc), port: server.port)
    try ann.run(until: "ann is in") { $0.session.isConnected }
    ann.command(1, .join(room))
    try ann.run(until: "ann has joined") { $0.settled[1] == .done }
    var configuration = SessionConfiguration(nick: "yeti", hasToken: false, server: .irc)
    // The usual burst: a server cuts off who sends it more bytes at once than it takes in.
    configuration.pace = second / 10
    let bot = try LiveSession(configuration, port: server.port)
    try bot.run(until: "the bot is in") { $0.session.isConnected }
    bot.command(1, .join(room))
    try bot.run(until: "the bot has joined") { $0.settled[1] == .done }
    // Whoever makes a room is its operator.
    #expect(bot.standing(of: "ann", in: room).isOperator)
    #expect(!bot.standing(of: "yeti", in: room).isOperator)

    let words = (0..<250).map { "wörd\($0)" }.joined(separator: " ")
    bot.command(2, .say(channel: room, text: words, replyTo: nil))
    bot.command(3, .tell("ann", text: words))
    try bot.run(until: "all is sent") { $0.settled.count == 3 }
    guard case .sent(_, _, let parts, _)? = bot.settled[2] else {
      Issue.record("not sent")
      return
    }
    try ann.run(until: "ann has read all") { $0.messages.count + $0.whispers.count >= 2 * parts }
    let texts = ann.messages.map { withLine($0) { $0.parameter(1)?.string } ?? "" }
    #expect(texts.compactMap(\.self).joined(separator: " ") == words)
    #expect(ann.whispers.map(\.text).joined(separator: " ") == words)
    #expect(ann.whispers.allSatisfy { $0.login == "yeti" })
    // It has to be there until the end: a server drops what somebody who leaves has sent last.
    #expect(bot.session.isConnected)
  }

  @Test(.enabled(if: LiveServer.installed("ngircd") != nil, "ngircd is not installed"), .timeLimit(.minutes(20)))
  func `long texts arrive whole on ngircd`() throws {
    try carry(try LiveServer.ngircd(try #require(LiveServer.installed("ngircd"))))
  }

  @Test(.enabled(if: LiveServer.installed("inspircd") != nil, "inspircd is not installed"), .timeLimit(.minutes(20)))
  func `long texts arrive whole on inspircd`() throws {
    try carry(try LiveServer.inspircd(try #require(LiveServer.installed("inspircd"))))
  }

  @Test(
    .enabled(if: LiveServer.installed("ngircd") != nil, "ngircd is not installed"), .timeLimit(.minutes(20)),
    arguments: [nil, ServerKind.irc])
  func `talks to ngircd`(_ kind: ServerKind?) throws {
    let program = try #require(LiveServer.installed("ngircd"))
    try talk(try LiveServer.ngircd(program), kind: kind)
  }

  @Test(
    .enabled(if: LiveServer.installed("inspircd") != nil, "inspircd is not installed"), .timeLimit(.minutes(20)),
    arguments: [nil, ServerKind.irc])
  func `talks to inspircd`(_ kind: ServerKind?) throws {
    let program = try #require(LiveServer.installed("inspircd"))
    try talk(try LiveServer.inspircd(program), kind: kind)
  }

  @Test(
    .enabled(if: LiveServer.simulator != nil, "twitch-simulator is not built"), .timeLimit(.minutes(20)),
    arguments: [nil, ServerKind.twitch])
  func `talks to the Twitch simulator`(_ kind: ServerKind?) throws {
    let server = try LiveServer.simulator(try #require(LiveServer.simulator))
    try server.order("split")
    let bot = try LiveSession(SessionConfiguration(nick: "tacobot", hasToken: true, server: kind), port: server.port)
    try bot.run(until: "the bot is in") { $0.session.isConnected }
    #expect(bot.session.state.server == .twitch)
    bot.command(1, .join("kitchen"))
    try bot.run(until: "the bot has joined") { $0.settled[1] != nil }
    bot.command(2, .say(channel: "kitchen", text: "hello", replyTo: nil))
    try bot.run(until: "the server has confirmed it") { $0.settled[2] != nil }
    guard case .sent("kitchen", let ids, 1, true)? = bot.settled[2] else {
      Issue.record("not confirmed")
      return
    }
    #expect(ids.count == 1)
    try server.order("notice msg_banned")
    try server.order("flood kitchen 500")
    try bot.run(until: "all 500 have come") { $0.messages.count == 500 }
    for (index, message) in bot.messages.enumerated() { #expect(message.contains(":message \(index + 1)\r")) }
    bot.command(3, .say(channel: "kitchen", text: "again", replyTo: nil))
    try bot.run(until: "the server has refused it") { $0.settled[3] != nil }
    guard case .failed(let failure)? = bot.settled[3] else {
      Issue.record("not refused")
      return
    }
    #expect(failure.code == "msg_banned")
  }

  @Test(.enabled(if: LiveServer.simulator != nil, "twitch-simulator is not built"), .timeLimit(.minutes(20)))
  func `a refused login ends it`() throws {
    let server = try LiveServer.simulator(try #require(LiveServer.simulator))
    // Without a password.
    let bot = try LiveSession(
      SessionConfiguration(nick: "tacobot", hasToken: false, server: nil), port: server.port)
    try bot.run(until: "it has given up") { $0.session.state.phase == .failed }
    #expect(bot.events.contains(.failed(reason: "Improperly formatted auth", isFinal: true)))
  }
}
