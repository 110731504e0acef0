import CBotHost
import Synchronization

/// What instances have last said of their state, for bots that begin to listen later.
///
/// Kept are, of each instance of a plugin whose types have states, the last event on `<plugin>.state`, and the last of each
/// event that has the name of such a state (`connected`): while the state holds, that event counts as news for whoever
/// has not seen it. What is kept of an instance goes when it stops.
///
/// Any thread may ask. One event a topic and instance is kept; payloads beyond `payloadLimit` are not.
final class StateBoard: @unchecked Sendable {
  private struct Place: Hashable {
    var instance: String
    var topic: String
  }

  /// Events that stand for a state, by topic: the plugin and the state's name.
  private struct Standing {
    var stateTopic: String
    var state: String
  }

  static let payloadLimit = 1 << 20

  private let endpoint: Endpoint
  private let standing: [String: Standing]
  private let kept = Mutex<[Place: [UInt8]]>([:])
  private var targets: [NativeTarget] = []

  /// Marks that are put behind what has been published: how many there are, and how many have come through.
  private let marks = Monitor()
  private var placed = 0
  private var passed = 0
  private var mark: PrivateChannel?

  init(_ manifests: [Manifest], on bus: Bus) throws {
    endpoint = try bus.addEndpoint(name: "sys.states", lane: LaneOptions(capacity: 16_384))
    var standing: [String: Standing] = [:]
    var topics: Set<String> = []
    for manifest in manifests {
      for type in manifest.types where !type.state.isEmpty {
        let stateTopic = "\(manifest.plugin).state"
        topics.insert(stateTopic)
        for event in type.events where type.state.named(event.name)?.type == .bool {
          standing[event.topic] = Standing(stateTopic: stateTopic, state: event.name)
        }
      }
    }
    self.standing = standing
    topics.formUnion(standing.keys)
    var plan = EndpointPlan(generation: 1)
    for topic in topics.sorted() {
      guard let pattern = TopicPattern(topic) else { continue }
      plan.handlers.append(handler(topic, pattern) { board, event in board.keep(event) })
    }
    for topic in ["sys.plugin.stopped", "sys.plugin.failed"] {
      guard let pattern = TopicPattern(topic) else { continue }
      plan.handlers.append(handler(topic, pattern) { board, event in board.forget(event.pointee.key.string) })
    }
    if let pattern = TopicPattern(Self.markTopic) {
      plan.handlers.append(handler("mark", pattern) { board, _ in board.pass() })
    }
    try endpoint.install(plan)
    mark = endpoint.channel(topic: Self.markTopic)
    endpoint.openGate()
  }

  private static let markTopic = "timer.mark"

  private func handler(
    _ id: String, _ pattern: TopicPattern, _ body: @escaping @Sendable (StateBoard, UnsafePointer<bh_event>) -> Void
  ) -> HandlerSpec {
    let target = NativeTarget { [weak self] event in
      if let self { body(self, event) }
      return bh_rc(BH_OK)
    }
    targets.append(target)
    return HandlerSpec(id: id, topic: pattern, target: target.target)
  }

  private func keep(_ event: UnsafePointer<bh_event>) {
    let payload = event.pointee.payload.bytes
    guard payload.count <= Self.payloadLimit else { return }
    let place = Place(instance: event.pointee.source.string, topic: event.pointee.topic.string)
    kept.withLock { $0[place] = Array(payload) }
  }

  private func forget(_ instance: String) {
    kept.withLock { kept in
      for place in kept.keys where place.instance == instance { kept[place] = nil }
    }
  }

  /// Waits until what has been published by now has been taken note of; a second at most.
  func catchUp() {
    let deadline = SystemClock().monotonic + 1_000_000_000
    marks.withLock {
      // The lane is a queue: what comes through last was put in last.
      guard let mark, mark.deliver(UnsafeRawBufferPointer(start: nil, count: 0), force: true) == .queued else { return }
      placed += 1
      let mine = placed
      while passed < mine, marks.wait(until: deadline) {}
    }
  }

  private func pass() {
    marks.withLock {
      passed += 1
      marks.broadcast()
    }
  }

  /// The payload of an instance's last event on its state topic.
  func state(of instance: String, topic: String) -> [UInt8]? {
    kept.withLock { $0[Place(instance: instance, topic: topic)] }
  }

  /// The payload of an instance's last event on a topic, if that stands for a state which holds.
  func standingEvent(of instance: String, topic: String) -> [UInt8]? {
    guard let rule = standing[topic], let state = state(of: instance, topic: rule.stateTopic),
      (try? JSONValue(parsing: state))?[rule.state] == true
    else { return nil }
    return kept.withLock { $0[Place(instance: instance, topic: topic)] }
  }
}
