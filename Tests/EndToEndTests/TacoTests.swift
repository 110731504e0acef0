import Foundation
import Testing

/// The main job, over real protocols: chat lines become records, records become chat lines.
@Suite(.serialized)
struct TacoTests {
  private struct Line: Decodable {
    let username: String
    let message: String

    /// The number at the end of a flood's line.
    var number: Int? { message.split(separator: " ").last.flatMap { Int($0) } }
  }

  private func host(_ simulator: Simulator, _ brokers: any Brokers, in directory: TemporaryDirectory? = nil) throws
    -> Host
  {
    let environment = simulator.environment(channels: ["kitchen"]).merging(["KAFKA_BROKERS": brokers.addresses]) { $1 }
    let host = try Host(bots: [Build.bots + "/taco.yaml"], environment: environment, directory: directory)
    return host
  }

  private func lines(_ values: [String]) throws -> [Line] {
    try values.map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
  }

  @Test("a thousand chat lines become a thousand JSON records in the channel's order", .timeLimit(.minutes(20)))
  func thousandLines() throws {
    let simulator = try Simulator()
    let brokers = try MockBrokers()
    let host = try host(simulator, brokers)
    try simulator.expect(1, "JOIN")
    try simulator.order("flood kitchen 1000")

    let lines = try lines(try brokers.values(of: "taco_bell", atLeast: 1000))
    let numbers = lines.compactMap(\.number)
    #expect(numbers.count == 1000)
    #expect(numbers == numbers.sorted())
    #expect(Set(numbers).count == 1000)
    #expect(lines.allSatisfy { !$0.username.isEmpty })
    try host.stop()
  }

  @Test(
    "a server that asks to reconnect is left for a new connection without a line missed, doubled or out of order",
    .timeLimit(.minutes(20)))
  func reconnect() throws {
    let simulator = try Simulator()
    let brokers = try MockBrokers()
    let host = try host(simulator, brokers)
    try simulator.expect(1, "JOIN")
    // The stream goes on over the move, for which the server gives more time than any machine needs.
    try simulator.order("flood kitchen 4000 800")
    _ = try brokers.values(of: "taco_bell", atLeast: 400)
    try simulator.order("reconnect 60000")
    try simulator.expect(2, "JOIN")

    let numbers = try lines(try brokers.values(of: "taco_bell", atLeast: 4000)).compactMap(\.number)
    #expect(numbers == Array(1...4000))
    try host.program.line(.error, "that it has moved") { $0.contains("notice taco.chat: moved to a new connection") }
    let happened = simulator.program.printed()
    let joined = try #require(happened.lastIndex { $0.contains(#""event":"joined""#) })
    let closed = try #require(happened.firstIndex { $0.contains(#""event":"closed""#) })
    #expect(joined < closed, "the new connection is in the channel before the old one is closed")
    #expect(!host.program.printed(.error).contains { $0.contains("waiting for 127.0.0.1:\(simulator.tls)") })
    #expect(try simulator.order("violations") == "[]")
    try host.stop()
  }

  @Test("records become chat lines, never more than 20 in 30 seconds", .timeLimit(.minutes(20)))
  func rateLimit() throws {
    let simulator = try Simulator()
    let brokers = try MockBrokers()
    try brokers.create("bot_messages")
    let host = try host(simulator, brokers)
    try simulator.expect(1, "JOIN")
    try brokers.waitUntilRelayed(to: "kitchen", by: host, simulator)
    try brokers.produce((0..<25).map { #"{"channel":"kitchen","message":"order \#($0)"}"# }, to: "bot_messages")
    try simulator.expect(25, "PRIVMSG #kitchen :order", within: 150)

    let sent = try simulator.transcript().filter { $0.line.contains("PRIVMSG #kitchen :") }
    let texts = sent.map { $0.line.components(separatedBy: " :").last ?? "" }
    #expect(Set(texts.filter { $0.hasPrefix("order") }) == Set((0..<25).map { "order \($0)" }))
    for first in sent.indices {
      let inWindow = sent[first...].prefix { $0.t - sent[first].t < 30_000_000_000 }
      #expect(inWindow.count <= 20)
    }
    #expect(try simulator.order("violations") == "[]")
    try host.stop()
  }

  @Test("records that a killed host had not relayed are relayed by the next one", .timeLimit(.minutes(20)))
  func killedWhileRelaying() throws {
    let simulator = try Simulator()
    let brokers = try MockBrokers()
    try brokers.create("bot_messages")
    let directory = try TemporaryDirectory()
    // The mock cluster waits a whole session for a member that has died: a short one.
    let taco = try String(contentsOfFile: Build.bots + "/taco.yaml", encoding: .utf8).replacingOccurrences(
      of: "group: taco, start: latest}",
      with: #"group: taco, start: latest, settings: {session.timeout.ms: "6000", heartbeat.interval.ms: "1000"}}"#)
    #expect(taco.contains("session.timeout.ms"))
    for name in ["config.yaml", "talis-config.yaml"] {
      _ = try directory.file("bots/" + name, String(contentsOfFile: Build.bots + "/" + name, encoding: .utf8))
    }
    let bot = try directory.file("bots/taco.yaml", taco)
    let environment = simulator.environment(channels: ["kitchen"]).merging(["KAFKA_BROKERS": brokers.addresses]) { $1 }
    var host = try Host(bots: [bot], environment: environment, directory: directory)
    try simulator.expect(1, "JOIN")
    try brokers.waitUntilRelayed(to: "kitchen", by: host, simulator)
    try brokers.produce((0..<6).map { #"{"channel":"kitchen","message":"order \#($0)"}"# }, to: "bot_messages")
    try simulator.expect(2, "PRIVMSG #kitchen :order")
    host.program.signal(SIGKILL)
    try host.program.waitForExit()

    host = try Host(bots: [bot], environment: environment, directory: directory)
    let limit = Date(timeIntervalSinceNow: 90)
    var missing = Set((0..<6).map { "PRIVMSG #kitchen :order \($0)" })
    while !missing.isEmpty, Date() < limit {
      missing.subtract(try simulator.transcript().map(\.line))
      if !missing.isEmpty { _ = try simulator.sees(1000, "PRIVMSG", within: 1) }
    }
    #expect(missing.isEmpty, "never relayed: \(missing.sorted())")
    try host.stop()
  }

  @Test(
    "a host that is killed loses no record that it has settled", .timeLimit(.minutes(20)))
  func killed() throws {
    let simulator = try Simulator()
    let brokers = try MockBrokers()
    try brokers.create("bot_messages")
    let directory = try TemporaryDirectory()
    var host = try host(simulator, brokers, in: directory)
    try simulator.expect(1, "JOIN")
    try simulator.order("flood kitchen 1000 400")
    _ = try brokers.values(of: "taco_bell", atLeast: 200)
    host.program.signal(SIGKILL)
    try host.program.waitForExit()

    let known = try brokers.values(of: "taco_bell", atLeast: 200).count
    let before = try lines(try brokers.values(of: "taco_bell", atLeast: known)).compactMap(\.number)
    #expect(before == Array((before.first ?? 0)..<((before.first ?? 0) + before.count)))

    host = try self.host(simulator, brokers, in: directory)
    try simulator.expect(2, "JOIN")
    try simulator.order("say kitchen ann after the crash")
    let reader = try brokers.reader(of: "taco_bell")
    try reader.line(.output, "the line after the crash") { $0.contains("after the crash") }
    try host.stop()
  }
}
