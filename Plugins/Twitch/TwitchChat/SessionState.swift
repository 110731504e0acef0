/// All that a session knows, in a form that the next build of the plugin can take over: rooms, windows of the limits,
/// messages that wait, acknowledgements that are owed. Times are those of the clock that the session is given.
public struct SessionState: Hashable, Sendable, Codable {
  /// Where the session is.
  public enum Phase: String, Hashable, Sendable, Codable {
    /// No connection.
    case offline
    /// Waiting for the server to show which dialect it speaks.
    case probing
    /// Waiting for 001.
    case loggingIn
    case connected
    /// Given up: only a new configuration helps.
    case failed
  }

  public internal(set) var phase = Phase.offline
  /// Nil until it is known.
  public internal(set) var server: ServerKind?
  /// Those that the server has granted.
  public internal(set) var capabilities: [String] = []
  /// The name that the server knows us by.
  public internal(set) var nick = ""
  public internal(set) var displayName = ""
  public internal(set) var userID = ""
  /// By their name on the wire.
  public internal(set) var rooms: [String: Room] = [:]
  /// Oldest first; of one room always in order.
  public internal(set) var queue: [QueuedMessage] = []
  /// Written and not yet acknowledged, oldest first.
  public internal(set) var pending: [PendingMessage] = []
  /// Nil at Twitch. It keeps what it says of a plain server until the next login.
  var plain: PlainServer?

  var phaseSince: Int64 = 0
  var connectedAt: Int64 = 0
  var lastReceived: Int64 = 0
  var pingSentAt: Int64?
  var failedLogins = 0
  var nickTries = 0
  var closingReason: String?
  /// Rooms in the order in which they were asked for.
  var roomOrder: [String] = []
  var joinWindow: SlidingWindow
  var sendWindow: SlidingWindow
  var loginWindow: SlidingWindow
  /// Another session is about to take over: nothing new is sent on this one.
  var isWindingDown = false
  /// No message goes out before.
  var holdUntil: Int64 = 0
  var groups: [UInt64: MessageGroup] = [:]
  var nextGroup: UInt64 = 1
  var wakeAt: Int64?
  var random: UInt64
  var shared = SharedChatFilter()

  init(configuration: SessionConfiguration, seed: UInt64) {
    joinWindow = SlidingWindow(length: configuration.joinWindow, capacity: configuration.joins)
    sendWindow = SlidingWindow(
      length: configuration.sendWindow, capacity: max(configuration.messages, configuration.elevatedMessages))
    loginWindow = SlidingWindow(length: configuration.loginWindow, capacity: configuration.logins)
    random = seed
  }

  /// A number from the injected seed: SplitMix64.
  mutating func nextRandom() -> UInt64 {
    random &+= 0x9E37_79B9_7F4A_7C15
    var mixed = random
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// A room that we are in, want to be in, or write to.
public struct Room: Hashable, Sendable, Codable {
  public enum Membership: String, Hashable, Sendable, Codable {
    case out
    /// Waiting for its turn.
    case queued
    /// JOIN is written.
    case asked
    case joined
  }

  /// Whether we join it again after a reconnect.
  public internal(set) var isWanted = false
  public internal(set) var membership = Membership.out
  public internal(set) var rank = RoomRank.normal
  public internal(set) var modes = RoomModes()
  /// Logins that are known to be here, at most `maxMembers`.
  public internal(set) var members: Set<String> = []
  /// The NOTICE id because of which nothing is sent here.
  public internal(set) var blockedBy: String?

  var blockedUntil: Int64 = 0
  var askedAt: Int64 = 0
  /// The USERSTATE that follows a JOIN acknowledges no message.
  var owesState = false
  var joiners: [CommandID] = []
  /// No message goes here before.
  var holdUntil: Int64 = 0
  var lastText: String?
  var lastTextAt: Int64 = 0

  init() {}

  /// Takes over what another session knows and owes about the room; not whether we are in it, which is each connection's own.
  mutating func inherit(_ other: Room) {
    isWanted = other.isWanted
    blockedBy = other.blockedBy
    blockedUntil = other.blockedUntil
    holdUntil = other.holdUntil
    lastText = other.lastText
    lastTextAt = other.lastTextAt
  }
}

/// A part of a text that waits to be written.
public struct QueuedMessage: Hashable, Sendable, Codable {
  /// The room's name on the wire, or the nick of the one person that it is for.
  public var channel: String
  public var text: String
  public var isAction: Bool
  public var replyTo: String?
  var group: UInt64
  var part: Int
  var queuedAt: Int64
  var attempts = 0
}

/// A part of a text that is written, until the server has said what became of it.
public struct PendingMessage: Hashable, Sendable, Codable {
  public var message: QueuedMessage
  var writtenAt: Int64
  var raw: String
}

/// The parts of one text and the command that waits for them.
struct MessageGroup: Hashable, Sendable, Codable {
  var command: CommandID
  var channel: String
  var parts: Int
  var done = 0
  var written = 0
  var ids: [String] = []
  var isConfirmed = true
  /// Why a part's end is not known.
  var doubt: String?
}
