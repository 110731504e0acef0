import HTTPClient

/// What GitHub's error answers say: `{"message", "errors": [{"resource", "field", "code", "message"} or "text"]}`.
enum Complaint {
  private struct Body: Decodable {
    var message: String?
    var errors: [Item]?

    enum Item: Decodable {
      case text(String)
      case record(resource: String?, field: String?, code: String?, message: String?)

      private enum Key: String, CodingKey { case resource, field, code, message }

      init(from decoder: any Decoder) throws {
        if let text = try? decoder.singleValueContainer().decode(String.self) {
          self = .text(text)
          return
        }
        let container = try decoder.container(keyedBy: Key.self)
        func text(_ key: Key) -> String? { try? container.decode(String.self, forKey: key) }
        self = .record(
          resource: text(.resource), field: text(.field), code: text(.code), message: text(.message))
      }

      var text: String {
        switch self {
        case .text(let text): text
        case .record(let resource, let field, let code, let message):
          message ?? [resource, field, code].compactMap { $0 }.joined(separator: " ")
        }
      }
    }
  }

  static func failure(_ call: GitHubClient.Call, _ response: HTTPResponse) -> GitHubFailure {
    let place = "\(call.method) \(response.address.path)"
    let said = text(of: response)
    switch response.status {
    case 401:
      return GitHubFailure(
        .credentials, "GitHub does not accept the credentials (\(said)); look at the token, or the App's id and key")
    case 403:
      var why = "GitHub refuses \(place): \(said)"
      if let needed = response.header("x-accepted-github-permissions"), !needed.isEmpty {
        why += "; the token needs one of these permissions: \(needed.prefix(200))"
      }
      return GitHubFailure(.permission, why)
    case 404, 410:
      return GitHubFailure(.notFound, "GitHub knows no \(place), or this account may not see it (\(said))")
    case 409: return GitHubFailure(.conflict, "GitHub cannot do \(place) now: \(said)")
    case 422: return GitHubFailure(.unprocessable, "GitHub does not accept \(place): \(said)")
    case 451: return GitHubFailure(.legal, "\(place) is not available for legal reasons (\(said))")
    case 500...: return GitHubFailure(.uncertain, "GitHub answers \(place) with \(response.status) (\(said))")
    default: return GitHubFailure(.unexpected, "GitHub answers \(place) with \(response.status) (\(said))")
    }
  }

  /// On one line, and not too long.
  private static func text(of response: HTTPResponse) -> String {
    guard let body = try? JSONBody.decode(Body.self, response.body) else { return "\(response.status)" }
    let parts = [body.message].compactMap { $0 } + (body.errors ?? []).prefix(8).map(\.text)
    let text = parts.filter { !$0.isEmpty }.joined(separator: "; ")
    // Nothing in it steers the terminal or the log in which it is read.
    return String(
      String.UnicodeScalarView(
        text.unicodeScalars.prefix(500).map { $0.properties.generalCategory == .control ? " " : $0 }))
  }
}
