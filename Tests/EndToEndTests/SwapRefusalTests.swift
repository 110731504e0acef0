import Foundation
import Testing

/// Swaps by an operator: those that succeed keep the state, those that fail leave the running build in place.
@Suite(.serialized)
struct SwapRefusalTests {
  private static let hello =
    #"{"platform":"console","instance":"console","channel":{"id":"1","name":"lobby"},"author":{"id":"7","name":"ann"},"#
    + #""message":{"id":"42","text":"hello, dear everybody"},"private":false}"#

  private func count(_ host: Host, _ counter: String) throws -> String {
    try host.command("call", "\(counter).count", #"{"channel":"lobby"}"#).joined()
  }

  /// Publishes until the counter has that many messages, one after the other.
  private func fill(_ host: Host, _ messages: Int) throws {
    for _ in 0..<messages { try host.command("publish", "chat.message", Self.hello) }
    let limit = Date(timeIntervalSinceNow: 60)
    for counter in ["word-count", "wordcount-c"] {
      while try !count(host, counter).contains(#""messages":\#(messages)"#), Date() < limit {}
    }
  }

  @Test("the counters keep what they have counted over swaps", .timeLimit(.minutes(20)))
  func stateIsKept() throws {
    let host = try Host(plugins: Build.examples)
    try fill(host, 4)
    for generation in 2...3 {
      for counter in ["word-count", "wordcount-c"] {
        let line = try host.command("swap", counter).joined()
        #expect(line.hasPrefix("\(counter): generation \(generation - 1) -> \(generation), paused "))
        let counted = try count(host, counter)
        #expect(counted.contains(#""words":12"#) && counted.contains(#""messages":4"#))
      }
    }
    try host.stop()
  }

  @Test("a build that does not fit is refused at its step, and the old one goes on", .timeLimit(.minutes(20)))
  func refusals() throws {
    let directory = try TemporaryDirectory()
    let host = try Host(plugins: Build.examples)
    try fill(host, 2)
    let good = try Data(contentsOf: URL(fileURLWithPath: Build.examples + "/libWordCountC.so"))
    func library(_ name: String) -> URL { directory.url.appendingPathComponent(name) }

    try good.prefix(3000).write(to: library("truncated.so"))
    try Data("no library".utf8).write(to: library("text.so"))
    try Data().write(to: library("empty.so"))
    // e_machine stands at byte 18; 183 is AArch64.
    var foreign = good
    foreign.replaceSubrange(18..<20, with: [183, 0])
    try foreign.write(to: library("foreign.so"))
    try CPlugin.compile(CPlugin.counter(abi: "2"), to: library("abi.so").path, in: directory)
    try CPlugin.compile(CPlugin.counter(method: "other"), to: library("symbol.so").path, in: directory)

    let cases = [
      ("truncated.so", "inspect failed", "truncated"), ("text.so", "inspect failed", "not an ELF file"),
      ("empty.so", "inspect failed", "empty.so"), ("foreign.so", "inspect failed", "AArch64"),
      ("abi.so", "failed", "is built for ABI 2."), ("symbol.so", "failed", "count"),
      ("none.so", "stage failed", "No such file"),
    ]
    for (name, step, reason) in cases {
      let (status, output, error) = try RunningProgram.run(
        Build.bothost, ["swap", "--control", host.socket, "wordcount-c", library(name).path])
      let message = error.joined(separator: "\n")
      #expect(status == 1, "\(name)")
      #expect(output.isEmpty)
      #expect(message.contains("wordcount-c: ") && message.contains(step), "\(name): \(message)")
      #expect(message.contains(reason), "\(name): \(message)")
      #expect(message.contains("generation 1 goes on"), "\(name): \(message)")
      #expect(try count(host, "wordcount-c") == #"{"words":6,"messages":2}"#)
    }
    #expect(try host.command("swap", "wordcount-c").joined().contains("generation 1 -> "))
    #expect(try count(host, "wordcount-c") == #"{"words":6,"messages":2}"#)
    try host.stop()
  }

  @Test("a build that fails its events is replaced by the one before, which handles them", .timeLimit(.minutes(20)))
  func probation() throws {
    let directory = try TemporaryDirectory()
    _ = try directory.file("plugins/notes.yaml", CPlugin.notesManifest)
    let folder = directory.url.appendingPathComponent("plugins").path
    try CPlugin.compile(CPlugin.notes("BH_OK"), to: folder + "/libnotes.so", in: directory)
    let failing = directory.url.appendingPathComponent("failing.so").path
    try CPlugin.compile(CPlugin.notes("BH_E_INTERNAL"), to: failing, in: directory)
    let host = try Host(plugins: folder)
    let line = try host.command("swap", "notes", failing).joined()
    #expect(line.hasPrefix("notes: generation 1 -> 2, paused "))
    #expect(line.hasSuffix(", on probation for 200 events or 30s"))
    #expect(try host.command("ps").joined().contains("on probation: 0 of 200 events, 0 failed"))
    for key in 0..<6 { try host.command("publish", "note", "{}", "--key", "\(key)") }
    func state() throws -> String { try host.command("ps", "--json").joined() }
    let limit = Date(timeIntervalSinceNow: 60)
    while try !state().contains(#""handled":6"#), Date() < limit {}
    let last = try state()
    #expect(
      last.contains(#""generation":3"#) && last.contains(#""handled":6"#) && last.contains(#""dead":0"#), "\(last)")
    #expect(!last.contains("probation"))
    try host.stop()
  }

  @Test("swap --wait ends with the probation, and says how that ended", .timeLimit(.minutes(20)))
  func waiting() throws {
    let directory = try TemporaryDirectory()
    let manifest = CPlugin.notesManifest + "\nswap: {probation: {events: 2, time: 10m, max_error_rate: 0.1}}\n"
    _ = try directory.file("plugins/notes.yaml", manifest)
    let folder = directory.url.appendingPathComponent("plugins").path
    func build(_ name: String, _ answer: String, _ more: String = "") throws -> String {
      let library = directory.url.appendingPathComponent(name).path
      try CPlugin.compile(CPlugin.notes(answer) + more, to: library, in: directory)
      return library
    }
    try CPlugin.compile(CPlugin.notes("BH_OK"), to: folder + "/libnotes.so", in: directory)
    let host = try Host(plugins: folder)

    /// The command, which waits while `body` goes on.
    func swap(_ library: String, _ body: () throws -> Void) throws -> (Int32, [String], [String]) {
      let program = try RunningProgram(
        Build.bothost, ["swap", "--control", host.socket, "notes", library, "--wait"])
      try program.line(.output, "the swap") { $0.contains("on probation for 2 events or 10m") }
      try body()
      let status = try program.waitForExit()
      return (status, program.printed(.output), program.printed(.error))
    }
    func publish(_ count: Int) throws {
      for key in 0..<count { try host.command("publish", "note", "{}", "--key", "\(key)") }
    }

    let good = try swap(try build("good.so", "BH_OK", "\n/* another one */ int other;\n")) { try publish(2) }
    #expect(good.0 == 0 && good.2.isEmpty)
    #expect(good.1.last == "notes: has passed its probation: 2 attempts to handle an event, 0 failed")

    let bad = try swap(try build("bad.so", "BH_E_INTERNAL")) { try publish(1) }
    #expect(bad.0 == 1)
    #expect(
      bad.2.joined().contains(
        "notes: rolled back, the build before serves again: ")
        && bad.2.joined().contains("attempts to handle an event failed"), "\(bad.2)")

    let stopped = try swap(try build("third.so", "BH_OK", "\nint third;\n")) { try host.command("stop", "notes") }
    #expect(stopped.0 == 1)
    #expect(stopped.2.joined().contains("was cut short: swapped again, stopped or restarted"), "\(stopped.2)")
    try host.stop()
  }

  @Test("--watch swaps when a library has been replaced, and survives a bad one", .timeLimit(.minutes(20)))
  func watch() throws {
    let directory = try TemporaryDirectory()
    let examples = try CPlugin.copyExamples(to: directory)
    let host = try Host(plugins: examples, arguments: ["--watch"])
    try fill(host, 3)
    let library = examples + "/libWordCountC.so"
    let good = try Data(contentsOf: URL(fileURLWithPath: library))

    func replace(_ bytes: Data) throws {
      try bytes.write(to: URL(fileURLWithPath: library + ".new"))
      try #require(rename(library + ".new", library) == 0)
    }
    try replace(Data("no library".utf8))
    try host.program.line(.error, "that the library is refused") {
      $0.contains("wordcount-c") && $0.contains("not an ELF file")
    }
    #expect(try count(host, "wordcount-c") == #"{"words":9,"messages":3}"#)

    // The same code in other bytes: a byte behind the end makes it another build.
    try replace(good + Data([0]))
    try host.program.line(.error, "that it has swapped") { $0.contains("notice wordcount-c: swapped") }
    #expect(try count(host, "wordcount-c") == #"{"words":9,"messages":3}"#)
    try host.stop()
  }
}
