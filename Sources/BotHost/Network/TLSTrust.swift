import COpenSSL
import Glibc
import Synchronization

/// Which certificates are trusted, and what is demanded of every session: one OpenSSL context, used by many sessions. Immutable once made.
final class TLSTrust: @unchecked Sendable {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// SSL_OP_NO_COMPRESSION (bit 17) and SSL_OP_NO_RENEGOTIATION (bit 30), macros that Swift does not import.
  private static let options: UInt64 = 1 << 17 | 1 << 30

  let context: OpaquePointer

  /// Reads the system's store and the PEM file, if one is named; blocks for as long as the disk does.
  init(certificateFile: String) throws(Failure) {
    ERR_clear_error()
    guard let context = SSL_CTX_new(TLS_client_method()) else {
      throw Failure(description: "TLS is not available: \(TLSError.takeText())")
    }
    self.context = context
    // Function forms of macros: the oldest version, and partial writes from a buffer that may have moved.
    SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
    SSL_CTX_ctrl(
      context, SSL_CTRL_MODE,
      Int(SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS), nil)
    SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF), nil)
    SSL_CTX_ctrl(context, SSL_CTRL_SET_READ_AHEAD, 1, nil)
    SSL_CTX_set_options(context, Self.options)
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, CertificateProblem.verify)
    SSL_CTX_set_default_verify_paths(context)
    ERR_clear_error()
    guard !certificateFile.isEmpty else { return }
    // A file that names a server's own certificate trusts that certificate, without its authority.
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), UInt(X509_V_FLAG_PARTIAL_CHAIN))
    guard access(certificateFile, R_OK) == 0 else {
      throw Failure(description: "the CA file \(certificateFile) cannot be read: \(String(cString: strerror(errno)))")
    }
    if SSL_CTX_load_verify_file(context, certificateFile) != 1 {
      throw Failure(description: "the CA file \(certificateFile) holds no PEM certificate: \(TLSError.takeText())")
    }
  }

  deinit { SSL_CTX_free(context) }

  // MARK: Sharing

  /// A context is made again when one of the files has changed since.
  private struct Key: Hashable {
    let certificateFile: String
    let stamps: [Int64]

    init(_ certificateFile: String) {
      self.certificateFile = certificateFile
      let system = [X509_get_default_cert_file(), X509_get_default_cert_dir()].compactMap { $0 }.map {
        String(cString: $0)
      }
      stamps = ([certificateFile] + system).flatMap { path -> [Int64] in
        var status = stat()
        guard stat(path, &status) == 0 else { return [0, 0, 0] }
        return [
          Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec), Int64(status.st_size),
          Int64(bitPattern: UInt64(status.st_ino)),
        ]
      }
    }
  }

  private static let made = Mutex<[Key: TLSTrust]>([:])

  /// The context for a CA file (empty: the system's store alone); read from disk when there is none yet or the file has changed. Blocks.
  static func shared(certificateFile: String) throws(Failure) -> TLSTrust {
    let key = Key(certificateFile)
    if let known = made.withLock({ $0[key] }) { return known }
    let trust = try TLSTrust(certificateFile: certificateFile)
    made.withLock { made in
      for old in made.keys where old.certificateFile == certificateFile { made[old] = nil }
      if made.count >= 64 { made.removeAll() }
      made[key] = trust
    }
    return trust
  }
}
