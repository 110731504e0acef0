/// The question whether a token is good, and the answer, as Twitch's endpoint for it speaks: `GET /oauth2/validate` over HTTP (RFC 9112), the
/// token as the header `Authorization: OAuth …`, a JSON object as the answer. Twitch wants it asked at the start and every hour.
///
/// A machine without input and output of its own: it makes the request, and is given the bytes that come.
public struct TokenCheck: Sendable {
  /// Where to ask.
  public struct Endpoint: Hashable, Sendable {
    public var isTLS: Bool
    public var host: String
    public var port: Int
    public var path: String

    /// Twitch's own.
    public static let twitch = Endpoint(isTLS: true, host: "id.twitch.tv", port: 443, path: "/oauth2/validate")

    public init(isTLS: Bool, host: String, port: Int, path: String) {
      (self.isTLS, self.host, self.port, self.path) = (isTLS, host, port, path)
    }

    /// Reads `https://HOST[:PORT]/PATH`, or `http://`; nil for anything else. An address of IPv6 stands in brackets.
    public init?(url: String) {
      let isTLS = url.hasPrefix("https://")
      guard isTLS || url.hasPrefix("http://"), url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
      let rest = url.dropFirst(isTLS ? 8 : 7)
      let slash = rest.firstIndex(of: "/") ?? rest.endIndex
      var authority = rest[..<slash]
      var port = isTLS ? 443 : 80
      let bracket = authority.lastIndex(of: "]")
      if let colon = authority.lastIndex(of: ":"), bracket.map({ colon > $0 }) ?? true {
        guard let number = Int(authority[authority.index(after: colon)...]), (1...65_535).contains(number) else {
          return nil
        }
        port = number
        authority = authority[..<colon]
      }
      if authority.hasPrefix("["), authority.hasSuffix("]") { authority = authority.dropFirst().dropLast() }
      guard !authority.isEmpty, !authority.contains("@") else { return nil }
      let path = rest[slash...]
      self.init(isTLS: isTLS, host: String(authority), port: port, path: path.isEmpty ? "/" : String(path))
    }
  }

  /// What the answer says.
  public enum Verdict: Hashable, Sendable {
    /// Good; the body is `{"client_id", "login", "scopes", "user_id", "expires_in"}`.
    case valid(body: [UInt8])
    /// Not good, or no more.
    case invalid
    /// Nobody knows: the answer is none, or not about the token.
    case unknown(String)
  }

  /// Bytes of an answer that are looked at.
  private static let limit = 64 << 10
  private var answer: [UInt8] = []

  public init() {}

  /// The request; nil when the token holds a byte that would end its line. HTTP/1.0, so that the answer ends with its connection.
  public static func request(_ endpoint: Endpoint, token: UnsafeRawBufferPointer) -> [UInt8]? {
    var view = ByteView(token)
    while view.count > 0, view[view.count - 1] <= 0x20 { view = view.slice(0, view.count - 1) }
    if view.hasPrefix("oauth:") { view = view.suffix(from: 6) }
    guard !view.isEmpty else { return nil }
    for index in 0..<view.count where view[index] <= 0x20 || view[index] >= 0x7F { return nil }
    return Array("GET \(endpoint.path) HTTP/1.0\r\nHost: \(endpoint.host)\r\nAuthorization: OAuth ".utf8) + view.array
      + Array("\r\nAccept: application/json\r\nConnection: close\r\n\r\n".utf8)
  }

  /// Takes in what has come.
  public mutating func receive(_ bytes: UnsafeRawBufferPointer) {
    answer.append(contentsOf: bytes.prefix(max(0, Self.limit - answer.count)))
  }

  /// What it all says, when the connection has ended.
  public var verdict: Verdict {
    guard !answer.isEmpty else { return .unknown("there was no answer") }
    // HTTP/1.1 200 OK
    let line = answer.prefix { $0 != 0x0D && $0 != 0x0A }
    let words = line.split(separator: 0x20, maxSplits: 2)
    guard words.count >= 2, words[0].starts(with: "HTTP/".utf8), words[1].count == 3,
      let status = Int(String(decoding: words[1], as: UTF8.self))
    else { return .unknown("the answer is not HTTP") }
    switch status {
    case 200:
      guard let end = Self.endOfHeaders(answer) else { return .unknown("the answer has no end") }
      return .valid(body: Array(answer[end...]))
    case 401: return .invalid
    default: return .unknown("the answer is \(String(decoding: line.prefix(80), as: UTF8.self))")
    }
  }

  private static func endOfHeaders(_ bytes: [UInt8]) -> Int? {
    var index = 0
    while index + 3 < bytes.count {
      if bytes[index] == 0x0D, bytes[index + 1] == 0x0A, bytes[index + 2] == 0x0D, bytes[index + 3] == 0x0A {
        return index + 4
      }
      index += 1
    }
    return nil
  }
}
