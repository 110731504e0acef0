/// What the plugin knows of its connection, and what it says about it: one line for each change.
public struct ConnectionState: Sendable {
  public enum Phase: Sendable, Equatable {
    /// Nothing is known yet.
    case connecting
    /// A broker answers.
    case connected
    /// None answers; why.
    case waiting(String)
    /// The broker refuses; why. The client goes on trying.
    case refused(String)
  }

  public private(set) var phase = Phase.connecting
  /// Milliseconds of the clock that the caller passes; since when the phase lasts.
  public private(set) var since: Int64
  /// What is connected to, for messages: `host:port,…`.
  public let address: String

  /// - Parameter now: milliseconds since 1970.
  public init(address: String, now: Int64) {
    self.address = address
    since = now
  }

  public var isConnected: Bool { phase == .connected }

  /// A broker is up. Answers whether that is news.
  public mutating func up(now: Int64) -> Bool { change(to: .connected, now: now) }

  /// An error about the connection. It is news only when it changes the phase: a client that keeps trying repeats itself.
  ///
  /// - Parameter anyBrokerUp: what the last statistics said; librdkafka before 2.11.1 can say "all brokers down" from old knowledge.
  public mutating func fault(_ code: KafkaErrorCode, _ text: String, anyBrokerUp: Bool, now: Int64) -> Bool {
    switch code.treatment {
    case .connection:
      if anyBrokerUp { return false }
      if case .refused = phase { return false }
      if case .waiting = phase { return false }
      return change(to: .waiting(text), now: now)
    case .refused:
      if case .refused = phase { return false }
      if anyBrokerUp { return false }
      return change(to: .refused(text), now: now)
    default: return false
    }
  }

  /// No answer for a while after the start. Answers whether that is news.
  public mutating func silence(now: Int64) -> Bool {
    guard phase == .connecting else { return false }
    return change(to: .waiting("no answer yet"), now: now)
  }

  /// One line for a log.
  public var line: String {
    switch phase {
    case .connecting: "connecting to the broker at \(address)"
    case .connected: "connected to the broker at \(address)"
    case .waiting(let why): "waiting for the broker at \(address): \(why)"
    case .refused(let why): "the broker at \(address) refuses the connection: \(why)"
    }
  }

  /// One word.
  public var word: String {
    switch phase {
    case .connecting: "connecting"
    case .connected: "connected"
    case .waiting: "waiting"
    case .refused: "refused"
    }
  }

  private mutating func change(to next: Phase, now: Int64) -> Bool {
    guard phase != next else { return false }
    phase = next
    since = now
    return true
  }
}
