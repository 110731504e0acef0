import Foundation
import Testing

/// What an operator does with a host that runs.
@Suite(.serialized)
struct OperationTests {
  private static let hello =
    #"{"platform":"console","instance":"console","channel":{"id":"1","name":"lobby"},"author":{"id":"7","name":"ann"},"#
    + #""message":{"id":"42","text":"hello, dear everybody"},"private":false}"#

  private struct Row: Decodable {
    var name: String
    var state: String
    var generation: Int?
    var handled: Int
    var dead: Int
  }

  private func rows(_ host: Host) throws -> [String: Row] {
    let rows = try host.command("ps", "--json").map { try JSONDecoder().decode(Row.self, from: Data($0.utf8)) }
    return Dictionary(rows.map { ($0.name, $0) }) { $1 }
  }

  /// Runs a command that has to fail, and returns what it says.
  private func refused(_ host: Host, _ words: String..., status: Int32) throws -> String {
    let (ended, output, error) = try RunningProgram.run(
      Build.bothost, [words[0], "--control", host.socket] + words.dropFirst())
    #expect(ended == status, "\(words): \(error)")
    #expect(output.isEmpty)
    return error.joined(separator: "\n")
  }

  /// A tail of a running host, and what makes it print: publishing until it has.
  private func tail(_ host: Host, _ words: [String], while publish: () throws -> Void) throws -> [String] {
    let tail = try RunningProgram(Build.bothost, ["tail", "--control", host.socket] + words)
    let limit = Date(timeIntervalSinceNow: 60)
    while tail.isRunning, Date() < limit { try publish() }
    #expect(try tail.waitForExit() == 0)
    return tail.printed()
  }

  // MARK: Looking and talking

