import FoundationEssentials
import HTTPClient

/// Asks GitHub's REST API one call after the other, within its limits (https://docs.github.com/en/rest).
///
/// It belongs to one thread. What may pass by itself and can be repeated without harm is repeated here; everything else is a
/// ``GitHubFailure`` for whoever knows what the call was for.
public final class GitHubClient {
  public struct Configuration: Sendable {
    /// `https://api.github.com`, or `https://HOST/api/v3` of a GitHub Enterprise Server.
    public var base: HTTPAddress
    /// How long one request may take.
    public var timeout: Duration = .seconds(20)
    /// The least time between two calls that change something.
    public var writeInterval: Duration = .seconds(1)
    /// The version of the API; one that GitHub has retired is answered with 400 or 410.
    public var apiVersion = "2022-11-28"
    /// No call that would change something is made.
    public var isReadOnly = false

    public init(base: HTTPAddress) { self.base = base }
  }

  public let configuration: Configuration
  public let surroundings: Surroundings
  private let credentials: Credentials
  private let state: State

  /// What is known of the account; clients that share it keep its limits together.
  private final class State {
    var rates = RateRules()
    var tags = ETagStore()
    var installations = InstallationTokens()
    var ownLogin: String?
    /// When the last call that changes something has ended, in nanoseconds since 1970. At the start it counts as just made: nobody knows what the
    /// process before did in its last second.
    var lastWrite: Int64

    init(lastWrite: Int64) { self.lastWrite = lastWrite }
  }

  /// How often a GET is repeated.
  private static let repetitions = 3
  private static let redirects = 3
  /// How many pages of a listing are read.
  static let pages = 20

  public init(_ configuration: Configuration, credentials: Credentials, surroundings: Surroundings) {
    self.configuration = configuration
    self.credentials = credentials
    self.surroundings = surroundings
    state = State(lastWrite: surroundings.now())
  }

  /// The same client, for reading alone: for the same thread.
  public func forReading() -> GitHubClient { GitHubClient(readingAs: self) }

  private init(readingAs other: GitHubClient) {
    var configuration = other.configuration
    configuration.isReadOnly = true
    self.configuration = configuration
    credentials = other.credentials
    surroundings = other.surroundings
    state = other.state
  }

  // MARK: One call

  struct Call {
    var method = "GET"
    /// Below the base, with a slash in front, escaped; or a whole address of the same origin.
    var path: String
    var query: [(name: String, value: String)] = []
    var body: [UInt8]?
    var accept = "application/vnd.github+json"
    var authorization: Authorization
    /// Bytes.
    var maximumBody = 4 << 20
    /// Whether it changes something that others see: such a call is paced, recorded, and not made where nothing may be changed.
    var isWrite: Bool { method != "GET" && !isToken }
    /// The giving of an installation token.
    var isToken = false
    /// Whether the answer is worth keeping for a conditional request.
    var isConditional = true

    init(_ method: String = "GET", _ path: String, as authorization: Authorization) {
      self.method = method
      self.path = path
      self.authorization = authorization
    }

    init(_ method: String = "GET", _ path: String, of repository: RepositoryName) {
      self.init(method, "/repos/\(repository)\(path)", as: .repository(repository))
    }

    mutating func send(_ value: some Encodable) throws { body = try JSONBody.encode(value) }
  }

  func value<Value: Decodable>(_ type: Value.Type = Value.self, _ call: Call) throws -> Value {
    try decode(type, try response(to: call))
  }

  func decode<Value: Decodable>(_ type: Value.Type, _ response: HTTPResponse) throws -> Value {
    do { return try JSONBody.decode(type, response.body) } catch {
      throw GitHubFailure(
        .unexpected, "\(response.address) does not answer as GitHub does: \(JSONBody.describe(error))")
    }
  }

  /// Reads a listing page by page, until `body` has had enough. Links are followed as they are given.
  func pages<Element: Decodable>(_ first: Call, of type: Element.Type, _ body: ([Element]) throws -> Bool) throws {
    var call = first
    for _ in 0..<Self.pages {
      let response = try response(to: call)
      guard try body(try decode([Element].self, response)),
        let next = response.header("link").flatMap({ LinkHeader.target("next", in: $0) })
      else { return }
      call.path = next
      call.query = []
    }
  }

