/// The platform-independent chat topics, which every adapter speaks besides its own, and bots and commands listen
/// to.
public enum ChatTopic {
  /// ``ChatMessage``
  public static let message = "chat.message"
  /// ``ChatSay``. Whoever publishes it declares it in the manifest as `chat.say: {mandatory: true}`: what is said on a platform that no
  /// adapter speaks is a dead letter then, and is not lost without a word.
  public static let say = "chat.say"
  /// ``ChatSent``
  public static let sent = "chat.sent"
  /// ``ChatPresence``
  public static let joined = "chat.joined"
  /// ``ChatPresence``
  public static let left = "chat.left"
  /// ``ChatPresence``
  public static let kicked = "chat.kicked"
  /// ``ChatReaction``
  public static let reaction = "chat.reaction"
  /// ``ChatMessage``, with the new text
  public static let edited = "chat.edited"
  /// ``ChatDeletion``
  public static let deleted = "chat.deleted"
  /// ``ChatConnection``
  public static let connected = "chat.connected"
  /// ``ChatConnection``
  public static let failed = "chat.failed"
}

/// The methods that every adapter offers whose platform has what they do. Whoever wants something of the chat that a message came from
/// calls the message's instance: `twitch.join`.
public enum ChatMethod {
  /// Says something and answers when it is said: ``ChatSayRequest``, ``ChatSent``.
  public static let say = "say"
  /// Changes what the bot has said: ``ChatEditRequest``.
  public static let edit = "edit"
  /// Takes a message back: ``ChatMessageRequest``.
  public static let delete = "delete"
  /// Goes into a room and answers when it is in it: ``ChatRoomRequest``, ``ChatRoomAnswer``.
  public static let join = "join"
  /// Leaves a room: ``ChatRoomRequest``, ``ChatRoomAnswer``.
  public static let leave = "leave"
  /// Puts a mark on a message, or takes it away: ``ChatReactRequest``.
  public static let react = "react"
}

/// The argument of an adapter's `say`.
public struct ChatSayRequest: Codable, Hashable, Sendable {
  /// The room's id or name; with `private`, the user's id.
  public var channel: String
  public var text: String
  /// The id of the message that it answers.
  public var replyTo: String?
  public var `private`: Bool?

  public init(channel: String, text: String, replyTo: String? = nil, private: Bool? = nil) {
    self.channel = channel
    self.text = text
    self.replyTo = replyTo
    self.private = `private`
  }

  private enum CodingKeys: String, CodingKey {
    case channel, text, `private`
    case replyTo = "reply_to"
  }
}

/// The argument of an adapter's `edit`.
public struct ChatEditRequest: Codable, Hashable, Sendable {
  /// The room's id or name.
  public var channel: String
  /// The message's id.
  public var message: String
  public var text: String

  public init(channel: String, message: String, text: String) {
    self.channel = channel
    self.message = message
    self.text = text
  }
}

/// The argument of an adapter's `delete`.
public struct ChatMessageRequest: Codable, Hashable, Sendable {
  /// The room's id or name.
  public var channel: String
  /// The message's id.
  public var message: String

  public init(channel: String, message: String) {
    self.channel = channel
    self.message = message
  }
}

/// The argument of an adapter's `join` and `leave`.
public struct ChatRoomRequest: Codable, Hashable, Sendable {
  /// The room's id or name.
  public var channel: String
  /// What is said on leaving, where the platform shows it.
  public var reason: String?

  public init(channel: String, reason: String? = nil) {
    self.channel = channel
    self.reason = reason
  }
}

/// The answer of an adapter's `join` and `leave`; it may have more fields.
public struct ChatRoomAnswer: Codable, Hashable, Sendable {
  /// The room's name, as ``ChatChannel`` has it; nil: as it was asked for.
  public var channel: String?

  public init(channel: String?) { self.channel = channel }
}

/// The argument of an adapter's `react`.
public struct ChatReactRequest: Codable, Hashable, Sendable {
  /// The room's id or name.
  public var channel: String
  /// The message's id.
  public var message: String
  /// The emoji, or the platform's name for the mark.
  public var reaction: String
  /// Takes the mark away.
  public var removed: Bool?

  public init(channel: String, message: String, reaction: String, removed: Bool? = nil) {
    self.channel = channel
    self.message = message
    self.reaction = reaction
    self.removed = removed
  }
}

/// A room, a channel, a conversation.
public struct ChatChannel: Codable, Hashable, Sendable {
  public var id: String
  public var name: String

