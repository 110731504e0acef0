extension BusReport {
  /// Tells an operator.
  func write(to log: HostLog) {
    switch self {
    case .longCall(let handler, let nanoseconds, let times):
      log.warning(
        Self.instance(handler),
        "\(handler) held its lane for \(nanoseconds / 1_000_000) ms; what waits belongs on a thread",
        times > 1 ? [("times", "\(times)")] : [])
    case .stuck(let handler, let nanoseconds):
      log.error(
        Self.instance(handler),
        "\(handler) has not returned for \(nanoseconds / 1_000_000_000) s and is past its deadline; nothing else is delivered there"
      )
    case .dropped(let endpoint, let count):
      log.warning(endpoint, "the lane was full; the oldest events were dropped", [("count", "\(count)")])
    case .deadLetter(let letter) where letter.consumer == DeadLetter.nobody:
      log.warning(letter.event.source, "an event on \(letter.event.topic) is a dead letter: \(letter.reason)")
    case .deadLetter(let letter):
      log.warning(
        Self.instance(letter.consumer),
        "\(letter.consumer) gave up an event on \(letter.event.topic): \(letter.reason)",
        [("attempts", "\(letter.attempts)")])
    case .hookPassed(let handler, let reason):
      log.warning(Self.instance(handler), "\(handler) failed on a call, which went on without it: \(reason)")
    case .fault(let endpoint, let text): log.warning(endpoint, text)
    case .journal(let text): log.error("host", text)
    }
  }

  /// `instance/handler` -> `instance`.
  private static func instance(_ handler: String) -> String {
    handler.split(separator: "/", maxSplits: 1).first.map(String.init) ?? handler
  }
}

extension Bus {
  /// Waits until nothing is queued or under way anywhere, or the time is up.
  func waitUntilIdle(timeout: Int64, clock: any HostClock) {
    _ = waitUntil(clock.monotonic + timeout, clock) {
      endpoints.allSatisfy { !$0.isGateOpen || $0.statistics().depth == 0 }
    }
  }
}
