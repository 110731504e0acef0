import BotHost

/// `bothost tail`: events as they come.
enum TailCommand: Command {
  static let name = "tail"
  static let summary = "print events of a running host as they are published, one JSON object a line"
  static let usage = "[PATTERN] [--from earliest|POSITION] [--count N] [--control SOCKET]"
  static let options = [
    SharedOptions.control,
    ArgumentParser.Option("count", short: "n", value: "N", "end after that many"),
    ArgumentParser.Option("from", value: "POSITION", "of a durable topic: begin with what the journal holds"),
    ArgumentParser.Option("payload", "print the payload alone"),
  ]
  static let discussion = """
    PATTERN is a topic with * for one part and ** for the rest: 'chat.*'; without one, all events are printed. --from takes `earliest`, or a
    position that an event of the topic was printed with.
    """

  static func run(_ arguments: ArgumentParser.Arguments) throws {
    guard arguments.words.count <= 1 else { throw UsageError("tail takes one topic pattern") }
    var left = Int64.max
    if let count = arguments.value("count") {
      guard let number = Int64(count), number > 0 else {
        throw UsageError("--count needs a number above 0, not '\(count)'")
      }
      left = number
    }
    var request = JSONObject()
    request["pattern"] = .string(arguments.words.first ?? "**")
    if let from = arguments.value("from") { request["from"] = .string(from) }
    let pattern = arguments.words.first ?? "**"
    if let problem = TopicPattern.problem(with: pattern) {
      throw UsageError("'\(pattern)' is no topic pattern: \(problem)")
    }
    let payloadOnly = arguments.flag("payload")
    try Control.stream("tail", .object(request), try Control.client(arguments)) { event in
      if event["topic"] == nil, let dropped = event["dropped"]?.int {
        Output.note(
          "\(dropped) \(dropped == 1 ? "event was" : "events were") dropped: they come faster than they are read")
        return true
      }
      if payloadOnly {
        let payload = event["payload"] ?? .null
        Output.line(payload.string ?? payload.serialized())
      } else {
        Output.line(event.serialized())
      }
      left -= 1
      return left > 0
    }
  }
}
