extension ChatSession {
  /// The rule about equal texts looks back so far: the server says "less than 30 seconds ago".
  private static let duplicateTime: Int64 = 30_000_000_000
  /// How often a message is written at most, when the server asks to try again.
  private static let attempts = 3
  /// Appended by `DuplicateRule.vary`: a tag character that nobody sees.
  private static let variation = " \u{E0000}"

  func offline() -> CommandFailure {
    CommandFailure(.offline, code: "offline", text: "not connected, and nobody tries again")
  }

  // MARK: Commands

  mutating func say(
    channel text: String?, text message: String, replyTo: String?, id: CommandID, now: Int64,
    into outputs: inout [SessionOutput]
  ) throws(CommandFailure) {
    let channel = if let text { try channelName(text) } else { try onlyChannel() }
    guard state.phase != .failed else { throw offline() }
    if state.server ?? configuration.server == .twitch,
      configuration.isAnonymous || state.nick.hasPrefix("justinfan")
    {
      throw CommandFailure(.forbidden, code: "anonymous", text: "reading anonymously: a token is needed to speak")
    }
    if let replyTo, replyTo.utf8.count > 200 {
      throw CommandFailure(.invalid, code: "invalid_reply_to", text: "reply_to is no message id")
    }
    if let room = state.rooms[channel.wire], let code = room.blockedBy, room.blockedUntil > now {
      throw CommandFailure(
        .forbidden, code: code, text: "\(channel) does not let us speak (\(code))", retryAfter: room.blockedUntil - now)
    }

    try enqueue(message, to: channel.wire, replyTo: replyTo, id: id, now: now)
  }

  /// Makes messages of a text; they wait for their turn.
  mutating func enqueue(
    _ text: String, to target: String, replyTo: String?, id: CommandID, now: Int64
  ) throws(CommandFailure) {
    // On a plain server each line is a message; Twitch knows no lines and is slow, so that there they become one.
    let isPlain = knownServer == .irc
    var lines = isPlain ? OutgoingText.lines(text) : [OutgoingText.clean(text)]
    let isAction = lines.first.map { $0 == "/me" || $0.hasPrefix("/me ") } ?? false
    if isAction { lines[0] = OutgoingText.clean(String(lines[0].dropFirst(3))) }
    let limit: OutgoingText.Limit =
      switch knownServer {
      case .twitch: isAction ? .twitchAction : .twitch
      case .irc: plainLimit(target: target, isAction: isAction)
      case nil: .irc
      }
    // A line without words, between others, is a space: IRC knows no empty message.
    let parts = lines.flatMap { line in
      line.isEmpty ? (lines.count == 1 || isAction ? [] : [" "]) : OutgoingText.split(line, limit: limit)
    }
    guard !parts.isEmpty else {
      throw CommandFailure(.invalid, code: "empty", text: "there is no text to send")
    }
    guard state.queue.count + parts.count <= configuration.queueLimit else {
      throw CommandFailure(
        .busy, code: "queue_full", text: "\(state.queue.count) messages wait to be sent, the most that are allowed")
    }

    let serial = state.nextGroup
    state.nextGroup += 1
    state.groups[serial] = MessageGroup(command: id, channel: target, parts: parts.count)
    for (index, part) in parts.enumerated() {
      state.queue.append(
        QueuedMessage(
          channel: target, text: part, isAction: isAction, replyTo: replyTo.flatMap { $0.isEmpty ? nil : $0 },
          group: serial, part: index + 1, queuedAt: now))
    }
  }

