/// Why a request has no response. The message is for people: it names the host and the path, never a query, a header or a secret.
public struct HTTPFailure: Error, Sendable, Hashable, CustomStringConvertible {
  /// What went wrong, for programs.
  public enum Reason: Sendable, Hashable {
    /// The address, a header or the method cannot be sent.
    case invalid
    /// The client may not ask this host and port.
    case notPermitted
    /// The host is at a private, loopback or link-local address, and those are not permitted.
    case privateAddress
    /// No host of this name is known.
    case unknownHost
    case cannotConnect
    /// No TLS session, or a certificate that is not trusted.
    case untrusted
    /// The deadline passed: while the request waited, while it was connecting, or before the whole answer was there.
    case timedOut
    /// The answer is larger than the request wants it.
    case tooLarge
    /// Too many redirects, or one that must not be followed.
    case redirect
    /// The answer ended too early, or is no answer in the protocol.
    case broken
    /// The server refused what it was asked; in mail alone, where there is no response that could say so.
    case refused
    /// Too many requests wait.
    case busy
    /// Somebody cancelled it, or the client was closed.
    case cancelled
  }

  public let reason: Reason
  public let message: String

  public init(_ reason: Reason, _ message: String) {
    self.reason = reason
    self.message = message
  }

  public var description: String { message }
}
