import BotPluginKit
import HTTPClient
import TwitchChat

/// The requests that are sent to the identity service: `GET /oauth2/validate` and `POST /oauth2/token`, or what the configuration names instead.
struct TokenRequests {
  /// Nil: tokens are not checked.
  private let checkAddress: HTTPAddress?
  /// Nil: they are not renewed.
  private let renewalAddress: HTTPAddress?
  private let clientID: String
  private let clientSecret: Secret?

  /// Nil where nothing is to be asked.
  init?(_ configuration: Configuration) throws(PluginError) {
    checkAddress = try configuration.tokenCheckAddress()
    renewalAddress = try configuration.tokenRenewalAddress()
    clientID = configuration.clientID
    clientSecret = configuration.clientSecret
    if checkAddress == nil, renewalAddress == nil { return nil }
  }

  var canCheck: Bool { checkAddress != nil }
  var canRenew: Bool { renewalAddress != nil }

  func check(_ token: UnsafeRawBufferPointer) throws -> HTTPRequest {
    guard let checkAddress else { throw PluginError.invalid("tokens are not checked") }
    guard let authorization = TokenExchange.authorization(token) else {
      throw PluginError.invalid("the token is empty or holds a space or a line end")
    }
    return request(
      "GET", checkAddress, [HTTPRequest.Header("Authorization", authorization, isSecret: true)])
  }

  func renewal(with refreshToken: String) throws -> HTTPRequest {
    guard let renewalAddress else { throw PluginError.invalid("tokens are not renewed") }
    let secret = try clientSecret?.withBytes { String(decoding: $0, as: UTF8.self) }
    var request = request(
      "POST", renewalAddress, [HTTPRequest.Header("Content-Type", "application/x-www-form-urlencoded")])
    request.body = Array(
      TokenExchange.form(refreshToken: refreshToken, clientID: clientID, clientSecret: secret).utf8)
    return request
  }

  /// The operator has named the address, so it may be a private one; it alone is asked.
  private func request(_ method: String, _ address: HTTPAddress, _ headers: [HTTPRequest.Header]) -> HTTPRequest {
    var request = HTTPRequest(method, address, headers: headers + [HTTPRequest.Header("Accept", "application/json")])
    request.maximumBody = 64 << 10
    request.redirectLimit = 0
    request.reach = Reach(hosts: [address.pattern], privateHosts: [address.pattern])
    return request
  }
}
