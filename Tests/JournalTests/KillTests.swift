import Foundation
import Testing

@testable import BotHost

/// A process that writes is killed in the middle; what it had been told is there.
@Suite struct KillTests {
  let directory = TestDirectory()

  @Test(arguments: [3, 40, 200, 500]) func whatWasAcknowledgedSurvives(afterLines lines: Int) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try writerPath())
    process.arguments = [directory.path, "4"]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    var output = Data()
    while output.count(where: { $0 == UInt8(ascii: "\n") }) < lines {
      let more = pipe.fileHandleForReading.availableData
      try #require(!more.isEmpty, "the writer ended: \(String(decoding: output, as: UTF8.self))")
      output += more
    }
    kill(process.processIdentifier, SIGKILL)
    output += pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationReason == .uncaughtSignal)

    let journal = try Journal(directory: directory.path)
    let topic = try journal.topic("test.durable")
    let handler = try journal.consumer("writer/handler", of: topic)
    let store = try journal.store(of: "writer")
    let open = try journal.unsettled(handler, limit: 1_000_000)
    let texts = Dictionary(uniqueKeysWithValues: open.map { ($0.position, String(decoding: $0.bytes, as: UTF8.self)) })
    var acknowledged: [Int: Int] = [:]
    var settled: Set<Int64> = []
    var appended: [Int64: String] = [:]
    // The last line may be torn.
    for line in String(decoding: output, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
      .dropLast()
    {
      let words = line.split(separator: " ").map(String.init)
      switch words.first {
      case "event":
        appended[try #require(Int64(words[1]))] = words.dropFirst(2).joined(separator: " ")
      case "delivery":
        acknowledged[try #require(Int(words[1]))] = Int(words[2])
        if words[4] == "settled" { settled.insert(try #require(Int64(words[3]))) }
      default:
        Issue.record("the writer said: \(line)")
      }
    }
    #expect(!appended.isEmpty)
    for (position, text) in appended {
      if settled.contains(position) {
        #expect(texts[position] == nil, "settled, and back: \(text)")
      } else if position % 1 == 0, let found = texts[position] {
        #expect(found == text)
      } else {
        // Not said to be settled: only the last delivery of a thread may have got so far without being able to say so.
        let number = try #require(Int(text.split(separator: " ")[1]))
        let count = try #require(Int(text.split(separator: " ")[3]))
        #expect(count % 3 == 0 && count == (acknowledged[number] ?? -1) + 1, "lost: \(text)")
      }
    }
    for (number, count) in acknowledged {
      // The state is that of the last acknowledged delivery, or of the one after it.
      let value = try #require(try store.text("key-\(number)"))
      let stored = try #require(Int(value.split(separator: " ")[0]))
      #expect(stored == count || stored == count + 1)
      // State and settlement came together.
      let position = try #require(Int64(value.split(separator: " ")[1]))
      #expect((texts[position] == nil) == (stored % 3 == 0))
    }
  }

  private func writerPath() throws -> String {
    // Beside the tests' own image, wherever that was built; that is the program itself, or one that it has loaded.
    let maps = try String(contentsOfFile: "/proc/self/maps", encoding: .utf8)
    let images = [try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")[...]]
    for image in images + maps.split(separator: "\n") {
      guard let slash = image.firstIndex(of: "/") else { continue }
      let directory = image[slash...].split(separator: "/").dropLast().joined(separator: "/")
      let path = "/" + directory + "/journal-writer"
      if FileManager.default.isExecutableFile(atPath: path) { return path }
    }
    throw CocoaError(.fileNoSuchFile)
  }
}
