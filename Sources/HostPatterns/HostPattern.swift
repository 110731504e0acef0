/// Hosts and ports that somebody may connect to: `irc.example.org:6697`, `*.example.org:443`, `127.0.0.1:*`, `[::1]:6667`, `*:443`.
///
/// One syntax for the manifests' permission `connect` and for what plugins let people in a chat reach. Imported by the host and by
/// plugins; it imports nothing.
public struct HostPattern: Sendable, Hashable, CustomStringConvertible {
  /// In lower case; `*`, or `*.` and the end of a name.
  private let host: String
  /// Nil: any.
  private let port: UInt16?
  /// As it was written.
  public let description: String

  /// Nil for what is no pattern.
  public init?(_ text: String) {
    description = text
    guard let colon = text.lastIndex(of: ":") else { return nil }
    var name = text[..<colon]
    if name.hasPrefix("["), name.hasSuffix("]") {
      name = name.dropFirst().dropLast()
      guard name.contains(":"), name.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." }) else { return nil }
    } else if name != "*" {
      let rest = name.hasPrefix("*.") ? name.dropFirst(2) : name
      guard !rest.isEmpty,
        rest.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "." || $0 == "_") })
      else { return nil }
    }
    host = name.lowercased()
    let end = text[text.index(after: colon)...]
    if end == "*" {
      port = nil
    } else {
      guard end.allSatisfy({ $0.isASCII && $0.isNumber }), let number = UInt16(end), number > 0 else { return nil }
      port = number
    }
  }

  /// Exactly this host and this port.
  public init(host: String, port: UInt16) {
    self.host = host.lowercased()
    self.port = port
    description = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
  }

  /// Whether a connection to this host, by the name that it is asked for with, is covered. Case does not count.
  public func covers(host: String, port: UInt16) -> Bool {
    guard self.port == nil || self.port == port else { return false }
    if self.host == "*" { return true }
    let wanted = host.lowercased()
    if self.host.hasPrefix("*.") { return wanted.hasSuffix(self.host.dropFirst()) && wanted.count >= self.host.count }
    return wanted == self.host
  }
}
