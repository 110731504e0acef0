/// A pattern's syntax tree.
indirect enum PatternNode: Sendable {
  case empty
  case set(ScalarSet)
  case assertion(PatternAssertion)
  case sequence([PatternNode])
  case choice([PatternNode])
  case group(Int, PatternNode)
  case repeated(PatternNode, Int, Int?, greedy: Bool)
  /// What must be found from here on, or up to here, or must not. Groups inside take no part.
  case look(PatternNode, isAhead: Bool, isNegated: Bool)
  /// What is taken as it was found first, and not tried again when the rest does not fit. Groups inside take no part.
  case atomic(PatternNode)
}

extension PatternNode {
  /// Whether it can match nothing.
  var isNullable: Bool {
    switch self {
    case .empty, .assertion, .look: true
    case .set: false
    case .sequence(let nodes): nodes.allSatisfy(\.isNullable)
    case .choice(let branches): branches.contains(where: \.isNullable)
    case .group(_, let inner), .atomic(let inner): inner.isNullable
    case .repeated(let inner, let low, _, _): low == 0 || inner.isNullable
    }
  }

  /// The longest text that lies in all that it matches, of those that stand in it letter by letter.
  var requiredText: String? {
    let text = longestRun
    return text.isEmpty ? nil : String(String.UnicodeScalarView(text))
  }

  private var longestRun: [Unicode.Scalar] {
    switch self {
    case .set(let set): return set.single.map { [$0] } ?? []
    case .group(_, let inner), .atomic(let inner): return inner.longestRun
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
        switch node {
        case .assertion, .look: continue
        default: break
        }
        run = []
        let inner = node.longestRun
        if inner.count > best.count { best = inner }
      }
      return best
    case .empty, .assertion, .choice, .look: return []
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
