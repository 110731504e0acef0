import BotPluginKit
import TwitchChat

extension TwitchPlugin {
  /// Publishes what happened, on the plugin's own topic and on the common one where there is one.
  func publish(_ event: ChatEvent, _ cause: DeliveryToken) {
    switch event {
    case .connected(let nick, let server, let isAnonymous):
      host.log(.notice, "connected", ["nick": nick, "server": server.rawValue])
      publishState(isConnected: true, nick: nick, cause)
      emit(topics.connected, cause) { json in
        json.field("nick", nick)
        json.field("server", server.rawValue)
        json.field("anonymous", isAnonymous)
      }
      emit(topics.chatConnected, ChatConnection(platform: Self.platform, instance: host.instance), cause)
    case .failed(let reason, let isFinal):
      if isFinal { host.log(.error, "failed for good: \(reason)") }
      publishState(isConnected: false, nick: relay.session.state.nick, cause)
      emit(topics.failed, cause) { json in
        json.field("reason", reason)
        json.field("final", isFinal)
        json.field("fatal", isFinal)
      }
      emit(
        topics.chatFailed,
        ChatConnection(platform: Self.platform, instance: host.instance, reason: reason, final: isFinal), cause)
    case .joined(let channel, let login, let isSelf):
      emit(topics.joined, key: channel, cause) { json in
        json.field("channel", channel)
        json.field("username", login)
        json.field("self", isSelf)
      }
      if published.contains(.chat) { emit(topics.chatJoined, presence(channel, login, isSelf), cause) }
    case .parted(let channel, let login, let isSelf, let reason):
      emit(topics.parted, key: channel, cause) { json in
        json.field("channel", channel)
        json.field("username", login)
        json.field("self", isSelf)
        json.field("reason", reason)
      }
      if published.contains(.chat) {
        emit(
          reason == "removed" ? topics.chatKicked : topics.chatLeft,
          presence(channel, login, isSelf, reason: reason.isEmpty ? nil : reason), cause)
      }
    case .kicked(let channel, let login, let isSelf, let by, let text):
      emit(topics.parted, key: channel, cause) { json in
        json.field("channel", channel)
        json.field("username", login)
        json.field("self", isSelf)
        json.field("reason", "kicked")
        json.field("by", by)
        json.field("text", text)
      }
      if published.contains(.chat) {
        var presence = presence(channel, login, isSelf, reason: text.isEmpty ? "kicked" : text)
        presence.by = ChatUser(id: by, name: by)
        emit(topics.chatKicked, presence, cause)
      }
    case .invited(let channel, let by):
      emit(topics.invited, key: channel, cause) { json in
        json.field("channel", channel)
        json.field("username", by)
      }
    case .renamed(let nick):
      host.log(.notice, "the server knows us by another nick", ["nick": nick])
      publishState(isConnected: relay.session.isConnected, nick: nick, cause)
    case .joinFailed(let channel, let reason, let text):
      emit(topics.joinFailed, key: channel, cause) { json in
        json.field("channel", channel)
        json.field("reason", reason)
        json.field("text", text)
      }
    case .roomState(let channel, let change, let all):
      emit(topics.roomState, key: channel, cause) { json in
        json.field("channel", channel)
        json.key("changed")
        json.append(change)
        json.key("modes")
        json.append(all)
      }
    case .ownState(let channel, let state):
      emit(topics.userState, key: channel ?? "", cause) { json in
        if let channel { json.field("channel", channel) }
        json.field("display_name", state.displayName)
        json.field("user_id", state.userID)
        json.field("badges", state.badges)
        json.field("color", state.color)
        json.field("mod", state.isModerator)
        json.field("subscriber", state.isSubscriber)
        if let id = state.messageID { json.field("id", id) }
      }
    case .notice(let notice):
      emit(topics.notice, key: notice.channel ?? "", cause) { json in
        if let channel = notice.channel { json.field("channel", channel) }
        json.field("id", notice.id)
        json.field("text", notice.text)
      }
    case .reconnect: emit(topics.reconnect, cause) { _ in }
    case .userNotice(let notice): publish(notice, cause)
    case .clearChat(let clear): publish(clear, cause)
    case .clearMessage(let clear):
      emit(topics.clearMessage, key: clear.channel, cause) { json in
        json.field("channel", clear.channel)
        json.field("username", clear.login)
        json.field("id", clear.messageID)
        json.field("text", clear.text)
        if let time = clear.sentAt { json.field("ts", time) }
      }
      emit(
        topics.chatDeleted,
        ChatDeletion(
          platform: Self.platform, instance: host.instance, channel: room(clear.channel), message: clear.messageID,
          user: ChatUser(id: clear.login, name: clear.login)), cause)
    case .whisper(let whisper): publish(whisper, cause)
    case .sent(let sent): publish(sent, cause)
    }
  }

  private func publishState(isConnected: Bool, nick: String, _ cause: DeliveryToken) {
    struct State: Encodable {
      let connected: Bool
      let nick: String
    }
    // Its members are the type's states, and nothing else.
    emit(topics.state, State(connected: isConnected, nick: nick), cause)
  }

