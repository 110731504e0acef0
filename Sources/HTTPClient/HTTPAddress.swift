import HostPatterns

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

  /// Exactly its host and port.
  public var pattern: HostPattern { HostPattern(host: host, port: port) }

  private var shownHost: String { host.contains(":") ? "[\(host)]" : host }
}
