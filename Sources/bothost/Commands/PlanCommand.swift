import BotHost

/// `bothost plan`: what `bothost swap` would change in the bots of a running host.
enum PlanCommand: Command {
  static let name = "plan"
  static let summary = "show what has changed in the bots of a running host, node by node"
  static let usage = "[BOT.yaml ...] [--all] [--control SOCKET] [--json]"
  static let options = [
    SharedOptions.control, SharedOptions.json, ArgumentParser.Option("all", "list also what is kept"),
  ]
  static let words = CompletionKind.files
  static let discussion = """
    The host reads its bots' files again, or those named here, and compares every node's hash with what runs. Exit codes: 0 nothing
    would change, 2 something would, 1 the files have errors or there is no host.
    """

  static func run(_ arguments: ArgumentParser.Arguments) throws {
    var request = JSONObject()
    if !arguments.words.isEmpty { request["files"] = .array(arguments.words.map { .string(Control.absolute($0)) }) }
    let answer: JSONValue
    do { answer = try Control.request("plan", .object(request), try Control.client(arguments)) } catch let error
      as CommandFailure
    {
      throw CommandFailure(error.description, code: 1)
    }
    var hasChanges = false
    for bot in answer["bots"]?.array ?? [] {
      if bot["changes"]?.bool ?? false { hasChanges = true }
      if arguments.flag("json") { Output.line(bot.serialized()) } else { show(bot, all: arguments.flag("all")) }
    }
    if hasChanges { throw CommandFailure("", code: 2) }
  }

  private static func show(_ bot: JSONValue, all: Bool) {
    let nodes = bot["nodes"]?.array ?? []
    var counts = ["kept": 0, "new": 0, "gone": 0]
    var rows: [[String]] = []
    for node in nodes {
      let change = node["change"]?.string ?? ""
      counts[change, default: 0] += 1
      guard all || change != "kept" else { continue }
      let kind = node["kind"]?.string ?? ""
      let name = node["name"]?.string ?? ""
      let was = node["was"]?.string.map { "was \($0.prefix(12))" } ?? ""
      rows.append([
        change, node["path"]?.string ?? "", name.isEmpty ? kind : "\(kind) \(name)",
        String((node["hash"]?.string ?? "").prefix(12)), was,
      ])
    }
    if !rows.isEmpty { Output.table(["CHANGE", "PATH", "NODE", "HASH", ""], rows) }
    for path in bot["values"]?.array?.compactMap(\.string) ?? [] {
      Output.line("\(path): a value of the configuration has changed")
    }
    let name = bot["bot"]?.string ?? ""
    Output.note("\(name): \(counts["kept"] ?? 0) kept, \(counts["new"] ?? 0) new, \(counts["gone"] ?? 0) gone")
  }
}
