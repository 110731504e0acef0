import CBotHost
import Glibc
import Synchronization

/// A compiled bot on the bus: an endpoint of its own, whose lane runs its handlers.
///
/// The bot's methods calls leave in the order of its events; a delivery is acknowledged when all of its handlers have ended and all of
/// its calls have been answered.
final class RunningBot: @unchecked Sendable {
  private struct Version {
    var bot: BoundBot
    var build: BotBuild
    var number = 1
  }

  /// The version that runs. Changed by the host's operations only, one at a time.
  private let present: Mutex<Version>
  var bot: BoundBot { present.withLock { $0.bot } }
  var build: BotBuild { present.withLock { $0.build } }
  /// 1, and one more with each version that takes over.
  var version: Int { present.withLock { $0.number } }
  let endpoint: Endpoint
  private let lane: LaneConfined<BotLane>
  private let bus: Bus
  private let states: StateBoard
  /// What the bus delivers to it. Grows only: what no version needs any more is passed over.
  private var inlets: [BotInlet] = []

  init(
    _ bot: BoundBot, _ build: BotBuild, on bus: Bus, states: StateBoard, standardOutput: StandardOutput
  ) throws {
    present = Mutex(Version(bot: bot, build: build))
    self.bus = bus
    self.states = states
    endpoint = try bus.addEndpoint(name: bot.program.name, lane: LaneOptions(capacity: 16_384))
    lane = LaneConfined(BotLane(bot, endpoint, standardOutput))
    let map = try connect(bot)
    lane.value.subscriptions = map
    try endpoint.install(plan)
  }

  /// Lets events come, after those that it has missed.
  func open() {
    let news = tellStates(inlets[...])
    endpoint.openGate()
    tell(news)
  }

  /// Ends it after what is under way, or when the time is up, nanoseconds.
  func close(on bus: Bus, timeout: Int64 = 2_000_000_000, queued: Bus.QueuedEvents = .drop) {
    bus.remove(endpoint, timeout: timeout, queued: queued)
  }

  /// Puts another version in place, by one store on the lane between two events. Events that were delivered before are handled by the
  /// version that they came to. On failure nothing has changed.
  ///
  /// - Returns: nanoseconds for which the lane did nothing else.
  func replace(with bot: BoundBot, _ build: BotBuild) throws -> Int64 {
    let before = inlets.count
    let map = try connect(bot)
    let hasNewInlets = inlets.count > before
    // A plan can only be installed while nothing is delivered; what comes meanwhile waits at the gate.
    if hasNewInlets { endpoint.closeGate() }
    var news: [StoredNews] = []
    defer {
      if hasNewInlets { endpoint.openGate() }
      tell(news)
    }
    if hasNewInlets {
      do { try endpoint.install(plan) } catch {
        inlets.removeSubrange(before...)
        throw error
      }
    }
    let lane = self.lane
    let pause = endpoint.onLane(timeout: 10_000_000_000) { lane.value.replace(bot, map) }
    guard let pause else { throw BusError("\(endpoint.name): a handler has not returned within 10 s") }
    if hasNewInlets { news = tellStates(inlets[before...]) }
    present.withLock { present in
      present.bot = bot
      present.build = build
      present.number += 1
    }
    return pause
  }

  /// Waits until no event is under way any more that an earlier version handles; `timeout` in nanoseconds.
  func waitForEarlierVersions(timeout: Int64, clock: any HostClock) {
    let deadline = clock.monotonic + timeout
    let lane = self.lane
    while clock.monotonic < deadline {
      guard let count = endpoint.onLane(timeout: timeout, { lane.value.runtime.supersededCount }), count > 0 else {
        return
      }
      usleep(1_000)
    }
  }

  // MARK: What was before

  /// An event that a bot has missed, and the handler's name on the bus.
  private struct StoredNews {
    var event: StoredEvent
    var consumer: String
  }

  /// Tells the runtime the states of instances that it begins to listen to. The gate is shut, so that what comes from now
  /// on comes later.
  ///
  /// - Returns: events that stand for states which hold, for handlers that have not seen them.
  private func tellStates(_ inlets: ArraySlice<BotInlet>) -> [StoredNews] {
    guard !inlets.isEmpty else { return [] }
    states.catchUp()
    let lane = self.lane
    var news: [StoredNews] = []
    for (number, inlet) in zip(inlets.indices, inlets) {
      if inlet.isState {
        guard let payload = states.state(of: inlet.instance, topic: inlet.topic) else { continue }
        endpoint.onLane(timeout: 10_000_000_000) {
          lane.value.takeState(of: inlet.instance, inlet: number, payload)
        }
      } else if let payload = states.standingEvent(of: inlet.instance, topic: inlet.topic) {
        let event = StoredEvent(time: 0, topic: inlet.topic, source: inlet.instance, payload: payload)
        news.append(StoredNews(event: event, consumer: "\(endpoint.name)/\(inlet.spec.id)"))
      }
    }
    return news
  }

