import Foundation
import WebSimulator

// Servers of HTTP on loopback for tests. The first line tells the ports; then each request is told in a line; a line
// `PATH BODY` on standard input sets what a path answers, and is answered with `set`. It ends with its input.

/// A line at once: whoever reads it may be waiting.
@Sendable func tell(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

do {
  let simulator = try WebSimulator { tell($0.json) }
  tell(
    #"{"http":\#(simulator.http),"https":\#(simulator.https),"untrusted":\#(simulator.untrusted),"ca":"\#(simulator.authorities)"}"#
  )
  while let line = readLine() {
    let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
    guard parts.count == 2 else { continue }
    simulator.set(parts[0], parts[1], type: parts[1].hasPrefix("<") ? "text/html" : "application/json")
    tell("set")
  }
  withExtendedLifetime(simulator) {}
} catch {
  FileHandle.standardError.write(Data("web-simulator: \(error)\n".utf8))
  exit(2)
}
