import Foundation
import Testing

/// Bots that are emitted as C, as plugins of a running host.
@Suite(.serialized)
struct EmittedBotTests {
  /// Compiles an emitted source as strictly as a careful user would.
  private func build(_ directory: String) throws {
    guard let compiler = Build.tool("cc") else { throw RunningProgram.Failure(description: "no C compiler") }
    let (status, _, error) = try RunningProgram.run(
      compiler,
      [
        "-std=c99", "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-I", Build.include, "-o",
        directory + "/libgauge.new", directory + "/gauge.c",
      ], within: 120)
    guard status == 0, rename(directory + "/libgauge.new", directory + "/libgauge.so") == 0 else {
      throw RunningProgram.Failure(description: error.joined(separator: "\n"))
    }
  }

  private func emit(_ directory: TemporaryDirectory, _ word: String) throws -> [String] {
    let bot = try directory.file("bots/gauge.yaml", BotSwapTests.bot(word))
    let (status, output, error) = try RunningProgram.run(
      Build.bothost,
      [
        "compile", bot, "--plugins", directory.path + "/plugins", "--emit", "c", "--output",
        directory.path + "/emitted",
        "--cache", directory.path + "/units",
      ])
    guard status == 0 else { throw RunningProgram.Failure(description: error.joined(separator: "\n")) }
    return output
  }

  @Test("an emitted bot does what the bot does, and is swapped as a plugin under load", .timeLimit(.minutes(20)))
  func emitted() throws {
    let directory = try TemporaryDirectory()
    _ = try directory.file("plugins/meter.yaml", BotSwapTests.manifest)
    try CPlugin.compile(BotSwapTests.meter, to: directory.path + "/plugins/libmeter.so", in: directory)
    _ = try emit(directory, "a")
    let emitted = directory.path + "/emitted"
    try build(emitted)

    let host = try Host(
      plugins: directory.path + "/plugins",
      arguments: ["--plugins", emitted, "--config", emitted + "/gauge.host.yaml"], directory: directory)
    try host.command("call", "gauge.meter.run", #"{"count":1000000}"#)
    try host.program.line(.output, "that events flow") { $0.hasPrefix("a ") }
    let built = try emit(directory, "b").filter { $0.hasPrefix("BUILT ") }
    #expect(built.count == 4, "the step, its handler, the handlers, the bot")
    try build(emitted)
    try host.command("swap", "gauge")
    try host.program.line(.output, "that the new build handles events") { $0.hasPrefix("b ") }
    // No more than have been published by now.
    let count = try #require(try host.command("call", "gauge.meter.run", #"{"count":0}"#).first.flatMap { Int($0) })
    _ = try host.program.line(.output, number: count - 1, "every event")
    try host.stop()
    let printed = host.program.printed().map { $0.split(separator: " ") }
    #expect(printed.count == count)
    #expect(printed.compactMap { $0.last.flatMap { Int($0) } } == Array(0..<count))
    let words = printed.compactMap(\.first)
    #expect(words.first == "a" && words.last == "b" && words == words.sorted())

    // Nothing has changed: the files stay as they are, to the inode.
    func identity() throws -> [Int] {
      try ["gauge.c", "gauge.yaml", "gauge.host.yaml"].map { name in
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(emitted)/\(name)")
        return try #require(attributes[.systemFileNumber] as? Int)
      }
    }
    let before = try identity()
    #expect(try emit(directory, "b").allSatisfy { $0.hasPrefix("CACHED ") })
    #expect(try identity() == before)
  }
}
