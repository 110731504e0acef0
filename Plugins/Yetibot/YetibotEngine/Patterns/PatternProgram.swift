/// A pattern as it is run.
struct PatternProgram: Sendable {
  var code: [PatternInstruction] = []
  /// What looks ahead or behind, each after those that stand in it.
  var looks: [PatternLook] = []
  /// The groups that are not tried again, each after those that stand in it.
  var atomics: [[PatternInstruction]] = []
}

/// One step of a compiled pattern.
enum PatternInstruction: Sendable {
  case take(ScalarSet)
  case assert(PatternAssertion)
  case save(Int)
  case jump(Int)
  /// Goes on at both places; the first one is preferred.
  case split(Int, Int)
  /// Goes on where one of ``PatternProgram/looks`` has found something, or where it has not.
  case look(Int, isNegated: Bool)
  /// Goes on where one of ``PatternProgram/atomics`` ends that begins here.
  case atomic(Int)
  case match
}

/// What is looked for from a place on, or up to a place, without becoming a part of the match.
///
/// It is run over the whole text once, in one direction, and tells of each place whether it is found there: so the time stays linear. What looks
/// ahead is written backwards, and run from the end of the text to its start.
struct PatternLook: Sendable {
  var code: [PatternInstruction]
  var isAhead: Bool
}

/// Writes the program of a pattern.
struct PatternEmitter {
  private(set) var program = PatternProgram()
  private var code: [PatternInstruction] = []
  /// Whether what is written runs from the end of the text to its start.
  private var isBackward = false
  /// Whether groups are told.
  private var saves = true
  private let fail: (String) -> Pattern.Failure

  /// Whether what is written stands in a look.
  private var isInLook = false

  static let maximumLooks = 16
  static let maximumAtomics = 16

  /// - Parameter fail: makes the failure for a reason.
  init(_ tree: PatternNode, fail: @escaping (String) -> Pattern.Failure) throws(Pattern.Failure) {
    self.fail = fail
    code = [.save(0)]
    try emit(tree)
    program.code = code + [.save(1), .match]
  }

  private mutating func emit(_ node: PatternNode) throws(Pattern.Failure) {
    let size =
      program.looks.reduce(code.count) { $0 + $1.code.count } + program.atomics.reduce(0) { $0 + $1.count }
    guard size < Pattern.maximumProgram else { throw fail("it is too large when its repeats are written out") }
    switch node {
    case .empty: break
    case .set(let set): code.append(.take(set))
    case .assertion(let assertion): code.append(.assert(assertion))
    case .sequence(let nodes):
      for index in nodes.indices { try emit(nodes[isBackward ? nodes.count - 1 - index : index]) }
    case .group(let number, let inner):
      if saves { code.append(.save(2 * number)) }
      try emit(inner)
      if saves { code.append(.save(2 * number + 1)) }
    case .choice(let branches): try emit(branches)
    case .repeated(let inner, let low, let high, let greedy):
      try emit(inner, from: low, to: high, greedy: greedy)
    case .look(let inner, let isAhead, let isNegated):
      code.append(.look(try emitLook(inner, isAhead: isAhead), isNegated: isNegated))
    case .atomic(let inner): code.append(.atomic(try emitAtomic(inner)))
    }
  }

  private mutating func emitAtomic(_ inner: PatternNode) throws(Pattern.Failure) -> Int {
    // What looks ahead runs backwards, and cannot tell what would have been found first.
    guard !isInLook else { throw fail("(?>…) and possessive repeats cannot stand in a look ahead or behind") }
    let outer = (code, saves)
    (code, saves) = ([], false)
    try emit(inner)
    code.append(.match)
    guard program.atomics.count < Self.maximumAtomics else {
      throw fail("more than \(Self.maximumAtomics) times (?>…) or a possessive repeat")
    }
    program.atomics.append(code)
    (code, saves) = outer
    return program.atomics.count - 1
  }

  private mutating func emit(_ branches: [PatternNode]) throws(Pattern.Failure) {
    var jumps: [Int] = []
    for branch in branches.dropLast() {
      let split = code.count
      code.append(.match)
      try emit(branch)
      jumps.append(code.count)
      code.append(.match)
      code[split] = .split(split + 1, code.count)
    }
    if let last = branches.last { try emit(last) }
    for jump in jumps { code[jump] = .jump(code.count) }
  }

  private mutating func emit(
    _ inner: PatternNode, from low: Int, to high: Int?, greedy: Bool
  ) throws(Pattern.Failure) {
    func split(_ inside: Int, _ behind: Int) -> PatternInstruction {
      greedy ? .split(inside, behind) : .split(behind, inside)
    }
    guard let high else {
      for _ in 0..<max(low - 1, 0) { try emit(inner) }
      // What may match nothing is asked for once more behind itself, so that a round of nothing ends the repeat.
      let isLoopBehind = low > 0 || inner.isNullable
      let start = code.count
      if low == 0 { code.append(.match) }
      let body = code.count
      try emit(inner)
      code.append(isLoopBehind ? split(body, code.count + 1) : .jump(start))
      if low == 0 { code[start] = split(body, code.count) }
      return
    }
    for _ in 0..<low { try emit(inner) }
    var splits: [Int] = []
    for _ in low..<max(low, high) {
      splits.append(code.count)
      code.append(.match)
      try emit(inner)
    }
    for place in splits { code[place] = split(place + 1, code.count) }
  }

  private mutating func emitLook(_ inner: PatternNode, isAhead: Bool) throws(Pattern.Failure) -> Int {
    // A look in a group that is not tried again may stand there: it is looked at from the outside.
    let outer = (code, isBackward, saves, isInLook)
    (code, isBackward, saves, isInLook) = ([], isAhead, false, true)
    try emit(inner)
    code.append(.match)
    guard program.looks.count < Self.maximumLooks else {
      throw fail("more than \(Self.maximumLooks) looks ahead or behind")
    }
    program.looks.append(PatternLook(code: code, isAhead: isAhead))
    (code, isBackward, saves, isInLook) = outer
    return program.looks.count - 1
  }
}
