/// What a pattern of the grammar has matched.
struct DraftPart: Sendable {
  var rule: DraftRule
  var captures: [DraftCapture]
  /// The tokens that it covers.
  var range: Range<Int>

  func parts(_ group: Set<DraftRule>) -> [DraftPart] {
    captures.compactMap { capture in
      if case .part(let part) = capture, group.contains(part.rule) { return part }
      return nil
    }
  }

  func part(_ rule: DraftRule) -> DraftPart? { parts([rule]).first }

  /// The tokens in slots of that kind, also in the parts.
  func tokens(_ slot: DraftSlot) -> [Int] {
    captures.flatMap { capture in
      switch capture {
      case .slot(let kind, let token): kind == slot ? [token] : []
      case .part(let part): part.tokens(slot)
      }
    }
  }
}

indirect enum DraftCapture: Sendable {
  case slot(DraftSlot, Int)
  case part(DraftPart)
}

/// Finds every reading of a sentence, and how far each pattern came where there is none.
///
/// A reading is a derivation: nothing is preferred. The work is bounded by `limit`, for sentences that are made to have many.
struct DraftMatcher {
  /// How many ways a pattern may match at one place, and how many of them are looked at in a sentence.
  static let ways = 256
  static let limit = 200_000

  /// One way in which a pattern matches: where it ends, and what it captured.
  private struct Way {
    var end: Int
    var captures: [DraftCapture]
  }

  private struct Place: Hashable {
    var group: DraftGroup
    var start: Int
  }

  /// How far the attempts of a rule came.
  struct Progress {
    var start: Int
    /// The token that did not fit.
    var reach: Int
  }

  private let tokens: [DraftToken]
  private let grammar: DraftGrammar
  private var known: [Place: (ways: [Way], reach: Int)] = [:]
  private var steps = 0

  /// The furthest token that fitted nothing; the number of tokens: something is missing at the end.
  private(set) var furthest = 0
  /// What would have fitted there, as errors say it.
  private(set) var expected: [String] = []
  /// The words among it.
  private(set) var expectedWords: [String] = []
  private(set) var progress: [DraftRule: Progress] = [:]
  /// The sentence has more ways to be read than are looked at.
  private(set) var isTooInvolved = false

  /// Actions without an event are sentences too.
  private let takesActionsAlone: Bool

  /// - Parameter takesActionsAlone: also reads actions without an event, which are an error: only for saying so.
  init(_ tokens: [DraftToken], grammar: DraftGrammar, takesActionsAlone: Bool = false) {
    self.tokens = tokens
    self.grammar = grammar
    self.takesActionsAlone = takesActionsAlone
  }

  /// The readings of the whole sentence, each as the parts of `DraftGroup.sentence` in order.
  mutating func readings() -> [[DraftPart]] {
    var reach = 0
    let ways = match(grammar.text, at: 0, &reach)
    for way in ways where way.end < tokens.count { expect("the end of the sentence", at: way.end, &reach) }
    return ways.filter { $0.end == tokens.count }.map { way in
      way.captures.compactMap { capture in
        if case .part(let part) = capture, grammar.isStatement(part.rule) { return part }
        return nil
      }
    }
  }

  private mutating func expect(_ what: @autoclosure () -> String, at index: Int, _ reach: inout Int) {
    reach = max(reach, index)
    if index > furthest {
      furthest = index
      expected = []
      expectedWords = []
    }
    if index == furthest {
      let what = what()
      if !expected.contains(what) { expected.append(what) }
    }
  }

  /// A group of which nothing fits says so with one name, instead of all that its patterns begin with.
  private mutating func name(_ group: DraftGroup, at start: Int, since count: Int) {
    guard furthest == start, expected.count > count else { return }
    expected.removeLast(expected.count - count)
    if !group.summary.isEmpty, !expected.contains(group.summary) { expected.append(group.summary) }
  }

  private mutating func match(_ pattern: DraftPattern, at start: Int, _ reach: inout Int) -> [Way] {
    steps += 1
    guard steps <= Self.limit else {
      isTooInvolved = true
      return []
    }
    switch pattern {
    case .words(let words):
      if start < tokens.count, let word = tokens[start].word, words.contains(word) {
        return [Way(end: start + 1, captures: [])]
      }
      for word in words { expect("'\(word)'", at: start, &reach) }
      if start == furthest { expectedWords += words }
      return []
    case .mark(let mark):
      if start < tokens.count, tokens[start].kind == .mark(mark) { return [Way(end: start + 1, captures: [])] }
      expect("'\(mark)'", at: start, &reach)
      return []
    case .slot(let slot):
      if start < tokens.count, slot.takes(tokens[start]) {
        return [Way(end: start + 1, captures: [.slot(slot, start)])]
      }
      expect(slot.summary, at: start, &reach)
      return []
    case .group(let group): return match(group, at: start, &reach)
    case .optional(let part): return [Way(end: start, captures: [])] + match(part, at: start, &reach)
    case .choice(let parts):
      var ways: [Way] = []
      for part in parts { ways += match(part, at: start, &reach) }
      return bounded(ways)
    case .sequence(let parts):
      var ways = [Way(end: start, captures: [])]
      for part in parts { ways = follow(ways, with: part, &reach) }
      return ways
    case .repeated(let part):
      var all = [Way(end: start, captures: [])]
      var last = all
      while !last.isEmpty, all.count <= Self.ways {
        var next: [Way] = []
        for way in last {
          // What matches without a token would match for ever.
          for more in match(part, at: way.end, &reach) where more.end > way.end {
            next.append(Way(end: more.end, captures: way.captures + more.captures))
          }
        }
        last = bounded(next)
        all += last
      }
      return bounded(all)
    }
  }

  private mutating func follow(_ ways: [Way], with part: DraftPattern, _ reach: inout Int) -> [Way] {
    var result: [Way] = []
    for way in ways {
      for next in match(part, at: way.end, &reach) {
        result.append(Way(end: next.end, captures: way.captures + next.captures))
      }
    }
    return bounded(result)
  }

  private mutating func bounded(_ ways: [Way]) -> [Way] {
    guard ways.count > Self.ways else { return ways }
    isTooInvolved = true
    return Array(ways.prefix(Self.ways))
  }

  private mutating func match(_ group: DraftGroup, at start: Int, _ reach: inout Int) -> [Way] {
    let place = Place(group: group, start: start)
    if let found = known[place] {
      reach = max(reach, found.reach)
      return found.ways
    }
    var ways: [Way] = []
    var groupReach = start
    let count = furthest < start ? 0 : expected.count
    for row in grammar.rows(group) where takesActionsAlone || row.rule != .withoutEvent {
      var rowReach = start
      for way in match(row.pattern, at: start, &rowReach) {
        let part = DraftPart(rule: row.rule, captures: way.captures, range: start..<way.end)
        ways.append(Way(end: way.end, captures: [.part(part)]))
        rowReach = max(rowReach, way.end)
      }
      groupReach = max(groupReach, rowReach)
      // Of several attempts the one that came furthest counts, and of those the one that began last.
      let old = progress[row.rule] ?? Progress(start: 0, reach: -1)
      if (rowReach, start) > (old.reach, old.start) { progress[row.rule] = Progress(start: start, reach: rowReach) }
    }
    name(group, at: start, since: count)
    ways = bounded(ways)
    known[place] = (ways, groupReach)
    reach = max(reach, groupReach)
    return ways
  }
}
