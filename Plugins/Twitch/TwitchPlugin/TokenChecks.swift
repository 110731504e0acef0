import BotPluginKit
import FoundationEssentials
import Glibc
import TwitchChat

/// Asks at the start and every hour whether the token is good, as Twitch wants it, and tells the operator what is wrong with it. Chatting
/// goes on meanwhile: whether a login is let in is the chat server's to say.
struct TokenChecks {
  /// Between two questions, in seconds.
  private static let interval: Int64 = 3600
  static let connection = "token"
  static let timer = "token"

  private let host: Host
  private let endpoint: TokenCheck.Endpoint
  private let caFile: String
  private let nick: String
  private var connection: Connection?
  private var check = TokenCheck()
  /// What the last answer said about the token, if it was bad.
  private(set) var complaint: String?

  /// What a good token's answer holds.
  private struct Answer: Decodable {
    var login: String?
    var scopes: [String]?
    var expiresIn: Int64?

    private enum CodingKeys: String, CodingKey {
      case login, scopes
      case expiresIn = "expires_in"
    }
  }

  /// Nil where the configuration says that nothing is asked.
  init?(_ configuration: Configuration, host: Host) throws {
    guard let endpoint = try configuration.tokenEndpoint() else { return nil }
    self.host = host
    self.endpoint = endpoint
    caFile = configuration.caFile
    nick = configuration.nick.lowercased()
  }

  /// Asks now, and from now on every hour. Timers belong to the host and live through a swap.
  mutating func start() throws {
    try host.timers.set(Self.timer, every: .seconds(Self.interval))
    try ask()
  }

  mutating func ask() throws {
    var options = ConnectionOptions(
      name: Self.connection, host: endpoint.host, port: endpoint.port, framing: .raw, tls: endpoint.isTLS)
    options.certificateAuthorities = caFile
    options.idleTimeout = .seconds(20)
    connection = try host.dial(options)
  }

  /// The connection is open: writes the question. The token is in this process's memory only for the length of the call.
  mutating func opened(_ token: Secret) throws {
    check = TokenCheck()
    try token.withBytes { secret in
      guard var request = TokenCheck.request(endpoint, token: secret) else {
        throw PluginError.invalid("the token is empty or holds a space or a line end")
      }
      defer { request.withUnsafeMutableBytes { if let start = $0.baseAddress { explicit_bzero(start, $0.count) } } }
      try connection?.write(request)
    }
  }

  mutating func received(_ bytes: UnsafeRawBufferPointer) { check.receive(bytes) }

  /// The connection has ended, and with it the answer.
  mutating func closed(_ reason: String) {
    switch check.verdict {
    case .invalid:
      complaint = "the token is not valid, or not any more: make a new one (scopes chat:read and chat:edit)"
    case .unknown(let why):
      host.log(
        .warning, "the token could not be checked at \(endpoint.host): \(why) (\(reason)); asked again in an hour")
      return
    case .valid(let body):
      guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(body)) else {
        host.log(.warning, "the token could not be checked at \(endpoint.host): the answer is no JSON object")
        return
      }
      complaint = complaint(about: answer)
    }
    if let complaint { host.log(.error, complaint) } else { host.log(.info, "the token is good") }
  }

  private func complaint(about answer: Answer) -> String? {
    if let login = answer.login, !nick.isEmpty, login != nick {
      return "the token belongs to '\(login)', but the nick is '\(nick)': the login will be refused"
    }
    if let scopes = answer.scopes {
      let missing = ["chat:read", "chat:edit"].filter { !scopes.contains($0) }
      if !missing.isEmpty { return "the token lacks the scope \(missing.joined(separator: " and "))" }
    }
    if let left = answer.expiresIn, left > 0, left <= Self.interval {
      return "the token expires in \(left / 60) minutes: make a new one"
    }
    return nil
  }
}
