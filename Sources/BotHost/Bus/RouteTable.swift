import Synchronization

/// A binding in a route, with what the publisher has to know of it. Copied when the route is made, because a plan may change the
/// binding while others publish.
struct RouteEntry {
  var binding: BindingPointer
  /// Only events of this source (an interned pointer); nil: all.
  var source: UnsafePointer<UInt8>?
  var priority: Int32
  var isObserver: Bool

  var lane: LanePointer { binding.pointee.lane }
}

/// The bindings of one topic: this header, then an entry each, by lane; where priorities differ, highest priority first.
struct RouteList {
  var count: Int
  var flags: UInt32
  var topic: TopicPointer

  /// The topic is journaled.
  static let durable: UInt32 = 1 << 0
  /// There are several priorities: the lower ones wait for the higher ones.
  static let tiered: UInt32 = 1 << 1
  /// Some binding wants the events of one source only.
  static let bySource: UInt32 = 1 << 2
}

typealias RoutePointer = UnsafeMutablePointer<RouteList>

extension UnsafeMutablePointer<RouteList> {
  @inline(__always)
  var entries: UnsafeMutablePointer<RouteEntry> {
    UnsafeMutableRawPointer(self + 1).assumingMemoryBound(to: RouteEntry.self)
  }

  /// Those that an event of a source (an interned pointer) reaches and that have a say.
  func handlers(of source: UnsafePointer<UInt8>?) -> [BindingPointer] {
    (0..<pointee.count).map { entries[$0] }.filter { !$0.isObserver && ($0.source == nil || $0.source == source) }
      .map(\.binding)
  }
}

/// Which bindings an event on a topic reaches.
///
/// A snapshot is immutable as seen from outside and replaced by one atomic store. It resolves a topic against all
/// patterns when the first event on that topic asks, and keeps the answer: a publish costs an array access, however
/// many subscriptions there are.
final class RouteTable: @unchecked Sendable {
  private struct Snapshot {
    var capacity: Int
    /// By the topic's index; 0: not asked yet.
    var lists: UnsafeMutablePointer<Atomic<UInt>>
  }

  private struct Subscription {
    var pattern: TopicPattern
    var binding: Binding
  }

  private struct State: @unchecked Sendable {
    var subscriptions: [Subscription] = []
  }

  private let topics: TopicTable
  private let state = Mutex(State())
  private let current: Atomic<UInt>

  init(topics: TopicTable) {
    self.topics = topics
    current = Atomic(UInt(bitPattern: Self.snapshot(for: topics.count)))
  }

  deinit {
    if let snapshot = UnsafeMutablePointer<Snapshot>(bitPattern: current.load(ordering: .acquiring)) {
      Self.free(snapshot)
    }
  }

  /// The bindings of a topic. The caller is inside `Reclamation.enter`.
  @inline(__always)
  func route(_ topic: TopicPointer) -> RoutePointer {
    let snapshot = UnsafeMutablePointer<Snapshot>(bitPattern: current.load(ordering: .acquiring)).unsafelyUnwrapped
    let index = topic.pointee.index
    if index < snapshot.pointee.capacity,
      let list = RoutePointer(bitPattern: snapshot.pointee.lists[index].load(ordering: .acquiring))
    {
      return list
    }
    return resolve(topic)
  }

  @inline(never)
  private func resolve(_ topic: TopicPointer) -> RoutePointer {
    let address: UInt = state.withLock { state in
      let index = topic.pointee.index
      var snapshot = UnsafeMutablePointer<Snapshot>(bitPattern: current.load(ordering: .acquiring)).unsafelyUnwrapped
      if index >= snapshot.pointee.capacity { snapshot = replace() }
      let known = snapshot.pointee.lists[index].load(ordering: .acquiring)
      if known != 0 { return known }
      let list = Self.list(topic, state.subscriptions.filter { $0.pattern.matches(topic.pointee.bytes) })
      snapshot.pointee.lists[index].store(UInt(bitPattern: list), ordering: .releasing)
      return UInt(bitPattern: list)
    }
    return RoutePointer(bitPattern: address).unsafelyUnwrapped
  }

  private static func list(_ topic: TopicPointer, _ found: [Subscription]) -> RoutePointer {
    var flags: UInt32 = topic.pointee.isDurable ? RouteList.durable : 0
    var entries = found.map { subscription in
      let record = subscription.binding.record
      return RouteEntry(
        binding: record, source: record.pointee.source, priority: record.pointee.priority,
        isObserver: record.pointee.flags & BindingRecord.observer != 0)
    }
    if Set(entries.filter { !$0.isObserver }.map(\.priority)).count > 1 { flags |= RouteList.tiered }
    if entries.contains(where: { $0.source != nil }) { flags |= RouteList.bySource }
    // By lane, because that is the order in which their locks are taken.
    entries.sort { left, right in
      flags & RouteList.tiered != 0 && left.priority != right.priority
        ? left.priority > right.priority : left.lane.pointee.serial < right.lane.pointee.serial
    }
    let bytes = MemoryLayout<RouteList>.stride + entries.count * MemoryLayout<RouteEntry>.stride
    let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 16)
    let list = memory.bindMemory(to: RouteList.self, capacity: 1)
    for (index, entry) in entries.enumerated() { (list.entries + index).initialize(to: entry) }
    list.initialize(to: RouteList(count: entries.count, flags: flags, topic: topic))
    return list
  }

  /// Changes who gets what, in one step: bindings out, bindings in, and whatever `body` does at the same moment.
  func change(
    remove: [Binding], add: [(pattern: TopicPattern, binding: Binding)], _ body: () -> Void = {}
  ) {
    state.withLock { state in
      let gone = Set(remove.map(ObjectIdentifier.init))
      if !gone.isEmpty { state.subscriptions.removeAll { gone.contains(ObjectIdentifier($0.binding)) } }
      state.subscriptions += add.map { Subscription(pattern: $0.pattern, binding: $0.binding) }
      body()
      _ = replace()
    }
  }

  /// How many subscriptions there are.
  var count: Int { state.withLock { $0.subscriptions.count } }

  /// Stores an empty snapshot; with the lock held.
  private func replace() -> UnsafeMutablePointer<Snapshot> {
    let fresh = Self.snapshot(for: topics.count)
    let old = current.exchange(UInt(bitPattern: fresh), ordering: .acquiringAndReleasing)
    Reclamation.retire {
      if let old = UnsafeMutablePointer<Snapshot>(bitPattern: old) { Self.free(old) }
    }
    return fresh
  }

  private static func snapshot(for topics: Int) -> UnsafeMutablePointer<Snapshot> {
    let capacity = min(TopicTable.maximumTopics, topics + topics / 2 + 64)
    let lists = UnsafeMutablePointer<Atomic<UInt>>.allocate(capacity: capacity)
    for index in 0..<capacity { (lists + index).initialize(to: Atomic(0)) }
    let snapshot = UnsafeMutablePointer<Snapshot>.allocate(capacity: 1)
    snapshot.initialize(to: Snapshot(capacity: capacity, lists: lists))
    return snapshot
  }

  private static func free(_ snapshot: UnsafeMutablePointer<Snapshot>) {
    for index in 0..<snapshot.pointee.capacity {
      let bits = snapshot.pointee.lists[index].load(ordering: .acquiring)
      if let list = UnsafeMutableRawPointer(bitPattern: bits) { list.deallocate() }
    }
    snapshot.pointee.lists.deinitialize(count: snapshot.pointee.capacity)
    snapshot.pointee.lists.deallocate()
    snapshot.deallocate()
  }
}
