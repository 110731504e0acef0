import BotPluginKit
import HTTPClient
import TwitchChat

/// The manifest's `config`. Durations are nanoseconds. The host applies the manifest's defaults; those here are the same.
struct Configuration: Decodable {
  var host = "irc.chat.twitch.tv"
  var port = 6697
  var tls = true
  var caFile = ""
  var serverName = ""
  var nick = ""
  var account = ""
  var token: Secret?
  var refreshToken: Secret?
  var clientID = ""
  var clientSecret: Secret?
  var channels: [String] = []
  var server = "auto"
  var tokenCheck = ""
  var tokenRenewal = ""
  var publish: [String] = ["message", "line", "chat"]
  var acknowledge = "auto"
  var duplicates = "refuse"
  var sharedChat = "dedupe"
  var invites = "ignore"
  var burst = 5
  var pace: Int64 = 1_000_000_000
  var messages = 20
  var elevatedMessages = 100
  var messageWindow: Int64 = 32_000_000_000
  var roomInterval: Int64 = 1_200_000_000
  var joins = 20
  var joinWindow: Int64 = 11_000_000_000
  var maxChannels = 100
  var queueLimit = 500
  var queueTime: Int64 = 300_000_000_000
  var acknowledgeTime: Int64 = 5_000_000_000
  var joinTime: Int64 = 10_000_000_000
  var pingInterval: Int64 = 60_000_000_000
  var pingTime: Int64 = 10_000_000_000
  var reconnectMin: Int64 = 1_000_000_000
  var reconnectMax: Int64 = 60_000_000_000

  private enum Key: String, CodingKey {
    case host, port, tls, nick, token, channels, server, publish, acknowledge, duplicates, messages, joins
    case account, invites, burst, pace
    case refreshToken = "refresh_token"
    case clientID = "client_id"
    case clientSecret = "client_secret"
    case tokenCheck = "token_check"
    case tokenRenewal = "token_renewal"
    case caFile = "ca_file"
    case serverName = "server_name"
    case sharedChat = "shared_chat"
    case elevatedMessages = "elevated_messages"
    case messageWindow = "message_window"
    case roomInterval = "room_interval"
    case joinWindow = "join_window"
    case maxChannels = "max_channels"
    case queueLimit = "queue_limit"
    case queueTime = "queue_time"
    case acknowledgeTime = "acknowledge_time"
    case joinTime = "join_time"
    case pingInterval = "ping_interval"
    case pingTime = "ping_time"
    case reconnectMin = "reconnect_min"
    case reconnectMax = "reconnect_max"
  }

