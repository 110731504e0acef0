/// Reads a pattern's source and turns it into a program.
struct PatternCompiler {
  let source: String
  let characters: [Unicode.Scalar]
  var place = 0
  var groupCount = 0
  private var depth = 0
  private var ignoresCase: Bool
  private var dotTakesAll = false
  private var isMultiline = false
  private var code: [PatternInstruction] = []

  init(source: String, ignoringCase: Bool) {
    self.source = source
    characters = Array(source.unicodeScalars)
    ignoresCase = ignoringCase
  }

  private func failure(_ reason: String) -> Pattern.Failure {
    Pattern.Failure(pattern: source, offset: place, reason: reason)
  }

  private var next: Unicode.Scalar? { place < characters.count ? characters[place] : nil }

  private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard next == scalar else { return false }
    place += 1
    return true
  }

  private mutating func take(_ text: String) -> Bool {
    let scalars = Array(text.unicodeScalars)
    guard characters[place...].starts(with: scalars) else { return false }
    place += scalars.count
    return true
  }

  // MARK: Syntax

  mutating func parse() throws(Pattern.Failure) -> PatternNode {
    guard characters.count <= Pattern.maximumSource else {
      throw failure("it is longer than \(Pattern.maximumSource) characters")
    }
    let tree = try choice()
    guard next == nil else { throw failure("no parenthesis is open that could be closed") }
    return tree
  }

  private mutating func choice() throws(Pattern.Failure) -> PatternNode {
    depth += 1
    defer { depth -= 1 }
    guard depth <= 32 else { throw failure("more than 32 groups inside each other") }
    let flags = (ignoresCase, dotTakesAll, isMultiline)
    var branches = [try sequence()]
    while take("|" as Unicode.Scalar) { branches.append(try sequence()) }
    (ignoresCase, dotTakesAll, isMultiline) = flags
    return branches.count == 1 ? branches[0] : .choice(branches)
  }

  private mutating func sequence() throws(Pattern.Failure) -> PatternNode {
    var nodes: [PatternNode] = []
    while let scalar = next, scalar != "|", scalar != ")" {
      if let node = try quantified() { nodes.append(node) }
    }
    return nodes.count == 1 ? nodes[0] : .sequence(nodes)
  }

  private mutating func quantified() throws(Pattern.Failure) -> PatternNode? {
    guard var node = try atom() else { return nil }
    var rounds = 0
    while let bounds = try bounds() {
      rounds += 1
      guard rounds <= 4 else { throw failure("too many repeats of a repeat") }
      let greedy = !take("?" as Unicode.Scalar)
      _ = greedy && take("+" as Unicode.Scalar)
      node = .repeated(node, bounds.0, bounds.1, greedy: greedy)
    }
    return node
  }

  private mutating func bounds() throws(Pattern.Failure) -> (Int, Int?)? {
    switch next {
    case "*":
      place += 1
      return (0, nil)
    case "+":
      place += 1
      return (1, nil)
    case "?":
      place += 1
      return (0, 1)
    case "{":
      let start = place
      place += 1
      let low = number()
      var high = low
      if take("," as Unicode.Scalar) { high = number() }
      guard take("}" as Unicode.Scalar), let low else {
        place = start
        return nil
      }
      guard low <= 256, (high ?? 0) <= 256 else { throw failure("a repeat of more than 256") }
      if let high, high < low { throw failure("a repeat whose end is before its start") }
      return (low, high)
    default: return nil
    }
  }

  private mutating func number() -> Int? {
    var value: Int?
    while let scalar = next, scalar.value >= 0x30, scalar.value <= 0x39 {
      value = min((value ?? 0) * 10 + Int(scalar.value - 0x30), 100_000)
      place += 1
    }
    return value
  }

  private func single(_ scalar: Unicode.Scalar) -> PatternNode {
    var set = ScalarSet([scalar.value...scalar.value])
    set.ignoresCase = ignoresCase && scalar.properties.isCased
    return .set(set)
  }

  private mutating func atom() throws(Pattern.Failure) -> PatternNode? {
    guard let scalar = next else { return nil }
    switch scalar {
    case "(": return try group()
    case "[": return .set(try bracket())
    case ".":
      place += 1
      return .set(dotTakesAll ? .anything : .notLineFeed)
    case "^":
      place += 1
      return .assertion(isMultiline ? .lineStart : .start)
    case "$":
      place += 1
      return .assertion(isMultiline ? .lineEnd : .end)
    case "*", "+", "?": throw failure("nothing that could be repeated")
    case "\\": return try escape()
    default:
      place += 1
      return single(scalar)
    }
  }

  private mutating func group() throws(Pattern.Failure) -> PatternNode? {
    place += 1
    var number: Int?
    if take("?" as Unicode.Scalar) {
      if take(":" as Unicode.Scalar) {
      } else if next == "=" || next == "!" || take("<=") || take("<!") {
        throw failure("look-around is not supported")
      } else if take("<") || take("P<") {
        while let scalar = next, scalar != ">" {
          guard scalar.isWord else { throw failure("a group's name") }
          place += 1
        }
        guard take(">" as Unicode.Scalar) else { throw failure("the group's name does not end") }
        groupCount += 1
        number = groupCount
      } else {
        return try flags()
      }
    } else {
      groupCount += 1
      number = groupCount
    }
    guard groupCount <= 32 else { throw failure("more than 32 groups") }
    let inner = try choice()
    guard take(")" as Unicode.Scalar) else { throw failure("a parenthesis is not closed") }
    return number.map { .group($0, inner) } ?? inner
  }

  /// `(?i)` for the rest of the group, `(?i:…)` for what is inside.
  private mutating func flags() throws(Pattern.Failure) -> PatternNode? {
    let before = (ignoresCase, dotTakesAll, isMultiline)
    var on = true
    while let scalar = next {
      place += 1
      switch scalar {
      case "-": on = false
      case "i": ignoresCase = on
      case "s": dotTakesAll = on
      case "m": isMultiline = on
      case "u", "U", "d": break
      case ")": return nil
      case ":":
        let inner = try choice()
        guard take(")" as Unicode.Scalar) else { throw failure("a parenthesis is not closed") }
        (ignoresCase, dotTakesAll, isMultiline) = before
        return inner
      default: throw failure("no such flag")
      }
    }
    throw failure("a parenthesis is not closed")
  }

  private static let classes: [Unicode.Scalar: ScalarSet] = [
    "d": .digits, "D": ScalarSet.digits.inverted, "w": .words, "W": ScalarSet.words.inverted, "s": .spaces,
    "S": ScalarSet.spaces.inverted,
  ]

  private mutating func escape() throws(Pattern.Failure) -> PatternNode {
    place += 1
    guard let scalar = next else { throw failure("a backslash at the end") }
    if let set = Self.classes[scalar] {
      place += 1
      return .set(set)
    }
    switch scalar {
    case "b":
      place += 1
      return .assertion(.wordBoundary)
    case "B":
      place += 1
      return .assertion(.noWordBoundary)
    case "A":
      place += 1
      return .assertion(.start)
    case "z":
      place += 1
      return .assertion(.textEnd)
    case "Z":
      place += 1
      return .assertion(.end)
    case "1"..."9", "k": throw failure("back-references are not supported")
    default: return single(try escaped())
    }
  }

  /// The scalar that an escape stands for; `place` is behind the backslash.
  private mutating func escaped() throws(Pattern.Failure) -> Unicode.Scalar {
    guard let scalar = next else { throw failure("a backslash at the end") }
    place += 1
    switch scalar {
    case "n": return "\n"
    case "r": return "\r"
    case "t": return "\t"
    case "f": return "\u{0C}"
    case "e": return "\u{1B}"
    case "0": return "\0"
    case "x", "u":
      let length = scalar == "x" ? 2 : 4
      guard place + length <= characters.count else { throw failure("\(length) hexadecimal digits were expected") }
      let digits = String(String.UnicodeScalarView(characters[place..<place + length]))
      guard let value = UInt32(digits, radix: 16), let result = Unicode.Scalar(value) else {
        throw failure("\(length) hexadecimal digits were expected")
      }
      place += length
      return result
    default:
      if scalar.isASCII, scalar.properties.isAlphabetic { throw failure("no such escape") }
      return scalar
    }
  }

  private mutating func bracket() throws(Pattern.Failure) -> ScalarSet {
    place += 1
    var set = ScalarSet()
    set.ignoresCase = ignoresCase
    set.isInverted = take("^" as Unicode.Scalar)
    var isFirst = true
    while let scalar = next {
      if scalar == "]", !isFirst {
        place += 1
        return set
      }
      isFirst = false
      place += 1
      var low = scalar
      if scalar == "\\" {
        if let known = next.flatMap({ Self.classes[$0] }) {
          place += 1
          if known.isInverted { set.others.append(known) } else { set.ranges += known.ranges }
          continue
        }
        low = next == "b" ? "\u{08}" : try escaped()
      }
      guard next == "-", place + 1 < characters.count, characters[place + 1] != "]" else {
        set.ranges.append(low.value...low.value)
        continue
      }
      place += 1
      guard var high = next else { break }
      place += 1
      if high == "\\" { high = try escaped() }
      guard low <= high else { throw failure("a range whose end is before its start") }
      set.ranges.append(low.value...high.value)
    }
    throw failure("a bracket is not closed")
  }

  // MARK: Program

  mutating func program(for tree: PatternNode) throws(Pattern.Failure) -> [PatternInstruction] {
    code = [.save(0)]
    try emit(tree)
    code += [.save(1), .match]
    return code
  }

  private mutating func emit(_ node: PatternNode) throws(Pattern.Failure) {
    guard code.count < Pattern.maximumProgram else { throw failure("it is too large when its repeats are written out") }
    switch node {
    case .empty: break
    case .set(let set): code.append(.take(set))
    case .assertion(let assertion): code.append(.assert(assertion))
    case .sequence(let nodes): for node in nodes { try emit(node) }
    case .group(let number, let inner):
      code.append(.save(2 * number))
      try emit(inner)
      code.append(.save(2 * number + 1))
    case .choice(let branches):
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
    case .repeated(let inner, let low, let high, let greedy):
      for _ in 0..<low { try emit(inner) }
      guard let high else {
        let split = code.count
        code.append(.match)
        try emit(inner)
        code.append(.jump(split))
        code[split] = greedy ? .split(split + 1, code.count) : .split(code.count, split + 1)
        return
      }
      var splits: [Int] = []
      for _ in low..<max(low, high) {
        splits.append(code.count)
        code.append(.match)
        try emit(inner)
      }
      for split in splits { code[split] = greedy ? .split(split + 1, code.count) : .split(code.count, split + 1) }
    }
  }
}
