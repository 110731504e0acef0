import BotPluginKit
import YetibotEngine

/// What the evaluator waits for: commands that other plugins bring, and `sleep`.
extension Evaluator {
  /// Takes over which commands others bring, when that has changed.
  func followHooks() {
    let revision = host.hookRevision
    guard extern != .none, revision != hookRevision else { return }
    hookRevision = revision
    do {
      hooked = try HookedCommands(host)
      engine.setHooked(hooked.commands)
    } catch {
      host.log(.error, "the commands of other plugins are not known", ["error": "\(error)"])
    }
  }

  /// Lets the engine ask the plugins that hook commands, and wait.
  func connectEngine() {
    engine.chats = self
    engine.pause = { [unowned self] milliseconds, _ in try self.rest(milliseconds: milliseconds) }
    engine.runHooked = { [unowned self] call, commands in
      try self.askOthers(
        call, milliseconds: commands.reduce(self.hooked.openMilliseconds ?? 0) { $0 + $1.milliseconds })
    }
    engine.unknownCommand = { [unowned self] call in
      guard self.extern == .unknown, let time = self.hooked.openMilliseconds else { return nil }
      return try self.askOthers(call, milliseconds: time)
    }
    guard extern == .all else { return }
    engine.addHook("host") { [unowned self] call in
      guard let time = self.hooked.openMilliseconds, !self.hooked.claim(call.command) else { return nil }
      return try self.askOthers(call, milliseconds: time)
    }
  }

  /// Asks those that hook the command, for no longer than they may take and the message may still last.
  private func askOthers(_ call: Invocation, milliseconds: Int64) throws -> YetibotEngine.Outcome? {
    let request = CommandRequest(call)
    let answer = try result(
      of: "\(host.instance).command", request, for: call, milliseconds: milliseconds, returning: CommandAnswer.self)
    guard case .success(let answer) = answer, answer.handled else { return nil }
    if let skip = answer.skip { call.skip.count = min(max(skip, 0), call.nextCommands?.count ?? 0) }
    return answer.outcome
  }

  /// Calls another plugin for a command, and waits as long as the message may still last.
  ///
  /// - Parameter passing: failures that are answered and not thrown.
  /// - Throws: ``Raised``, with what the other one says.
  func result<Answer: Decodable & Sendable>(
    of method: String, _ argument: some Encodable & Sendable, for call: Invocation, milliseconds: Int64 = .max,
    passing: Set<PluginError.Code> = [], returning: Answer.Type = Answer.self
  ) throws -> Result<Answer, PluginError> {
    let (calls, cause, patience) = (calls, token, patience)
    let time = max(1, min(milliseconds, call.millisecondsLeft))
    let result = outside { () -> Result<Answer, PluginError> in
      Result { () throws(PluginError) in
        try calls.ask(method, argument, cause: cause, milliseconds: time, patience, returning: Answer.self)
      }
    }
    guard case .failure(let error) = result, !passing.contains(error.code) else { return result }
    // Others may call something cancelled as well: an adapter that is not connected does.
    if error.code == .cancelled || error.code == .stale, host.ending != .not { isInterrupted = true }
    throw Raised("\(call.command): \(error.message.isEmpty ? "\(error.code)" : error.message)")
  }

  private func rest(milliseconds: Int64) throws {
    let (rests, isRepeated, patience) = (rests, isRepeatable, patience)
    let isWhole = outside { rests.rest(milliseconds: milliseconds, isRepeated: isRepeated, patience) }
    guard isWhole else {
      isInterrupted = true
      throw Raised("cut short: the plugin is being replaced", isLimit: true)
    }
  }

  /// How long whoever sent this message waits without a word; nil for one to which nothing is said before its end.
  func patience(for event: ChatEvent, _ address: Address) -> Patience? {
    guard softTimeout > 0, event.kind == .message, let body = event.body,
      let command = Yetibot.extractCommand(body, prefix: engine.configuration.prefix)
    else { return nil }
    let shown = command.count > Self.longestShown ? command.prefix(Self.longestShown) + "…" : command[...]
    let (host, say) = (host, say)
    let notice = chatSay("still working on `\(shown)`", address, channel: address.channel, isHere: true)
    return Patience(milliseconds: softTimeout) {
      // Said now, and no effect of the delivery: that one may yet fail.
      do { try host.publish(say, notice, key: notice.orderingKey) } catch {
        host.log(.warning, "nobody was told that a command is still at work", ["error": "\(error)"])
      }
    }
  }

  private static let longestShown = 100
}
