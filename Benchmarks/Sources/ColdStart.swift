import Foundation

/// From the start of the program to "ready", with all bundled plugins: with an empty data directory, and again with what the first start
/// has left there. Beside the start of Python's interpreter, as a measure of the machine.
enum ColdStartBenchmark {
  private static let rounds = 9

  static func run(_ report: Report) throws {
    var first: [Double] = []
    var again: [Double] = []
    var memory: [Double] = []
    var python: [Double] = []
    // Debian's own, because others are often started by a script.
    let interpreter = ["/usr/bin/python3"].first { FileManager.default.isExecutableFile(atPath: $0) }
    for _ in 0..<rounds {
      let directory = try Place.temporary()
      defer { try? FileManager.default.removeItem(atPath: directory) }
      first.append(try start(in: directory).milliseconds)
      let second = try start(in: directory)
      again.append(second.milliseconds)
      memory.append(second.mebibytes)
      if let interpreter { python.append(try ChildProgram.time(interpreter, ["-c", "pass"]) * 1000) }
    }
    let peer = python.isEmpty ? nil : ("/usr/bin/python3 -c pass", python.percentile(0.5))
    report.add(
      Row(
        what: "cold start, all bundled plugins", host: again.percentile(0.5), unit: "ms", peer: peer, aim: .atMost(50)))
    report.add(
      Row(
        what: "the very first, with a trial of each library", host: first.percentile(0.5), unit: "ms", peer: peer,
        aim: .none))
    report.add(Row(what: "resident after the start", host: memory.percentile(0.5), unit: "MiB", aim: .atMost(48)))
  }

  private static func start(in directory: String) throws -> (milliseconds: Double, mebibytes: Double) {
    let began = DispatchTime.now().uptimeNanoseconds
    let host = try ChildProgram(
      Place.bothost,
      ["--plugins", Place.plugins, "--data", directory, "--control", directory + "/s", "--log", "notice"],
      readsErrors: true)
    try host.line { $0.contains("ready") }
    let time = Double(DispatchTime.now().uptimeNanoseconds - began) / 1e6
    let status = try String(contentsOfFile: "/proc/\(host.process.processIdentifier)/status", encoding: .utf8)
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
    let kibibytes = line.flatMap { Double($0.filter(\.isNumber)) } ?? 0
    host.stop()
    return (time, kibibytes / 1024)
  }
}
