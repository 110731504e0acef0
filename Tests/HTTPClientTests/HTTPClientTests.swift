import Foundation
import HTTPClient
import HostPatterns
import Synchronization
import Testing
import WebSimulator

/// The client against a server that does what servers must not do.
struct HTTPClientTests {
  private let server: WebSimulator
  private let client: HTTPClient

  init() throws {
    server = try WebSimulator()
    var configuration = HTTPClient.Configuration()
    configuration.authorities = server.authorities
    configuration.concurrency = 4
    configuration.queue = 4
    client = try HTTPClient(configuration)
  }

  /// A request that may go to this machine.
  private func request(_ path: String, port: Int? = nil, scheme: String = "http", _ method: String = "GET") throws
    -> HTTPRequest
  {
    var request = HTTPRequest(method, try HTTPAddress("\(scheme)://127.0.0.1:\(port ?? server.http)\(path)"))
    let here = ["127.0.0.1:*", "localhost:*"].compactMap { HostPattern($0) }
    request.reach = Reach(hosts: here, privateHosts: here)
    request.timeout = .seconds(30)
    return request
  }

  private func fails(
    _ reason: HTTPFailure.Reason, _ request: HTTPRequest, _ says: String = "", by other: HTTPClient? = nil
  ) {
    do {
      let response = try (other ?? client).response(to: request)
      Issue.record("answered with \(response.status) and \(response.body.count) bytes")
    } catch {
      #expect(error.reason == reason, "\(error)")
      #expect(says.isEmpty || error.message.contains(says), "\(error)")
    }
  }

  // MARK: What is meant to work

  @Test("a request goes out as it was made, and its answer comes back")
  func whole() throws {
    var post = try request("/echo?a=b", "POST")
    post.headers = [.init("X-One", "1"), .init("Content-Type", "text/plain"), .init("X-Empty", "")]
    post.body = Array("what is said".utf8)
    let response = try client.response(to: post)
    #expect(response.status == 200 && response.isSuccess && response.mediaType == "application/json")
    let seen = try #require(server.requests.first)
    #expect(seen.method == "POST" && seen.target == "/echo?a=b" && seen.body == "what is said")
    #expect(
      seen.headers["x-one"] == "1" && seen.headers["x-empty"] == "" && seen.headers["user-agent"] == "bothost/1.0")
    #expect(seen.headers["expect"] == nil)

