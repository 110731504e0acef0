import CCurl
import HostPatterns

/// A server of mail and how to log in to it: `smtps://mail.example.org`, `imap://mail.example.org:143`.
///
/// With the scheme's `s` there is TLS from the first byte; without it the server must offer TLS before the password goes out (STARTTLS),
/// unless ``permitsPlainText``.
public struct MailServer: Sendable {
  /// What is wanted of it: to send, or to read.
  public enum Purpose: String, Sendable { case smtp, imap }

  /// `smtp`, `smtps`, `imap` or `imaps`.
  public let scheme: String
  public let host: String
  public let port: UInt16
  public var user: String?
  public var password: String?
  /// Whether everything, the password too, may go over the network for anybody to read.
  public var permitsPlainText = false
  public var timeout: Duration = .seconds(10)
  public var connectTimeout: Duration = .seconds(5)

  /// - Throws: ``HTTPFailure/Reason/invalid`` for what is no address of a server of that purpose.
  public init(_ text: String, for purpose: Purpose) throws(HTTPFailure) {
    let (scheme, host, port, path) = try AddressParser.parts(of: text)
    guard scheme == purpose.rawValue || scheme == purpose.rawValue + "s", path.isEmpty || path == "/" else {
      throw HTTPFailure(
        .invalid,
        "an address of a mail server is written \(purpose.rawValue)s://host or \(purpose.rawValue)://host:port")
    }
    self.scheme = scheme
    self.host = host
    self.port = port
  }

  /// `scheme://host:port`
  var origin: String { "\(scheme)://\(host.contains(":") ? "[\(host)]" : host):\(port)" }

  /// It is the operator who says where mail goes: the server may be a private one, and nothing else is asked.
  var reach: Reach {
    let place = HostPattern(host: host, port: port)
    return Reach(hosts: [place], privateHosts: [place])
  }
}
