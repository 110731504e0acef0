import BotPluginKit
import TwitchChat

/// Somebody who waits for a command of the session.
enum Waiter {
  /// A method call, and the room that it is about, as events name it.
  case call(PendingCall, channel: String)
  case say(Delivery, ChatSay)
}

/// The answer of `join`, `leave`, `say` and `raw`.
struct CommandAnswer: Encodable {
  enum State: String, Encodable {
    /// It is done, and the server has said so where it says so.
    case done
    /// It is written and the server has not said what became of it.
    case unknown
    /// It is under way and will be told by an event.
    case pending
  }

  var platform = TwitchPlugin.platform
  var channel: String
  var state: State
  /// The id of the first message; nil when the server gave none.
  var id: String?
  var ids: [String] = []
  var parts: Int?
  var confirmed = false
  /// Texts are split, never cut.
  var cut = false
  var reason: String?

  init(channel: String, state: State) {
    self.channel = channel.hasPrefix("#") ? String(channel.dropFirst()) : channel
    self.state = state
  }
}

extension TwitchPlugin {
  private struct Room: Decodable { var channel: String }
  private struct Leave: Decodable {
    var channel: String
    var reason: String?
  }
  private struct Say: Decodable {
    /// Without it, the only one that the bot is in.
    var channel: String?
    var text: String
    var replyTo: String?
    private enum CodingKeys: String, CodingKey {
      case channel, text
      case replyTo = "reply_to"
    }
  }
  private struct Line: Decodable { var line: String }

  func join(_ call: borrowing Call) throws {
    let room = try call.decode(Room.self).channel
    run(.join(room), channel: room, call.later())
  }

  /// `leave`, and `part`, which is IRC's own word for it.
  func leave(_ call: borrowing Call) throws {
    let leave = try call.decode(Leave.self)
    run(.part(leave.channel, reason: leave.reason ?? ""), channel: leave.channel, call.later())
  }

  func say(_ call: borrowing Call) throws {
    let say = try call.decode(Say.self)
    run(.say(channel: say.channel, text: say.text, replyTo: say.replyTo), channel: say.channel ?? "", call.later())
  }

  func raw(_ call: borrowing Call) throws {
    run(.raw(try call.decode(Line.self).line), channel: "", call.later())
  }

  /// - Parameter channel: as the caller wrote it; the answer has it as events do.
  private func run(_ command: SessionCommand, channel: String, _ call: PendingCall) {
    let id = newCommand()
    let name = try? ChannelName(channel, strict: false)
    waiters[id] = .call(call, channel: name?.bare ?? channel)
    advance(id, command)
  }

  /// Takes a line apart; works without a connection.
  func parse(_ call: borrowing Call) throws {
    var text = try call.decode(Line.self).line
    guard text.utf8.count <= 64 << 10 else { throw PluginError.invalid("line: longer than 64 KiB") }
    var json = JSONBuffer(capacity: 1024)
    let now = host.unixTime
    let isParsed = text.withUTF8 { bytes in
      guard let line = IRCLine(UnsafeRawBufferPointer(bytes)) else { return false }
      payloads.writeParsed(line, now: now, to: &json)
      return true
    }
    guard isParsed else {
      throw PluginError.invalid("line: this is no IRC line: expected [@tags] [:source] verb [parameters]")
    }
    try call.reply(json: json.bytes)
  }

  /// Tells the caller of a command how it ended.
  func settle(_ id: CommandID, _ result: CommandResult) {
    guard let waiter = waiters.removeValue(forKey: id) else { return }
    do {
      switch waiter {
      case .call(let call, let channel): try answer(call, channel, result)
      case .say(let delivery, let say): try finish(delivery, say, result)
      }
    } catch {
      // The caller's deadline has passed: it has been told so.
      host.log(.debug, "\(error)")
    }
  }

  private func answer(_ call: PendingCall, _ channel: String, _ result: CommandResult) throws {
    switch result {
    case .done:
      var answer = CommandAnswer(channel: channel, state: .done)
      answer.confirmed = true
      try call.reply(answer)
    case .sent(let channel, let ids, let parts, let isConfirmed):
      var answer = CommandAnswer(channel: channel, state: .done)
      (answer.id, answer.ids, answer.parts, answer.confirmed) = (ids.first, ids, parts, isConfirmed)
      try call.reply(answer)
    case .unknown(let channel, let reason):
      var answer = CommandAnswer(channel: channel, state: .unknown)
      answer.reason = reason
      try call.reply(answer)
    case .failed(let failure): try call.fail(PluginError(failure, isDelivery: false))
    }
  }

  private func finish(_ delivery: Delivery, _ say: ChatSay, _ result: CommandResult) throws {
    switch result {
    case .done, .unknown:
      // What may have been said is not said again.
      try delivery.ack()
    case .sent(let channel, let ids, _, _):
      let sent = ChatSent(platform: Self.platform, instance: host.instance, channel: channel, ids: ids)
      try host.publish(topics.chatSent, sent, key: "\(Self.platform)/\(channel)", effectOf: delivery.token)
      try delivery.ack()
    case .failed(let failure) where failure.code == "msg_duplicate":
      host.log(.info, "dropped a repeated text", ["channel": say.channel])
      try delivery.ack()
    case .failed(let failure): try delivery.nack(PluginError(failure, isDelivery: true))
    }
  }

  // MARK: Status

  /// The answer of `state`.
  struct Status: Encodable {
    struct Room: Encodable {
      var channel: String
      var membership: String
      var rank: String
      var members: Int
      var blocked: String?
    }

    var connected: Bool
    var phase: String
    var server: String?
    var nick: String
    var capabilities: [String]
    var channels: [Room]
    var queued: Int
    var pending: Int
  }

  func status() throws -> Status {
    let state = relay.session.state
    return Status(
      connected: relay.session.isConnected, phase: state.phase.rawValue, server: state.server?.rawValue,
      nick: state.nick,
      capabilities: state.capabilities,
      channels: state.rooms.sorted { $0.key < $1.key }.map { name, room in
        Status.Room(
          channel: name.hasPrefix("#") ? String(name.dropFirst()) : name, membership: room.membership.rawValue,
          rank: room.rank.rawValue, members: room.members.count, blocked: room.blockedBy)
      }, queued: state.queue.count, pending: state.pending.count)
  }
}

extension PluginError {
  /// How a failed command is told to the host. A delivery that cannot succeed is rejected, so that it is not tried again.
  fileprivate init(_ failure: CommandFailure, isDelivery: Bool) {
    let text = "\(failure.code): \(failure.text)"
    let after = failure.retryAfter.map { Duration.nanoseconds($0) }
    switch failure.kind {
    case .retry: self.init(.retry, text, retryAfter: after)
    case .busy: self.init(isDelivery ? .retry : .busy, text)
    case .invalid: self.init(isDelivery ? .reject : .invalid, text)
    case .refused: self.init(.reject, text)
    case .forbidden: self.init(isDelivery ? .reject : .denied, text)
    case .timeout: self.init(isDelivery ? .reject : .timeout, text)
    case .offline: self.init(isDelivery ? .reject : .cancelled, text)
    }
  }
}
