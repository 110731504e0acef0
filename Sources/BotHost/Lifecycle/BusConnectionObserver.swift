import CBotHost
import Synchronization

/// Turns what happens on a connection into private events of the instance that dialled it: `net.NAME.open`, `.frame`, `.closed`.
///
/// It knows the endpoint, not the generation, so that a swap does not touch it. When the lane has no room the network stops reading, and
/// goes on when the lane says that there is some.
final class BusConnectionObserver: ConnectionObserver {
  private let openings: PrivateChannel
  private let frames: PrivateChannel
  private let closings: PrivateChannel
  private let connection: ConnectionNumber

  /// Nil when the name cannot be part of a topic.
  init?(name: String, endpoint: Endpoint, network: Network) {
    guard let openings = endpoint.channel(topic: "net.\(name).open", contentType: ""),
      let frames = endpoint.channel(topic: "net.\(name).frame"),
      let closings = endpoint.channel(topic: "net.\(name).closed", contentType: "")
    else { return nil }
    let connection = ConnectionNumber()
    self.connection = connection
    resume = { [weak network] in network?.resume(connection.value.load(ordering: .acquiring)) }
    self.openings = openings
    self.frames = frames
    self.closings = closings
  }

  func attached(to connection: UInt64) { self.connection.value.store(connection, ordering: .releasing) }

  func opened(_ opening: ConnectionOpening) -> Bool {
    deliver(
      openings,
      JSONValue.object([
        "local": .string(opening.local), "peer": .string(opening.peer),
        "tls": opening.tls.map(JSONValue.string) ?? .null, "alpn": opening.alpn.map(JSONValue.string) ?? .null,
        "attempt": .int(Int64(opening.attempt)),
      ]))
  }

  func received(_ frame: UnsafeRawBufferPointer) -> Bool { deliver(frames, frame) }

  func closed(_ closing: ConnectionClosing) -> Bool {
    deliver(
      closings,
      JSONValue.object([
        "reason": .string(closing.reason.rawValue), "error": .string(closing.error), "final": .bool(closing.isFinal),
        "retry_in_ms": .int(closing.retryIn),
      ]))
  }

  private func deliver(_ channel: PrivateChannel, _ value: JSONValue) -> Bool {
    value.serializedBytes().withUnsafeBytes { deliver(channel, $0) }
  }

  /// Nobody who receives it any more counts as room: the connection is about to be closed.
  private func deliver(_ channel: PrivateChannel, _ payload: UnsafeRawBufferPointer) -> Bool {
    channel.deliver(payload, resume: resume) != .full
  }

  /// Made once: a frame must not cost a closure.
  private let resume: @Sendable () -> Void
}

/// The number that a connection gets after its observer has been made.
private final class ConnectionNumber: Sendable {
  let value = Atomic<UInt64>(0)
}
