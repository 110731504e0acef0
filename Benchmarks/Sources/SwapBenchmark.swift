import BotHost
import Foundation

/// Swaps of a plugin that looks at every event's number, while a million events a second go to it: what is lost, doubled or out of order,
/// and for how long nothing is delivered.
enum SwapBenchmark {
  /// BOTHOST_SWAPS in the environment says another number.
  private static let swaps = ProcessInfo.processInfo.environment["BOTHOST_SWAPS"].flatMap { Int($0) } ?? 1000
  private static let rate = 1_000_000

  static func run(_ report: Report) throws {
    let directory = try Place.temporary()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let plugins = directory + "/plugins"
    try FileManager.default.createDirectory(atPath: plugins, withIntermediateDirectories: true)
    for name in ["stream", "check"] { try Peer.plugin(name, in: plugins) }

    var options = HostOptions(dataDirectory: directory + "/data", environment: [:])
    options.pluginDirectories = [plugins]
    let host = BotHost.Host(options, log: HostLog.standardError(threshold: .error, json: false))
    try host.start()
    defer { host.stop() }
    _ = try host.call("stream.start", .object(["rate": .int(Int64(rate))]))
    usleep(300_000)
    var pauses: [Double] = []
    var gaps: [Double] = []
    let began = DispatchTime.now().uptimeNanoseconds
    for _ in 0..<swaps {
      pauses.append(Double(try host.swapInstance("check").pause) / 1000)
      // The next event is some microseconds away; it tells how long the plugin itself saw nothing.
      usleep(500)
      if let gap = try number("handover_ns", in: host.call("check.report", .null)), gap >= 0 { gaps.append(gap / 1000) }
    }
    let seconds = Double(DispatchTime.now().uptimeNanoseconds - began) / 1e9
    let sent = try number("sent", in: host.call("stream.halt", .null)) ?? 0
    var end = try host.call("check.report", .null)
    for _ in 0..<1000 where try number("handled", in: end) != sent {
      usleep(10_000)
      end = try host.call("check.report", .null)
    }
    let faults = try ["lost", "doubled", "reordered"].map { "\(Int(try number($0, in: end) ?? -1)) \($0)" }
    let missing = sent - (try number("handled", in: end) ?? 0)
    report.note(
      "\(swaps) swaps in \(Int(seconds)) s under \(Int(sent / (seconds + 0.3))) events/s: \(Int(sent)) sent, "
        + "\(Int(missing)) missing at the end, \(faults.joined(separator: ", "))")
    report.add(Row(what: "swap, gate shut, p50", host: pauses.percentile(0.5), unit: "us"))
    report.add(Row(what: "swap, gate shut, p99", host: pauses.percentile(0.99), unit: "us", aim: .atMost(100)))
    report.add(Row(what: "swap, gate shut, longest", host: pauses.max() ?? 0, unit: "us"))
    report.add(Row(what: "swap, between two events, p50", host: gaps.percentile(0.5), unit: "us"))
    report.add(Row(what: "swap, between two events, p99", host: gaps.percentile(0.99), unit: "us"))
    report.add(
      Row(
        what: "swap, events lost, doubled or out of order",
        host: missing
          + (try ["lost", "doubled", "reordered"].reduce(0) { try $0 + (number($1, in: end) ?? 1) }), unit: "events",
        aim: .atMost(0)))
  }

  private static func number(_ key: String, in value: JSONValue) throws -> Double? {
    switch value[key] {
    case .int(let number)?: Double(number)
    case .double(let number)?: number
    default: nil
    }
  }
}
