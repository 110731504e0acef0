import Foundation

/// GitHub's REST API and a package index, as far as the updater uses them, over real git objects; for tests.
///
/// The API lies below `/api/v3`, the index at `/index/simple/`. Every call is recorded. Faults are ordered: see ``Fault``.
public final class GitHubSimulator: @unchecked Sendable {
  // Unchecked: what changes is behind the lock.

  /// A call as it came in.
  public struct Record: Sendable {
    public var method: String
    /// Without the API's prefix.
    public var path: String
    public var query: [String: String]
    public var headers: [String: String]
    public var body: [UInt8]
    public var status: Int
    /// Seconds of a clock that only goes forward.
    public var time: Double

    public var isWrite: Bool { method != "GET" && !path.hasSuffix("/access_tokens") }
    public var json: [String: Any] {
      ((try? JSONSerialization.jsonObject(with: Data(body))) as? [String: Any]) ?? [:]
    }
  }

  /// What becomes of a request.
  public enum Reaction: Sendable {
    case answer(SimulatedAnswer)
    /// The connection is closed without an answer.
    case drop
    /// The connection stays open without one.
    case hold
  }

  static let prefix = "/api/v3"
  static let indexPrefix = "/index"

  let lock = NSRecursiveLock()
  var repositories: [String: SimulatedRepository] = [:]
  /// Whose token is which.
  var tokens: [String: String] = [:]
  var app: SimulatedApp?
  var projects: [String: [String: Any]] = [:]
  var descriptions: [String: [String: Any]] = [:]
  var faults: [Fault] = []
  var records: [Record] = []
  var remaining: Int?
  var reset: Int?
  private var ticks = 0
  /// Seconds since 1970.
  public var now: @Sendable () -> Int = { Int(Date().timeIntervalSince1970) }

  public init() { tokens["simulated-token"] = "bothost-bot" }

  public var calls: [Record] { lock.withLock { records } }
  /// Those that change something.
  public var writes: [Record] { calls.filter(\.isWrite) }

  /// Times that only go forward, to the second, as GitHub's do.
  func tick() -> Int {
    ticks = max(ticks + 1, now())
    return ticks
  }

  static func text(_ seconds: Int) -> String {
    let formatter = ISO8601DateFormatter()
    formatter.timeZone = TimeZone(secondsFromGMT: 0)
    return formatter.string(from: Date(timeIntervalSince1970: Double(seconds)))
  }

  /// Answers a request.
  ///
  /// - Parameter target: path and query.
  public func react(_ method: String, _ target: String, headers: [String: String], body: [UInt8]) -> Reaction {
    var values: [String: String] = [:]
    for (name, value) in headers { values[name.lowercased()] = value }
    let components = URLComponents(string: target)
    var query: [String: String] = [:]
    for item in components?.queryItems ?? [] { query[item.name] = item.value ?? "" }
    let whole = components?.path ?? target
    let path = whole.hasPrefix(Self.prefix) ? String(whole.dropFirst(Self.prefix.count)) : whole
    var record = Record(
      method: method, path: path, query: query, headers: values, body: body, status: 0,
      time: ProcessInfo.processInfo.systemUptime)

    lock.lock()
    defer { lock.unlock() }
    var fault: Fault?
    if let place = faults.firstIndex(where: { $0.fits(method, path) }) {
      if faults[place].after > 0 {
        faults[place].after -= 1
      } else {
        fault = faults[place]
        faults[place].times -= 1
        if faults[place].times <= 0 { faults.remove(at: place) }
      }
    }
    if let fault, fault.delay > 0 {
      lock.unlock()
      Thread.sleep(forTimeInterval: Double(fault.delay) / 1000)
      lock.lock()
    }
    var reaction = Reaction.drop
    if fault == nil || fault?.isCarriedOut == true || (fault?.delay ?? 0) > 0 {
      let answer = conditional(serve(record), record)
      record.status = answer.status
      reaction = .answer(answer)
    }
    if let fault, fault.delay == 0 {
      if let status = fault.status {
        record.status = status
        reaction = .answer(SimulatedAnswer(status, fault.body, headers: fault.headers))
      } else {
        reaction = fault.holds ? .hold : .drop
      }
    }
    records.append(record)
    return reaction
  }

