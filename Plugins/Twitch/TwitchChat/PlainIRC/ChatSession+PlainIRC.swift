/// What only a plain IRC server knows: messages to one person, invitations, operators, nicks that are taken.
extension ChatSession {
  /// Whether the server is a plain one, as far as it is known yet.
  public var isPlainIRC: Bool { state.server == .irc }

  /// The dialect, also while there is no connection; nil when nothing tells.
  var knownServer: ServerKind? { state.server ?? configuration.server ?? (state.plain == nil ? nil : .irc) }

  /// Nothing is known of a server until we are welcomed to it.
  mutating func meetPlainServer(now: Int64) {
    var plain = PlainServer()
    // The server goes on counting where the connection before stopped.
    plain.pace = state.plain?.pace ?? plain.pace
    plain.wantsNickBack = state.nickTries > 0
    plain.nickAskedAt = now
    state.plain = plain
  }

  // MARK: Messages

  /// A PRIVMSG of a plain server: for a room, for us alone, or for nobody here.
  func receivePlainMessage(
    _ line: IRCLine, to target: ByteView, _ text: ByteView, into outputs: inout [SessionOutput]
  ) {
    let nick = IRCSource(line.source).nick
    // Ours come back from a bouncer, or when we speak to ourselves: they have been told when they were sent.
    guard !isSelf(nick) else { return }
    // CTCP asks programs, not people. An action is a way of talking; all else is not for readers, and is never answered: whoever answers
    // can be made to flood, and two bots that do so go on for ever.
    guard text.isEmpty || text[0] != 1 || text.hasPrefix("\u{1}ACTION ") else { return }
    if ChannelName.isRoom(target) {
      outputs.append(.message)
    } else if isSelf(target), let chat = ChatLine(line) {
      let login = nick.string
      let words = TextFormatting.removed(from: chat.text).map { String(decoding: $0, as: UTF8.self) }
      outputs.append(
        .event(
          .whisper(Whisper(login: login, displayName: login, userID: "", id: "", text: words ?? chat.text.string))))
    }
    // Else it is for the operators of a room (`@#room`) or for all people of a server (`$*.example`): no conversation.
  }

  /// A text to one person.
  mutating func tell(
    _ nick: String, text: String, id: CommandID, now: Int64, into outputs: inout [SessionOutput]
  ) throws(CommandFailure) {
    guard state.phase != .failed else { throw offline() }
    switch knownServer {
    case .irc: break
    case .twitch:
      throw CommandFailure(
        .refused, code: "no_private", text: "Twitch carries no private messages over IRC; say it in a channel")
    case nil:
      throw CommandFailure(
        .retry, code: "offline", text: "not connected yet, and only a plain IRC server carries private messages",
        retryAfter: 1_000_000_000)
    }
    guard NickName.isOne(nick) else {
      throw CommandFailure(.invalid, code: "invalid_nick", text: "a private message needs the nick of one person")
    }
    try enqueue(text, to: nick, replyTo: nil, id: id, now: now)
  }

  /// How long a text may be, so that the line is no longer than 512 bytes (RFC 1459, section 2.3) when others see it, with who we are before it.
  func plainLimit(target: String, isAction: Bool) -> OutgoingText.Limit {
    let nick = max(state.nick.utf8.count, configuration.nick?.utf8.count ?? 0)
    // `~` and ten bytes for the user, 63 for the host, until we know better.
    let address = state.plain?.ownAddressLength ?? 11 + 1 + 63
    let frame = ":".utf8.count + nick + 1 + address + " PRIVMSG ".utf8.count + target.utf8.count + " :\r\n".utf8.count
    let room = 512 - frame - (isAction ? "\u{1}ACTION \u{1}".utf8.count : 0)
    return OutgoingText.Limit(codePoints: room, bytes: min(room, OutgoingText.Limit.irc.bytes))
  }

  /// What others see before our lines.
  mutating func learnOwnAddress(_ source: IRCSource) {
    guard !source.user.isEmpty, !source.host.isEmpty else { return }
    state.plain?.ownAddressLength = source.user.count + 1 + source.host.count
  }

  /// 396: our host has another face now.
  mutating func learnOwnHost(_ host: ByteView) {
    state.plain?.ownAddressLength = (host.firstIndex(of: 0x40) == nil ? 12 : 0) + min(host.count, 100)
  }

