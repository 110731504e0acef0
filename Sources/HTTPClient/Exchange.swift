import CCurl
import Glibc

/// One piece of work of the loop: what is common to HTTP and mail. Belongs to the loop's thread once it is handed over.
///
/// It collects what the server sends within a bound, and looks at each address before anything is connected to or sent.
class Exchange {
  /// What becomes of an exchange whose handle has ended.
  enum Step {
    case over
    /// The same handle once more: the next hop of a redirect, the next part of a mailbox.
    case again
  }

  let reach: Reach
  let timeout: Duration
  let connectTimeout: Duration
  /// CLOCK_MONOTONIC, in nanoseconds.
  let deadline: Int64
  private let maximumBody: Int
  private let authorities: String?

  /// Where the current handle goes; in lower case.
  var host = ""
  var port: UInt16 = 0
  private(set) var body: [UInt8] = []
  /// Why the answer was not taken to its end.
  private(set) var failure: HTTPFailure?
  /// Why an address was not connected to. There may have been others.
  private var refusal: HTTPFailure?

  /// - Parameter authorities: a PEM file of certificate authorities that are trusted besides the system's.
  init(reach: Reach, timeout: Duration, connectTimeout: Duration, maximumBody: Int, authorities: String?) {
    self.reach = reach
    self.timeout = timeout
    self.connectTimeout = connectTimeout
    self.maximumBody = max(0, maximumBody)
    self.authorities = authorities
    let (end, isTooLong) = Self.now.addingReportingOverflow(timeout.nanoseconds)
    deadline = isTooLong ? .max : end
  }

  // MARK: For the kinds of exchange

  /// Whether the first step is permitted at all; asked before the exchange is queued.
  func check() throws(HTTPFailure) {}

  /// Sets the handle up for the next step.
  func configure(_ handle: EasyHandle) throws(HTTPFailure) {}

  /// The handle has ended well.
  func succeeded(_ handle: EasyHandle) throws(HTTPFailure) -> Step { .over }

  /// Takes what was received; asked for each piece. Throwing stops the transfer.
  func willTake(_ count: Int) throws(HTTPFailure) -> Bool { true }

  /// Takes a line of the answer's head.
  func takeHeader(_ line: UnsafeRawBufferPointer) throws(HTTPFailure) {}

  /// What is sent, a piece at a time: how many bytes were put into `room`.
  func give(_ room: UnsafeMutableRawBufferPointer) -> Int { 0 }

  /// Whether a handle that ended badly has given what it was asked for all the same.
  func isEnough(_ code: CURLcode) -> Bool { false }

  /// Tells whoever asked, once.
  func complete(failed failure: HTTPFailure) {}

  /// A text without what is secret in this exchange.
  func masking(_ text: String) -> String { text }

  // MARK: Set-up

  func configureCommon(_ handle: EasyHandle) {
    body = []
    failure = nil
    refusal = nil
    handle.reset()
    let me = Unmanaged.passUnretained(self).toOpaque()
    handle.set(CURLOPT_TIMEOUT_MS, max(1, Int(min((deadline - Self.now) / 1_000_000, Int64(Int32.max)))))
    handle.set(CURLOPT_CONNECTTIMEOUT_MS, max(1, Int(min(connectTimeout.nanoseconds / 1_000_000, Int64(Int32.max)))))
    handle.set(CURLOPT_MAXFILESIZE_LARGE, offset: maximumBody)
    if let authorities { handle.set(CURLOPT_CAINFO, authorities) }
    handle.set(write: CURLOPT_WRITEFUNCTION) { bytes, size, count, me in
      Exchange.of(me).received(UnsafeRawBufferPointer(start: bytes, count: size * count))
    }
    handle.set(CURLOPT_WRITEDATA, pointer: me)
    handle.set(openSocket: { me, purpose, address in
      guard purpose == CURLSOCKTYPE_IPCXN, let address else { return -1 }
      return Exchange.of(me).openSocket(address)
    })
    handle.set(CURLOPT_OPENSOCKETDATA, pointer: me)
    // A connection that is used again was opened for somebody else, who may have been permitted more.
    handle.set(beforeRequest: { me, address, _, _, _ in
      guard let address, Exchange.of(me).mayUse(NetworkAddress(String(cString: address))) else {
        return CURL_PREREQFUNC_ABORT
      }
      return CURL_PREREQFUNC_OK
    })
    handle.set(CURLOPT_PREREQDATA, pointer: me)
  }

  static func of(_ pointer: UnsafeMutableRawPointer?) -> Exchange {
    // libcurl hands back what it was given, which is alive as long as its handle is in the loop.
    Unmanaged<Exchange>.fromOpaque(pointer.unsafelyUnwrapped).takeUnretainedValue()
  }

