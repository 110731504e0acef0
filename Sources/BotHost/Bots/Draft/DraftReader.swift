/// Reads sentences: each has one meaning, or an error that shows what it could have been.
struct DraftReader {
  /// A statement, and what of its sentence says it.
  struct Clause: Sendable {
    var statement: DraftStatement
    var text: String
    var location: SourceLocation
  }

  /// How many patterns an error shows.
  private static let shown = 3

  private let source: SourceText
  private let grammar: DraftGrammar
  private(set) var diagnostics = Diagnostics()

  init(_ source: SourceText, grammar: DraftGrammar = .standard) {
    self.source = source
    self.grammar = grammar
  }

  /// The statements of all sentences, in order. Those of sentences with errors are left out.
  mutating func read(_ sentences: [DraftSentence]) -> [Clause] {
    var readings: [(sentence: DraftSentence, readings: [[Clause]])] = []
    var topics: Set<String> = []
    for sentence in sentences {
      guard let found = self.readings(of: sentence) else { continue }
      readings.append((sentence, found))
      for clause in found.joined() {
        if case .subscribe(let names) = clause.statement { topics.formUnion(names.map(\.text)) }
      }
    }
    return readings.flatMap { choose($0.readings, of: $0.sentence, topics: topics) }
  }

  /// All meanings that a sentence can have; nil after an error.
  private mutating func readings(of sentence: DraftSentence) -> [[Clause]]? {
    guard let place = sentence.location else { return nil }
    var matcher = DraftMatcher(sentence.tokens, grammar: grammar)
    var parts = matcher.readings()
    if parts.isEmpty, !matcher.isTooInvolved {
      // Every "and" could end the event's sentence, so that actions which have none are only looked for here.
      matcher = DraftMatcher(sentence.tokens, grammar: grammar, takesActionsAlone: true)
      parts = matcher.readings()
    }
    if matcher.isTooInvolved {
      diagnostics.error(
        "this sentence can be read in too many ways: \(Self.quoted(sentence.text))", at: place,
        hint: "write several sentences")
      return nil
    }
    guard !parts.isEmpty else {
      refuse(sentence, matcher, at: place)
      return nil
    }
    let interpreter = DraftInterpreter(sentence: sentence, source: source)
    var readings: [[Clause]] = []
    for parts in parts {
      let reading = parts.enumerated().flatMap { index, part in
        interpreter.clauses(part, isFirst: index == 0, isLast: index == parts.count - 1)
      }
      if !readings.contains(where: { $0.map(\.statement) == reading.map(\.statement) }) { readings.append(reading) }
    }
    return readings
  }

  /// The one meaning that is left when those are set aside that speak of topics which no sentence connects to.
  private mutating func choose(
    _ readings: [[Clause]], of sentence: DraftSentence, topics: Set<String>
  ) -> [Clause] {
    let possible = readings.filter { $0.allSatisfy { $0.statement.speaks(onlyOf: topics) } }
    // Without any, the first is as good as another for saying what is wrong with it.
    let left = possible.isEmpty ? Array(readings.prefix(1)) : possible
    guard left.count > 1, let place = sentence.location else { return left.first ?? [] }
    let ways = left.prefix(Self.shown).map { Self.quoted($0.map(\.statement.description).joined(separator: ", and ")) }
    diagnostics.error(
      "this sentence can be read in two ways: \(Self.quoted(sentence.text))", at: place,
      hint: "it means " + Suggestion.list(Array(ways)) + "; write which")
    return []
  }

  // MARK: Errors

  private mutating func refuse(_ sentence: DraftSentence, _ matcher: DraftMatcher, at place: SourceLocation) {
    var message = "no pattern fits this sentence: \(Self.quoted(sentence.text))"
    let index = matcher.furthest
    if index > 0 {
      let end = sentence.tokens[index - 1].range.upperBound
      let before = DraftLexer.collapsed(source.bytes[sentence.tokens[0].range.lowerBound..<end])
      let (found, where_) =
        index < sentence.tokens.count
        ? (", not \(sentence.tokens[index].shown)", Self.position(sentence.tokens[index].location)) : ("", "at the end")
      message +=
        "; \(where_), after \(Self.quoted(before, tail: true)), expected \(Suggestion.list(matcher.expected))\(found)"
    }
    diagnostics.error(message, at: place, hint: hint(sentence, matcher))
    for row in nearest(to: sentence, matcher) {
      diagnostics.add(
        Diagnostic(
          .note, "near to it: \(row.notation)", at: place, hint: row.example.map { "such as: \($0)" }, hidesSource: true
        ))
    }
  }

  /// The word that was meant, when the one that does not fit looks like it.
  private func hint(_ sentence: DraftSentence, _ matcher: DraftMatcher) -> String? {
    guard matcher.furthest < sentence.tokens.count, let word = sentence.tokens[matcher.furthest].word else {
      return nil
    }
    return Suggestion.question(about: word, in: matcher.expectedWords)
  }

  /// Words that are in nearly every sentence, and so tell nothing.
  private static let common: Set<String> = [
    "a", "an", "and", "in", "it", "my", "on", "that", "the", "this", "to", "with",
  ]

  /// Those that came as far as any, the ones that began last first; without any, those that share words with the sentence.
  private func nearest(to sentence: DraftSentence, _ matcher: DraftMatcher) -> [DraftGrammar.Row] {
    let rows = grammar.table.filter { $0.example != nil }
    let begun = rows.filter { row in
      matcher.progress[row.rule].map { $0.reach == matcher.furthest && $0.reach > $0.start } ?? false
    }
    if !begun.isEmpty {
      let starts = begun.map { matcher.progress[$0.rule]?.start ?? 0 }
      let sorted = zip(begun, starts).enumerated().sorted { ($1.element.1, $0.offset) < ($0.element.1, $1.offset) }
      return sorted.prefix(Self.shown).map(\.element.0)
    }
    let words = Set(sentence.tokens.compactMap(\.word)).subtracting(Self.common)
    let shared = rows.map { words.intersection($0.vocabulary).count }
    let sorted = zip(rows, shared).enumerated().sorted { ($1.element.1, $0.offset) < ($0.element.1, $1.offset) }
    let near = sorted.filter { $0.element.1 > 0 }
    return (near.isEmpty ? sorted : near).prefix(Self.shown).map(\.element.0)
  }

  private static func position(_ location: SourceLocation) -> String { "at \(location.line):\(location.column)" }

  /// A text in quotation marks, shortened in the middle of a long sentence.
  static func quoted(_ text: String, tail: Bool = false) -> String {
    let limit = tail ? 40 : 200
    if text.count <= limit { return "“\(text)”" }
    return tail ? "“…\(text.suffix(limit))”" : "“\(text.prefix(limit))…”"
  }
}

extension DraftStatement {
  /// Whether every topic that an event names is one of these.
  fileprivate func speaks(onlyOf topics: Set<String>) -> Bool {
    guard case .when(let request) = self else { return true }
    return request.events.allSatisfy { event in
      guard case .topics(let names)? = event.source else { return true }
      return names.allSatisfy { topics.contains($0.text) }
    }
  }
}
