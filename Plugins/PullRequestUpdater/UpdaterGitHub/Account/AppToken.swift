import COpenSSL
import FoundationEssentials

/// The token with which a GitHub App says who it is: a JWT (RFC 7519) signed with RS256 (RFC 7518, section 3.3), as GitHub wants it: begun
/// a minute ago, because clocks differ, and over within ten minutes.
enum AppToken {
  /// - Parameters:
  ///   - issuer: the App's id or client id.
  ///   - key: the App's private key, PEM, PKCS #1 as GitHub gives it or PKCS #8.
  ///   - now: seconds since 1970.
  static func make(issuer: String, key: UnsafeRawBufferPointer, now: Int64) throws -> String {
    struct Claims: Encodable {
      var iat: Int64
      var exp: Int64
      var iss: String
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let claims = try encoder.encode(Claims(iat: now - 60, exp: now + 540, iss: issuer))
    let signed = "\(base64url(Data(#"{"alg":"RS256","typ":"JWT"}"#.utf8))).\(base64url(claims))"
    return "\(signed).\(base64url(Data(try signature(of: Array(signed.utf8), key: key))))"
  }

  /// RFC 7515, section 2: without padding.
  static func base64url(_ data: Data) -> String {
    String(
      data.base64EncodedString().compactMap { character -> Character? in
        switch character {
        case "+": "-"
        case "/": "_"
        case "=": nil
        default: character
        }
      })
  }

  /// RSASSA-PKCS1-v1_5 with SHA-256.
  private static func signature(of message: [UInt8], key: UnsafeRawBufferPointer) throws -> [UInt8] {
    let isNoKey = GitHubFailure(
      .credentials, "the App's key is no RSA private key in PEM; give the file that GitHub made, as it is")
    guard let source = BIO_new_mem_buf(key.baseAddress, Int32(clamping: key.count)) else { throw isNoKey }
    defer { BIO_free(source) }
    // Nobody is asked for the password of a key that has one.
    guard let privateKey = PEM_read_bio_PrivateKey(source, nil, { _, _, _, _ in 0 }, nil) else {
      ERR_clear_error()
      throw isNoKey
    }
    defer { EVP_PKEY_free(privateKey) }
    guard EVP_PKEY_is_a(privateKey, "RSA") == 1, let context = EVP_MD_CTX_new() else { throw isNoKey }
    defer { EVP_MD_CTX_free(context) }
    var length = 0
    guard EVP_DigestSignInit(context, nil, EVP_sha256(), nil, privateKey) == 1,
      EVP_DigestSign(context, nil, &length, message, message.count) == 1
    else { throw isNoKey }
    var signature = [UInt8](repeating: 0, count: length)
    guard EVP_DigestSign(context, &signature, &length, message, message.count) == 1 else { throw isNoKey }
    return Array(signature.prefix(length))
  }
}
