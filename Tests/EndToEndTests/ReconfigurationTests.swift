import Foundation
import Testing

/// A running host whose configuration is edited.
@Suite(.serialized)
struct ReconfigurationTests {
  /// What `ps` tells of an instance.
  private struct Row: Decodable {
    struct Connection: Decodable {
      let peer: String
      let since: String
    }
    let name: String
    let generation: Int?
    let connections: [Connection]?
  }

  private func row(_ name: String, _ host: Host) throws -> Row {
    let rows = try host.command("ps", "--json").map { try JSONDecoder().decode(Row.self, from: Data($0.utf8)) }
    return try #require(rows.first { $0.name == name })
  }

  @Test("other channels in the host's file are joined and left on the same connection", .timeLimit(.minutes(20)))
  func channels() throws {
    let simulator = try Simulator()
    let directory = try TemporaryDirectory()
    func configuration(_ settings: String) -> String {
      "bothost: 1\nkind: host\nplugins: {twitch: {start: auto, config: {\(settings)}}}\n"
    }
    let file = try directory.file("host.yaml", configuration("channels: [kitchen, hall]"))
    let host = try Host(
      arguments: ["--config", file], environment: simulator.environment(channels: ["ignored"]), directory: directory)
    try simulator.expect(1, "JOIN #kitchen")
    try simulator.expect(1, "JOIN #hall")
    let before = try row("twitch", host)

    _ = try directory.file("host.yaml", configuration("channels: [hall, garden], messages: 50"))
    host.program.signal(SIGHUP)
    try simulator.expect(1, "JOIN #garden")
    try simulator.expect(1, "PART #kitchen")
    let after = try row("twitch", host)
    #expect(after.generation == before.generation)
    #expect(after.connections?.first?.since == before.connections?.first?.since)
    #expect(after.connections?.first?.peer == before.connections?.first?.peer)
    #expect(try simulator.transcript().count { $0.line.hasPrefix("JOIN #hall") } == 1)

    // What is wrong is told with its key, and changes nothing.
    _ = try directory.file("host.yaml", configuration("channels: [\"no such channel\"]"))
    host.program.signal(SIGHUP)
    try host.program.line(.error, "why it is refused") { $0.contains("config channels") }
    #expect(try row("twitch", host).generation == 1)

    // Another login cannot be had on this connection: a fresh generation makes its own.
    _ = try directory.file("host.yaml", configuration("channels: [hall], nick: burritobot"))
    host.program.signal(SIGHUP)
    try simulator.expect(2, "JOIN #hall")
    // It begins its work before the swap is over.
    try host.program.line(.error, "the swap's end") { $0.contains("twitch: swapped") }
    #expect(try row("twitch", host).generation == 2)
    #expect(try simulator.transcript().contains { $0.line.hasPrefix("NICK burritobot") })
    try host.stop()
  }

  @Test("other arguments of a bot's use are taken over on the same connection", .timeLimit(.minutes(20)))
  func arguments() throws {
    let simulator = try Simulator()
    let directory = try TemporaryDirectory()
    let file = try directory.file("waiter.yaml", bot("waiter", in: "kitchen"))
    let host = try Host(
      bots: [file], environment: simulator.environment(channels: ["ignored"]), directory: directory)
    try simulator.expect(1, "JOIN #kitchen")
    let before = try row("waiter.chat", host)
    _ = try directory.file("waiter.yaml", bot("waiter", in: "garden"))
    try host.command("swap", "waiter")
    try simulator.expect(1, "PART #kitchen")
    try simulator.expect(1, "JOIN #garden")
    let after = try row("waiter.chat", host)
    #expect(after.generation == 1)
    #expect(after.connections?.first?.since == before.connections?.first?.since)
    try host.stop()
  }

  @Test("a bot that comes into a file or a directory of a running host is started", .timeLimit(.minutes(20)))
  func newBots() throws {
    let simulator = try Simulator()
    let directory = try TemporaryDirectory()
    _ = try directory.file("bots/waiter.yaml", bot("waiter", in: "kitchen"))
    let host = try Host(
      bots: [directory.path + "/bots"], environment: simulator.environment(channels: ["ignored"]), directory: directory)
    try simulator.expect(1, "JOIN #kitchen")
    let before = try host.command("ps", "--json").count
    // In the same file, by name.
    _ = try directory.file(
      "bots/waiter.yaml", bot("waiter", in: "kitchen") + "---\n" + bot("cook", in: "hall"))
    #expect(try host.command("plan", expect: 2).isEmpty == false)
    #expect(try host.command("swap", "cook").contains("cook: started"))
    try simulator.expect(1, "JOIN #hall")
    #expect(try host.command("swap", "cook") == ["cook: nothing has changed"])
    // In another file, by a signal.
    _ = try directory.file("bots/gardener.yaml", bot("gardener", in: "garden"))
    host.program.signal(SIGHUP)
    try simulator.expect(1, "JOIN #garden")
    #expect(try row("gardener.chat", host).generation == 1)
    #expect(try row("waiter.chat", host).generation == 1)
    #expect(try host.command("plan", expect: 0).isEmpty)
    // And what is gone ends, whether its document or its file was taken away.
    _ = try directory.file("bots/waiter.yaml", bot("waiter", in: "kitchen"))
    try FileManager.default.removeItem(atPath: directory.path + "/bots/gardener.yaml")
    host.program.signal(SIGHUP)
    try host.program.line(.error, "the end of cook") { $0.contains("cook: ends: the files declare it no more") }
    try host.program.line(.error, "the end of cook's chat") { $0.contains("cook.chat: stopped") }
    try host.program.line(.error, "the end of gardener's chat") { $0.contains("gardener.chat: stopped") }
    var reloads = 0
    try host.program.line(.error, "the end of the second reload") { line in
      if line.contains("host: reloaded") { reloads += 1 }
      return reloads == 2
    }
    #expect(try host.command("ps", "--json").count == before)
    #expect(try host.command("plan", expect: 0).isEmpty)
    try host.stop()
  }

  private func bot(_ name: String, in channels: String) -> String {
    """
    bothost: 1
    kind: bot
    name: \(name)
    use:
      chat: {type: TwitchConnection, channels: [\(channels)]}
    when:
      - event: chat.message
        do:
          - expect: {value: "${event.message}", equals: menu}
          - chat.say: {channel: "${event.channel}", text: tacos}

    """
  }
}
