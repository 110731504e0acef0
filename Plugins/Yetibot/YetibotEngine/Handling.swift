/// What becomes of an event of the chat.
extension Yetibot {
  /// The expression after the prefix; nil when the body is no command.
  public static func extractCommand(_ body: String, prefix: Character) -> String? {
    guard body.first == prefix else { return nil }
    let text = body.dropFirst()
    return text.isEmpty ? nil : String(text)
  }

  /// The expressions in ordinary talk that would run: sub-expressions of its first command that begin with a known command.
  public func embeddedExpressions(in body: String) -> [Expression] {
    guard body.utf8.contains(0x60) || body.utf8.contains(0x24), let outer = try? parser.parse(body) else { return [] }
    return (outer.commands.first?.items ?? []).compactMap { item in
      guard case .expression(let inner) = item, case .text(let word)? = inner.commands.first?.items.first,
        registry.isTopic(word)
      else { return nil }
      return inner
    }
  }

  /// Whether a message runs something: a command, or expressions in talk.
  public func isCommand(_ body: String, in place: ChatPlace) -> Bool {
    Self.extractCommand(body, prefix: configuration.prefix) != nil || !embedded(in: body, place).isEmpty
  }

  /// The expressions in talk that run in a room.
  private func embedded(in body: String, _ place: ChatPlace) -> [Expression] {
    isOn("embedded-commands", place, configuration.runsEmbedded) ? embeddedExpressions(in: body) : []
  }

  /// Handles one event and answers what to post, in order.
  public func handle(_ event: ChatEvent) -> [Post] {
    posts = []
    defer { posts = [] }
    guard !event.person.isBot else { return [] }
    let allowance = makeAllowance(for: event.body ?? "")
    switch event.kind {
    case .enter, .message: people.see(event.person, in: event.place, at: now())
    case .leave, .kick: people.leave(event.person, event.place)
    default: break
    }
    noteActivity(of: event.place)
    note(room: event.place)
    notifyObservers(event)
    guard event.kind == .message, let body = event.body else {
      observe(event, isCommand: false, allowance)
      return posts
    }
    let direct = Self.extractCommand(body, prefix: configuration.prefix)
    let embedded = direct == nil ? embedded(in: body, event.place) : []
    let isCommand = direct != nil || !embedded.isEmpty
    let correlationID = HistoryEntry.correlationID(
      milliseconds: event.time ?? now(), instance: event.place.instance, room: event.place.room, user: event.person.id,
      body: body)
    if !event.isRepeated || !isRemembered(correlationID, event, allowance) {
      remember(body, event.person, event.place, isCommand: isCommand, correlationID: correlationID)
    }
    observe(event, isCommand: isCommand, allowance)
    if let direct {
      do {
        run(try parser.parse(direct), event, allowance, correlationID, isEmbedded: false)
      } catch {
        let isSilent = configuration.quirks.contains(.silentParseFailures)
        posts.append(
          isSilent
            ? Post(kind: .message, room: event.place.room, text: Self.noResults)
            : Post(kind: .paste, room: event.place.room, text: "\(error)"))
      }
    }
    for expression in embedded { run(expression, event, allowance, correlationID, isEmbedded: true) }
    return posts
  }

  /// A switch that a room may set for itself: `channel set <key> false`.
  func isOn(_ key: String, _ place: ChatPlace, _ standard: Bool) -> Bool {
    setting(key, place).map { $0 != "false" } ?? standard
  }

  private func run(
    _ expression: Expression, _ event: ChatEvent, _ allowance: Allowance, _ correlationID: String, isEmbedded: Bool
  ) {
    let context = Context(
      self, person: event.person, place: event.place, allowance: allowance, correlationID: correlationID)
    do {
      let evaluation = try evaluate(expression, context)
      let result = evaluation.error.map(Value.string) ?? evaluation.value
      remember(
        shown(result).text, nil, event.place, isCommand: false, isError: evaluation.error != nil,
        command: expression.unparsed, correlationID: correlationID)
      if isEmbedded, evaluation.error != nil { return }
      post(result, event.place.room)
    } catch {
      if !isEmbedded { posts.append(Post(kind: .message, room: event.place.room, text: "👮 \(error) 👮")) }
    }
  }

  /// Runs an expression for an observer or a cron: only what it says is posted, neither errors nor that a command is switched off.
  func runQuietly(_ text: String, _ person: ChatPerson?, _ place: ChatPlace, _ allowance: Allowance) {
    let context = Context(
      self, person: person, place: place, allowance: allowance,
      isUnasked: !configuration.quirks.contains(.looseCrons))
    guard let expression = try? parser.parse(text), let evaluation = try? evaluate(expression, context),
      evaluation.error == nil
    else { return }
    post(evaluation.value, place.room)
  }

  /// What a value is said as.
  public func posts(for value: Value, in room: String) -> [Post] { posting { post(value, room) } }

  /// Whether nothing is said of a value.
  public func staysSilent(of value: Value) -> Bool {
    value.isSuppressed || (configuration.quirks.contains(.silentEmpties) && value.isEmptyCollection)
  }

  /// Says a value.
  func post(_ value: Value, _ room: String) {
    if staysSilent(of: value) { return }
    guard value.isTruthy else {
      posts.append(Post(kind: .message, room: room, text: Self.noResults))
      return
    }
    let (text, flat) = shown(value)
    let limit = configuration.limits.messages
    if let items = flat.items, Self.sendsEachSeparately(items, text, limit: limit) {
      posts += Self.messages(for: items, limit: limit).map { Post(kind: .message, room: room, text: $0) }
    } else {
      posts.append(
        Post(
          kind: text.contains("\n") ? .paste : .message, room: room,
          text: text.isEmpty ? nothing(value) : String(text.prefix(configuration.limits.valueBytes))))
    }
  }

  /// How a value reads in the chat.
  public func shown(_ value: Value) -> (text: String, value: Value) {
    DataText.format(value, mergingMaps: configuration.quirks.contains(.mergesMaps))
  }

  static let noResults = "No results"

  /// What is said where there is nothing to say.
  private func nothing(_ value: Value) -> String {
    guard value.isEmptyCollection, configuration.quirks.isEmpty else { return Self.noResults }
    return value.members == nil ? "No results: the list is empty" : "No results: the map is empty"
  }

  /// Whether each item becomes a message of its own.
  public static func sendsEachSeparately(_ items: [Value], _ text: String, limit: Int = 30) -> Bool {
    items.count <= limit && text.contains("\n") && DataText.hasImageLine(text)
  }

  /// The messages for many items: at most `limit`, and a line that says how many there were.
  public static func messages(for items: [Value], limit: Int = 30) -> [String] {
    var messages = items.prefix(limit).map(DataText.line)
    if items.count > limit { messages.append("showed \(limit) of \(items.count) results") }
    return messages
  }
}
