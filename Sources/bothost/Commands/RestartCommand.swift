/// `bothost restart`.
enum RestartCommand: InstanceCommand {
  static let name = "restart"
  static let summary = "stop an instance and start it again"
}
