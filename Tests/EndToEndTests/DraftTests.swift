import Foundation
import Testing

/// Bots from plain English, as a user makes and runs them.
@Suite(.serialized)
struct DraftTests {
  private static let founding = """
        Create a Twitch Bot that connects to twitch irc.
        Make sure to login with my username and password.
        On receiving a message save it to Kafka on the topic
        taco_bell in a json format. Also, connect to a kafka
        topic bot_messages. On receiving a message from bot_messages
        send that data to twitch.

    """

  @Test("words, a file and standard input give the same bytes, also with the plugins' manifests at hand")
  func sources() throws {
    let directory = try TemporaryDirectory()
    let file = try directory.file("bot.txt", Self.founding)
    let plugins = ["--plugins", Build.plugins]
    let (status, piped, error) = try RunningProgram.run(Build.bothost, ["draft", "-"] + plugins, input: Self.founding)
    #expect(status == 0, "\(error)")
    #expect(error.isEmpty)
    #expect(piped.contains("name: taco  # no sentence names the bot: it is called after taco_bell"))
    for words in [[file], [Self.founding], Self.founding.split(whereSeparator: \.isWhitespace).map(String.init)] {
      #expect(try RunningProgram.run(Build.bothost, ["draft"] + words).output == piped)
    }
    let named = try RunningProgram.run(Build.bothost, ["draft", file, "--name", "salsa"])
    #expect(named.output.contains("name: salsa"))
  }

  @Test("every sentence that is not understood is shown with its place and the nearest patterns")
  func errors() throws {
    let text = "Create a Twitch bot.\nConect to a kafka topic x. Join the chanel y.\nWhen a message arrives, juggle."
    let (status, output, error) = try RunningProgram.run(Build.bothost, ["draft", "-"], input: text)
    #expect(status == 2)
    #expect(output.isEmpty)
    for line in [
      "<stdin>:2:1: error: no pattern fits this sentence: “Conect to a kafka topic x.” (did you mean 'connect'?)",
      "<stdin>:2:28: error: no pattern fits this sentence: “Join the chanel y.”; at 2:37, after “Join the”, expected 'channel'",
      "<stdin>:2:28: note: near to it: join|joins (the)? channel|channels CHANNELS",
      "<stdin>:3:1: error: no pattern fits this sentence: “When a message arrives, juggle.”; at 3:25",
    ] { #expect(error.contains { $0.hasPrefix(line) }, "\(line)\n\(error.joined(separator: "\n"))") }

    struct Finding: Decodable {
      var severity: String
      var line: Int
      var column: Int
    }
    let json = try RunningProgram.run(Build.bothost, ["draft", "-", "--json"], input: text)
    #expect(json.status == 2)
    let found = try json.error.map { try JSONDecoder().decode(Finding.self, from: Data($0.utf8)) }
    #expect(found.filter { $0.severity == "error" }.map { "\($0.line):\($0.column)" } == ["2:1", "2:28", "3:1"])

    let none = try RunningProgram.run(Build.bothost, ["draft", "Create a Twitch bot.", "--plugins", Build.examples])
    #expect(none.status == 2)
    #expect(none.error.contains { $0.contains("there is no type 'TwitchConnection'") })
    #expect(none.error.contains { $0.contains("does not fit the plugins") })
  }

  @Test("the founding paragraph is drafted and does what it says", .timeLimit(.minutes(20)))
  func foundingParagraph() throws {
    let directory = try TemporaryDirectory()
    let drafted = try RunningProgram.run(
      Build.bothost, ["draft", "-", "--plugins", Build.plugins], input: Self.founding)
    #expect(drafted.status == 0, "\(drafted.error)")
    let bot = try directory.file("bot.yaml", drafted.output.map { $0 + "\n" }.joined())
    // It is right without the settings that it is going to need, too.
    let check = try RunningProgram.run(Build.bothost, ["check", bot, "--plugins", Build.plugins])
    #expect(check.status == 0, "\(check.error)")

    let simulator = try Simulator()
    let brokers = try MockBrokers()
    try brokers.create("bot_messages")
    let host = try Host(
      bots: [bot],
      environment: simulator.environment(channels: ["kitchen"]).merging(["KAFKA_BROKERS": brokers.addresses]) { $1 })
    try simulator.expect(1, "PASS")
    try simulator.expect(1, "JOIN #kitchen")
    try simulator.order("flood kitchen 200")
    try simulator.order("say kitchen ann two tacos, please")

    struct Line: Decodable, Equatable {
      var username: String
      var message: String
    }
    let lines = try brokers.values(of: "taco_bell", atLeast: 201).map {
      try JSONDecoder().decode(Line.self, from: Data($0.utf8))
    }
    #expect(lines.count == 201)
    let numbers = lines.compactMap { $0.message.split(separator: " ").last.flatMap { Int($0) } }
    #expect(numbers.count == 200 && numbers == numbers.sorted())
    #expect(lines.contains(Line(username: "ann", message: "two tacos, please")))

    try brokers.waitUntilRelayed(to: "kitchen", by: host, simulator)
    try brokers.produce(
      [
        #"{"channel":"kitchen","message":"your tacos are ready"}"#, "plain text goes to the only channel",
      ], to: "bot_messages")
    try simulator.expect(1, "PRIVMSG #kitchen :your tacos are ready")
    try simulator.expect(1, "PRIVMSG #kitchen :plain text goes to the only channel")
    #expect(try simulator.order("violations") == "[]")
    try host.stop()
  }
}
