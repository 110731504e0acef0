import CBotHost
import Glibc
import Synchronization

/// Bindings that a plan has replaced.
private final class RetiredBindings: Sendable {
  let bindings: [Binding]
  /// Nobody reads routes any more that lead to them.
  let isUnreachable = Atomic<Bool>(false)

  init(_ bindings: [Binding]) { self.bindings = bindings }
}

/// One plugin instance, or one consumer of the host's own, on the bus: a lane, a gate, and the plan of the generation
/// that runs.
///
/// The functions in `EndpointHostTable.swift` and its neighbours stand one to one behind the host table of `bothost.h`.
public final class Endpoint: @unchecked Sendable {
  public let name: String
  /// Alive as long as the endpoint serves.
  let busReference: Unmanaged<Bus>
  let lane: LanePointer
  let source: UnsafeBufferPointer<UInt8>

  private struct Installed: @unchecked Sendable {
    var handlers: [Binding] = []
    var methods: [Binding] = []
    var hooks: [Binding] = []
    /// Of earlier plans: something queued may still be for them.
    var retired: [RetiredBindings] = []
    var publishes: [TopicPattern]?
    var mandatory: [TopicPattern] = []
    var extensions: [String: JSONValue] = [:]
    var standard: Binding?
    var timers: [String: EndpointTimer] = [:]
    var thread: HostThread?
    var hasEnded = false

    /// Whoever publishes by a list cannot publish what the host says, also by `**`.
    func mayPublish(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
      guard let publishes else { return true }
      return !ReservedNames.isHostTopic(name) && publishes.contains { $0.matches(name) }
    }
  }
  private let installed = Mutex(Installed())
  /// By the topic's index: a `PublishPermission`.
  let permissions: UnsafeMutablePointer<UInt8>
  /// Events that it has published and nobody has taken.
  let untaken = Atomic<UInt64>(0)
  /// What is kept by `retain`, by generation.
  let kept = Mutex<[UInt32: Int]>([:])
  /// It is a tap. Set before anybody else knows the endpoint.
  var isObserver = false
  /// Callbacks that the generations' plugins wait for.
  let promises = Promises()
  /// Its lane's thread has ended.
  private let hasStopped = Atomic<Bool>(false)
  /// Counts plans, so that channels know when to look again.
  let planVersion = Atomic<Int>(0)

  init(name: String, lane options: LaneOptions, serial: Int, slot: SlotPointer, bus: Bus) {
    self.name = name
    busReference = Unmanaged.passUnretained(bus)
    source = SourceNames.intern(name)
    lane = .allocate(capacity: 1)
    permissions = ZeroedMemory.map(TopicTable.maximumTopics)
    lane.initialize(
      to: LaneState(options: options, serial: serial, clock: bus.clock, slot: slot, bus: bus, endpoint: self))
    lane.prepare()
    slot.pointee.lane = lane
    lane.pointee.attention.store(LaneState.gateBit, ordering: .relaxed)
    if options.inline { lane.pointee.pending.store(1, ordering: .relaxed) }
  }

  deinit {
    pthread_mutex_destroy(&lane.pointee.mutex)
    pthread_cond_destroy(&lane.pointee.wake)
    pthread_cond_destroy(&lane.pointee.room)
    lane.deinitialize(count: 1)
    lane.deallocate()
    ZeroedMemory.unmap(permissions, TopicTable.maximumTopics)
  }

  func startLane() {
    let lane = LaneAddress(lane)
    let thread = HostThread(name: name) { lane.pointer.run() }
    installed.withLock { $0.thread = thread }
    if thread == nil { bus.fault(name, "the system has no thread left for the lane") }
  }

  /// A lane's address for closures that cross threads.
  struct LaneAddress: @unchecked Sendable {
    let pointer: LanePointer
    init(_ pointer: LanePointer) { self.pointer = pointer }
  }

