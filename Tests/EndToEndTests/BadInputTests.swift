import Foundation
import Testing

/// One bad input, of whatever kind, does not stop the rest.
@Suite(.serialized)
struct BadInputTests {
  private static let hello =
    #"{"platform":"console","instance":"console","channel":{"id":"1","name":"lobby"},"author":{"id":"7","name":"ann"},"#
    + #""message":{"id":"42","text":"hello, dear everybody"},"private":false}"#

  /// Asks until the counter has that many messages, or a minute has passed.
  private func expectCount(_ messages: Int, _ host: Host) throws {
    let limit = Date(timeIntervalSinceNow: 60)
    var counted = ""
    repeat {
      counted = try host.command("call", "wordcount-c.count", #"{"channel":"lobby"}"#).joined()
    } while !counted.contains(#""messages":\#(messages)}"#) && Date() < limit
    #expect(counted.contains(#""messages":\#(messages)}"#))
  }

  @Test("manifests, libraries and bots that are wrong are named and left out", .timeLimit(.minutes(20)))
  func files() throws {
    let directory = try TemporaryDirectory()
    let plugins = try CPlugin.copyExamples(to: directory)
    let good = try Data(contentsOf: URL(fileURLWithPath: plugins + "/libWordCountC.so"))
    _ = try directory.file("examples/broken.yaml", "bothost: 1\nplugin: [broken\n")
    _ = try directory.file("examples/binary.yaml", "\u{1}\u{2}\u{0}\u{3}")
    _ = try directory.file("examples/lost.yaml", "bothost: 1\nplugin: lost\nlibrary: liblost.so\n")
    _ = try directory.file("examples/text.yaml", "bothost: 1\nplugin: text\nlibrary: libtext.so\n")
    _ = try directory.file("examples/libtext.so", "this is no library")
    _ = try directory.file("examples/cut.yaml", "bothost: 1\nplugin: cut\nlibrary: libcut.so\n")
    try good.prefix(good.count / 2).write(to: directory.url.appendingPathComponent("examples/libcut.so"))
    let bot = try directory.file("bot.yaml", "bothost: 1\nkind: bot\nname: wrong\nuse:\n  out: {type: StdOt}\n")

    let host = try Host(plugins: plugins, bots: [bot])
    let log = host.program.printed(.error).joined(separator: "\n")
    for name in ["broken.yaml:", "binary.yaml:", "lost.yaml:", "libtext.so", "libcut.so", "bot.yaml:5:"] {
      #expect(log.contains(name), "\(name)\n\(log)")
    }
    // With the line and a caret under the place, as `bothost check` shows them.
    #expect(
      log.contains("host:  5 |   out: {type: StdOt}\n") && log.contains("host:    |               ^~~~~\n"), "\(log)")
    let running = try host.command("ps").filter { $0.contains(" running ") }
    for name in ["crypt", "word-count", "wordcount-c"] {
      #expect(running.contains { $0.hasPrefix(name + " ") }, "\(name)")
    }
    try host.command("publish", "chat.message", Self.hello)
    try expectCount(1, host)
    try host.stop()
  }

  @Test("events and words on the control socket that are wrong hurt nobody else", .timeLimit(.minutes(20)))
  func events() throws {
    let host = try Host(plugins: Build.examples)
    let deep = String(repeating: "[", count: 5000) + String(repeating: "]", count: 5000)
    var refused = 0
    for payload in ["{}", "[]", "null", #"{"channel":7,"message":{}}"#, #"{"channel":{"name":null}}"#, deep, "{", ""] {
      let (status, _, _) = try RunningProgram.run(
        Build.bothost, ["publish", "chat.message", payload, "--control", host.socket])
      if status != 0 { refused += 1 }
      try host.command("publish", "chat.message", "--text", "not JSON: \(payload.prefix(8))")
    }
    #expect(refused >= 2)
    for _ in 0..<5 { try host.command("publish", "chat.message", Self.hello) }
    try expectCount(5, host)
    #expect(try host.command("dead", "list").contains { $0.contains("wordcount-c/") })

    // A client that speaks no protocol at all, and one that leaves in the middle of a word.
    for garbage in [Data([0, 255, 10, 13, 10]), Data(repeating: 0x7B, count: 100_000), Data(#"{"id":1,"op"#.utf8)] {
      let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      defer { close(descriptor) }
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: host.socket.utf8) }
      let connected = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      try #require(connected == 0)
      _ = garbage.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }
    #expect(try host.command("ps").count == 4)
    try host.stop()
  }

  @Test("lines of a chat server that are no IRC are passed over", .timeLimit(.minutes(20)))
  func lines() throws {
    let simulator = try Simulator()
    let host = try Host(
      bots: [Build.bots + "/taco.yaml"], environment: simulator.environment(channels: ["kitchen"]))
    try simulator.expect(1, "JOIN")
    let tail = try RunningProgram(
      Build.bothost, ["tail", "twitch.message", "-n", "1", "--payload", "--control", host.socket])
    let garbage = [
      ":", "@", "@=;;== :", ":a!b", "@tag", "PRIVMSG", ":x PRIVMSG", ":x PRIVMSG #kitchen", "\u{1}\u{2}\u{FFFD}",
      "@\(String(repeating: "a=b;", count: 3000)) :x PRIVMSG #kitchen :long tags",
      String(repeating: "x", count: 60_000), "999 999 999", ":tmi.twitch.tv 001", "@msg-id= :x NOTICE",
    ]
    for line in garbage { try simulator.order("raw \(line)") }
    let limit = Date(timeIntervalSinceNow: 60)
    while tail.isRunning, Date() < limit { try simulator.order("say kitchen ann after the garbage") }
    try tail.waitForExit()
    #expect(tail.printed().count == 1)
    #expect(try simulator.order("violations") == "[]")
    let after = try host.command("ps").filter { $0.hasPrefix("taco.chat") }
    #expect(after.contains { $0.contains(" running ") })
    try host.stop()
  }

  @Test("a server whose certificate is not trusted is refused by name; the rest works", .timeLimit(.minutes(20)))
  func certificate() throws {
    let simulator = try Simulator()
    var environment = simulator.environment(channels: ["kitchen"])
    environment["TWITCH_CA_FILE"] = ""
    let host = try Host(
      bots: [Build.bots + "/taco.yaml"], arguments: ["--plugins", Build.examples], environment: environment)
    try host.program.line(.error, "that the certificate is refused") {
      $0.contains("taco.chat") && $0.contains("certificate")
    }
    try host.command("publish", "chat.message", Self.hello)
    try expectCount(1, host)
    #expect(try simulator.transcript().isEmpty)
    try host.stop()
  }
}
