import BotPluginKit
import YetibotEngine

/// What the evaluator asks of adapters, by the methods of the chat vocabulary.
extension Evaluator: ChatControl {
  /// An adapter without the method, or none at all.
  private static let missing: Set<PluginError.Code> = [.notFound, .unsupported]

  func join(_ room: String, for call: Invocation) throws -> String? { try go(ChatMethod.join, room, call) }

  func leave(_ room: String, for call: Invocation) throws -> String? {
    try go(ChatMethod.leave, channel(of: room, instance: call.place.instance), call)
  }

  private func go(_ method: String, _ room: String, _ call: Invocation) throws -> String? {
    // Asked from the command line there is no chat to ask.
    guard !call.place.instance.isEmpty else { return nil }
    let answer = try result(
      of: "\(call.place.instance).\(method)", ChatRoomRequest(channel: room), for: call, passing: Self.missing,
      returning: ChatRoomAnswer.self)
    guard case .success(let answer) = answer else { return nil }
    return answer.channel ?? room
  }

  func react(_ reaction: String, for call: Invocation) throws -> Bool {
    guard !call.place.instance.isEmpty else { return false }
    guard let message = latestTalk(in: call.place) else {
      throw Raised("react: nobody has said anything here that I remember")
    }
    let answer = try result(
      of: "\(call.place.instance).\(ChatMethod.react)",
      ChatReactRequest(
        channel: channel(of: call.place.room, instance: call.place.instance), message: message, reaction: reaction),
      for: call, passing: Self.missing, returning: NoAnswer.self)
    guard case .success = answer else { return false }
    return true
  }

  /// Has the bot go again into the rooms that it was sent into, of one adapter or of all. Nobody waits for it: one that is not connected yet
  /// is asked again when it is.
  func joinRooms(of instance: String?) {
    for place in engine.joinedRooms(of: instance) {
      let request = ChatRoomRequest(channel: channel(of: place.room, instance: place.instance))
      do {
        try calls.tell("\(place.instance).\(ChatMethod.join)", request) { [host] result in
          guard case .failure(let error) = result, error.code != .cancelled else { return }
          host.log(
            .info, "a room is not joined again",
            ["instance": place.instance, "room": place.room, "reason": "\(error)"])
        }
      } catch {
        host.log(.warning, "rooms are not joined again", ["error": "\(error)"])
        return
      }
    }
  }

  func broadcast(_ request: BroadcastRequest, _ call: PendingCall) {
    do {
      let posts = engine.broadcast(request.text)
      for post in posts {
        if let place = post.place { try speak([post], address(of: place), call.token) }
      }
      let rooms = posts.compactMap(\.place).reduce(into: [ChatPlace]()) { if $0.last != $1 { $0.append($1) } }
      try call.reply(
        BroadcastAnswer(
          rooms: rooms.map { .init(platform: $0.adapter, instance: $0.instance, channel: $0.room) }))
    } catch let error as PluginError {
      try? call.fail(error)
    } catch {
      try? call.fail(PluginError.invalid("\(error)"))
    }
  }
}
