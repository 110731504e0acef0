/// One line that was said, as it is remembered.
public struct HistoryEntry: Codable, Sendable, Hashable {
  /// The store's number: grows with time, and is not used again. 0 before it was stored.
  public var id: Int64 = 0
  /// Milliseconds since 1970.
  public var createdAt: Int64
  /// The adapter's instance.
  public var instance: String
  public var room: String
  public var userID: String
  public var userName: String
  /// What was run, for an answer of the bot; else empty.
  public var command = ""
  /// The same for a person's line and the answers to it.
  public var correlationID: String
  public var body: String
  public var isByBot: Bool
  public var isPrivate: Bool
  public var isError = false
  public var isCommand: Bool

  /// A person's line, or one of the bot's own when `person` is nil.
  public init(
    _ body: String, by person: ChatPerson?, in place: ChatPlace, isCommand: Bool, correlationID: String,
    createdAt: Int64
  ) {
    self.body = body
    self.createdAt = createdAt
    self.correlationID = correlationID
    self.isCommand = isCommand
    instance = place.instance
    room = place.room
    isPrivate = place.isPrivate
    userID = person?.id ?? Self.bot
    userName = person?.name ?? Self.bot
    isByBot = person == nil
  }

  /// The name under which the bot's own lines are kept.
  public static let bot = "yetibot"

  /// The longest body that is kept, in characters: the rest of a longer one is cut off.
  public static let longestBody = 4096

  /// The row as commands hand it out.
  public var record: Value {
    [
      "id": .int(id), "chat_source_adapter": .string(instance), "chat_source_room": .string(room),
      "user_id": .string(userID), "user_name": .string(userName), "command": .string(command),
      "correlation_id": .string(correlationID), "body": .string(body), "is_yetibot": .bool(isByBot),
      "is_private": .bool(isPrivate), "is_error": .bool(isError), "is_command": .bool(isCommand),
      "created_at": .int(createdAt),
    ]
  }

  /// What ties an answer to the line that asked for it: the time in milliseconds, a hyphen, and a hash of where, who and what.
  public static func correlationID(
    milliseconds: Int64, instance: String, room: String, user: String, body: String
  ) -> String {
    // FNV-1a over the parts, with a byte between them that no text has.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for part in [instance, room, user, body] {
      for byte in part.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
      hash = (hash ^ 0xFF) &* 0x100_0000_01B3
    }
    return "\(milliseconds)-\(hash >> 1)"
  }
}
