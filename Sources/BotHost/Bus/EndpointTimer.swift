import CBotHost
import Glibc
import Synchronization

/// A named timer of an endpoint. It fires as the private event `timer.NAME`, and not again before that event is
/// settled: missed periods become one.
final class EndpointTimer: @unchecked Sendable {
  private let endpoint: Endpoint
  private let topic: UnsafeMutableBufferPointer<UInt8>
  private let payload: [UInt8]
  private let period: Int64
  private let version = Atomic<UInt64>(1)
  private let isPending = Atomic<Bool>(false)

  init(endpoint: Endpoint, topic: String, payload: [UInt8], period: Int64) {
    self.endpoint = endpoint
    self.topic = .allocate(capacity: topic.utf8.count)
    _ = self.topic.initialize(from: topic.utf8)
    self.payload = payload
    self.period = period
  }

  deinit { topic.deallocate() }

  func start(after delay: Int64) {
    let (due, overflow) = endpoint.bus.clock.monotonic.addingReportingOverflow(max(0, delay))
    schedule(at: overflow ? .max : due)
  }

  private func schedule(at due: Int64) {
    next.withLock { $0 = due }
    endpoint.bus.timers.schedule(at: due, .timer(self, version: version.load(ordering: .relaxed)))
  }

  private let next = Mutex<Int64>(0)

  func cancel() { version.wrappingAdd(1, ordering: .relaxed) }

  func fire(version: UInt64, now: Int64) {
    guard self.version.load(ordering: .relaxed) == version else { return }
    if !isPending.exchange(true, ordering: .acquiringAndReleasing) { deliver() }
    if period > 0 {
      // The cadence stays that of the first time, whatever was missed.
      let due = next.withLock { $0 }
      let missed = max(0, now &- due) / period
      let (after, overflow) = due.addingReportingOverflow((missed + 1) &* period)
      schedule(at: overflow ? .max : after)
    } else {
      endpoint.forget(self)
    }
  }

  private func deliver() {
    let thread = ThreadContext.current
    endpoint.bus.clock.stamp(thread)
    let name = UnsafeBufferPointer(topic)
    let bindings = endpoint.privateBindings(String(decoding: name, as: UTF8.self))
    guard !bindings.isEmpty else {
      isPending.store(false, ordering: .releasing)
      return
    }
    payload.withUnsafeBytes { payload in
      let content = EventContent(topic: name, source: endpoint.source, payload: payload, copiesTopic: true)
      guard let bytes = content.recordBytes(maximumPayload: .max) else { return }
      let flags = payload.count > 0 ? UInt32(BH_EVENT_JSON) : 0
      let event = EventArena.make(content, bytes: bytes, flags: flags, thread)
      EventArena.retain(event, bindings.count - 1, thread)
      EventTracker(event: event, now: bindings.count, later: [], notice: nil) { [weak self] _ in
        self?.isPending.store(false, ordering: .releasing)
      }.attach()
      for binding in bindings {
        let item = LaneItem(event: event, binding: binding)
        if endpoint.lane.accept(item, .force, thread) != BH_OK { Emission.lost(item, endpoint.bus, thread) }
      }
    }
  }
}

extension Endpoint {
  /// Timers that one endpoint may have.
  public static let maximumTimers = 4096

  /// `bh_timer_v1.set`: sets or replaces the timer. Lives through plans, until the endpoint is removed.
  public func setTimer(name: bh_str, delay: UInt64, period: UInt64, payload: bh_bytes) -> bh_rc {
    let text = name.string
    var topic = "timer." + text
    guard topic.withUTF8({ TopicPattern.isTopic($0) }) else {
      CallMessage.set(Int32(BH_E_INVALID), "'\(text)' is no name for a timer: dotted parts of [A-Za-z0-9_-]")
      return bh_rc(BH_E_INVALID)
    }
    let bytes = payload.bytes
    if bytes.count > bus.options.maximumPayload { return bus.tooLarge() }
    if bytes.count > 0, !Bus.isJSON(bytes.baseAddress, bytes.count, 0) { return bus.notJSON() }
    let timer = EndpointTimer(
      endpoint: self, topic: topic, payload: Array(bytes), period: Int64(clamping: period))
    let added = withTimers { timers in
      guard timers[text] != nil || timers.count < Self.maximumTimers else { return false }
      timers.updateValue(timer, forKey: text)?.cancel()
      return true
    }
    guard added else {
      CallMessage.set(Int32(BH_E_NOSPACE), "an instance has at most \(Self.maximumTimers) timers")
      return bh_rc(BH_E_NOSPACE)
    }
    timer.start(after: Int64(clamping: delay))
    return bh_rc(BH_OK)
  }

  /// `bh_timer_v1.cancel`.
  public func cancelTimer(name: bh_str) -> bh_rc {
    let text = name.string
    guard let timer = withTimers({ $0.removeValue(forKey: text) }) else { return bh_rc(BH_E_NOTFOUND) }
    timer.cancel()
    return bh_rc(BH_OK)
  }

  /// Names of the timers that are set.
  public var timerNames: [String] { withTimers { $0.keys.sorted() } }

  /// A timer that has fired for the last time.
  func forget(_ timer: EndpointTimer) {
    withTimers { timers in
      if let name = timers.first(where: { $0.value === timer })?.key { timers[name] = nil }
    }
  }
}
