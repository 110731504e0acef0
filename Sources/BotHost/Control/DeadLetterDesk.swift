import CBotHost
import Synchronization

/// `bothost dead`: listing, showing, bringing back and deleting dead letters.
final class DeadLetterDesk: Sendable {
  /// Letters of one request.
  static let maximum = 100_000
  /// How long a replay waits for handlers to be done with what they got, nanoseconds.
  private static let patience: Int64 = 5_000_000_000

  private let host: Host
  /// Letters that a handler has got again and is not done with.
  private let underway = Mutex<Set<Int64>>([])

  init(_ host: Host) { self.host = host }

  func answer(_ argument: JSONValue) throws -> JSONValue {
    guard let parts = host.running else { throw Host.NotRunning() }
    let journal = parts.journal.journal
    let topic = argument["topic"]?.string
    switch argument["action"]?.string {
    case "list"?:
      let limit = argument["limit"]?.int ?? 100
      guard (1...Int64(Self.maximum)).contains(limit) else {
        throw ControlError(.invalid, "a limit is a number from 1 to \(Self.maximum), not \(limit)")
      }
      let letters = try list(journal, topic: topic, limit: Int(limit))
      return .object(["letters": .array(letters.map { Self.describe($0, whole: false) })])
    case "show"?:
      let letters = try wanted(journal, argument, topic).map { try letter($0, journal) }
      return .object(["letters": .array(letters.map { Self.describe($0, whole: true) })])
    case "replay"?:
      return try replay(try wanted(journal, argument, topic), journal, parts.bus)
    case "delete"?:
      let numbers = try wanted(journal, argument, topic)
      return .object(["count": .int(Int64(try journal.removeDeadLetters(numbers)))])
    default:
      throw ControlError(.invalid, "dead takes list, show, replay or delete")
    }
  }

  /// Hands letters to their handlers again, in order. A letter stays in the journal until its handler is done with it, so
  /// that a host that dies meanwhile loses nothing; one that fails again has become a new letter by then. One that nobody takes, because
  /// its handler is gone, stays and does not stop the others.
  private func replay(_ numbers: [Int64], _ journal: Journal, _ bus: Bus) throws -> JSONValue {
    let tally = ReplayTally()
    var count: Int64 = 0
    var refused: Int64 = 0
    var firstProblem = ""
    func refuse(_ number: Int64, _ problem: String) {
      if refused == 0 { firstProblem = "the dead letter \(number): \(problem)" }
      refused += 1
    }
    for number in numbers {
      guard underway.withLock({ $0.insert(number).inserted }) else { continue }
      var isHandedOut = false
      defer { if !isHandedOut { underway.withLock { _ = $0.remove(number) } } }
      // Another request may have brought it back or deleted it by now.
      guard let letter = try journal.deadLetter(number) else { continue }
      guard let event = StoredEventCoding.decode(letter.record) else {
        refuse(number, "its event cannot be read")
        continue
      }
      tally.add()
      let code = bus.redeliver(event, to: letter.handler) { [self] code in
        // Not before it is gone: another request would find it, and hand it out a second time.
        let done: @Sendable () -> Void = { [self] in
          underway.withLock { _ = $0.remove(number) }
          tally.remove()
        }
        if code != BH_E_CANCELLED { remove(number, journal, done) } else { done() }
      }
      guard code >= 0 else {
        tally.remove()
        refuse(number, Self.problem(letter, code))
        continue
      }
      isHandedOut = true
      count += 1
    }
    let waiting = tally.wait(until: SystemClock().monotonic + Self.patience)
    guard refused == 0 else {
      throw ControlError(
        .internal,
        "\(refused) \(refused == 1 ? "letter" : "letters") cannot be replayed and \(refused == 1 ? "stays" : "stay") listed, "
          + "\(count) \(count == 1 ? "was" : "were") replayed; \(firstProblem)")
    }
    return .object(["count": .int(count), "waiting": .int(waiting)])
  }

