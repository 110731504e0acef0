extension ChatSession {
  /// Does what is due, and asks to be woken for what comes next.
  ///
  /// Deadlines that move later do not move the timer: it fires early, finds nothing due and is set anew. So traffic does
  /// not cost a timer each.
  mutating func advance(now: Int64, into outputs: inout [SessionOutput]) {
    var next: Int64?
    func consider(_ time: Int64?, _ next: inout Int64?) {
      if let time { next = min(next ?? time, time) }
    }
    switch state.phase {
    case .failed: return
    case .offline: break
    case .probing, .loggingIn:
      if state.phase == .probing, state.phaseSince + configuration.probeTime <= now {
        turnToPlainIRC(now: now, into: &outputs)
      }
      if state.phase == .probing { consider(state.phaseSince + configuration.probeTime, &next) }
      if state.phaseSince + configuration.loginTime <= now {
        state.phaseSince = now
        outputs.append(.reconnect(after: 0, reason: "the server did not answer the login"))
      }
      consider(state.phaseSince + configuration.loginTime, &next)
    case .connected:
      consider(advanceKeepAlive(now: now, into: &outputs), &next)
      consider(advanceNick(now: now, into: &outputs), &next)
      consider(advanceJoins(now: now, into: &outputs), &next)
      consider(advancePending(now: now, into: &outputs), &next)
    }
    consider(advanceQueue(now: now, into: &outputs), &next)
    // What was just written owes an acknowledgement.
    consider(state.pending.first.map { $0.writtenAt + configuration.acknowledgeTime }, &next)

    guard let next else { return }
    if let armed = state.wakeAt, armed <= next, armed > now { return }
    // A millisecond at least, so that no mistake in a deadline can turn into a busy loop.
    let at = max(next, now + 1_000_000)
    state.wakeAt = at
    outputs.append(.wake(after: at - now))
  }

  /// Sends a PING when nothing has come for a while, and gives the connection up when nothing follows.
  private mutating func advanceKeepAlive(now: Int64, into outputs: inout [SessionOutput]) -> Int64 {
    if let sent = state.pingSentAt {
      if state.lastReceived > sent {
        state.pingSentAt = nil
      } else if sent + configuration.pingTime <= now {
        state.pingSentAt = nil
        state.lastReceived = now
        outputs.append(.reconnect(after: 0, reason: "the server does not answer"))
        return now + configuration.pingInterval
      } else {
        return sent + configuration.pingTime
      }
    }
    if state.lastReceived + configuration.pingInterval <= now {
      state.pingSentAt = now
      write("PING :bothost", into: &outputs)
      return now + configuration.pingTime
    }
    return state.lastReceived + configuration.pingInterval
  }
}
