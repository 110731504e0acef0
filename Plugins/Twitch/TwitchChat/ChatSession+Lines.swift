extension ChatSession {
  mutating func receiveMessage(_ line: IRCLine, again: Bool, into outputs: inout [SessionOutput]) {
    if configuration.dropsSharedCopies, let sourceID = line.tag("source-id"), !sourceID.isEmpty,
      !state.shared.insert(sourceID), !again
    {
      return
    }
    guard let target = line.parameter(0), let text = line.parameter(1) else { return }
    if isPlainIRC {
      receivePlainMessage(line, to: target, text, into: &outputs)
    } else if ChannelName.isRoom(target) {
      outputs.append(.message)
    } else {
      whispered(line, into: &outputs)
    }
  }

  private func whispered(_ line: IRCLine, into outputs: inout [SessionOutput]) {
    let login = IRCSource(line.source).nick.string
    outputs.append(
      .event(
        .whisper(
          Whisper(
            login: login, displayName: line.nonEmptyTag("display-name") ?? login,
            userID: line.tagText("user-id") ?? "", id: line.tagText("message-id") ?? "",
            text: line.parameter(1)?.string ?? ""))))
  }

  /// Every line but PRIVMSG.
  mutating func receive(_ line: IRCLine, again: Bool, now: Int64, into outputs: inout [SessionOutput]) {
    guard state.phase != .failed else { return }
    let verb = line.verb
    if verb.count == 3, let number = verb.integer {
      receiveNumeric(Int(number), line, now: now, into: &outputs)
      return
    }
    switch verb.string {
    case "PING":
      let token = (line.lastParameter?.array ?? []).filter { $0 != 0x0D && $0 != 0 }
      outputs.append(.write(Array("PONG :".utf8) + token + [0x0D, 0x0A]))
    case "PONG": state.pingSentAt = nil
    case "AUTHENTICATE": receiveAuthenticate(line, into: &outputs)
    case "CAP": receiveCapability(line, now: now, into: &outputs)
    case "NOTICE": receiveNotice(line, now: now, into: &outputs)
    case "JOIN": receiveJoin(line, now: now, into: &outputs)
    case "PART": receivePart(line, reason: "", into: &outputs)
    case "KICK": receiveKick(line, into: &outputs)
    case "QUIT": receiveQuit(line, now: now, into: &outputs)
    case "NICK": receiveNick(line, now: now, into: &outputs)
    case "MODE": receiveMode(line)
    case "INVITE": receiveInvite(line, now: now, into: &outputs)
    case "USERSTATE": receiveUserState(line, now: now, into: &outputs)
    case "GLOBALUSERSTATE":
      let own = OwnState(line)
      state.displayName = own.displayName
      state.userID = own.userID
      outputs.append(.event(.ownState(channel: nil, state: own)))
    case "ROOMSTATE": receiveRoomState(line, into: &outputs)
    case "USERNOTICE":
      if let sourceID = line.nonEmptyTag("source-id"), configuration.dropsSharedCopies {
        var text = sourceID
        let isNew = text.withUTF8 { state.shared.insert(ByteView(UnsafeRawBufferPointer($0))) }
        guard isNew || again else { return }
      }
      if let notice = UserNotice(line) { outputs.append(.event(.userNotice(notice))) }
    case "CLEARCHAT":
      if let clear = ClearChat(line) { outputs.append(.event(.clearChat(clear))) }
    case "CLEARMSG":
      if let clear = ClearMessage(line) { outputs.append(.event(.clearMessage(clear))) }
    case "WHISPER": whispered(line, into: &outputs)
    case "RECONNECT":
      outputs.append(.event(.reconnect))
      outputs.append(.succeed)
    case "ERROR": state.closingReason = line.lastParameter?.string
    default: break  // HOSTTARGET, TOPIC, …: nothing to keep, and twitch.line has them
    }
  }

  private mutating func receiveNumeric(
    _ number: Int, _ line: IRCLine, now: Int64, into outputs: inout [SessionOutput]
  ) {
    switch number {
    case 1: welcomed(line, now: now, into: &outputs)
    case 5: receiveSupport(line)
    case 353:
      if let channel = line.parameter(2), let names = line.parameter(3) { addMembers(channel, names) }
    case 366:
      guard let channel = line.parameter(1) else { return }
      let name = ChannelName(server: channel)
      // It ends a list, which may be of a room that we are not in.
      if state.rooms[name.wire]?.membership == .asked { confirmJoin(name, now: now, into: &outputs) }
    case 396:
      if let host = line.parameter(1) { learnOwnHost(host) }
    case 437 where state.phase != .connected: nickInUse(now: now, into: &outputs)
    case 403, 405, 437, 470, 471, 473, 474, 475, 476, 477, 480, 489, 520:
      guard let channel = line.parameter(1) else { return }
      failJoin(
        ChannelName(server: channel), code: line.verb.string, text: line.lastParameter?.string ?? "", into: &outputs)
    case 401, 404: receiveUndelivered(line, into: &outputs)
    case 410, 421, 451:
      if account != nil, state.phase == .loggingIn, line.parameter(1)?.equals("CAP") == true {
        fail("the server has no accounts (SASL)", now: now, into: &outputs)
      }
      // The server does not know CAP, or not yet: it is a plain one.
      turnToPlainIRC(now: now, into: &outputs)
    case 902...907: receiveAccountVerdict(number, line, now: now, into: &outputs)
    case 433, 436: nickInUse(now: now, into: &outputs)
    case 432, 464, 465, 466:
      guard state.phase != .connected else { return }
      fail("login refused: \(line.lastParameter?.string ?? line.verb.string)", now: now, into: &outputs)
    default: break
    }
  }

  private mutating func receiveNotice(_ line: IRCLine, now: Int64, into outputs: inout [SessionOutput]) {
    guard let target = line.parameter(0) else { return }
    let text = line.parameter(1)?.string ?? ""
    let id = line.tagText("msg-id") ?? ""
    let isRoom = ChannelName.isRoom(target)
    let notice = ServerNotice(channel: isRoom ? ChannelName(server: target).bare : nil, id: id, text: text)
    outputs.append(.event(.notice(notice)))
    guard isRoom else {
      if state.phase == .loggingIn || state.phase == .probing, Self.isFatalLoginNotice(text) {
        fail(text, now: now, into: &outputs)
      }
      return
    }
    guard !id.isEmpty else { return }
    let channel = ChannelName(server: target)
    if NoticeKind.endsJoin(id), state.rooms[channel.wire]?.membership == .asked {
      failJoin(channel, code: id, text: text, into: &outputs)
    }
    receiveVerdict(notice, channel: channel, now: now, into: &outputs)
  }

  private mutating func receiveUserState(_ line: IRCLine, now: Int64, into outputs: inout [SessionOutput]) {
    guard let target = line.parameter(0) else { return }
    let channel = ChannelName(server: target)
    let own = OwnState(line)
    if !own.displayName.isEmpty { state.displayName = own.displayName }
    var isFromJoin = false
    if var room = state.rooms[channel.wire] {
      room.rank = own.rank
      if own.messageID == nil, room.owesState {
        room.owesState = false
        isFromJoin = true
      }
      state.rooms[channel.wire] = room
    }
    outputs.append(.event(.ownState(channel: channel.bare, state: own)))
    if !isFromJoin { acknowledge(channel, messageID: own.messageID, into: &outputs) }
  }

  private mutating func receiveRoomState(_ line: IRCLine, into outputs: inout [SessionOutput]) {
    guard let target = line.parameter(0) else { return }
    let channel = ChannelName(server: target)
    let change = RoomModes(line)
    var all = change
    if var room = state.rooms[channel.wire] {
      room.modes.merge(change)
      all = room.modes
      // A mode that kept us silent may be gone.
      if change.subscribersOnly == false || change.followersOnly == -1 || change.emoteOnly == false {
        room.blockedBy = nil
      }
      state.rooms[channel.wire] = room
    }
    outputs.append(.event(.roomState(channel: channel.bare, change: change, all: all)))
  }

  /// Whether a nick is ours. Names are compared without regard to the case of ASCII letters.
  func isSelf(_ nick: ByteView) -> Bool {
    guard nick.count == state.nick.utf8.count else { return false }
    var index = 0
    for byte in state.nick.utf8 {
      let other = nick[index]
      index += 1
      if byte == other { continue }
      let isLetter = (0x41...0x5A).contains(byte & 0xDF)
      guard isLetter, byte ^ other == 0x20 else { return false }
    }
    return true
  }
}
