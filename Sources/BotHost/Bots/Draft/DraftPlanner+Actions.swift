/// What a sentence has the bot do with an event.
extension DraftPlanner {
  /// Adds an action's steps, and returns what it is called.
  mutating func add(_ action: DraftAction, _ origin: Origin, to steps: inout [DraftPlan.Step]) -> String {
    switch action.kind {
    case .save(let topic, let asJSON):
      guard isTopic(topic) else { return "Store" }
      save(topic, asJSON, origin, action, &steps)
      return "Store"
    case .send(let place):
      say(text(of: origin), place, replyTo: nil, origin, action, &steps)
      return "Relay"
    case .reply(let text):
      guard isSaid(text) else { return "Reply" }
      say(.text(text.text), .unsaid, replyTo: origin == .chat ? .path("event.id") : nil, origin, action, &steps)
      return "Reply"
    case .say(let text, let place):
      guard isSaid(text) else { return "Say" }
      say(.text(text.text), place, replyTo: nil, origin, action, &steps)
      return "Say"
    case .log:
      steps.append(
        origin == .chat
          ? .print([
            .text("#"), .path("event.channel"), .text(" "), .path("event.username"), .text(": "),
            .path("event.message"),
          ])
          : .print([.path("event.topic"), .text(": "), .path("event.value")]))
      return "Log"
    }
  }

  private mutating func isSaid(_ text: DraftWord) -> Bool {
    let isRight = text.text.contains { !$0.isWhitespace }
    if !isRight { diagnostics.error("the text to say is empty", at: text.location) }
    return isRight
  }

  private mutating func save(
    _ topic: DraftWord, _ asJSON: Bool, _ origin: Origin, _ action: DraftAction, _ steps: inout [DraftPlan.Step]
  ) {
    if !plan.saved.contains(where: { $0.name == topic.text }) {
      plan.saved.append(DraftPlan.Topic(use: Self.use("chatlog", plan.saved.count), name: topic.text, comment: nil))
    }
    let use = plan.saved.first { $0.name == topic.text }?.use ?? ""
    flows.add(from: endpoint(origin), to: topic.text, at: action.location)
    let key: DraftPlan.Value = .path(origin == .chat ? "event.channel" : "event.key")
    if origin == .chat || asJSON {
      let who: DraftPlan.Field =
        origin == .chat
        ? DraftPlan.Field(name: "username", value: .path("event.username"))
        : DraftPlan.Field(name: "channel", value: .path("event.channel"))
      let record = DraftPlan.Step.record([who, DraftPlan.Field(name: "message", value: text(of: origin))])
      if !steps.contains(record) { steps.append(record) }
      steps.append(.publish(use: use, key: key, value: .path("line")))
    } else {
      // A record goes on as it came.
      steps.append(.publish(use: use, key: key, value: .path("event.raw")))
    }
  }

  private mutating func say(
    _ text: DraftPlan.Value, _ place: DraftPlace, replyTo: DraftPlan.Value?, _ origin: Origin, _ action: DraftAction,
    _ steps: inout [DraftPlan.Step]
  ) {
    plan.hasChat = true
    speaks = speaks ?? action.location
    flows.add(from: endpoint(origin), to: DraftFlows.chat, at: action.location)
    let own = DraftPlan.Step.say(channel: .path("event.channel"), text: text, replyTo: replyTo)
    switch place {
    case .channels(let names):
      for name in names where isChannel(name) {
        checkIsJoined(name)
        steps.append(.say(channel: .text(name.text), text: text, replyTo: nil))
      }
    case .own: steps.append(own)
    case .unsaid:
      if origin == .chat || channels.isEmpty {
        steps.append(own)
      } else if channels.count == 1 {
        steps.append(
          .ifChannel([own], otherwise: [.say(channel: .text(channels[0].text), text: text, replyTo: replyTo)]))
      } else {
        diagnostics.error(
          "the channel cannot be known: a record need not have one, and the bot is in \(channels.listed)",
          at: action.location,
          hint: "say 'in the channel \(channels[0].text)', or 'in its channel' when every record has one")
      }
    }
  }
}
