import Foundation
import Testing

/// The pipeline of commands on a plain IRC server: in rooms, and in private.
@Suite(.serialized, .enabled(if: !IRCServer.installed.isEmpty, "no plain IRC server is installed"))
struct YetibotOnIRCTests {
  private func start(_ server: IRCServer, invites: String = "ignore") throws -> Host {
    let directory = try TemporaryDirectory()
    let file = try directory.file(
      "host.yaml",
      """
      bothost: 1
      kind: host
      plugins:
        yetibot: {config: {admin_roles: [moderator], admin_commands: [upper]}}
        twitch:
          config: {host: 127.0.0.1, port: \(server.port), tls: false, server: irc, nick: yeti, channels: [kitchen], invites: \(invites)}

      """)
    return try Host(arguments: ["--config", file], directory: directory)
  }

  /// Goes into the kitchen, and waits until the bot is there under a nick.
  private func meet(_ client: IRCClient, _ bot: String) throws {
    client.send("JOIN #kitchen")
    _ = try client.line {
      $0.contains(" 353 ") && $0.split(whereSeparator: { " :@+".contains($0) }).contains(Substring(bot))
        || $0.hasPrefix(":\(bot)!") && $0.contains(" JOIN ")
    }
  }

  /// What a bot says next to a target.
  private func answer(_ client: IRCClient, from bot: String = "yeti", to target: String) throws -> String {
    let line = try client.line { $0.hasPrefix(":\(bot)!") && $0.contains(" PRIVMSG \(target) :") }
    return line.components(separatedBy: " PRIVMSG \(target) :").dropFirst().joined()
  }

  @Test(
    "answers in private to whoever asks in private", .timeLimit(.minutes(20)), arguments: IRCServer.installed)
  func conversation(_ name: String) throws {
    let server = try IRCServer(name)
    let host = try start(server)
    let ann = try IRCClient(port: server.port, nick: "ann")
    try meet(ann, "yeti")
    ann.send("PRIVMSG yeti :!echo hello")
    #expect(try answer(ann, to: "ann") == "hello")
    ann.send("PRIVMSG yeti :!list a b c | xargs echo item | join -")
    #expect(try answer(ann, to: "ann") == "item a-item b-item c")
    // Several lines are several messages, in order; talk in colours is talk.
    ann.send("PRIVMSG yeti :\u{2}!list one two three\u{2}")
    #expect(try (1...3).map { _ in try answer(ann, to: "ann") } == ["one", "two", "three"])
    // Programs ask, and get no answer; a notice is never answered. The next answer is the next question's.
    ann.send("PRIVMSG yeti :\u{1}VERSION\u{1}")
    ann.send("NOTICE yeti :!echo loop")
    ann.send("PRIVMSG #kitchen :!echo to all")
    let next = try ann.line { $0.hasPrefix(":yeti!") }
    #expect(next.hasSuffix(" PRIVMSG #kitchen :to all"), "\(next)")
    // Nobody is an operator in a conversation of two.
    ann.send("PRIVMSG yeti :!upper x")
    #expect(try answer(ann, to: "ann") != "X")
    // What has been said goes on through a swap.
    try host.command("swap", "twitch")
    ann.send("PRIVMSG yeti :!echo after")
    #expect(try answer(ann, to: "ann") == "after")
    try host.stop()
  }

  @Test(
    "goes where it is invited, and stays out when it is put out", .timeLimit(.minutes(20)),
    arguments: IRCServer.installed)
  func invitation(_ name: String) throws {
    let server = try IRCServer(name)
    let host = try start(server, invites: "join")
    let ann = try IRCClient(port: server.port, nick: "ann")
    try meet(ann, "yeti")
    ann.send("JOIN #cellar")
    _ = try ann.line { $0.contains(" 366 ") && $0.contains("#cellar") }
    ann.send("INVITE yeti #cellar")
    _ = try ann.line { $0.hasPrefix(":yeti!") && $0.contains("JOIN") && $0.contains("#cellar") }
    // Whoever made the channel is its operator, and so an administrator in it.
    ann.send("PRIVMSG #cellar :!upper x")
    #expect(try answer(ann, to: "#cellar") == "X")

    ann.send("KICK #cellar yeti :no bots here")
    _ = try ann.line { $0.contains(" KICK #cellar yeti ") }
    var hasReturned = false
    ann.send("PRIVMSG yeti :!echo still there")
    _ = try ann.line { line in
      if line.hasPrefix(":yeti!"), line.contains("JOIN") { hasReturned = true }
      return line.hasSuffix(" PRIVMSG ann :still there")
    }
    #expect(!hasReturned)
    ann.send("INVITE yeti #cellar")
    _ = try ann.line { $0.hasPrefix(":yeti!") && $0.contains("JOIN") && $0.contains("#cellar") }
    ann.send("PRIVMSG #cellar :!echo back")
    #expect(try answer(ann, to: "#cellar") == "back")

    // The same by the command, from anywhere.
    ann.send("JOIN #pantry")
    _ = try ann.line { $0.contains(" 366 ") && $0.contains("#pantry") }
    ann.send("PRIVMSG yeti :!channel join #Pantry")
    _ = try ann.line { $0.hasPrefix(":yeti!") && $0.contains("JOIN") && $0.contains("#pantry") }
    ann.send("PRIVMSG yeti :!channel leave pantry")
    _ = try ann.line { $0.hasPrefix(":yeti!") && $0.contains("PART") && $0.contains("#pantry") }
    try host.stop()
  }

  @Test(
    "takes another nick when its own is taken, and its own when that is free", .timeLimit(.minutes(20)),
    arguments: IRCServer.installed)
  func takenNick(_ name: String) throws {
    let server = try IRCServer(name)
    let other = try IRCClient(port: server.port, nick: "yeti")
    other.send("JOIN #kitchen")
    let ann = try IRCClient(port: server.port, nick: "ann")
    let host = try start(server)
    try meet(ann, "yeti_")
    ann.send("PRIVMSG yeti_ :!echo hello")
    #expect(try answer(ann, from: "yeti_", to: "ann") == "hello")
    other.send("QUIT :bye")
    _ = try ann.line { $0.hasPrefix(":yeti_!") && $0.contains("NICK") && $0.hasSuffix("yeti") }
    ann.send("PRIVMSG yeti :!echo again")
    #expect(try answer(ann, to: "ann") == "again")
    try host.stop()
  }
}
