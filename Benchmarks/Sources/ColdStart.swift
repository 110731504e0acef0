import Foundation

/// From the start of the program to "ready", with all bundled plugins, beside the start of Python's interpreter.
func coldStartBenchmark() {
  do {
    var times: [Double] = []
    var resident: [Int] = []
    for _ in 0..<7 {
      let directory = try Place.temporary()
      defer { try? FileManager.default.removeItem(atPath: directory) }
      let began = DispatchTime.now().uptimeNanoseconds
      // No trial in a child: what is measured is the start of the host itself.
      let host = try ChildProgram(
        Place.bothost,
        [
          "--plugins", Place.plugins, "--data", directory, "--control", directory + "/s", "--no-probe", "--log",
          "notice",
        ],
        readsErrors: true)
      try host.line { $0.contains("ready") }
      times.append(Double(DispatchTime.now().uptimeNanoseconds - began) / 1e6)
      let status = try String(contentsOfFile: "/proc/\(host.process.processIdentifier)/status", encoding: .utf8)
      let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
      resident.append(line.flatMap { Int($0.filter(\.isNumber)) } ?? 0)
      host.stop()
    }
    let host = times.sorted()[times.count / 2]
    let memory = resident.sorted()[resident.count / 2]
    print("cold start, all bundled plugins: \(format(host)) ms, \(memory / 1024) MiB resident (aim: 50 ms, 48 MiB)")
    guard let python = Place.tool("python3") else { return }
    var peers: [Double] = []
    for _ in 0..<7 { peers.append(try ChildProgram.time(python, ["-c", "pass"]) * 1000) }
    let peer = peers.sorted()[peers.count / 2]
    print("  python3 -c pass: \(format(peer)) ms; ratio \(format(host / peer))")
  } catch {
    print("cold start: not measured: \(error)")
  }
}

func format(_ value: Double) -> String {
  value >= 100 ? String(Int(value.rounded())) : String(format: "%.2f", value)
}
