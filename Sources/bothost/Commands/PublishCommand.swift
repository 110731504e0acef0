import BotHost

/// `bothost publish`: an event from outside.
enum PublishCommand: Command {
  static let name = "publish"
  static let summary = "publish an event on a running host"
  static let usage = "TOPIC PAYLOAD|- [--key KEY] [--mandatory] [--control SOCKET]"
  static let options = [
    SharedOptions.control, ArgumentParser.Option("key", value: "KEY", "the ordering key"),
    ArgumentParser.Option("text", "the payload is text, not JSON"),
    ArgumentParser.Option("mandatory", "an event that no handler takes becomes a dead letter"),
  ]
  static let discussion = "With - each line of standard input is the payload of one event."

  static func run(_ arguments: ArgumentParser.Arguments) throws {
    guard arguments.words.count == 2 else { throw UsageError("publish needs a topic and a payload") }
    let client = try Control.client(arguments)
    func publish(_ payload: String) throws {
      var request = JSONObject()
      request["topic"] = .string(arguments.words[0])
      request["payload"] = arguments.flag("text") ? .string(payload) : try Control.json(payload, "the payload")
      request["text"] = .bool(arguments.flag("text"))
      request["mandatory"] = .bool(arguments.flag("mandatory"))
      if let key = arguments.value("key") { request["key"] = .string(key) }
      _ = try Control.request("publish", .object(request), client)
    }
    if arguments.words[1] == "-" {
      while let line = readLine() { if !line.isEmpty { try publish(line) } }
    } else {
      try publish(arguments.words[1])
    }
  }
}