  private static func problem(_ letter: DeadLetterEntry, _ code: bh_rc) -> String {
    guard code == BH_E_NOTFOUND else { return "\(letter.handler): \(ResultCode.name(code))" }
    return letter.handler == DeadLetter.nobody
      ? "there is still no handler for \(letter.topic)"
      : "there is no handler \(letter.handler) now; bring it back, or delete the letter"
  }

  /// Called on a lane: the journal's thread does the work.
  private func remove(_ number: Int64, _ journal: Journal, _ done: @escaping @Sendable () -> Void) {
    let transaction = JournalTransaction()
    transaction.removeDeadLetter(number)
    let report: @Sendable (JournalError) -> Void = { [log = host.log] error in
      log.error("journal", "the dead letter \(number) was replayed and could not be removed: \(error)")
    }
    do throws(JournalError) {
      try journal.submit(transaction) { result in
        if case .failure(let error) = result { report(error) }
        done()
      }
    } catch {
      report(error)
      done()
    }
  }

  private func list(_ journal: Journal, topic: String?, limit: Int) throws -> [DeadLetterEntry] {
    let pattern = try topic.map { text in
      guard let pattern = TopicPattern(text) else {
        throw ControlError(.invalid, "'\(text)' is no topic pattern")
      }
      return pattern
    }
    var found: [DeadLetterEntry] = []
    var filter = DeadLetterFilter()
    while found.count < limit {
      let page = try journal.deadLetters(filter, limit: 256)
      guard let last = page.last else { break }
      found += page.filter { pattern?.matches($0.topic) ?? true }
      filter.before = last.number
    }
    return Array(found.prefix(limit))
  }

  /// The numbers that a request names, or all, oldest first, so that what is replayed comes back in order.
  private func wanted(_ journal: Journal, _ argument: JSONValue, _ topic: String?) throws -> [Int64] {
    if argument["all"]?.bool == true {
      return try list(journal, topic: topic, limit: Self.maximum).map(\.number).sorted()
    }
    let numbers = (argument["ids"]?.array ?? []).compactMap(\.int)
    // Before anything is done to the first of them.
    for number in numbers { _ = try letter(number, journal) }
    return numbers
  }

  private func letter(_ number: Int64, _ journal: Journal) throws -> DeadLetterEntry {
    guard let letter = try journal.deadLetter(number) else {
      throw ControlError(.notfound, "there is no dead letter \(number); see `bothost dead list`")
    }
    return letter
  }

  private static func describe(_ letter: DeadLetterEntry, whole: Bool) -> JSONValue {
    var object = JSONObject()
    object["id"] = .int(letter.number)
    object["time"] = .string(Timestamp.rfc3339(letter.buried))
    object["topic"] = .string(letter.topic)
    object["consumer"] = letter.handler == DeadLetter.nobody ? .null : .string(letter.handler)
    object["instance"] = .string(letter.plugin)
    object["attempts"] = .int(Int64(letter.attempts))
    object["reason"] = .string(letter.reason)
    object["bytes"] = .int(Int64(letter.recordBytes))
    if whole, let event = StoredEventCoding.decode(letter.record) {
      object["event"] = EventTail.describe(event, position: 0)
    }
    return .object(object)
  }
}

/// Letters that are handed out and not done with.
private final class ReplayTally: Sendable {
  private let monitor = Monitor()
  private nonisolated(unsafe) var open: Int64 = 0

  func add() { monitor.withLock { open += 1 } }

  func remove() {
    monitor.withLock {
      open -= 1
      monitor.broadcast()
    }
  }

  /// How many are left at the deadline (CLOCK_MONOTONIC, nanoseconds).
  func wait(until deadline: Int64) -> Int64 {
    monitor.withLock {
      while open > 0, monitor.wait(until: deadline) {}
      return open
    }
  }
}
