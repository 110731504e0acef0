extension ChatSession {
  func channelName(_ text: String) throws(CommandFailure) -> ChannelName {
    do {
      return try ChannelName(text, strict: configuration.strictNames)
    } catch {
      throw CommandFailure(.invalid, code: "invalid_channel", text: error.description)
    }
  }

  /// The channel that is meant where none is named.
  func onlyChannel() throws(CommandFailure) -> ChannelName {
    let wanted = state.rooms.filter { $0.value.isWanted }.keys.sorted()
    if let only = wanted.first, wanted.count == 1 { return ChannelName(trusted: only) }
    guard wanted.isEmpty else {
      throw CommandFailure(
        .invalid, code: "no_channel",
        text: "no channel is named, and there are several: \(wanted.joined(separator: ", "))")
    }
    // Perhaps it is about to be joined.
    throw CommandFailure(
      .retry, code: "no_channel", text: "no channel is named, and none is joined", retryAfter: 1_000_000_000)
  }

  /// Notes rooms of the configuration.
  mutating func want(_ channels: [ChannelName]) {
    for channel in channels {
      var room = state.rooms[channel.wire] ?? Room()
      if state.rooms[channel.wire] == nil || !state.roomOrder.contains(channel.wire) {
        state.roomOrder.append(channel.wire)
      }
      if !room.isWanted {
        room.isWanted = true
        if state.phase == .connected, room.membership == .out { room.membership = .queued }
      }
      state.rooms[channel.wire] = room
    }
  }

  /// Takes over a new configuration; what differs in rooms is joined and left. Another name or server takes effect with
  /// the next connection, which the caller opens. A session that had given up may try again then.
  public mutating func reconfigure(
    _ new: SessionConfiguration, now: Int64, into outputs: inout [SessionOutput]
  ) {
    let dropped = configuration.channels.filter { !new.channels.contains($0) }
    self = ChatSession(configuration: new, state: state)
    if state.phase == .failed { state.phase = .offline }
    for channel in dropped { leave(channel, reason: "", into: &outputs) }
    handle(.tick, now: now, into: &outputs)
  }

  mutating func join(
    _ text: String, id: CommandID, now: Int64, into outputs: inout [SessionOutput]
  ) throws(CommandFailure) {
    let channel = try channelName(text)
    guard state.phase != .failed else { throw offline() }
    var room = state.rooms[channel.wire] ?? Room()
    if room.membership == .joined {
      room.isWanted = true
      state.rooms[channel.wire] = room
      settle(id, .done, into: &outputs)
      return
    }
    if !room.isWanted {
      let counted = state.rooms.values.count { $0.isWanted && !$0.rank.hasLargeBucket }
      guard counted < configuration.maxChannels else {
        throw CommandFailure(
          .busy, code: "too_many_channels", text: "already in \(counted) channels, the most that are allowed")
      }
    }
    guard room.joiners.count < 64 else {
      throw CommandFailure(.busy, code: "busy", text: "too many callers wait to join \(channel)")
    }
    room.isWanted = true
    room.blockedBy = nil
    if id != 0 { room.joiners.append(id) }
    if state.phase == .connected, room.membership == .out { room.membership = .queued }
    if !state.roomOrder.contains(channel.wire) { state.roomOrder.append(channel.wire) }
    state.rooms[channel.wire] = room
  }

  mutating func part(
    _ text: String, reason: String, id: CommandID, into outputs: inout [SessionOutput]
  ) throws(CommandFailure) {
    let channel = try channelName(text)
    leave(channel, reason: OutgoingText.clean(reason), into: &outputs)
    settle(id, .done, into: &outputs)
  }

  private mutating func leave(_ channel: ChannelName, reason: String, into outputs: inout [SessionOutput]) {
    guard var room = state.rooms[channel.wire] else { return }
    let joiners = room.joiners
    let wasInside = room.membership == .asked || room.membership == .joined
    room.isWanted = false
    room.joiners = []
    if room.membership == .queued { room.membership = .out }
    state.rooms[channel.wire] = room
    state.roomOrder.removeAll { $0 == channel.wire }
    for joiner in joiners {
      settle(
        joiner, .failed(CommandFailure(.refused, code: "parted", text: "left before the join was confirmed")),
        into: &outputs)
    }
    if state.phase == .connected, wasInside {
      write(reason.isEmpty ? "PART \(channel)" : "PART \(channel) :\(reason)", into: &outputs)
    } else {
      forget(channel)
    }
  }

  /// Drops a room that nobody needs, so that rooms do not pile up.
  private mutating func forget(_ channel: ChannelName) {
    guard let room = state.rooms[channel.wire], !room.isWanted, room.membership == .out else { return }
    guard !state.queue.contains(where: { $0.channel == channel.wire }) else { return }
    state.rooms[channel.wire] = nil
  }

  /// Writes the JOINs that the limit allows now, and times out those that were not answered. Returns when to look again.
  mutating func advanceJoins(now: Int64, into outputs: inout [SessionOutput]) -> Int64? {
    var next: Int64?
    for name in state.roomOrder {
      guard var room = state.rooms[name] else { continue }
      switch room.membership {
      case .queued:
        var at = state.joinWindow.earliest(limit: configuration.joins, now: now)
        if isPlainIRC { at = max(at, plainTime(now: now)) }
        guard at <= now else {
          next = min(next ?? at, at)
          continue
        }
        state.joinWindow.record(at: now)
        if isPlainIRC { countPlainLine(now: now) }
        room.membership = .asked
        room.askedAt = now
        room.owesState = state.capabilities.contains("twitch.tv/commands")
        state.rooms[name] = room
        write("JOIN \(name)", into: &outputs)
        next = min(next ?? Int64.max, now + configuration.joinTime)
      case .asked:
        let limit = room.askedAt + configuration.joinTime
        if limit <= now {
          failJoin(
            ChannelName(trusted: name), code: "timeout",
            text: "the server did not answer; perhaps there is no such room", into: &outputs)
        } else {
          next = min(next ?? limit, limit)
        }
      case .out, .joined: break
      }
    }
    return next
  }

  mutating func confirmJoin(_ channel: ChannelName, now: Int64, into outputs: inout [SessionOutput]) {
    guard var room = state.rooms[channel.wire], room.membership != .joined else { return }
    // A late answer counts also after we stopped waiting for it.
    room.membership = .joined
    room.blockedBy = nil
    let joiners = room.joiners
    room.joiners = []
    state.rooms[channel.wire] = room
    outputs.append(.event(.joined(channel: channel.bare, login: state.nick, isSelf: true)))
    for joiner in joiners { settle(joiner, .done, into: &outputs) }
  }

  mutating func failJoin(
    _ channel: ChannelName, code: String, text: String, into outputs: inout [SessionOutput]
  ) {
    guard var room = state.rooms[channel.wire], room.membership == .asked else { return }
    room.membership = .out
    room.owesState = false
    let joiners = room.joiners
    room.joiners = []
    state.rooms[channel.wire] = room
    outputs.append(.event(.joinFailed(channel: channel.bare, reason: code, text: text)))
    outputs.append(.report(.warning, "cannot join \(channel): \(code): \(text)"))
    let kind: CommandFailure.Kind = code == "timeout" ? .timeout : .forbidden
    for joiner in joiners {
      settle(joiner, .failed(CommandFailure(kind, code: code, text: text)), into: &outputs)
    }
  }

  mutating func receiveJoin(_ line: IRCLine, now: Int64, into outputs: inout [SessionOutput]) {
    guard let target = line.parameter(0) else { return }
    let channel = ChannelName(server: target)
    let source = IRCSource(line.source)
    let nick = source.nick
    state.plain?.forget(NickName.folded(nick.string), in: channel.wire)
    if isSelf(nick) {
      state.plain?.standings[channel.wire] = nil
      learnOwnAddress(source)
      if state.rooms[channel.wire] == nil, state.rooms.count < 1000 { state.rooms[channel.wire] = Room() }
      state.rooms[channel.wire]?.members = [nick.string]
      confirmJoin(channel, now: now, into: &outputs)
      return
    }
    if let count = state.rooms[channel.wire]?.members.count, count < configuration.maxMembers {
      state.rooms[channel.wire]?.members.insert(nick.string)
    }
    outputs.append(.event(.joined(channel: channel.bare, login: nick.string, isSelf: false)))
  }

  mutating func receivePart(_ line: IRCLine, reason: String, into outputs: inout [SessionOutput]) {
    guard let target = line.parameter(0) else { return }
    left(ChannelName(server: target), IRCSource(line.source).nick, reason: reason, into: &outputs)
  }

  mutating func receiveKick(_ line: IRCLine, into outputs: inout [SessionOutput]) {
    guard let target = line.parameter(0), let nick = line.parameter(1) else { return }
    let channel = ChannelName(server: target)
    let by = IRCSource(line.source).nick.string
    let text = line.parameter(2)?.string ?? ""
    let isOurs = isSelf(nick)
    if isOurs {
      // Whoever puts us out wants us out: we do not come back by ourselves, but for the next connection, and then only to rooms that
      // the configuration names.
      let isConfigured = configuration.channels.contains(channel)
      if !isConfigured {
        state.rooms[channel.wire]?.isWanted = false
        state.roomOrder.removeAll { $0 == channel.wire }
      }
      let until = isConfigured ? "until the next connection" : "until somebody wants us there again"
      outputs.append(.report(.warning, "\(by) put us out of \(channel) (\(text)); we stay out \(until)"))
      goOut(channel)
    } else {
      forgetMember(nick, of: channel)
    }
    outputs.append(
      .event(
        .kicked(
          channel: channel.bare, login: isOurs ? state.nick : nick.string, isSelf: isOurs, by: by, text: text)))
  }

  private mutating func left(
    _ channel: ChannelName, _ nick: ByteView, reason: String, into outputs: inout [SessionOutput]
  ) {
    guard isSelf(nick) else {
      forgetMember(nick, of: channel)
      outputs.append(
        .event(.parted(channel: channel.bare, login: nick.string, isSelf: false, reason: reason)))
      return
    }
    var why = reason
    if let room = state.rooms[channel.wire] {
      if room.isWanted, why.isEmpty {
        // Twitch parts a room for us when we are banned from it.
        why = "removed"
      }
      if room.isWanted { outputs.append(.report(.warning, "the server put us out of \(channel)")) }
      goOut(channel)
    }
    outputs.append(.event(.parted(channel: channel.bare, login: state.nick, isSelf: true, reason: why)))
  }

  /// We are in a room no more.
  private mutating func goOut(_ channel: ChannelName) {
    state.plain?.standings[channel.wire] = nil
    guard var room = state.rooms[channel.wire] else { return }
    room.membership = .out
    room.members = []
    room.rank = .normal
    room.owesState = false
    state.rooms[channel.wire] = room
    forget(channel)
  }

  private mutating func forgetMember(_ nick: ByteView, of channel: ChannelName) {
    state.rooms[channel.wire]?.members.remove(nick.string)
    state.plain?.forget(NickName.folded(nick.string), in: channel.wire)
  }

  mutating func receiveQuit(_ line: IRCLine, now: Int64, into outputs: inout [SessionOutput]) {
    let nick = IRCSource(line.source).nick
    guard !isSelf(nick) else { return }
    let login = nick.string
    state.plain?.forget(NickName.folded(login))
    nickMayBeFree(nick, now: now)
    for name in state.rooms.keys.sorted() {
      guard state.rooms[name]?.members.remove(login) != nil else { continue }
      let channel = ChannelName(trusted: name)
      outputs.append(.event(.parted(channel: channel.bare, login: login, isSelf: false, reason: "quit")))
    }
  }

  mutating func addMembers(_ channel: ByteView, _ names: ByteView) {
    let name = ChannelName(server: channel).wire
    guard var room = state.rooms[name] else { return }
    state.rooms[name] = nil  // so that the set is changed in place
    let modes = state.plain?.modes ?? ChannelModes()
    let most = configuration.maxMembers
    var rest = names
    while !rest.isEmpty {
      let end = rest.firstIndex(of: 0x20) ?? rest.count
      let (nick, standing) = modes.member(rest.slice(0, end))
      rest = rest.suffix(from: end + 1)
      guard !nick.isEmpty else { continue }
      if room.members.count < most { room.members.insert(nick.string) }
      state.plain?.note(standing, of: NickName.folded(nick.string), in: name, most: most)
    }
    state.rooms[name] = room
  }

  /// The connection is gone, and with it our place in every room.
  mutating func leaveAll() {
    for name in state.rooms.keys {
      state.rooms[name]?.membership = .out
      state.rooms[name]?.owesState = false
      state.rooms[name]?.members = []
      state.rooms[name]?.rank = .normal
    }
    state.plain?.standings = [:]
  }
}
