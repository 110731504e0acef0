import Foundation
import Testing

/// The main job, over real protocols: chat lines become records, records become chat lines.
@Suite(.serialized)
struct TacoTests {
  private struct Line: Decodable {
    let username: String
    let message: String
  }

  @Test("a thousand chat lines become a thousand JSON records in the channel's order", .timeLimit(.minutes(5)))
  func thousandLines() throws {
    let simulator = try Simulator()
    let brokers = try MockBrokers()
    let host = try Host(
      bots: [Build.bots + "/taco.yaml"],
      environment: simulator.environment(channels: ["kitchen"]).merging(["KAFKA_BROKERS": brokers.addresses]) { $1 })
    try simulator.program.line(.output, "that the bot has joined") {
      $0.contains("\"joined\"") && $0.contains("kitchen")
    }
    simulator.order("flood kitchen 1000")

    let values = try brokers.values(of: "taco_bell", atLeast: 1000)
    #expect(values.count == 1000)
    let lines = try values.map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
    let numbers = lines.compactMap { line in line.message.split(separator: " ").compactMap { Int($0) }.last }
    #expect(numbers.count == 1000)
    #expect(numbers == numbers.sorted())
    #expect(Set(numbers).count == 1000)
    #expect(lines.allSatisfy { !$0.username.isEmpty })
    try host.stop()
  }
}
