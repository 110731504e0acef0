import BotPluginKit
import FoundationEssentials
import HTTPClient
import TwitchChat

/// Asks the identity service what ``TokenKeeper`` wants to know, and keeps the tokens that it gives. Chatting goes on meanwhile: whether a
/// login is let in is the chat server's to say.
///
/// Belongs to the lane; answers come on the client's thread, which only stores a new token and hands the rest over. What is asked is the work of
/// one delivery, the timer's: a swap waits for it, and when the answer comes too late for this build, the next one is asked again.
final class TokenService {
  static let timer = "token"

  private let host: Host
  private let token: Secret?
  private let renewed: RenewedTokens?
  private let requests: TokenRequests
  private var keeper: TokenKeeper
  private var client: HTTPClient?
  private let caFile: String
  /// The timer's event, while something is asked for it, and which question is open: answers to others are not heard.
  private var delivery: Delivery?
  private var question = 0
  private var check: HTTPClient.Ticket?
  /// When the chat server has refused the token, monotonic; and whether another one is to be asked for before anything else.
  private var refusedAt: Int64?
  private var isRefused = false
  /// Called when there is another token.
  var whenRenewed: () -> Void = {}

  /// Nil where nothing is to be asked.
  init?(_ configuration: Configuration, host: Host) throws {
    guard let requests = try TokenRequests(configuration) else { return nil }
    self.host = host
    self.requests = requests
    token = configuration.token
    renewed = requests.canRenew ? configuration.refreshToken.map { RenewedTokens(host: host, given: $0) } : nil
    caFile = configuration.caFile
    keeper = TokenKeeper(
      nick: configuration.nick.lowercased(), canCheck: requests.canCheck, canRenew: requests.canRenew)
  }

  var complaint: String? { keeper.complaint }
  /// Whether the identity service owes an answer.
  var isAsking: Bool { delivery != nil || isRefused }

  /// Whether there is a token to log in with. Reads the state.
  var hasToken: Bool { token != nil || renewed?.tokens != nil }

  /// Looks now, and from then on every hour. Timers belong to the host and live through a swap.
  func start() throws { try host.timers.set(Self.timer, after: .milliseconds(1)) }

  /// Lends the token that is to be used. Reads the state.
  func withToken<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
    if let tokens = renewed?.tokens { return try Array(tokens.access.utf8).withUnsafeBytes(body) }
    guard let token else { throw PluginError.invalid("there is no token yet") }
    return try token.withBytes(body)
  }

  /// The chat server does not accept the token: asks for another one. Answers whether there may be one; not twice within a minute, since a
  /// service that gives tokens which the server refuses would be asked without end.
  func renewAfterRefusal(at now: Int64) -> Bool {
    guard requests.canRenew, refusedAt.map({ now - $0 > 60_000_000_000 }) ?? true else { return false }
    refusedAt = now
    isRefused = true
    return (try? start()) != nil
  }

  /// The timer's event: looks after the token, and settles the delivery when that is done.
  func due(_ delivery: Delivery) {
    self.delivery = delivery
    let hasToken = hasToken && !isRefused
    isRefused = false
    perform(keeper.due(hasToken: hasToken))
  }

  /// A check may be given up and made again. A renewal may not: its answer holds the only token that is good from then on.
  func quiesce() { check?.cancel() }

  private func perform(_ outputs: [TokenKeeper.Output]) {
    for output in outputs {
      switch output {
      case .check: checkToken()
      case .renew: renewToken()
      case .useRenewed: whenRenewed()
      case .complain(let text): host.log(.error, text)
      case .report(let level, let text): host.log(Host.LogLevel(level), text)
      case .wake(let seconds):
        do { try host.timers.set(Self.timer, after: .seconds(seconds)) } catch {
          host.log(.warning, "cannot set a timer: \(error)")
        }
        try? delivery?.ack()
        delivery = nil
      }
    }
  }

  private func checkToken() {
    do {
      let request = try withToken { try requests.check($0) }
      check = try ask(request, read: TokenAnswers.check) { service, answer in
        service.check = nil
        service.perform(service.keeper.checked(answer))
      }
    } catch {
      perform(keeper.checked(.unknown("\(error)")))
    }
  }

  private func renewToken() {
    do {
      guard let renewed else { throw PluginError.invalid("there is no refresh token") }
      try ask(
        try requests.renewal(with: try renewed.refreshToken()),
        read: { result in
          let (answer, grant) = TokenAnswers.renewal(result)
          // Stored before anything else can go wrong.
          if let grant { renewed.store(grant) }
          return answer
        }
      ) { service, answer in service.perform(service.keeper.renewed(answer)) }
    } catch {
      perform(keeper.renewed(.unknown("\(error)")))
    }
  }

  /// Sends a request; `read` runs on the client's thread, `hear` on the lane.
  @discardableResult
  private func ask<Answer: Sendable>(
    _ request: HTTPRequest, read: @escaping @Sendable (Result<HTTPResponse, HTTPFailure>) -> Answer,
    hear: @escaping @Sendable (TokenService, Answer) -> Void
  ) throws -> HTTPClient.Ticket? {
    if client == nil {
      var configuration = HTTPClient.Configuration()
      configuration.concurrency = 1
      if !caFile.isEmpty { configuration.authorities = caFile }
      client = try HTTPClient(configuration)
    }
    question += 1
    let (number, host, me, delivery) = (question, host, host.confine(self), delivery)
    return client?.send(request) { result in
      let answer = read(result)
      do {
        try host.onLane(me) { service in
          if service.question == number { hear(service, answer) }
        }
      } catch {
        try? delivery?.nack(PluginError.retry("the plugin is being replaced", after: .milliseconds(1)))
      }
    }
  }
}
