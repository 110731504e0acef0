import BotHost

/// `bothost ps`: what runs in a host.
enum PsCommand: Command {
  static let name = "ps"
  static let summary = "list the instances of a running host"
  static let usage = "[--control SOCKET] [--json|--quiet]"
  static let options = [
    SharedOptions.control, SharedOptions.json,
    ArgumentParser.Option("quiet", short: "q", "print the names alone"),
  ]
  static let discussion = """
    GEN counts the builds, or a bot's versions, that have served since the host started; DETAIL says what an instance waits for or why it
    failed, or how the plugin says that it is. --json adds connections and images that stay mapped.
    """

  static func run(_ arguments: ArgumentParser.Arguments) throws {
    let answer = try Control.request("ps", arguments)
    let instances = answer["instances"]?.array ?? []
    if arguments.flag("json") {
      for instance in instances { Output.line(instance.serialized()) }
      return
    }
    if arguments.flag("quiet") {
      for instance in instances { if let name = instance["name"]?.string { Output.line(name) } }
      return
    }
    let rows = instances.map { instance -> [String] in
      func text(_ key: String) -> String { instance[key]?.string ?? "-" }
      func number(_ key: String) -> String { instance[key]?.int.map(String.init) ?? "-" }
      return [
        text("name"), text("plugin"), text("version"), text("state"), number("generation"),
        instance["up_ms"]?.int.map { Output.duration(milliseconds: $0) } ?? "-", number("handled"), number("failed"),
        number("queued"), instance["detail"]?.string ?? instance["health"]?["detail"]?.string ?? "-",
      ]
    }
    Output.table(
      ["INSTANCE", "PLUGIN", "VERSION", "STATE", "GEN", "UP", "HANDLED", "FAILED", "QUEUED", "DETAIL"], rows)
  }
}