  /// For what is not on the way of every event: there the reference is borrowed, not counted.
  var bus: Bus { busReference.takeUnretainedValue() }

  /// The generation whose plan is installed; 0: none yet.
  public var generation: UInt32 { lane.pointee.generation.load(ordering: .acquiring) }

  // MARK: Plans

  /// Puts what a generation brings on the bus, in one step; the gate must be shut. Handlers of the same `id` keep
  /// their queue, their keys and their retries; what waits for a handler that is gone becomes a dead letter when its
  /// turn comes.
  public func install(_ plan: EndpointPlan) throws(BusError) {
    guard lane.pointee.attention.load(ordering: .acquiring) & LaneState.gateBit != 0 else {
      throw BusError("\(name): a plan can only be installed while the gate is shut")
    }
    var ids = Set<String>()
    for handler in plan.handlers where !ids.insert(handler.id).inserted {
      throw BusError("\(name): two handlers are called '\(handler.id)'")
    }
    for handler in plan.handlers where handler.target.function == nil {
      throw BusError("\(name): the handler '\(handler.id)' has no function")
    }
    // The lane must stand: whoever runs in it reads what is changed here.
    guard onLane(timeout: 30_000_000_000, { true }) == true else {
      throw BusError("\(name): a handler is still running; its plan cannot be replaced")
    }
    forgetRetired()
    let before = installed.withLock { $0 }
    var remaining = Dictionary(before.handlers.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    var handlers: [Binding] = []
    var updates: [(Binding, HandlerSpec)] = []
    for spec in plan.handlers {
      let binding = remaining.removeValue(forKey: spec.id) ?? Binding(id: spec.id, of: self)
      handlers.append(binding)
      updates.append((binding, spec))
    }
    var methodBindings: [(name: String, binding: Binding, timeout: Int64)] = []
    var oldMethods = Dictionary(before.methods.map { ($0.methodName, $0) }, uniquingKeysWith: { first, _ in first })
    for method in plan.methods {
      let binding =
        oldMethods.removeValue(forKey: method.name)
        ?? Binding(id: "method:\(method.name)", of: self)
      binding.methodName = method.name
      binding.fullName = SourceNames.intern("\(name).\(method.name)")
      methodBindings.append(("\(name).\(method.name)", binding, method.timeout > 0 ? method.timeout : 30_000_000_000))
    }
    let hookBindings = plan.hooks.enumerated().map { index, hook in
      let binding = Binding(id: "hook:\(hook.method)#\(index)", of: self)
      binding.hook = hook
      binding.fullName = SourceNames.intern(hook.method)
      return (hook: hook, binding: binding)
    }
    let gone = Array(remaining.values)
    try bus.methods.change(
      remove: before.methods + before.hooks, methods: methodBindings, hooks: hookBindings)
    for (method, binding) in zip(plan.methods, methodBindings.map(\.binding)) {
      binding.take(method.target)
      binding.record.pointee.flags = (binding.record.pointee.flags & BindingRecord.invoke) | BindingRecord.method
    }
    for (hook, binding) in hookBindings {
      binding.take(hook.target)
      binding.record.pointee.flags |= BindingRecord.hook
      binding.record.pointee.timeout = hook.timeout > 0 ? hook.timeout : 5_000_000_000
    }
    for binding in Array(oldMethods.values) + before.hooks + gone {
      binding.record.pointee.flags |= BindingRecord.removed
    }
    let standard = plan.standard.map { target in
      let binding = before.standard ?? Binding(id: "standard", of: self)
      if let every = TopicPattern("**") { binding.take(HandlerSpec(id: "standard", topic: every, target: target)) }
      return binding
    }
    // From one store on, events reach the new handlers and no removed one.
    bus.routes.change(
      remove: before.handlers,
      add: zip(updates, handlers).compactMap { update, binding in
        Self.isPrivate(update.1.topic) ? nil : (update.1.topic, binding)
      }
    ) {
      for (binding, spec) in updates { binding.take(spec) }
      lane.pointee.generation.store(plan.generation, ordering: .releasing)
      lane.pointee.slot.pointee.generation = plan.generation
      promises.open(plan.generation)
    }
    installed.withLock { state in
      state.handlers = handlers
      state.methods = methodBindings.map(\.binding)
      state.hooks = hookBindings.map(\.binding)
      state.standard = standard
      state.publishes = plan.publishes
      state.mandatory = plan.mandatory
      state.extensions = plan.extensions
      memset(permissions, 0, bus.topics.count)
    }
    retire(
      gone + Array(oldMethods.values) + before.hooks + (standard == nil ? [before.standard].compactMap(\.self) : []))
    planVersion.wrappingAdd(1, ordering: .releasing)
    if before.extensions != plan.extensions { bus.extensionsChanged() }
  }

  /// What it says for a plugin.
  func extensionContent(for plugin: String) -> JSONValue? { installed.withLock { $0.extensions[plugin] } }

  /// Takes the endpoint's hooks out of the way of the methods that they cover, and what it says for other plugins out of their sight, until
  /// the next plan. Calls that stand at a hook go on when its lane comes to them.
  public func withdrawContributions() {
    let hooks = installed.withLock { state in
      let hooks = state.hooks
      state.hooks = []
      if !state.extensions.isEmpty {
        state.extensions = [:]
        bus.extensionsChanged()
      }
      return hooks
    }
    try? bus.methods.change(remove: hooks, methods: [], hooks: [])
    for hook in hooks { hook.record.pointee.flags |= BindingRecord.removed }
    retire(hooks)
  }

  /// Keeps bindings that no route and no method leads to any more, for what is still on its way to them.
  private func retire(_ bindings: [Binding]) {
    guard !bindings.isEmpty else { return }
    let retired = RetiredBindings(bindings)
    installed.withLock { $0.retired.append(retired) }
    Reclamation.retire { retired.isUnreachable.store(true, ordering: .releasing) }
  }

  /// While the lane stands: lets go of retired bindings to which nothing can come any more, and for which nothing is left here.
  private func forgetRetired() {
    guard lane.depth == 0, lane.pointee.inFlight.load(ordering: .acquiring) == 0,
      lane.pointee.retrying.load(ordering: .acquiring) == 0
    else { return }
    installed.withLock { $0.retired.removeAll { $0.isUnreachable.load(ordering: .acquiring) } }
  }

  /// How many bindings of earlier plans are kept.
  var retiredCount: Int { installed.withLock { $0.retired.reduce(0) { $0 + $1.bindings.count } } }

  static func isPrivate(_ pattern: TopicPattern) -> Bool {
    pattern.text.hasPrefix("timer.") || pattern.text.hasPrefix("net.")
  }

  /// Handlers of a private topic: those whose pattern names its family, or else the standard one.
  func privateBindings(_ topic: String) -> [BindingPointer] {
    installed.withLock { state in
      let found = state.handlers.filter { binding in
        guard let pattern = binding.spec?.topic else { return false }
        return Self.isPrivate(pattern) && pattern.matches(topic)
      }
      if !found.isEmpty {
        return found.sorted { $0.record.pointee.priority > $1.record.pointee.priority }.map(\.record)
      }
      return state.standard.map { [$0.record] } ?? []
    }
  }

  /// Whether and how the endpoint may publish on a topic, found out once a topic and plan.
  @inline(__always)
  func permission(_ topic: TopicPointer) -> PublishPermission {
    let known = PublishPermission(word: permissions[topic.pointee.index])
    return known == .unknown ? askPermission(topic) : known
  }

  /// Whether it may publish on a name that is no topic yet.
  func mayPublish(named name: UnsafeBufferPointer<UInt8>) -> Bool {
    installed.withLock { $0.mayPublish(name) }
  }

  @inline(never)
  private func askPermission(_ topic: TopicPointer) -> PublishPermission {
    installed.withLock { state in
      let name = topic.pointee.bytes
      let permission: PublishPermission =
        !state.mayPublish(name) ? .denied : state.mandatory.contains { $0.matches(name) } ? .mandatory : .allowed
      permissions[topic.pointee.index] = permission.word
      return permission
    }
  }

  // MARK: Timers and channels, kept here because they outlive plans

  func withTimers<Result>(_ body: (inout [String: EndpointTimer]) -> Result) -> Result {
    installed.withLock { body(&$0.timers) }
  }

  func adopt(_ binding: Binding) { installed.withLock { $0.handlers.append(binding) } }

  // MARK: The end

  /// No new event and no new call reaches it from now on, but for those of its own timers and connections; what is queued is delivered.
  func withdraw() {
    let (handlers, callable) = installed.withLock { ($0.handlers, $0.methods + $0.hooks) }
    bus.routes.change(remove: handlers, add: [])
    try? bus.methods.change(remove: callable, methods: [], hooks: [])
  }

  /// Off the bus; see `Bus.remove`. False: a handler has not returned, and the lane's thread goes on until it does.
  @discardableResult
  func end(timeout: Int64, queued: Bus.QueuedEvents) -> Bool {
    let before = installed.withLock { state in
      let before = state
      state.hasEnded = true
      state.timers = [:]
      state.extensions = [:]
      return before
    }
    if !before.extensions.isEmpty { bus.extensionsChanged() }
    for timer in before.timers.values { timer.cancel() }
    withdraw()
    if timeout > 0 { _ = waitUntil(SystemClock().monotonic &+ timeout, SystemClock()) { isIdle } }
    closeGate()
    lane.lock()
    lane.pointee.closed = true
    pthread_cond_broadcast(&lane.pointee.room)
    lane.unlock()
    lane.offerRoom(always: true)
    let address = LaneAddress(lane)
    let drop = queued == .drop
    revoke()
    let isFree = onLane(timeout: 2_000_000_000) { [self] in
      address.pointer.giveUpQueued(drop: drop)
      keepPromises(of: nil)
      return true
    }
    lane.lock()
    lane.pointee.stopping = true
    lane.pointee.attention.bitwiseOr(LaneState.stopBit, ordering: .releasing)
    lane.unlockAndWake()
    installed.withLock { $0.thread = nil }
    // A function that does not return, a handler or another that was called on the lane, keeps its thread; it ends when that does.
    guard let thread = before.thread, !thread.isCurrent, isFree == true,
      lane.pointee.runningSince.load(ordering: .relaxed) == 0
    else { return false }
    thread.join()
    hasStopped.store(true, ordering: .releasing)
    return true
  }

  /// Whether its end is complete and nothing is under way that comes back to its lane: no delivery, no call that it has made, and no
  /// event whose end it wants to know. What else may lead here holds one of its bindings.
  var isUnreachable: Bool {
    hasStopped.load(ordering: .acquiring) && lane.pointee.inFlight.load(ordering: .acquiring) <= 0
      && lane.pointee.owed.load(ordering: .acquiring) <= 0
  }

  /// Gives up its bindings, which hold it. A publisher may still see them, until its read of the routes has ended.
  func letGo() -> [Binding] {
    planVersion.wrappingAdd(1, ordering: .releasing)
    return installed.withLock { state in
      let all =
        state.handlers + state.methods + state.hooks + state.retired.flatMap(\.bindings)
        + [state.standard].compactMap(\.self)
      state.handlers = []
      state.methods = []
      state.hooks = []
      state.retired = []
      state.standard = nil
      return all
    }
  }

  /// On the lane, at its end: events that wait behind others of their key.
  func takeWaiting() -> [LaneItem] {
    let bindings = installed.withLock {
      $0.handlers + $0.retired.flatMap(\.bindings) + ($0.standard.map { [$0] } ?? [])
    }
    var items: [LaneItem] = []
    for binding in bindings {
      for key in binding.keys.keys.sorted() {
        while let item = binding.keys[key]?.waiting.removeFirst() { items.append(item) }
      }
      binding.keys.removeAll()
      binding.record.pointee.heldKeys = 0
    }
    return items
  }

  /// The gate is shut, no handler runs, and no delivery is unsettled.
  var isAtRest: Bool {
    !isGateOpen && lane.pointee.inFlight.load(ordering: .acquiring) == 0
      && lane.pointee.runningSince.load(ordering: .relaxed) == 0
  }

  /// Nothing is queued, under way, or waiting for a retry.
  public var isIdle: Bool {
    lane.depth == 0 && lane.pointee.inFlight.load(ordering: .acquiring) == 0
      && lane.pointee.retrying.load(ordering: .acquiring) == 0
      && lane.pointee.runningSince.load(ordering: .relaxed) == 0
  }

  // MARK: Numbers

  /// What its handlers have done with events so far.
  var handlerTotals: HandlerTotals {
    installed.withLock { state in
      state.handlers.reduce(into: HandlerTotals()) { totals, binding in
        totals.handled += binding.record.pointee.handled.load(ordering: .relaxed)
        totals.handled += binding.skipped.load(ordering: .relaxed)
        totals.failed += binding.failed.load(ordering: .relaxed)
      }
    }
  }

  /// How it stands now. Takes the lane's lock for a moment; any thread. The numbers are not of one moment.
  public func statistics() -> EndpointStatistics {
    var numbers = EndpointStatistics()
    numbers.name = name
    numbers.generation = generation
    lane.lock()
    let finished = lane.pointee.finished.load(ordering: .acquiring)
    numbers.accepted = lane.pointee.accepted
    numbers.depth = Int(truncatingIfNeeded: lane.pointee.accepted &- finished)
    numbers.bytes = Int(
      truncatingIfNeeded: lane.pointee.acceptedBytes &- lane.pointee.finishedBytes.load(ordering: .acquiring))
    numbers.dropped = lane.pointee.dropped
    numbers.rejected = lane.pointee.rejected
    numbers.untaken = untaken.load(ordering: .relaxed)
    let oldest = lane.oldestTime
    lane.unlock()
    if oldest != 0 { numbers.oldestAge = max(0, bus.clock.unix - oldest) }
    numbers.inFlight = lane.pointee.inFlight.load(ordering: .relaxed)
    numbers.retrying = lane.pointee.retrying.load(ordering: .relaxed)
    numbers.outgoing = lane.pointee.outgoing.load(ordering: .relaxed)
    numbers.isGateOpen = lane.pointee.attention.load(ordering: .relaxed) & LaneState.gateBit == 0
    numbers.waiting = lane.pointee.waiters.load(ordering: .relaxed)
    let since = lane.pointee.runningSince.load(ordering: .relaxed)
    if since != 0, let binding = BindingPointer(bitPattern: lane.pointee.runningBinding.load(ordering: .relaxed)) {
      numbers.running = binding.pointee.owner._withUnsafeGuaranteedRef { $0.id }
      numbers.runningFor = max(0, bus.clock.monotonic - since)
    }
    numbers.retained = kept.withLock { $0.values.reduce(0, +) }
    numbers.bindings = installed.withLock { state in
      (state.handlers + state.methods + state.hooks).map { binding in
        BindingStatistics(
          id: binding.id, handled: binding.record.pointee.handled.load(ordering: .relaxed),
          skipped: binding.skipped.load(ordering: .relaxed), failed: binding.failed.load(ordering: .relaxed),
          retried: binding.retried.load(ordering: .relaxed), dead: binding.dead.load(ordering: .relaxed))
      }
    }
    numbers.delivered = numbers.bindings.reduce(0) { $0 + $1.handled + $1.skipped }
    return numbers
  }
}
