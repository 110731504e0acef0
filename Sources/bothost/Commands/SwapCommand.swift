import BotHost

/// `bothost swap`: another build of a running plugin, or another version of a bot.
enum SwapCommand: Command {
  static let name = "swap"
  static let summary = "replace the running build of an instance, or what has changed of a bot, without losing an event"
  static let usage = "INSTANCE|BOT... [LIBRARY.so] [--wait] [--control SOCKET]"
  static let options = [
    SharedOptions.control, SharedOptions.json,
    ArgumentParser.Option("rehearse", "do everything but the last step: the running build goes on"),
    ArgumentParser.Option("drop-state", "go on although the new build cannot take over the old one's state"),
    ArgumentParser.Option("wait", "wait until the new build has passed its probation; 1 when it was rolled back"),
    ArgumentParser.Option("allow", "agree to permissions that the new manifest adds"),
  ]
  static let words = CompletionKind.instances
  static let discussion = """
    Without a library, the manifest and the library that it names are read again. Whatever fails leaves the running build in
    place and says at which step it failed; --rehearse finds that out beforehand. Of a bot, its files are read again, and only what has changed is replaced: a handler
    for the events that come from then on, an instance by one with the new configuration.

    Another build is on probation for as many events or as long as its manifest says. With --wait the command ends when that does: with 0 when the
    build has proved itself, with 1 and the reason when the build before had to come back, or when something else has come between. Of several
    names, each waits for its turn.
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
      request["rehearse"] = .bool(arguments.flag("rehearse"))
      request["allow"] = .bool(arguments.flag("allow"))
      guard arguments.flag("wait") else {
        show(name, try Control.request("swap", .object(request), client), arguments)
        continue
      }
      request["wait"] = true
      var report: JSONValue?
      let outcome = try Control.request("swap", .object(request), client) { item in
        show(name, item, arguments)
        report = item
        return true
      }
      if report?["probation"] != nil { showOutcome(name, outcome, arguments) }
    }
  }

  private static func show(_ name: String, _ report: JSONValue, _ arguments: ArgumentParser.Arguments) {
    if arguments.flag("json") { return Output.line(report.serialized()) }
    if report["bot"] != nil { return showBot(name, report) }
    let pause = Double(report["pause_ns"]?.int ?? 0) / 1000
    let step =
      arguments.flag("rehearse")
      ? "rehearsed, generation \(report["from"]?.int ?? 0) goes on"
      : "generation \(report["from"]?.int ?? 0) -> \(report["to"]?.int ?? 0)"
    let copied = report["copied_bytes"]?.int ?? 0
    Output.line(
      "\(name): \(step), paused \(Int(pause.rounded())) us, "
        + "\(report["state_bytes"]?.int ?? 0) bytes of state\(copied > 0 ? " and \(copied) before" : ""), \(report["waiting"]?.int ?? 0) events waited"
        + (report["probation"].map {
          ", on probation for \($0["events"]?.int ?? 0) events or \(Output.duration(milliseconds: $0["time_ms"]?.int ?? 0))"
        } ?? "")
    )
  }

  private static func showOutcome(_ name: String, _ outcome: JSONValue, _ arguments: ArgumentParser.Arguments) {
    if arguments.flag("json") { return Output.line(outcome.serialized()) }
    Output.line(
      "\(name): has passed its probation: \(outcome["attempts"]?.int ?? 0) attempts to handle an event, \(outcome["failed"]?.int ?? 0) failed"
    )
  }

  private static func showBot(_ name: String, _ report: JSONValue) {
    guard report["changed"]?.bool ?? false else {
      Output.line("\(name): nothing has changed")
      return
    }
    for (part, word) in [("handlers", "handler"), ("uses", "use")] {
      for item in report[part]?.array ?? [] where item["change"]?.string != "kept" {
        Output.line("\(name): \(word) \(item["name"]?.string ?? "") \(item["change"]?.string ?? "")")
      }
    }
    let kept = (report["handlers"]?.array ?? []).count { $0["change"]?.string == "kept" }
    if report["from"]?.string?.isEmpty ?? true { return Output.line("\(name): started") }
    let pause = Double(report["pause_ns"]?.int ?? 0) / 1000
    Output.line(
      "\(name): \((report["from"]?.string ?? "").prefix(12)) -> \((report["to"]?.string ?? "").prefix(12)), \(kept) handlers kept, "
        + "\(report["built"]?.int ?? 0) units built, paused \(Int(pause.rounded())) us")
  }
}
