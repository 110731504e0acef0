/// What to connect to and how: `bh_net_spec` as a value. Two equal ones mean the same connection.
public struct ConnectionSpec: Sendable, Equatable {
  public var name: String
  public var host: String
  public var port: UInt16
  public var isTLS: Bool
  /// Connect again after a loss.
  public var reconnects: Bool
  /// How the bytes that come in are cut into frames.
  var framing: FrameScanner.Framing
  /// SNI and the name that the certificate must be for.
  public var serverName: String
  /// PEM; trusted besides the system's. Empty: none.
  public var certificateFile: String
  /// The protocol to offer (RFC 7301). Empty: none.
  public var alpn: String
  /// Bytes. A longer line is dropped and counted, a longer counted frame closes the connection.
  public var maximumFrame: Int
  /// Bytes that may wait to be written.
  public var maximumUnsent: Int
  /// Nanoseconds for one attempt: the name, the connection to one of its addresses, the TLS handshake.
  public var connectTimeout: Int64
  /// Nanoseconds between two attempts.
  public var backoffMinimum: Int64
  public var backoffMaximum: Int64
  /// Nanoseconds without a byte from the other side, after which the connection is closed; 0: never.
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
