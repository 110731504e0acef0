import BotPluginKit
import KafkaClient
import KafkaLog
import Synchronization

/// Brings together what the instance's clients say of their connections: one line in the log and one event on `kafka.state` for each change.
///
/// News comes on the threads that take the broker's reports, and those must never wait for a subscriber, which may itself be waiting
/// for a report. So the events are published on the instance's lane.
final class ConnectionReport: Sendable {
  private struct Known {
    var states: [ClientRole: ConnectionState] = [:]
    var told: String?
    /// Events for the lane to publish, the oldest first.
    var unpublished: [String] = []
    /// The lane has been asked and has not come to it.
    var isAsked = false
  }

  private let host: Host
  private let topic: Topic
  private let known = Mutex(Known())
  /// Only the latest matter to anybody who has fallen so far behind.
  private static let unpublishedLimit = 64

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
    queue(connected: news.isConnected, state: news.word, address: news.address, since: news.since)
    catchUp()
  }

  /// Says that there is no server to connect to: the host itself keeps the records. On the lane.
  func embedded(now: Int64) {
    queue(connected: true, state: "embedded", address: "embedded", since: now)
    publishQueued()
  }

  /// A client is gone.
  func ended(_ role: ClientRole) {
    known.withLock { _ = $0.states.removeValue(forKey: role) }
  }

  /// Has the lane publish what waits, also what the host had no room for before. On any thread.
  func catchUp() {
    let isToAsk = known.withLock { known in
      guard !known.unpublished.isEmpty, !known.isAsked else { return false }
      known.isAsked = true
      return true
    }
    guard isToAsk else { return }
    do { try host.onLane(host.confine(self)) { $0.publishQueued() } } catch {
      // A generation that is coming to rest; the next one tells its own news.
      known.withLock { $0.isAsked = false }
    }
  }

  /// On the lane.
  private func publishQueued() {
    known.withLock { $0.isAsked = false }
    while let payload = known.withLock({ $0.unpublished.first }) {
      guard payload.withTextBytes({ bytes in (try? host.publish(topic, json: bytes)) != nil }) else { return }
      known.withLock { if $0.unpublished.first == payload { $0.unpublished.removeFirst() } }
    }
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

  private func queue(connected: Bool, state: String, address: String, since: Int64) {
    var payload = Array("{\"connected\":\(connected),\"state\":\"\(state)\",\"since\":\(since),\"address\":".utf8)
    JSONString.append(address, to: &payload)
    payload.append(UInt8(ascii: "}"))
    let text = String(decoding: payload, as: UTF8.self)
    known.withLock { known in
      known.unpublished.append(text)
      if known.unpublished.count > Self.unpublishedLimit { known.unpublished.removeFirst() }
    }
  }
}
