/// Looks at all statements of a text together: which bot they describe, and what in it cannot be.
struct DraftPlanner {
  private let isWhole: Bool
  private(set) var diagnostics = Diagnostics()
  private var plan = DraftPlan()

  // What all sentences together say.
  private var created: SourceLocation?
  private var name: DraftWord?
  private var hasChatSource = false
  private var topics: [DraftWord] = []
  private var channels: [DraftWord] = []

  /// What a handler's event is.
  private enum Origin: Equatable {
    case chat
    /// A topic that is read, by its place in the plan.
    case topic(Int)
  }

  /// What an action does to whom, for finding loops.
  private struct Flow {
    var from: String
    var to: String
    var location: SourceLocation
  }

  /// The chat in a flow; no topic is called so.
  private static let chat = "#"

  private var flows: [Flow] = []
  /// Where the bot speaks first.
  private var speaks: SourceLocation?

  private init(isWhole: Bool) { self.isWhole = isWhole }

  /// - Parameters:
  ///   - clauses: the statements, in order.
  ///   - chosen: a name for the bot that goes before the text's.
  ///   - isWhole: every sentence was understood, so that what none says is missing.
  /// - Returns: the bot; nil when something is wrong with it.
  static func plan(
    _ clauses: [DraftReader.Clause], name chosen: String?, isWhole: Bool, at start: SourceLocation
  ) -> (plan: DraftPlan?, diagnostics: Diagnostics) {
    var planner = DraftPlanner(isWhole: isWhole)
    planner.collect(clauses)
    planner.chooseName(chosen, clauses, at: start)
    for clause in clauses {
      if case .when(let request) = clause.statement { planner.add(request, clause) }
    }
    planner.findLoops()
    planner.finish(at: start)
    return (planner.diagnostics.hasErrors ? nil : planner.plan, planner.diagnostics)
  }

  // MARK: What there is

  private mutating func collect(_ clauses: [DraftReader.Clause]) {
    for clause in clauses {
      switch clause.statement {
      case .create(let name, let isTwitch):
        if let first = created {
          diagnostics.error(
            "a second bot is created; the first is in line \(first.line)", at: clause.location,
            hint: "a text describes one bot; put the other into a text of its own")
          continue
        }
        created = clause.location
        self.name = name
        if isTwitch { hasChatSource = true }
        comment(clause)
      case .connect:
        hasChatSource = true
        comment(clause)
      case .login:
        hasChatSource = true
        if plan.loginComment == nil { plan.loginComment = clause.text }
      case .subscribe(let names):
        for name in names where isTopic(name) { read(name, clause) }
      case .join(let names):
        hasChatSource = true
        let good = names.filter { isChannel($0) }
        let new = good.filter { name in !channels.contains(name) }
        channels += new
        if !new.isEmpty { plan.channels.append((clause.text, new.map(\.text))) }
      case .when(let request):
        for event in request.events {
          if event.subject == .chatMessage { hasChatSource = true }
          switch event.source {
          case .chat?, .channel?: hasChatSource = true
          default: break
          }
        }
      case .withoutEvent:
        diagnostics.error(
          "this sentence does not say when: \(DraftReader.quoted(clause.text))", at: clause.location,
          hint: "'it' means the event of its own sentence; begin with 'On receiving a message'")
      }
    }
    if hasChatSource { plan.hasChat = true }
  }

  /// A sentence is shown once, also when it says several things of the bot as a whole.
  private mutating func comment(_ clause: DraftReader.Clause) {
    if plan.comments.last != clause.text { plan.comments.append(clause.text) }
  }

  private mutating func read(_ name: DraftWord, _ clause: DraftReader.Clause) {
    guard !topics.contains(name) else { return }
    topics.append(name)
    let isNew = plan.read.last?.comment != clause.text
    plan.read.append(
      DraftPlan.Topic(
        use: Self.use("inbox", plan.read.count), name: name.text, comment: isNew ? clause.text : nil))
  }

