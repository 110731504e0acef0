/// Turns what patterns have matched into statements.
struct DraftInterpreter {
  let sentence: DraftSentence
  let source: SourceText

  /// The statements of a part; those of its relative clauses are statements of their own.
  ///
  /// - Parameters:
  ///   - isFirst: the words that lead to the sentence belong to the part.
  ///   - isLast: what closes the sentence does.
  func clauses(_ part: DraftPart, isFirst: Bool, isLast: Bool) -> [DraftReader.Clause] {
    let start = sentence.tokens[isFirst ? 0 : part.range.lowerBound]
    let end = isLast ? sentence.end : sentence.tokens[part.range.upperBound - 1].range.upperBound
    let text = DraftLexer.collapsed(source.bytes[start.range.lowerBound..<end])
    return statements(part).map { DraftReader.Clause(statement: $0, text: text, location: start.location) }
  }

  private func statements(_ part: DraftPart) -> [DraftStatement] {
    switch part.rule {
    case .create:
      let name = part.captures.lazy.compactMap { capture in
        if case .slot(.name, let token) = capture { return word(token) }
        return nil
      }.first
      let traits = part.parts([.connect, .subscribe, .login, .join])
      return [.create(name: name, isTwitch: part.part(.twitchBot) != nil)] + traits.flatMap(statements)
    case .connect: return [.connect]
    case .subscribe: return [.subscribe(words(part, .topic))]
    case .login: return [.login]
    case .join: return [.join(words(part, .channel))]
    case .when:
      return [.when(DraftRequest(events: part.parts([.event]).map(event), actions: actions(part)))]
    default: return [.withoutEvent]
    }
  }

  private func event(_ part: DraftPart) -> DraftEvent {
    let subject: DraftEvent.Subject =
      part.part(.record) != nil || part.part(.fromKafka) != nil && part.part(.chatMessage) == nil
      ? .record : part.part(.chatMessage) != nil ? .chatMessage : .message
    var source: DraftEvent.Source?
    if part.part(.fromChat) != nil {
      source = .chat
    } else if let topics = part.part(.fromTopic) {
      source = .topics(words(topics, .topic))
    } else if let place = part.part(.fromChannel), let channel = channels(place).first {
      source = .channel(channel)
    }
    let tests = part.parts([.contains, .startsWith, .endsWith, .equals, .matches]).map { test in
      DraftTest(kind: Self.kind(test.rule), texts: words(test, .text))
    }
    return DraftEvent(
      subject: subject, source: source, tests: tests, text: text(of: part.range),
      location: sentence.tokens[part.range.lowerBound].location)
  }

  private static func kind(_ rule: DraftRule) -> DraftTest.Kind {
    switch rule {
    case .startsWith: .startsWith
    case .endsWith: .endsWith
    case .equals: .equals
    case .matches: .matches
    default: .contains
    }
  }

  private func actions(_ part: DraftPart) -> [DraftAction] {
    part.parts([.save, .send, .reply, .say, .log]).compactMap { action in
      let text = words(action, .text).first
      let kind: DraftAction.Kind
      switch action.rule {
      case .save:
        guard let topic = words(action, .topic).first else { return nil }
        kind = .save(topic: topic, asJSON: action.part(.json) != nil)
      case .send: kind = .send(place(action))
      case .reply:
        guard let text else { return nil }
        kind = .reply(text)
      case .say:
        guard let text else { return nil }
        kind = .say(text, place(action))
      default: kind = .log
      }
      return DraftAction(kind: kind, location: sentence.tokens[action.range.lowerBound].location)
    }
  }

  private func place(_ part: DraftPart) -> DraftPlace {
    if part.part(.inOwnChannel) != nil { return .own }
    return part.part(.inChannels).map { .channels(channels($0)) } ?? .unsaid
  }

  /// Channels as Twitch has them: in lower case, without the `#`.
  private func channels(_ part: DraftPart) -> [DraftWord] {
    words(part, .channel) + words(part, .room)
  }

  private func words(_ part: DraftPart, _ slot: DraftSlot) -> [DraftWord] {
    part.tokens(slot).compactMap { token in
      guard var word = word(token) else { return nil }
      if slot == .channel || slot == .room {
        word.text = word.text.lowercased()
        if word.text.hasPrefix("#") { word.text.removeFirst() }
      }
      return word
    }
  }

  private func word(_ token: Int) -> DraftWord? {
    let token = sentence.tokens[token]
    switch token.kind {
    case .word(let text), .text(let text): return DraftWord(text: text, location: token.location)
    case .mark: return nil
    }
  }

  private func text(of range: Range<Int>) -> String {
    let start = sentence.tokens[range.lowerBound].range.lowerBound
    return DraftLexer.collapsed(source.bytes[start..<sentence.tokens[range.upperBound - 1].range.upperBound])
  }
}
