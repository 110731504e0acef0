import BotHost

/// A command that has the host do one thing, named as the command is, to each instance named.
protocol InstanceCommand: Command {}

extension InstanceCommand {
  static var usage: String { "INSTANCE... [--control SOCKET]" }
  static var words: CompletionKind { .instances }
  static var options: [ArgumentParser.Option] { [SharedOptions.control] }

  static func run(_ arguments: ArgumentParser.Arguments) throws {
    guard !arguments.words.isEmpty else { throw UsageError("\(name) needs the name of an instance") }
    let client = try Control.client(arguments)
    for instance in arguments.words {
      var request = JSONObject()
      request["instance"] = .string(instance)
      _ = try Control.request(name, .object(request), client)
    }
  }
}