  private static func use(_ name: String, _ count: Int) -> String { count == 0 ? name : "\(name)\(count + 1)" }

  private mutating func chooseName(_ chosen: String?, _ clauses: [DraftReader.Clause], at start: SourceLocation) {
    var place = name?.location ?? start
    if let chosen {
      plan.name = chosen
      place = start
    } else if let name {
      plan.name = name.text
    } else {
      chooseDefaultName(clauses)
    }
    if let problem = NameRules.nameProblem(plan.name) ?? NameRules.instanceProblem("\(plan.name).chatlog99") {
      diagnostics.error("'\(plan.name)' cannot name a bot: \(problem)", at: place)
      plan.name = "bot"
    }
  }

  /// The first word of the first topic that the text names, so that two bots in one host are rarely called the same.
  private mutating func chooseDefaultName(_ clauses: [DraftReader.Clause]) {
    let topic = clauses.lazy.compactMap(\.statement.firstTopic).first
    let word = topic.flatMap { $0.text.split { $0 == "_" || $0 == "-" || $0 == "." }.first }.map(String.init)
    plan.name = word ?? (hasChatSource ? "twitch-bot" : "bot")
    plan.nameOrigin =
      topic.map { "no sentence names the bot: it is called after \($0.text)" } ?? "no sentence names the bot"
    if NameRules.nameProblem(plan.name) != nil { plan.name = "bot" }
  }

  // MARK: Names

  /// Kafka's rule for topics, in `org.apache.kafka.common.internals.Topic`.
  private mutating func isTopic(_ name: DraftWord) -> Bool {
    let isRight =
      (1...249).contains(name.text.utf8.count) && name.text != "." && name.text != ".."
      && name.text.utf8.allSatisfy { Self.isAlphanumeric($0) || $0 == 0x2E || $0 == 0x5F || $0 == 0x2D }
    if !isRight {
      diagnostics.error(
        "'\(name.text)' cannot name a topic: expected at most 249 letters, digits, '.', '_' and '-'", at: name.location)
    }
    return isRight
  }

  private mutating func isChannel(_ name: DraftWord) -> Bool {
    let isRight =
      (1...25).contains(name.text.utf8.count) && name.text.utf8.allSatisfy { Self.isAlphanumeric($0) || $0 == 0x5F }
    if !isRight {
      diagnostics.error(
        "'\(name.text)' cannot name a channel: expected at most 25 letters, digits and '_'", at: name.location)
    }
    return isRight
  }

  /// Reports what no sentence says, unless one that could not be read may have said it.
  private mutating func absent(_ message: String, at location: SourceLocation, hint: String? = nil) {
    if isWhole { diagnostics.error(message, at: location, hint: hint) }
  }

  /// Where the text says which channels the bot joins, it speaks of no others.
  private mutating func checkIsJoined(_ channel: DraftWord) {
    guard !channels.isEmpty, !channels.contains(channel) else { return }
    absent(
      "the bot is not in the channel '\(channel.text)'", at: channel.location,
      hint: Suggestion.question(about: channel.text, in: channels.map(\.text))
        ?? "say 'Join the channel \(channel.text).'")
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
  }

  // MARK: Events