  private func publish(_ notice: UserNotice, _ cause: DeliveryToken) {
    emit(topics.userNotice, key: notice.channel, cause) { json in
      json.field("kind", notice.kind)
      json.field("channel", notice.channel)
      json.field("id", notice.id)
      json.field("username", notice.login)
      json.field("display_name", notice.displayName)
      json.field("user_id", notice.userID)
      json.field("room_id", notice.roomID)
      json.field("system", notice.systemText)
      json.field("message", notice.text)
      json.field("color", notice.color)
      if let time = notice.sentAt { json.field("ts", time) }
      json.key("params")
      json.beginObject()
      for parameter in notice.parameters {
        json.key(text: parameter.name)
        json.append(parameter.value)
      }
      json.endObject()
    }
  }

  private func publish(_ clear: ClearChat, _ cause: DeliveryToken) {
    emit(topics.clearChat, key: clear.channel, cause) { json in
      json.field("channel", clear.channel)
      if let user = clear.user { json.field("username", user) }
      if let id = clear.userID { json.field("user_id", id) }
      if let seconds = clear.duration { json.field("duration", seconds) }
      json.field("ban", clear.user != nil && clear.duration == nil)
      if let time = clear.sentAt { json.field("ts", time) }
    }
    let user = clear.user.map { ChatUser(id: clear.userID ?? $0, name: $0) }
    emit(
      topics.chatDeleted,
      ChatDeletion(platform: Self.platform, instance: host.instance, channel: room(clear.channel), user: user), cause)
  }

  private func publish(_ whisper: Whisper, _ cause: DeliveryToken) {
    emit(topics.whisper, key: whisper.login, cause) { json in
      json.field("username", whisper.login)
      json.field("display_name", whisper.displayName)
      json.field("user_id", whisper.userID)
      json.field("id", whisper.id)
      json.field("message", whisper.text)
    }
    guard published.contains(.chat) else { return }
    let author = whisper.userID.isEmpty ? whisper.login : whisper.userID
    emit(
      topics.chatMessage,
      ChatMessage(
        platform: Self.platform, instance: host.instance, channel: ChatChannel(id: whisper.login, name: whisper.login),
        author: ChatUser(id: author, name: whisper.displayName),
        message: ChatText(id: whisper.id, text: whisper.text), private: true), cause)
  }

  private func publish(_ sent: SentMessage, _ cause: DeliveryToken) {
    let state = relay.session.state
    emit(topics.sent, key: sent.channel, cause) { json in
      json.field("channel", sent.channel)
      json.field("username", state.nick)
      json.field("message", sent.text)
      json.field("id", sent.id ?? "")
      json.field("private", sent.isPrivate)
      json.field("confirmed", sent.isConfirmed)
      json.field("action", sent.isAction)
      if let replyTo = sent.replyTo { json.field("reply_to", replyTo) }
      json.field("part", sent.part)
      json.field("parts", sent.parts)
      json.field("raw", sent.raw)
    }
    // The server shows us nobody's words but others': ours are put into the room's record here.
    guard published.contains(.chat) else { return }
    emit(
      topics.chatMessage,
      ChatMessage(
        platform: Self.platform, instance: host.instance, channel: room(sent.channel), author: me(),
        message: ChatText(id: sent.id ?? "", text: sent.text, replyTo: sent.replyTo), private: sent.isPrivate), cause)
  }

  private func me() -> ChatUser {
    let state = relay.session.state
    return ChatUser(
      id: state.userID.isEmpty ? state.nick : state.userID,
      name: state.displayName.isEmpty ? state.nick : state.displayName, bot: true)
  }

  private func room(_ channel: String) -> ChatChannel { ChatChannel(id: channel, name: channel) }

  private func presence(_ channel: String, _ login: String, _ isSelf: Bool, reason: String? = nil) -> ChatPresence {
    ChatPresence(
      platform: Self.platform, instance: host.instance, channel: room(channel),
      user: isSelf ? me() : ChatUser(id: login, name: login), reason: reason)
  }

  // MARK: Writing

  /// Publishes an object whose members `write` adds to the instance's name.
  ///
  /// The session has moved on when this is called, so a failure must not bring the line back: it is logged, and the line
  /// counts as handled.
  private func emit(
    _ topic: Topic, key: String = "", _ cause: DeliveryToken, _ write: (inout JSONBuffer) -> Void
  ) {
    do {
      try host.publish(topic, key: key, effectOf: cause) { json in
        json.beginObject()
        json.field("instance", payloads.instance)
        write(&json)
        json.endObject()
      }
    } catch {
      host.log(.warning, "\(error)")
    }
  }

  private func emit(_ topic: Topic, _ message: ChatMessage, _ cause: DeliveryToken) {
    emit(topic, value: message, key: message.orderingKey, cause)
  }

  private func emit(_ topic: Topic, _ value: some Encodable, _ cause: DeliveryToken) {
    emit(topic, value: value, key: "", cause)
  }

  private func emit(_ topic: Topic, value: some Encodable, key: String, _ cause: DeliveryToken) {
    do {
      try host.publish(topic, value, key: key, effectOf: cause)
    } catch {
      host.log(.warning, "\(error)")
    }
  }
}

extension JSONBuffer {
  /// A room's modes; what the server has not said is left out.
  fileprivate mutating func append(_ modes: RoomModes) {
    beginObject()
    if let value = modes.emoteOnly { field("emote_only", value) }
    if let value = modes.followersOnly { field("followers_only", value) }
    if let value = modes.uniqueOnly { field("r9k", value) }
    if let value = modes.slow { field("slow", value) }
    if let value = modes.subscribersOnly { field("subs_only", value) }
    if let value = modes.roomID { field("room_id", value) }
    endObject()
  }
}
