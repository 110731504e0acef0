/// A client of the server and what the server knows about it.
final class Client {
  let number: Int
  let connection: Connection
  var capabilities: Set<String> = []
  var password: String?
  var nick = ""
  var isLoggedIn = false
  var rooms: Set<String> = []
  var pingedAt: Int64?
  /// Closed after so many more lines to it.
  var linesLeft: Int?

  init(number: Int, connection: Connection) {
    self.number = number
    self.connection = connection
  }

  var isAnonymous: Bool { nick.hasPrefix("justinfan") }
  var hasTags: Bool { capabilities.contains("twitch.tv/tags") }
  var hasCommands: Bool { capabilities.contains("twitch.tv/commands") }
  var hasMembership: Bool { capabilities.contains("twitch.tv/membership") }
  var source: String { ":\(nick)!\(nick)@\(nick).tmi.twitch.tv" }
}

/// What clients are in a room.
enum Rank: String, CaseIterable {
  case normal, vip, moderator, broadcaster
  var badges: String { self == .normal ? "" : "\(rawValue)/1" }
  var isElevated: Bool { self == .moderator || self == .broadcaster }
}

/// A limit of Twitch's that a client broke.
struct Violation {
  let time: Int64
  let client: Int
  let what: String
}

/// Counts what one user did: the server's side of the limits, with the exact windows.
struct Account {
  var logins: [Int64] = []
  var joins: [Int64] = []
  var messages: [Int64] = []
  var lastInRoom: [String: Int64] = [:]
  var lastText: [String: (text: String, time: Int64)] = [:]

  static func count(_ times: inout [Int64], now: Int64, window: Int64) -> Int {
    times.removeAll { $0 <= now - window }
    return times.count
  }
}
