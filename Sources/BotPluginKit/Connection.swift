import CBotHost

/// How a connection's bytes are cut into frames.
public enum Framing: UInt32, Sendable {
  /// Lines that end at LF; one CR before it is dropped, and so are empty lines.
  case lines = 1
  /// Four bytes of length, big-endian, then the frame.
  case length32 = 2
  /// Whatever came in one read.
  case raw = 3
}

/// What to connect to.
public struct ConnectionOptions: Hashable, Sendable {
  /// Names the connection within the instance, in `[a-z0-9_-]{1,64}`; its events are `net.NAME.open`, `.frame` and
  /// `.closed`.
  public var name: String
  /// A DNS name or an address.
  public var host: String
  public var port: Int
  public var framing: Framing
  /// TLS 1.2 or newer; certificate and name are verified.
  public var tls = false
  /// After a loss, connect again with the backoff below.
  public var reconnects = true
  /// SNI and the name to verify; empty: `host`.
  public var serverName = ""
  /// A PEM file of certificates that are trusted besides the system's; empty: none.
  public var certificateAuthorities = ""
  /// One protocol, or empty.
  public var alpn = ""
  /// Bytes; 0: 64 KiB.
  public var largestFrame: UInt64 = 0
  /// Bytes that may wait to be written; 0: 1 MiB.
  public var largestUnsent: UInt64 = 0
  /// Nil: 20 s.
  public var connectTimeout: Duration?
  /// Nil: 1 s; doubles up to the maximum.
  public var smallestBackoff: Duration?
  /// Nil: 60 s.
  public var largestBackoff: Duration?
  /// Nothing received for so long closes it; nil: never.
  public var idleTimeout: Duration?

  public init(name: String, host: String, port: Int, framing: Framing = .lines, tls: Bool = false) {
    self.name = name
    self.host = host
    self.port = port
    self.framing = framing
    self.tls = tls
  }
}

/// A connection that the host owns on the plugin's behalf: it and its TLS session live through a swap, and a new
/// generation that dials with the same options finds it as it is. Usable on any thread.
public struct Connection: Sendable {
  public let name: String
  let host: Host
  let token: bh_token

  /// Queues bytes, all or none; never blocks. Throws `busy` when too much waits already, `notFound` while not
  /// connected. A worker process may take bytes that cannot be queued then: what is sure is that those are gone, or, as an effect, that
  /// the delivery comes again, and that `net.NAME.closed` tells the end of the connection.
  public func write(
    _ bytes: some TextBytes, effectOf delivery: DeliveryToken = .none
  ) throws(PluginError) {
    let net = try host.require(host.networkTable, BH_NET)
    let rc = bytes.withTextBytes { net.pointee.write(host.pointer, delivery.rawValue, token, bh_bytes($0)) }
    try PluginError.check(rc, "write to connection \(name)")
  }

  /// Closes after what is queued has been written, for good.
  public func close() throws(PluginError) {
    let net = try host.require(host.networkTable, BH_NET)
    try PluginError.check(net.pointee.close(host.pointer, token), "close connection \(name)")
  }

  /// Closes now and connects again, at once or after `delay`.
  public func reconnect(after delay: Duration = .zero) throws(PluginError) {
    let net = try host.require(host.networkTable, BH_NET)
    try PluginError.check(
      net.pointee.reconnect(host.pointer, token, delay.abiNanoseconds), "reconnect connection \(name)")
  }

  /// How it is.
  public func describe() throws(PluginError) -> ConnectionStatus {
    let net = try host.require(host.networkTable, BH_NET)
    let bytes = try ByteCollector.collect("describe connection \(name)") { writer, sink in
      net.pointee.describe(host.pointer, token, writer, sink)
    }
    return try bytes.withUnsafeBytes { bytes in
      Result { () throws(PluginError) in
        try JSONCoding.decode(ConnectionStatus.self, from: bytes, "the status of \(name)", code: .internal)
      }
    }.get()
  }
}

/// How a connection is.
public struct ConnectionStatus: Codable, Hashable, Sendable {
  /// `connecting`, `open`, `waiting` or `closed`.
  public var state: String
  public var host: String?
  public var port: Int?
  /// The version of TLS; nil without.
  public var tls: String?
  public var peer: String?
  /// Milliseconds since 1970 at which it came into this state.
  public var since: Int64?
  public var bytesIn: UInt64?
  public var bytesOut: UInt64?
  /// Bytes that wait to be written.
  public var unsent: UInt64?
  public var attempt: Int?