  private func tell(_ news: [StoredNews]) {
    for item in news { _ = bus.redeliver(item.event, to: item.consumer) { _ in } }
  }

  /// Makes inlets for what a version listens to and no earlier one did.
  ///
  /// - Returns: for each inlet the number of the version's subscription; -1 for those that it does not need.
  private func connect(_ bot: BoundBot) throws -> [Int] {
    let lane = self.lane
    let known = inlets.count
    var map = Array(repeating: -1, count: known)
    let wanted = bot.program.subscriptions.enumerated().map { index, subscription in
      (instance: bot.instances[subscription.requirement].name, subscription.topic, subscription.isState, index)
    }
    for (instance, topic, isState, index) in wanted {
      if let inlet = inlets.firstIndex(where: { $0.instance == instance && $0.topic == topic && $0.isState == isState })
      {
        map[inlet] = index
        continue
      }
      let number = inlets.count
      do {
        inlets.append(
          try BotInlet(
            instance: instance, topic: topic, isState: isState, bot: bot.program.name,
            target: NativeTarget { event in
              let subscription = lane.value.subscriptions[number]
              if subscription >= 0 { return lane.value.deliver(subscription, event) }
              if isState { lane.value.runtime.noteState(of: instance, payload: event.pointee.payload.bytes) }
              return bh_rc(isState ? BH_OK : BH_SKIP)
            }))
      } catch {
        inlets.removeSubrange(known...)
        throw error
      }
      map.append(index)
    }
    return map
  }

  private var plan: EndpointPlan {
    var plan = EndpointPlan(generation: BusBotEffects.generation)
    plan.handlers = inlets.map(\.spec)
    return plan
  }
}

/// Events of one topic from one instance, on their way to a bot.
private struct BotInlet {
  let instance: String
  let topic: String
  let isState: Bool
  let spec: HandlerSpec
  private let target: NativeTarget

  /// What goes wrong with one event is tried again twice, since the cause is most often on the other side of a call.
  static let retry = RetryPolicy(attempts: 3)
  /// A call may wait for a chat's rate limit; the methods' own timeouts are shorter.
  private static let timeout: Int64 = 900_000_000_000
  /// Events of one key whose calls may be under way at the same time. A call that waits for a broker takes some 7 ms, of which 5 are for
  /// others to join it: a thousand at a time would be no more than 150,000 a second.
  private static let inFlight: UInt32 = 8192

  init(instance: String, topic: String, isState: Bool, bot: String, target: NativeTarget) throws {
    guard let pattern = TopicPattern(topic) else {
      throw BusError("the bot \(bot) listens to '\(topic)', which is no topic")
    }
    self.instance = instance
    self.topic = topic
    self.isState = isState
    self.target = target
    var spec = HandlerSpec(
      id: "\(instance)@\(topic)" + (isState ? "#state" : ""), topic: pattern, target: target.target)
    spec.source = instance
    spec.timeout = Self.timeout
    spec.retry = Self.retry
    spec.inFlight = Self.inFlight
    // What an instance's state is has to be known before the events that depend on it.
    spec.priority = isState ? 1 : 0
    self.spec = spec
  }
}

/// What only the bot's lane touches.
private final class BotLane {
  let runtime: BotRuntime
  private let effects: BusBotEffects
  /// By inlet: the subscription of the version that runs, or -1. Unchecked, as in `BotRuntime`.
  @exclusivity(unchecked) var subscriptions: [Int] = []

  init(_ bot: BoundBot, _ endpoint: Endpoint, _ standardOutput: StandardOutput) {
    effects = BusBotEffects(endpoint, standardOutput)
    runtime = BotRuntime(bot, effects: effects)
    effects.serve(runtime)
  }

  func deliver(_ subscription: Int, _ event: UnsafePointer<bh_event>) -> bh_rc {
    let delivery = runtime.deliver(
      subscription: subscription, payload: event.pointee.payload.bytes, delivery: event.pointee.delivery,
      attempt: BotAttempt(
        event: event.pointee.seq, number: event.pointee.attempt,
        isLast: event.pointee.attempt >= BotInlet.retry.attempts))
    switch delivery {
    case .pending: return bh_rc(BH_ASYNC)
    case .done(nil): return bh_rc(BH_OK)
    case .done(let failure?):
      CallMessage.set(Int32(BH_E_RETRY), failure.description)
      return bh_rc(BH_E_RETRY)
    }
  }

