/// `bothost stop`.
enum StopCommand: InstanceCommand {
  static let name = "stop"
  static let summary = "finish what an instance has begun, and stop it"
}
