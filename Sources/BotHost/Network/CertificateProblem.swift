import COpenSSL
import Glibc

/// Notes, while a chain of certificates is checked, what is wrong with which of them.
///
/// After a refusal OpenSSL no longer has the chain, so that the words have to be found when the check fails.
final class CertificateProblem {
  /// Whom the certificate should be for.
  let server: String
  fileprivate(set) var text: String?

  init(server: String) { self.server = server }

  /// Has the session report to this object, which must outlive it. The object is found through the session's "application data", index 0
  /// (the macro SSL_set_app_data).
  func attach(to session: OpaquePointer) {
    SSL_set_ex_data(session, 0, Unmanaged.passUnretained(self).toOpaque())
  }

  /// OpenSSL's callback: called for each certificate; the first problem ends the check.
  static let verify: @convention(c) (Int32, OpaquePointer?) -> Int32 = { isGood, check in
    guard isGood != 1, let check else { return isGood }
    if let session = X509_STORE_CTX_get_ex_data(check, SSL_get_ex_data_X509_STORE_CTX_idx()),
      let data = SSL_get_ex_data(OpaquePointer(session), 0)
    {
      let problem = Unmanaged<CertificateProblem>.fromOpaque(data).takeUnretainedValue()
      problem.text = CertificateProblem.words(
        X509_STORE_CTX_get_error(check), depth: X509_STORE_CTX_get_error_depth(check),
        certificate: X509_STORE_CTX_get_current_cert(check), server: problem.server)
    }
    return 0
  }

  /// What is wrong, in words. `depth` 0 is the server's own certificate, above it are those of authorities.
  private static func words(_ code: Int32, depth: Int32, certificate: OpaquePointer?, server: String) -> String {
    let subject = "the certificate of \(server)"
    let which =
      depth == 0
      ? subject : "the certificate of the authority '\(subjectName(certificate))', which stands behind \(server)'s,"
    switch code {
    case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "\(subject) is for \(names(certificate))"
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "\(which) expired on \(day(certificate.flatMap { X509_get0_notAfter($0) }))"
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return
        "\(which) is valid only from \(day(certificate.flatMap { X509_get0_notBefore($0) })); is this machine's clock right?"
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return "\(subject) is self-signed and not trusted; to trust it, name it in the CA file"
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return
        "\(subject) is signed by an unknown authority, '\(subjectName(certificate))'; to trust it, name its certificate in the CA file"
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
      X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return
        "\(subject) is signed by an unknown authority, '\(issuerName(certificate))'; to trust it, name its certificate in the CA file"
    case X509_V_ERR_CERT_REVOKED:
      return "\(which) has been revoked"
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return "\(which) has a signature that is wrong"
    default:
      let words = X509_verify_cert_error_string(Int(code)).map { String(cString: $0) } ?? "error \(code)"
      return "\(which) is refused: \(words)"
    }
  }

  // MARK: Reading certificates

  private static func subjectName(_ certificate: OpaquePointer?) -> String {
    commonName(certificate.flatMap { X509_get_subject_name($0) })
  }

  private static func issuerName(_ certificate: OpaquePointer?) -> String {
    commonName(certificate.flatMap { X509_get_issuer_name($0) })
  }

  /// The common name, or, where there is none, the whole name.
  private static func commonName(_ name: OpaquePointer?) -> String {
    guard let name else { return "unknown" }
    var buffer = [CChar](repeating: 0, count: 256)
    if X509_NAME_get_text_by_NID(name, NID_commonName, &buffer, 256) <= 0 { X509_NAME_oneline(name, &buffer, 256) }
    return printable(buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) })
  }

  /// The names and addresses that a certificate is for (RFC 6125), the first five.
  private static func names(_ certificate: OpaquePointer?) -> String {
    guard let certificate else { return "another name" }
    var found: [String] = []
    if let extensionData = X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) {
      let list = OpaquePointer(extensionData)
      defer { GENERAL_NAMES_free(list) }
      for index in 0..<OPENSSL_sk_num(list) {
        guard let entry = OPENSSL_sk_value(list, index)?.assumingMemoryBound(to: GENERAL_NAME.self) else { continue }
        if entry.pointee.type == GEN_DNS {
          found.append(printable(bytes(entry.pointee.d.dNSName)))
        } else if entry.pointee.type == GEN_IPADD {
          found.append(address(bytes(entry.pointee.d.iPAddress)))
        }
      }
    }
    if found.isEmpty { found = ["'\(subjectName(certificate))'"] }
    let shown = found.prefix(5).joined(separator: ", ")
    return found.count > 5 ? "\(shown) and \(found.count - 5) more" : shown
  }

  private static func bytes(_ string: UnsafeMutablePointer<ASN1_STRING>?) -> [UInt8] {
    guard let string, let data = ASN1_STRING_get0_data(string) else { return [] }
    return Array(UnsafeBufferPointer(start: data, count: Int(ASN1_STRING_length(string))))
  }

  private static func address(_ bytes: [UInt8]) -> String {
    var text = [CChar](repeating: 0, count: 64)
    guard bytes.count == 4 || bytes.count == 16,
      inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, bytes, &text, 64) != nil
    else { return "an address" }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// What a stranger wrote into a certificate goes into logs: printable ASCII only, and not much of it.
  private static func printable(_ bytes: [UInt8]) -> String {
    String(decoding: bytes.prefix(100).map { $0 >= 0x20 && $0 < 0x7F ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
  }

  /// `2026-01-31`.
  private static func day(_ time: UnsafePointer<ASN1_TIME>?) -> String {
    var parts = tm()
    guard let time, ASN1_TIME_to_tm(time, &parts) == 1 else { return "an unreadable date" }
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
  }
}
