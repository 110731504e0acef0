/// Sentences about events: where the event comes from, and the handler that the sentence makes.
extension DraftPlanner {
  /// Makes a handler of a sentence about an event.
  mutating func add(_ request: DraftRequest, _ clause: DraftReader.Clause) {
    guard let event = request.events.first else { return }
    guard request.events.count == 1 else {
      diagnostics.error(
        "'it' may be \(Suggestion.list(request.events.map { "“\($0.text)”" })): two events in one sentence, \(DraftReader.quoted(clause.text))",
        at: event.location, hint: "write a sentence for each")
      return
    }
    guard let origin = origin(event, request, clause) else { return }
    if origin == .chat { plan.hasChat = true }
    var steps: [DraftPlan.Step] = []
    if case .channel(let channel)? = event.source {
      guard isChannel(channel) else { return }
      checkIsJoined(channel)
      steps.append(.expect(.path("event.channel"), .equals(channel.text)))
    }
    for test in event.tests {
      if let check = check(test) { steps.append(.expect(text(of: origin), check)) }
    }
    var names: [String] = []
    for action in request.actions {
      names.append(add(action, origin, to: &steps))
    }
    let eventName = origin == .chat ? "chat.message" : "\(use(of: origin)).record"
    plan.handlers.append(
      DraftPlan.Handler(
        comment: clause.text, event: eventName, name: unique(Self.joined(names), of: eventName), steps: steps))
  }

  /// `StoreAndReply`; what is done twice is named once.
  private static func joined(_ names: [String]) -> String {
    names.reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }.joined(separator: "And")
  }

  private func unique(_ name: String, of event: String) -> String {
    let taken = Set(plan.handlers.filter { $0.event == event }.map(\.name))
    var number = 1
    var candidate = name
    while taken.contains(candidate) {
      number += 1
      candidate = "\(name)\(number)"
    }
    return candidate
  }

  private mutating func origin(
    _ event: DraftEvent, _ request: DraftRequest, _ clause: DraftReader.Clause
  ) -> Origin? {
    switch event.source {
    case .topics(let names)?:
      guard let name = names.first else { return nil }
      guard names.count == 1 else {
        diagnostics.error(
          "'it' may come from \(Suggestion.list(names.map { "'\($0.text)'" })): two topics in one sentence, \(DraftReader.quoted(clause.text))",
          at: name.location, hint: "write a sentence for each")
        return nil
      }
      guard let index = topics.firstIndex(of: name) else {
        absent(
          "no sentence connects to a topic '\(name.text)'", at: name.location,
          hint: Suggestion.question(about: name.text, in: topics.map(\.text))
            ?? "say 'Connect to the Kafka topic \(name.text).'")
        return nil
      }
      if event.subject == .chatMessage {
        diagnostics.error("a chat message does not come from a topic", at: event.location, hint: "say 'a message'")
        return nil
      }
      return .topic(index)
    case .chat?, .channel?:
      if event.subject == .record {
        diagnostics.error("a record does not come from Twitch", at: event.location, hint: "say 'a message'")
        return nil
      }
      return .chat
    case nil: return unsaidOrigin(event, request, clause)
    }
  }

  /// Where an event comes from that does not say it.
  private mutating func unsaidOrigin(
    _ event: DraftEvent, _ request: DraftRequest, _ clause: DraftReader.Clause
  ) -> Origin? {
    var choices: [String]
    switch event.subject {
    case .chatMessage: return .chat
    case .record:
      if topics.count == 1 { return .topic(0) }
      choices = []
    case .message:
      if !hasChatSource, topics.count == 1 { return .topic(0) }
      if hasChatSource || topics.isEmpty {
        // What comes from Twitch is there already: with topics about, another message may be meant.
        let goesBack = request.actions.contains { $0.kind == .send(.unsaid) }
        guard goesBack, !topics.isEmpty else { return .chat }
        choices = ["Twitch"]
      } else {
        choices = []
      }
    }
    choices += topics.map { "'\($0.text)'" }
    if choices.isEmpty {
      absent("no sentence connects to a topic that a record could come from", at: event.location)
    } else {
      diagnostics.error(
        "“\(event.text)” may come from \(Suggestion.list(choices)), in \(DraftReader.quoted(clause.text))",
        at: event.location, hint: "say from which: '\(event.text) from …'")
    }
    return nil
  }

  private func use(of origin: Origin) -> String {
    if case .topic(let index) = origin { return plan.read[index].use }
    return "chat"
  }

  /// What the flow of an event begins with.
  func endpoint(_ origin: Origin) -> String {
    if case .topic(let index) = origin { return plan.read[index].name }
    return DraftFlows.chat
  }

  /// Where the text of an event stands.
  func text(of origin: Origin) -> DraftPlan.Value { .path(origin == .chat ? "event.message" : "event.value") }
}
