import BotPluginKit
import TwitchChat

/// The tokens that the identity service has given, in the instance's key-value state: the refresh token of the configuration may be used up by
/// the first renewal, and a restart must not begin with it again. They count until the operator gives another refresh token.
///
/// Usable on any thread.
struct RenewedTokens: Sendable {
  struct Tokens: Codable {
    var access: String
    var refresh: String
    /// The configuration's refresh token, from which these come.
    var given: String
  }

  /// What a renewal gave.
  struct Grant: Sendable {
    var access: String
    /// Nil: the one that was used stays good.
    var refresh: String?
  }

  private static let key = "token"
  private let host: Host
  private let given: Secret

  init(host: Host, given: Secret) {
    self.host = host
    self.given = given
  }

  /// Nil before the first renewal.
  var tokens: Tokens? {
    guard let tokens = try? host.kv.value(Self.key, as: Tokens.self), tokens.given == (try? configured()) else {
      return nil
    }
    return tokens
  }

  private func configured() throws -> String {
    guard let token = try given.withBytes({ TokenExchange.bare($0) }) else {
      throw PluginError.invalid("the refresh token is empty or holds a space or a line end")
    }
    return token
  }

  /// The refresh token that is good now.
  func refreshToken() throws -> String { try tokens?.refresh ?? configured() }

  func store(_ grant: Grant) {
    do {
      try host.kv.put(
        Self.key, Tokens(access: grant.access, refresh: try grant.refresh ?? refreshToken(), given: try configured()))
    } catch {
      host.log(.error, "the renewed token cannot be stored: \(error)")
    }
  }
}