  // MARK: What libcurl asks

  private func received(_ bytes: UnsafeRawBufferPointer) -> Int {
    do throws(HTTPFailure) {
      guard try willTake(bytes.count) else { return bytes.count }
      guard body.count + bytes.count <= maximumBody else { throw tooLarge }
      body.append(contentsOf: bytes)
      return bytes.count
    } catch {
      failure = error
      return -1
    }
  }

  func receivedHeader(_ line: UnsafeRawBufferPointer) -> Int {
    do throws(HTTPFailure) {
      try takeHeader(line)
      return line.count
    } catch {
      failure = error
      return -1
    }
  }

  var tooLarge: HTTPFailure {
    HTTPFailure(.tooLarge, "\(name) answered with more than \(maximumBody) bytes")
  }

  private func openSocket(_ address: UnsafeMutablePointer<curl_sockaddr>) -> Int32 {
    let length = address.pointee.addrlen
    let found = withUnsafePointer(to: &address.pointee.addr) { NetworkAddress($0, length: length) }
    guard mayUse(found) else { return -1 }
    let kind = address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue)
    return socket(address.pointee.family, kind, address.pointee.protocol)
  }

  private func mayUse(_ address: NetworkAddress?) -> Bool {
    guard let address, address.isPublic || reach.mayBePrivate(host, port) else {
      let place = address.map { "\($0), which is not a public address" } ?? "no IP address"
      refusal = HTTPFailure(.privateAddress, "\(name) is at \(place), and that is not permitted for it")
      return false
    }
    return true
  }

  // MARK: The end

  /// `host:port`
  var name: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// What a handle that ended badly means.
  func failure(of code: CURLcode, _ handle: EasyHandle) -> HTTPFailure {
    if let failure { return failure }
    if let refusal, code == CURLE_COULDNT_CONNECT || code == CURLE_ABORTED_BY_CALLBACK { return refusal }
    let detail = masking(handle.text.isEmpty ? String(cString: curl_easy_strerror(code)) : handle.text)
    switch code {
    case CURLE_OPERATION_TIMEDOUT: return timedOut
    case CURLE_COULDNT_RESOLVE_HOST: return HTTPFailure(.unknownHost, "there is no host \(host)")
    case CURLE_COULDNT_CONNECT:
      let number = handle.get(CURLINFO_OS_ERRNO)
      let why = number == 0 ? "nobody answers there" : String(cString: strerror(Int32(truncatingIfNeeded: number)))
      return HTTPFailure(.cannotConnect, "cannot connect to \(name): \(why)")
    case CURLE_PEER_FAILED_VERIFICATION:
      return HTTPFailure(.untrusted, "the certificate of \(name) is not trusted: \(detail)")
    case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM, CURLE_SSL_ISSUER_ERROR,
      CURLE_USE_SSL_FAILED:
      return HTTPFailure(.untrusted, "there is no TLS with \(name): \(detail)")
    case CURLE_FILESIZE_EXCEEDED: return tooLarge
    case CURLE_GOT_NOTHING: return HTTPFailure(.broken, "\(name) closed the connection without an answer")
    case CURLE_PARTIAL_FILE, CURLE_RECV_ERROR, CURLE_SEND_ERROR:
      return HTTPFailure(.broken, "\(name) closed the connection in the middle of its answer")
    case CURLE_BAD_CONTENT_ENCODING:
      return HTTPFailure(.broken, "\(name) answered with packed bytes that cannot be unpacked")
    case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY:
      return HTTPFailure(.broken, "\(name) does not answer in the protocol: \(detail)")
    case CURLE_LOGIN_DENIED: return HTTPFailure(.refused, "\(name) does not accept the user and the password")
    default: return HTTPFailure(.broken, "\(name): \(detail)")
    }
  }

  var timedOut: HTTPFailure { HTTPFailure(.timedOut, "\(name) did not answer within \(timeout.shown)") }

  static var now: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}

extension Duration {
  /// At least 0; the largest number for what does not fit.
  var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    if seconds < 0 { return 0 }
    let (whole, isTooLong) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, isStillTooLong) = whole.addingReportingOverflow(max(0, attoseconds / 1_000_000_000))
    return isTooLong || isStillTooLong ? .max : sum
  }

  /// For messages: `4.5 s`.
  var shown: String {
    let tenths = nanoseconds / 100_000_000
    return tenths % 10 == 0 ? "\(tenths / 10) s" : "\(tenths / 10).\(tenths % 10) s"
  }
}
