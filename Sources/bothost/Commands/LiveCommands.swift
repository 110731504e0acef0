import BotHost

/// `bothost ps`: what runs in a host.
enum PsCommand: Command {
  static let name = "ps"
  static let summary = "list the instances of a running host"
  static let usage = "[--control SOCKET] [--json]"
  static let options = [SharedOptions.control, SharedOptions.json]

  static func run(_ arguments: ArgumentParser.Arguments) throws {
    let answer = try Control.request("ps", arguments)
    let instances = answer["instances"]?.array ?? []
    if arguments.flag("json") {
      for instance in instances { Output.line(instance.serialized()) }
      return
    }
    let rows = instances.map { instance -> [String] in
      func text(_ key: String) -> String { instance[key]?.string ?? "-" }
      func number(_ key: String) -> String { instance[key]?.int.map(String.init) ?? "-" }
      return [
        text("name"), text("plugin"), text("version"), text("state"), number("generation"),
        instance["up_ms"]?.int.map { Output.duration(milliseconds: $0) } ?? "-", number("handled"), number("failed"),
        number("queued"), text("detail"),
      ]
    }
    Output.table(
      ["INSTANCE", "PLUGIN", "VERSION", "STATE", "GEN", "UP", "HANDLED", "FAILED", "QUEUED", "DETAIL"], rows)
  }
}

/// `bothost publish`: an event from outside.
enum PublishCommand: Command {
  static let name = "publish"
  static let summary = "publish an event on a running host"
  static let usage = "TOPIC PAYLOAD|- [--key KEY] [--control SOCKET]"
  static let options = [
    SharedOptions.control, ArgumentParser.Option("key", value: "KEY", "the ordering key"),
    ArgumentParser.Option("text", "the payload is text, not JSON"),
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
      if let key = arguments.value("key") { request["key"] = .string(key) }
      _ = try Control.request("publish", .object(request), client)
    }
    if arguments.words[1] == "-" {
      while let line = readLine(), !line.isEmpty { try publish(line) }
    } else {
      try publish(arguments.words[1])
    }
  }
}

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
    let payloadOnly = arguments.flag("payload")
    try Control.stream("tail", .object(request), try Control.client(arguments)) { event in
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

/// `bothost swap`: another build of a running plugin.
enum SwapCommand: Command {
  static let name = "swap"
  static let summary = "replace the running build of an instance without losing an event"
  static let usage = "INSTANCE... [LIBRARY.so] [--control SOCKET]"
  static let options = [
    SharedOptions.control, SharedOptions.json,
    ArgumentParser.Option("drop-state", "go on although the new build cannot take over the old one's state"),
    ArgumentParser.Option("allow", "agree to permissions that the new manifest adds"),
  ]
  static let discussion = """
    Without a library, the manifest and the library that it names are read again. Whatever fails leaves the running build in
    place and says at which step it failed.
    """

  static func run(_ arguments: ArgumentParser.Arguments) throws {
    guard !arguments.words.isEmpty else { throw UsageError("swap needs the name of an instance") }
    var names = arguments.words
    var library: String?
    if let last = names.last, last.contains("/") || last.hasSuffix(".so") {
      library = Control.absolute(last)
      names.removeLast()
    }
    guard !names.isEmpty else { throw UsageError("swap needs the name of an instance before the library") }
    guard library == nil || names.count == 1 else { throw UsageError("a library can be given for one instance only") }
    let client = try Control.client(arguments)
    for name in names {
      var request = JSONObject()
      request["instance"] = .string(name)
      if let library { request["library"] = .string(library) }
      request["drop_state"] = .bool(arguments.flag("drop-state"))
      request["allow"] = .bool(arguments.flag("allow"))
      let report = try Control.request("swap", .object(request), client)
      if arguments.flag("json") {
        Output.line(report.serialized())
      } else {
        let pause = Double(report["pause_ns"]?.int ?? 0) / 1000
        Output.line(
          "\(name): generation \(report["from"]?.int ?? 0) -> \(report["to"]?.int ?? 0), paused \(Int(pause.rounded())) us, "
            + "\(report["state_bytes"]?.int ?? 0) bytes of state, \(report["waiting"]?.int ?? 0) events waited")
      }
    }
  }
}

/// `bothost start`, `stop` and `restart`.
enum StartCommand: Command {
  static let name = "start"
  static let summary = "start an instance that is stopped or has failed"
  static let usage = "INSTANCE... [--control SOCKET]"
  static let options = [SharedOptions.control]
  static func run(_ arguments: ArgumentParser.Arguments) throws { try Control.each("start", arguments) }
}

enum StopCommand: Command {
  static let name = "stop"
  static let summary = "finish what an instance has begun, and stop it"
  static let usage = "INSTANCE... [--control SOCKET]"
  static let options = [SharedOptions.control]
  static func run(_ arguments: ArgumentParser.Arguments) throws { try Control.each("stop", arguments) }
}

enum RestartCommand: Command {
  static let name = "restart"
  static let summary = "stop an instance and start it again"
  static let usage = "INSTANCE... [--control SOCKET]"
  static let options = [SharedOptions.control]
  static func run(_ arguments: ArgumentParser.Arguments) throws { try Control.each("restart", arguments) }
}

/// `bothost metrics`: numbers for machines.
enum MetricsCommand: Command {
  static let name = "metrics"
  static let summary = "print the metrics of a running host in Prometheus' text format"
  static let usage = "[--control SOCKET]"
  static let options = [SharedOptions.control]

  static func run(_ arguments: ArgumentParser.Arguments) throws {
    let answer = try Control.request("metrics", arguments)
    Output.write(answer["text"]?.string ?? "", to: 1)
  }
}