  mutating func raw(
    _ line: String, id: CommandID, now: Int64, into outputs: inout [SessionOutput]
  ) throws(CommandFailure) {
    guard !line.utf8.contains(where: { $0 == 0x0D || $0 == 0x0A || $0 == 0 }) else {
      throw CommandFailure(.invalid, code: "invalid_line", text: "a line cannot hold CR, LF or NUL")
    }
    guard line.utf8.count <= 8192, let message = IRCMessage(parsing: line) else {
      throw CommandFailure(.invalid, code: "invalid_line", text: "this is no IRC line of at most 8192 bytes")
    }
    guard state.phase == .connected else {
      throw state.phase == .failed
        ? offline() : CommandFailure(.retry, code: "offline", text: "not connected yet", retryAfter: 1_000_000_000)
    }
    // A message or a JOIN counts, whoever wrote the line: the server counts them all.
    let verb = message.verbText.uppercased()
    switch verb {
    case "PRIVMSG" where isPlainIRC, "NOTICE" where isPlainIRC, "JOIN" where isPlainIRC:
      let at = plainTime(now: now)
      guard at <= now else {
        throw CommandFailure(.retry, code: "rate_limit", text: "too many lines", retryAfter: at - now)
      }
      countPlainLine(now: now)
    case "PRIVMSG":
      let at = state.sendWindow.earliest(limit: configuration.messages, now: now)
      guard at <= now else {
        throw CommandFailure(.retry, code: "rate_limit", text: "too many messages", retryAfter: at - now)
      }
      state.sendWindow.record(at: now)
    case "JOIN":
      let rooms = message.parameters.first?.split(separator: 0x2C).count ?? 0
      for _ in 0..<min(rooms, configuration.joins + 1) {
        let at = state.joinWindow.earliest(limit: configuration.joins, now: now)
        guard at <= now else {
          throw CommandFailure(.retry, code: "rate_limit", text: "too many joins", retryAfter: at - now)
        }
        state.joinWindow.record(at: now)
      }
    default: break
    }
    write(line, into: &outputs)
    settle(id, .done, into: &outputs)
  }

  // MARK: The queue

  /// Writes the messages that the limits allow now. Returns when to look again.
  mutating func advanceQueue(now: Int64, into outputs: inout [SessionOutput]) -> Int64? {
    expireQueue(now: now, into: &outputs)
    var next = state.queue.first.map { $0.queuedAt + configuration.queueTime }
    guard state.phase == .connected, !state.queue.isEmpty, !state.isWindingDown else { return next }
    if state.holdUntil > now { return min(next ?? Int64.max, state.holdUntil) }
    if isPlainIRC {
      let at = advancePlainQueue(now: now, into: &outputs)
      return at.map { min($0, next ?? $0) }
    }

    // The oldest message of each room has its turn; rooms that must wait are passed over, so that a slow room does not
    // hold up the others. One that has waited for a whole window goes before all others: a stream of messages under the larger
    // limit cannot starve it.
    var waiting: Set<String> = []
    var index = 0
    while index < state.queue.count {
      let message = state.queue[index]
      guard !waiting.contains(message.channel) else {
        index += 1
        continue
      }
      let room = state.rooms[message.channel]
      let rank = room?.rank ?? .normal
      let limit = rank.hasLargeBucket ? configuration.elevatedMessages : configuration.messages
      let bucketAt = state.sendWindow.earliest(limit: limit, now: now)
      let at = max(bucketAt, room?.holdUntil ?? 0)
      if at > now {
        waiting.insert(message.channel)
        next = min(next ?? at, at)
        if bucketAt > now, now - message.queuedAt >= configuration.sendWindow { break }
        index += 1
        continue
      }
      state.queue.remove(at: index)
      send(message, rank: rank, now: now, into: &outputs)
      // What has been sent may have changed what stands before this place, but only to later times.
    }
    return next
  }

  mutating func send(
    _ message: QueuedMessage, rank: RoomRank, now: Int64, into outputs: inout [SessionOutput]
  ) {
    var message = message
    var room = state.rooms[message.channel] ?? Room()
    if state.server == .twitch, !rank.hasFreePace, room.lastText == message.text,
      now - room.lastTextAt < Self.duplicateTime
    {
      switch configuration.duplicates {
      case .send: break
      case .vary: message.text += Self.variation
      case .refuse:
        finish(
          message,
          failure: CommandFailure(
            .refused, code: "msg_duplicate", text: "the same text went to \(message.channel) less than 30 s ago"),
          into: &outputs)
        return
      }
    }
    var line = ""
    if let replyTo = message.replyTo, state.server == .twitch {
      var escaped: [UInt8] = []
      IRCTags.escape(replyTo.utf8, into: &escaped)
      line = "@reply-parent-msg-id=\(String(decoding: escaped, as: UTF8.self)) "
    }
    line += "PRIVMSG \(message.channel) :"
    if message.isAction {
      line += state.server == .twitch ? "/me \(message.text)" : "\u{1}ACTION \(message.text)\u{1}"
    } else {
      line += message.text
    }
    if isPlainIRC {
      countPlainLine(now: now)
      state.plain?.spoke(to: NickName.folded(message.channel), now: now)
    } else {
      state.sendWindow.record(at: now)
      room.holdUntil = max(room.holdUntil, rank.hasFreePace ? 0 : now + configuration.roomInterval)
      if let slow = room.modes.slow, slow > 0, !rank.hasFreePace {
        room.holdUntil = max(room.holdUntil, now + min(slow, 86_400) * 1_000_000_000)
      }
      room.lastText = message.text
      room.lastTextAt = now
      if state.rooms[message.channel] != nil || state.rooms.count < 1000 { state.rooms[message.channel] = room }
    }
    message.attempts += 1
    state.groups[message.group]?.written += 1
    write(line, into: &outputs)
    if acknowledges {
      state.pending.append(PendingMessage(message: message, writtenAt: now, raw: line))
    } else {
      publishSent(message, raw: line, id: nil, isConfirmed: false, into: &outputs)
      finishPart(message, id: nil, doubt: nil, isConfirmed: false, into: &outputs)
    }
  }

