import FoundationEssentials
import HTTPClient
import TwitchChat

/// What the identity service's answers say.
enum TokenAnswers {
  private struct CheckBody: Decodable {
    var login: String?
    var scopes: [String]?
    var expiresIn: Int64?
  }

  private struct RenewalBody: Decodable {
    var accessToken: String
    var refreshToken: String?
    var expiresIn: Int64?
  }

  private struct ErrorBody: Decodable {
    var message: String
  }

  static func check(_ result: Result<HTTPResponse, HTTPFailure>) -> TokenKeeper.Check {
    switch result {
    case .failure(let failure): return .unknown("\(failure)")
    case .success(let response) where response.status == 401: return .invalid
    case .success(let response) where response.isSuccess:
      guard let body = decode(CheckBody.self, response) else { return .unknown(unexpected(response)) }
      return .valid(login: body.login, scopes: body.scopes, expiresIn: body.expiresIn)
    case .success(let response): return .unknown("\(response.address.host) answers \(response.status)")
    }
  }

  /// The answer, and the tokens in it.
  static func renewal(
    _ result: Result<HTTPResponse, HTTPFailure>
  ) -> (TokenKeeper.Renewal, RenewedTokens.Grant?) {
    switch result {
    case .failure(let failure): return (.unknown("\(failure)"), nil)
    case .success(let response) where response.isSuccess:
      guard let body = decode(RenewalBody.self, response), !body.accessToken.isEmpty else {
        return (.unknown(unexpected(response)), nil)
      }
      return (
        .renewed(expiresIn: body.expiresIn),
        RenewedTokens.Grant(access: body.accessToken, refresh: body.refreshToken)
      )
    case .success(let response) where [400, 401, 403].contains(response.status):
      let said = decode(ErrorBody.self, response).map { "“\($0.message.prefix(200))”" } ?? "\(response.status)"
      return (.refused("\(response.address.host) says \(said)"), nil)
    case .success(let response): return (.unknown("\(response.address.host) answers \(response.status)"), nil)
    }
  }

  private static func decode<Body: Decodable>(_ type: Body.Type, _ response: HTTPResponse) -> Body? {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try? decoder.decode(type, from: Data(response.body))
  }

  private static func unexpected(_ response: HTTPResponse) -> String {
    "what \(response.address.host) answers is not what was expected"
  }
}
