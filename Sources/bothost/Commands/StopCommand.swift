/// `bothost stop`.
enum StopCommand: InstanceCommand {
  static let name = "stop"
  static let summary = "finish what an instance has begun, and stop it"
  static let discussion = """
    Events that come for it wait in its lane until it is started again; those of durable topics also outlive the host. Its connections and
    timers end.
    """
}