  /// Every element of a listing, up to the bound of pages.
  func all<Element: Decodable>(_ first: Call, of type: Element.Type) throws -> [Element] {
    var elements: [Element] = []
    try pages(first, of: type) {
      elements += $0
      return true
    }
    return elements
  }

  /// Makes a call; answers with a success only.
  func response(to call: Call) throws -> HTTPResponse {
    guard !call.isWrite || !configuration.isReadOnly else {
      throw GitHubFailure(.readOnly, "\(call.method) \(call.path) would change something, and nothing is to be changed")
    }
    var attempt = 0
    var hasRenewed = false
    while true {
      let now = surroundings.now()
      guard now >= state.rates.blockedUntil else {
        throw GitHubFailure(.limited(until: state.rates.blockedUntil), state.rates.reason)
      }
      let response: HTTPResponse
      do { response = try send(call) } catch let failure as HTTPFailure {
        guard failure.reason != .cancelled else { throw GitHubFailure(.interrupted, "the work ends") }
        guard !Self.isLasting(failure) else { throw GitHubFailure(.unexpected, failure.message) }
        guard !call.isWrite, attempt < Self.repetitions else { throw GitHubFailure(.uncertain, failure.message) }
        attempt += 1
        try pause(attempt)
        continue
      }
      switch response.status {
      case 200..<300:
        state.rates.answered(response, at: surroundings.now())
        return response
      case 401 where !hasRenewed && forgetToken(call.authorization):
        hasRenewed = true
      case 403, 429:
        if case .wait(let until, let why) = state.rates.refused(response, at: surroundings.now()) {
          throw GitHubFailure(.limited(until: until), why)
        }
        throw Complaint.failure(call, response)
      case 500..<600:
        let complaint = Complaint.failure(call, response)
        guard !call.isWrite, attempt < Self.repetitions else { throw complaint }
        attempt += 1
        try pause(attempt)
      default:
        state.rates.answered(response, at: surroundings.now())
        throw Complaint.failure(call, response)
      }
    }
  }

  /// What does not go away by asking again.
  private static func isLasting(_ failure: HTTPFailure) -> Bool {
    switch failure.reason {
    case .invalid, .notPermitted, .privateAddress, .untrusted, .tooLarge, .redirect: true
    default: false
    }
  }

  /// Before something is repeated: 1, 2, 4 s, and a part of a second so that not everybody comes back at once.
  private func pause(_ attempt: Int) throws {
    try surroundings.wait(.milliseconds(1000 << (attempt - 1)) + jitter)
  }

  public var jitter: Duration { .milliseconds(Int64(surroundings.random() % 500)) }

  // MARK: The wire

  private func send(_ call: Call) throws -> HTTPResponse {
    let token = try token(for: call.authorization)
    var address = try address(of: call)
    let key = ETagStore.key(address, call.accept, token)
    let known = call.method == "GET" && call.isConditional ? state.tags.entry(key) : nil
    if call.isWrite { try paceWrites() }
    var hops = 0
    while true {
      var request = HTTPRequest(call.method, address, headers: headers(call, token), body: call.body)
      if let known { request.headers.append(HTTPRequest.Header("If-None-Match", known.tag)) }
      request.timeout = configuration.timeout
      request.maximumBody = call.maximumBody
      // Followed here: the method has to stay as it is, and the token at home.
      request.redirectLimit = 0
      request.reach = Reach(hosts: [address.pattern], privateHosts: [configuration.base.pattern])
      let response: HTTPResponse
      do { response = try surroundings.send(request) } catch {
        if call.isWrite { record(call, status: 0, nil) }
        throw error
      }
      if call.isWrite { record(call, status: response.status, response.header("x-github-request-id")) }
      if response.status == 304, let known { return known.response }
      guard [301, 302, 307, 308].contains(response.status), let location = response.header("location") else {
        if call.method == "GET", call.isConditional, response.status == 200 { state.tags.keep(response, for: key) }
        return response.status < 400 ? response : masked(response, by: request)
      }
      hops += 1
      let next = try address.resolving(location)
      guard hops <= Self.redirects, next.hasSameOrigin(as: configuration.base) else {
        throw HTTPFailure(.redirect, "\(address) leads to \(next), which is not followed")
      }
      address = next
    }
  }

