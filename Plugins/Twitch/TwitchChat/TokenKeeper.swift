/// Keeps a token good. It is checked at the start and every hour, as Twitch wants it, and renewed before it ends, where there is a refresh
/// token: a user's token of Twitch lives for some hours.
///
/// A machine without input and output of its own: it says what is to be asked, and is told the answers.
public struct TokenKeeper: Sendable {
  /// What the answer to a check says (`GET /oauth2/validate`).
  public enum Check: Hashable, Sendable {
    /// The token is good.
    /// - Parameter expiresIn: seconds; nil or 0: it does not end.
    case valid(login: String?, scopes: [String]?, expiresIn: Int64?)
    /// Not good, or not any more.
    case invalid
    /// Nobody knows: there is no answer, or none about the token.
    case unknown(String)
  }

  /// What the answer to a renewal says (`POST /oauth2/token`).
  public enum Renewal: Hashable, Sendable {
    /// There is another token.
    case renewed(expiresIn: Int64?)
    /// The refresh token, or the client, is not accepted.
    case refused(String)
    case unknown(String)
  }

  /// What is to be done.
  public enum Output: Hashable, Sendable {
    /// Ask whether the token is good.
    case check
    /// Ask for another one.
    case renew
    /// There is another token: logins that were refused may be tried again.
    case useRenewed
    case complain(String)
    case report(ReportLevel, String)
    /// Call ``due(hasToken:)`` after so many seconds.
    case wake(after: Int64)
  }

  /// Between two checks, in seconds.
  static let interval: Int64 = 3600
  /// After a check or a renewal that brought no answer.
  static let pause: Int64 = 300

  private let nick: String
  private let canCheck: Bool
  private let canRenew: Bool
  /// What is wrong with the token, if anything.
  public private(set) var complaint: String?

  /// - Parameter nick: whose token it should be, in lower case; empty: anybody's.
  public init(nick: String, canCheck: Bool, canRenew: Bool) {
    self.nick = nick
    self.canCheck = canCheck
    self.canRenew = canRenew
  }

  /// It is time to look.
  /// - Parameter hasToken: whether there is one that has not been refused.
  public func due(hasToken: Bool) -> [Output] {
    if hasToken { return canCheck ? [.check] : [.wake(after: Self.interval)] }
    return canRenew ? [.renew] : [.wake(after: Self.interval)]
  }

  public mutating func checked(_ answer: Check) -> [Output] {
    switch answer {
    case .unknown(let why):
      return [.report(.warning, "the token could not be checked: \(why)"), .wake(after: Self.pause)]
    case .invalid:
      if canRenew { return [.renew] }
      return settle("the token is not valid, or not any more: make a new one (scopes chat:read and chat:edit)")
    case .valid(let login, let scopes, let expiresIn):
      if let login, !nick.isEmpty, login != nick {
        return settle("the token belongs to '\(login)', but the nick is '\(nick)': the login will be refused")
      }
      if let scopes {
        let missing = ["chat:read", "chat:edit"].filter { !scopes.contains($0) }
        if !missing.isEmpty { return settle("the token lacks the scope \(missing.joined(separator: " and "))") }
      }
      // The next look would come too late.
      if let expiresIn, expiresIn > 0, expiresIn <= Self.interval + Self.pause {
        return canRenew ? [.renew] : settle("the token expires in \(expiresIn / 60) minutes: make a new one")
      }
      return settle(nil)
    }
  }

  public mutating func renewed(_ answer: Renewal) -> [Output] {
    switch answer {
    case .unknown(let why):
      return [.report(.warning, "the token could not be renewed: \(why)"), .wake(after: Self.pause)]
    case .refused(let why):
      return settle("the token could not be renewed: \(why): make a new token and a new refresh token")
    case .renewed(let expiresIn):
      complaint = nil
      let end = expiresIn.map { $0 > 0 ? "; it lasts \($0 / 60) minutes" : "" } ?? ""
      // A token that lasts less than an hour is looked at in time.
      let next = expiresIn.map { $0 > 0 ? min(Self.interval, max(60, $0 / 2)) : Self.interval } ?? Self.interval
      return [.report(.info, "the token was renewed\(end)"), .useRenewed, .wake(after: next)]
    }
  }

  private mutating func settle(_ complaint: String?) -> [Output] {
    self.complaint = complaint
    return [complaint.map { .complain($0) } ?? .report(.info, "the token is good"), .wake(after: Self.interval)]
  }
}
