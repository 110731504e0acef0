import Foundation
import Testing

/// A bot in a channel of a plain IRC server, through the same plugin as Twitch.
@Suite(.serialized, .enabled(if: !IRCServer.installed.isEmpty, "no plain IRC server is installed"))
struct PlainIRCTests {
  private static let isFull = ProcessInfo.processInfo.environment["BOTHOST_FULL"] != nil

  private func bot(_ port: Int, in directory: TemporaryDirectory) throws -> String {
    try directory.file(
      "waiter.yaml",
      """
      bothost: 1
      kind: bot
      name: waiter
      use:
        chat: {type: TwitchConnection, host: 127.0.0.1, port: \(port), tls: false, nick: waiter, channels: ["#kitchen"]}
      when:
        - event: chat.message
          name: Serve
          do:
            - expect: {value: "${event.message}", matches: "^!taco"}
            - chat.say: {channel: "${event.channel}", text: "a taco for ${event.username}"}

      """)
  }

  /// Orders tacos until the bot, which may not be in the channel yet, has served one.
  private func order(_ client: IRCClient) throws {
    client.send("JOIN #kitchen")
    // The list of those in the channel, or the bot's own JOIN: it is here now.
    _ = try client.line {
      ($0.contains(" 353 ") && $0.contains("waiter")) || $0.hasPrefix(":waiter!") && $0.contains("JOIN")
    }
    client.send("PRIVMSG #kitchen :no order")
    client.send("PRIVMSG #kitchen :!taco, please")
    let answer = try client.line { $0.contains("PRIVMSG #kitchen") }
    #expect(answer.hasPrefix(":waiter!") && answer.hasSuffix(":a taco for ann"), "\(answer)")
  }

  @Test(
    "answers, and is there again after the server was killed", .timeLimit(.minutes(20)), arguments: IRCServer.installed)
  func serves(_ name: String) throws {
    let server = try IRCServer(name)
    let directory = try TemporaryDirectory()
    let host = try Host(bots: [bot(server.port, in: directory)])
    let ann = try IRCClient(port: server.port, nick: "ann")
    try order(ann)
    if Self.isFull {
      // The server asks who is silent, and puts out who does not answer: after the fourth time for us, the bot has answered, too.
      for _ in 0..<4 { _ = try ann.line { $0.hasPrefix("PING ") } }
      try order(ann)
    }

    try server.kill()
    try host.program.line(.error, "that it waits for the server") {
      $0.contains(" warning waiter.chat: waiting for 127.0.0.1:\(server.port): ") && $0.contains("connecting again in ")
    }
    let shown = try host.command("ps").first { $0.hasPrefix("waiter.chat ") }
    #expect(shown?.contains("waiting for 127.0.0.1:\(server.port)") == true, "\(shown ?? "nothing")")
    try server.start()
    try order(try IRCClient(port: server.port, nick: "ann"))
    try host.stop()
  }
}
