import Foundation
import Testing

/// A plugin that is replaced while its chat goes on.
@Suite(.serialized)
struct SwapTests {
  private static let count = 100_000

  @Test("swaps under a stream of messages lose, double and reorder none, on one connection", .timeLimit(.minutes(20)))
  func stream() throws {
    let simulator = try Simulator()
    let host = try Host(
      bots: [Build.bots + "/taco.yaml"], environment: simulator.environment(channels: ["kitchen"]))
    try simulator.expect(1, "JOIN")
    let before = try connection(of: "taco.chat", host)
    try simulator.order("flood kitchen \(Self.count)")
    for _ in 0..<5 {
      let report = try host.command("swap", "taco.chat")
      #expect(report.count == 1)
    }
    let values = try host.command(
      "tail", "log.taco_bell", "--from", "earliest", "--count", String(Self.count), "--payload",
      within: 60 + Double(Self.count) / 500)
    let numbers = values.compactMap { value in
      value.components(separatedBy: #"\"message\":\"message "#).dropFirst().first
        .flatMap { Int($0.prefix { $0.isNumber }) }
    }
    #expect(numbers.count == Self.count)
    #expect(numbers == Array((numbers.first ?? 0)..<((numbers.first ?? 0) + Self.count)))
    #expect(try connection(of: "taco.chat", host) == before)
    let logins = simulator.program.printed().filter { $0.contains(#""event":"login""#) }
    #expect(logins.count == 1)
    try host.stop()
  }

  /// Where an instance is connected to and since when.
  private func connection(of instance: String, _ host: Host) throws -> String {
    struct Entry: Decodable {
      struct Connection: Decodable {
        let peer: String
        let since: String
      }
      let name: String
      let connections: [Connection]?
    }
    for line in try host.command("ps", "--json") {
      let entry = try JSONDecoder().decode(Entry.self, from: Data(line.utf8))
      if entry.name == instance, let connection = entry.connections?.first {
        return "\(connection.peer) since \(connection.since)"
      }
    }
    throw RunningProgram.Failure(description: "\(instance) has no connection")
  }
}
