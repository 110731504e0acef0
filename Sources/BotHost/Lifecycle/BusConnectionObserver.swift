import CBotHost
import Synchronization

/// Turns what happens on a connection into private events of the instance that dialled it: `net.NAME.open`, `.frame`, `.closed`.
///
/// It knows the endpoint, not the generation, so that a swap does not touch it. When the lane has no room the network stops reading, and goes
/// on when the lane says that there is some.
final class BusConnectionObserver: ConnectionObserver {
  private let endpoint: Endpoint
  private weak let network: Network?
  private let openTopic: PrivateTopic
  private let frameTopic: PrivateTopic
  private let closedTopic: PrivateTopic
  private let connection = Atomic<UInt64>(0)

  init(name: String, endpoint: Endpoint, network: Network) {
    self.endpoint = endpoint
    self.network = network
    openTopic = endpoint.privateTopic("net.\(name).open")
    frameTopic = endpoint.privateTopic("net.\(name).frame")
    closedTopic = endpoint.privateTopic("net.\(name).closed")
  }

  func attached(to connection: UInt64) { self.connection.store(connection, ordering: .releasing) }

  func opened(_ opening: ConnectionOpening) -> Bool {
    deliver(
      openTopic,
      .object([
        "local": .string(opening.local), "peer": .string(opening.peer), "tls": opening.tls.map(JSONValue.string) ?? .null,
        "alpn": opening.alpn.map(JSONValue.string) ?? .null, "attempt": .int(Int64(opening.attempt)),
      ]))
  }

  func received(_ frame: UnsafeRawBufferPointer) -> Bool {
    endpoint.deliverPrivate(frameTopic, payload: frame, isJSON: false, resume: resume)
  }

  func closed(_ closing: ConnectionClosing) -> Bool {
    deliver(
      closedTopic,
      .object([
        "reason": .string(closing.reason.rawValue), "error": .string(closing.error), "final": .bool(closing.isFinal),
        "retry_in_ms": .int(closing.retryIn),
      ]))
  }

  private func deliver(_ topic: PrivateTopic, _ value: JSONValue) -> Bool {
    value.serializedBytes().withUnsafeBytes { endpoint.deliverPrivate(topic, payload: $0, isJSON: true, resume: resume) }
  }

  private var resume: @Sendable () -> Void {
    { [weak self] in
      guard let self else { return }
      self.network?.resume(self.connection.load(ordering: .acquiring))
    }
  }
}