  public init(id: String, name: String) {
    self.id = id
    self.name = name
  }
}

/// Somebody in a chat.
public struct ChatUser: Codable, Hashable, Sendable {
  public var id: String
  public var name: String
  /// The bot's own account, or another bot that the platform marks.
  public var bot: Bool
  /// In the platform's words: `moderator`, `owner`, …
  public var roles: [String]

  public init(id: String, name: String, bot: Bool = false, roles: [String] = []) {
    self.id = id
    self.name = name
    self.bot = bot
    self.roles = roles
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    id = try values.decode(String.self, forKey: .id)
    name = try values.decode(String.self, forKey: .name)
    bot = try values.decodeIfPresent(Bool.self, forKey: .bot) ?? false
    roles = try values.decodeIfPresent([String].self, forKey: .roles) ?? []
  }
}

/// What was said.
public struct ChatText: Codable, Hashable, Sendable {
  public var id: String
  /// Plain Unicode.
  public var text: String
  /// The message that it answers.
  public var replyTo: String?

  public init(id: String, text: String, replyTo: String? = nil) {
    self.id = id
    self.text = text
    self.replyTo = replyTo
  }

  private enum CodingKeys: String, CodingKey {
    case id, text
    case replyTo = "reply_to"
  }
}

/// `chat.message` and `chat.edited`; the ordering key is ``orderingKey``.
public struct ChatMessage: Codable, Hashable, Sendable {
  /// `twitch`, `console`, …
  public var platform: String
  /// The adapter's instance.
  public var instance: String
  public var channel: ChatChannel
  public var author: ChatUser
  public var message: ChatText
  /// Said to the bot alone.
  public var `private`: Bool

  public init(
    platform: String, instance: String, channel: ChatChannel, author: ChatUser, message: ChatText,
    private: Bool = false
  ) {
    self.platform = platform
    self.instance = instance
    self.channel = channel
    self.author = author
    self.message = message
    self.private = `private`
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    platform = try values.decode(String.self, forKey: .platform)
    instance = try values.decodeIfPresent(String.self, forKey: .instance) ?? ""
    channel = try values.decode(ChatChannel.self, forKey: .channel)
    author = try values.decode(ChatUser.self, forKey: .author)
    message = try values.decode(ChatText.self, forKey: .message)
    `private` = try values.decodeIfPresent(Bool.self, forKey: .private) ?? false
  }

  /// Messages of one channel of one platform keep their order.
  public var orderingKey: String { "\(platform)/\(channel.id)" }

  /// Writes a `chat.message` from parts that lie anywhere, without making strings: what an adapter with many
  /// messages a second publishes.
  /// - Parameter roles: a JSON list.
  @inlinable
  public static func write(
    to json: inout JSONBuffer, platform: some TextBytes, instance: some TextBytes, channelID: some TextBytes,
    channelName: some TextBytes, authorID: some TextBytes, authorName: some TextBytes, bot: Bool = false,
    roles: some TextBytes = "[]", messageID: some TextBytes, text: some TextBytes,
    replyTo: (some TextBytes)? = String?.none,
    private isPrivate: Bool = false
  ) {
    json.beginObject()
    json.field("platform", platform)
    json.field("instance", instance)
    json.key("channel")
    json.beginObject()
    json.field("id", channelID)
    json.field("name", channelName)
    json.endObject()
    json.key("author")
    json.beginObject()
    json.field("id", authorID)
    json.field("name", authorName)
    json.field("bot", bot)
    json.key("roles")
    json.raw(roles)
    json.endObject()
    json.key("message")
    json.beginObject()
    json.field("id", messageID)
    json.field("text", text)
    if let replyTo { json.field("reply_to", replyTo) }
    json.endObject()
    json.field("private", isPrivate)
    json.endObject()
  }
}

/// `chat.say`: a wish to speak. The adapter of the platform (and the instance, where one is named) handles it and
/// answers with ``ChatSent``.
public struct ChatSay: Codable, Hashable, Sendable {
  public var platform: String
  public var instance: String?
  /// The channel's id or name; with `private`, the user's.
  public var channel: String
  public var text: String
  public var replyTo: String?
  public var `private`: Bool?

  public init(
    platform: String, instance: String? = nil, channel: String, text: String, replyTo: String? = nil,
    private: Bool? = nil
  ) {
    self.platform = platform
    self.instance = instance
    self.channel = channel
    self.text = text
    self.replyTo = replyTo
    self.private = `private`
  }

