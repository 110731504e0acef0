/// What a server answered, whatever its status.
public struct HTTPResponse: Sendable {
  /// 100 to 599.
  public let status: Int
  /// The names in lower case, in the order in which they came.
  public let headers: [(name: String, value: String)]
  /// Unpacked; at most ``HTTPRequest/maximumBody`` bytes.
  public let body: [UInt8]
  /// Where the answer came from, after redirects; without the request's secrets.
  public let address: HTTPAddress

  public init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = [], address: HTTPAddress) {
    self.status = status
    self.headers = headers
    self.body = body
    self.address = address
  }

  /// The status is one of 200 to 299.
  public var isSuccess: Bool { (200..<300).contains(status) }

  /// The value of the first header of that name, which is written in lower case.
  public func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

  /// The media type in lower case, without its parameters; empty when the answer names none.
  public var mediaType: String {
    let value = header("content-type") ?? ""
    return String(value.prefix { $0 != ";" }).filter { !$0.isWhitespace }.lowercased()
  }

  /// The body as text. Bytes that are no UTF-8 become U+FFFD, unless the answer says that it is in Latin 1.
  public var text: String {
    let type = (header("content-type") ?? "").lowercased()
    if type.contains("charset=iso-8859-1") || type.contains("charset=\"iso-8859-1\"") {
      return String(String.UnicodeScalarView(body.map { Unicode.Scalar($0) }))
    }
    // A byte order mark is no part of the text.
    return String(decoding: body.starts(with: [0xEF, 0xBB, 0xBF]) ? body[3...] : body[...], as: UTF8.self)
  }

  /// For how many seconds the server wants to be left alone (RFC 9110, section 10.2.3); nil when it does not say so as a number.
  public var retryAfter: Int? {
    header("retry-after").flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil }
  }
}
