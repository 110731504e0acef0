import Foundation

/// A running host with a data directory and a control socket of its own.
final class Host {
  let program: RunningProgram
  let directory: TemporaryDirectory
  let socket: String

  /// Starts a host and waits until it says that it is ready.
  init(
    plugins: String = Build.plugins, bots: [String] = [], arguments: [String] = [],
    environment: [String: String] = [:], directory: TemporaryDirectory? = nil
  ) throws {
    self.directory = try directory ?? TemporaryDirectory()
    socket = self.directory.url.appendingPathComponent("control.sock").path
    program = try RunningProgram(
      Build.bothost,
      ["--plugins", plugins, "--data", self.directory.path, "--control", socket] + arguments + bots,
      environment: environment)
    try program.line(.error, within: 120, "that it is ready") { $0.contains("ready") }
  }

  /// Runs a subcommand of the program against this host.
  @discardableResult
  func command(
    _ arguments: String..., input: String? = nil, expect status: Int32? = 0, within seconds: Double = 60
  ) throws -> [String] {
    let words = [arguments[0], "--control", socket] + arguments.dropFirst()
    let (result, output, error) = try RunningProgram.run(Build.bothost, words, input: input, within: seconds)
    if let status, result != status {
      throw RunningProgram.Failure(
        description:
          "bothost \(words.joined(separator: " ")) ended with \(result): \((error + output).joined(separator: "\n"))")
    }
    return output
  }

  func stop() throws {
    program.signal(SIGTERM)
    try program.waitForExit()
  }
}
