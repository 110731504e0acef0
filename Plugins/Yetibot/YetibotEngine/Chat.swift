/// Who speaks.
public struct ChatPerson: Codable, Sendable, Hashable {
  /// The platform's id.
  public var id: String
  public var name: String
  /// How the chat shows the name.
  public var mentionName: String
  /// The bot itself, or another bot.
  public var isBot: Bool
  /// When something was last seen of the person, in milliseconds since 1970.
  public var lastActive: Int64?
  /// The platform's roles, in its own words: `moderator`, `owner`, …
  public var roles: [String]

  public init(id: String, name: String, mentionName: String? = nil, isBot: Bool = false, roles: [String] = []) {
    self.id = id
    self.name = name
    self.mentionName = mentionName ?? name
    self.isBot = isBot
    self.roles = roles
  }

  /// The record that commands hand out.
  public var record: Value {
    .map(
      ValueMap(distinct: [
        ("username", .string(name)), ("name", .string(name)), ("mention-name", .string(mentionName)), ("active?", true),
        ("id", .string(id)), ("last-active", lastActive.map(Value.int) ?? .null),
      ]))
  }
}

/// Where something is said.
public struct ChatPlace: Codable, Sendable, Hashable {
  /// The platform: `twitch`, `console`, …
  public var adapter: String
  /// The adapter's instance; settings, karma and history belong to one.
  public var instance: String
  public var room: String
  /// A conversation with the bot alone.
  public var isPrivate: Bool

  public init(adapter: String, instance: String, room: String, isPrivate: Bool = false) {
    self.adapter = adapter
    self.instance = instance
    self.room = room
    self.isPrivate = isPrivate
  }
}

/// What happened in a chat.
public struct ChatEvent: Sendable, Hashable {
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    case message, leave, enter, sound, kick, react
  }

  public var kind: Kind
  public var person: ChatPerson
  public var place: ChatPlace
  /// The text of a message; of the message that was reacted to.
  public var body: String?
  public var reaction: String?
  /// Who wrote the message that was reacted to.
  public var messageAuthor: ChatPerson?
  /// When it happened, in milliseconds since 1970; nil: now.
  public var time: Int64?
  /// Whether it was handled before, perhaps not to the end.
  public var isRepeated = false

  public init(
    kind: Kind, person: ChatPerson, place: ChatPlace, body: String? = nil, reaction: String? = nil,
    messageAuthor: ChatPerson? = nil
  ) {
    self.kind = kind
    self.person = person
    self.place = place
    self.body = body
    self.reaction = reaction
    self.messageAuthor = messageAuthor
  }
}

/// Something to say.
public struct Post: Sendable, Hashable {
  public enum Kind: String, Sendable, Hashable {
    /// One line.
    case message = "msg"
    /// Several lines: a block, where the platform has one.
    case paste
  }

  public var kind: Kind
  public var room: String
  public var text: String
  /// The room's chat, where that may be another than the one of the message that is handled.
  public var place: ChatPlace?

  public init(kind: Kind, room: String, text: String) {
    self.kind = kind
    self.room = room
    self.text = text
  }
}
