import COpenSSL
import Glibc

/// TLS as a client, with OpenSSL: TLS 1.2 or newer, certificates verified against the system's store and an optional file, and the
/// server's name checked.
final class TLSSession {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  enum Progress: Equatable {
    case done(Int)
    case wantsRead
    case wantsWrite
    /// The other side has ended the session in order.
    case ended
    case failed(String)
  }

  /// SSL_OP_NO_RENEGOTIATION (bit 30) and SSL_OP_NO_COMPRESSION (bit 17), macros that Swift does not import.
  private static let options: UInt64 = 1 << 30 | 1 << 17

  /// What is to be said of a certificate that was refused.
  private final class Refused {
    private(set) var name: String?
    private(set) var expiry: String?

    func note(_ certificate: OpaquePointer?) {
      guard let certificate else { return }
      var buffer = [CChar](repeating: 0, count: 256)
      let length = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, &buffer, 256)
      if length > 0 {
        name = String(decoding: buffer.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
      }
      var time = tm()
      if let end = X509_get0_notAfter(certificate), ASN1_TIME_to_tm(end, &time) == 1 {
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        expiry = "\(time.tm_year + 1900)-\(two(time.tm_mon + 1))-\(two(time.tm_mday))"
      }
    }
  }

  private let refused = Refused()
  private let context: OpaquePointer
  private let session: OpaquePointer
  private let serverName: String

  init(descriptor: Int32, spec: ConnectionSpec) throws {
    ERR_clear_error()
    guard let context = SSL_CTX_new(TLS_client_method()) else {
      throw Failure(description: "TLS is not to be had: \(Self.queuedErrors())")
    }
    self.context = context
    serverName = spec.serverName
    SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
    SSL_CTX_set_options(context, Self.options)
    // A certificate that is refused is not kept by the session, so what there is to say of it is noted while it is looked at.
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER) { accepted, store in
      guard accepted == 0, let store else { return accepted }
      let session = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()).map { OpaquePointer($0) }
      if let session, let noted = SSL_get_ex_data(session, 0) {
        Unmanaged<Refused>.fromOpaque(noted).takeUnretainedValue().note(X509_STORE_CTX_get_current_cert(store))
      }
      return accepted
    }
    SSL_CTX_set_default_verify_paths(context)
    if !spec.certificateFile.isEmpty, SSL_CTX_load_verify_file(context, spec.certificateFile) != 1 {
      let reason = Self.queuedErrors()
      SSL_CTX_free(context)
      throw Failure(description: "the certificate file \(spec.certificateFile) cannot be used: \(reason)")
    }
    guard let session = SSL_new(context) else {
      SSL_CTX_free(context)
      throw Failure(description: "TLS is not to be had: \(Self.queuedErrors())")
    }
    self.session = session
    SSL_set_ex_data(session, 0, Unmanaged.passUnretained(refused).toOpaque())
    SSL_set_fd(session, descriptor)
    // Partial writes, and a buffer that may have moved between two tries: SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER.
    SSL_ctrl(session, SSL_CTRL_MODE, Int(SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER), nil)
    if Self.isAddress(serverName) {
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), serverName)
    } else {
      SSL_set_hostflags(session, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
      SSL_set1_host(session, serverName)
      // The macro SSL_set_tlsext_host_name, which Swift does not import.
      serverName.withCString { name in
        _ = SSL_ctrl(
          session, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name), UnsafeMutableRawPointer(mutating: name)
        )
      }
    }
    if !spec.alpn.isEmpty {
      let wire = [UInt8(truncatingIfNeeded: spec.alpn.utf8.count)] + Array(spec.alpn.utf8)
      SSL_set_alpn_protos(session, wire, UInt32(wire.count))
    }
    SSL_set_connect_state(session)
  }

  deinit {
    SSL_free(session)
    SSL_CTX_free(context)
  }

  static func isAddress(_ text: String) -> Bool {
    var buffer = in6_addr()
    return inet_pton(AF_INET, text, &buffer) == 1 || inet_pton(AF_INET6, text, &buffer) == 1
  }

  func handshake() -> Progress {
    ERR_clear_error()
    return progress(of: SSL_do_handshake(session), handshake: true)
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) -> Progress {
    ERR_clear_error()
    return progress(of: SSL_read(session, buffer.baseAddress, Int32(clamping: buffer.count)))
  }

  func write(_ bytes: UnsafeRawBufferPointer) -> Progress {
    ERR_clear_error()
    return progress(of: SSL_write(session, bytes.baseAddress, Int32(clamping: bytes.count)))
  }

  /// Sends close_notify; what the other side answers is not waited for.
  func end() {
    ERR_clear_error()
    SSL_shutdown(session)
  }

  /// Bytes that are decrypted and not read yet: the socket will not announce them.
  var hasPending: Bool { SSL_pending(session) > 0 }

  var version: String { SSL_get_version(session).map { String(cString: $0) } ?? "TLS" }

  var alpn: String? {
    var bytes: UnsafePointer<UInt8>?
    var count: UInt32 = 0
    SSL_get0_alpn_selected(session, &bytes, &count)
    guard let bytes, count > 0 else { return nil }
    return String(decoding: UnsafeBufferPointer(start: bytes, count: Int(count)), as: UTF8.self)
  }

  private func progress(of result: Int32, handshake: Bool = false) -> Progress {
    if result > 0 { return .done(Int(result)) }
    let systemError = errno
    switch SSL_get_error(session, result) {
    case SSL_ERROR_WANT_READ: return .wantsRead
    case SSL_ERROR_WANT_WRITE: return .wantsWrite
    case SSL_ERROR_ZERO_RETURN: return .ended
    case SSL_ERROR_SYSCALL:
      if systemError == 0 {
        return handshake ? .failed("the server closed the connection during the TLS handshake") : .ended
      }
      return .failed(String(cString: strerror(systemError)))
    default:
      if handshake, let problem = certificateProblem() { return .failed(problem) }
      let errors = Self.queuedErrors()
      // A peer that closes without close_notify: an end, since every framing shows whether something is missing.
      if errors.contains("unexpected eof") {
        return handshake ? .failed("the server closed the connection during the TLS handshake") : .ended
      }
      return .failed(errors)
    }
  }

  /// What is wrong with the server's certificate, in words.
  private func certificateProblem() -> String? {
    let result = Int32(SSL_get_verify_result(session))
    guard result != X509_V_OK else { return nil }
    switch result {
    case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "the certificate of \(serverName) is for \(refused.name ?? "another name")"
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "the certificate of \(serverName) expired" + (refused.expiry.map { " on \($0)" } ?? "")
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "the certificate of \(serverName) is not valid yet; is this machine's clock right?"
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return "the certificate of \(serverName) is self-signed and not trusted; name it in a CA file to trust it"
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
      X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "the certificate of \(serverName) is signed by an authority that this machine does not know"
    default:
      let words = X509_verify_cert_error_string(Int(result)).map { String(cString: $0) } ?? "it cannot be verified"
      return "the certificate of \(serverName) is refused: \(words)"
    }
  }

  static func queuedErrors() -> String {
    var texts: [String] = []
    while true {
      let code = ERR_get_error()
      if code == 0 { break }
      if let reason = ERR_reason_error_string(code) { texts.append(String(cString: reason)) }
    }
    return texts.isEmpty ? "the TLS session failed" : texts.joined(separator: "; ")
  }
}
