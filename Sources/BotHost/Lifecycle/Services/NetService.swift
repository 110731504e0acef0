import CBotHost
import Synchronization

/// `bh.net`: connections that the host owns.
enum NetService {
  nonisolated(unsafe) static let table = HostTable.constant(
    bh_net_v1(
      size: UInt32(MemoryLayout<bh_net_v1>.size), version: 1, dial: dial,
      write: { host, delivery, connection, bytes in
        withHost(host) { host in
          guard let network = host.instance.services.network else { return bh_rc(BH_E_UNSUPPORTED) }
          let permitted = host.effects
          guard permitted == BH_OK else { return permitted }
          if delivery == 0 { return network.write(connection, owner: host.instance.name, bytes.bytes) }
          guard let outgoing = network.outgoing(connection, host.instance.name) else { return bh_rc(BH_E_NOTFOUND) }
          guard bytes.bytes.count <= 64 << 20 else { return bh_rc(BH_E_BUSY) }
          let staged = outgoing.stage()
          guard staged == BH_OK else { return staged }
          let effect = ConnectionWrite(
            network: network, connection: connection, outgoing: outgoing, bytes: Array(bytes.bytes))
          return host.endpoint.stage(effect, delivery: delivery, generation: host.generation)
        }
      },
      close: { host, connection in
        withHost(host) {
          $0.instance.services.network?.close(connection, owner: $0.instance.name) ?? bh_rc(BH_E_UNSUPPORTED)
        }
      },
      reconnect: { host, connection, delay in
        withHost(host) {
          $0.instance.services.network?.reconnect(connection, owner: $0.instance.name, delay: Int64(clamping: delay))
            ?? bh_rc(BH_E_UNSUPPORTED)
        }
      },
      describe: describe,
      listen: { _, _, _ in bh_rc(BH_E_UNSUPPORTED) }))

  private static let dial:
    @convention(c) (OpaquePointer?, UnsafePointer<bh_net_spec>?, UnsafeMutablePointer<bh_token>?) -> bh_rc = {
      host, spec, token in
      withHost(host) { host in
        guard let network = host.instance.services.network else { return bh_rc(BH_E_UNSUPPORTED) }
        guard let spec = spec?.pointee, let token else {
          return host.refuse(BH_E_INVALID, "`dial` needs a specification and a place for the token")
        }
        let permitted = host.effects
        guard permitted == BH_OK else { return permitted }
        let wanted: ConnectionSpec
        switch ConnectionSpec.reading(spec) {
        case .failure(let problem): return host.refuse(BH_E_INVALID, problem.description)
        case .success(let read): wanted = read
        }
        guard
          host.instance.manifest.permissions.connect.contains(where: {
            $0.covers(host: wanted.host, port: wanted.port)
          })
        else {
          return host.refuse(
            BH_E_DENIED,
            "\(host.instance.name) may not connect to \(wanted.host):\(wanted.port); add it to `permissions: {connect: [...]}`"
          )
        }
        guard let observer = BusConnectionObserver(name: wanted.name, endpoint: host.endpoint, network: network) else {
          return host.refuse(BH_E_INVALID, "'\(wanted.name)' is no name for a connection")
        }
        let (code, id) = network.dial(owner: host.instance.name, spec: wanted, observer: observer)
        if code == BH_OK {
          token.pointee = id
        }
        return code
      }
    }

  private static let describe:
    @convention(c) (OpaquePointer?, bh_token, bh_writer?, UnsafeMutableRawPointer?) -> bh_rc = {
      host, connection, writer, sink in
      withHost(host) { host in
        guard let network = host.instance.services.network else { return bh_rc(BH_E_UNSUPPORTED) }
        guard let found = network.describe(connection, owner: host.instance.name) else { return bh_rc(BH_E_NOTFOUND) }
        let text = JSONValue.object([
          "state": .string(found.snapshot.state), "host": .string(found.spec.host),
          "port": .int(Int64(found.spec.port)),
          "tls": .bool(found.spec.isTLS), "peer": .string(found.snapshot.peer),
          "since_ms": .int(found.snapshot.since / 1_000_000),
          "bytes_in": .int(Int64(clamping: found.snapshot.bytesIn)), "bytes_out": .int(Int64(clamping: found.out)),
          "unsent": .int(Int64(found.unsent)), "attempt": .int(Int64(found.snapshot.attempt)),
        ])
        return write(text.serialized(), to: writer, sink)
      }
    }
}

