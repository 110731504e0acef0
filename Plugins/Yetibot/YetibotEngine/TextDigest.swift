import COpenSSL

/// Digests of texts, in hexadecimal.
enum TextDigest: String {
  case md5, sha, sha256, sha384, sha512

  private var function: OpaquePointer? {
    switch self {
    case .md5: EVP_md5()
    case .sha: EVP_sha1()
    case .sha256: EVP_sha256()
    case .sha384: EVP_sha384()
    case .sha512: EVP_sha512()
    }
  }

  /// The digest of the text's UTF-8; nil where libcrypto has none of the kind, as some restricted builds have no MD5.
  func hexadecimal(of text: String) -> String? {
    let bytes = Array(text.utf8)
    var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var length: UInt32 = 0
    guard EVP_Digest(bytes, bytes.count, &digest, &length, function, nil) == 1 else { return nil }
    return digest.prefix(Int(length)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
