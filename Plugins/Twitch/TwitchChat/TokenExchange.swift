/// The two questions about a token, and their answers, as Twitch's identity service has them (its documentation calls the first "validating
/// tokens", the second "refreshing access tokens", which is RFC 6749, section 6).
public enum TokenExchange {
  /// The value of the header `Authorization` of a check; nil when the token is empty or holds what no header can carry.
  public static func authorization(_ token: UnsafeRawBufferPointer) -> String? {
    bare(token).map { "OAuth \($0)" }
  }

  /// The token without `oauth:` before and white space behind it, which people copy along; nil when nothing is left, or a byte that is not
  /// printed in ASCII.
  public static func bare(_ token: UnsafeRawBufferPointer) -> String? {
    var view = ByteView(token)
    while view.count > 0, view[view.count - 1] <= 0x20 { view = view.slice(0, view.count - 1) }
    if view.hasPrefix("oauth:") { view = view.suffix(from: 6) }
    guard !view.isEmpty, (0..<view.count).allSatisfy({ view[$0] > 0x20 && view[$0] < 0x7F }) else { return nil }
    return view.string
  }

  /// The body of a renewal, `application/x-www-form-urlencoded`.
  /// - Parameter clientSecret: nil for a client that has none (a "public" one).
  public static func form(refreshToken: String, clientID: String, clientSecret: String?) -> String {
    var members = [("grant_type", "refresh_token"), ("refresh_token", refreshToken), ("client_id", clientID)]
    if let clientSecret { members.append(("client_secret", clientSecret)) }
    return members.map { "\($0)=\(encoded($1))" }.joined(separator: "&")
  }

  /// Everything but what RFC 3986, section 2.3, calls unreserved is percent-encoded.
  private static func encoded(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
        result.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        result += byte < 0x10 ? "%0\(digits)" : "%\(digits)"
      }
    }
    return result
  }
}
