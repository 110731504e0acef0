import CBotHost

/// Answers the control socket with what the host does.
final class HostControl: ControlHandler {
  private let host: Host
  private let desk: DeadLetterDesk

  init(_ host: Host) {
    self.host = host
    desk = DeadLetterDesk(host)
  }

  func handle(_ request: ControlRequest, _ reply: ControlReply) {
    do {
      reply.succeed(try answer(request.operation, request.arguments, reply))
    } catch let error as ControlError {
      reply.fail(masked(error))
    } catch let failure as MethodFailure {
      reply.fail(masked(ControlError(rc: failure.rc, failure.message)))
    } catch {
      reply.fail(masked(ControlError(.internal, "\(error)")))
    }
  }

  /// What a plugin says about its failure may hold what it was given.
  private func masked(_ error: ControlError) -> ControlError {
    ControlError(error.code, host.log.masks.mask(error.message))
  }

  private func answer(_ command: String, _ argument: JSONValue, _ reply: ControlReply) throws -> JSONValue {
    switch command {
    case "ps": return .object(["instances": .array(host.instances.map { host.describe($0) } + host.botDescriptions)])
    case "call": return try call(argument)
    case "publish": return try publish(argument)
    case "tail": return try EventTail(host, argument).run(reply)
    case "swap": return try swap(argument, reply)
    case "reconfigure": return try reconfigure(argument)
    case "plan": return try host.planBots(files: argument["files"]?.array?.compactMap(\.string))
    case "start": return try each(argument, host.startInstance)
    case "stop": return try each(argument, host.stopInstance)
    case "restart": return try each(argument, host.restartInstance)
    case "dead": return try desk.answer(argument)
    case "metrics": return .object(["text": .string(host.metricsText())])
    case "commands": return commands(argument)
    default: throw ControlError(.invalid, "this host knows no command '\(command)'")
    }
  }

  private func text(_ argument: JSONValue, _ key: String) throws -> String {
    guard let value = argument[key]?.string else {
      throw ControlError(.invalid, "the request needs \"\(key)\", a string")
    }
    return value
  }

  private func each(_ argument: JSONValue, _ operation: (String) throws -> Void) throws -> JSONValue {
    try operation(try text(argument, "instance"))
    return .object(JSONObject())
  }

  private func call(_ argument: JSONValue) throws -> JSONValue {
    let result = try host.call(
      try text(argument, "method"), argument["argument"] ?? .object(JSONObject()),
      timeout: argument["timeout_ns"]?.int ?? 0)
    return .object(["result": result])
  }

  private func publish(_ argument: JSONValue) throws -> JSONValue {
    let isText = argument["text"]?.bool ?? false
    let payload = argument["payload"] ?? .null
    let bytes = isText ? Array((payload.string ?? "").utf8) : payload.serializedBytes()
    try host.publish(
      topic: try text(argument, "topic"), payload: bytes, key: argument["key"]?.string ?? "",
      contentType: isText ? "text/plain" : "", isMandatory: argument["mandatory"]?.bool ?? false)
    return .object(JSONObject())
  }

  /// With `wait` the report is an item of a stream, and the answer, which comes when a probation has ended, says how that was.
  private func swap(_ argument: JSONValue, _ reply: ControlReply) throws -> JSONValue {
    let waits = argument["wait"]?.bool ?? false
    let (answer, report) = try swapped(argument)
    guard waits, reply.item(answer), let report else { return answer }
    return try outcome(of: report, try text(argument, "instance"), reply)
  }

  /// Longer than its manifest's time a probation takes only where the build before comes back, by a swap, which has bounds of its own, and
  /// where the new one is so busy that it cannot be asked how it is.
  private static let wayBack = TimeSpan.minutes(2)

  private func outcome(of report: SwapReport, _ name: String, _ reply: ControlReply) throws -> JSONValue {
    guard let end = report.probationEnd, let policy = report.probation else { return .object([:]) }
    let clock = SystemClock()
    let deadline = clock.monotonic + policy.time.nanoseconds + Self.wayBack.nanoseconds
    while reply.isOpen, !host.isEnding, clock.monotonic < deadline {
      // Whoever has asked may have gone meanwhile.
      guard let outcome = end.wait(until: min(deadline, clock.monotonic + 200_000_000)) else { continue }
      switch outcome {
      case .passed(let attempts, let failures):
        return .object(["attempts": .int(Int64(clamping: attempts)), "failed": .int(Int64(clamping: failures))])
      case .rolledBack(let reason):
        throw ControlError(.cancelled, "\(name): rolled back, the build before serves again: \(reason)")
      case .failed(let reason):
        throw ControlError(
          .internal,
          "\(name): generation \(report.to) has failed, and the build before could not come back: \(reason); see `bothost ps`"
        )
      case .cutShort:
        throw ControlError(
          .cancelled,
          "\(name): the probation of generation \(report.to) was cut short: swapped again, stopped or restarted")
      }
    }
    if host.isEnding { throw Host.NotRunning() }
    throw ControlError(
      .timeout, "\(name): the probation of generation \(report.to) has not ended in time; see `bothost ps`")
  }

  /// The report as the client gets it; that of a plugin.
  private func swapped(_ argument: JSONValue) throws -> (JSONValue, SwapReport?) {
    let name = try text(argument, "instance")
    if host.instance(name) == nil, host.knowsBot(name) {
      guard argument["library"] == nil else {
        throw ControlError(.invalid, "'\(name)' is a bot; it has no library and is read again from its files")
      }
      guard !(argument["rehearse"]?.bool ?? false) else {
        throw ControlError(.invalid, "'\(name)' is a bot; `bothost plan` shows what a swap would change")
      }
      return (try host.swapBot(name)?.json ?? .object(["bot": .string(name), "changed": false]), nil)
    }
    let report = try host.swapInstance(
      try text(argument, "instance"), library: argument["library"]?.string,
      dropsState: argument["drop_state"]?.bool ?? false, allowsPermissions: argument["allow"]?.bool ?? false,
      isRehearsal: argument["rehearse"]?.bool ?? false)
    var answer: JSONObject = [
      "from": .int(Int64(report.from)), "to": .int(Int64(report.to)), "pause_ns": .int(report.pause),
      "total_ns": .int(report.total), "state_bytes": .int(Int64(report.stateBytes)),
      "copied_bytes": .int(Int64(report.copiedBytes)),
      "waiting": .int(Int64(report.waiting)),
    ]
    if let probation = report.probation {
      answer["probation"] = .object([
        "events": .int(Int64(probation.events)), "time_ms": .int(probation.time.nanoseconds / 1_000_000),
      ])
    }
    return (.object(answer), report)
  }

  /// With the configuration that it has: a trial of the plugin.
  private func reconfigure(_ argument: JSONValue) throws -> JSONValue {
    switch try host.rehearseConfiguration(try text(argument, "instance")) {
    case .taken(let pause): .object(["outcome": "taken", "pause_ns": .int(pause)])
    case .unsupported(let reason): .object(["outcome": "unsupported", "reason": .string(reason)])
    case nil: .object(["outcome": "none"])
    }
  }

  private func commands(_ argument: JSONValue) -> JSONValue {
    let wanted = argument["plugin"]?.string
    var found: [JSONValue] = []
    for instance in host.instances where wanted == nil || instance.name == wanted {
      let manifest = instance.manifest
      found += manifest.commands.map { PluginCommandSyntax($0, $0.method, manifest: manifest).json }
    }
    return .object(["commands": .array(found)])
  }
}
