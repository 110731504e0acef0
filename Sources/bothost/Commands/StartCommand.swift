/// `bothost start`.
enum StartCommand: InstanceCommand {
  static let name = "start"
  static let summary = "start an instance that is stopped or has failed"
}
