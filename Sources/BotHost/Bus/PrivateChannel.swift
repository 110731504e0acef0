import CBotHost
import Glibc
import Synchronization

/// A topic that only one endpoint receives, such as `net.NAME.frame`, ready to be delivered to from a thread that
/// must not block. Made once and kept; any thread, one at a time.
public final class PrivateChannel: @unchecked Sendable {
  /// What became of a delivery.
  public enum Outcome: Sendable, Hashable {
    case queued
    /// The lane is full. `resume` will be called once, on another thread, when there is room again.
    case full
    /// Nobody receives it any more.
    case closed
  }

  /// The topic's name.
  public let topic: String
  private let endpoint: Endpoint
  private let name: UnsafeMutableBufferPointer<UInt8>
  private let contentType: UnsafeMutableBufferPointer<UInt8>
  private let isJSON: Bool
  private var bindings: [BindingPointer] = []
  private var version = -1

  fileprivate init(endpoint: Endpoint, topic: String, contentType: String) {
    self.endpoint = endpoint
    self.topic = topic
    name = .allocate(capacity: topic.utf8.count)
    _ = name.initialize(from: topic.utf8)
    self.contentType = .allocate(capacity: max(1, contentType.utf8.count))
    _ = self.contentType.initialize(from: contentType.utf8)
    contentTypeLength = contentType.utf8.count
    isJSON = contentType.isEmpty
  }

  private let contentTypeLength: Int

  deinit {
    name.deallocate()
    contentType.deallocate()
  }

  /// Copies the payload into an event and queues it. Never waits. With `force` the event goes in beyond the lane's
  /// bound: for what cannot be held back, such as the end of a connection.
  public func deliver(
    _ payload: UnsafeRawBufferPointer, force: Bool = false, resume: (@Sendable () -> Void)? = nil
  ) -> Outcome {
    let thread = ThreadContext.current
    endpoint.bus.clock.stamp(thread)
    let lane = endpoint.lane
    let current = endpoint.planVersion.load(ordering: .acquiring)
    if version != current {
      bindings = endpoint.privateBindings(topic)
      version = current
    }
    guard let first = bindings.first else { return .closed }
    var content = EventContent(
      topic: UnsafeBufferPointer(name), source: endpoint.source, payload: payload, copiesTopic: true)
    content.contentType = UnsafeRawBufferPointer(start: contentType.baseAddress, count: contentTypeLength)
    guard let bytes = content.recordBytes(maximumPayload: endpoint.bus.options.maximumPayload) else { return .closed }
    let count = bindings.count
    lane.lock()
    let isClosed = lane.pointee.closed
    if isClosed || (!force && !lane.admits(count, bytes &* count)) {
      if !isClosed, let resume {
        lane.pointee.roomCalls.append(resume)
        lane.pointee.waiters.wrappingAdd(1, ordering: .sequentiallyConsistent)
      }
      lane.unlock()
      return isClosed ? .closed : .full
    }
    lane.unlock()
    let event = EventArena.make(
      content, bytes: bytes, flags: isJSON && payload.count > 0 ? UInt32(BH_EVENT_JSON) : 0, thread)
    if count == 1 {
      return settle(lane.accept(LaneItem(event: event, binding: first), .force, thread), event)
    }
    EventArena.retain(event, count - 1, thread)
    var outcome = Outcome.queued
    for binding in bindings {
      outcome = settle(lane.accept(LaneItem(event: event, binding: binding), .force, thread), event)
    }
    return outcome
  }

  private func settle(_ rc: bh_rc, _ event: EventPointer) -> Outcome {
    if rc == BH_OK { return .queued }
    EventArena.release(event)
    return .closed
  }
}

extension Endpoint {
  /// A channel to this endpoint alone. The topic must begin with `net.` or `timer.`; its events go to the handlers
  /// whose pattern matches it, or to the plan's standard handler. `contentType` empty: JSON, which the caller vouches
  /// for.
  public func channel(topic: String, contentType: String = "application/octet-stream") -> PrivateChannel? {
    var topic = topic
    guard topic.withUTF8({ TopicPattern.isTopic($0) && Bus.isPrivate($0) }) else { return nil }
    return PrivateChannel(endpoint: self, topic: topic, contentType: contentType)
  }
}
