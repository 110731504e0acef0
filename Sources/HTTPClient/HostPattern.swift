/// Hosts and ports: `api.example.org:443`, `*.example.org:443`, `127.0.0.1:*`, `[::1]:8080`, `*:443`. As in the manifests' permission
/// `connect`.
public struct HostPattern: Sendable, Hashable, CustomStringConvertible {
  /// In lower case; `*`, or `*.` and the end of a name.
  private let host: String
  /// nil: any.
  private let port: UInt16?
  public let description: String

  /// nil for what is no pattern.
  public init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":") else { return nil }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
      guard host.contains(":") else { return nil }
    } else if host.contains(":") {
      return nil
    }
    let name = host.hasPrefix("*.") ? host.dropFirst(2) : host == "*" ? "x" : host
    guard !name.isEmpty, name.unicodeScalars.allSatisfy(Self.isHostScalar) else { return nil }
    let end = text[text.index(after: colon)...]
    if end == "*" {
      port = nil
    } else {
      guard let number = UInt16(end), number > 0, end.first != "+" else { return nil }
      port = number
    }
    self.host = host.lowercased()
    description = text
  }

  /// Exactly the host and the port of an address.
  public init(_ address: HTTPAddress) {
    host = address.host
    port = address.port
    description = address.place
  }

  init(host: String, port: UInt16) {
    self.host = host
    self.port = port
    description = "\(host):\(port)"
  }

  private static func isHostScalar(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "-" || scalar == "." || scalar == "_" || scalar == ":"
      || scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
  }

  /// - Parameter host: in lower case, as ``HTTPAddress/host`` has it.
  public func covers(host: String, port: UInt16) -> Bool {
    if let own = self.port, own != port { return false }
    if self.host == "*" { return true }
    if self.host.hasPrefix("*.") { return host.hasSuffix(self.host.dropFirst()) && host.count >= self.host.count }
    return host == self.host
  }
}