  private mutating func expireQueue(now: Int64, into outputs: inout [SessionOutput]) {
    while let message = state.queue.first, message.queuedAt + configuration.queueTime <= now {
      state.queue.removeFirst()
      finish(
        message, failure: CommandFailure(.timeout, code: "expired", text: "waited too long to be sent"), into: &outputs)
    }
  }

  // MARK: What became of a message

  /// USERSTATE after a message: the server took the oldest that the room owes.
  mutating func acknowledge(_ channel: ChannelName, messageID: String?, into outputs: inout [SessionOutput]) {
    guard let entry = removePending(channel) else { return }
    publishSent(entry.message, raw: entry.raw, id: messageID, isConfirmed: true, into: &outputs)
    finishPart(entry.message, id: messageID, doubt: nil, isConfirmed: true, into: &outputs)
  }

  /// NOTICE about a room: perhaps the oldest message that it owes was refused.
  mutating func receiveVerdict(
    _ notice: ServerNotice, channel: ChannelName, now: Int64, into outputs: inout [SessionOutput]
  ) {
    switch notice.kind {
    case .roomMode: return
    case .wait:
      guard let entry = removePending(channel) else { return }
      let wait = Self.statedWait(notice) ?? configuration.sendWindow
      outputs.append(.report(.warning, "\(channel): \(notice.id): \(notice.text)"))
      if notice.id == "msg_ratelimit" {
        // Our count and the server's differ: everything rests for a window.
        state.holdUntil = now + wait
      }
      state.rooms[channel.wire]?.holdUntil = now + wait
      state.rooms[channel.wire]?.lastText = nil
      let failure = CommandFailure(.retry, code: notice.id, text: notice.text, retryAfter: wait)
      guard wait <= configuration.maxWait, entry.message.attempts < Self.attempts,
        state.groups[entry.message.group] != nil
      else {
        finish(entry.message, failure: failure, into: &outputs)
        return
      }
      state.groups[entry.message.group]?.written -= 1
      let place = state.queue.firstIndex { $0.channel == entry.message.channel } ?? 0
      state.queue.insert(entry.message, at: place)
    case .duplicate, .refused, .command:
      refuse(channel, CommandFailure(.refused, code: notice.id, text: notice.text), into: &outputs)
    case .forbidden:
      let failure = CommandFailure(.forbidden, code: notice.id, text: notice.text, retryAfter: configuration.blockTime)
      outputs.append(.report(.warning, "\(channel) does not let us speak: \(notice.id): \(notice.text)"))
      if state.rooms[channel.wire] != nil {
        state.rooms[channel.wire]?.blockedBy = notice.id
        state.rooms[channel.wire]?.blockedUntil = now + configuration.blockTime
      }
      refuse(channel, failure, into: &outputs)
      for message in state.queue where message.channel == channel.wire {
        finish(message, failure: failure, into: &outputs)
      }
      state.queue.removeAll { $0.channel == channel.wire }
    case .other:
      // An id that we do not know, in answer to a message that we wrote: by its name it is a refusal.
      if notice.id.hasPrefix("msg_") {
        refuse(channel, CommandFailure(.refused, code: notice.id, text: notice.text), into: &outputs)
      }
    }
  }

  private mutating func refuse(
    _ channel: ChannelName, _ failure: CommandFailure, into outputs: inout [SessionOutput]
  ) {
    guard let entry = removePending(channel) else { return }
    finish(entry.message, failure: failure, into: &outputs)
  }

  private mutating func removePending(_ channel: ChannelName) -> PendingMessage? {
    guard let index = state.pending.firstIndex(where: { $0.message.channel == channel.wire }) else { return nil }
    return state.pending.remove(at: index)
  }

