import Foundation
import Testing

/// Wishes that nobody carries out: an answer for a chat whose adapter is not there, or not any more.
@Suite(.serialized)
struct MandatoryTests {
  /// The pipeline, and an adapter for a platform called pigeon, which counts what it is to say.
  private func plugins(_ directory: TemporaryDirectory) throws -> String {
    let folder = try YetibotHost.plugins(in: directory)
    try CPlugin.compile(CPlugin.picky, to: folder + "/libpicky.so", in: directory)
    let manifest = CPlugin.pickyManifest
      .replacingOccurrences(
        of: "{topic: notes, call: on_note}", with: "{topic: chat.say, call: on_note, where: {/platform: pigeon}}")
    _ = try directory.file("plugins/picky.yaml", manifest)
    return folder
  }

  /// Somebody asks the pipeline something.
  private func ask(_ host: Host, on platform: String, _ text: String) throws {
    try host.command(
      "publish", "chat.message",
      #"""
      {"platform":"\#(platform)","instance":"\#(platform)","channel":{"id":"c","name":"c"},"author":{"id":"ann","name":"ann"},"message":{"id":"1","text":"\#(text)"}}
      """#)
  }

  private struct Letter: Decodable {
    var id: Int
    var topic: String
    var consumer: String?
    var instance: String
    var reason: String
  }

  private func letters(_ host: Host) throws -> [Letter] {
    try host.command("dead", "list", "--json").map { try JSONDecoder().decode(Letter.self, from: Data($0.utf8)) }
  }

  @Test(
    "an answer for a chat that no adapter speaks is a dead letter that is said and counted, and can be replayed",
    .timeLimit(.minutes(20)))
  func noAdapter() throws {
    let directory = try TemporaryDirectory()
    let plugins = try plugins(directory)
    let host = try YetibotHost.start(in: directory, plugins: plugins)
    try ask(host, on: "pigeon", "!echo coo")
    try eventually("the adapter has it") { try host.command("call", "picky.taken") == ["1"] }
    #expect(try letters(host).isEmpty)

    try ask(host, on: "owl", "!echo hoo")
    try eventually("the answer is a dead letter") { try letters(host).count == 1 }
    let letter = try letters(host)[0]
    #expect(letter.topic == "chat.say" && letter.consumer == nil && letter.instance == "yetibot")
    #expect(letter.reason == "no handler takes it: the one of this topic has passed it over")
    #expect(try host.command("dead", "list").contains { $0.contains(" -  ") && $0.contains("no handler takes it") })
    #expect(try host.command("dead", "show", "\(letter.id)").joined().contains("hoo"))
    #expect(try host.command("metrics").contains(#"bothost_untaken_events{instance="yetibot"} 1"#))
    #expect(try host.command("ps", "--json").contains { $0.contains("yetibot") && $0.contains(#""untaken":1"#) })

    // It is handed to whoever takes it by then: still nobody, so that there is a new letter for the old one.
    #expect(try host.command("dead", "replay", "\(letter.id)") == ["1 letter replayed"])
    try eventually("there is a new letter") { try letters(host).map(\.id).allSatisfy { $0 > letter.id } }
    let source = try String(contentsOfFile: plugins + "/picky.yaml", encoding: .utf8)
    try source.replacingOccurrences(of: "/platform: pigeon", with: "/platform: owl")
      .write(toFile: plugins + "/picky.yaml", atomically: true, encoding: .utf8)
    try host.command("restart", "picky")
    #expect(try host.command("dead", "replay", "--all") == ["1 letter replayed"])
    try eventually("the adapter has it") { try host.command("call", "picky.taken") == ["1"] }
    #expect(try letters(host).isEmpty)

    // The same for an event from outside, when it is asked for.
    try host.command("publish", "wish", "{}")
    try host.command("publish", "wish", "{}", "--mandatory")
    #expect(try letters(host).map(\.reason) == ["no handler takes it: there is none for this topic"])
    #expect(try letters(host).map(\.instance) == ["operator"])
    try host.stop()
    let log = host.program.printed(.error).joined(separator: "\n")
    #expect(log.contains("an event on chat.say is a dead letter: no handler takes it"))
  }

  @Test(
    "an answer for an adapter that has just been stopped waits for it, and is a dead letter when the host ends first",
    .timeLimit(.minutes(20)))
  func stoppedAdapter() throws {
    let directory = try TemporaryDirectory()
    let plugins = try plugins(directory)
    let first = try YetibotHost.start(in: directory, plugins: plugins)
    try first.command("stop", "picky")
    try ask(first, on: "pigeon", "!echo coo")
    try eventually("the answer waits") {
      try first.command("ps", "--json").contains { $0.contains("picky") && $0.contains(#""queued":1"#) }
    }
    try first.command("start", "picky")
    try eventually("the adapter has it") { try first.command("call", "picky.taken") == ["1"] }
    try first.command("stop", "picky")
    try ask(first, on: "pigeon", "!echo coo")
    try eventually("the answer waits") {
      try first.command("ps", "--json").contains { $0.contains("picky") && $0.contains(#""queued":1"#) }
    }
    try first.stop()

    let second = try YetibotHost.start(in: directory, plugins: plugins)
    let kept = try letters(second)
    #expect(kept.map(\.topic) == ["chat.say"] && kept[0].consumer?.hasPrefix("picky/") == true)
    #expect(try second.command("dead", "replay", "--all") == ["1 letter replayed"])
    try eventually("the adapter has it") { try second.command("call", "picky.taken") == ["1"] }
    #expect(try letters(second).isEmpty)
    try second.stop()
  }
}
