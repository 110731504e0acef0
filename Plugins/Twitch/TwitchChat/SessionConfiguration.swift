/// Which dialect the server speaks.
public enum ServerKind: String, Hashable, Sendable, Codable {
  /// Twitch: capabilities under `twitch.tv/`, an acknowledgement for each message.
  case twitch
  /// A plain IRC server: USER at login, no acknowledgements.
  case irc
}

/// Everything that a session needs to know before it starts. Durations are nanoseconds.
public struct SessionConfiguration: Hashable, Sendable {
  /// What to do with a text that equals the one before it in its room, less than 30 seconds ago, where the server would
  /// refuse it.
  public enum DuplicateRule: String, Decodable, Hashable, Sendable {
    /// It fails as `msg_duplicate` and costs nothing.
    case refuse
    /// An invisible character is added, so that it differs.
    case vary
    /// It is sent; the server decides.
    case send
  }

  /// When a message counts as sent.
  public enum AcknowledgeRule: String, Decodable, Hashable, Sendable {
    /// As the server's capabilities allow.
    case auto
    /// When the server says so.
    case always
    /// When it is written.
    case never
  }

  /// The login; nil or empty reads anonymously.
  public var nick: String?
  /// Whether there is a password or token. The session never sees it: see `SessionOutput.writePassword`.
  public var hasToken: Bool
  /// On a plain server, the account of the network's services that the password is for; nil: it is the server's own.
  public var account: String?
  /// Nil: found out from the answer to the request for capabilities.
  public var server: ServerKind?
  /// Whether names must be Twitch logins.
  public var strictNames: Bool
  /// Rooms to be in from the start.
  public var channels: [ChannelName]

  public var acknowledge: AcknowledgeRule = .auto
  public var duplicates: DuplicateRule = .refuse
  /// Drops the copies of a message that a shared chat shows in several rooms.
  public var dropsSharedCopies = true

  /// Whether we go into the rooms of a plain server that somebody invites us to.
  public var acceptsInvites = false

  /// Lines that may go to a plain server at once, messages and JOINs, and the time that each one more takes. Twitch has the limits that follow
  /// instead.
  public var burst = 5
  public var pace: Int64 = 1_000_000_000
  /// Messages in `sendWindow` where we are an ordinary user.
  public var messages = 20
  /// Messages in `sendWindow` where we are moderator or broadcaster.
  public var elevatedMessages = 100
  /// 30 s by the server's rules; a little more, since nobody knows where its windows begin.
  public var sendWindow: Int64 = 32_000_000_000
  /// The least time between two messages to one room where we are an ordinary user.
  public var roomInterval: Int64 = 1_200_000_000
  /// Rooms joined in `joinWindow`.
  public var joins = 20
  /// 10 s by the server's rules.
  public var joinWindow: Int64 = 11_000_000_000
  /// Logins in `loginWindow`.
  public var logins = 20
  /// 10 s by the server's rules.
  public var loginWindow: Int64 = 11_000_000_000
  /// Rooms at once, not counting those where we are moderator or broadcaster.
  public var maxChannels = 100
  /// Messages that may wait to be sent; beyond it a `say` is refused as busy.
  public var queueLimit = 500
  /// How long a message may wait before it fails as `expired`.
  public var queueTime: Int64 = 300_000_000_000
  /// How long the server may take to confirm a message.
  public var acknowledgeTime: Int64 = 5_000_000_000
  /// How long the server may take to confirm a JOIN.
  public var joinTime: Int64 = 10_000_000_000
  /// How long a login may take.
  public var loginTime: Int64 = 20_000_000_000
  /// How long an unknown server may take to answer the request for capabilities before it counts as plain IRC.
  public var probeTime: Int64 = 2_000_000_000
  /// A PING goes out when nothing has come for so long.
  public var pingInterval: Int64 = 60_000_000_000
  /// The connection is given up when nothing has come for so long after the PING.
  public var pingTime: Int64 = 10_000_000_000
  /// The least and the most time between two attempts after failed logins.
  public var backoffMin: Int64 = 1_000_000_000
  public var backoffMax: Int64 = 60_000_000_000
  /// A message that the server asks to send again after more than that fails instead.
  public var maxWait: Int64 = 60_000_000_000
  /// How long a room stays closed to us after the server said that we may not speak there.
  public var blockTime: Int64 = 600_000_000_000
  /// Members that are remembered of one room.
  public var maxMembers = 2000

  public init(
    nick: String?, hasToken: Bool, server: ServerKind? = nil, strictNames: Bool = false, channels: [ChannelName] = []
  ) {
    self.nick = nick
    self.hasToken = hasToken
    self.server = server
    self.strictNames = strictNames
    self.channels = channels
  }

  /// Who logs in, with or without a token, and where as what: another one needs another connection.
  public var identity: String {
    "\(nick?.lowercased() ?? "") \(hasToken ? "token" : "open") \(server?.rawValue ?? "auto")"
      + (account.map { " \($0)" } ?? "")
  }

  /// Whether we only read: Twitch lets anybody do so under the name `justinfan` and digits.
  public var isAnonymous: Bool {
    guard let nick, !nick.isEmpty else { return true }
    return (server == .twitch && !hasToken) || nick.lowercased().hasPrefix("justinfan")
  }

  /// What a host's name says about its dialect: nil when nothing.
  public static func serverKind(host: String) -> ServerKind? {
    let host = host.lowercased()
    return host == "twitch.tv" || host.hasSuffix(".twitch.tv") ? .twitch : nil
  }
}
