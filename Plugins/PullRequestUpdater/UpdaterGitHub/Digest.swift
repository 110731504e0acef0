import COpenSSL

/// SHA-256 (FIPS 180-4) and the HMAC over it (RFC 2104), by libcrypto.
public enum Digest {
  public static func sha256(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    let input = Array(bytes)
    var output = [UInt8](repeating: 0, count: 32)
    var length: UInt32 = 0
    EVP_Digest(input, input.count, &output, &length, EVP_sha256(), nil)
    return output
  }

  /// The first digits of a text's digest.
  public static func hexadecimal(_ text: String, digits: Int = 64) -> String {
    String(hexadecimal(sha256(text.utf8)).prefix(digits))
  }

  public static func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// Empty when libcrypto cannot do it.
  static func hmac(_ message: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer) -> [UInt8] {
    var output = [UInt8](repeating: 0, count: 32)
    var length = 0
    // A null address with a length of zero is not accepted as an empty message.
    var nothing: UInt8 = 0
    let isDone = withUnsafePointer(to: &nothing) { nothing in
      EVP_Q_mac(
        nil, "HMAC", nil, "SHA256", nil, key.baseAddress ?? UnsafeRawPointer(nothing), key.count,
        message.bindMemory(to: UInt8.self).baseAddress ?? nothing, message.count, &output, output.count, &length)
    }
    return isDone != nil && length == 32 ? output : []
  }

  /// Takes the same time wherever two texts of one length differ.
  static func areEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool {
    one.count == other.count && CRYPTO_memcmp(one, other, one.count) == 0
  }
}
