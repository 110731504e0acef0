/// Where a plugin may connect to: `irc.example.org:6697`, `*.example.org:443`, `127.0.0.1:*`, `[::1]:6667`, `*:443`.
public struct ConnectPattern: Sendable, Hashable, CustomStringConvertible {
  /// Lower-case; `*` or `*.` at its start is a wildcard.
  public let host: String
  /// Nil: any port.
  public let port: UInt16?
  public let description: String

  public init?(_ text: String) {
    description = text
    guard let colon = text.lastIndex(of: ":") else { return nil }
    var name = text[..<colon]
    let portText = text[text.index(after: colon)...]
    if name.hasPrefix("["), name.hasSuffix("]") {
      name = name.dropFirst().dropLast()
      guard name.contains(":"), name.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." }) else { return nil }
    } else {
      guard !name.contains(":") else { return nil }
      let rest = name == "*" ? "" : name.hasPrefix("*.") ? name.dropFirst(2) : name
      guard name == "*" || !rest.isEmpty,
        rest.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "." || $0 == "_") })
      else { return nil }
    }
    host = name.lowercased()
    if portText == "*" {
      port = nil
    } else {
      guard portText.allSatisfy({ $0.isASCII && $0.isNumber }), let number = UInt16(portText), number > 0 else {
        return nil
      }
      port = number
    }
  }

  /// Whether a connection to this host, as the plugin names it, is covered. Case does not count.
  public func permits(host: String, port: UInt16) -> Bool {
    guard self.port == nil || self.port == port else { return false }
    let wanted = host.lowercased()
    if self.host == "*" { return true }
    if self.host.hasPrefix("*.") {
      return wanted.hasSuffix(self.host.dropFirst()) && wanted.count > self.host.count - 1
    }
    return wanted == self.host
  }
}
