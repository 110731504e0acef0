/// What one hears of a connection: for each attempt either `closed`, or `opened`, frames and then `closed`, in this order.
///
/// Called on the network's thread; must not block. An observer that has no room answers false: the network stops reading, and
/// offers the same thing again after `Network.resume`; nothing later comes before it, and nothing is lost.
protocol ConnectionObserver: AnyObject, Sendable {
  /// The connection's number, before anything else is said of it. On the thread that dials.
  func attached(to connection: UInt64)
  func opened(_ opening: ConnectionOpening) -> Bool
  /// `frame` points into the read buffer: it is valid until the call returns.
  func received(_ frame: UnsafeRawBufferPointer) -> Bool
  func closed(_ closing: ConnectionClosing) -> Bool
}

/// A connection has come about.
struct ConnectionOpening: Sendable, Equatable {
  /// Both as `127.0.0.1:6667` or `[::1]:6667`.
  var local: String
  var peer: String
  /// `TLSv1.3`; nil: none.
  var tls: String?
  /// The protocol that both sides agreed on; nil: none.
  var alpn: String?
  /// From 1; counts since the last stable connection.
  var attempt: Int
}

/// A connection has ended, or could not be made.
struct ConnectionClosing: Sendable, Equatable {
  enum Reason: String, Sendable {
    /// The host's name has no address, or none in time.
    case resolve
    /// No address accepted the connection, or none in time.
    case connect
    /// The handshake failed, the certificate was refused, or the session broke.
    case tls
    /// The other side closed.
    case peer
    /// Nothing was received for the time that the specification allows.
    case idle
    /// The other side announced a frame that is too long.
    case frame
    /// The instance asked for it.
    case local
    /// The system reported an error.
    case error
  }

  var reason: Reason
  /// In words; empty for `local`.
  var error: String
  /// Nobody will try again.
  var isFinal: Bool
  /// Milliseconds until the next attempt.
  var retryIn: Int64
}
