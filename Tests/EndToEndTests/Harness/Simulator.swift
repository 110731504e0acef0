import Foundation

/// The Twitch simulator as a program of its own.
final class Simulator {
  let program: RunningProgram
  let tls: Int
  let plain: Int
  let certificate: String
  /// How many answers have been read.
  private var answers = 0

  private struct Ready: Decodable {
    let tls: Int
    let plain: Int
    let ca: String
  }

  /// A line that a client sent.
  struct Sent: Decodable {
    /// Nanoseconds of a monotonic clock.
    let t: Int64
    let client: Int
    let line: String
  }

  init(_ arguments: [String] = []) throws {
    program = try RunningProgram(Build.simulator, arguments + ["--lifetime", "900"])
    let line = try program.line(.output, "its ports") { $0.hasPrefix("{") }
    let ready = try JSONDecoder().decode(Ready.self, from: Data(line.utf8))
    tls = ready.tls
    plain = ready.plain
    certificate = ready.ca
  }

  /// Orders traffic or a fault, and returns the simulator's answer.
  @discardableResult
  func order(_ line: String, within seconds: Double = 180) throws -> String {
    program.send(line)
    // The first line tells the ports; what happens by itself is told as events in between.
    var count = -1
    defer { answers += 1 }
    return try program.line(.output, within: seconds, "the answer to '\(line)'") { printed in
      if !printed.hasPrefix(#"{"event""#) { count += 1 }
      return count == answers + 1
    }
  }

  /// Waits until that many lines with the prefix have come from clients.
  func expect(_ count: Int, _ prefix: String, within seconds: Int = 120) throws {
    let answer = try order("expect \(count) \(seconds * 1000) \(prefix)", within: Double(seconds) + 30)
    guard !answer.contains("error") else {
      throw RunningProgram.Failure(description: "expected \(count) lines '\(prefix)': \(answer)")
    }
  }

  /// Whether that many lines with the prefix come in time.
  func sees(_ count: Int, _ prefix: String, within seconds: Int) throws -> Bool {
    try !order("expect \(count) \(seconds * 1000) \(prefix)", within: Double(seconds) + 30).contains("error")
  }

  func transcript() throws -> [Sent] {
    try JSONDecoder().decode([Sent].self, from: Data(order("transcript").utf8))
  }

  /// What a host needs in its environment to be a bot of this simulator.
  func environment(channels: [String]) -> [String: String] {
    [
      "TWITCH_HOST": "127.0.0.1", "TWITCH_PORT": String(tls), "TWITCH_CA_FILE": certificate,
      "TWITCH_USERNAME": "tacobot", "TWITCH_TOKEN": "oauth:simulated-token-value",
      "TWITCH_CHANNELS": channels.joined(separator: ","),
    ]
  }
}
