import CCurl

/// An absolute address of http or https (RFC 3986), read by libcurl's own parser: what is checked is what is connected to.
///
/// It has no fragment and no user or password: those would end up in logs and in what is quoted.
public struct HTTPAddress: Sendable, Hashable, CustomStringConvertible {
  /// The longest address, in bytes.
  public static let longest = 8192

  /// The whole address, with its query.
  public let text: String
  /// `http` or `https`.
  public let scheme: String
  /// In lower case, as the name system sees it; without the brackets of an IPv6 address.
  public let host: String
  public let port: UInt16
  /// From the first slash to the query.
  public let path: String

  /// - Throws: ``HTTPFailure/Reason/invalid`` for what is no such address.
  public init(_ text: String) throws(HTTPFailure) {
    guard text.utf8.count <= Self.longest else {
      throw HTTPFailure(.invalid, "an address of more than \(Self.longest) bytes")
    }
    let parser = try AddressParser()
    try parser.read(text)
    self = try parser.address()
  }

  init(text: String, scheme: String, host: String, port: UInt16, path: String) {
    self.text = text
    self.scheme = scheme
    self.host = host
    self.port = port
    self.path = path
  }

  /// The address that a reference, such as a `Location` header, means when it stands on this one (RFC 3986, section 5).
  public func resolving(_ reference: String) throws(HTTPFailure) -> HTTPAddress {
    guard reference.utf8.count <= Self.longest else {
      throw HTTPFailure(.invalid, "an address of more than \(Self.longest) bytes")
    }
    let parser = try AddressParser()
    try parser.read(text)
    try parser.read(reference)
    return try parser.address()
  }

  /// The address with further members of its query; they are percent-encoded here.
  public func adding(query: [(name: String, value: String)]) throws(HTTPFailure) -> HTTPAddress {
    if query.isEmpty { return self }
    let parser = try AddressParser()
    try parser.read(text)
    for member in query { try parser.append(query: "\(member.name)=\(member.value)") }
    return try parser.address()
  }

  /// Whether both have the scheme, the host and the port in common: what one may be told, the other may.
  public func hasSameOrigin(as other: HTTPAddress) -> Bool {
    scheme == other.scheme && host == other.host && port == other.port
  }

  /// What messages show: without the query, which may hold what is nobody's business.
  public var description: String {
    let isUsual = port == (scheme == "https" ? 443 : 80)
    return "\(scheme)://\(shownHost)\(isUsual ? "" : ":\(port)")\(path)"
  }

  /// `host:port`
  var place: String { "\(shownHost):\(port)" }

  private var shownHost: String { host.contains(":") ? "[\(host)]" : host }
}

/// libcurl's parser of addresses, for one address.
private struct AddressParser: ~Copyable {
  private let handle: OpaquePointer

  init() throws(HTTPFailure) {
    guard let handle = curl_url() else { throw HTTPFailure(.invalid, "there is no memory for an address") }
    self.handle = handle
  }

  deinit { curl_url_cleanup(handle) }

  /// Reads an address, or a reference on the one that was read before.
  func read(_ text: String) throws(HTTPFailure) {
    guard !text.utf8.contains(0) else { throw HTTPFailure(.invalid, "an address with a NUL byte") }
    let flags = UInt32(CURLU_URLENCODE | CURLU_DISALLOW_USER)
    let code = curl_url_set(handle, CURLUPART_URL, text, flags)
    guard code == CURLUE_OK else { throw HTTPFailure(.invalid, Self.complaint(code, text)) }
  }

  func append(query: String) throws(HTTPFailure) {
    let code = curl_url_set(handle, CURLUPART_QUERY, query, UInt32(CURLU_APPENDQUERY | CURLU_URLENCODE))
    guard code == CURLUE_OK else { throw HTTPFailure(.invalid, "a query that cannot be sent") }
  }

  func address() throws(HTTPFailure) -> HTTPAddress {
    _ = curl_url_set(handle, CURLUPART_FRAGMENT, nil, 0)
    let scheme = part(CURLUPART_SCHEME) ?? ""
    guard scheme == "http" || scheme == "https" else {
      throw HTTPFailure(
        .invalid, "an address of \(scheme.isEmpty ? "no scheme" : scheme); only http and https are asked")
    }
    // A name in other letters than ASCII's is connected to by its ASCII form.
    var host = part(CURLUPART_HOST, UInt32(CURLU_PUNYCODE)) ?? part(CURLUPART_HOST) ?? ""
    if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
    guard !host.isEmpty else { throw HTTPFailure(.invalid, "an address without a host") }
    guard let port = part(CURLUPART_PORT, UInt32(CURLU_DEFAULT_PORT)).flatMap({ UInt16($0) }), port > 0 else {
      throw HTTPFailure(.invalid, "an address without a port that exists")
    }
    guard let text = part(CURLUPART_URL), text.utf8.count <= HTTPAddress.longest else {
      throw HTTPFailure(.invalid, "an address of more than \(HTTPAddress.longest) bytes")
    }
    return HTTPAddress(
      text: text, scheme: scheme, host: host.lowercased(), port: port, path: part(CURLUPART_PATH) ?? "/")
  }

  private func part(_ part: CURLUPart, _ flags: UInt32 = 0) -> String? {
    var text: UnsafeMutablePointer<CChar>?
    guard curl_url_get(handle, part, &text, flags) == CURLUE_OK, let text else { return nil }
    defer { curl_free(text) }
    return String(cString: text)
  }

  private static func complaint(_ code: CURLUcode, _ text: String) -> String {
    switch code {
    case CURLUE_UNSUPPORTED_SCHEME: "only http and https are asked"
    case CURLUE_USER_NOT_ALLOWED: "an address with a user or a password in it; they would be seen by everybody"
    case CURLUE_BAD_PORT_NUMBER: "an address with a port that does not exist"
    default:
      text.contains("://")
        ? "that is no address: \(String(cString: curl_url_strerror(code)))"
        : "an address begins with http:// or https://"
    }
  }
}
