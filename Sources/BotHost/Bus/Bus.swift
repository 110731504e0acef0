import CBotHost
import CJSON
import Glibc
import Synchronization

/// Moves events and calls between endpoints.
///
/// Events go by topic to the handlers of endpoints (`Endpoint`), each through its lane; what a handler answers
/// settles its delivery. Method calls travel through the same lanes. The bus knows no plugin, no file and no network:
/// whoever brings code installs a plan of C functions, the journal stands behind `DurableLog`.
///
/// All functions may be called from any thread. The bus must outlive its endpoints' use.
public final class Bus: @unchecked Sendable {
  /// A handler that holds its lane longer is reported, nanoseconds.
  static let longCall: Int64 = 10_000_000

  private let clockSource: BusClock.Source
  let clock: BusClock
  let options: BusOptions
  let topics = TopicTable()
  let routes: RouteTable
  let methods = MethodRegistry()
  let slots = SlotTable()
  let deadlines: DeadlineWheel
  let timers: TimerQueue

  private struct State: @unchecked Sendable {
    var endpoints: [Endpoint] = []
    /// Removed ones that something may still come back to; see `reclaim`.
    var removed: [Endpoint] = []
    var serial = 0
    var durable: [TopicPattern] = []
    var reportedDrops: [ObjectIdentifier: UInt64] = [:]
    var stuck: [ObjectIdentifier: Int64] = [:]
    var nextWatch: Int64 = 0
  }
  private let state = Mutex(State())
  private let thread = BusTimerThread()
  /// Numbers of the taps that there are.
  let tapNumbers = Mutex<Set<Int>>([])
  private let dead = Atomic<UInt64>(0)
  private let faults = Atomic<UInt64>(0)
  private let untaken = Atomic<UInt64>(0)
  let extensionRevision = Atomic<UInt64>(1)

  public init(_ options: BusOptions = BusOptions(), clock: any HostClock = SystemClock()) {
    self.options = options
    clockSource = BusClock.Source(clock)
    self.clock = BusClock(clockSource)
    routes = RouteTable(topics: topics)
    deadlines = DeadlineWheel(slots: slots, now: clock.monotonic)
    timers = TimerQueue(clock: self.clock)
    state.withLock { $0.durable = options.durableTopics }
  }

  deinit {
    thread.stop()
    for endpoint in state.withLock({ $0.endpoints }) { endpoint.end(timeout: 0, queued: .drop) }
    // One whose handler has not returned stays, with what its thread needs.
    for endpoint in state.withLock({ $0.endpoints + $0.removed }) where endpoint.isUnreachable { _ = endpoint.letGo() }
  }

  /// Starts the thread that watches deadlines, retries and timers. Without it (tests with a clock of their own)
  /// `runTimers` does that work.
  public func start() {
    thread.start(self)
    timers.onSooner { [thread] in thread.wake() }
  }

  // MARK: Endpoints

  /// A new endpoint, with its gate shut and nothing installed. Throws when the name is taken or is none.
  public func addEndpoint(name: String, lane: LaneOptions = LaneOptions()) throws(BusError) -> Endpoint {
    var text = name
    guard name.utf8.count <= 128, text.withUTF8({ TopicPattern.isTopic($0) }) else {
      throw BusError("'\(name)' is no name for an instance: dotted parts of [A-Za-z0-9_-], 128 bytes at most")
    }
    let made: Endpoint? = state.withLock { state in
      guard !state.endpoints.contains(where: { $0.name == name }), let slot = slots.take() else { return nil }
      state.serial += 1
      let endpoint = Endpoint(name: name, lane: lane, serial: state.serial, slot: slot, bus: self)
      state.endpoints.append(endpoint)
      return endpoint
    }
    guard let made else { throw BusError("an instance '\(name)' is on the bus already") }
    made.startLane()
    return made
  }

