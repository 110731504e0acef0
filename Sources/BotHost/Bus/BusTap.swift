import CBotHost
import Synchronization

/// Watches events as they are published, for `bothost tail`. It never holds anybody up: what its bounded queue cannot
/// take is dropped and counted.
public final class BusTap: Sendable {
  private let bus: Bus
  private let endpoint: Endpoint
  private let target: NativeTarget

  fileprivate init(bus: Bus, endpoint: Endpoint, target: NativeTarget) {
    self.bus = bus
    self.endpoint = endpoint
    self.target = target
  }

  /// Events that matched and were not seen.
  public var dropped: UInt64 { endpoint.statistics().dropped }

  /// Ends it; `body` is not called any more once this has returned.
  public func cancel() { bus.remove(endpoint, timeout: 0, queued: .drop) }
}

extension Bus {
  /// Calls `body` with every event on a matching topic, on a thread of the tap's own. `capacity`: events that may
  /// wait for it.
  public func tap(
    _ pattern: TopicPattern, capacity: Int = 4096, body: @escaping @Sendable (UnsafePointer<bh_event>) -> Void
  ) throws(BusError) -> BusTap {
    let number = tapCount.wrappingAdd(1, ordering: .relaxed).newValue
    let endpoint = try addEndpoint(name: "tap-\(number)", lane: LaneOptions(capacity: capacity, full: .dropOldest))
    let target = NativeTarget { event in
      body(event)
      return bh_rc(BH_OK)
    }
    endpoint.observe(pattern, target.target)
    return BusTap(bus: self, endpoint: endpoint, target: target)
  }
}

extension Endpoint {
  /// Turns the endpoint into an observer: no order, no retry, no say.
  fileprivate func observe(_ pattern: TopicPattern, _ target: CallTarget) {
    let spec = HandlerSpec(id: "tap", topic: pattern, target: target)
    let binding = Binding(id: "tap", endpoint: name, lane: lane)
    binding.take(spec)
    binding.record.pointee.flags |= BindingRecord.observer
    binding.record.pointee.priority = .max
    adopt(binding)
    bus.routes.change(remove: [], add: [(pattern, binding)])
    openGate()
  }
}
