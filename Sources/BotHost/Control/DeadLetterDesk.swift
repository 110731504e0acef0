import CBotHost

/// `bothost dead`: listing, showing, bringing back and deleting dead letters.
struct DeadLetterDesk {
  private let host: Host

  init(_ host: Host) { self.host = host }

  func answer(_ argument: JSONValue) throws -> JSONValue {
    guard let parts = host.running else { throw Host.NotRunning() }
    let journal = parts.journal.journal
    let topic = argument["topic"]?.string
    switch argument["action"]?.string {
    case "list"?:
      let limit = Int(clamping: argument["limit"]?.int ?? 100)
      let letters = try list(journal, topic: topic, limit: limit)
      return .object(["letters": .array(letters.map { Self.describe($0, whole: false) })])
    case "show"?:
      let letters = try wanted(journal, argument, topic)
      return .object(["letters": .array(letters.map { Self.describe($0, whole: true) })])
    case "replay"?:
      var count: Int64 = 0
      for letter in try wanted(journal, argument, topic) {
        guard let event = StoredEventCoding.decode(letter.record) else {
          throw ControlError(.internal, "the dead letter \(letter.number) cannot be read")
        }
        let code = parts.bus.redeliver(event, to: letter.handler, flags: UInt32(BH_EVENT_REPLAY))
        guard code >= 0 else {
          throw ControlError(
            .internal,
            "the dead letter \(letter.number) cannot be replayed: \(letter.handler): \(ResultCode.name(code)); \(count) were"
          )
        }
        try journal.removeDeadLetters([letter.number])
        count += 1
      }
      return .object(["count": .int(count)])
    case "delete"?:
      let numbers = try wanted(journal, argument, topic).map(\.number)
      return .object(["count": .int(Int64(try journal.removeDeadLetters(numbers)))])
    default:
      throw ControlError(.invalid, "dead takes list, show, replay or delete")
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

  private func wanted(_ journal: Journal, _ argument: JSONValue, _ topic: String?) throws -> [DeadLetterEntry] {
    var numbers = (argument["ids"]?.array ?? []).compactMap(\.int)
    if argument["all"]?.bool == true {
      // Oldest first, so that what is replayed comes back in order.
      numbers = try list(journal, topic: topic, limit: 100_000).map(\.number).sorted()
    }
    return try numbers.map { number in
      guard let letter = try journal.deadLetter(number) else {
        throw ControlError(.notfound, "there is no dead letter \(number); see `bothost dead list`")
      }
      return letter
    }
  }

  private static func describe(_ letter: DeadLetterEntry, whole: Bool) -> JSONValue {
    var object = JSONObject()
    object["id"] = .int(letter.number)
    object["time"] = .string(Timestamp.rfc3339(letter.buried))
    object["topic"] = .string(letter.topic)
    object["consumer"] = .string(letter.handler)
    object["attempts"] = .int(Int64(letter.attempts))
    object["reason"] = .string(letter.reason)
    object["bytes"] = .int(Int64(letter.recordBytes))
    if whole, let event = StoredEventCoding.decode(letter.record) {
      object["event"] = EventTail.describe(event, position: 0)
    }
    return .object(object)
  }
}