  /// A complaint may repeat what it complains of.
  private func masked(_ response: HTTPResponse, by request: HTTPRequest) -> HTTPResponse {
    HTTPResponse(
      status: response.status, headers: response.headers, body: Array(request.masking(response.text).utf8),
      address: response.address)
  }

  private func address(of call: Call) throws -> HTTPAddress {
    if call.path.hasPrefix("/") {
      let base = configuration.base.text
      return try HTTPAddress((base.hasSuffix("/") ? String(base.dropLast()) : base) + call.path)
        .adding(query: call.query)
    }
    let address = try HTTPAddress(call.path)
    guard address.hasSameOrigin(as: configuration.base) else {
      throw HTTPFailure(.redirect, "\(configuration.base) leads to \(address), which is not followed")
    }
    return address
  }

  private func headers(_ call: Call, _ token: String) -> [HTTPRequest.Header] {
    var headers = [
      HTTPRequest.Header("Accept", call.accept),
      HTTPRequest.Header("X-GitHub-Api-Version", configuration.apiVersion),
      HTTPRequest.Header("Authorization", "Bearer \(token)", isSecret: true),
    ]
    if call.body != nil { headers.append(HTTPRequest.Header("Content-Type", "application/json")) }
    return headers
  }

  private func paceWrites() throws {
    let (seconds, attoseconds) = configuration.writeInterval.components
    let interval = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    let now = surroundings.now()
    // A clock that was set back must not stop the work.
    let left = min(state.lastWrite + interval - now, interval)
    if left > 0 { try surroundings.wait(.nanoseconds(left)) }
  }

  private func record(_ call: Call, status: Int, _ request: String?) {
    state.lastWrite = surroundings.now()
    var repository = ""
    if case .repository(let name) = call.authorization { repository = name.description }
    surroundings.audit(
      WriteRecord(
        repository: repository, method: call.method, path: call.path, status: status, request: request ?? ""))
  }

  // MARK: Tokens

  private func token(for authorization: Authorization) throws -> String {
    switch (credentials, authorization) {
    case (.token(let lend), _): return try lend()
    case (.app(let id, let withKey), .app):
      let now = surroundings.now() / 1_000_000_000
      return try withKey { try AppToken.make(issuer: id, key: $0, now: now) }
    case (.app, .repository(let name)): return try installationToken(for: name)
    case (.app, .user): throw GitHubFailure(.credentials, "an App has no user")
    }
  }

  /// Whether a refused token can be replaced by another one.
  private func forgetToken(_ authorization: Authorization) -> Bool {
    guard case .app = credentials, case .repository(let name) = authorization else { return false }
    state.installations.forget(name)
    return true
  }

  private func installationToken(for repository: RepositoryName) throws -> String {
    if let token = state.installations.usable(for: repository, at: surroundings.now()) { return token }
    let id: Int64
    do {
      id = try value(InstallationTokens.Installation.self, Call("GET", "/repos/\(repository)/installation", as: .app))
        .id
    } catch let failure as GitHubFailure where failure.kind == .notFound {
      throw GitHubFailure(
        .credentials, "the App is not installed at \(repository); install it there, with access to that repository")
    }
    var call = Call("POST", "/app/installations/\(id)/access_tokens", as: .app)
    call.isToken = true
    try call.send(InstallationTokens.Wanted(repositories: [repository.name]))
    do {
      guard let token = try value(InstallationTokens.Given.self, call).kept else {
        throw GitHubFailure(.unexpected, "GitHub gives an installation token without a time that can be read")
      }
      state.installations.keep(token, for: repository)
      return token.text
    } catch let failure as GitHubFailure where failure.kind == .unprocessable || failure.kind == .permission {
      throw GitHubFailure(
        .credentials,
        "GitHub gives the App no token for \(repository) with contents, pull requests and issues: write, metadata: read (\(failure.message)); give the App these permissions and have the installation accept them"
      )
    }
  }

  // MARK: Who we are

  /// The login under which GitHub shows what this account does: the user's, or `slug[bot]` of an App.
  public func login() throws -> String {
    if let login = state.ownLogin { return login }
    struct User: Decodable { var login: String }
    struct App: Decodable { var slug: String }
    let login: String
    switch credentials {
    case .token: login = try value(User.self, Call("GET", "/user", as: .user)).login
    case .app: login = "\(try value(App.self, Call("GET", "/app", as: .app)).slug)[bot]"
    }
    state.ownLogin = login
    return login
  }
}
