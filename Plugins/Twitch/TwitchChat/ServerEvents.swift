/// USERNOTICE: a subscription, a gift, a raid, an announcement, …
public struct UserNotice: Hashable, Sendable {
  /// The `msg-id` tag: `sub`, `resub`, `subgift`, `submysterygift`, `raid`, `announcement`, `sharedchatnotice`, …
  public var kind: String
  public var channel: String
  public var id: String
  public var login: String
  public var displayName: String
  public var userID: String
  public var roomID: String
  /// What the platform itself says, `system-msg`.
  public var systemText: String
  /// What the user wrote with it; empty when nothing.
  public var text: String
  public var badges: String
  public var color: String
  public var emotes: [EmoteUse]
  /// Milliseconds since 1970; nil when the line does not say.
  public var sentAt: Int64?
  /// The `msg-param-…` tags without that prefix, in the order of the line.
  public var parameters: [Parameter]

  /// One `msg-param-…` tag.
  public struct Parameter: Hashable, Sendable {
    public var name: String
    public var value: String
  }

  init?(_ line: IRCLine) {
    var arguments = line.parameters
    guard let target = arguments.next() else { return nil }
    let body = arguments.next() ?? .empty
    kind = line.tagText("msg-id") ?? ""
    channel = ChannelName(server: target).bare
    id = line.tagText("id") ?? ""
    login = line.tagText("login") ?? ""
    displayName = line.nonEmptyTag("display-name") ?? login
    userID = line.tagText("user-id") ?? ""
    roomID = line.tagText("room-id") ?? ""
    systemText = line.tagText("system-msg") ?? ""
    text = body.string
    badges = line.tagText("badges") ?? ""
    color = line.tagText("color") ?? ""
    emotes = EmoteUse.all(tag: line.tag("emotes") ?? .empty, text: body)
    sentAt = line.tagInteger("tmi-sent-ts")
    parameters = line.tags.compactMap { tag in
      guard tag.name.hasPrefix("msg-param-") else { return nil }
      return Parameter(name: tag.name.suffix(from: 10).string, value: IRCTags.string(tag.value))
    }
  }
}

/// CLEARCHAT: the room was cleared, or a user was timed out or banned.
public struct ClearChat: Hashable, Sendable {
  public var channel: String
  /// Nil: the whole room.
  public var user: String?
  public var userID: String?
  /// Seconds; nil with a user is a ban without end.
  public var duration: Int64?
  public var roomID: String
  public var sentAt: Int64?

  init?(_ line: IRCLine) {
    guard let target = line.parameter(0) else { return nil }
    channel = ChannelName(server: target).bare
    user = line.parameter(1)?.string
    userID = line.nonEmptyTag("target-user-id")
    duration = line.tagInteger("ban-duration")
    roomID = line.tagText("room-id") ?? ""
    sentAt = line.tagInteger("tmi-sent-ts")
  }
}

/// CLEARMSG: one message was deleted.
public struct ClearMessage: Hashable, Sendable {
  public var channel: String
  public var login: String
  public var messageID: String
  public var text: String
  public var sentAt: Int64?

  init?(_ line: IRCLine) {
    guard let target = line.parameter(0) else { return nil }
    channel = ChannelName(server: target).bare
    login = line.tagText("login") ?? ""
    messageID = line.tagText("target-msg-id") ?? ""
    text = line.parameter(1)?.string ?? ""
    sentAt = line.tagInteger("tmi-sent-ts")
  }
}

/// A room's modes. ROOMSTATE brings all of them after a JOIN and later only what changed; nil is "not said".
public struct RoomModes: Hashable, Sendable, Codable {
  public var emoteOnly: Bool?
  /// Minutes; -1 is off, 0 means all followers.
  public var followersOnly: Int64?
  public var uniqueOnly: Bool?
  /// Seconds between two messages of one user; 0 is off.
  public var slow: Int64?
  public var subscribersOnly: Bool?
  public var roomID: String?

  public init() {}

  init(_ line: IRCLine) {
    emoteOnly = line.tagInteger("emote-only").map { $0 != 0 }
    followersOnly = line.tagInteger("followers-only")
    uniqueOnly = line.tagInteger("r9k").map { $0 != 0 }
    slow = line.tagInteger("slow")
    subscribersOnly = line.tagInteger("subs-only").map { $0 != 0 }
    roomID = line.nonEmptyTag("room-id")
  }

  /// Takes over what the other one says.
  mutating func merge(_ change: RoomModes) {
    emoteOnly = change.emoteOnly ?? emoteOnly
    followersOnly = change.followersOnly ?? followersOnly
    uniqueOnly = change.uniqueOnly ?? uniqueOnly
    slow = change.slow ?? slow
    subscribersOnly = change.subscribersOnly ?? subscribersOnly
    roomID = change.roomID ?? roomID
  }
}

