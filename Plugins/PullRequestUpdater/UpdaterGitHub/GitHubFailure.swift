/// Why a call has no result. The message is for people and holds no secret.
public struct GitHubFailure: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Kind: Sendable, Hashable {
    /// 404 and 410: it is not there, or this account may not see it; GitHub does not tell which.
    case notFound
    /// 409: the repository is empty, or something has moved meanwhile.
    case conflict
    /// 422: what was sent cannot be done.
    case unprocessable
    /// 401 with a new token too, no token at all, an App that is not installed: nothing can be asked as whoever this is.
    case credentials
    /// 403 that is no limit: the account may not do it.
    case permission
    /// 451
    case legal
    /// Nothing may be asked before this time, in nanoseconds since 1970.
    case limited(until: Int64)
    /// The network, a time-out or a fault of the server's. Whether the call was carried out is not known: look before doing it again.
    case uncertain
    /// An answer that is not as GitHub documents it, or one that is too large.
    case unexpected
    /// The work is to end; nothing is wrong.
    case interrupted
    /// A call that would change something, where nothing may be changed.
    case readOnly
  }

  public let kind: Kind
  public let message: String

  public init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  public var description: String { message }
}
