import BotHost
import Foundation

/// Records from a real broker to a handler, acknowledged one by one and their offsets stored, beside `kcat -C` that only writes them out.
enum KafkaConsumeBenchmark {
  private static let count = 600_000

  static func run(_ report: Report) throws {
    let what = "Kafka -> event -> handler, 435-byte records"
    let directory = try Place.temporary()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let broker: KafkaBroker
    do { broker = try KafkaBroker(in: directory) } catch { return report.leaveOut(what, because: "\(error)") }
    defer { broker.stop() }
    try broker.makeTopic("orders")
    let file = directory + "/records"
    let text = String(repeating: "x", count: 384)
    var lines = ""
    for number in 0..<count {
      lines += "{\"number\":\(String(format: "%08d", number)),\"text\":\"\(text)\",\"more\":true}\n"
    }
    try lines.write(toFile: file, atomically: false, encoding: .utf8)
    guard let kcat = Place.tool("kcat") else { return }
    _ = try ChildProgram.time(kcat, ["-b", broker.addresses, "-P", "-t", "orders", "-l", file])

    let plugins = try Place.only(["kafka"], in: directory)
    try Peer.plugin("count", in: plugins)
    var own = 0.0
    var peer = 0.0
    for round in 1...3 {
      own = max(own, try consume(broker, plugins, "\(directory)/data-\(round)", group: "bench-\(round)"))
      let seconds = try ChildProgram.time(
        kcat, ["-b", broker.addresses, "-C", "-t", "orders", "-o", "beginning", "-c", String(count), "-q"])
      peer = max(peer, Double(count) / seconds)
    }
    report.add(Row(what: what, host: own, unit: "/s", peer: ("kcat -C", peer)))
  }

  /// From the first record to the last.
  private static func consume(
    _ broker: KafkaBroker, _ plugins: String, _ data: String, group: String
  ) throws -> Double {
    try """
    bothost: 1
    kind: host
    instances:
      kafka:
        plugin: kafka
        config: {brokers: "\(broker.addresses)", topic: orders, group: \(group), start: earliest, consume: true}
    """.write(toFile: "\(plugins)/../host.yaml", atomically: true, encoding: .utf8)
    var options = HostOptions(dataDirectory: data, environment: [:])
    options.pluginDirectories = [plugins]
    options.configurationFile = "\(plugins)/../host.yaml"
    let host = BotHost.Host(options, log: HostLog.standardError(threshold: .error, json: false))
    try host.start()
    defer { host.stop() }
    var began: (time: UInt64, count: Int64)?
    let limit = DispatchTime.now().uptimeNanoseconds + 120_000_000_000
    while DispatchTime.now().uptimeNanoseconds < limit {
      guard case .int(let handled) = try host.call("count.count", .null) else { break }
      let now = DispatchTime.now().uptimeNanoseconds
      if handled > 0, began == nil { began = (now, handled) }
      if handled >= count, let began { return Double(Int64(count) - began.count) / (Double(now - began.time) / 1e9) }
      usleep(2000)
    }
    throw ChildProgram.Failure(description: "the records did not come within two minutes")
  }
}
