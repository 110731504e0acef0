import BotPluginKit
import KafkaClient
import KafkaLog
import Synchronization

/// Brings together what the instance's clients say of their connections: one line in the log and one event on `kafka.state` for each change.
final class ConnectionReport: Sendable {
  private struct Known {
    var states: [ClientRole: ConnectionState] = [:]
    var told: String?
    /// An event that the host had no room for.
    var unpublished: String?
  }

  private let host: Host
  private let topic: Topic
  private let known = Mutex(Known())

  init(host: Host) throws(PluginError) {
    self.host = host
    topic = try host.topic("kafka.state")
  }

  /// Takes in one client's news.
  func changed(_ role: ClientRole, _ state: ConnectionState) {
    let news = known.withLock { known -> ConnectionState? in
      known.states[role] = state
      guard let worst = Self.worst(known.states.values), known.told != worst.line else { return nil }
      known.told = worst.line
      return worst
    }
    guard let news else { return }
    switch news.phase {
    case .connected: host.log(.notice, news.line)
    case .connecting: host.log(.info, news.line)
    case .waiting: host.log(.warning, news.line)
    case .refused: host.log(.error, news.line)
    }
    publish(connected: news.isConnected, state: news.word, address: news.address, since: news.since)
  }

  /// Says that there is no server to connect to: the host itself keeps the records.
  func embedded(now: Int64) {
    publish(connected: true, state: "embedded", address: "embedded", since: now)
  }

  /// A client is gone.
  func ended(_ role: ClientRole) {
    known.withLock { _ = $0.states.removeValue(forKey: role) }
  }

  /// Tries again what the host had no room for.
  func catchUp() {
    guard let payload = known.withLock({ $0.unpublished }) else { return }
    send(payload)
  }

  /// What the worst-off client says, and since how many milliseconds; `nil`: there is no client.
  func description(now: Int64) -> (isConnected: Bool, text: String)? {
    guard let worst = known.withLock({ Self.worst($0.states.values) }) else { return nil }
    return (worst.isConnected, "\(worst.line), since \(max(0, now - worst.since) / 1000) s")
  }

  private static func worst(_ states: some Collection<ConnectionState>) -> ConnectionState? {
    func rank(_ state: ConnectionState) -> Int {
      switch state.phase {
      case .connected: 0
      case .connecting: 1
      case .waiting: 2
      case .refused: 3
      }
    }
    return states.max { rank($0) < rank($1) }
  }

  private func publish(connected: Bool, state: String, address: String, since: Int64) {
    var payload = Array("{\"connected\":\(connected),\"state\":\"\(state)\",\"since\":\(since),\"address\":".utf8)
    JSONString.append(address, to: &payload)
    payload.append(UInt8(ascii: "}"))
    send(String(decoding: payload, as: UTF8.self))
  }

  private func send(_ payload: String) {
    let sent = payload.withTextBytes { bytes in (try? host.publish(topic, json: bytes)) != nil }
    known.withLock { $0.unpublished = sent ? nil : payload }
  }
}