  init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    func read<Value: Decodable>(_ key: Key, _ value: inout Value) throws {
      if let given = try values.decodeIfPresent(Value.self, forKey: key) { value = given }
    }
    try read(.host, &host)
    try read(.port, &port)
    try read(.tls, &tls)
    try read(.caFile, &caFile)
    try read(.serverName, &serverName)
    try read(.nick, &nick)
    try read(.account, &account)
    token = try values.decodeIfPresent(Secret.self, forKey: .token)
    refreshToken = try values.decodeIfPresent(Secret.self, forKey: .refreshToken)
    try read(.clientID, &clientID)
    clientSecret = try values.decodeIfPresent(Secret.self, forKey: .clientSecret)
    try read(.channels, &channels)
    try read(.server, &server)
    try read(.tokenCheck, &tokenCheck)
    try read(.tokenRenewal, &tokenRenewal)
    try read(.publish, &publish)
    try read(.acknowledge, &acknowledge)
    try read(.duplicates, &duplicates)
    try read(.sharedChat, &sharedChat)
    try read(.invites, &invites)
    try read(.burst, &burst)
    try read(.pace, &pace)
    try read(.messages, &messages)
    try read(.elevatedMessages, &elevatedMessages)
    try read(.messageWindow, &messageWindow)
    try read(.roomInterval, &roomInterval)
    try read(.joins, &joins)
    try read(.joinWindow, &joinWindow)
    try read(.maxChannels, &maxChannels)
    try read(.queueLimit, &queueLimit)
    try read(.queueTime, &queueTime)
    try read(.acknowledgeTime, &acknowledgeTime)
    try read(.joinTime, &joinTime)
    try read(.pingInterval, &pingInterval)
    try read(.pingTime, &pingTime)
    try read(.reconnectMin, &reconnectMin)
    try read(.reconnectMax, &reconnectMax)
  }

  /// What the session is told. Throws with the key that is wrong.
  func session() throws(PluginError) -> SessionConfiguration {
    let kind: ServerKind? =
      switch server {
      case "twitch": .twitch
      case "irc": .irc
      // Only a plain server has accounts besides nicks. The secret is not shown to a server that may not know what it is.
      case "auto": SessionConfiguration.serverKind(host: host) ?? (account.isEmpty ? nil : .irc)
      default: throw .invalid("config server: “\(server)”: expected auto, twitch or irc")
      }
    let strict = kind == .twitch
    var rooms: [ChannelName] = []
    for channel in channels {
      do {
        let name = try ChannelName(channel, strict: strict)
        if !rooms.contains(name) { rooms.append(name) }
      } catch {
        throw .invalid("config channels: \(error.description)")
      }
    }
    guard rooms.count <= maxChannels else {
      throw .invalid("config channels: \(rooms.count) channels, but max_channels is \(maxChannels)")
    }
    if strict, !nick.isEmpty, (try? ChannelName(nick, strict: true)) == nil || nick.hasPrefix("#") {
      throw .invalid("config nick: expected a Twitch login, 1 to 25 of a-z, 0-9 and _")
    }
    if kind == .irc, nick.isEmpty { throw .invalid("config nick: a plain IRC server needs one") }
    if !account.isEmpty {
      if kind == .twitch { throw .invalid("config account: at Twitch the nick is the account") }
      if !hasToken { throw .invalid("config account: it needs its password, token") }
      guard account.utf8.allSatisfy({ $0 != 0 }), account.utf8.count <= 255 else {
        throw .invalid("config account: expected at most 255 bytes without NUL")
      }
    }
    if hasToken, nick.isEmpty { throw .invalid("config nick: a token needs the login that it belongs to") }

    var session = SessionConfiguration(
      nick: nick.isEmpty ? nil : nick, hasToken: hasToken, server: kind, strictNames: strict, channels: rooms)
    session.account = account.isEmpty ? nil : account
    guard let acknowledge = SessionConfiguration.AcknowledgeRule(rawValue: acknowledge) else {
      throw .invalid("config acknowledge: “\(acknowledge)”: expected auto, always or never")
    }
    guard let duplicates = SessionConfiguration.DuplicateRule(rawValue: duplicates) else {
      throw .invalid("config duplicates: “\(duplicates)”: expected refuse, vary or send")
    }
    guard ["dedupe", "keep"].contains(sharedChat) else {
      throw .invalid("config shared_chat: “\(sharedChat)”: expected dedupe or keep")
    }
    guard ["ignore", "join"].contains(invites) else {
      throw .invalid("config invites: “\(invites)”: expected ignore or join")
    }
    session.acceptsInvites = invites == "join"
    session.burst = try inRange("burst", burst, 1...10_000)
    session.pace = try duration("pace", pace)
    session.acknowledge = acknowledge
    session.duplicates = duplicates
    session.dropsSharedCopies = sharedChat == "dedupe"
    session.messages = try inRange("messages", messages, 1...10_000)
    session.elevatedMessages = try inRange("elevated_messages", elevatedMessages, 1...10_000)
    session.sendWindow = try duration("message_window", messageWindow)
    session.roomInterval = try duration("room_interval", roomInterval)
    session.joins = try inRange("joins", joins, 1...10_000)
    session.joinWindow = try duration("join_window", joinWindow)
    session.maxChannels = try inRange("max_channels", maxChannels, 1...10_000)
    session.queueLimit = try inRange("queue_limit", queueLimit, 1...10_000)
    session.queueTime = try duration("queue_time", queueTime)
    session.acknowledgeTime = try duration("acknowledge_time", acknowledgeTime)
    session.joinTime = try duration("join_time", joinTime)
    session.pingInterval = try duration("ping_interval", pingInterval)
    session.pingTime = try duration("ping_time", pingTime)
    session.backoffMin = try duration("reconnect_min", reconnectMin)
    session.backoffMax = max(session.backoffMin, try duration("reconnect_max", reconnectMax))
    return session
  }

  /// What the host is asked to connect to; there are two connections while one takes the other's place.
  func connection(_ link: ChatLink) -> ConnectionOptions {
    var options = ConnectionOptions(
      name: link == .first ? "irc" : "irc-2", host: host, port: port, framing: .lines, tls: tls)
    options.certificateAuthorities = caFile
    options.serverName = serverName
    options.reconnects = true
    // Twitch's lines outgrow the 512 bytes of RFC 1459: 8 KiB of tags and 2,000 bytes of text.
    options.largestFrame = 64 << 10
    options.connectTimeout = .seconds(20)
    options.smallestBackoff = .nanoseconds(max(1, reconnectMin))
    options.largestBackoff = .nanoseconds(max(reconnectMin, reconnectMax))
    return options
  }

  /// Whether there is a token, or something to get one with.
  var hasToken: Bool { token != nil || refreshToken != nil }

  /// What decides how a token is looked after. Of secrets the names: their values are read anew each time.
  var tokenSettings: [String?] {
    [tokenCheck, tokenRenewal, host, nick, clientID, caFile, token?.name, refreshToken?.name, clientSecret?.name]
  }

  private var isTwitch: Bool { SessionConfiguration.serverKind(host: host) == .twitch }

  /// Where the token is checked; nil: nowhere.
  func tokenCheckAddress() throws(PluginError) -> HTTPAddress? {
    if tokenCheck == "off" || (tokenCheck.isEmpty && !isTwitch) { return nil }
    let address = try address(
      "token_check", tokenCheck.isEmpty ? "https://id.twitch.tv/oauth2/validate" : tokenCheck, or: "off, or ")
    return hasToken ? address : nil
  }

  /// Where a token is renewed; nil: nowhere.
  func tokenRenewalAddress() throws(PluginError) -> HTTPAddress? {
    guard refreshToken != nil else { return nil }
    if clientID.isEmpty {
      throw .invalid("config client_id: a refresh_token can only be used by the client that it was made for")
    }
    if tokenRenewal.isEmpty, !isTwitch {
      throw .invalid("config token_renewal: where is the token renewed? Only Twitch's own address is known")
    }
    return try address("token_renewal", tokenRenewal.isEmpty ? "https://id.twitch.tv/oauth2/token" : tokenRenewal)
  }

  private func address(_ key: String, _ text: String, or: String = "") throws(PluginError) -> HTTPAddress {
    do { return try HTTPAddress(text) } catch {
      throw .invalid("config \(key): “\(text)”: expected \(or)an address such as https://id.twitch.tv/oauth2/validate")
    }
  }

  /// Which of the topics with many events are published.
  func published() throws(PluginError) -> Published {
    var set = Published()
    for name in publish {
      switch name {
      case "message": set.insert(.message)
      case "line": set.insert(.line)
      case "chat": set.insert(.chat)
      default: throw .invalid("config publish: “\(name)”: expected message, line or chat")
      }
    }
    return set
  }

  private func inRange(_ key: String, _ value: Int, _ range: ClosedRange<Int>) throws(PluginError) -> Int {
    guard range.contains(value) else {
      throw .invalid("config \(key): \(value) is not in \(range.lowerBound)...\(range.upperBound)")
    }
    return value
  }

  private func duration(_ key: String, _ value: Int64) throws(PluginError) -> Int64 {
    guard value >= 0, value <= 86_400_000_000_000 else {
      throw .invalid("config \(key): expected a length of time of at most a day")
    }
    return value
  }
}

/// The topics that cost something for each line of the chat.
struct Published: OptionSet {
  let rawValue: Int
  /// `twitch.message`
  static let message = Published(rawValue: 1)
  /// `twitch.line`
  static let line = Published(rawValue: 2)
  /// `chat.message`, `chat.joined`, `chat.left`
  static let chat = Published(rawValue: 4)
}
