import BotHost

/// `bothost dead`: events that nobody will try again.
enum DeadCommand: Command {
  static let name = "dead"
  static let summary = "look at the dead letters, and bring them back"
  static let usage = "list | show ID... | replay ID...|--all | delete ID...|--all  [--control SOCKET]"
  static let options = [
    SharedOptions.control, SharedOptions.json,
    ArgumentParser.Option("topic", value: "PATTERN", "only letters of these topics"),
    ArgumentParser.Option("all", "all letters (of --topic)"),
    ArgumentParser.Option("limit", short: "n", value: "N", "list at most that many (100)"),
  ]
  static let discussion = """
    An event that a handler could not take as often as its manifest says is a dead letter, with the reason, and so is one that somebody had
    to take and nobody did. `replay` brings it back to the handler that failed, or to whoever takes it now, and waits some seconds for what
    becomes of it; a letter is gone when its handler is done with it.
    """
  static let words = CompletionKind.choices(["list", "show", "replay", "delete"])

  static func run(_ arguments: ArgumentParser.Arguments) throws {
    let actions = ["list", "show", "replay", "delete"]
    let action = arguments.words.first ?? "list"
    guard actions.contains(action) else {
      let hint = Suggestion.hint(for: action, in: actions).map { "; \($0)" } ?? ""
      throw UsageError("dead has no action '\(action)'\(hint)")
    }
    var request = JSONObject()
    request["action"] = .string(action)
    request["ids"] = .array(
      try arguments.words.dropFirst().map { word in
        guard let id = Int64(word) else {
          throw UsageError("'\(word)' is no number of a dead letter; see `bothost dead list`")
        }
        return .int(id)
      })
    if let topic = arguments.value("topic") { request["topic"] = .string(topic) }
    request["all"] = .bool(arguments.flag("all"))
    if let limit = arguments.value("limit") {
      guard let number = Int64(limit), number > 0 else {
        throw UsageError("--limit needs a number above 0, not '\(limit)'")
      }
      request["limit"] = .int(number)
    }
    if action != "list" && arguments.words.count < 2 && !arguments.flag("all") {
      throw UsageError("dead \(action) needs the numbers of letters, or --all")
    }
    let answer = try Control.request("dead", .object(request), try Control.client(arguments))

    switch action {
    case "list":
      let letters = answer["letters"]?.array ?? []
      if arguments.flag("json") {
        for letter in letters { Output.line(letter.serialized()) }
      } else {
        Output.table(
          ["ID", "TIME", "TOPIC", "CONSUMER", "ATTEMPTS", "REASON"],
          letters.map { letter in
            [
              "\(letter["id"]?.int ?? 0)", letter["time"]?.string ?? "", letter["topic"]?.string ?? "",
              letter["consumer"]?.string ?? "-", "\(letter["attempts"]?.int ?? 0)", letter["reason"]?.string ?? "",
            ]
          })
      }
    case "show":
      for letter in answer["letters"]?.array ?? [] {
        Output.line(arguments.flag("json") ? letter.serialized() : letter.prettyPrinted())
      }
    default:
      let count = answer["count"]?.int ?? 0
      let word = action == "replay" ? "replayed" : "deleted"
      Output.line(
        arguments.flag("json") ? answer.serialized() : "\(count) \(count == 1 ? "letter" : "letters") \(word)")
      if let waiting = answer["waiting"]?.int, waiting > 0 {
        Output.note(
          "\(waiting) of them still \(waiting == 1 ? "waits" : "wait") for the handler, and stay listed until then")
      }
    }
  }
}
