import CCurl

/// A request and the redirects that follow from it.
///
/// Redirects are followed here and not by libcurl, which would hand headers of one's own on to whoever it is sent to.
final class HTTPExchange: Exchange {
  private let request: HTTPRequest
  private let agent: String
  private let completion: (Result<HTTPResponse, HTTPFailure>) -> Void

  // The current hop.
  private var address: HTTPAddress
  private var method: String
  private var content: [UInt8]?
  private var hops = 0

  // What has come of its answer.
  private var status = 0
  private var headers: [(name: String, value: String)] = []
  private var headerBytes = 0
  private var skipped = 0

  /// All headers of an answer together, in bytes, and how much of a redirect's body is read so that its connection can be used again.
  private static let maximumHeaders = 131_072
  private static let maximumSkipped = 65_536

  init(
    _ request: HTTPRequest, agent: String, authorities: String?,
    _ completion: @escaping (Result<HTTPResponse, HTTPFailure>) -> Void
  ) {
    self.request = request
    self.agent = agent
    self.completion = completion
    address = request.address
    method = request.method
    content = request.body
    super.init(
      reach: request.reach, timeout: request.timeout, connectTimeout: request.connectTimeout,
      maximumBody: request.maximumBody, authorities: authorities)
    host = address.host
    port = address.port
  }

  override func check() throws(HTTPFailure) {
    guard !method.isEmpty, method.utf8.count <= 32, method.utf8.allSatisfy({ (0x41...0x5A).contains($0) }) else {
      throw HTTPFailure(.invalid, "a method is a word in capitals, such as GET")
    }
    for header in request.headers {
      guard Self.isToken(header.name) else { throw HTTPFailure(.invalid, "a header whose name cannot be sent") }
      guard !header.value.utf8.contains(where: { ($0 < 0x20 && $0 != 0x09) || $0 == 0x7F }) else {
        throw HTTPFailure(.invalid, "the header \(header.name) has a line end or another control character in it")
      }
    }
    try checkReach()
  }

  private func checkReach() throws(HTTPFailure) {
    guard reach.mayAsk(address.host, address.port) else {
      throw HTTPFailure(.notPermitted, "\(address.place) may not be asked")
    }
  }

