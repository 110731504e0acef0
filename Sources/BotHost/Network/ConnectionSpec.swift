/// What to connect to and how: `bh_net_spec` as a value. Two equal ones mean the same connection.
public struct ConnectionSpec: Sendable, Equatable {
  public var name: String
  public var host: String
  public var port: UInt16
  public var isTLS: Bool
  /// Connect again after a loss.
  public var reconnects: Bool
  var framing: FrameScanner.Framing
  /// SNI and the name that the certificate must be for.
  public var serverName: String
  /// PEM; trusted besides the system's. Empty: none.
  public var certificateFile: String
  public var alpn: String
  /// Bytes.
  public var maximumFrame: Int
  public var maximumUnsent: Int
  /// Nanoseconds; 0 for `idleTimeout`: never.
  public var connectTimeout: Int64
  public var backoffMinimum: Int64
  public var backoffMaximum: Int64
  public var idleTimeout: Int64

  init(
    name: String, host: String, port: UInt16, isTLS: Bool = false, reconnects: Bool = false,
    framing: FrameScanner.Framing = .lines
  ) {
    self.name = name
    self.host = host
    self.port = port
    self.isTLS = isTLS
    self.reconnects = reconnects
    self.framing = framing
    serverName = host
    certificateFile = ""
    alpn = ""
    maximumFrame = 64 << 10
    maximumUnsent = 1 << 20
    connectTimeout = 20_000_000_000
    backoffMinimum = 1_000_000_000
    backoffMaximum = 60_000_000_000
    idleTimeout = 0
  }
}

/// What one hears of a connection. Called on the network's thread, in order; must not block.
protocol ConnectionObserver: AnyObject, Sendable {
  /// The connection's number, before anything else is said of it. On the thread that dials.
  func attached(to connection: UInt64)
  /// Each returns false when there is no room now. It is then offered again after `Network.resume`, and nothing later comes before it.
  func opened(_ opening: ConnectionOpening) -> Bool
  func received(_ frame: UnsafeRawBufferPointer) -> Bool
  func closed(_ closing: ConnectionClosing) -> Bool
}

/// A connection has come about.
struct ConnectionOpening: Sendable, Equatable {
  var local: String
  var peer: String
  /// `TLSv1.3`; nil: none.
  var tls: String?
  var alpn: String?
  /// From 1; counts since the last stable connection.
  var attempt: Int
}

/// A connection has ended, or could not be made.
struct ConnectionClosing: Sendable, Equatable {
  enum Reason: String, Sendable {
    case resolve, connect, tls, peer, idle, frame, local, error
  }

  var reason: Reason
  /// In words.
  var error: String
  /// Nobody will try again.
  var isFinal: Bool
  /// Milliseconds until the next attempt.
  var retryIn: Int64
}
