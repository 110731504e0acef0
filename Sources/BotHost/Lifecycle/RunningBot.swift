import CBotHost
import Glibc

/// A compiled bot on the bus: an endpoint of its own, whose lane runs its handlers.
///
/// The bot's methods calls leave in the order of its events; a delivery is acknowledged when all of its handlers have ended and all of
/// its calls have been answered.
final class RunningBot: @unchecked Sendable {
  let bot: BoundBot
  let endpoint: Endpoint
  private let effects: BusBotEffects
  private let targets: [NativeTarget]
  private let standardOutput: StandardOutput

  /// What goes wrong with one event is tried again twice, since the cause is most often on the other side of a call.
  private static let retry = RetryPolicy(attempts: 3)
  /// A call may wait for a chat's rate limit; the methods' own timeouts are shorter.
  private static let timeout: Int64 = 900_000_000_000
  /// Events of one key whose calls may be under way at the same time.
  private static let inFlight: UInt32 = 1024

  init(_ bot: BoundBot, on bus: Bus, standardOutput: StandardOutput) throws {
    self.bot = bot
    self.standardOutput = standardOutput
    endpoint = try bus.addEndpoint(name: bot.program.name, lane: LaneOptions(capacity: 16_384))
    effects = BusBotEffects(bot, endpoint, standardOutput)
    let effects = self.effects
    let runtime = BotRuntime(bot, effects: effects)
    effects.runtime = runtime
    let box = LaneConfined(runtime)
    var plan = EndpointPlan(generation: BusBotEffects.generation)
    var targets: [NativeTarget] = []
    for (index, subscription) in bot.program.subscriptions.enumerated() {
      guard let topic = TopicPattern(subscription.topic) else {
        throw BusError("the bot \(bot.program.name) listens to '\(subscription.topic)', which is no topic")
      }
      let target = NativeTarget { event in
        Self.answer(
          box.value.deliver(subscription: index, payload: event.pointee.payload.bytes, delivery: event.pointee.delivery))
      }
      targets.append(target)
      let instance = bot.instances[subscription.requirement].name
      var spec = HandlerSpec(
        id: "\(instance)@\(subscription.topic)" + (subscription.isState ? "#state" : ""), topic: topic, target: target.target)
      spec.source = instance
      spec.timeout = Self.timeout
      spec.retry = Self.retry
      spec.inFlight = Self.inFlight
      // What an instance's state is has to be known before the events that depend on it.
      spec.priority = subscription.isState ? 1 : 0
      plan.handlers.append(spec)
    }
    self.targets = targets
    try endpoint.install(plan)
  }

  func open() { endpoint.openGate() }

  /// Ends it after what is under way, or the time is up.
  func close(on bus: Bus) { bus.remove(endpoint, timeout: 2_000_000_000, queued: .drop) }

  private static func answer(_ delivery: BotDelivery) -> bh_rc {
    switch delivery {
    case .pending: return bh_rc(BH_ASYNC)
    case .done(nil): return bh_rc(BH_OK)
    case .done(let failure?):
      CallMessage.set(Int32(BH_E_RETRY), failure.description)
      return bh_rc(BH_E_RETRY)
    }
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
  /// The methods' names, as borrowed by every call.
  private let methods: [StoredText]
  /// Set once, before the first event.
  var runtime: BotRuntime?

  /// What a call's completion needs to find its way back. Used again, so that calls do not allocate; the lane's alone.
  private struct CallContext {
    var effects: Unmanaged<BusBotEffects>
    var token: UInt64
  }
  private var free: [UnsafeMutablePointer<CallContext>] = []

  init(_ bot: BoundBot, _ endpoint: Endpoint, _ standardOutput: StandardOutput) {
    self.endpoint = endpoint
    self.standardOutput = standardOutput
    methods = bot.program.methods.map { StoredText($0.name) }
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
