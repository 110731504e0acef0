import COpenSSL
import Glibc

/// A certificate authority that lives as long as the process, and a certificate of its, for the simulators.
public final class Certificates: @unchecked Sendable {
  // Unchecked: nothing changes after the initializer, and OpenSSL lets every thread use a context.

  public struct Failure: Error, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
  }

  /// The PEM file that a client has to trust, in a directory of its own.
  public let file: String
  private let directory: String
  /// An `SSL_CTX` for servers, with the certificate.
  public let context: OpaquePointer

  /// - Parameter names: whom the certificate is for, as OpenSSL writes `subjectAltName`.
  public init(names: String) throws {
    var template = Array("/tmp/bothost-certificates.XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else {
      throw Failure("cannot make a directory in /tmp: \(String(cString: strerror(errno)))")
    }
    directory = String(cString: made)
    file = directory + "/ca.pem"

    let authorityKey = try Self.makeKey()
    defer { EVP_PKEY_free(authorityKey) }
    let authority = try Self.makeCertificate(
      name: "CA of \(names.prefix(32))", key: authorityKey, issuer: nil, signedBy: authorityKey, serial: 1,
      extensions: [
        (NID_basic_constraints, "critical,CA:TRUE"), (NID_key_usage, "critical,keyCertSign,cRLSign"),
      ])
    defer { X509_free(authority) }
    let key = try Self.makeKey()
    defer { EVP_PKEY_free(key) }
    let certificate = try Self.makeCertificate(
      name: "localhost", key: key, issuer: authority, signedBy: authorityKey, serial: 2,
      extensions: [
        (NID_basic_constraints, "critical,CA:FALSE"), (NID_ext_key_usage, "serverAuth"),
        (NID_subject_alt_name, names),
      ])
    defer { X509_free(certificate) }

    guard let output = fopen(file, "w") else {
      throw Failure("cannot write \(file): \(String(cString: strerror(errno)))")
    }
    let written = PEM_write_X509(output, authority)
    fclose(output)
    guard written == 1 else { throw Failure("cannot write \(file)") }

    guard let context = SSL_CTX_new(TLS_server_method()) else { throw Failure("no TLS context") }
    guard SSL_CTX_use_certificate(context, certificate) == 1, SSL_CTX_use_PrivateKey(context, key) == 1 else {
      throw Failure("TLS takes no certificate")
    }
    // What waits to be written grows and moves meanwhile.
    SSL_CTX_ctrl(context, SSL_CTRL_MODE, Int(SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER), nil)
    self.context = context
  }

  public func removeFiles() {
    unlink(file)
    rmdir(directory)
  }

  private static func makeKey() throws -> OpaquePointer {
    guard let context = EVP_PKEY_CTX_new_from_name(nil, "EC", nil) else { throw Failure("no EC keys") }
    defer { EVP_PKEY_CTX_free(context) }
    var key: OpaquePointer?
    guard EVP_PKEY_keygen_init(context) == 1, EVP_PKEY_CTX_set_group_name(context, "P-256") == 1,
      EVP_PKEY_generate(context, &key) == 1, let key
    else { throw Failure("cannot make a key") }
    return key
  }

  private static func makeCertificate(
    name: String, key: OpaquePointer, issuer: OpaquePointer?, signedBy signer: OpaquePointer, serial: Int,
    extensions: [(Int32, String)]
  ) throws -> OpaquePointer {
    guard let certificate = X509_new() else { throw Failure("no certificate") }
    X509_set_version(certificate, 2)
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial)
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600)
    X509_gmtime_adj(X509_getm_notAfter(certificate), 30 * 24 * 3600)
    X509_set_pubkey(certificate, key)
    let subject = X509_get_subject_name(certificate)
    X509_NAME_add_entry_by_txt(subject, "CN", 0x1000 | 1, name, -1, -1, 0)
    X509_set_issuer_name(certificate, issuer.map { X509_get_subject_name($0) } ?? subject)
    for (kind, value) in extensions {
      guard let item = X509V3_EXT_conf_nid(nil, nil, kind, value) else { throw Failure("no extension \(value)") }
      X509_add_ext(certificate, item, -1)
      X509_EXTENSION_free(item)
    }
    guard X509_sign(certificate, signer, EVP_sha256()) > 0 else { throw Failure("cannot sign") }
    return certificate
  }
}
