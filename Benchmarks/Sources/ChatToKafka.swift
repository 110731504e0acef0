import Foundation

/// Lines of IRC -> events -> JSON -> Kafka through the taco bot, from the socket to the record in the broker's log: one partition,
/// idempotent, acks=all. Beside `kcat -P` with the same records on the same broker, and beside the bot that one would write in Python.
enum ChatToKafkaBenchmark {
  private static let count = 300_000
  private static let pythonCount = 60_000

  static func run(_ report: Report) throws {
    let what = "IRC line -> event -> JSON -> Kafka"
    let directory = try Place.temporary()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let broker: KafkaBroker
    let program: String
    do {
      broker = try KafkaBroker(in: directory)
      program = try Peer.compiled("irc_source")
    } catch { return report.leaveOut(what, because: "\(error)") }
    defer { broker.stop() }
    for topic in ["taco_bell", "bot_messages", "peer", "python"] { try broker.makeTopic(topic) }
    let source = try ChildProgram(program, [])
    let port = try source.line { $0.hasPrefix("port ") }.dropFirst(5)

    let own = try host(broker, source, port: String(port), directory)
    guard let kcat = Place.tool("kcat") else { return }
    let file = directory + "/records"
    try ChildProgram.write(
      kcat,
      ["-b", broker.addresses, "-C", "-t", "taco_bell", "-o", "beginning", "-c", String(count), "-q", "-f", "%s\\n"],
      to: file)
    // The best of three: the first also warms the broker's code for this client.
    var peer = 0.0
    for _ in 0..<3 {
      let seconds = try ChildProgram.time(
        kcat,
        [
          "-b", broker.addresses, "-P", "-t", "peer", "-X", "enable.idempotence=true", "-X", "acks=all", "-l", file,
        ])
      peer = max(peer, Double(count) / seconds)
    }
    report.add(
      Row(what: what, host: own, unit: "/s", peer: ("kcat -P, the same records", peer), aim: .atLeastTimes(0.5)))
    do {
      let python = try python(broker, source, port: String(port))
      report.add(
        Row(what: what, host: own, unit: "/s", peer: ("a bot in Python", python), aim: .atLeastTimes(5)))
    } catch { report.leaveOut("\(what), beside a bot in Python", because: "\(error)") }
    source.closeInput()
  }

  /// Lines a second: the best of three floods on one connection, because the broker's virtual machine is slow at first.
  private static func host(
    _ broker: KafkaBroker, _ source: ChildProgram, port: String, _ directory: String
  ) throws -> Double {
    let host = try ChildProgram(
      Place.bothost,
      [
        "--plugins", try Place.only(["twitch", "kafka"], in: directory), "--data", directory, "--control",
        directory + "/s", Place.bots + "/taco.yaml",
      ],
      environment: [
        "TWITCH_HOST": "127.0.0.1", "TWITCH_PORT": port, "TWITCH_TLS": "false", "TWITCH_USERNAME": "tacobot",
        "TWITCH_TOKEN": "oauth:simulated", "TWITCH_CHANNELS": "kitchen", "KAFKA_BROKERS": broker.addresses,
      ], readsErrors: true)
    defer { host.stop() }
    try source.line(after: "joined")
    var best = 0.0
    for round in 1...3 {
      source.send("go \(count)")
      best = max(best, Double(count) / (try broker.wait(for: round * count, in: "taco_bell")))
    }
    return best
  }

  /// The same of the bot in Python, with the two libraries in an environment of its own.
  private static func python(_ broker: KafkaBroker, _ source: ChildProgram, port: String) throws -> Double {
    guard let interpreter = Place.tool("python3") else {
      throw ChildProgram.Failure(description: "there is no python3")
    }
    let environment = NSTemporaryDirectory() + "bothost-peers/python"
    if !FileManager.default.fileExists(atPath: environment + "/bin/irc-ready") {
      do {
        _ = try ChildProgram.time(interpreter, ["-m", "venv", environment])
        _ = try ChildProgram.time(environment + "/bin/pip", ["install", "--quiet", "irc", "confluent-kafka"])
      } catch { throw ChildProgram.Failure(description: "pip cannot install irc and confluent-kafka: \(error)") }
      _ = FileManager.default.createFile(atPath: environment + "/bin/irc-ready", contents: nil)
    }
    var best = 0.0
    for round in 1...2 {
      let bot = try ChildProgram(
        environment + "/bin/python",
        ["\(Place.sources)/Peers/python_bot.py", port, broker.addresses, "python", "#kitchen", "\(pythonCount)"])
      try source.line(after: "joined")
      source.send("go \(pythonCount)")
      best = max(best, Double(pythonCount) / (try broker.wait(for: round * pythonCount, in: "python")))
      try bot.line { $0 == "done" }
      bot.process.waitUntilExit()
    }
    return best
  }
}
