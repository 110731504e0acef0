/// Looks at all statements of a text together: which bot they describe, and what in it cannot be.
///
/// The sentences about the bot as a whole are taken up here, those about events in `DraftPlanner+Events`, with their tests and actions in the
/// files beside it.
struct DraftPlanner {
  let isWhole: Bool
  var diagnostics = Diagnostics()
  var plan = DraftPlan()

  // What all sentences together say.
  private var created: SourceLocation?
  private var name: DraftWord?
  /// It is somewhere in the chat.
  var hasChatSource = false
  /// Those that it reads, in order.
  var topics: [DraftWord] = []
  /// Those that it joins.
  var channels: [DraftWord] = []

  /// What a handler's event is.
  enum Origin: Equatable {
    case chat
    /// A topic that is read, by its place in the plan.
    case topic(Int)
  }

  /// What goes where, of all handlers.
  var flows = DraftFlows()
  /// Where the bot speaks first.
  var speaks: SourceLocation?

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

  /// The name of a use: `inbox`, `inbox2`, …
  static func use(_ name: String, _ count: Int) -> String { count == 0 ? name : "\(name)\(count + 1)" }

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
  mutating func isTopic(_ name: DraftWord) -> Bool {
    let isRight =
      (1...249).contains(name.text.utf8.count) && name.text != "." && name.text != ".."
      && name.text.utf8.allSatisfy { Self.isAlphanumeric($0) || $0 == 0x2E || $0 == 0x5F || $0 == 0x2D }
    if !isRight {
      diagnostics.error(
        "'\(name.text)' cannot name a topic: expected at most 249 letters, digits, '.', '_' and '-'", at: name.location)
    }
    return isRight
  }

  mutating func isChannel(_ name: DraftWord) -> Bool {
    let isRight =
      (1...25).contains(name.text.utf8.count) && name.text.utf8.allSatisfy { Self.isAlphanumeric($0) || $0 == 0x5F }
    if !isRight {
      diagnostics.error(
        "'\(name.text)' cannot name a channel: expected at most 25 letters, digits and '_'", at: name.location)
    }
    return isRight
  }

  /// Reports what no sentence says, unless one that could not be read may have said it.
  mutating func absent(_ message: String, at location: SourceLocation, hint: String? = nil) {
    if isWhole { diagnostics.error(message, at: location, hint: hint) }
  }

  /// Where the text says which channels the bot joins, it speaks of no others.
  mutating func checkIsJoined(_ channel: DraftWord) {
    guard !channels.isEmpty, !channels.contains(channel) else { return }
    absent(
      "the bot is not in the channel '\(channel.text)'", at: channel.location,
      hint: Suggestion.question(about: channel.text, in: channels.map(\.text))
        ?? "say 'Join the channel \(channel.text).'")
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
  }

  // MARK: The whole

  /// What is saved on a topic must not come back from it to where it was.
  private mutating func findLoops() {
    for loop in flows.loops {
      let back = loop.from == DraftFlows.chat ? "Twitch" : "the topic '\(loop.from)'"
      diagnostics.error(
        "a feedback loop: what is saved on the topic '\(loop.to)' comes back to \(back), where it came from",
        at: loop.location, hint: "save it on a topic that the bot does not read")
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