  /// A token of RFC 9110, section 5.6.2.
  private static func isToken(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
          || "!#$%&'*+-.^_`|~".utf8.contains(byte)
      }
  }

  // MARK: A hop

  override func configure(_ handle: EasyHandle) throws(HTTPFailure) {
    status = 0
    headers = []
    headerBytes = 0
    skipped = 0
    host = address.host
    port = address.port
    configureCommon(handle)
    let isHome = address.hasSameOrigin(as: request.address)
    let secrets = isHome ? request.secretQuery.map { (name: $0.name, value: $0.value) } : []
    handle.set(CURLOPT_URL, try address.adding(query: secrets).text)
    handle.set(CURLOPT_PROTOCOLS_STR, "http,https")
    handle.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
    // Every packing that libcurl knows.
    handle.set(CURLOPT_ACCEPT_ENCODING, "")
    handle.set(CURLOPT_USERAGENT, agent)
    // "Expect: 100-continue" would wait a second where nobody knows it.
    var lines = ["Expect:"]
    for header in request.headers where isHome || !header.isSecret {
      lines.append(header.value.isEmpty ? "\(header.name);" : "\(header.name): \(header.value)")
    }
    handle.set(CURLOPT_HTTPHEADER, list: lines)
    if let content {
      handle.set(CURLOPT_POST, 1)
      handle.set(CURLOPT_POSTFIELDSIZE_LARGE, offset: content.count)
      content.withUnsafeBytes { bytes in
        // It is copied. An empty array has no address, and libcurl would then want to read what it sends.
        var nothing: UInt8 = 0
        if let base = bytes.baseAddress, !bytes.isEmpty {
          handle.set(CURLOPT_COPYPOSTFIELDS, pointer: UnsafeMutableRawPointer(mutating: base))
        } else {
          handle.set(CURLOPT_COPYPOSTFIELDS, pointer: &nothing)
        }
      }
      if method != "POST" { handle.set(CURLOPT_CUSTOMREQUEST, method) }
    } else if method == "HEAD" {
      handle.set(CURLOPT_NOBODY, 1)
    } else {
      handle.set(CURLOPT_HTTPGET, 1)
      if method != "GET" { handle.set(CURLOPT_CUSTOMREQUEST, method) }
    }
    handle.set(write: CURLOPT_HEADERFUNCTION) { bytes, size, count, me in
      Exchange.of(me).receivedHeader(UnsafeRawBufferPointer(start: bytes, count: size * count))
    }
    handle.set(CURLOPT_HEADERDATA, pointer: Unmanaged.passUnretained(self as Exchange).toOpaque())
  }

  override func takeHeader(_ line: UnsafeRawBufferPointer) throws(HTTPFailure) {
    headerBytes += line.count
    guard headerBytes <= Self.maximumHeaders else {
      throw HTTPFailure(.tooLarge, "\(name) answered with more than \(Self.maximumHeaders) bytes of headers")
    }
    let text = String(decoding: line, as: UTF8.self).filter { !$0.isNewline }
    // Each answer on the way, such as "100 Continue", has a head of its own; the last one counts.
    if text.hasPrefix("HTTP/") {
      headers = []
      status = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
      return
    }
    guard let colon = text.firstIndex(of: ":") else { return }
    let value = text[text.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
    headers.append((text[..<colon].lowercased(), String(value)))
  }

  private var location: String? {
    guard [301, 302, 303, 307, 308].contains(status), request.redirectLimit > 0 else { return nil }
    return headers.first { $0.name == "location" }?.value
  }

  override func willTake(_ count: Int) throws(HTTPFailure) -> Bool {
    guard location != nil else { return true }
    skipped += count
    // Too much of what nobody reads: the connection is given up, and the redirect followed all the same.
    if skipped > Self.maximumSkipped { throw HTTPFailure(.redirect, "a redirect with a long body") }
    return false
  }

  // MARK: Its end

  override func succeeded(_ handle: EasyHandle) throws(HTTPFailure) -> Step {
    guard let location else {
      completion(
        .success(HTTPResponse(status: status, headers: headers, body: body, address: try masked(address))))
      return .over
    }
    hops += 1
    guard hops <= request.redirectLimit else {
      throw HTTPFailure(.redirect, "\(request.address) leads to more than \(request.redirectLimit) redirects")
    }
    let next: HTTPAddress
    do { next = try address.resolving(location) } catch {
      throw HTTPFailure(.redirect, "\(address) leads to what cannot be followed: \(error)")
    }
    if address.scheme == "https", next.scheme == "http" {
      throw HTTPFailure(.redirect, "\(address) leads from https to http, and that is not followed")
    }
    // RFC 9110, section 15.4: 303 asks for a GET; so do 301 and 302 after a POST, as everybody does it.
    if status == 303 ? method != "HEAD" : (status == 301 || status == 302) && method == "POST" {
      method = "GET"
      content = nil
    }
    guard content == nil || next.hasSameOrigin(as: request.address) else {
      throw HTTPFailure(.redirect, "\(address) leads what was sent on to \(next.place), and that is not followed")
    }
    address = next
    try checkReach()
    return .again
  }

  override func failure(of code: CURLcode, _ handle: EasyHandle) -> HTTPFailure {
    let failure = super.failure(of: code, handle)
    return HTTPFailure(failure.reason, request.masking(failure.message))
  }

  override func isEnough(_ code: CURLcode) -> Bool {
    code == CURLE_WRITE_ERROR && location != nil && failure?.reason == .redirect
  }

  /// A redirect may lead to an address that repeats a secret.
  private func masked(_ address: HTTPAddress) throws(HTTPFailure) -> HTTPAddress {
    let text = request.masking(address.text)
    return text == address.text ? address : try HTTPAddress(text)
  }

  override func complete(failed failure: HTTPFailure) {
    completion(.failure(HTTPFailure(failure.reason, request.masking(failure.message))))
  }

  override func masking(_ text: String) -> String { request.masking(text) }
}
