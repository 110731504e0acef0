import COpenSSL

/// The SHA-256 of a library's bytes: what a build is known by, whatever its file is called.
public struct ImageDigest: Sendable, Hashable, CustomStringConvertible {
  /// 32 bytes.
  public let bytes: [UInt8]

  /// Digests `bytes`; nil when libcrypto has no SHA-256 to offer, as in some restricted builds.
  public init?(of bytes: UnsafeRawBufferPointer) {
    var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var length: UInt32 = 0
    guard EVP_Digest(bytes.baseAddress, bytes.count, &digest, &length, EVP_sha256(), nil) == 1, length == 32 else {
      return nil
    }
    self.bytes = Array(digest.prefix(32))
  }

  /// 64 lower-case hexadecimal digits.
  public var description: String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// The first 12 digits: what reports and file names show.
  public var short: String { String(description.prefix(12)) }
}
