import CBotHost
import Glibc
import Synchronization
import Testing

@testable import BotHost

/// A clock that stands until a test turns it.
final class ManualClock: HostClock, @unchecked Sendable {
  private let time = Atomic<Int64>(1_000_000_000)

  var monotonic: Int64 { time.load(ordering: .acquiring) }
  var unix: Int64 { 1_700_000_000_000_000_000 + monotonic }

  func advance(_ nanoseconds: Int64) { time.wrappingAdd(nanoseconds, ordering: .acquiringAndReleasing) }
}

/// What a handler has seen, copied.
struct Seen: Sendable, Equatable {
  var topic: String
  var payload: String
  var key: String
  var source: String
  var seq: UInt64
  var attempt: UInt32
  var flags: UInt32
  var delivery: bh_token
  var correlation: String

  init(_ event: UnsafePointer<bh_event>) {
    func text(_ text: bh_str) -> String {
      String(decoding: UnsafeRawBufferPointer(start: text.ptr, count: text.len), as: UTF8.self)
    }
    topic = text(event.pointee.topic)
    payload = String(
      decoding: UnsafeRawBufferPointer(start: event.pointee.payload.ptr, count: event.pointee.payload.len),
      as: UTF8.self)
    key = text(event.pointee.key)
    source = text(event.pointee.source)
    seq = event.pointee.seq
    attempt = event.pointee.attempt
    flags = event.pointee.flags
    delivery = event.pointee.delivery
    correlation = text(event.pointee.correlation_id)
  }
}

/// Collects from any thread.
final class Box<Value: Sendable>: Sendable {
  private let values = Mutex<[Value]>([])

  func append(_ value: Value) { values.withLock { $0.append(value) } }
  var all: [Value] { values.withLock { $0 } }
  var count: Int { values.withLock { $0.count } }
}

/// Waits until something becomes true; a minute of patience is only ever used up by a failure.
func eventually(
  _ what: String = "", sourceLocation: Testing.SourceLocation = #_sourceLocation, _ condition: () -> Bool
) {
  let clock = SystemClock()
  if !waitUntil(clock.monotonic + 60_000_000_000, clock, condition) {
    Issue.record("it never happened: \(what)", sourceLocation: sourceLocation)
  }
}

/// Shut until somebody opens it, once and for all.
final class Latch: Sendable {
  private let monitor = Monitor()
  nonisolated(unsafe) private var isOpen = false

  func open() {
    monitor.withLock {
      isOpen = true
      monitor.broadcast()
    }
  }

  func wait() {
    monitor.withLock { while !isOpen { monitor.wait() } }
  }
}

/// How often somebody may go on.
final class Permits: Sendable {
  private let monitor = Monitor()
  nonisolated(unsafe) private var count = 0

  var left: Int { monitor.withLock { count } }

  func give(_ more: Int) {
    monitor.withLock {
      count += more
      monitor.broadcast()
    }
  }

  /// Waits until there is one.
  func take() {
    monitor.withLock {
      while count == 0 { monitor.wait() }
      count -= 1
    }
  }
}

extension Endpoint {
  /// Returns when the lane has done everything that could be done when this was called: what has not happened then does not happen by
  /// itself.
  func settle(sourceLocation: Testing.SourceLocation = #_sourceLocation) {
    if onLane(timeout: 60_000_000_000, { true }) == nil {
      Issue.record("the lane of \(name) did not come to rest", sourceLocation: sourceLocation)
    }
  }
}

/// A bus with endpoints of closures.
final class BusFixture: @unchecked Sendable {
  let bus: Bus
  let clock = ManualClock()
  let reports = Box<BusReport>()
  let letters = Letters()
  private let targets = Mutex<[NativeTarget]>([])

  final class Letters: DeadLetterStore {
    let box = Box<DeadLetter>()
    func add(_ letter: DeadLetter) { box.append(letter) }
  }

  init(_ change: (inout BusOptions) -> Void = { _ in }, realClock: Bool = false) {
    var options = BusOptions()
    options.deadLetters = letters
    let reports = reports
    options.report = { reports.append($0) }
    change(&options)
    bus = realClock ? Bus(options) : Bus(options, clock: clock)
    if realClock { bus.start() }
  }

