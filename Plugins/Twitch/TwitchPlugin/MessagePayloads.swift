import BotPluginKit
import TwitchChat

extension ByteView: TextBytes {
  @inlinable
  public func withTextBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result { body(buffer) }
}

/// Writes the payloads of chat messages straight from the line, without making strings: what runs for each line of the chat.
struct MessagePayloads {
  let instance: [UInt8]
  /// `twitch/` and the channel: the ordering key of `chat.message`.
  private(set) var chatKey: [UInt8] = Array("twitch/".utf8)
  /// By the bits of `roles`, and of a standing: the JSON lists.
  private let roleLists: [[UInt8]]
  private let standingLists: [[UInt8]]

  init(instance: String) {
    self.instance = Array(instance.utf8)
    let names = ["broadcaster", "moderator", "subscriber", "vip"]
    roleLists = (0..<16).map { bits in Self.list(names.indices.filter { bits & (1 << $0) != 0 }.map { names[$0] }) }
    standingLists = (0..<32).map { Self.list(MemberStanding(rawValue: $0).roles) }
  }

  private static func list(_ names: [String]) -> [UInt8] {
    Array("[\(names.map { "\"\($0)\"" }.joined(separator: ","))]".utf8)
  }

  /// The JSON list of what somebody is at Twitch.
  func roles(of chat: ChatLine, isBroadcaster: Bool) -> [UInt8] {
    roleLists[
      (isBroadcaster ? 1 : 0) | (chat.isModerator ? 2 : 0) | (chat.isSubscriber ? 4 : 0) | (chat.isVIP ? 8 : 0)]
  }

  /// The JSON list of what somebody is in a room of a plain server.
  func roles(of standing: MemberStanding) -> [UInt8] { standingLists[Int(standing.rawValue & 31)] }

  /// `twitch.message`.
  func writeMessage(
    _ chat: ChatLine, channel: some TextBytes, raw: ByteView, isBroadcaster: Bool, isModerator: Bool, now: Int64,
    to json: inout JSONBuffer
  ) {
    json.beginObject()
    json.field("instance", instance)
    json.field("channel", channel)
    json.field("username", chat.login)
    json.key("display_name")
    json.append(tag: chat.displayName.isEmpty ? chat.login : chat.displayName)
    json.field("user_id", chat.userID)
    json.field("message", chat.text)
    json.field("id", chat.id)
    json.field("ts", chat.sentAt.integer ?? now / 1_000_000)
    json.field("action", chat.isAction)
    if !chat.replyParentID.isEmpty {
      json.key("reply_to")
      json.append(tag: chat.replyParentID)
    }
    json.key("emotes")
    json.beginArray()
    if !chat.emotes.isEmpty {
      for place in Emotes(chat.emotes, textLength: chat.text.codePointCount) {
        json.beginObject()
        json.field("id", place.id)
        json.field("first", place.first)
        json.field("last", place.last)
        json.endObject()
      }
    }
    json.endArray()
    json.key("badges")
    json.beginArray()
    for badge in Badges(chat.badges) {
      json.beginObject()
      json.field("set", badge.set)
      json.field("version", badge.version)
      json.endObject()
    }
    json.endArray()
    json.field("color", chat.color)
    json.field("room_id", chat.roomID)
    if let bits = chat.bits.integer { json.field("bits", bits) }
    json.field("first", chat.isFirst)
    json.field("mod", isModerator)
    json.field("subscriber", chat.isSubscriber)
    json.field("vip", chat.isVIP)
    json.field("broadcaster", isBroadcaster)
    json.field("raw", raw)
    json.endObject()
  }

  /// `chat.message` of somebody else.
  mutating func writeChat(
    _ chat: ChatLine, channel: some TextBytes, text: some TextBytes, roles: [UInt8], to json: inout JSONBuffer
  ) {
    setChatKey(channel)
    json.beginObject()
    json.key("platform")
    json.raw("\"twitch\"" as StaticString)
    json.field("instance", instance)
    json.key("channel")
    json.beginObject()
    json.field("id", channel)
    json.field("name", channel)
    json.endObject()
    json.key("author")
    json.beginObject()
    json.field("id", chat.userID.isEmpty ? chat.login : chat.userID)
    json.key("name")
    json.append(tag: chat.displayName.isEmpty ? chat.login : chat.displayName)
    json.field("bot", false)
    json.key("roles")
    json.raw(roles)
    json.endObject()
    json.key("message")
    json.beginObject()
    json.field("id", chat.id)
    json.field("text", text)
    if !chat.replyParentID.isEmpty {
      json.key("reply_to")
      json.append(tag: chat.replyParentID)
    }
    json.endObject()
    json.field("private", false)
    json.endObject()
  }

  private mutating func setChatKey(_ channel: some TextBytes) {
    chatKey.removeSubrange(7...)
    channel.withTextBytes { chatKey.append(contentsOf: $0) }
  }

  /// `twitch.line`.
  func writeLine(_ line: IRCLine, to json: inout JSONBuffer) {
    json.beginObject()
    json.field("instance", instance)
    json.field("verb", line.verb)
    json.field("nick", IRCSource(line.source).nick)
    if let target = line.parameter(0), target.hasPrefix("#") { json.field("channel", ChannelName.bare(target)) }
    json.field("raw", line.raw)
    json.endObject()
  }

  /// The answer of `parse`: the parts of a line, and of a message what `twitch.message` says of it.
  func writeParsed(_ line: IRCLine, now: Int64, to json: inout JSONBuffer) {
    json.beginObject()
    json.key("tags")
    json.beginObject()
    for tag in IRCMessage(line).tags {
      json.key(text: tag.name)
      json.append(tag.value)
    }
    json.endObject()
    if !line.source.isEmpty {
      let source = IRCSource(line.source)
      json.field("source", line.source)
      json.field("nick", source.nick)
      json.field("user", source.user)
      json.field("host", source.host)
    }
    json.field("verb", line.verb)
    json.key("params")
    json.beginArray()
    for parameter in line.parameters { json.append(parameter) }
    json.endArray()
    if let chat = ChatLine(line) {
      json.key("message")
      writeMessage(
        chat, channel: chat.channel, raw: line.raw, isBroadcaster: chat.isBroadcaster, isModerator: chat.isModerator,
        now: now, to: &json)
    }
    json.endObject()
  }
}

extension JSONBuffer {
  /// A tag's value, unescaped. Few have something to unescape.
  mutating func append(tag value: ByteView) {
    if value.firstIndex(of: 0x5C) == nil { append(value) } else { append(IRCTags.string(value)) }
  }
}