  @Test("ps, call, publish, start, stop and restart do what they say", .timeLimit(.minutes(20)))
  func operations() throws {
    let host = try Host(plugins: Build.examples)
    let table = try host.command("ps")
    #expect(table.first?.hasPrefix("INSTANCE") == true)
    #expect(table.count == 4)
    #expect(try rows(host).values.allSatisfy { $0.state == "running" && $0.generation == 1 })

    try host.command("publish", "chat.message", Self.hello)
    try host.command("publish", "chat.message", "-", input: "\(Self.hello)\n\(Self.hello)\n")
    for counter in ["word-count", "wordcount-c"] {
      try eventually("\(counter) has counted") {
        try host.command("call", "\(counter).count", #"{"channel":"lobby"}"#).joined().contains("9")
      }
    }
    let stream = try host.command(
      "call", "wordcount-c.count", "-", input: #"{"channel":"lobby"}"# + "\n" + #"{"channel":"x"}"# + "\n")
    #expect(stream == [#"{"ok":{"words":9,"messages":3}}"#, #"{"ok":{"words":0,"messages":0}}"#])

    try host.command("stop", "word-count", "crypt")
    #expect(try rows(host)["word-count"]?.state == "stopped")
    #expect(try rows(host)["wordcount-c"]?.state == "running")
    #expect(try refused(host, "call", "word-count.count", #"{"channel":"x"}"#, status: 1).contains("stopped"))
    #expect(try refused(host, "swap", "word-count", status: 1).contains("bothost start word-count"))
    try host.command("start", "word-count", "crypt")
    try host.command("restart", "wordcount-c")
    #expect(try rows(host).values.allSatisfy { $0.state == "running" })
    #expect(try host.command("call", "wordcount-c.count", #"{"channel":"lobby"}"#) == [#"{"words":0,"messages":0}"#])

    #expect(try refused(host, "stop", "wordcount", status: 2).contains("word-count"))
    #expect(try refused(host, "publish", "chat.*", "{}", status: 2).contains("chat.*"))
    #expect(try refused(host, "publish", "chat.message", "{", status: 2).contains("not JSON"))
    #expect(try refused(host, "publish", "sys.plugin.stopped", "{}", status: 2).contains("by the host alone"))
    #expect(try refused(host, "call", "word-count.cuont", status: 2).contains("'cuont'"))
    #expect(try host.command("metrics").contains { $0.hasPrefix("# TYPE ") })
    try host.stop()
  }

  @Test("a library that has never heard of bothost answers an event", .timeLimit(.minutes(20)))
  func gluelessExample() throws {
    let host = try Host(plugins: Build.examples)
    let printed = try tail(host, ["chat.hashed", "-n", "2", "--payload"]) {
      try host.command("publish", "chat.message", Self.hello, expect: nil)
    }
    #expect(printed.count == 2)
    #expect(Set(printed).count == 1)
    #expect(printed.allSatisfy { $0.hasPrefix("$5$bothost$") })
    let event = try tail(host, ["chat.*", "-n", "1"]) {
      try host.command("publish", "chat.message", Self.hello, expect: nil)
    }
    #expect(event.count == 1)
    #expect(event.first?.contains(#""topic":"chat."#) == true)
    try host.stop()
  }

  @Test("a second host on the same data is refused, with the first one's process", .timeLimit(.minutes(20)))
  func secondHost() throws {
    let host = try Host(plugins: Build.examples)
    let (status, _, error) = try RunningProgram.run(
      Build.bothost,
      [
        "--plugins", Build.examples, "--data", host.directory.path, "--control", host.directory.path + "/other.sock",
      ])
    #expect(status == 1)
    #expect(error.joined().contains("pid \(host.program.processIdentifier)"))
    #expect(try rows(host).count == 3)
    try host.stop()
  }

  // MARK: Durable topics and dead letters

  @Test(
    "durable events are read again from the start; dead letters are listed, shown, replayed and deleted",
    .timeLimit(.minutes(20)))
  func deadLetters() throws {
    let directory = try TemporaryDirectory()
    let plugins = try CPlugin.makePicky(in: directory)
    let secret = "swordfish-7f3a9"
    let environment = ["PICKY_TOKEN": secret]
    let first = try Host(plugins: plugins, environment: environment, directory: directory)
    for text in ["good", "bad", "fine", "bad", "bad"] {
      try first.command("publish", "notes", #"{"text":"\#(text)"}"#)
    }
    try eventually("three letters are dead") { try first.command("dead", "list", "--json").count == 3 }
    #expect(try first.command("call", "picky.taken") == ["2"])
    try first.stop()

    let host = try Host(plugins: plugins, environment: environment, directory: directory)
    let texts = try host.command("tail", "notes", "--from", "earliest", "-n", "5", "--payload")
    #expect(texts == ["good", "bad", "fine", "bad", "bad"].map { #"{"text":"\#($0)"}"# })

    struct Letter: Decodable {
      var id: Int
      var topic: String
      var consumer: String
      var reason: String
    }
    let letters = try host.command("dead", "list", "--json").map {
      try JSONDecoder().decode(Letter.self, from: Data($0.utf8))
    }
    try #require(letters.count == 3)
    #expect(letters.allSatisfy { $0.topic == "notes" && $0.consumer.hasPrefix("picky/") })
    #expect(letters.allSatisfy { $0.reason.contains("the note is bad") && !$0.reason.contains(secret) })
    let shown = try host.command("dead", "show", String(letters[0].id)).joined()
    #expect(shown.contains("bad"))
    #expect(!shown.contains(secret))

    try host.command("call", "picky.forgive")
    #expect(try host.command("dead", "replay", String(letters[0].id)) == ["1 letter replayed"])
    try eventually("the replayed note is taken") { try host.command("call", "picky.taken") == ["1"] }
    #expect(try host.command("dead", "delete", String(letters[1].id)) == ["1 letter deleted"])
    #expect(try host.command("dead", "replay", "--all") == ["1 letter replayed"])
    try eventually("the last note is taken") { try host.command("call", "picky.taken") == ["2"] }
    #expect(try host.command("dead", "list", "--json").isEmpty)
    #expect(try refused(host, "dead", "show", "999", status: 2).contains("999"))

    // Everything that was ever printed, of a plugin that tells its secret wherever it can.
    let error = try refused(host, "call", "picky.tell", status: 2)
    #expect(!error.contains(secret))
    #expect(!(try host.command("ps") + host.command("ps", "--json")).joined().contains(secret))
    #expect(!(try host.command("metrics").joined().contains(secret)))
    try host.stop()
    let log = (first.program.printed(.error) + host.program.printed(.error)).joined(separator: "\n")
    #expect(log.contains("picky"))
    #expect(!log.contains(secret))
  }
}