  deinit { bus.stop(timeout: 0) }

  func target(_ body: @escaping @Sendable (UnsafePointer<bh_event>) -> bh_rc) -> CallTarget {
    let target = NativeTarget(body)
    targets.withLock { $0.append(target) }
    return target.target
  }

  func handler(
    _ topic: String, id: String? = nil, _ body: @escaping @Sendable (UnsafePointer<bh_event>) -> bh_rc
  ) throws -> HandlerSpec {
    HandlerSpec(id: id ?? topic, topic: try #require(TopicPattern(topic)), target: target(body))
  }

  func endpoint(
    _ name: String, lane: LaneOptions = LaneOptions(spin: 0), _ handlers: [HandlerSpec] = [],
    methods: [MethodSpec] = [], hooks: [HookSpec] = [], generation: UInt32 = 1, open: Bool = true
  ) throws -> Endpoint {
    let endpoint = try bus.addEndpoint(name: name, lane: lane)
    var plan = EndpointPlan(generation: generation)
    plan.handlers = handlers
    plan.methods = methods
    plan.hooks = hooks
    try endpoint.install(plan)
    if open { endpoint.openGate() }
    return endpoint
  }
}

extension Endpoint {
  /// Publishes as a plugin would.
  @discardableResult
  func send(
    _ topic: String, _ payload: String, key: String = "", delivery: bh_token = 0, correlation: String = "",
    contentType: String = "", generation: UInt32 = 1
  ) -> bh_rc {
    borrow(topic) { topic in
      borrow(payload) { payload in
        borrow(key) { key in
          borrow(correlation) { correlation in
            borrow(contentType) { contentType in
              var event = bh_outgoing()
              event.size = UInt32(MemoryLayout<bh_outgoing>.size)
              event.topic = topic
              event.key = key
              event.correlation_id = correlation
              event.content_type = contentType
              event.payload = bh_bytes(
                ptr: UnsafeRawPointer(payload.ptr)?.assumingMemoryBound(to: UInt8.self), len: payload.len)
              return publish(delivery, &event, generation: generation)
            }
          }
        }
      }
    }
  }

  func nack(_ token: bh_token, _ why: Int, after: UInt64 = 0, _ message: String = "") -> bh_rc {
    borrow(message) { nack(token, why: bh_rc(why), retryAfter: after, message: $0, generation: 1) }
  }

  func answer(_ token: bh_token, _ result: String, rc: Int = BH_OK) -> bh_rc {
    borrow(result) { text in
      reply(
        token, rc: bh_rc(rc),
        result: bh_bytes(ptr: UnsafeRawPointer(text.ptr)?.assumingMemoryBound(to: UInt8.self), len: text.len),
        generation: 1)
    }
  }

  /// Calls a method and hands the outcome to `done` on this endpoint's lane.
  func ask(
    _ method: String, _ argument: String, cause: bh_token = 0, timeout: UInt64 = 0,
    token: UnsafeMutablePointer<bh_token>? = nil,
    done: @escaping @Sendable (bh_rc, String) -> Void = { _, _ in }
  ) -> bh_rc {
    final class Context {
      let done: @Sendable (bh_rc, String) -> Void
      init(_ done: @escaping @Sendable (bh_rc, String) -> Void) { self.done = done }
    }
    let context = Unmanaged.passRetained(Context(done))
    let rc = borrow(method) { method in
      borrow(argument) { argument in
        call(
          cause: cause, method: method,
          argument: bh_bytes(
            ptr: UnsafeRawPointer(argument.ptr)?.assumingMemoryBound(to: UInt8.self), len: argument.len),
          timeout: timeout,
          done: { context, rc, result in
            guard let context else { return }
            let text = String(decoding: UnsafeRawBufferPointer(start: result.ptr, count: result.len), as: UTF8.self)
            Unmanaged<Context>.fromOpaque(context).takeRetainedValue().done(rc, text)
          }, context: context.toOpaque(), token: token, generation: 1)
      }
    }
    if rc != BH_OK { context.release() }
    return rc
  }
}

func borrow<Result>(_ text: String, _ body: (bh_str) -> Result) -> Result {
  var text = text
  return text.withUTF8 { bytes in body(bh_str(UnsafeRawBufferPointer(bytes))) }
}
