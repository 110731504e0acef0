import COpenSSL

/// OpenSSL's queue of errors, in words.
enum TLSError {
  /// Empties the calling thread's queue. What an operator can act upon is said plainly, the rest in OpenSSL's words.
  static func takeText() -> String {
    var texts: [String] = []
    while true {
      let code = ERR_get_error()
      if code == 0 { break }
      guard texts.count < 4 else { continue }
      let text = words(code)
      if !texts.contains(text) { texts.append(text) }
    }
    return texts.isEmpty ? "the TLS session failed" : texts.joined(separator: "; ")
  }

  /// Whether the next error says that the stream ended without the session being ended.
  static func isUnexpectedEnd() -> Bool { reason(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING }

  /// ERR_GET_REASON, an inline function of macros: the lower 23 bits, unless the error is the system's.
  private static func reason(_ code: UInt) -> Int32 {
    code & 0x8000_0000 != 0 ? 0 : Int32(truncatingIfNeeded: code & 0x7F_FFFF)
  }

  private static func words(_ code: UInt) -> String {
    switch reason(code) {
    case SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST, SSL_R_PACKET_LENGTH_TOO_LONG:
      return "the server does not speak TLS on this port"
    case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
      return "the server offers no TLS 1.2 or newer"
    case SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
      return "the server does not speak the protocol that was offered by ALPN"
    case SSL_R_TLSV1_UNRECOGNIZED_NAME:
      return "the server has nothing under this name"
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return "the server demands a client certificate"
    default:
      guard let text = ERR_reason_error_string(code) else { return "TLS error \(String(code, radix: 16))" }
      return String(cString: text)
    }
  }
}