    #expect(try client.response(to: request("/echo", "HEAD")).body.isEmpty)
    var put = try request("/echo", "PUT")
    put.body = []
    #expect(try client.response(to: put).status == 200)
    #expect(try client.response(to: request("/echo", "DELETE")).status == 200)
    #expect(server.requests.map(\.method) == ["POST", "HEAD", "PUT", "DELETE"])
    #expect(try client.response(to: request("/latin1")).text == "grün")
    #expect(try client.response(to: request("/invalid-utf8")).text.contains("\u{FFFD}"))
    let missing = try client.response(to: request("/nowhere"))
    #expect(missing.status == 404 && !missing.isSuccess)
    let busy = try client.response(to: request("/status?n=429&header=Retry-After:%2030"))
    #expect(busy.status == 429 && busy.retryAfter == 30)
  }

  @Test("many at once, all answered")
  func many() throws {
    var configuration = HTTPClient.Configuration()
    configuration.concurrency = 4
    let client = try HTTPClient(configuration)
    let done = DispatchSemaphore(value: 0)
    let good = Atomic<Int>(0)
    for round in 0..<60 {
      client.send(try request("/echo?round=\(round)&")) { result in
        if case .success(let response) = result, response.text.contains("round=\(round)&") {
          good.add(1, ordering: .relaxed)
        }
        done.signal()
      }
    }
    for _ in 0..<60 { done.wait() }
    #expect(good.load(ordering: .relaxed) == 60)
  }

  @Test("TLS is checked against the authorities and the host's name")
  func certificates() throws {
    #expect(try client.response(to: request("/echo", port: server.https, scheme: "https")).status == 200)
    fails(.untrusted, try request("/echo", port: server.untrusted, scheme: "https"), "is not trusted")
    var other = HTTPClient.Configuration()
    other.authorities = server.otherAuthorities
    fails(.untrusted, try request("/echo", port: server.untrusted, scheme: "https"), by: try HTTPClient(other))
    // Without the extra file the system's authorities count, who know nobody here.
    fails(.untrusted, try request("/echo", port: server.https, scheme: "https"), by: try HTTPClient())
    // And HTTP on a port of TLS is no HTTP.
    #expect(throws: HTTPFailure.self) { try client.response(to: request("/echo", port: server.https)) }
    #expect(!server.requests.isEmpty)
  }

  // MARK: Where it may go

  @Test("private addresses are refused, also by name and by redirect, and on a connection that is there already")
  func privateAddresses() throws {
    var one = try request("/echo")
    one.reach = Reach(hosts: [HostPattern("*:*")].compactMap(\.self))
    fails(.privateAddress, one, "127.0.0.1, which is not a public address")
    one.address = try HTTPAddress("http://localhost:\(server.http)/echo")
    fails(.privateAddress, one, "localhost:\(server.http)")
    #expect(server.requests.isEmpty)
    // The port is not among those that may be asked.
    one.reach = Reach()
    fails(.notPermitted, one, "may not be asked")

    // Somebody else may, and leaves a connection behind.
    #expect(try client.response(to: request("/echo")).status == 200)
    one = try request("/echo")
    one.reach = Reach(hosts: [HostPattern("*:*")].compactMap(\.self))
    fails(.privateAddress, one)
    #expect(server.requests.count == 1)

    var led = try request("/redirect?n=302&to=http://localhost:\(server.http)/echo")
    led.reach = Reach(
      hosts: [HostPattern("*:*")].compactMap(\.self), privateHosts: [HostPattern("127.0.0.1:*")].compactMap(\.self))
    fails(.privateAddress, led, "localhost")
    led.reach = Reach(
      hosts: [HostPattern("127.0.0.1:*")].compactMap(\.self),
      privateHosts: [HostPattern("127.0.0.1:*")].compactMap(\.self))
    fails(.notPermitted, led, "localhost")
  }

  @Test("redirects are followed within their limits, without what is secret")
  func redirects() throws {
    let response = try client.response(to: request("/redirect?n=301&to=/echo?x"))
    #expect(response.status == 200 && response.address.text.hasSuffix("/echo?x"))
    fails(.redirect, try request("/loop"), "more than 5 redirects")
    var none = try request("/loop")
    none.redirectLimit = 0
    #expect(try client.response(to: none).status == 302)
    #expect(try client.response(to: request("/endless-redirect")).status == 200)
    fails(.redirect, try request("/redirect?n=302&to=file:///etc/passwd"))
    fails(.redirect, try request("/redirect?n=302&to=http://user:word@127.0.0.1/"))

    // From https to http never.
    let plain = "http://127.0.0.1:\(server.http)/echo"
    fails(
      .redirect, try request("/redirect?n=302&to=\(plain)", port: server.https, scheme: "https"), "from https to http")

    // The other host gets neither the headers that are secret nor the query's secret; the same one does.
    let count = server.requests.count
    for target in ["http://localhost:\(server.http)/echo", "/echo"] {
      var secret = try request("/redirect?n=302&to=\(target)")
      secret.headers = [
        .init("Authorization", "Bearer hidden"), .init("X-Key", "hidden too", isSecret: true), .init("X-Open", "seen"),
      ]
      secret.secretQuery = [.init("key", "hidden as well")]
      #expect(try client.response(to: secret).status == 200)
    }
    let seen = server.requests[count...].map { $0 }
    try #require(seen.count == 4)
    #expect(seen[0].headers["authorization"] == "Bearer hidden" && seen[0].target.contains("key=hidden"))
    #expect(
      seen[1].headers["authorization"] == nil && seen[1].headers["x-key"] == nil && seen[1].headers["x-open"] == "seen")
    #expect(!seen[1].target.contains("hidden"))
    #expect(seen[3].headers["authorization"] == "Bearer hidden" && seen[3].headers["x-key"] == "hidden too")

    // What a form becomes.
    var form = try request("/redirect?n=303&to=/echo", "POST")
    form.body = Array("a=b".utf8)
    #expect(try client.response(to: form).text.contains(#""method":"GET""#))
    form = try request("/redirect?n=307&to=/echo", "POST")
    form.body = Array("a=b".utf8)
    #expect(try client.response(to: form).text.contains(#""body":"a=b""#))
    form.address = try HTTPAddress(
      "http://127.0.0.1:\(server.http)/redirect?n=307&to=http://localhost:\(server.http)/echo")
    fails(.redirect, form, "what was sent on")
  }

  @Test("secrets stay out of messages")
  func secrets() throws {
    var one = try request("/cut?open=1")
    one.headers = [.init("X-Key", "s3cr3t-header", isSecret: true)]
    one.secretQuery = [.init("key", "s3cr3t-query")]
    for path in [
      "/cut", "/silent", "/loop", "/redirect?n=302&to=gopher://s3cr3t-query/",
      "/redirect?n=302&to=http://s3cr3t-query.invalid/",
    ] {
      one.address = try HTTPAddress("http://127.0.0.1:\(server.http)\(path)")
      one.timeout = .milliseconds(300)
      do {
        _ = try client.response(to: one)
        Issue.record("\(path) has answered")
      } catch { #expect(!error.message.contains("s3cr3t"), "\(error)") }
    }
    one.headers = [.init("X-Key", "a\r\nX-Other: s3cr3t", isSecret: true)]
    do {
      _ = try client.response(to: one)
      Issue.record("a header of two lines has been sent")
    } catch { #expect(error.reason == .invalid && !error.message.contains("s3cr3t")) }
    one.headers = [.init("Authorization", "Bearer s3cr3t-token")]
    #expect(one.masking("no s3cr3t-token and no s3cr3t-query") == "no … and no …")
    // An address that repeats one is masked in the response.
    one = try request("/redirect?n=302&to=/echo?was=s3cr3t-query")
    one.secretQuery = [.init("key", "s3cr3t-query")]
    #expect(try !client.response(to: one).address.text.contains("s3cr3t"))
  }

  // MARK: Faults

  @Test("answers that are too large, too slow, broken or none")
  func faults() throws {
    fails(.tooLarge, try request("/endless"), "more than 1048576 bytes")
    fails(.tooLarge, try request("/large?n=1048577"))
    fails(.tooLarge, try request("/bomb?n=64"))
    var small = try request("/bomb?n=2")
    #expect(try client.response(to: small).body.count == 262_144)
    small.maximumBody = 262_143
    fails(.tooLarge, small)
    fails(.tooLarge, try request("/endless-headers"), "headers")
    fails(.broken, try request("/cut"), "in the middle")
    fails(.broken, try request("/nothing"), "without an answer")
    fails(.broken, try request("/garbage"))
    for path in ["/silent", "/slow"] {
      var slow = try request(path)
      slow.timeout = .milliseconds(300)
      fails(.timedOut, slow, "did not answer within 0.3 s")
    }
    var nobody = try request("/echo")
    nobody.address = try HTTPAddress("http://nobody.invalid:\(server.http)/")
    nobody.reach = Reach(hosts: [HostPattern("*:*")].compactMap(\.self))
    fails(.unknownHost, nobody, "nobody.invalid")
    for method in ["", "get", "GET /x", "A\r\nB"] {
      var strange = try request("/echo")
      strange.method = method
      fails(.invalid, strange)
    }
  }

  @Test("a queue has an end, what waits in it has its deadline, and a ticket ends either")
  func queue() throws {
    let results = Mutex<[HTTPFailure.Reason]>([])
    let done = DispatchSemaphore(value: 0)
    func ask(_ timeout: Duration) throws -> HTTPClient.Ticket? {
      var slow = try request("/silent")
      slow.timeout = timeout
      return client.send(slow) { result in
        if case .failure(let error) = result { results.withLock { $0.append(error.reason) } }
        done.signal()
      }
    }
    var tickets: [HTTPClient.Ticket] = []
    for _ in 0..<4 { tickets.append(try #require(try ask(.seconds(600)))) }
    // These wait, and their time passes in the queue.
    for _ in 0..<2 { #expect(try ask(.milliseconds(200)) != nil) }
    for _ in 0..<2 { done.wait() }
    #expect(results.withLock { $0 } == [.timedOut, .timedOut])
    for _ in 0..<4 { tickets.append(try #require(try ask(.seconds(600)))) }
    #expect(try ask(.seconds(600)) == nil)
    done.wait()
    #expect(results.withLock { $0.last } == .busy)
    for ticket in tickets.reversed() { ticket.cancel() }
    tickets[0].cancel()
    for _ in tickets { done.wait() }
    #expect(results.withLock { $0.count { $0 == .cancelled } } == 8)
    #expect(try client.response(to: request("/echo")).status == 200)
  }

  @Test("closing ends what is under way and what waits, once, and the thread")
  func closing() throws {
    let client = try HTTPClient()
    let results = Mutex<[HTTPFailure.Reason]>([])
    for _ in 0..<20 {
      client.send(try request("/silent")) { result in
        if case .failure(let error) = result { results.withLock { $0.append(error.reason) } }
      }
    }
    client.close()
    #expect(results.withLock { $0 } == Array(repeating: .cancelled, count: 20))
    client.close()
    fails(.cancelled, try request("/echo"), by: client)
    // One that lets go of the last reference in a completion waits for nobody.
    let done = DispatchSemaphore(value: 0)
    let box = Mutex<HTTPClient?>(try HTTPClient())
    try box.withLock { client in
      _ = client?.send(try request("/echo")) { _ in
        box.withLock { $0 = nil }
        done.signal()
      }
    }
    done.wait()
  }
}
