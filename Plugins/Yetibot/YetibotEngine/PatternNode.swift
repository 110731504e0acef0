/// A pattern's syntax tree.
indirect enum PatternNode: Sendable {
  case empty
  case set(ScalarSet)
  case assertion(PatternAssertion)
  case sequence([PatternNode])
  case choice([PatternNode])
  case group(Int, PatternNode)
  case repeated(PatternNode, Int, Int?, greedy: Bool)
}

extension PatternNode {
  /// The longest text that lies in all that it matches, of those that stand in it letter by letter.
  var requiredText: String? {
    let text = longestRun
    return text.isEmpty ? nil : String(String.UnicodeScalarView(text))
  }

  private var longestRun: [Unicode.Scalar] {
    switch self {
    case .set(let set): return set.single.map { [$0] } ?? []
    case .group(_, let inner): return inner.longestRun
    case .repeated(let inner, let low, _, _): return low > 0 ? inner.longestRun : []
    case .sequence(let nodes):
      var best: [Unicode.Scalar] = []
      var run: [Unicode.Scalar] = []
      for node in nodes {
        if case .set(let set) = node, let scalar = set.single {
          run.append(scalar)
          if run.count > best.count { best = run }
          continue
        }
        if case .assertion = node { continue }
        run = []
        let inner = node.longestRun
        if inner.count > best.count { best = inner }
      }
      return best
    case .empty, .assertion, .choice: return []
    }
  }
}

/// What must hold at a place.
enum PatternAssertion: Sendable, Hashable {
  case start, end, lineStart, lineEnd, textEnd, wordBoundary, noWordBoundary

  /// `$` also holds before a line feed that ends the text.
  static func isEnd(_ place: Int, _ scalars: [Unicode.Scalar]) -> Bool {
    place == scalars.count || (place == scalars.count - 1 && scalars[place] == "\n")
  }

  func holds(at place: Int, in scalars: [Unicode.Scalar]) -> Bool {
    switch self {
    case .start: return place == 0
    case .end: return Self.isEnd(place, scalars)
    case .textEnd: return place == scalars.count
    case .lineStart: return place == 0 || scalars[place - 1] == "\n"
    case .lineEnd: return place == scalars.count || scalars[place] == "\n"
    case .wordBoundary, .noWordBoundary:
      let before = place > 0 && scalars[place - 1].isWord
      let after = place < scalars.count && scalars[place].isWord
      return (before != after) == (self == .wordBoundary)
    }
  }
}

/// The scalars that one place of a pattern takes.
struct ScalarSet: Sendable, Hashable {
  var ranges: [ClosedRange<UInt32>] = []
  var isInverted = false
  var ignoresCase = false
  /// Sets inside a set that are inverted: `[\D_]`.
  var others: [ScalarSet] = []

  init(_ ranges: [ClosedRange<UInt32>] = [], inverted: Bool = false) {
    self.ranges = ranges
    isInverted = inverted
  }

  static let digits = ScalarSet([0x30...0x39])
  static let words = ScalarSet([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
  static let spaces = ScalarSet([0x09...0x0D, 0x20...0x20])
  static let anything = ScalarSet([0...0x10FFFF])
  static let notLineFeed = ScalarSet([0x0A...0x0A], inverted: true)

  var inverted: ScalarSet {
    var set = self
    set.isInverted.toggle()
    return set
  }

  /// The one scalar that it takes, if it is only one.
  var single: Unicode.Scalar? {
    guard !isInverted, !ignoresCase, others.isEmpty, ranges.count == 1, let range = ranges.first, range.count == 1
    else { return nil }
    return Unicode.Scalar(range.lowerBound)
  }

  func contains(_ scalar: Unicode.Scalar) -> Bool {
    var found = takes(scalar.value)
    if !found, ignoresCase {
      if scalar.isASCII {
        let value = scalar.value
        if (value >= 0x41 && value <= 0x5A) || (value >= 0x61 && value <= 0x7A) { found = takes(value ^ 0x20) }
      } else {
        for mapping in [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping] {
          if let other = mapping.unicodeScalars.first, mapping.unicodeScalars.count == 1 {
            found = found || takes(other.value)
          }
        }
      }
    }
    return found != isInverted
  }

  private func takes(_ value: UInt32) -> Bool {
    for range in ranges where range.contains(value) { return true }
    guard !others.isEmpty, let scalar = Unicode.Scalar(value) else { return false }
    return others.contains { $0.contains(scalar) }
  }
}

/// One step of a compiled pattern.
enum PatternInstruction: Sendable {
  case take(ScalarSet)
  case assert(PatternAssertion)
  case save(Int)
  case jump(Int)
  /// Goes on at both places; the first one is preferred.
  case split(Int, Int)
  case match
}
