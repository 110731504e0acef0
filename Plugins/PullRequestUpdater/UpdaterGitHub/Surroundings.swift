import HTTPClient

/// What the library needs of the world, so that it has no clock, no network and no randomness of its own. Belongs to one thread, on which all
/// of it may wait.
public struct Surroundings {
  /// Sends a request and waits for what becomes of it; throws `HTTPFailure`.
  public var send: (HTTPRequest) throws -> HTTPResponse
  /// Nanoseconds since 1970-01-01 UTC.
  public var now: () -> Int64
  /// Waits; throws ``GitHubFailure/Kind/interrupted`` when the work is to end.
  public var wait: (Duration) throws -> Void
  /// Any number, for the jitter of waits.
  public var random: () -> UInt64
  /// Told of each call that changes something, once it is known what became of it.
  public var audit: (WriteRecord) -> Void

  public init(
    send: @escaping (HTTPRequest) throws -> HTTPResponse, now: @escaping () -> Int64,
    wait: @escaping (Duration) throws -> Void, random: @escaping () -> UInt64,
    audit: @escaping (WriteRecord) -> Void = { _ in }
  ) {
    self.send = send
    self.now = now
    self.wait = wait
    self.random = random
    self.audit = audit
  }
}

/// A line of the audit: one call that changes something at GitHub.
public struct WriteRecord: Codable, Sendable, Hashable {
  /// `owner/name`
  public var repository: String
  public var method: String
  /// The path of the call, without a query.
  public var path: String
  /// The answer's status; 0 when there was none, and it is not known whether the call was carried out.
  public var status: Int
  /// GitHub's number of the request, for its support.
  public var request: String

  public init(repository: String, method: String, path: String, status: Int, request: String) {
    self.repository = repository
    self.method = method
    self.path = path
    self.status = status
    self.request = request
  }
}
