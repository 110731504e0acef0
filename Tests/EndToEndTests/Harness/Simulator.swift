import Foundation

/// The Twitch simulator as a program of its own.
final class Simulator {
  let program: RunningProgram
  let tls: Int
  let plain: Int
  let certificate: String

  private struct Ready: Decodable {
    let tls: Int
    let plain: Int
    let ca: String
  }

  init(_ arguments: [String] = []) throws {
    program = try RunningProgram(Build.simulator, arguments + ["--lifetime", "600"])
    let line = try program.line(.output, "its ports") { $0.hasPrefix("{") }
    let ready = try JSONDecoder().decode(Ready.self, from: Data(line.utf8))
    tls = ready.tls
    plain = ready.plain
    certificate = ready.ca
  }

  /// Orders traffic or a fault; the simulator's answer, when the order has one, is its next line of output.
  func order(_ line: String) { program.send(line) }

  /// What a host needs in its environment to be a bot of this simulator.
  func environment(channels: [String]) -> [String: String] {
    [
      "TWITCH_HOST": "127.0.0.1", "TWITCH_PORT": String(tls), "TWITCH_CA_FILE": certificate,
      "TWITCH_USERNAME": "tacobot", "TWITCH_TOKEN": "oauth:simulated-token-value",
      "TWITCH_CHANNELS": channels.joined(separator: ","),
    ]
  }
}
