import Foundation
import Testing

/// The main job over a real Kafka broker that dies and a chat connection that breaks.
@Suite(.serialized, .enabled(if: Build.noKafkaBroker == nil, "there is no real Kafka broker here"))
struct BrokerLossTests {
  /// The lines of a flood as the topic has them.
  ///
  /// What "in order, once or more" means: every number is the one before it plus one, or a step back, with which a run that a
  /// producer sent without getting an answer begins again. So whatever comes for the first time comes in order, nothing is passed over, and
  /// what is there twice is a re-sent run and nothing else.
  private struct Numbers {
    let all: [Int]

    init(_ values: [String]) throws {
      struct Line: Decodable {
        let username: String
        let message: String
      }
      all = try values.map { value in
        let line = try JSONDecoder().decode(Line.self, from: Data(value.utf8))
        guard line.username == "flooder", line.message.hasPrefix("message "),
          let number = Int(line.message.dropFirst(8))
        else { throw RunningProgram.Failure(description: "this is no line of the flood: \(value)") }
        return number
      }
    }

    /// Places where neither the next number stands nor a run begins again.
    var faults: [String] {
      var faults: [String] = []
      var last = 0
      for number in all {
        if number > last + 1 { faults.append("\(last) is followed by \(number)") }
        last = number
      }
      return faults
    }
  }

  @Test(
    "a broker that is killed and a chat that is cut lose no line of 20,000 and keep their order",
    .timeLimit(.minutes(20)))
  func killedAndCut() throws {
    let taco = try TacoOnBroker()
    let (simulator, broker, host) = (taco.simulator, taco.broker, taco.host)

    try simulator.order("flood kitchen 7000")
    _ = try broker.values(of: "taco_bell", atLeast: 1000)
    try broker.command("kill")
    let waiting = "waiting for the broker at \(broker.addresses): "
    try host.program.line(.error, "that it waits for the broker") {
      $0.contains(" warning taco.chatlog: \(waiting)")
    }
    let shown = try host.command("ps").first { $0.hasPrefix("taco.chatlog ") }
    #expect(shown?.contains(waiting) == true, "ps says: \(shown ?? "nothing")")
    // All of these come while there is no broker.
    try simulator.order("flood kitchen 7000 0 7001")
    try simulator.order("flooded")

    try broker.command("start")
    var connected = 0
    try host.program.line(.error, "that it is connected again") {
      if $0.contains("taco.chatlog: connected to the broker at \(broker.addresses)") { connected += 1 }
      return connected == 2
    }
    // The connection ends in the middle of this, after 3,000 lines; the rest follows when the bot is in the channel again.
    try simulator.order("cut-after 3000")
    try simulator.order("flood kitchen 6000 0 14001")
    try simulator.expect(2, "JOIN")
    try host.program.line(.error, "that its chat is cut and what it does") {
      $0.contains(" warning taco.chat: waiting for 127.0.0.1:\(simulator.tls): ") && $0.contains("connecting again in ")
    }

    let values = try broker.values(of: "taco_bell", until: #""message":"message 20000""#)
    let numbers = try Numbers(values)
    #expect(numbers.faults.isEmpty, "\(numbers.faults.prefix(5))")
    #expect(Set(numbers.all) == Set(1...20_000))
    let repeated = numbers.all.count - 20_000
    if repeated > 0 { print("lines that are there twice after the broker's death: \(repeated)") }
    #expect(try simulator.order("violations") == "[]")
    #expect(try host.command("dead", "list", "--json").isEmpty)
    try host.stop()
  }
}