  /// Takes an endpoint off the bus: no event and no call reaches it any more. What is queued is delivered first, for at
  /// most `timeout` nanoseconds (0: not at all, also when the gate is shut), and the rest is a dead letter or dropped.
  public func remove(_ endpoint: Endpoint, timeout: Int64 = 0, queued: QueuedEvents = .deadLetter) {
    let isKnown = state.withLock { state in
      guard let index = state.endpoints.firstIndex(where: { $0 === endpoint }) else { return false }
      state.removed.append(state.endpoints.remove(at: index))
      return true
    }
    guard isKnown else { return }
    endpoint.end(timeout: timeout, queued: queued)
    state.withLock { state in
      // By address, which another endpoint may have next.
      state.reportedDrops[ObjectIdentifier(endpoint)] = nil
      state.stuck[ObjectIdentifier(endpoint)] = nil
    }
    reclaim()
  }

  /// Lets go of the removed endpoints that nothing comes back to any more; their memory is freed when those have finished who are
  /// publishing by the routes of before, and whoever else holds one of their bindings: a call on its way, or an event that is handed on
  /// by priority. Called at each removal and once a second, for those that had to wait.
  private func reclaim() {
    let unreachable = state.withLock { state in
      let found = state.removed.filter(\.isUnreachable)
      state.removed.removeAll { endpoint in found.contains { $0 === endpoint } }
      return found
    }
    for endpoint in unreachable {
      slots.giveBack(endpoint.lane.pointee.slot)
      timers.forget(endpoint.lane)
      let bindings = endpoint.letGo()
      Reclamation.retire { withExtendedLifetime((endpoint, bindings)) {} }
    }
  }

  /// How many endpoints have been removed and are kept.
  var removedCount: Int { state.withLock { $0.removed.count } }

  /// What becomes of events that a removed endpoint had not handled.
  public enum QueuedEvents: Sendable {
    case deadLetter
    case drop
  }

  /// Those that are on the bus now, taps among them, in the order in which they came.
  public var endpoints: [Endpoint] { state.withLock { $0.endpoints } }

  /// The one of that name; nil: there is none, or it was removed.
  public func endpoint(named name: String) -> Endpoint? {
    state.withLock { $0.endpoints.first { $0.name == name } }
  }

  /// Delivers what is queued everywhere, for at most `timeout` nanoseconds, then ends all lanes. True when nothing
  /// was left. Gates stay as they are: what is queued behind a shut one counts as left.
  @discardableResult
  public func stop(timeout: Int64) -> Bool {
    let all = endpoints
    // Nothing comes of waiting for what stands before a shut gate.
    _ = waitUntil(SystemClock().monotonic &+ max(0, timeout), SystemClock()) {
      all.allSatisfy { $0.isIdle || $0.isAtRest }
    }
    let isIdle = all.allSatisfy(\.isIdle)
    // Publishers first, in the order in which they came: nobody publishes to a lane that has ended.
    for endpoint in all { remove(endpoint, timeout: 0, queued: .drop) }
    thread.stop()
    return isIdle
  }

  // MARK: Topics

  /// The topic of that name, made when it may be published to. Nil: no topic, or one of those that belong to an
  /// endpoint.
  func topic(_ name: UnsafeBufferPointer<UInt8>) -> TopicPointer? {
    if let found = topics.find(name) { return found }
    if Self.isPrivate(name) { return nil }
    return topics.intern(name) { bytes in
      state.withLock { $0.durable.contains { $0.matches(bytes) } } && options.durableLog != nil
    }
  }

  /// Topics whose events only the instance that they are of receives.
  static func isPrivate(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
    name.starts(with: "timer.".utf8) || name.starts(with: "net.".utf8)
  }

  /// Replaces the set of journaled topics; events that are queued are not touched.
  public func setDurable(topics patterns: [TopicPattern]) {
    state.withLock { $0.durable = patterns }
    routes.change(remove: [], add: []) {
      for index in 0..<topics.count {
        guard let topic = topics[index] else { continue }
        topic.pointee.isDurable =
          options.durableLog != nil && patterns.contains { $0.matches(topic.pointee.bytes) }
      }
    }
  }

  // MARK: Numbers

  /// What was counted since the start. Cheap, any thread; the numbers are not of one moment.
  public func statistics() -> BusStatistics {
    BusStatistics(
      published: Reclamation.published, deadLetters: dead.load(ordering: .relaxed),
      untaken: untaken.load(ordering: .relaxed), faults: faults.load(ordering: .relaxed), topics: topics.count,
      subscriptions: routes.count,
      methods: methods.all.count, slotsInUse: slots.inUse, chunks: EventArena.chunksInUse.load(ordering: .relaxed))
  }