  private enum CodingKeys: String, CodingKey {
    case state, host, port, tls, peer, unsent, attempt
    case since = "since_ms"
    case bytesIn = "bytes_in"
    case bytesOut = "bytes_out"
  }

  /// Lenient in what a host may say differently: `tls` as a text or as a truth.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    state = try values.decode(String.self, forKey: .state)
    host = try values.decodeIfPresent(String.self, forKey: .host)
    port = try values.decodeIfPresent(Int.self, forKey: .port)
    if let text = try? values.decodeIfPresent(String.self, forKey: .tls) {
      tls = text
    } else {
      tls = try values.decodeIfPresent(Bool.self, forKey: .tls) == true ? "TLS" : nil
    }
    peer = try values.decodeIfPresent(String.self, forKey: .peer)
    since = try values.decodeIfPresent(Int64.self, forKey: .since)
    bytesIn = try values.decodeIfPresent(UInt64.self, forKey: .bytesIn)
    bytesOut = try values.decodeIfPresent(UInt64.self, forKey: .bytesOut)
    unsent = try values.decodeIfPresent(UInt64.self, forKey: .unsent)
    attempt = try values.decodeIfPresent(Int.self, forKey: .attempt)
  }
}

/// The payload of `net.NAME.open`.
public struct ConnectionOpened: Codable, Hashable, Sendable {
  public var local: String?
  public var peer: String?
  public var alpn: String?
  public var attempt: Int?
}

/// The payload of `net.NAME.closed`.
public struct ConnectionClosed: Codable, Hashable, Sendable {
  public var reason: String
  public var error: String?
  /// Nobody will try again.
  public var final: Bool
  /// Milliseconds until the next try.
  public var retryIn: Int64?

  private enum CodingKeys: String, CodingKey {
    case reason, error, final
    case retryIn = "retry_in_ms"
  }
}

extension Host {
  /// Opens a connection, or finds the one of that name as it is. Events tell of it: handle `net.NAME.open`,
  /// `net.NAME.frame` and `net.NAME.closed`. Throws `denied` where the manifest's `permissions.connect` does not
  /// cover it.
  public func dial(_ options: ConnectionOptions) throws(PluginError) -> Connection {
    let net = try require(networkTable, BH_NET)
    guard let port = UInt16(exactly: options.port), port > 0 else {
      throw .invalid("connection \(options.name): port \(options.port) is not in 1...65535")
    }
    var spec = bh_net_spec()
    spec.size = UInt32(MemoryLayout<bh_net_spec>.size)
    spec.flags = UInt32((options.tls ? BH_NET_TLS : 0) | (options.reconnects ? BH_NET_RECONNECT : 0))
    spec.port = UInt32(port)
    spec.framing = options.framing.rawValue
    spec.max_frame = options.largestFrame
    spec.max_unsent = options.largestUnsent
    spec.connect_timeout_ns = options.connectTimeout?.abiNanoseconds ?? 0
    spec.backoff_min_ns = options.smallestBackoff?.abiNanoseconds ?? 0
    spec.backoff_max_ns = options.largestBackoff?.abiNanoseconds ?? 0
    spec.idle_timeout_ns = options.idleTimeout?.abiNanoseconds ?? 0
    var token: bh_token = 0
    let rc = options.name.withABIText { name in
      options.host.withABIText { host in
        options.serverName.withABIText { serverName in
          options.certificateAuthorities.withABIText { authorities in
            options.alpn.withABIText { alpn in
              (spec.name, spec.host, spec.server_name) = (name, host, serverName)
              (spec.ca_file, spec.alpn) = (authorities, alpn)
              return net.pointee.dial(pointer, &spec, &token)
            }
          }
        }
      }
    }
    if rc == bh_rc(BH_E_DENIED) {
      throw .denied(
        "dial \(options.host):\(options.port): the manifest's `permissions: {connect: [...]}` does not cover it, or the plugin is not active"
      )
    }
    try PluginError.check(rc, "dial \(options.host):\(options.port)")
    return Connection(name: options.name, host: self, token: token)
  }
}