  /// Adds the tag, and answers 304 where it is known.
  private func conditional(_ answer: SimulatedAnswer, _ record: Record) -> SimulatedAnswer {
    var answer = answer
    let left = remaining ?? 4999
    answer.headers += [
      ("X-RateLimit-Limit", "5000"), ("X-RateLimit-Remaining", "\(left)"),
      ("X-RateLimit-Reset", "\(reset ?? now() + 3600)"), ("X-RateLimit-Resource", "core"),
      ("X-GitHub-Request-Id", "SIM:\(records.count)"),
    ]
    guard record.method == "GET", answer.status == 200 else { return answer }
    let tag = "W/\"\(GitStore.name("blob", answer.body))\""
    if record.headers["if-none-match"] == tag {
      answer.status = 304
      answer.body = []
    }
    answer.headers.append(("ETag", tag))
    return answer
  }

  // MARK: Routes

  private func serve(_ call: Record) -> SimulatedAnswer {
    if call.path.hasPrefix(Self.indexPrefix) { return index(call) }
    guard call.headers["user-agent"]?.isEmpty == false else {
      return .message(
        403, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header")
    }
    guard let version = call.headers["x-github-api-version"], ["2022-11-28", "2026-03-10"].contains(version) else {
      return .message(400, "Invalid API version")
    }
    guard let authorization = call.headers["authorization"], authorization.hasPrefix("Bearer ") else {
      return .message(401, "Requires authentication")
    }
    let token = String(authorization.dropFirst(7))
    if let answer = app?.answer(call, token: token, at: now(), self) { return answer }
    guard let login = app?.login(of: token, at: now()) ?? tokens[token] else { return .message(401, "Bad credentials") }
    if call.path == "/user" { return SimulatedAnswer(200, ["login": login, "id": 1, "type": "User"]) }
    let parts = call.path.split(separator: "/").map { String($0).removingPercentEncoding ?? String($0) }
    guard parts.count >= 3, parts[0] == "repos", var repository = repositories["\(parts[1])/\(parts[2])".lowercased()],
      !repository.isPrivate || repository.permissions[login] != nil
    else { return .notFound }
    let answer = RepositoryCall(simulator: self, call: call, login: login, parts: Array(parts.dropFirst(3)))
      .answer(&repository)
    if answer.status < 400 { repositories[repository.fullName.lowercased()] = repository }
    return answer
  }

  private func index(_ call: Record) -> SimulatedAnswer {
    let parts = call.path.split(separator: "/").map(String.init)
    if parts.count == 3, parts[1] == "simple", let project = projects[parts[2]] {
      var answer = SimulatedAnswer(200, project)
      answer.headers = [("Content-Type", "application/vnd.pypi.simple.v1+json")]
      return answer
    }
    if parts.count == 4, parts[1] == "pypi", let description = descriptions[parts[2]] {
      return SimulatedAnswer(200, description)
    }
    return .notFound
  }

  /// A page of a listing, with the links to the next.
  func page(_ rows: [[String: Any]], _ call: Record) -> SimulatedAnswer {
    let size = min(max(Int(call.query["per_page"] ?? "") ?? 30, 1), 100)
    let page = max(Int(call.query["page"] ?? "") ?? 1, 1)
    let begin = min((page - 1) * size, rows.count)
    var answer = SimulatedAnswer(200, Array(rows[begin..<min(begin + size, rows.count)]))
    if begin + size < rows.count {
      var query = call.query
      query["page"] = "\(page + 1)"
      var components = URLComponents()
      components.queryItems = query.sorted { $0.key < $1.key }.map { URLQueryItem(name: $0.key, value: $0.value) }
      let host = call.headers["host"] ?? "127.0.0.1"
      let scheme = call.headers["x-simulated-scheme"] ?? "http"
      answer.headers.append(
        (
          "Link",
          "<\(scheme)://\(host)\(Self.prefix)\(call.path)?\(components.percentEncodedQuery ?? "")>; rel=\"next\""
        ))
    }
    return answer
  }
}
