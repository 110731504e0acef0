/// What is asked of a server, and how much it may cost. A value: making one does nothing.
public struct HTTPRequest: Sendable {
  /// A header. Its name and value must be of one line: what has a line's end in it is refused when the request is sent.
  public struct Header: Sendable {
    public var name: String
    public var value: String
    /// It goes to the origin of the address alone, not along with a redirect to another, and its value appears in no message.
    /// `Authorization`, `Cookie` and `Proxy-Authorization` always are.
    public var isSecret: Bool

    public init(_ name: String, _ value: String, isSecret: Bool = false) {
      self.name = name
      self.value = value
      self.isSecret = isSecret || ["authorization", "cookie", "proxy-authorization"].contains(name.lowercased())
    }
  }

  /// A member of the query that is a secret: it is added to the address when the request is sent, to its origin alone.
  public struct SecretQuery: Sendable {
    public var name: String
    public var value: String

    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// `GET`, `HEAD`, `POST` and so on, in capitals.
  public var method: String
  public var address: HTTPAddress
  public var headers: [Header]
  public var secretQuery: [SecretQuery] = []
  public var body: [UInt8]?
  /// From `send` to the last byte of the answer, redirects and the time in the queue included.
  public var timeout: Duration = .seconds(10)
  /// How long each connection may take to be made.
  public var connectTimeout: Duration = .seconds(5)
  /// The largest body of an answer, unpacked, in bytes.
  public var maximumBody = 1_048_576
  /// How many redirects are followed; with 0 the redirect itself is the response.
  public var redirectLimit = 5
  public var reach = Reach()

  public init(_ method: String = "GET", _ address: HTTPAddress, headers: [Header] = [], body: [UInt8]? = nil) {
    self.method = method
    self.address = address
    self.headers = headers
    self.body = body
  }

  /// A text from elsewhere, such as a server's complaint, without what is secret here.
  public func masking(_ text: String) -> String {
    var text = text
    // Of `Bearer …` the last word is the secret.
    let values = headers.filter(\.isSecret).flatMap {
      [$0.value] + $0.value.split(separator: " ").suffix(1).map(String.init)
    }
    for secret in values + secretQuery.map(\.value) where secret.utf8.count >= 4 {
      text = text.replacing(secret, with: "…")
    }
    return text
  }
}
