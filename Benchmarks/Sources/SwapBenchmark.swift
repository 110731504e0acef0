import BotHost
import CBotHost
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
    let memory = try resident()
    var pauses: [Double] = []
    var gaps: [Double] = []
    let began = DispatchTime.now().uptimeNanoseconds
    for _ in 0..<swaps {
      pauses.append(Double(try host.swapInstance("check").pause) / 1000)
      // The next event is some microseconds away; it tells how long the plugin itself saw nothing.
      usleep(500)
      if let gap = try number("handover_ns", in: ask("check.report", host)), gap >= 0 { gaps.append(gap / 1000) }
    }
    let seconds = Double(DispatchTime.now().uptimeNanoseconds - began) / 1e9
    let sent = try number("sent", in: host.call("stream.halt", .null)) ?? 0
    var end = try ask("check.report", host)
    for _ in 0..<1000 where try number("handled", in: end) != sent {
      usleep(10_000)
      end = try ask("check.report", host)
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
    report.note("resident before the first swap \(memory / 1024) KiB, after the last \(try resident() / 1024) KiB")
    try large(report)
  }

  /// This process's resident memory in bytes.
  private static func resident() throws -> Int {
    let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
    return (fields.count > 1 ? Int(fields[1]) ?? 0 : 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
  }

  /// Swaps of a plugin with 16 MiB of state, which go over before the gate is shut, or while it is.
  private static func large(_ report: Report) throws {
    for (what, flags) in [("copied before", []), ("handed over as a whole", ["-DWHOLE"])] {
      let directory = try Place.temporary()
      defer { try? FileManager.default.removeItem(atPath: directory) }
      let plugins = directory + "/plugins"
      try FileManager.default.createDirectory(atPath: plugins, withIntermediateDirectories: true)
      try Peer.plugin("stream", in: plugins)
      try Peer.plugin("bulk", in: plugins, flags: flags)
      var options = HostOptions(dataDirectory: directory + "/data", environment: [:])
      options.pluginDirectories = [plugins]
      let host = BotHost.Host(options, log: HostLog.standardError(threshold: .error, json: false))
      try host.start()
      defer { host.stop() }
      _ = try host.call("stream.start", .object(["rate": .int(Int64(rate))]))
      usleep(300_000)
      var pauses: [Double] = []
      var rests: [Double] = []
      for _ in 0..<largeSwaps {
        let swap = try host.swapInstance("bulk")
        pauses.append(Double(swap.pause) / 1000)
        rests.append(Double(swap.stateBytes) / 1024)
        usleep(20_000)
      }
      let sent = try number("sent", in: host.call("stream.halt", .null)) ?? 0
      var end = try ask("bulk.report", host)
      for _ in 0..<1000 where try number("handled", in: end) != sent {
        usleep(10_000)
        end = try ask("bulk.report", host)
      }
      let missing = sent - (try number("handled", in: end) ?? 0)
      let stale = (try number("expected", in: end) ?? 0) - (try number("touched", in: end) ?? 0)
      report.note(
        "\(largeSwaps) swaps of 16 MiB, \(what): \(Int(rests.percentile(0.5))) KiB while the gate is shut, "
          + "\(Int(missing)) events missing, \(Int(stale)) changes lost")
      report.add(Row(what: "swap, 16 MiB \(what), gate shut, p50", host: pauses.percentile(0.5), unit: "us"))
      report.add(Row(what: "swap, 16 MiB \(what), gate shut, longest", host: pauses.max() ?? 0, unit: "us"))
    }
  }

  private static let largeSwaps = 50

  /// Calls a method; again, when the stream has filled the lane.
  private static func ask(_ method: String, _ host: BotHost.Host) throws -> JSONValue {
    for _ in 0..<1000 {
      do { return try host.call(method, .null) } catch let failure as MethodFailure {
        guard failure.rc == BH_E_BUSY else { throw failure }
        usleep(10_000)
      }
    }
    return try host.call(method, .null)
  }

  private static func number(_ key: String, in value: JSONValue) throws -> Double? {
    switch value[key] {
    case .int(let number)?: Double(number)
    case .double(let number)?: number
    default: nil
    }
  }
}
