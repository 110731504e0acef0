/// A regular expression that is matched in time linear in the text: Java's syntax without back-references.
///
/// Literals, `\Q…\E`, `.`, classes (`[a-z]`, `[a-z&&[^b]]`, `\d \w \s \h \v` and their opposites, `\p{L}`, `\R`), `^ $ \A \z \Z \b \B`,
/// groups (capturing, `(?:…)`, `(?<name>…)`, `(?>…)`), look-ahead and look-behind, `|`, greedy and lazy `? * + {n,m}`, and the flags `(?i)`, `(?s)`,
/// `(?m)`, `(?u)`. Of several matches at one place that one counts which a backtracking matcher would find. Groups inside of a look, of
/// `(?>…)` or of a possessive repeat take no part. `.` and `$` know only the line feed; `(?i)` is about the letters of ASCII, with `(?u)`
/// about all.
public struct Pattern: Sendable {
  /// Why a text is no pattern.
  public struct Failure: Error, Sendable, Hashable, CustomStringConvertible {
    public var pattern: String
    /// The character at which it went wrong, from 0.
    public var offset: Int
    public var reason: String
    public var description: String { "the pattern \(pattern) is not one at character \(offset + 1): \(reason)" }
  }

  public let source: String
  /// Capturing groups, not counting the whole.
  public let groupCount: Int
  /// The numbers of the groups that have names.
  let groupNames: [String: Int]
  private let program: PatternProgram
  /// Set when the pattern is a plain text, perhaps anchored: most are.
  private let plain: PlainPattern?
  /// A text that lies in all that the pattern matches, the longest that is easily told; nil for none. An index can look for it first.
  public let requiredText: String?

  /// The longest source, in characters, and the longest program: a repeat copies what it repeats.
  static let maximumSource = 1024
  static let maximumProgram = 4096

  public init(_ source: String, ignoringCase: Bool = false) throws(Failure) {
    self.source = source
    var reader = PatternReader(source: source, ignoringCase: ignoringCase)
    let tree = try reader.parse()
    groupCount = reader.groupCount
    groupNames = reader.groupNames
    let length = source.unicodeScalars.count
    program = try PatternEmitter(tree) { Failure(pattern: source, offset: length, reason: $0) }.program
    plain = PlainPattern(tree)
    requiredText = tree.requiredText
  }

  /// The first match; nil when there is none or the budget ran out.
  func firstMatch(in text: PatternText, budget: inout Int) -> PatternMatch? {
    if let plain { return plain.match(text.scalars, from: 0, budget: &budget) }
    var matches = Matches(self, text, budget: &budget)
    return matches.next(budget: &budget)
  }

  /// The matches in a text, one after the other: what is known of the text is kept from one to the next.
  struct Matches {
    private let plain: PlainPattern?
    private let scalars: [Unicode.Scalar]
    private var machine: PatternMachine
    private var place = 0

    init(_ pattern: Pattern, _ text: PatternText, budget: inout Int) {
      plain = pattern.plain
      scalars = text.scalars
      machine = PatternMachine(pattern.program, slots: 2 * (pattern.groupCount + 1), text.scalars, budget: &budget)
    }

    /// The next match behind the one before; nil when there is none or the budget ran out. A match of nothing is followed by what lies
    /// behind the next character.
    mutating func next(budget: inout Int) -> PatternMatch? {
      guard place <= scalars.count else { return nil }
      let match =
        plain.map { $0.match(scalars, from: place, budget: &budget) } ?? machine.match(from: place, budget: &budget)
      guard let match else {
        place = scalars.count + 1
        return nil
      }
      place = match.whole.isEmpty ? match.whole.upperBound + 1 : match.whole.upperBound
      return match
    }
  }

  /// Whether it occurs anywhere in the text.
  public func occurs(in text: String) -> Bool {
    var budget = Self.defaultBudget
    return firstMatch(in: PatternText(text), budget: &budget) != nil
  }

  /// The steps that one search may take where the caller has no budget of its own.
  static let defaultBudget = 20_000_000
}

/// A text as the scalars that patterns look at.
public struct PatternText: Sendable {
  let scalars: [Unicode.Scalar]

  public init(_ text: String) { scalars = Array(text.unicodeScalars) }

  func string(_ range: Range<Int>) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars[range])
    return String(view)
  }
}

/// Where a pattern matched.
public struct PatternMatch: Sendable {
  /// The whole, then each group; nil for one that took no part.
  public var ranges: [Range<Int>?]
  public var whole: Range<Int> { ranges[0] ?? 0..<0 }
}

/// A pattern that is a plain text.
struct PlainPattern: Sendable {
  var text: [Unicode.Scalar]
  var atStart: Bool
  var atEnd: Bool

  init?(_ node: PatternNode) {
    var nodes: [PatternNode]
    if case .sequence(let all) = node { nodes = all } else { nodes = [node] }
    var atStart = false
    var atEnd = false
    if case .assertion(.start)? = nodes.first {
      atStart = true
      nodes.removeFirst()
    }
    if case .assertion(.end)? = nodes.last {
      atEnd = true
      nodes.removeLast()
    }
    var text: [Unicode.Scalar] = []
    for node in nodes {
      guard case .set(let set) = node, let scalar = set.single else { return nil }
      text.append(scalar)
    }
    self.text = text
    self.atStart = atStart
    self.atEnd = atEnd
  }

  func match(_ scalars: [Unicode.Scalar], from start: Int, budget: inout Int) -> PatternMatch? {
    let last = scalars.count - text.count
    var place = start
    while place <= last {
      budget -= 1
      if budget < 0 || (atStart && place > 0) { return nil }
      let end = place + text.count
      if (!atEnd || PatternAssertion.isEnd(end, scalars)), scalars[place..<end].elementsEqual(text) {
        return PatternMatch(ranges: [place..<end])
      }
      place += 1
    }
    return nil
  }
}

extension Pattern {
  /// The whole match and its groups as texts; nil when there is none.
  public func groups(in string: String) -> [String?]? {
    let text = PatternText(string)
    var budget = Self.defaultBudget
    return firstMatch(in: text, budget: &budget)?.ranges.map { $0.map(text.string) }
  }
}
