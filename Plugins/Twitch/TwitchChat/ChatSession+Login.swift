extension ChatSession {
  static let capabilityRequest = "CAP REQ :twitch.tv/membership twitch.tv/tags twitch.tv/commands"

  mutating func opened(now: Int64, into outputs: inout [SessionOutput]) {
    guard state.phase != .failed else { return }
    if state.phase != .offline {
      // A new connection in the old one's place, without a word about its end.
      lost("the connection was replaced", isFinal: false, now: now, into: &outputs)
    }
    let loginAt = state.loginWindow.earliest(limit: configuration.logins, now: now)
    guard loginAt <= now else {
      // A server that ends one connection after the other must not make us break its limit.
      state.phase = .offline
      outputs.append(.reconnect(after: loginAt - now, reason: "more logins than the server permits"))
      return
    }
    state.loginWindow.record(at: now)
    state.capabilities = []
    state.nickTries = 0
    state.pingSentAt = nil
    state.lastReceived = now
    state.phaseSince = now
    state.closingReason = nil
    state.server = configuration.server
    switch configuration.server {
    case .twitch:
      write(Self.capabilityRequest, into: &outputs)
      logIn(.twitch, into: &outputs)
      state.phase = .loggingIn
    case .irc:
      if account != nil { write("CAP REQ :sasl", into: &outputs) }
      logIn(.irc, into: &outputs)
      state.phase = .loggingIn
    case nil:
      // The answer to the request tells the dialects apart. Twitch acknowledges it; a plain server refuses it, does
      // not know CAP, or says nothing.
      write(Self.capabilityRequest, into: &outputs)
      logIn(.twitch, into: &outputs)
      state.phase = .probing
    }
  }

  private mutating func logIn(_ kind: ServerKind, into outputs: inout [SessionOutput]) {
    if configuration.hasToken, account == nil { outputs.append(.writePassword(kind)) }
    let wanted = configuration.nick ?? ""
    if wanted.isEmpty || (kind == .twitch && configuration.server == .twitch && configuration.isAnonymous) {
      if !state.nick.hasPrefix("justinfan") { state.nick = "justinfan\(10_000 + state.nextRandom() % 90_000)" }
    } else {
      state.nick = loginName(wanted)
    }
    write("NICK \(state.nick)", into: &outputs)
    if kind == .irc { introduce(into: &outputs) }
  }

  /// USER, which a plain server wants before it answers 001 (RFC 2812, section 3.1.3).
  private func introduce(into outputs: inout [SessionOutput]) {
    write("USER \(state.nick) 0 * :\(state.nick)", into: &outputs)
  }

  /// The server is a plain one: the login goes on in its dialect.
  mutating func turnToPlainIRC(now: Int64, into outputs: inout [SessionOutput]) {
    guard state.phase == .probing else { return }
    state.server = .irc
    state.phase = .loggingIn
    // A server that knows CAP waits for the end of it (IRCv3, capability negotiation).
    write("CAP END", into: &outputs)
    introduce(into: &outputs)
  }

  mutating func receiveCapability(_ line: IRCLine, now: Int64, into outputs: inout [SessionOutput]) {
    guard let verb = line.parameter(1), let names = line.lastParameter else { return }
    let list = names.string.split(separator: " ").map(String.init)
    receiveAccountCapability(verb, list, into: &outputs)
    if verb.equals("ACK") {
      for name in list where !state.capabilities.contains(name) && state.capabilities.count < 64 {
        state.capabilities.append(name)
      }
      if state.phase == .probing, list.contains(where: { $0.hasPrefix("twitch.tv/") }) {
        state.server = .twitch
        state.phase = .loggingIn
      }
    } else if verb.equals("NAK") {
      if state.phase == .probing {
        turnToPlainIRC(now: now, into: &outputs)
      } else if state.server == .twitch {
        outputs.append(.report(.warning, "the server refuses the capabilities \(names.string)"))
      }
    }
  }

  /// 001.
  mutating func welcomed(_ line: IRCLine, now: Int64, into outputs: inout [SessionOutput]) {
    guard state.phase == .loggingIn || state.phase == .probing else { return }
    if state.server == nil {
      // Welcomed before it answered the request for capabilities: its name tells.
      state.server = line.source.hasSuffix("tmi.twitch.tv") ? .twitch : .irc
    }
    if let nick = line.parameter(0), !nick.isEmpty, !nick.equals("*"), nick.count <= 64 {
      state.nick = Self.firstWord(nick.string)
    }
    if state.server == .irc { meetPlainServer(now: now) } else { state.plain = nil }
    state.phase = .connected
    state.connectedAt = now
    state.phaseSince = now
    let isAnonymous = state.server == .twitch && state.nick.lowercased().hasPrefix("justinfan")
    outputs.append(
      .event(.connected(nick: state.nick, server: state.server ?? .irc, anonymous: isAnonymous)))
    for name in state.roomOrder where state.rooms[name]?.isWanted == true {
      state.rooms[name]?.membership = .queued
    }
  }

  /// A NOTICE before 001 that says why we will not be let in. They carry no id, so the texts are all there is.
  static func isFatalLoginNotice(_ text: String) -> Bool {
    let text = text.lowercased()
    return [
      "login authentication failed", "login unsuccessful", "improperly formatted auth", "invalid nick",
      "error logging in",
    ].contains { text.hasPrefix($0) }
  }

  /// Gives up for good.
  mutating func fail(_ reason: String, now: Int64, into outputs: inout [SessionOutput]) {
    guard state.phase != .failed else { return }
    state.phase = .failed
    state.phaseSince = now
    leaveAll()
    outputs.append(.event(.failed(reason: reason, isFinal: true)))
    abandonCommands(reason, into: &outputs)
    outputs.append(.close(reason: reason))
  }

  mutating func closed(reason: String, isFinal: Bool, now: Int64, into outputs: inout [SessionOutput]) {
    guard state.phase != .failed else { return }
    let was = state.phase
    guard was != .offline || isFinal else { return }
    if was == .connected, now - state.connectedAt >= 60_000_000_000 {
      state.failedLogins = 0
    } else if was != .offline {
      state.failedLogins += 1
    }
    let words = state.closingReason.map { "\(reason): \($0)" } ?? reason
    lost(words, isFinal: isFinal, now: now, into: &outputs)
    if !isFinal, state.failedLogins > 1 {
      // The connection opens and the login fails: whoever opens it sees no fault, so the pause is ours to make.
      outputs.append(.reconnect(after: backoff(), reason: words))
    }
  }

  /// What the end of a connection means for rooms, messages and callers.
  private mutating func lost(
    _ reason: String, isFinal: Bool, now: Int64, into outputs: inout [SessionOutput]
  ) {
    state.phase = isFinal ? .failed : .offline
    state.phaseSince = now
    state.pingSentAt = nil
    leaveAll()
    doubtPending("the connection was lost before the server confirmed it", now: now, into: &outputs)
    outputs.append(.event(.failed(reason: reason, isFinal: isFinal)))
    if isFinal { abandonCommands(reason, into: &outputs) }
  }

  /// 1, 2, 4, … times the least pause, up to the largest, and up to a quarter more.
  private mutating func backoff() -> Int64 {
    let doublings = min(state.failedLogins - 2, 20)
    let base = min(configuration.backoffMax, configuration.backoffMin << Int64(max(0, doublings)))
    return base + Int64(state.nextRandom() % UInt64(max(1, base / 4)))
  }

  /// A nick as we log in with it.
  func loginName(_ nick: String) -> String {
    let name = Self.firstWord(nick)
    return configuration.server == .irc ? name : name.lowercased()
  }

  /// The first word without what could leave it.
  static func firstWord(_ text: String) -> String {
    var bytes: [UInt8] = []
    for byte in text.utf8 where byte > 0x20 && byte != 0x7F {
      if bytes.isEmpty, byte == 0x3A || byte == 0x40 { continue }
      bytes.append(byte)
    }
    return String(decoding: bytes.prefix(64), as: UTF8.self)
  }
}
