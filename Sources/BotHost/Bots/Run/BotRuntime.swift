/// Runs one bot: carries out its handlers' steps for each event, and waits for answers without a thread.
///
/// Not thread-safe: the host calls it from one thread at a time, the bot's lane.
///
/// Order: an event's handlers run one after the other; the events of one instance are begun in the order in which they
/// are delivered. A handler waits in the middle only for a result that a later step reads. Answers that nobody reads are
/// waited for at the end, while the next event may begin: so calls leave in order and many can be under way.
public final class BotRuntime {
  /// Outlives the runtime.
  private unowned(unsafe) let effects: any BotEffects
  // What each event touches is not checked for exclusive access, which would cost more than the access: one thread at a time is here, and no
  // function holds on to a part of these while it calls another.
  /// What events are handled by that are delivered now.
  @exclusivity(unchecked) private var table: BotTable
  /// Versions that `replace` has put away and whose events have not all ended.
  private var superseded: [BotTable] = []
  private var links: BotLinks
  /// JSON text of each state; lives through `replace`.
  @exclusivity(unchecked) private var states = RawArray<RawArray<UInt8>>()
  /// By line: the last state event's payload, for states that a later version reads first.
  private var lastState: [[UInt8]]
  /// Each run has a place of its own in memory, which effects may read while others begin.
  @exclusivity(unchecked) private var runs = RawArray<UnsafeMutablePointer<BotRun>>()
  @exclusivity(unchecked) private var freeRuns = RawArray<Int>()
  /// What went wrong, by run.
  @exclusivity(unchecked) private var failures: [Int: Failures] = [:]
  /// Of events that will be tried again: the labels of the handlers that have ended well, by `BotAttempt.event`.
  private var ended: [UInt64: Set<String>] = [:]
  /// By requirement: the run whose handlers have not ended yet, and those that wait behind it.
  @exclusivity(unchecked) private var lines: [Line]

  private struct Failures {
    var first: BotFailure
    /// Labels of all handlers that failed.
    var handlers: Set<String>
  }

  private struct Line {
    var active = -1
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
    self.effects = effects
    links = BotLinks(bot.program)
    table = BotTable(bot, links)
    lines = Array(repeating: Line(), count: links.lines.count)
    lastState = Array(repeating: [], count: links.lines.count)
    for state in bot.program.states { addState(state.initial) }
  }

  deinit {
    for index in 0..<runs.count {
      runs[index].pointee.deallocate()
      runs[index].deallocate()
    }
    for index in 0..<states.count { states[index].deallocate() }
    runs.deallocate()
    freeRuns.deallocate()
    states.deallocate()
  }

  public var bot: BoundBot { table.bot }

  /// The methods' names, as `BotEffects.call` numbers them: those of the program, and after `replace` further ones.
  public var methods: [String] { links.methods }

  /// How many events are under way.
  public var pendingCount: Int { runs.count - freeRuns.count }

  /// How many of them are handled by versions that `replace` has put away.
  public var supersededCount: Int { superseded.reduce(0) { $0 + $1.runs } }

  /// Puts another version of the bot in place. Events delivered before are handled by the version that they came to, to
  /// their end; the order of each instance's events holds across. States keep their values.
  public func replace(with bot: BoundBot) {
    let known = links.states.count
    links.add(bot.program)
    while lines.count < links.lines.count {
      lines.append(Line())
      lastState.append([])
    }
    for (slot, index) in zip(bot.program.states, links.own(bot.program).states) where index >= known {
      while states.count <= index { addState(slot.initial) }
      if let line = links.states[index].line, !lastState[line].isEmpty { take(lastState[line], for: index) }
    }
    let old = table
    table = BotTable(bot, links)
    if old.runs > 0 { superseded.append(old) }
  }

  /// Takes note of a state event that the bot does not read; a later version may.
  public func noteState(of instance: String, payload: UnsafeRawBufferPointer) {
    guard let line = links.lines.firstIndex(of: instance) else { return }
    lastState[line] = Array(payload)
  }

  private func addState(_ initial: [UInt8]) {
    var text = RawArray<UInt8>()
    text.append(contentsOf: initial)
    states.append(text)
  }

  /// Reads one state out of an earlier state event.
  private func take(_ payload: [UInt8], for index: Int) {
    guard let value = (try? JSONValue(parsing: payload))?[links.states[index].name] else { return }
    var state = states[index]
    state.truncate(to: 0)
    state.append(contentsOf: value.serializedBytes())
    states[index] = state
  }