  /// Names of all methods that can be called, `instance.method`.
  public var methodNames: [String] { methods.all }

  func report(_ report: BusReport) { options.report?(report) }

  func fault(_ endpoint: String, _ text: String) {
    faults.wrappingAdd(1, ordering: .relaxed)
    report(.fault(endpoint: endpoint, text: text))
  }

  // MARK: Time

  /// Does what is due: deadlines, retries, timers. `start`'s thread calls it; so do tests that turn the clock.
  public func runTimers() {
    let now = clock.monotonic
    // What is due may be of an endpoint that is removed just now: its lane stays until this has ended.
    let thread = ThreadContext.current
    Reclamation.enter(thread)
    deadlines.advance(to: now) { slot, token in expire(slot, token) }
    timers.runDue(now) { action in
      switch action {
      case .retry(let slot, let lane): lane.post(.retry(slot))
      case .timer(let timer, let version): timer.fire(version: version, now: now)
      case .work(let body): body()
      }
    }
    Reclamation.leave(thread)
    Reclamation.collect()
  }

  private func expire(_ slot: SlotPointer, _ token: bh_token) {
    guard slot.move(token, from: { $0 == DeliverySlot.open }, to: DeliverySlot.claimed) != nil else {
      // Its handler is just returning BH_ASYNC.
      let word = slot.pointee.word.load(ordering: .acquiring)
      if word & ~DeliverySlot.low == token & ~DeliverySlot.low, word & DeliverySlot.stateMask == DeliverySlot.running {
        deadlines.add(slot, token)
      }
      return
    }
    if let call = slot.pointee.call?.takeUnretainedValue() {
      if call.slot == slot {
        call.endClaimed(bh_rc(BH_E_TIMEOUT), Array(call.lateness.utf8))
      } else {
        withExtendedLifetime(call) {
          closeHop(slot, answered: false, drop: true, how: bh_rc(BH_E_TIMEOUT))
          call.hookIsLate(ThreadContext.current)
        }
      }
      return
    }
    slot.pointee.effects?.takeRetainedValue().drop()
    slot.pointee.effects = nil
    slot.pointee.outcome = bh_rc(BH_E_TIMEOUT)
    slot.pointee.retryAfter = 0
    slot.pointee.message = "not settled before its deadline"
    slot.pointee.lane?.post(.settled(slot))
  }

  /// When the timer's thread has to look again, monotonic nanoseconds.
  func nextLook(_ now: Int64) -> Int64 {
    var next = now + 1_000_000_000
    if let due = timers.next { next = min(next, due) }
    if deadlines.count > 0 { next = min(next, now + 2 * DeadlineWheel.tick) }
    return next
  }

  func watchIfDue(_ now: Int64) {
    let isDue = state.withLock { state in
      guard now >= state.nextWatch else { return false }
      state.nextWatch = now + 1_000_000_000
      return true
    }
    if isDue {
      watch()
      reclaim()
    }
  }

  /// Looks for handlers past their deadline and for drops; once a second.
  func watch() {
    let now = clock.monotonic
    for endpoint in endpoints {
      let lane = endpoint.lane
      let since = lane.pointee.runningSince.load(ordering: .relaxed)
      let id = ObjectIdentifier(endpoint)
      if since != 0, let binding = BindingPointer(bitPattern: lane.pointee.runningBinding.load(ordering: .relaxed)) {
        let limit = max(binding.pointee.timeout, 1_000_000_000)
        let known = state.withLock { $0.stuck[id] }
        if now - since > limit, known != since {
          state.withLock { $0.stuck[id] = since }
          report(
            .stuck(
              handler: binding.pointee.owner._withUnsafeGuaranteedRef { $0.consumer }, nanoseconds: now - since))
        }
      }
      lane.lock()
      let dropped = lane.pointee.dropped
      lane.unlock()
      let before = state.withLock { $0.reportedDrops.updateValue(dropped, forKey: id) } ?? 0
      if dropped > before { report(.dropped(endpoint: endpoint.name, count: dropped - before)) }
    }
  }

  // MARK: Settlement

