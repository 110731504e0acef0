import BotPluginKit
import HTTPClient
import TwitchChat

/// The manifest's `config`. Durations are nanoseconds.
struct Configuration: ManifestConfiguration {
  let host: String
  let port: Int
  let tls: Bool
  let caFile: String
  let serverName: String
  let nick: String
  let account: String
  let token: Secret?
  let refreshToken: Secret?
  let clientID: String
  let clientSecret: Secret?
  let channels: [String]
  let server: Server
  let tokenCheck: String
  let tokenRenewal: String
  let publish: [String]
  let acknowledge: SessionConfiguration.AcknowledgeRule
  let duplicates: SessionConfiguration.DuplicateRule
  let sharedChat: SharedChat
  let invites: Invites
  let burst: Int
  let pace: Int64
  let messages: Int
  let elevatedMessages: Int
  let messageWindow: Int64
  let roomInterval: Int64
  let joins: Int
  let joinWindow: Int64
  let maxChannels: Int
  let queueLimit: Int
  let queueTime: Int64
  let acknowledgeTime: Int64
  let joinTime: Int64
  let pingInterval: Int64
  let pingTime: Int64
  let reconnectMin: Int64
  let reconnectMax: Int64

  /// The dialect.
  enum Server: String, Decodable {
    case auto, twitch, irc
  }

  /// What becomes of the copies of a message in rooms that share a chat.
  enum SharedChat: String, Decodable {
    case dedupe, keep
  }

  /// What becomes of invitations.
  enum Invites: String, Decodable {
    case ignore, join
  }

  /// What the session is told. Throws with the key that is wrong.
  func session() throws(PluginError) -> SessionConfiguration {
    let kind: ServerKind? =
      switch server {
      case .twitch: .twitch
      case .irc: .irc
      // Only a plain server has accounts besides nicks. The secret is not shown to a server that may not know what it is.
      case .auto: SessionConfiguration.serverKind(host: host) ?? (account.isEmpty ? nil : .irc)
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
    session.acceptsInvites = invites == .join
    session.burst = burst
    session.pace = pace
    session.acknowledge = acknowledge
    session.duplicates = duplicates
    session.dropsSharedCopies = sharedChat == .dedupe
    session.messages = messages
    session.elevatedMessages = elevatedMessages
    session.sendWindow = messageWindow
    session.roomInterval = roomInterval
    session.joins = joins
    session.joinWindow = joinWindow
    session.maxChannels = maxChannels
    session.queueLimit = queueLimit
    session.queueTime = queueTime
    session.acknowledgeTime = acknowledgeTime
    session.joinTime = joinTime
    session.pingInterval = pingInterval
    session.pingTime = pingTime
    session.backoffMin = reconnectMin
    session.backoffMax = max(reconnectMin, reconnectMax)
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
