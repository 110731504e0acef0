import COpenSSL
import Foundation

/// A GitHub App with one installation. Its JWTs are checked as GitHub checks them.
final class SimulatedApp {
  let id = "424242"
  let slug = "bothost-updater"
  let installation = 77
  /// PKCS #1, as GitHub gives keys.
  let privateKey: String
  private let key: OpaquePointer
  /// Until when a token is good, in seconds since 1970.
  var tokens: [String: Int] = [:]
  var lifetime = 3600
  private var given = 0

  init?() {
    guard let context = EVP_PKEY_CTX_new_from_name(nil, "RSA", nil) else { return nil }
    defer { EVP_PKEY_CTX_free(context) }
    var made: OpaquePointer?
    guard EVP_PKEY_keygen_init(context) == 1, EVP_PKEY_CTX_set_rsa_keygen_bits(context, 2048) == 1,
      EVP_PKEY_generate(context, &made) == 1, let made, let output = BIO_new(BIO_s_mem())
    else { return nil }
    defer { BIO_free(output) }
    key = made
    guard PEM_write_bio_PrivateKey_traditional(output, made, nil, nil, 0, nil, nil) == 1 else { return nil }
    var bytes = [UInt8](repeating: 0, count: 8192)
    let count = BIO_read(output, &bytes, Int32(bytes.count))
    guard count > 0 else { return nil }
    privateKey = String(decoding: bytes.prefix(Int(count)), as: UTF8.self)
  }

  deinit { EVP_PKEY_free(key) }

  func login(of token: String, at now: Int) -> String? {
    tokens[token].flatMap { now < $0 ? "\(slug)[bot]" : nil }
  }

  /// nil for a call that is none of the App's own.
  func answer(
    _ call: GitHubSimulator.Record, token: String, at now: Int, _ simulator: GitHubSimulator
  ) -> SimulatedAnswer? {
    let parts = call.path.split(separator: "/").map(String.init)
    let isInstallation = parts.count == 4 && parts[0] == "repos" && parts[3] == "installation"
    let isToken = parts.count == 4 && parts[0] == "app" && parts[3] == "access_tokens"
    guard call.path == "/app" || isInstallation || isToken else { return nil }
    guard isGenuine(token, at: now) else { return .message(401, "A JSON web token could not be decoded") }
    if call.path == "/app" { return SimulatedAnswer(200, ["id": Int(id) ?? 0, "slug": slug]) }
    if isInstallation {
      return simulator.repositories["\(parts[1])/\(parts[2])".lowercased()] == nil
        ? .notFound : SimulatedAnswer(200, ["id": installation])
    }
    guard parts[2] == "\(installation)" else { return .notFound }
    given += 1
    let new = "ghs_simulated\(given)"
    tokens[new] = now + lifetime
    return SimulatedAnswer(
      201,
      [
        "token": new, "expires_at": GitHubSimulator.text(now + lifetime),
        "permissions": call.json["permissions"] ?? [:],
      ])
  }

  private func isGenuine(_ token: String, at now: Int) -> Bool {
    let parts = token.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 3, let header = Self.object(parts[0]), let claims = Self.object(parts[1]),
      let signature = Self.data(parts[2]), header["alg"] as? String == "RS256",
      claims["iss"] as? String == id, let begin = claims["iat"] as? Int, let end = claims["exp"] as? Int,
      begin <= now, end > now, end <= now + 600, let context = EVP_MD_CTX_new()
    else { return false }
    defer { EVP_MD_CTX_free(context) }
    let signed = Array("\(parts[0]).\(parts[1])".utf8)
    return EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, key) == 1
      && EVP_DigestVerify(context, Array(signature), signature.count, signed, signed.count) == 1
  }

  private static func data(_ text: String) -> Data? {
    let plain = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
    return Data(base64Encoded: plain + String(repeating: "=", count: (4 - plain.count % 4) % 4))
  }

  private static func object(_ text: String) -> [String: Any]? {
    data(text).flatMap { (try? JSONSerialization.jsonObject(with: $0)) as? [String: Any] }
  }
}