/// USERSTATE and GLOBALUSERSTATE: what we are in a room, or everywhere.
public struct OwnState: Hashable, Sendable {
  public var displayName: String
  public var userID: String
  public var badges: String
  public var color: String
  public var isModerator: Bool
  public var isSubscriber: Bool
  public var emoteSets: String
  /// The id of the message that the line acknowledges; nil when it acknowledges none.
  public var messageID: String?

  init(_ line: IRCLine) {
    displayName = line.tagText("display-name") ?? ""
    userID = line.tagText("user-id") ?? ""
    badges = line.tagText("badges") ?? ""
    color = line.tagText("color") ?? ""
    isModerator = line.tag("mod")?.equals("1") ?? false
    isSubscriber = line.tag("subscriber")?.equals("1") ?? false
    emoteSets = line.tagText("emote-sets") ?? ""
    messageID = line.nonEmptyTag("id")
  }

  /// The rights that the badges give.
  var rank: RoomRank {
    let text = badges
    return Self.rank(badges: text, isModerator: isModerator)
  }

  private static func rank(badges: String, isModerator: Bool) -> RoomRank {
    var badges = badges
    return badges.withUTF8 { bytes in
      let list = Badges(ByteView(UnsafeRawBufferPointer(bytes)))
      if list.contains("broadcaster") { return .broadcaster }
      if isModerator || list.contains("moderator") { return .moderator }
      return list.contains("vip") ? .vip : .normal
    }
  }
}

/// What we are in a room; decides which limits hold.
public enum RoomRank: String, Hashable, Sendable, Codable {
  case normal, vip, moderator, broadcaster

  /// The larger bucket of messages.
  public var hasLargeBucket: Bool { self == .moderator || self == .broadcaster }
  /// Free of the pace of one message a second and of the rule about equal texts.
  public var hasFreePace: Bool { self != .normal }
}

/// NOTICE.
public struct ServerNotice: Hashable, Sendable {
  /// Nil when it is not about a room.
  public var channel: String?
  /// The `msg-id` tag; empty when there is none.
  public var id: String
  public var text: String
  public var kind: NoticeKind { NoticeKind(id: id) }
}

/// WHISPER, or on a plain IRC server a PRIVMSG to us.
public struct Whisper: Hashable, Sendable {
  public var login: String
  public var displayName: String
  public var userID: String
  public var id: String
  public var text: String
}

/// One of our own messages that went out.
public struct SentMessage: Hashable, Sendable {
  public var channel: String
  /// Whether it went to one person, whose nick `channel` is.
  public var isPrivate = false
  /// The text as it stands in the room, without `/me `.
  public var text: String
  public var isAction: Bool
  /// The id that the server gave it; nil when it gave none.
  public var id: String?
  /// Whether the server has said that it took it.
  public var isConfirmed: Bool
  public var replyTo: String?
  /// The command that it belongs to.
  public var command: CommandID
  /// Which part of the command's text it is, counted from 1, and of how many.
  public var part: Int
  public var parts: Int
  /// The line as it was written, without CR LF.
  public var raw: String
}

/// Something for the rest of the world to know.
public enum ChatEvent: Hashable, Sendable {
  /// Logged in.
  case connected(nick: String, server: ServerKind, anonymous: Bool)
  /// Not logged in, or no longer. `isFinal`: nobody will try again.
  case failed(reason: String, isFinal: Bool)
  /// We, or somebody else, came into a room.
  case joined(channel: String, login: String, isSelf: Bool)
  /// We, or somebody else, left a room. `reason` is empty for an ordinary PART.
  case parted(channel: String, login: String, isSelf: Bool, reason: String)
  /// We, or somebody else, were put out of a room of a plain server. `text` is why, as the one who did it says.
  case kicked(channel: String, login: String, isSelf: Bool, by: String, text: String)
  /// Somebody wants us in a room.
  case invited(channel: String, by: String)
  /// The server knows us by another nick.
  case renamed(nick: String)
  /// A room could not be joined: a NOTICE id, a numeric, or `timeout`.
  case joinFailed(channel: String, reason: String, text: String)
  case roomState(channel: String, change: RoomModes, all: RoomModes)
  case ownState(channel: String?, state: OwnState)
  case notice(ServerNotice)
  case userNotice(UserNotice)
  case clearChat(ClearChat)
  case clearMessage(ClearMessage)
  case whisper(Whisper)
  /// The server is about to close; a new connection is under way.
  case reconnect
  case sent(SentMessage)
}
