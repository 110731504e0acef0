import Foundation

/// Lines of IRC -> events -> JSON -> Kafka through the taco bot, on one partition, idempotent, acks=all; beside `kcat -P` with the same
/// records on the same broker.
func chatToKafkaBenchmark() {
  guard FileManager.default.isExecutableFile(atPath: Place.broker), let kcat = Place.tool("kcat") else {
    print("IRC to Kafka: not measured: it needs kcat and a broker in ../shared/kafka")
    return
  }
  do {
    let count = 200_000
    let directory = try Place.temporary()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    _ = try ChildProgram.time(Place.broker, ["start", directory + "/kafka", "--lifetime", "900"])
    defer { _ = try? ChildProgram.time(Place.broker, ["stop", directory + "/kafka"]) }
    let environment = try String(contentsOfFile: directory + "/kafka/env", encoding: .utf8)
    let variable = environment.split(separator: "\n").first { $0.contains("KAFKA_BROKERS=") && !$0.contains("_KAFKA") }
    guard let addresses = variable?.split(separator: "=").last.map(String.init)?.trimmingCharacters(in: CharacterSet(charactersIn: "\"'"))
    else { throw ChildProgram.Failure(description: "the broker did not say its address") }
    for topic in ["taco_bell", "bot_messages", "peer"] {
      _ = try ChildProgram.time(
        Place.broker,
        ["tool", "TopicCommand", "--bootstrap-server", addresses, "--create", "--topic", topic, "--partitions", "1"])
    }

    let simulator = try ChildProgram(Place.simulator, ["--lifetime", "600"])
    let ready = try simulator.line { $0.hasPrefix("{") }
    let ports = try JSONDecoder().decode(Ports.self, from: Data(ready.utf8))
    let host = try ChildProgram(
      Place.bothost,
      ["--plugins", Place.plugins, "--data", directory, "--control", directory + "/s", Place.bots + "/taco.yaml"],
      environment: [
        "TWITCH_HOST": "127.0.0.1", "TWITCH_PORT": String(ports.plain), "TWITCH_TLS": "false", "TWITCH_USERNAME": "tacobot",
        "TWITCH_TOKEN": "oauth:simulated", "TWITCH_CHANNELS": "kitchen", "KAFKA_BROKERS": addresses,
      ], readsErrors: true)
    try host.line { $0.contains("ready") }
    simulator.send("expect 1 30000 JOIN")
    try simulator.line { $0.contains("ok") }
    let began = DispatchTime.now().uptimeNanoseconds
    simulator.send("flood kitchen \(count)")
    _ = try ChildProgram.time(
      kcat, ["-b", addresses, "-C", "-t", "taco_bell", "-o", "beginning", "-c", String(count), "-q", "-f", "%s\\n"])
    let ours = Double(count) / (Double(DispatchTime.now().uptimeNanoseconds - began) / 1e9)
    host.stop()
    simulator.send("quit")

    // The same records from the topic, through kcat.
    let file = URL(fileURLWithPath: directory + "/records")
    _ = FileManager.default.createFile(atPath: file.path, contents: nil)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: kcat)
    process.arguments = [
      "-b", addresses, "-C", "-t", "taco_bell", "-o", "beginning", "-c", String(count), "-q", "-f", "%s\\n",
    ]
    process.standardOutput = try FileHandle(forWritingTo: file)
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    let seconds = try ChildProgram.time(
      kcat, ["-b", addresses, "-P", "-t", "peer", "-X", "enable.idempotence=true", "-X", "acks=all", "-l", file.path])
    let peer = Double(count) / seconds
    print("IRC to Kafka, \(count) lines: \(format(ours)) records/s (aim: 0.5 times kcat)")
    print("  kcat -P with the same records: \(format(peer)) records/s; ratio \(format(ours / peer))")
  } catch {
    print("IRC to Kafka: not measured: \(error)")
  }
}

private struct Ports: Decodable {
  let plain: Int
}