  private enum CodingKeys: String, CodingKey {
    case platform, instance, channel, text, `private`
    case replyTo = "reply_to"
  }
}

/// `chat.sent`, and the answer of an adapter's `say` method: what became of a ``ChatSay``.
public struct ChatSent: Codable, Hashable, Sendable {
  public var platform: String
  public var instance: String
  public var channel: String
  /// The ids of the messages, in order; several when the text was split.
  public var ids: [String]
  /// The text was cut because the platform cannot carry it.
  public var cut: Bool

  public init(platform: String, instance: String, channel: String, ids: [String], cut: Bool = false) {
    self.platform = platform
    self.instance = instance
    self.channel = channel
    self.ids = ids
    self.cut = cut
  }
}

/// `chat.joined`, `chat.left`, `chat.kicked`: who came or went.
public struct ChatPresence: Codable, Hashable, Sendable {
  public var platform: String
  public var instance: String
  public var channel: ChatChannel
  public var user: ChatUser
  /// Who did it, where it was another.
  public var by: ChatUser?
  public var reason: String?

  public init(
    platform: String, instance: String, channel: ChatChannel, user: ChatUser, by: ChatUser? = nil,
    reason: String? = nil
  ) {
    self.platform = platform
    self.instance = instance
    self.channel = channel
    self.user = user
    self.by = by
    self.reason = reason
  }
}

/// `chat.reaction`: a mark that somebody put on a message, or took away.
public struct ChatReaction: Codable, Hashable, Sendable {
  public var platform: String
  public var instance: String
  public var channel: ChatChannel
  /// Who did it; nil where the platform tells only that it was done.
  public var user: ChatUser?
  /// The message's id.
  public var message: String
  /// Who wrote the message, where the platform tells it.
  public var author: ChatUser?
  /// What the message says, where the platform tells it.
  public var text: String?
  /// The emoji, or the platform's name for the mark.
  public var reaction: String
  public var removed: Bool
  /// How many such marks the message has now, where the platform tells it.
  public var count: Int?

  public init(
    platform: String, instance: String, channel: ChatChannel, user: ChatUser?, message: String,
    author: ChatUser? = nil, text: String? = nil, reaction: String, removed: Bool = false, count: Int? = nil
  ) {
    self.platform = platform
    self.instance = instance
    self.channel = channel
    self.user = user
    self.message = message
    self.author = author
    self.text = text
    self.reaction = reaction
    self.removed = removed
    self.count = count
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    platform = try values.decode(String.self, forKey: .platform)
    instance = try values.decodeIfPresent(String.self, forKey: .instance) ?? ""
    channel = try values.decode(ChatChannel.self, forKey: .channel)
    user = try values.decodeIfPresent(ChatUser.self, forKey: .user)
    message = try values.decode(String.self, forKey: .message)
    author = try values.decodeIfPresent(ChatUser.self, forKey: .author)
    text = try values.decodeIfPresent(String.self, forKey: .text)
    reaction = try values.decode(String.self, forKey: .reaction)
    removed = try values.decodeIfPresent(Bool.self, forKey: .removed) ?? false
    count = try values.decodeIfPresent(Int.self, forKey: .count)
  }
}

/// `chat.deleted`: a message is gone, or, without an id, all of a user's or of a channel.
public struct ChatDeletion: Codable, Hashable, Sendable {
  public var platform: String
  public var instance: String
  public var channel: ChatChannel
  /// The message's id; nil: all of `user`, or of the channel.
  public var message: String?
  /// Whose messages.
  public var user: ChatUser?
  /// Who did it, where the platform tells it.
  public var by: ChatUser?

  public init(
    platform: String, instance: String, channel: ChatChannel, message: String? = nil, user: ChatUser? = nil,
    by: ChatUser? = nil
  ) {
    self.platform = platform
    self.instance = instance
    self.channel = channel
    self.message = message
    self.user = user
    self.by = by
  }
}

/// `chat.connected`, `chat.failed`: how an adapter's connection is.
public struct ChatConnection: Codable, Hashable, Sendable {
  public var platform: String
  public var instance: String
  /// What happened, for people; empty for `chat.connected`.
  public var reason: String
  /// Nobody will try again.
  public var final: Bool

  public init(platform: String, instance: String, reason: String = "", final: Bool = false) {
    self.platform = platform
    self.instance = instance
    self.reason = reason
    self.final = final
  }
}
