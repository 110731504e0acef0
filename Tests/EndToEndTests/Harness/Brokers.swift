import Foundation

/// Something that speaks Kafka's protocol, and the foreign client to look into it with.
protocol Brokers {
  var addresses: String { get }
}

extension Brokers {
  /// `kcat` reading a topic from its beginning: a record's value a line, as they come.
  func reader(of topic: String) throws -> RunningProgram {
    guard let kcat = Build.tool("kcat") else { throw RunningProgram.Failure(description: "kcat is not installed") }
    return try RunningProgram(
      kcat, ["-b", addresses, "-C", "-t", topic, "-o", "beginning", "-q", "-u", "-f", "%s\\n"])
  }

  /// The values of a topic's first records, in the order of each partition.
  func values(of topic: String, atLeast count: Int, within seconds: Double = 120) throws -> [String] {
    let reader = try reader(of: topic)
    _ = try reader.line(.output, number: count - 1, within: seconds, "\(count) records of \(topic)")
    return reader.printed()
  }

  /// The values of a topic's records up to the first that holds the text, in the order of each partition.
  func values(of topic: String, until text: String, within seconds: Double = 180) throws -> [String] {
    let reader = try reader(of: topic)
    try reader.line(.output, within: seconds, "a record of \(topic) with \(text)") { $0.contains(text) }
    let values = reader.printed()
    return Array(values.prefix((values.firstIndex { $0.contains(text) } ?? values.count) + 1))
  }

  /// Puts records on a topic through `kcat`, one a line.
  func produce(_ values: [String], to topic: String) throws {
    guard let kcat = Build.tool("kcat") else { throw RunningProgram.Failure(description: "kcat is not installed") }
    let (status, _, error) = try RunningProgram.run(
      kcat, ["-b", addresses, "-P", "-t", topic], input: values.map { $0 + "\n" }.joined())
    guard status == 0 else { throw RunningProgram.Failure(description: error.joined(separator: "\n")) }
  }
}

/// librdkafka's mock cluster in a process of its own.
final class MockBrokers: Brokers {
  let program: RunningProgram
  let addresses: String
  /// How many orders have been given.
  private var orders = 0

  private struct Ready: Decodable {
    let brokers: String
  }

  init() throws {
    program = try RunningProgram(Build.kafkaMock, ["--lifetime", "900"])
    let line = try program.line(.output, "its addresses") { $0.hasPrefix("{") }
    addresses = try JSONDecoder().decode(Ready.self, from: Data(line.utf8)).brokers
  }
}

extension MockBrokers {
  /// Gives the cluster a command, and returns when it has been carried out.
  func order(_ command: String) throws {
    orders += 1
    program.send(command)
    // The first line told the addresses.
    let answer = try program.line(number: orders, "the answer to '\(command)'")
    guard answer == "{\"ok\": true}" else {
      throw RunningProgram.Failure(description: "\(command): \(answer)")
    }
  }

  /// Makes a topic with one partition.
  func create(_ topic: String) throws { try order("topic \(topic) 1") }
}

extension MockBrokers {
  /// Waits until a bot says in the channel what comes on `bot_messages`.
  func waitUntilRelayed(to channel: String, by host: Host, _ simulator: Simulator) throws {
    // The bot begins at the end of the topic, so it has to be there first.
    try host.program.line(.error, within: 90, "that its consumer has partitions") {
      $0.contains("bot_messages") && $0.contains("assigned")
    }
    // Assigned is not yet reading: what comes before the end of the topic has been found out is not read. So one record at a time
    // until one is relayed.
    for attempt in 0..<20 {
      try produce([#"{"channel":"\#(channel)","message":"ready \#(attempt)"}"#], to: "bot_messages")
      if try simulator.sees(1, "PRIVMSG #\(channel) :ready", within: 3) { return }
    }
    throw RunningProgram.Failure(description: "nothing that comes on bot_messages is said in \(channel)")
  }
}

/// One node of Apache Kafka, where the machine has it.
final class RealBroker: Brokers {
  let directory: TemporaryDirectory
  let addresses: String

  init(_ arguments: [String] = []) throws {
    directory = try TemporaryDirectory()
    let (status, output, error) = try RunningProgram.run(
      Build.kafkaBroker, ["start", directory.path + "/kafka", "--lifetime", "900"] + arguments, within: 120)
    guard status == 0,
      let line = output.first(where: { $0.contains("KAFKA_BROKERS=") }),
      let value = line.split(separator: "=", maxSplits: 1).last
    else {
      throw RunningProgram.Failure(description: "the broker did not start: \((output + error).joined(separator: "\n"))")
    }
    addresses = value.trimmingCharacters(in: CharacterSet(charactersIn: "\"' "))
  }

  deinit { _ = try? command("stop") }

  @discardableResult
  func command(_ words: String...) throws -> [String] {
    let (status, output, error) = try RunningProgram.run(
      Build.kafkaBroker, [words[0], directory.path + "/kafka"] + words.dropFirst(), within: 120)
    guard status == 0 else { throw RunningProgram.Failure(description: (output + error).joined(separator: "\n")) }
    return output
  }

  func createTopic(_ name: String, partitions: Int = 1) throws {
    let (status, output, error) = try RunningProgram.run(
      Build.kafkaBroker,
      [
        "tool", "TopicCommand", "--bootstrap-server", addresses, "--create", "--topic", name, "--partitions",
        String(partitions),
      ], within: 120)
    guard status == 0 else { throw RunningProgram.Failure(description: (output + error).joined(separator: "\n")) }
  }
}
