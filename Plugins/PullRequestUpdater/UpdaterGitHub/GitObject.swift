import COpenSSL

/// Names of git's objects, so that two contents can be compared without fetching either.
public enum GitObject {
  /// The name of a file's content: SHA-1 over its header and its bytes (gitformat-pack, "Object types").
  public static func blob(_ content: [UInt8]) -> String {
    let bytes = Array("blob \(content.count)\0".utf8) + content
    var digest = [UInt8](repeating: 0, count: 20)
    var length: UInt32 = 0
    EVP_Digest(bytes, bytes.count, &digest, &length, EVP_sha1(), nil)
    return Digest.hexadecimal(digest)
  }
}