  private mutating func add(_ request: DraftRequest, _ clause: DraftReader.Clause) {
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

  private func endpoint(_ origin: Origin) -> String {
    if case .topic(let index) = origin { return plan.read[index].name }
    return Self.chat
  }

  private func text(of origin: Origin) -> DraftPlan.Value { .path(origin == .chat ? "event.message" : "event.value") }

  // MARK: Tests

  private mutating func check(_ test: DraftTest) -> DraftPlan.Check? {
    let texts = test.texts.map(\.text)
    for text in test.texts where text.text.isEmpty {
      diagnostics.error("the text to look for is empty", at: text.location)
      return nil
    }
    let pattern: String
    switch test.kind {
    case .equals: return texts.count == 1 ? .equals(texts[0]) : .oneOf(texts)
    case .contains: pattern = Self.either(texts.map(Self.escaped))
    case .startsWith: pattern = "^" + Self.either(texts.map(Self.escaped))
    case .endsWith: pattern = Self.either(texts.map(Self.escaped)) + "$"
    case .matches:
      var isWhole = true
      for text in test.texts {
        do throws(TextPattern.Problem) { _ = try TextPattern(text.text) } catch {
          diagnostics.error(
            "\"\(text.text)\" is no expression: \(error.message)", at: text.location,
            hint: "POSIX extended regular expressions")
          isWhole = false
        }
      }
      guard isWhole else { return nil }
      pattern = Self.either(texts)
    }
    // Many long texts make one expression.
    do throws(TextPattern.Problem) {
      _ = try TextPattern(pattern)
      return .matches(pattern)
    } catch {
      diagnostics.error(
        "these texts cannot be looked for together: \(error.message)", at: test.texts.first?.location,
        hint: "write a sentence for each")
      return nil
    }
  }

  private static func either(_ patterns: [String]) -> String {
    patterns.count == 1 ? patterns[0] : "(" + patterns.joined(separator: "|") + ")"
  }

  /// The text as a POSIX extended regular expression that matches it alone (POSIX.1-2017, XBD 9.4.3).
  static func escaped(_ text: String) -> String {
    text.reduce(into: "") { result, character in
      if "\\.[]{}()*+?|^$".contains(character) { result.append("\\") }
      result.append(character)
    }
  }

  // MARK: Actions

  /// Adds an action's steps, and returns what it is called.
  private mutating func add(_ action: DraftAction, _ origin: Origin, to steps: inout [DraftPlan.Step]) -> String {
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
    flows.append(Flow(from: endpoint(origin), to: topic.text, location: action.location))
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
    flows.append(Flow(from: endpoint(origin), to: Self.chat, location: action.location))
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

  // MARK: The whole

  /// What is saved on a topic must not come back from it to where it was.
  private mutating func findLoops() {
    for flow in flows where flow.to != Self.chat {
      var seen: Set<String> = [flow.to]
      var waiting = [flow.to]
      while let place = waiting.popLast() {
        if place == flow.from {
          let back = place == Self.chat ? "Twitch" : "the topic '\(place)'"
          diagnostics.error(
            "a feedback loop: what is saved on the topic '\(flow.to)' comes back to \(back), where it came from",
            at: flow.location, hint: "save it on a topic that the bot does not read")
          break
        }
        for next in flows where next.from == place && seen.insert(next.to).inserted { waiting.append(next.to) }
      }
    }
  }

  private mutating func finish(at start: SourceLocation) {
    if plan.handlers.isEmpty, !plan.hasChat, !diagnostics.hasErrors {
      absent(
        "no sentence says what the bot is to do", at: start,
        hint: "such as: On receiving a message save it to Kafka on the topic taco_bell.")
    }
    guard isWhole, !diagnostics.hasErrors else { return }
    if let speaks, plan.loginComment == nil {
      diagnostics.warning(
        "the bot speaks, but no sentence logs in: it is who TWITCH_USERNAME and TWITCH_TOKEN say", at: speaks,
        hint: "say 'Log in with my username and password.'")
    }
    for topic in topics where !plan.handlers.contains(where: { $0.event == "\(use(of: topic)).record" }) {
      diagnostics.warning("no sentence says what to do with the records of '\(topic.text)'", at: topic.location)
    }
  }

  private func use(of topic: DraftWord) -> String { plan.read.first { $0.name == topic.text }?.use ?? "" }
}

extension DraftStatement {
  /// The topic that the statement names first.
  fileprivate var firstTopic: DraftWord? {
    switch self {
    case .subscribe(let names): names.first
    case .when(let request):
      request.actions.lazy.compactMap { action in
        if case .save(let topic, _) = action.kind { return topic }
        return nil
      }.first
    default: nil
    }
  }
}