  /// Takes an event. The host has made sure that it is of the subscription's topic and instance.
  ///
  /// - Parameters:
  ///   - subscription: an index into `BotProgram.subscriptions`.
  ///   - payload: JSON text, borrowed until the function returns.
  ///   - delivery: given back to `settled`.
  ///   - attempt: handlers that ended well in an earlier attempt are passed over.
  public func deliver(
    subscription: Int, payload: UnsafeRawBufferPointer, delivery: UInt64, attempt: BotAttempt = .only
  ) -> BotDelivery {
    guard pendingCount < Self.runLimit else {
      return .done(
        BotFailure(
          handler: bot.program.subscriptions[subscription].topic, location: bot.program.location,
          message: "more than \(Self.runLimit) events are waiting for answers"))
    }
    let index = take()
    let run = runs[index]
    run.pointee.begin(
      table: Unmanaged.passUnretained(table), subscription: subscription, payload: payload, delivery: delivery,
      attempt: attempt)
    table.runs += 1
    let line = table.subscriptions[subscription].line
    if lines[line].active >= 0 {
      lines[line].append(index)
      return .pending
    }
    begin(index)
    step(index)
    guard run.pointee.phase == .draining, run.pointee.openCalls == 0 else { return .pending }
    return .done(release(index))
  }

  /// Takes the answer of a call. Answers that nobody waits for any more are ignored.
  public func complete(_ token: BotCallToken, _ result: BotCallResult) {
    let index = token.run
    guard index < runs.count else { return }
    let run = runs[index]
    guard run.pointee.phase == .running || run.pointee.phase == .draining,
      run.pointee.generation & 0xFF_FFFF == token.generation, token.call < run.pointee.calls.count,
      run.pointee.calls[token.call].handler >= 0
    else { return }
    let call = run.pointee.calls[token.call]
    run.pointee.calls[token.call].handler = -1
    run.pointee.openCalls -= 1
    let isAwaited = run.pointee.awaitedCall == token.call
    switch result {
    case .value(let text):
      if isAwaited, let base = text.baseAddress {
        run.pointee.result.append(base.assumingMemoryBound(to: UInt8.self), text.count)
      }
    case .failure(let message):
      fail(index, handler: Int(call.handler), instruction: Int(call.instruction), message)
      if isAwaited { run.pointee.position = BotRun.failedPosition }
    }
    if isAwaited { run.pointee.awaitedCall = -1 }
    // From within `effects.call`: the loop that made the call goes on by itself.
    if run.pointee.isStepping { return }
    if isAwaited {
      if run.pointee.position != BotRun.failedPosition { run.pointee.takeResult() }
      step(index)
    }
    settleIfDone(index)
  }

  // MARK: Runs

  private func take() -> Int {
    if freeRuns.count > 0 {
      let index = freeRuns[freeRuns.count - 1]
      freeRuns.truncate(to: freeRuns.count - 1)
      return index
    }
    let run = UnsafeMutablePointer<BotRun>.allocate(capacity: 1)
    run.initialize(to: BotRun())
    runs.append(run)
    return runs.count - 1
  }

  /// Gives a run back; its failure is what is left of it.
  private func release(_ index: Int) -> BotFailure? {
    let failures = failures.isEmpty ? nil : failures.removeValue(forKey: index)
    if failures != nil || runs[index].pointee.attempt.number > 1 { note(failures, index) }
    let isSuperseded = table(of: index) { table in
      table.runs -= 1
      return table.runs == 0 && table !== self.table
    }
    if isSuperseded { superseded.removeAll { $0.runs == 0 } }
    runs[index].pointee.generation &+= 1
    runs[index].pointee.phase = .idle
    freeRuns.append(index)
    return failures?.first
  }

  /// Remembers which handlers the next attempt need not run again.
  private func note(_ failures: Failures?, _ index: Int) {
    let attempt = runs[index].pointee.attempt
    let before = ended.removeValue(forKey: attempt.event) ?? []
    guard let failures, attempt.event != 0, !attempt.isLast, ended.count < Self.runLimit else { return }
    let subscription = runs[index].pointee.subscription
    let all = table(of: index) { table in
      table.subscriptions[subscription].handlers.map { table.bot.program.handlers[$0].label }
    }
    ended[attempt.event] = before.union(all).subtracting(failures.handlers)
  }

  private func settleIfDone(_ index: Int) {
    let run = runs[index]
    guard run.pointee.phase == .draining, run.pointee.openCalls == 0, !run.pointee.isStepping else { return }
    let delivery = run.pointee.delivery
    effects.settled(delivery, failure: release(index))
  }

  /// Keeps the first failure for the message; later ones of the same event are its consequences more often than not.
  private func fail(_ index: Int, handler: Int, instruction: Int, _ message: String) {
    let failure = table(of: index) { $0.failure(handler: handler, instruction: instruction, message) }
    failures[index, default: Failures(first: failure, handlers: [])].handlers.insert(failure.handler)
  }

  /// The version that an event is handled by, without counting a reference.
  @inline(__always)
  private func table<Result>(of run: Int, _ body: (BotTable) -> Result) -> Result {
    (runs[run].pointee.table ?? Unmanaged.passUnretained(table))._withUnsafeGuaranteedRef(body)
  }

  @inline(__always)
  private func line(of run: Int) -> Int {
    let subscription = runs[run].pointee.subscription
    return table(of: run) { $0.subscriptions[subscription].line }
  }