  // MARK: The pace

  /// When one more line may go to a plain server.
  func plainTime(now: Int64) -> Int64 {
    (state.plain?.pace ?? FloodPace()).earliest(
      burst: configuration.burst, interval: configuration.pace, now: now)
  }

  mutating func countPlainLine(now: Int64) { state.plain?.pace.record(at: now, interval: configuration.pace) }

  /// Writes what the pace allows now, and gives each room and person a turn: a long text for one does not keep the others waiting.
  mutating func advancePlainQueue(now: Int64, into outputs: inout [SessionOutput]) -> Int64? {
    while !state.queue.isEmpty {
      let at = plainTime(now: now)
      guard at <= now else { return at }
      var seen: Set<String> = []
      var next: Int?
      var least = Int64.max
      for (index, message) in state.queue.enumerated() where seen.insert(message.channel).inserted {
        guard !isAboutToBeJoined(message.channel) else { continue }
        let spoken = state.plain?.spokenAt[NickName.folded(message.channel)] ?? Int64.min
        if spoken < least { (next, least) = (index, spoken) }
      }
      guard let next else { return nil }
      send(state.queue.remove(at: next), rank: .normal, now: now, into: &outputs)
    }
    return nil
  }

  /// Whoever speaks in a room before being in it is refused; the server's answer to the JOIN gives the room its turn.
  private func isAboutToBeJoined(_ channel: String) -> Bool {
    guard let room = state.rooms[channel], room.isWanted else { return false }
    return room.membership == .queued || room.membership == .asked
  }

  /// 401, 404: nobody of that name, or nobody who may be spoken to. What waits for them is not sent any more.
  mutating func receiveUndelivered(_ line: IRCLine, into outputs: inout [SessionOutput]) {
    guard let target = line.parameter(1) else { return }
    let text = line.lastParameter?.string ?? ""
    let code = line.verb.string
    let isRoom = ChannelName.isRoom(target)
    let name = isRoom ? ChannelName(server: target).bare : target.string
    outputs.append(.event(.notice(ServerNotice(channel: isRoom ? name : nil, id: code, text: text))))
    outputs.append(.report(.warning, "cannot send to \(target.string): \(text)"))
    let folded = NickName.folded(target.string)
    let failure = CommandFailure(.forbidden, code: code, text: text)
    let waiting = state.queue.filter { NickName.folded($0.channel) == folded }
    for message in waiting { finish(message, failure: failure, into: &outputs) }
  }

  // MARK: Rooms

  /// INVITE: somebody wants us in a room.
  mutating func receiveInvite(_ line: IRCLine, now: Int64, into outputs: inout [SessionOutput]) {
    guard isPlainIRC, let invited = line.parameter(0), isSelf(invited), let target = line.parameter(1),
      ChannelName.isRoom(target)
    else { return }
    let channel = ChannelName(server: target)
    let by = IRCSource(line.source).nick.string
    outputs.append(.event(.invited(channel: channel.bare, by: by)))
    guard configuration.acceptsInvites else { return }
    do throws(CommandFailure) {
      try join(channel.wire, id: 0, now: now, into: &outputs)
      outputs.append(.report(.notice, "\(by) invites us to \(channel)"))
    } catch {
      outputs.append(.report(.warning, "\(by) invites us to \(channel): \(error.code): \(error.text)"))
    }
  }

  /// Whether somebody is more than others in a room.
  public func standing(of nick: ByteView, in room: ByteView) -> MemberStanding {
    guard let standings = state.plain?.standings, !standings.isEmpty,
      let here = standings[ChannelName(server: room).wire]
    else { return [] }
    return here[NickName.folded(nick.string)] ?? []
  }

  /// MODE: who has become an operator, or is none any more.
  mutating func receiveMode(_ line: IRCLine) {
    guard var plain = state.plain else { return }
    let modes = plain.modes
    var parameters = line.parameters
    guard let target = parameters.next(), ChannelName.isRoom(target), let letters = parameters.next() else { return }
    let room = ChannelName(server: target).wire
    guard state.rooms[room]?.membership == .joined else { return }
    state.plain = nil  // so that its tables are changed in place
    let most = configuration.maxMembers
    modes.changes(letters, &parameters) { nick, standing, isGiven in
      let name = NickName.folded(nick.string)
      var has = plain.standings[room]?[name] ?? []
      if isGiven { has.insert(standing) } else { has.remove(standing) }
      plain.note(has, of: name, in: room, most: most)
    }
    state.plain = plain
  }

