import COpenSSL
import Glibc

/// TLS as a client on a socket that does not block: TLS 1.2 or newer, the certificate verified against the given trust, and the server's
/// name checked (RFC 6125). Used by one thread, which must have SIGPIPE blocked: OpenSSL writes with `write`.
final class TLSSession {
  private let session: OpaquePointer
  private let problem: CertificateProblem
  private let trust: TLSTrust
  /// After a fatal error no more may be said, not even goodbye.
  private var isBroken = false
  private var isAgreed = false

  /// `serverName`: SNI and the name to verify, or an address. The descriptor stays the caller's.
  init(descriptor: Int32, serverName: String, alpn: String, trust: TLSTrust) throws(TLSTrust.Failure) {
    ERR_clear_error()
    guard let session = SSL_new(trust.context) else {
      throw TLSTrust.Failure(description: "TLS is not available: \(TLSError.takeText())")
    }
    self.session = session
    self.trust = trust
    problem = CertificateProblem(server: serverName)
    problem.attach(to: session)
    var isSet = SSL_set_fd(session, descriptor) == 1
    if SocketAddress.isLiteral(serverName) {
      isSet = isSet && X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), serverName) == 1
    } else {
      // One dot at the end means the same name, and no certificate has it.
      let name = serverName.hasSuffix(".") ? String(serverName.dropLast()) : serverName
      SSL_set_hostflags(session, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
      isSet = isSet && !name.isEmpty && SSL_set1_host(session, name) == 1
      // The macro SSL_set_tlsext_host_name; OpenSSL copies the name.
      name.withCString { text in
        let pointer = UnsafeMutableRawPointer(mutating: text)
        isSet =
          isSet && SSL_ctrl(session, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name), pointer) == 1
      }
    }
    if !alpn.isEmpty {
      let wire = [UInt8(truncatingIfNeeded: alpn.utf8.count)] + Array(alpn.utf8)
      isSet = isSet && SSL_set_alpn_protos(session, wire, UInt32(wire.count)) == 0
    }
    SSL_set_connect_state(session)
    guard isSet else {
      throw TLSTrust.Failure(description: "TLS cannot be used with the name '\(serverName)': \(TLSError.takeText())")
    }
  }

  deinit { SSL_free(session) }

  func handshake() -> IOProgress {
    ERR_clear_error()
    let outcome = progress(of: SSL_do_handshake(session))
    if case .done = outcome { isAgreed = true }
    return outcome
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) -> IOProgress {
    ERR_clear_error()
    return progress(of: SSL_read(session, buffer.baseAddress, Int32(clamping: buffer.count)))
  }

  /// After `wantsRead` or `wantsWrite` the next call must be given at least the same bytes.
  func write(_ bytes: UnsafeRawBufferPointer) -> IOProgress {
    ERR_clear_error()
    return progress(of: SSL_write(session, bytes.baseAddress, Int32(clamping: bytes.count)))
  }

  /// Says that we send no more (close_notify); what the other side still sends can be read. False: again when the socket takes something.
  func end() -> Bool {
    guard isAgreed, !isBroken else { return true }
    ERR_clear_error()
    let result = SSL_shutdown(session)
    if result >= 0 { return true }
    let isWaiting = SSL_get_error(session, result) == SSL_ERROR_WANT_WRITE
    if !isWaiting { isBroken = true }
    return !isWaiting
  }

  /// Bytes have been taken from the socket that have not been read: the socket will not announce them.
  var hasPending: Bool { SSL_has_pending(session) == 1 }

  /// `TLSv1.3`
  var version: String { SSL_get_version(session).map { String(cString: $0) } ?? "TLS" }

  var alpn: String? {
    var bytes: UnsafePointer<UInt8>?
    var count: UInt32 = 0
    SSL_get0_alpn_selected(session, &bytes, &count)
    guard let bytes, count > 0 else { return nil }
    return String(decoding: UnsafeBufferPointer(start: bytes, count: Int(count)), as: UTF8.self)
  }

  private func progress(of result: Int32) -> IOProgress {
    if result > 0 { return .done(Int(result)) }
    let systemError = errno
    switch SSL_get_error(session, result) {
    case SSL_ERROR_WANT_READ: return .wantsRead
    case SSL_ERROR_WANT_WRITE: return .wantsWrite
    case SSL_ERROR_ZERO_RETURN: return .ended
    case SSL_ERROR_SYSCALL:
      isBroken = true
      return systemError == 0 ? .ended : .failed(String(cString: strerror(systemError)))
    default:
      isBroken = true
      // A peer that closes without close_notify: an end, since every framing shows whether something is missing.
      if TLSError.isUnexpectedEnd() {
        ERR_clear_error()
        return .ended
      }
      if let words = problem.text {
        ERR_clear_error()
        return .failed(words)
      }
      return .failed(TLSError.takeText())
    }
  }
}