  /// Prepares an event whose turn it is.
  private func begin(_ index: Int) {
    let run = runs[index]
    lines[line(of: index)].active = index
    run.pointee.phase = .running
    table(of: index) { table in
      let subscription = run.pointee.subscription
      run.pointee.findFields(table.subscriptions[subscription].fields)
      if table.subscriptions[subscription].isState { takeStates(run, table.subscriptions[subscription]) }
      beginHandler(0, run, table)
    }
  }

  /// Begins the handler at a place among those of the event, or the first one behind it that is still to be run.
  @inline(__always)
  private func beginHandler(_ place: Int, _ run: UnsafeMutablePointer<BotRun>, _ table: BotTable) {
    let place = run.pointee.attempt.number > 1 ? unfinished(from: place, run, table) : place
    let subscription = run.pointee.subscription
    run.pointee.handler = place
    if place < table.subscriptions[subscription].handlers.count {
      run.pointee.beginHandler(table.program.handlers[table.subscriptions[subscription].handlers[place]])
    }
  }

  private func unfinished(from place: Int, _ run: UnsafeMutablePointer<BotRun>, _ table: BotTable) -> Int {
    guard let done = ended[run.pointee.attempt.event] else { return place }
    let handlers = table.subscriptions[run.pointee.subscription].handlers
    return handlers.indices.dropFirst(place).first { !done.contains(table.bot.program.handlers[handlers[$0]].label) }
      ?? handlers.count
  }

  private func takeStates(_ run: UnsafeMutablePointer<BotRun>, _ subscription: BotTable.Subscription) {
    lastState[subscription.line] = run.pointee.payload
    for (position, slot) in subscription.states.enumerated() {
      let text = run.pointee.fieldText(position)
      guard !text.isEmpty else { continue }
      var state = states[slot]
      state.truncate(to: 0)
      state.append(contentsOf: text)
      states[slot] = state
    }
  }

  /// Carries out the handlers of an event until they have ended or one waits; then those of the events behind it.
  ///
  /// The caller settles the first event; those behind it are settled here.
  private func step(_ first: Int) {
    var index = first
    while true {
      let run = runs[index]
      run.pointee.isStepping = true
      let isWaiting = table(of: index) { carryOut(run, index, $0) }
      run.pointee.isStepping = false
      if isWaiting { return }
      run.pointee.phase = .draining
      let line = line(of: index)
      lines[line].active = -1
      if index != first { settleIfDone(index) }
      guard let next = lines[line].next() else { return }
      begin(next)
      index = next
    }
  }

  /// True when a handler waits for a result.
  private func carryOut(_ run: UnsafeMutablePointer<BotRun>, _ index: Int, _ table: BotTable) -> Bool {
    let subscription = run.pointee.subscription
    let count = table.subscriptions[subscription].handlers.count
    while run.pointee.handler < count {
      let handler = table.subscriptions[subscription].handlers[run.pointee.handler]
      steps: while run.pointee.position != BotRun.failedPosition {
        switch run.pointee.execute(table.program, states) {
        case .ended: break steps
        case .failed(let failure, let instruction):
          fail(index, handler: handler, instruction: instruction, failure.message)
          break steps
        case .print(let text, let mark):
          print(text, run)
          run.pointee.truncate(to: mark)
        case .call(let method, let argument, let slot):
          call(method, argument, slot, run, index, handler)
          if run.pointee.awaitedCall >= 0 { return true }
        }
      }
      beginHandler(run.pointee.handler + 1, run, table)
    }
    return false
  }

  private func call(
    _ method: Int, _ argument: Range<Int>, _ slot: Int, _ run: UnsafeMutablePointer<BotRun>, _ index: Int,
    _ handler: Int
  ) {
    let number = run.pointee.calls.count
    run.pointee.calls.append(
      BotRun.Call(handler: Int32(handler), instruction: Int32(run.pointee.position - 1)))
    run.pointee.openCalls += 1
    if slot >= 0 {
      run.pointee.awaitedCall = number
      run.pointee.awaitedSlot = slot
    }
    // Nothing writes to these bytes while they are lent out: results that come at once are kept beside them.
    effects.call(
      BotCallToken(run: index, generation: run.pointee.generation, call: number), method: method,
      argument: UnsafeRawBufferPointer(rebasing: run.pointee.bytes.bytes[argument]), delivery: run.pointee.delivery)
    run.pointee.truncate(to: argument.lowerBound)
    if slot >= 0, run.pointee.awaitedCall < 0, run.pointee.position != BotRun.failedPosition {
      run.pointee.takeResult()
    }
  }

  private func print(_ text: Range<Int>, _ run: UnsafeMutablePointer<BotRun>) {
    if var line = run.pointee.printed(text) {
      line.withUTF8 { effects.print(UnsafeRawBufferPointer($0)) }
    } else {
      let range = run.pointee.printedRange(text)
      effects.print(UnsafeRawBufferPointer(rebasing: run.pointee.bytes.bytes[range]))
    }
  }
}