  /// One handler is done with an event that somebody follows or that is on disk.
  func finishSpecial(
    _ item: LaneItem, rc: bh_rc, stopped: Bool, message: String?, settledOnDisk: Bool,
    _ thread: UnsafeMutablePointer<ThreadContext>
  ) {
    if !settledOnDisk { settleOnDisk(item.event, item.binding) }
    EventTracker.of(item.event)?._withUnsafeGuaranteedRef {
      $0.finished(rc, stopped: stopped, message: message, self, thread)
    }
  }

  func settleOnDisk(_ event: EventPointer, _ binding: BindingPointer) {
    guard event.pointee.position != 0 else { return }
    options.durableLog?.settle(
      .init(
        position: event.pointee.position,
        consumer: binding.pointee.owner._withUnsafeGuaranteedRef { $0.consumer }))
  }

  func commit(_ batch: DurableBatch) throws(DurableFailure) -> [Int64] {
    guard let log = options.durableLog else {
      throw DurableFailure(code: bh_rc(BH_E_UNSUPPORTED), reason: "this host has no journal")
    }
    return try log.commit(batch)
  }

  /// Keeps an event that nobody will try again. True when its settlement is on disk together with the letter.
  func deadLetter(
    _ event: EventPointer, consumer: String, _ rc: bh_rc, _ reason: String, attempts: UInt32,
    _ thread: UnsafeMutablePointer<ThreadContext>
  ) -> Bool {
    dead.wrappingAdd(1, ordering: .relaxed)
    let letter = DeadLetter(
      event: event.stored(), consumer: consumer, code: rc, reason: reason, attempts: attempts, time: clock.unix)
    var onDisk = false
    if event.pointee.position != 0 {
      var batch = DurableBatch()
      batch.deadLetters = [letter]
      if consumer != DeadLetter.nobody {
        batch.settlements = [.init(position: event.pointee.position, consumer: consumer)]
      }
      do throws(DurableFailure) {
        _ = try commit(batch)
        onDisk = true
      } catch {
        // It is still unsettled on disk, and comes back with the next start.
        report(.journal("the dead letter of \(consumer) on \(letter.event.topic) is not on disk: \(error.reason)"))
        onDisk = true
      }
    } else {
      options.deadLetters?.add(letter)
    }
    report(.deadLetter(letter))
    announce(letter, thread)
    return onDisk
  }

  /// Keeps an event that somebody had to take and nobody has taken. The reason, for the publisher.
  @discardableResult
  func nobodyTook(
    _ event: EventPointer, passedOver handlers: Int, _ thread: UnsafeMutablePointer<ThreadContext>
  ) -> String {
    untaken.wrappingAdd(1, ordering: .relaxed)
    let reason =
      switch handlers {
      case 0: "no handler takes it: there is none for this topic"
      case 1: "no handler takes it: the one of this topic has passed it over"
      default: "no handler takes it: all \(handlers) of this topic have passed it over"
      }
    let name = String(
      decoding: UnsafeBufferPointer(start: event.pointee.source, count: Int(event.pointee.sourceLength)), as: UTF8.self)
    endpoint(named: name)?.untaken.wrappingAdd(1, ordering: .relaxed)
    _ = deadLetter(event, consumer: DeadLetter.nobody, bh_rc(BH_E_NOTFOUND), reason, attempts: 0, thread)
    return reason
  }

  /// Publishes `dead.TOPIC` for whoever wants to know. Not about letters about letters.
  private func announce(_ letter: DeadLetter, _ thread: UnsafeMutablePointer<ThreadContext>) {
    guard !letter.event.topic.hasPrefix("dead.") else { return }
    var headers = letter.event.headers
    if letter.consumer != DeadLetter.nobody {
      headers.append(.init(name: "bothost-consumer", value: Array(letter.consumer.utf8)))
    }
    headers.append(.init(name: "bothost-reason", value: Array(letter.reason.utf8)))
    headers.append(.init(name: "bothost-code", value: Array("\(letter.code)".utf8)))
    headers.append(.init(name: "bothost-attempts", value: Array("\(letter.attempts)".utf8)))
    var event = letter.event
    event.topic = "dead." + event.topic
    event.headers = headers
    _ = publish(event, source: letter.event.source, admission: .never, thread)
  }
}
