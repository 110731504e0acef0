import Glibc

/// A client of HTTP on a thread of its own, made for bots: what it is told to fetch may come from anybody, so that everything about a
/// request is bounded, and private networks cannot be reached through it unless somebody permits it.
///
/// ```swift
/// let client = try HTTPClient()
/// var request = HTTPRequest("GET", try HTTPAddress("https://example.org/feed"))
/// request.timeout = .seconds(5)
/// client.send(request) { result in … }
/// ```
///
/// It stands on libcurl (RFC 9110 and 9112; TLS against the system's store of certificates), because that shows the address that it is about
/// to connect to, which is the only place where a name cannot lie, and speaks SMTP and IMAP too. There are no cookies, no cache, no
/// proxies, and nothing is read from `~/.netrc`.
///
/// Any thread may call it. Whoever owns it closes it, or lets it go, before the library that it is part of may be unloaded: both wait until
/// its thread has ended.
public final class HTTPClient: Sendable {
  /// What holds for all of a client's requests.
  public struct Configuration: Sendable {
    /// How many requests are under way at once, and how many more wait; those beyond are refused.
    public var concurrency = 8
    public var queue = 64
    /// What it calls itself; many services want to know.
    public var userAgent = "bothost/1.0"
    /// A PEM file of certificate authorities that are trusted besides the system's.
    public var authorities: String?

    public init() {}
  }

  /// A request that was sent.
  public struct Ticket: Sendable {
    let loop: TransferLoop
    let number: UInt64

    /// Gives the request up: its completion is called with `cancelled`, unless it has been called already.
    public func cancel() { loop.cancel(number) }
  }

  let configuration: Configuration
  let loop: TransferLoop
  private let thread: LoopThread

  /// - Throws: `busy` when the system has no memory or no thread for it.
  public init(_ configuration: Configuration = Configuration()) throws(HTTPFailure) {
    self.configuration = configuration
    loop = try TransferLoop(concurrency: configuration.concurrency, queue: configuration.queue)
    thread = try LoopThread(loop)
  }

  deinit { close() }

  /// Sends a request.
  ///
  /// - Parameter completion: called once, and must not wait: on the client's thread, or, for what is refused at once (not permitted, too
  ///   many), on this one before `send` returns.
  @discardableResult
  public func send(
    _ request: HTTPRequest, completion: @escaping @Sendable (Result<HTTPResponse, HTTPFailure>) -> Void
  ) -> Ticket? {
    submit(
      HTTPExchange(
        request, agent: configuration.userAgent, authorities: configuration.authorities, completion)
    ) { completion(.failure($0)) }
  }

  /// Sends a request and waits for the end of it. Not from a completion.
  public func response(to request: HTTPRequest) throws(HTTPFailure) -> HTTPResponse {
    let slot = ResultSlot<HTTPResponse>()
    send(request) { slot.fill($0) }
    return try slot.wait().get()
  }

  func submit(_ exchange: sending Exchange, refused: (HTTPFailure) -> Void) -> Ticket? {
    do {
      try exchange.check()
      return Ticket(loop: loop, number: try loop.submit(exchange))
    } catch {
      refused(error)
      return nil
    }
  }

  /// Gives all requests up, calls their completions, and waits for the thread to end. Not from a completion.
  public func close() {
    loop.close()
    thread.join()
  }
}
