import CBotHost
import Synchronization

/// Watches events as they are published, for `bothost tail`. It never holds anybody up: what its bounded queue cannot
/// take is dropped and counted.
public final class BusTap: Sendable {
  private let bus: Bus
  private let endpoint: Endpoint
  private let target: NativeTarget
  private let number: Int
  private let isCancelled = Atomic<Bool>(false)

  fileprivate init(bus: Bus, endpoint: Endpoint, target: NativeTarget, number: Int) {
    self.bus = bus
    self.endpoint = endpoint
    self.target = target
    self.number = number
  }

  /// Events that matched and were not seen.
  public var dropped: UInt64 { endpoint.statistics().dropped }

  /// Ends it; `body` is not called any more once this has returned.
  public func cancel() {
    guard !isCancelled.exchange(true, ordering: .acquiringAndReleasing) else { return }
    bus.remove(endpoint, timeout: 0, queued: .drop)
    bus.tapNumbers.withLock { _ = $0.remove(number) }
  }
}

extension Bus {
  /// Calls `body` with every event on a matching topic, on a thread of the tap's own. `capacity`: events that may
  /// wait for it.
  public func tap(
    _ pattern: TopicPattern, capacity: Int = 4096, body: @escaping @Sendable (UnsafePointer<bh_event>) -> Void
  ) throws(BusError) -> BusTap {
    // The lowest number that is free: names are kept for ever, and taps come and go.
    let number = tapNumbers.withLock { taken in
      let number = (1...).first { !taken.contains($0) } ?? 0
      taken.insert(number)
      return number
    }
    let endpoint: Endpoint
    do throws(BusError) {
      endpoint = try addEndpoint(name: "tap-\(number)", lane: LaneOptions(capacity: capacity, full: .dropOldest))
    } catch {
      tapNumbers.withLock { _ = $0.remove(number) }
      throw error
    }
    let target = NativeTarget { event in
      body(event)
      return bh_rc(BH_OK)
    }
    endpoint.observe(pattern, target.target)
    return BusTap(bus: self, endpoint: endpoint, target: target, number: number)
  }
}

extension Endpoint {
  /// Turns the endpoint into an observer: no order, no retry, no say.
  fileprivate func observe(_ pattern: TopicPattern, _ target: CallTarget) {
    let spec = HandlerSpec(id: "tap", topic: pattern, target: target)
    let binding = Binding(id: "tap", of: self)
    binding.take(spec)
    binding.record.pointee.flags |= BindingRecord.observer
    binding.record.pointee.priority = .max
    adopt(binding)
    isObserver = true
    bus.routes.change(remove: [], add: [(pattern, binding)])
    openGate()
  }
}
