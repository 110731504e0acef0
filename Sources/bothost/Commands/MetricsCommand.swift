import BotHost

/// `bothost metrics`: numbers for machines.
enum MetricsCommand: Command {
  static let name = "metrics"
  static let summary = "print the metrics of a running host in Prometheus' text format"
  static let usage = "[--control SOCKET]"
  static let options = [SharedOptions.control]

  static func run(_ arguments: ArgumentParser.Arguments) throws {
    let answer = try Control.request("metrics", arguments)
    Output.write(answer["text"]?.string ?? "", to: 1)
  }
}