/// Bytes for a connection that go out when a delivery is acknowledged. Made after `OutgoingBytes.stage`.
private final class ConnectionWrite: DeliveryEffect {
  private let network: Network
  private let connection: UInt64
  private let outgoing: OutgoingBytes
  private let bytes: [UInt8]
  private let isReserved = Atomic<Bool>(false)
  private let isApplied = Atomic<Bool>(false)

  init(network: Network, connection: UInt64, outgoing: OutgoingBytes, bytes: [UInt8]) {
    self.network = network
    self.connection = connection
    self.outgoing = outgoing
    self.bytes = bytes
  }

  /// A close that came behind this write waits for its end, whatever that is.
  deinit {
    guard outgoing.settled() else { return }
    network.settleClose(connection, applied: isApplied.load(ordering: .relaxed))
  }

  func prepare(_ batch: inout DurableBatch) -> bh_rc {
    let code = outgoing.reserve(bytes.count)
    isReserved.store(code == BH_OK, ordering: .relaxed)
    return code
  }

  func commit() {
    outgoing.commit(bytes)
    isApplied.store(true, ordering: .relaxed)
    network.flush(connection)
  }

  func abandon() {
    if isReserved.exchange(false, ordering: .relaxed) { outgoing.abandon(bytes.count) }
  }
}

extension ConnectionSpec {
  /// Why a specification cannot be used.
  struct Problem: Error, CustomStringConvertible {
    let description: String
  }

  /// Reads and checks the ABI's struct; zeros become the defaults.
  static func reading(_ spec: bh_net_spec) -> Result<ConnectionSpec, Problem> {
    func problem(_ text: String) -> Result<ConnectionSpec, Problem> { .failure(Problem(description: text)) }
    guard spec.size >= UInt32(MemoryLayout<bh_net_spec>.size) else { return problem("`bh_net_spec.size` is not set") }
    let name = spec.name.string
    let isName =
      !name.isEmpty && name.utf8.count <= 64
      && name.utf8.allSatisfy { ($0 >= 97 && $0 <= 122) || ($0 >= 48 && $0 <= 57) || $0 == 95 || $0 == 45 }
    guard isName else { return problem("a connection's name is made of a-z, 0-9, _ and -, not '\(name)'") }
    let host = spec.host.string
    guard !host.isEmpty, host.utf8.count <= 255, !host.utf8.contains(0) else {
      return problem("'\(host)' is no host to connect to")
    }
    guard let port = UInt16(exactly: spec.port), port > 0 else { return problem("\(spec.port) is no port") }
    let framing: FrameScanner.Framing
    switch Int(spec.framing) {
    case BH_FRAMING_LINES: framing = .lines
    case BH_FRAMING_LENGTH32: framing = .length32
    case BH_FRAMING_RAW: framing = .raw
    default: return problem("\(spec.framing) is no framing; see BH_FRAMING_LINES and its like")
    }
    var result = ConnectionSpec(
      name: name, host: host, port: port, isTLS: spec.flags & UInt32(BH_NET_TLS) != 0,
      reconnects: spec.flags & UInt32(BH_NET_RECONNECT) != 0, framing: framing)
    if spec.server_name.len > 0 { result.serverName = spec.server_name.string }
    result.certificateFile = spec.ca_file.string
    result.alpn = spec.alpn.string
    guard result.alpn.utf8.count < 256 else { return problem("a protocol name for ALPN has at most 255 bytes") }
    guard spec.max_frame <= 64 << 20, spec.max_unsent <= 256 << 20 else {
      return problem("a frame may have 64 MiB, unsent bytes 256 MiB")
    }
    if spec.max_frame > 0 { result.maximumFrame = Int(spec.max_frame) }
    if spec.max_unsent > 0 { result.maximumUnsent = Int(spec.max_unsent) }
    let day: UInt64 = 86_400_000_000_000
    if spec.connect_timeout_ns > 0 { result.connectTimeout = Int64(min(spec.connect_timeout_ns, day)) }
    if spec.backoff_min_ns > 0 { result.backoffMinimum = Int64(min(spec.backoff_min_ns, day)) }
    if spec.backoff_max_ns > 0 { result.backoffMaximum = Int64(min(spec.backoff_max_ns, day)) }
    result.idleTimeout = Int64(min(spec.idle_timeout_ns, day))
    return .success(result)
  }
}
