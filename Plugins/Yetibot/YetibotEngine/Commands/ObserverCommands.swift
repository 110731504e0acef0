/// Commands that run when something happens in the chat.
extension Yetibot {
  func registerObservers() {
    let util: Set = ["util"]
    define(
      ["obs", "observer"],
      [
        Self.on(#"^\s*remove\s+(\d+)\s*$"#, "obs remove <id> # forgets an observer", util) { call in
          let rows = call.engine.observers(at: call.place)
          guard !rows.isEmpty else { return .failure("there are no observers") }
          let id = call.group(1) ?? ""
          guard let row = rows.first(where: { String($0.id) == id }) else {
            return .failure("there is no observer \(id)")
          }
          call.engine.rows.remove("observer") { $0.id == row.id }
          return .text("observer \(id) removed")
        },
        Self.on(#"^\s*(?:list\s*)?$"#, "obs [list] # the observers", util) { call in
          let rows = call.engine.observers(at: call.place)
          guard !rows.isEmpty else { return .failure("there are no observers") }
          return .record(
            .init(
              .strings(rows.map { Self.observerText($0.columns, id: $0.id) }),
              data: .list(rows.map(\.record))))
        },
        Self.on(
          #"(?s)(.+)=\s*(.+)"#,
          "obs [-e <event>] [-u <user pattern>] [-c <room pattern>] <pattern> = <command> # runs a command when something happens",
          util
        ) { try $0.engine.makeObserver($0) },
      ])
  }

  static let observerOptions: [OptionReader.Option] = [
    .init(short: "e", long: "event-type", hasValue: true), .init(short: "u", long: "user-pattern", hasValue: true),
    .init(short: "c", long: "channel-pattern", hasValue: true),
  ]

  /// Event, user pattern, room pattern, the words of the pattern, and whether something was wrong.
  public static func parseObserveOptions(
    _ text: String
  ) -> (event: String, userPattern: String?, roomPattern: String?, words: [String], hasErrors: Bool) {
    let reader = OptionReader(text, observerOptions)
    let event = reader.value("event-type") ?? "message"
    let isEvent = ChatEvent.Kind(rawValue: event) != nil
    return (
      isEvent ? event : "message", reader.value("user-pattern"), reader.value("channel-pattern"), reader.words,
      reader.problem != nil || !isEvent
    )
  }

  /// A row as lists show it.
  public static func observerText(_ row: ValueMap, id: Int64?) -> String {
    func text(_ key: String) -> String { row[key]?.text ?? "" }
    let pattern = text("pattern")
    var line = "\(pattern.isEmpty ? "[any pattern]" : pattern): \(text("cmd")) [event type: \(text("event_type"))] "
    if let id { line += "[id \(id)] " }
    if !text("user_pattern").isEmpty { line += "[user pattern: \(text("user_pattern"))]" }
    if !text("channel_pattern").isEmpty { line += "[channel pattern: \(text("channel_pattern"))]" }
    if !text("user_id").isEmpty { line += "[created by \(text("user_id"))]" }
    return line
  }

  /// Those that were made at the same instance.
  private func observers(at place: ChatPlace) -> [Rows.Row] {
    rows["observer"].filter { $0["chat_source_adapter"] == place.instance }
  }

  private func makeObserver(_ call: Invocation) throws -> Outcome {
    let reader = OptionReader(call.group(1) ?? "", Self.observerOptions)
    let event = reader.value("event-type") ?? "message"
    guard ChatEvent.Kind(rawValue: event) != nil else {
      return .text(
        "there is no event \(event); there are \(ChatEvent.Kind.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    guard rows.hasRoom(in: "observer") else { return .failure("there are too many observers; remove one") }
    if let problem = reader.problem { return .failure(problem) }
    let pattern = reader.words.joined(separator: " ")
    for source in [pattern, reader.value("user-pattern") ?? "", reader.value("channel-pattern") ?? ""] {
      _ = try Pattern(source)
    }
    let command = unquoted(call.group(2) ?? "")
    do { _ = try Template(command, endClosesMarks: call.quirks.contains(.openMarks)) } catch {
      return .failure("\(error)")
    }
    let columns = ValueMap([
      ("user_id", .string(call.person?.name ?? "")), ("pattern", .string(pattern)),
      ("user_pattern", .string(reader.value("user-pattern") ?? "")),
      ("channel_pattern", .string(reader.value("channel-pattern") ?? "")), ("event_type", .string(event)),
      ("cmd", .string(command)),
      ("chat_source_adapter", .string(call.place.instance)),
    ])
    insert("observer", columns)
    return .text("observer created: \(Self.observerText(columns, id: nil))")
  }

  /// Runs what observes an event. Commands never fire observers, and errors stay silent.
  func observe(_ event: ChatEvent, isCommand: Bool, _ allowance: Allowance) {
    observeKarma(event, isCommand: isCommand)
    if event.kind == .message, isCommand { return }
    guard isOn("observers", event.place, true) else { return }
    let subject =
      switch event.kind {
      case .message: event.body ?? ""
      case .react: event.reaction ?? ""
      default: event.person.name
      }
    for row in observers(at: event.place) where row["event_type"] == event.kind.rawValue {
      do {
        guard try finds(row["user_pattern"], event.person.name, allowance),
          try finds(row["channel_pattern"], event.place.room, allowance), try finds(row["pattern"], subject, allowance)
        else { continue }
        let text = try TemplateRenderer(
          allowance: allowance, runCommand: { _, _ in throw Raised("an observer's template runs no commands") },
          clock: now, utcOffset: configuration.utcOffset,
          chance: { Int.random(in: 0..<max($0, 1), using: &self.random) }
        )
        .render(
          try Template(row["cmd"], endClosesMarks: configuration.quirks.contains(.openMarks)),
          [
            "username": .string(event.person.name), "message-username": Value(event.messageAuthor?.name),
            "reaction": Value(event.reaction), "body": Value(event.body), "channel": .string(event.place.room),
          ])
        runQuietly(text, event.person, event.place, allowance)
      } catch {
        continue
      }
    }
  }

  private func finds(_ source: String, _ text: String, _ allowance: Allowance) throws -> Bool {
    source.isEmpty ? true : try PatternSearch.occurs(try Pattern(source), in: text, allowance)
  }
}