  /// Takes a state as it was before the bot listened.
  func takeState(of instance: String, inlet: Int, _ payload: [UInt8]) {
    payload.withUnsafeBytes { bytes in
      guard subscriptions[inlet] >= 0 else {
        runtime.noteState(of: instance, payload: bytes)
        return
      }
      _ = runtime.deliver(subscription: subscriptions[inlet], payload: bytes, delivery: 0)
    }
  }

  /// Nanoseconds that it took.
  func replace(_ bot: BoundBot, _ map: [Int]) -> Int64 {
    let began = SystemClock().monotonic
    runtime.replace(with: bot)
    effects.serve(runtime)
    subscriptions = map
    return SystemClock().monotonic - began
  }
}

/// A value that only one lane touches.
private final class LaneConfined<Value>: @unchecked Sendable {
  let value: Value
  init(_ value: Value) { self.value = value }
}

/// Carries out what a bot's steps ask for.
private final class BusBotEffects: BotEffects, @unchecked Sendable {
  static let generation: UInt32 = 1

  private let endpoint: Endpoint
  private let standardOutput: StandardOutput
  // Unchecked, as in `BotRuntime`: the lane's alone.
  /// The methods' names, as borrowed by every call.
  @exclusivity(unchecked) private var methods: [StoredText] = []
  @exclusivity(unchecked) private var runtime: BotRuntime?

  /// What a call's completion needs to find its way back. Used again, so that calls do not allocate; the lane's alone.
  private struct CallContext {
    var effects: Unmanaged<BusBotEffects>
    var token: UInt64
  }
  @exclusivity(unchecked) private var free: [UnsafeMutablePointer<CallContext>] = []

  init(_ endpoint: Endpoint, _ standardOutput: StandardOutput) {
    self.endpoint = endpoint
    self.standardOutput = standardOutput
  }

  /// Before the runtime's first event, and whenever it calls more methods.
  func serve(_ runtime: BotRuntime) {
    self.runtime = runtime
    methods += runtime.methods.dropFirst(methods.count).map { StoredText($0) }
  }

  deinit { for context in free { context.deallocate() } }

  func call(_ call: BotCallToken, method: Int, argument: UnsafeRawBufferPointer, delivery: UInt64) {
    let context = free.popLast() ?? .allocate(capacity: 1)
    context.initialize(to: CallContext(effects: .passUnretained(self), token: call.rawValue))
    let bytes = bh_bytes(ptr: argument.baseAddress?.assumingMemoryBound(to: UInt8.self), len: argument.count)
    let code = endpoint.call(
      cause: delivery, method: methods[method].str, argument: bytes, timeout: 0,
      done: { context, code, result in
        guard let context = context?.assumingMemoryBound(to: CallContext.self) else { return }
        let (effects, token) = (context.pointee.effects, context.pointee.token)
        effects._withUnsafeGuaranteedRef { effects in
          effects.free.append(context)
          effects.ended(BotCallToken(rawValue: token), code, result.bytes)
        }
      }, context: context, token: nil, generation: Self.generation)
    if code != BH_OK {
      free.append(context)
      let name = methods[method].str.string
      let reason = CallMessage.take() ?? ResultCode.name(code)
      runtime?.complete(call, .failure("\(name): \(reason)"))
    }
  }

  private func ended(_ call: BotCallToken, _ code: bh_rc, _ result: UnsafeRawBufferPointer) {
    if code >= 0 {
      runtime?.complete(call, .value(result))
    } else {
      let text = String(decoding: result, as: UTF8.self)
      runtime?.complete(call, .failure(text.isEmpty ? ResultCode.name(code) : text))
    }
  }

  func print(_ line: UnsafeRawBufferPointer) { standardOutput.write(line) }

  func settled(_ delivery: UInt64, failure: BotFailure?) {
    guard let failure else {
      _ = endpoint.ack(delivery, generation: Self.generation)
      return
    }
    withBorrowed(failure.description) { message in
      _ = endpoint.nack(
        delivery, why: bh_rc(BH_E_RETRY), retryAfter: 0, message: message, generation: Self.generation)
    }
  }
}

/// Lines on standard output, whole and in order, from any number of bots.
final class StandardOutput: @unchecked Sendable {
  private let monitor = Monitor()
  private var line: [UInt8] = []
  private var isClosed = false

  /// Nobody reads any more: what is written is thrown away, as a terminal's end must not stop a bot.
  func write(_ text: UnsafeRawBufferPointer) {
    monitor.withLock {
      guard !isClosed else { return }
      line.removeAll(keepingCapacity: true)
      line.append(contentsOf: text)
      line.append(0x0A)
      var done = 0
      while done < line.count {
        let count = line[done...].withUnsafeBytes { Glibc.write(1, $0.baseAddress, $0.count) }
        if count > 0 {
          done += count
        } else if errno != EINTR {
          isClosed = true
          return
        }
      }
    }
  }
}
