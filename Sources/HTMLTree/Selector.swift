/// A selector of CSS (Selectors Level 3, and `:not` of one compound): `a`, `*`, `#id`, `.class`, `[name]`, `[name=value]` and `~= |= ^= $= *=`,
/// `:first-child`, `:last-child`, `:only-child`, `:nth-child(2n+1)`, `:empty`, `:not(…)`; beside and inside each other by a space, `>`, `+`,
/// `~`; several by commas.
public struct Selector: Sendable {
  /// What is wrong with a selector, and at which character.
  public struct Failure: Error, Sendable, CustomStringConvertible {
    public let description: String
  }

  enum Test: Sendable {
    case tag(String)
    case attribute(String, Comparison, String)
    case firstChild, lastChild, empty
    case nth(every: Int, from: Int)
    case not([Test])
  }

  enum Comparison: Sendable { case exists, equals, word, dash, begins, ends, contains }

  enum Combinator: Sendable { case descendant, child, next, later }

  /// From right to left: the element itself, then what it stands in or behind.
  struct Chain: Sendable {
    var tests: [Test]
    var before: [(combinator: Combinator, tests: [Test])]
  }

  let chains: [Chain]

  /// - Throws: ``Failure``
  public init(_ text: String) throws(Failure) {
    guard text.utf8.count <= 512 else { throw Failure(description: "a selector of more than 512 bytes") }
    var reader = SelectorReader(text)
    chains = try reader.chains()
  }

  /// The elements that it selects, in document order.
  ///
  /// - Throws: ``Failure`` for a selector that has to try too much on this page.
  public func select(in document: HTMLDocument, limit: Int = 100) throws(Failure) -> [Int] {
    var found: [Int] = []
    var matcher = SelectorMatcher(document: document)
    for element in document.elements {
      for chain in chains where try matcher.matches(chain, element) {
        found.append(element)
        break
      }
      if found.count >= limit { break }
    }
    return found
  }
}

/// Tries chains on elements, within a number of steps.
struct SelectorMatcher {
  let document: HTMLDocument
  private var steps = 5_000_000

  init(document: HTMLDocument) { self.document = document }

  mutating func matches(_ chain: Selector.Chain, _ element: Int) throws(Selector.Failure) -> Bool {
    guard try holds(chain.tests, element) else { return false }
    return try matches(chain.before[...], element)
  }

  private mutating func matches(
    _ rest: ArraySlice<(combinator: Selector.Combinator, tests: [Selector.Test])>, _ element: Int
  ) throws(Selector.Failure) -> Bool {
    guard let first = rest.first else { return true }
    let others = rest.dropFirst()
    var place = element
    repeat {
      switch first.combinator {
      case .descendant, .child: place = document.nodes[place].parent
      case .next, .later: place = document.nodes[place].previous
      }
      guard place >= 0 else { return false }
      if try holds(first.tests, place), try matches(others, place) { return true }
    } while first.combinator == .descendant || first.combinator == .later
    return false
  }

  private mutating func holds(_ tests: [Selector.Test], _ index: Int) throws(Selector.Failure) -> Bool {
    steps -= 1 + tests.count
    guard steps > 0 else { throw Selector.Failure(description: "the selector takes too long on this page") }
    let node = document.nodes[index]
    guard let element = node.element else { return false }
    for test in tests {
      let holds =
        switch test {
        case .tag(let tag): element.tag == tag
        case .attribute(let name, let comparison, let value): Self.compare(element[name], comparison, value)
        case .firstChild: node.number == 1
        case .lastChild: node.isLast
        case .empty: node.end == index + 1
        case .nth(let every, let from): Self.isNth(node.number, every, from)
        case .not(let inner): try !self.holds(inner, index)
        }
      if !holds { return false }
    }
    return true
  }

  private static func isNth(_ number: Int, _ every: Int, _ from: Int) -> Bool {
    if every == 0 { return number == from }
    let distance = number - from
    return distance % every == 0 && distance / every >= 0
  }

  private static func compare(_ own: String?, _ comparison: Selector.Comparison, _ value: String) -> Bool {
    guard let own else { return false }
    switch comparison {
    case .exists: return true
    case .equals: return own == value
    case .word: return own.split(whereSeparator: \.isWhitespace).contains { $0 == value }
    case .dash: return own == value || own.hasPrefix(value + "-")
    case .begins: return !value.isEmpty && own.hasPrefix(value)
    case .ends: return !value.isEmpty && own.hasSuffix(value)
    case .contains: return !value.isEmpty && own.contains(value)
    }
  }
}
