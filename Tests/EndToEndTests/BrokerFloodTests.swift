import Foundation
import Testing

/// The main job as fast as it goes, over a real broker: more lines than all queues between the chat and the broker hold, so that each of
/// them is full and every thread waits for another one.
///
/// Once the thread that takes the broker's reports published the state of the connection to a bot whose lane was full, and the bot waited for
/// those reports: nothing went on.
@Suite(.serialized, .enabled(if: Build.noKafkaBroker == nil, "there is no real Kafka broker here"))
struct BrokerFloodTests {
  private static let isFull = ProcessInfo.processInfo.environment["BOTHOST_FULL"] != nil

  @Test(
    "a flood that fills every queue goes through, in order, while the connection's state changes",
    .timeLimit(.minutes(20)))
  func flood() throws {
    let (first, lines) = Self.isFull ? (100_000, 400_000) : (10_000, 45_000)
    let taco = try TacoOnBroker()
    let (simulator, broker, host) = (taco.simulator, taco.broker, taco.host)
    // The broker stops answering with all queues full behind it, and comes back: the state changes twice in the middle of the flood.
    try simulator.order("flood kitchen \(first)")
    _ = try broker.values(of: "taco_bell", atLeast: 100)
    try broker.command("kill")
    try host.program.line(.error, "that it waits for the broker") { $0.contains("waiting for the broker at") }
    // More than the bot has under way and its lane holds: the chat's own lane waits for the bot's.
    try simulator.order("flood kitchen \(lines - first) 0 \(first + 1)")
    try broker.command("start")
    let values = try broker.values(of: "taco_bell", until: "\"message\":\"message \(lines)\"")
    var next = 1
    for value in values where value.contains("\"message\":\"message \(next)\"") { next += 1 }
    #expect(next == lines + 1, "the first line that is missing or out of its place is \(next)")
    #expect(try host.command("dead", "list", "--json").isEmpty)
    try host.stop()
  }
}
