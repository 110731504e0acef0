/// Runs one bot: carries out its handlers' steps for each event, and waits for answers without a thread.
///
/// Not thread-safe: the host calls it from one thread at a time, the bot's lane.
///
/// Order: an event's handlers run one after the other; the events of one instance are begun in the order in which they
/// are delivered. A handler waits in the middle only for a result that a later step reads. Answers that nobody reads are
/// waited for at the end, while the next event may begin: so calls leave in order and many can be under way.
public final class BotRuntime {
  public let bot: BoundBot
  private unowned let effects: any BotEffects
  private var states: [[UInt8]]
  private var runs: [BotRun] = []
  private var freeRuns: [Int] = []
  /// By requirement: the run whose handlers have not ended yet, and those that wait behind it.
  private var lines: [Line]

  private struct Line {
    var active: Int?
    private var waiting: [Int] = []
    private var head = 0

    mutating func append(_ run: Int) { waiting.append(run) }

    mutating func next() -> Int? {
      guard head < waiting.count else { return nil }
      head += 1
      let run = waiting[head - 1]
      if head == waiting.count || head > 1_024 {
        waiting.removeFirst(head)
        head = 0
      }
      return run
    }
  }

  /// How many events may be under way; the host should not deliver more.
  public static let runLimit = 65_536

  /// - Parameter effects: must outlive the runtime.
  public init(_ bot: BoundBot, effects: any BotEffects) {
    self.bot = bot
    self.effects = effects
    states = bot.program.states.map(\.initial)
    lines = Array(repeating: Line(), count: bot.program.requirements.count)
  }

  /// How many events are under way.
  public var pendingCount: Int { runs.count - freeRuns.count }

  /// Takes an event. The host has made sure that it is of the subscription's topic and instance.
  ///
  /// - Parameters:
  ///   - subscription: an index into `BotProgram.subscriptions`.
  ///   - payload: JSON text, borrowed until the function returns.
  ///   - delivery: given back to `settled`.
  public func deliver(subscription: Int, payload: UnsafeRawBufferPointer, delivery: UInt64) -> BotDelivery {
    let target = bot.program.subscriptions[subscription]
    guard pendingCount < Self.runLimit else {
      return .done(
        BotFailure(
          handler: target.topic, location: bot.program.location,
          message: "more than \(Self.runLimit) events are waiting for answers"))
    }
    let index = take()
    let run = runs[index]
    run.begin(subscription: subscription, payload: payload, delivery: delivery, fields: target.fields.count)
    if lines[target.requirement].active != nil {
      lines[target.requirement].append(index)
      return .pending
    }
    begin(index)
    step(index)
    guard run.phase == .draining, run.openCalls == 0 else { return .pending }
    let failure = run.failure
    release(index)
    return .done(failure)
  }

  /// Takes the answer of a call. Answers that nobody waits for any more are ignored.
  public func complete(_ token: BotCallToken, _ result: BotCallResult) {
    let index = token.run
    guard index < runs.count else { return }
    let run = runs[index]
    guard run.phase == .running || run.phase == .draining, run.generation & 0xFF_FFFF == token.generation,
      token.call < run.calls.count, run.calls[token.call].handler >= 0
    else { return }
    let call = run.calls[token.call]
    run.calls[token.call].handler = -1
    run.openCalls -= 1
    let isAwaited = run.awaited?.call == token.call
    switch result {
    case .value(let text):
      if isAwaited { run.result.append(contentsOf: text) }
    case .failure(let message):
      let code = bot.program.handlers[call.handler]
      var location = code.location
      if case .call(let instruction) = code.instructions[call.instruction] { location = instruction.location }
      run.fail(message, handler: code.label, at: location)
      if isAwaited { run.position = BotRun.failedPosition }
    }
    let slot = isAwaited ? run.awaited?.slot : nil
    if isAwaited { run.awaited = nil }
    // From within `effects.call`: the loop that made the call goes on by itself.
    if run.isStepping { return }
    if let slot {
      if run.position != BotRun.failedPosition { run.takeResult(slot: slot) }
      step(index)
    }
    settleIfDone(index)
  }

  // MARK: Runs

  private func take() -> Int {
    if let index = freeRuns.popLast() { return index }
    runs.append(BotRun())
    return runs.count - 1
  }

  private func release(_ index: Int) {
    runs[index].generation &+= 1
    runs[index].phase = .idle
    freeRuns.append(index)
  }

  private func settleIfDone(_ index: Int) {
    let run = runs[index]
    guard run.phase == .draining, run.openCalls == 0, !run.isStepping else { return }
    let delivery = run.delivery
    let failure = run.failure
    release(index)
    effects.settled(delivery, failure: failure)
  }

  /// Carries out the handlers of an event until they have ended or one waits; then those of the events behind it.
  private func step(_ first: Int) {
    var index = first
    while true {
      let run = runs[index]
      let target = bot.program.subscriptions[run.subscription]
      run.isStepping = true
      run.values.states = states
      let isWaiting = carryOut(run, index, target.handlers)
      run.isStepping = false
      if isWaiting { return }
      run.phase = .draining
      lines[target.requirement].active = nil
      if index != first { settleIfDone(index) }
      guard let next = lines[target.requirement].next() else { return }
      // The caller settles the first; those behind it are settled here.
      begin(next)
      index = next
    }
  }

  /// Prepares an event whose turn it is.
  private func begin(_ index: Int) {
    let run = runs[index]
    let target = bot.program.subscriptions[run.subscription]
    lines[target.requirement].active = index
    run.phase = .running
    run.findFields(target.fields)
    for (position, slot) in target.states.enumerated() {
      let range = run.values.fields[position]
      if !range.isEmpty { states[slot] = Array(run.arena.bytes[range]) }
    }
    run.values.constants = bot.constants
    if let first = target.handlers.first { run.beginHandler(bot.program.handlers[first]) }
  }

  /// True when a handler waits for a result.
  private func carryOut(_ run: BotRun, _ index: Int, _ handlers: [Int]) -> Bool {
    while run.handler < handlers.count {
      let number = handlers[run.handler]
      if run.position != BotRun.failedPosition {
        let outcome = run.execute(bot.program.handlers[number]) { call, argument in
          perform(call, argument, run, index, number)
        }
        switch outcome {
        case .waiting: return true
        case .ended: break
        case .failed(let message, let location):
          run.fail(message, handler: bot.program.handlers[number].label, at: location)
        }
      }
      run.handler += 1
      if run.handler < handlers.count { run.beginHandler(bot.program.handlers[handlers[run.handler]]) }
    }
    return false
  }

  private func perform(_ call: BotCall, _ argument: Range<Int>, _ run: BotRun, _ index: Int, _ handler: Int) {
    switch call.target {
    case .print:
      run.withPrintedText(of: argument) { effects.print($0) }
    case .method(let method):
      let number = run.calls.count
      run.calls.append((handler, run.position - 1))
      run.openCalls += 1
      if let slot = call.result { run.awaited = (number, slot) }
      let token = BotCallToken(run: index, generation: run.generation, call: number)
      // Nothing writes to the arena while it is lent out: results that come at once are kept beside it.
      run.arena.bytes.withUnsafeBytes { bytes in
        effects.call(
          token, method: method, argument: UnsafeRawBufferPointer(rebasing: bytes[argument]), delivery: run.delivery)
      }
    }
  }
}
