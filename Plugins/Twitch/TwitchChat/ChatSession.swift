/// One login at a chat server, as a machine without input and output of its own: it is told what happened and when, and
/// says what to do.
///
/// Deterministic: the same inputs at the same times, from the same seed, give the same outputs. Not thread-safe; one
/// thread at a time drives it. `state` and `init(configuration:state:now:)` carry it over to another build of the plugin in the
/// middle of anything.
public struct ChatSession: Sendable {
  public internal(set) var configuration: SessionConfiguration
  public internal(set) var state: SessionState

  /// A session that has yet to be told that its connection is open. `seed` chooses the anonymous login and the jitter.
  public init(configuration: SessionConfiguration, seed: UInt64) {
    self.configuration = configuration
    state = SessionState(configuration: configuration, seed: seed)
    want(configuration.channels)
  }

  /// Goes on where another session stopped, possibly with another configuration. A `.tick` should follow at once: it
  /// asks for the timer again and joins and leaves rooms as the configuration differs.
  public init(configuration: SessionConfiguration, state: SessionState) {
    self.configuration = configuration
    self.state = state
    self.state.wakeAt = nil
    self.state.joinWindow = SlidingWindow(
      state.joinWindow, length: configuration.joinWindow, capacity: configuration.joins)
    self.state.sendWindow = SlidingWindow(
      state.sendWindow, length: configuration.sendWindow,
      capacity: max(configuration.messages, configuration.elevatedMessages))
    self.state.loginWindow = SlidingWindow(
      state.loginWindow, length: configuration.loginWindow, capacity: configuration.logins)
    if state.server == .irc, state.plain == nil { self.state.plain = PlainServer() }
    want(configuration.channels)
  }

  /// Whether we are logged in.
  public var isConnected: Bool { state.phase == .connected }

  /// Whether the server confirms messages.
  public var acknowledges: Bool {
    switch configuration.acknowledge {
    case .always: true
    case .never: false
    case .auto: state.capabilities.contains("twitch.tv/commands")
    }
  }

  /// Tells the session what happened and appends what to do about it. `now` never goes back.
  public mutating func handle(_ input: SessionInput, now: Int64, into outputs: inout [SessionOutput]) {
    switch input {
    case .line(let bytes, let again):
      state.lastReceived = now
      guard let line = IRCLine(bytes) else { return }
      if line.verb.equals("PRIVMSG") {
        // The hot path: most lines are messages, and none of them moves a deadline.
        receiveMessage(line, again: again, into: &outputs)
        return
      }
      receive(line, again: again, now: now, into: &outputs)
    case .opened: opened(now: now, into: &outputs)
    case .closed(let reason, let isFinal): closed(reason: reason, isFinal: isFinal, now: now, into: &outputs)
    case .command(let id, let command): perform(command, id: id, now: now, into: &outputs)
    case .tick: state.wakeAt = nil
    }
    advance(now: now, into: &outputs)
  }

  private mutating func perform(
    _ command: SessionCommand, id: CommandID, now: Int64, into outputs: inout [SessionOutput]
  ) {
    do throws(CommandFailure) {
      switch command {
      case .join(let channel): try join(channel, id: id, now: now, into: &outputs)
      case .part(let channel, let reason): try part(channel, reason: reason, id: id, into: &outputs)
      case .say(let channel, let text, let replyTo):
        try say(channel: channel, text: text, replyTo: replyTo, id: id, now: now, into: &outputs)
      case .tell(let nick, let text): try tell(nick, text: text, id: id, now: now, into: &outputs)
      case .raw(let line): try raw(line, id: id, now: now, into: &outputs)
      }
    } catch {
      settle(id, .failed(error), into: &outputs)
    }
  }

  func settle(_ id: CommandID, _ result: CommandResult, into outputs: inout [SessionOutput]) {
    if id != 0 { outputs.append(.settle(id, result)) }
  }

  /// Writes one line; the parts must be clean already.
  func write(_ line: String, into outputs: inout [SessionOutput]) {
    var bytes = Array(line.utf8)
    bytes.append(0x0D)
    bytes.append(0x0A)
    outputs.append(.write(bytes))
  }

  // MARK: Handing over

  /// Gives up the ids of the commands that are under way, for whoever waits for them cannot be told by the next
  /// session: their messages stay. Returns each with what has become of it so far.
  public mutating func detachCommands() -> [DetachedCommand] {
    var detached: [DetachedCommand] = []
    for serial in state.groups.keys.sorted() {
      guard var group = state.groups[serial], group.command != 0 else { continue }
      detached.append(
        DetachedCommand(
          id: group.command, isUntouched: group.written == 0, group: serial,
          channel: ChannelName(trusted: group.channel).bare))
      group.command = 0
      state.groups[serial] = group
    }
    for name in state.roomOrder {
      for id in state.rooms[name]?.joiners ?? [] {
        detached.append(DetachedCommand(id: id, isUntouched: false, group: 0, channel: ChannelName(trusted: name).bare))
      }
      state.rooms[name]?.joiners = []
    }
    return detached
  }

  /// Takes a text of which nothing has been written out of the queue.
  public mutating func withdraw(_ command: DetachedCommand) {
    guard command.isUntouched, let group = state.groups[command.group], group.written == 0 else { return }
    state.queue.removeAll { $0.group == command.group }
    state.groups[command.group] = nil
  }
}

/// A command that its session no longer answers for.
public struct DetachedCommand: Hashable, Sendable {
  public let id: CommandID
  /// Whether nothing of it has been written, so that somebody else may do it instead; see `ChatSession.withdraw`.
  public let isUntouched: Bool
  let group: UInt64
  /// As events have it.
  public let channel: String
}