  /// 005: what the server can do.
  mutating func receiveSupport(_ line: IRCLine) {
    var parameters = line.parameters
    _ = parameters.next()
    while let token = parameters.next() { state.plain?.modes.take(token) }
  }

  // MARK: Nicks

  /// How long the name that we want stays unasked for, and how long a login rests that found no free one.
  private static let nickPause: Int64 = 60_000_000_000
  private static let loginPause: Int64 = 30_000_000_000
  private static let nickTries = 10

  /// A name taken by somebody else: another one is tried.
  mutating func nickInUse(now: Int64, into outputs: inout [SessionOutput]) {
    guard state.phase == .loggingIn || state.phase == .probing else { return }
    state.nickTries += 1
    guard state.nickTries <= Self.nickTries, let next = NickName.next(after: state.nick) else {
      outputs.append(
        .reconnect(
          after: Self.loginPause,
          reason: "the nick \(configuration.nick ?? state.nick) is taken, and so are \(Self.nickTries) like it"))
      return
    }
    state.nick = next
    outputs.append(.report(.notice, "the nick is taken, trying \(next)"))
    write("NICK \(next)", into: &outputs)
  }

  /// Asks for the name that somebody had at the login. Returns when to ask again.
  mutating func advanceNick(now: Int64, into outputs: inout [SessionOutput]) -> Int64? {
    guard var plain = state.plain, plain.wantsNickBack, let nick = wantedNick else { return nil }
    if plain.nickAskedAt + Self.nickPause <= now {
      plain.nickAskedAt = now
      write("NICK \(nick)", into: &outputs)
    }
    state.plain = plain
    return plain.nickAskedAt + Self.nickPause
  }

  /// Somebody has gone, or has another name: perhaps ours is free.
  mutating func nickMayBeFree(_ nick: ByteView, now: Int64) {
    guard state.plain?.wantsNickBack == true, let wanted = wantedNick,
      NickName.folded(nick.string) == NickName.folded(wanted)
    else { return }
    state.plain?.nickAskedAt = now - Self.nickPause
  }

  /// The name that we log in with.
  private var wantedNick: String? {
    guard let nick = configuration.nick, !nick.isEmpty else { return nil }
    return loginName(nick)
  }

  /// NICK: somebody, perhaps we, has another name.
  mutating func receiveNick(_ line: IRCLine, now: Int64, into outputs: inout [SessionOutput]) {
    guard let new = line.parameter(0), !new.isEmpty, new.count <= 64 else { return }
    let source = IRCSource(line.source)
    let wasSelf = isSelf(source.nick)
    for name in state.rooms.keys where state.rooms[name]?.members.remove(source.nick.string) != nil {
      state.rooms[name]?.members.insert(new.string)
    }
    state.plain?.rename(NickName.folded(source.nick.string), to: NickName.folded(new.string))
    guard wasSelf else {
      nickMayBeFree(source.nick, now: now)
      return
    }
    state.nick = Self.firstWord(new.string)
    // Either we have it now, or the server has given us another one, which we do not fight.
    state.plain?.wantsNickBack = false
    learnOwnAddress(source)
    outputs.append(.event(.renamed(nick: state.nick)))
  }
}

extension PlainServer {
  /// Notes what somebody is in a room. `name` is folded.
  mutating func note(_ standing: MemberStanding, of name: String, in room: String, most: Int) {
    if standing.isEmpty {
      standings[room]?[name] = nil
    } else if standings[room]?[name] != nil || standings[room]?.count ?? 0 < most {
      standings[room, default: [:]][name] = standing
    }
  }

  mutating func rename(_ old: String, to new: String) {
    guard old != new else { return }
    for room in standings.keys {
      let standing = standings[room]?.removeValue(forKey: old)
      standings[room]?[new] = standing
    }
  }

  /// Somebody is in a room no more, or in none when no room is named.
  mutating func forget(_ name: String, in room: String? = nil) {
    if let room {
      standings[room]?[name] = nil
    } else {
      for room in standings.keys { standings[room]?[name] = nil }
    }
  }
}
