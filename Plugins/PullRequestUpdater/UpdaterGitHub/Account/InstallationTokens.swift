import FoundationEssentials

/// The installation tokens that an App has been given, in memory alone. One is good for an hour and for one repository, with the permissions that
/// the work needs and no others; it is replaced five minutes before its end.
struct InstallationTokens {
  struct Token {
    var text: String
    /// Nanoseconds since 1970.
    var expires: Int64
  }

  static let margin: Int64 = 300_000_000_000

  private var tokens: [RepositoryName: Token] = [:]

  func usable(for repository: RepositoryName, at now: Int64) -> String? {
    tokens[repository].flatMap { now < $0.expires - Self.margin ? $0.text : nil }
  }

  mutating func keep(_ token: Token, for repository: RepositoryName) { tokens[repository] = token }
  mutating func forget(_ repository: RepositoryName) { tokens[repository] = nil }

  // MARK: What is asked and answered

  struct Wanted: Encodable {
    var repositories: [String]
    var permissions = ["contents": "write", "pull_requests": "write", "issues": "write", "metadata": "read"]
  }

  struct Given: Decodable {
    var token: String
    var expiresAt: String

    /// nil for a time that is not written as GitHub writes it.
    var kept: Token? { UTCTime.nanoseconds(expiresAt).map { Token(text: token, expires: $0) } }
  }

  struct Installation: Decodable { var id: Int64 }
}
