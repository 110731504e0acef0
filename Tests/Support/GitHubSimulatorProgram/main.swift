import Foundation
import GitHubSimulator

// A GitHub and a package index on loopback for tests. The first line tells the ports; then each line of standard input is an order, a JSON
// object, answered with one line that begins with {"answer"; calls are told in lines that begin with {"call". It ends with its input.

/// A line at once: whoever reads it may be waiting.
@Sendable func tell(_ value: [String: Any]) {
  let options: JSONSerialization.WritingOptions = [.sortedKeys, .withoutEscapingSlashes]
  guard let data = try? JSONSerialization.data(withJSONObject: value, options: options) else { return }
  FileHandle.standardOutput.write(data + Data("\n".utf8))
}

do {
  let simulator = GitHubSimulator()
  let server = try SimulatorServer(simulator) { tell(["call": "\($2) \($0) \($1)"]) }
  tell(["http": server.http, "https": server.https, "ca": server.authorities])
  while let line = readLine() {
    guard let order = (try? JSONSerialization.jsonObject(with: Data(line.utf8))) as? [String: Any] else {
      tell(["answer": ["error": "an order is a JSON object"]])
      continue
    }
    tell(["answer": simulator.order(order)])
  }
  withExtendedLifetime(server) {}
} catch {
  FileHandle.standardError.write(Data("github-simulator: \(error)\n".utf8))
  exit(2)
}
