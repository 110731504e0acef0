import CBotHost
import Synchronization

/// A handler, method or hook as a lane sees it: what to call, and what has to be looked at before.
///
/// The function fields are only written while the endpoint's gate is shut and read by the lane that delivers. A record
/// lives as long as its binding, which is held by the endpoint while something queued may be for it, and by the calls and followed events
/// that will come to it.
struct BindingRecord: ~Copyable {
  var function: bh_handler?
  var context: OpaquePointer?
  let lane: UnsafeMutablePointer<LaneState>
  /// What `bind` gave.
  var number: UInt32 = 0
  var flags: UInt32 = 0
  private let timeoutWord = Atomic<Int64>(0)
  /// Nanoseconds. Also read by the watch over handlers that do not return, while a plan changes it.
  var timeout: Int64 {
    @inline(__always) get { timeoutWord.load(ordering: .relaxed) }
    @inline(__always) nonmutating set { timeoutWord.store(newValue, ordering: .relaxed) }
  }
  /// Keys that have something unsettled; only the lane's executor touches it.
  var heldKeys = 0
  var priority: Int32 = 0
  var inFlightLimit: UInt32 = 1
  /// Only events of this source (an interned pointer); nil: all.
  var source: UnsafePointer<UInt8>?
  /// Counted by the executor alone, read by anybody.
  let handled = Atomic<UInt64>(0)
  let owner: Unmanaged<Binding>

  /// The event needs a closer look before the handler is called.
  static let examined: UInt32 = 1 << 0
  /// A tap: no order, no retry, no settlement.
  static let observer: UInt32 = 1 << 1
  static let method: UInt32 = 1 << 2
  static let hook: UInt32 = 1 << 3
  /// Its handler is gone: what still comes for it is a dead letter.
  static let removed: UInt32 = 1 << 4
  /// The standard entry, which also gets the method's name.
  static let invoke: UInt32 = 1 << 5

  init(lane: UnsafeMutablePointer<LaneState>, owner: Unmanaged<Binding>) {
    self.lane = lane
    self.owner = owner
  }
}

typealias BindingPointer = UnsafeMutablePointer<BindingRecord>

/// The cold half of a binding.
final class Binding: @unchecked Sendable {
  let id: String
  /// The instance's name.
  let endpoint: String
  /// Whoever holds the binding may look at the record's lane. `Endpoint.letGo` ends the circle.
  private let home: Endpoint
  /// `instance/handler`, as the journal knows it.
  let consumer: String
  var record: BindingPointer
  var spec: HandlerSpec?
  var hook: HookSpec?
  var methodName = ""
  /// The full name, as bytes that `invoke` gets.
  var fullName: UnsafeBufferPointer<UInt8>
  var invoke: CallTarget.Invoke?
  /// Ordering state by hash of the key; equal hashes of different keys only order more than they must. Executor only.
  var keys: [UInt64: KeyState] = [:]

  /// Calls that were too long since one was reported, the longest of them, and when that was. Executor only.
  private var longCalls = 0
  private var longestCall: Int64 = 0
  private var longCallsReportedAt: Int64?

  let retried = Atomic<UInt64>(0)
  let skipped = Atomic<UInt64>(0)
  let failed = Atomic<UInt64>(0)
  let dead = Atomic<UInt64>(0)

  init(id: String, of home: Endpoint) {
    self.id = id
    self.home = home
    endpoint = home.name
    consumer = "\(home.name)/\(id)"
    fullName = UnsafeBufferPointer(start: nil, count: 0)
    record = .allocate(capacity: 1)
    record.initialize(to: BindingRecord(lane: home.lane, owner: Unmanaged.passUnretained(self)))
  }

  deinit {
    record.deinitialize(count: 1)
    record.deallocate()
  }

  /// Counts a call that held the lane for too long; what is to be reported, at most once a minute.
  func noteLongCall(_ time: Int64, at now: Int64) -> BusReport? {
    longCalls += 1
    longestCall = max(longestCall, time)
    if let before = longCallsReportedAt, now - before < 60_000_000_000 { return nil }
    defer { (longCalls, longestCall, longCallsReportedAt) = (0, 0, now) }
    return .longCall(handler: consumer, nanoseconds: longestCall, times: longCalls)
  }

  func take(_ target: CallTarget) {
    record.pointee.function = target.function
    record.pointee.context = target.context
    record.pointee.number = target.binding
    invoke = target.invoke
    if target.function == nil {
      record.pointee.flags |= BindingRecord.invoke
    } else {
      record.pointee.flags &= ~BindingRecord.invoke
    }
  }

  func take(_ spec: HandlerSpec) {
    self.spec = spec
    take(spec.target)
    var flags = record.pointee.flags & (BindingRecord.invoke | BindingRecord.observer)
    if !spec.conditions.isEmpty { flags |= BindingRecord.examined }
    record.pointee.flags = flags
    record.pointee.timeout = spec.timeout > 0 ? spec.timeout : 30_000_000_000
    record.pointee.priority = spec.priority
    record.pointee.inFlightLimit = max(1, spec.inFlight)
    record.pointee.source = spec.source.map { SourceNames.intern($0).baseAddress } ?? nil
  }
}

/// What is unsettled under one key of one handler.
final class KeyState {
  /// Deliveries that are under way: handed to the handler and unsettled.
  var inFlight: UInt32 = 0
  /// Failed ones that hold the key until they are settled (`retry_mode: block`).
  var blocked: UInt32 = 0
  /// Later events of the key, in order.
  var waiting = ItemQueue()

  var isIdle: Bool { inFlight == 0 && blocked == 0 && waiting.isEmpty }
}

/// A first-in-first-out queue whose storage shrinks as it is read.
struct ItemQueue {
  private var items: [LaneItem] = []
  private var head = 0

  var isEmpty: Bool { head == items.count }
  var count: Int { items.count - head }

  mutating func append(_ item: LaneItem) { items.append(item) }

  mutating func removeFirst() -> LaneItem? {
    guard head < items.count else { return nil }
    let item = items[head]
    head += 1
    if head == items.count {
      items.removeAll(keepingCapacity: head <= 64)
      head = 0
    } else if head >= 1024, head * 2 >= items.count {
      items.removeFirst(head)
      head = 0
    }
    return item
  }
}

/// One event for one handler.
struct LaneItem {
  var event: EventPointer
  var binding: BindingPointer
}
