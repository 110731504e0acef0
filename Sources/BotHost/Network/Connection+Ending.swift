/// How a connection ends: orderly or not, with another attempt or without.
extension Connection {
  /// Closes once everything that waits has been written; nobody tries again.
  func drain() {
    isLeaving = true
    switch phase {
    case .open: beginDraining()
    case .draining: break
    case .closed:
      // The end that is still to be told, if any, says already that it is the last.
      break
    case .idle, .resolving, .connecting, .handshaking, .waiting: finish()
    }
  }

  /// Ends without a word to anyone: its owner is gone. What waits is written until the deadline.
  func forget(until limit: Int64, linger: Int64) {
    isForgotten = true
    isLeaving = true
    isParked = false
    self.linger = linger
    switch phase {
    case .open:
      beginDraining()
      deadline = min(deadline, limit)
      if isReading { read() }
    case .draining:
      deadline = min(deadline, limit, goodbye == .lingering ? clock.monotonic &+ linger : .max)
      if isReading { read() } else { deliver() }
      update()
    default: finish()
    }
  }

  /// Closes now and connects again after `delay` nanoseconds; also when nobody would try any more, unless the instance has closed it.
  func reconnect(delay: Int64) {
    guard !isLeaving else { return }
    let delay = max(0, delay)
    if phase == .waiting || phase == .closed {
      // No attempt is under way whose end would have to be told.
      closing?.isFinal = false
      closing?.retryIn = delay / 1_000_000
    } else if phase != .idle {
      noteDuration()
      release(isOrderly: true)
      closing = ConnectionClosing(reason: .local, error: "", isFinal: false, retryIn: delay / 1_000_000)
    } else {
      return
    }
    deadline = clock.monotonic &+ delay
    enter(.waiting)
    deliver()
  }

  func beginDraining() {
    outgoing.seal()
    goodbye = .flushing
    deadline = clock.monotonic &+ Self.drainTime
    enter(.draining)
    flush()
  }

  /// Everything is written: says goodbye.
  func leave() {
    guard let transport, goodbye != .lingering else { return }
    if ending != nil && !isLeaving { return over() }
    guard transport.endWriting() else {
      goodbye = .saying
      return update()
    }
    // Nothing more can come from a side that has ended.
    if ending != nil && !isPaused { return over() }
    goodbye = .lingering
    deadline = min(deadline, clock.monotonic &+ linger)
    update()
  }

  /// The connection is over, for the reason that is known.
  func over() {
    if isLeaving { return finish() }
    var (reason, words) = ending ?? (.peer, "\(target) closed the connection")
    if reason == .peer, scanner.count > 0 {
      words += " in the middle of a frame, of which \(scanner.count) bytes had come"
    }
    end(reason, words)
  }

  /// By the instance's will; nobody tries again.
  func finish() {
    release(isOrderly: true)
    // An end that is still to be told stays the end that it was.
    var told = closing ?? ConnectionClosing(reason: .local, error: "", isFinal: true, retryIn: 0)
    told.isFinal = true
    told.retryIn = 0
    closing = told
    enter(.closed)
    deliver()
  }

  /// A connection that held for a while begins the counting and the pauses anew.
  func noteDuration() {
    guard let openedAt else { return }
    let duration = clock.monotonic &- openedAt
    backoff.closed(afterOpenFor: duration)
    if duration >= backoff.stableAfter { attempt = 0 }
  }

  /// An attempt is over that was meant to go on.
  func end(_ reason: ConnectionClosing.Reason, _ words: String) {
    noteDuration()
    release(isOrderly: reason == .idle || reason == .peer || reason == .frame)
    status.update { $0.error = words }
    if spec.reconnects && !isLeaving && !isShut {
      let pause = backoff.next(chance: Double.random(in: 0..<1))
      closing = ConnectionClosing(reason: reason, error: words, isFinal: false, retryIn: pause / 1_000_000)
      deadline = clock.monotonic &+ pause
      enter(.waiting)
    } else {
      closing = ConnectionClosing(reason: reason, error: words, isFinal: true, retryIn: 0)
      enter(.closed)
    }
    deliver()
  }

  /// Gives the socket back. Frames that are whole stay, and go out before the end is told.
  func release(isOrderly: Bool) {
    outgoing.setOpen(false)
    // Twice is harmless, and whether the socket takes it does not matter any more.
    if isOrderly, goodbye != .lingering { _ = transport?.endWriting() }
    transport = nil
    race = nil
    trust = nil
    openedAt = nil
    ending = nil
    writeFailure = nil
    goodbye = nil
    isParked = false
    writeWantsRead = false
    readWantsWrite = false
    needsTurn = false
  }
}