  /// The first number of a text that asks to wait, as seconds. Ids say what; only the text says how long.
  static func statedWait(_ notice: ServerNotice) -> Int64? {
    var value: Int64 = 0
    var hasDigits = false
    for byte in notice.text.utf8 {
      if (0x30...0x39).contains(byte) {
        hasDigits = true
        value = min(value * 10 + Int64(byte - 0x30), 10_000_000)
      } else if hasDigits {
        break
      }
    }
    return hasDigits ? max(1, value) * 1_000_000_000 : nil
  }

  /// Gives up waiting for acknowledgements that are overdue. Returns when to look again.
  mutating func advancePending(now: Int64, into outputs: inout [SessionOutput]) -> Int64? {
    while let entry = state.pending.first, entry.writtenAt + configuration.acknowledgeTime <= now {
      state.pending.removeFirst()
      doubt(entry, "the server has not confirmed it", into: &outputs)
    }
    return state.pending.first.map { $0.writtenAt + configuration.acknowledgeTime }
  }

  /// All that is written and not confirmed may or may not have arrived.
  mutating func doubtPending(_ reason: String, now: Int64, into outputs: inout [SessionOutput]) {
    let entries = state.pending
    state.pending = []
    for entry in entries { doubt(entry, reason, into: &outputs) }
  }

  private mutating func doubt(_ entry: PendingMessage, _ reason: String, into outputs: inout [SessionOutput]) {
    outputs.append(.report(.warning, "a message to \(entry.message.channel) may be lost: \(reason)"))
    publishSent(entry.message, raw: entry.raw, id: nil, isConfirmed: false, into: &outputs)
    finishPart(entry.message, id: nil, doubt: reason, isConfirmed: false, into: &outputs)
  }

  private func publishSent(
    _ message: QueuedMessage, raw: String, id: String?, isConfirmed: Bool, into outputs: inout [SessionOutput]
  ) {
    let group = state.groups[message.group]
    outputs.append(
      .event(
        .sent(
          SentMessage(
            channel: ChannelName(trusted: message.channel).bare, isPrivate: !ChannelName.isRoom(message.channel),
            text: message.text, isAction: message.isAction, id: id,
            isConfirmed: isConfirmed, replyTo: message.replyTo, command: group?.command ?? 0, part: message.part,
            parts: group?.parts ?? message.part, raw: raw))))
  }

  private mutating func finishPart(
    _ message: QueuedMessage, id: String?, doubt: String?, isConfirmed: Bool, into outputs: inout [SessionOutput]
  ) {
    guard var group = state.groups[message.group] else { return }
    group.done += 1
    if let id { group.ids.append(id) }
    group.doubt = group.doubt ?? doubt
    group.isConfirmed = group.isConfirmed && isConfirmed
    guard group.done >= group.parts else {
      state.groups[message.group] = group
      return
    }
    state.groups[message.group] = nil
    let channel = ChannelName(trusted: group.channel).bare
    if let reason = group.doubt {
      settle(group.command, .unknown(channel: channel, reason: reason), into: &outputs)
    } else {
      settle(
        group.command, .sent(channel: channel, ids: group.ids, parts: group.parts, isConfirmed: group.isConfirmed),
        into: &outputs)
    }
  }

  /// A part failed, and with it the text: its other parts are not written any more.
  mutating func finish(
    _ message: QueuedMessage, failure: CommandFailure, into outputs: inout [SessionOutput]
  ) {
    guard let group = state.groups.removeValue(forKey: message.group) else { return }
    state.queue.removeAll { $0.group == message.group }
    settle(group.command, .failed(failure), into: &outputs)
    if group.command == 0 {
      let why = "\(failure.code): \(failure.text)"
      outputs.append(.report(.warning, "a message to \(message.channel) was not sent: \(why)"))
    }
  }

  /// Nobody will connect again: whoever waits is told so.
  mutating func abandonCommands(_ reason: String, into outputs: inout [SessionOutput]) {
    let failure = CommandFailure(.offline, code: "offline", text: reason)
    for serial in state.groups.keys.sorted() {
      if let group = state.groups.removeValue(forKey: serial) {
        settle(group.command, .failed(failure), into: &outputs)
      }
    }
    state.queue = []
    state.pending = []
    for name in state.roomOrder {
      let joiners = state.rooms[name]?.joiners ?? []
      state.rooms[name]?.joiners = []
      for joiner in joiners { settle(joiner, .failed(failure), into: &outputs) }
    }
  }
}
