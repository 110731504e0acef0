/// Reads a pattern's source.
struct PatternReader {
  let source: String
  private let characters: [Unicode.Scalar]
  private var place = 0
  private(set) var groupCount = 0
  /// The numbers of the groups that have names.
  private(set) var groupNames: [String: Int] = [:]
  private var depth = 0
  private var flags: Flags

  /// What `(?ismu)` switches on and off.
  private struct Flags {
    var ignoresCase = false
    /// Whether letters beyond ASCII have cases that can be ignored.
    var knowsUnicodeCases = false
    var dotTakesAll = false
    var isMultiline = false

    var caseRule: ScalarSet.CaseRule { !ignoresCase ? .exact : knowsUnicodeCases ? .unicode : .ascii }
  }

  init(source: String, ignoringCase: Bool) {
    self.source = source
    characters = Self.withoutQuotes(Array(source.unicodeScalars))
    flags = Flags(ignoresCase: ignoringCase)
  }

  /// What stands between `\Q` and `\E`, or the end, with a backslash before each character instead.
  private static func withoutQuotes(_ source: [Unicode.Scalar]) -> [Unicode.Scalar] {
    var result: [Unicode.Scalar] = []
    var isQuoted = false
    var place = 0
    while place < source.count {
      let scalar = source[place]
      let following = place + 1 < source.count ? source[place + 1] : nil
      place += 1
      if scalar == "\\", following == (isQuoted ? "E" : "Q") {
        isQuoted.toggle()
        place += 1
      } else if isQuoted {
        if !scalar.isWord { result.append("\\") }
        result.append(scalar)
      } else {
        result.append(scalar)
        // The second of two backslashes begins nothing.
        if scalar == "\\", let following {
          result.append(following)
          place += 1
        }
      }
    }
    return result
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

  private static let maximumDepth = 32

  private mutating func choice() throws(Pattern.Failure) -> PatternNode {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.maximumDepth else { throw failure("more than \(Self.maximumDepth) groups inside each other") }
    let before = flags
    var branches = [try sequence()]
    while take("|" as Unicode.Scalar) { branches.append(try sequence()) }
    flags = before
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
    guard let node = try atom() else { return nil }
    guard let (low, high) = try bounds() else { return node }
    let greedy = !take("?" as Unicode.Scalar)
    let repeated = PatternNode.repeated(node, low, high, greedy: greedy)
    return greedy && take("+" as Unicode.Scalar) ? .atomic(repeated) : repeated
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
      place += 1
      let low = number()
      var high = low
      if take("," as Unicode.Scalar) { high = number() }
      guard take("}" as Unicode.Scalar), let low else {
        throw failure(#"a repeat such as {2}, {2,} or {2,3} was expected; a brace that is a character is written \{"#)
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
    set.caseRule = flags.caseRule.applied(to: scalar)
    return .set(set)
  }

  private mutating func atom() throws(Pattern.Failure) -> PatternNode? {
    guard let scalar = next else { return nil }
    switch scalar {
    case "(": return try group()
    case "[": return .set(try bracket())
    case ".":
      place += 1
      return .set(flags.dotTakesAll ? .anything : .notLineFeed)
    case "^":
      place += 1
      return .assertion(flags.isMultiline ? .lineStart : .start)
    case "$":
      place += 1
      return .assertion(flags.isMultiline ? .lineEnd : .end)
    case "*", "+", "?": throw failure("nothing that could be repeated")
    case "{": throw failure(#"nothing that could be repeated; a brace that is a character is written \{"#)
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
        // Only what is inside counts.
      } else if let look = try look() {
        return look
      } else if take("<") || take("P<") {
        groupCount += 1
        number = groupCount
        groupNames[try groupName()] = number
      } else if take(">" as Unicode.Scalar) {
        return .atomic(try closedChoice())
      } else {
        return try readFlags()
      }
    } else {
      groupCount += 1
      number = groupCount
    }
    guard groupCount <= Self.maximumGroups else { throw failure("more than \(Self.maximumGroups) groups") }
    let inner = try closedChoice()
    return number.map { .group($0, inner) } ?? inner
  }

  private static let maximumGroups = 32

  private mutating func closedChoice() throws(Pattern.Failure) -> PatternNode {
    let inner = try choice()
    guard take(")" as Unicode.Scalar) else { throw failure("a parenthesis is not closed") }
    return inner
  }

  private mutating func groupName() throws(Pattern.Failure) -> String {
    let start = place
    while let scalar = next, scalar != ">" {
      guard scalar.isWord else { throw failure("a group's name has letters and digits only") }
      place += 1
    }
    let name = String(String.UnicodeScalarView(characters[start..<place]))
    guard take(">" as Unicode.Scalar) else { throw failure("the group's name does not end") }
    guard !name.isEmpty, groupNames[name] == nil else { throw failure("a group needs a name of its own") }
    return name
  }

  /// `(?=…)`, `(?!…)`, `(?<=…)` and `(?<!…)`, behind the `(?`; nil for another kind of group.
  private mutating func look() throws(Pattern.Failure) -> PatternNode? {
    let isAhead: Bool
    let isNegated: Bool
    if take("=") || take("!") {
      (isAhead, isNegated) = (true, characters[place - 1] == "!")
    } else if take("<=") || take("<!") {
      (isAhead, isNegated) = (false, characters[place - 1] == "!")
    } else {
      return nil
    }
    return .look(try closedChoice(), isAhead: isAhead, isNegated: isNegated)
  }

  /// `(?i)` for the rest of the group, `(?i:…)` for what is inside.
  private mutating func readFlags() throws(Pattern.Failure) -> PatternNode? {
    let before = flags
    var on = true
    while let scalar = next {
      place += 1
      switch scalar {
      case "-": on = false
      case "i": flags.ignoresCase = on
      case "s": flags.dotTakesAll = on
      case "m": flags.isMultiline = on
      case "u", "U": flags.knowsUnicodeCases = on
      case "d": break
      case ")": return nil
      case ":":
        let inner = try closedChoice()
        flags = before
        return inner
      default: throw failure("no such flag")
      }
    }
    throw failure("a parenthesis is not closed")
  }

  private static let classes: [Unicode.Scalar: ScalarSet] = [
    "d": .digits, "D": ScalarSet.digits.inverted, "w": .words, "W": ScalarSet.words.inverted, "s": .spaces,
    "S": ScalarSet.spaces.inverted, "h": .horizontalSpaces, "H": ScalarSet.horizontalSpaces.inverted,
    "v": .verticalSpaces, "V": ScalarSet.verticalSpaces.inverted,
  ]

  private mutating func escape() throws(Pattern.Failure) -> PatternNode {
    place += 1
    if let set = try escapedSet() { return .set(set) }
    guard let scalar = next else { throw failure("a backslash at the end") }
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
    case "R":
      place += 1
      return .choice([
        .sequence([.set(ScalarSet([0x0D...0x0D])), .set(ScalarSet([0x0A...0x0A]))]), .set(.verticalSpaces),
      ])
    case "1"..."9", "k": throw failure("back-references are not supported")
    default: return single(try escaped())
    }
  }

  /// A class such as `\d` or `\p{L}`, when there is one; `place` is behind the backslash.
  private mutating func escapedSet() throws(Pattern.Failure) -> ScalarSet? {
    guard let scalar = next else { return nil }
    if let set = Self.classes[scalar] {
      place += 1
      return set
    }
    guard scalar == "p" || scalar == "P" else { return nil }
    place += 1
    var name = ""
    if take("{" as Unicode.Scalar) {
      while let character = next, character != "}" {
        name.unicodeScalars.append(character)
        place += 1
      }
      guard take("}" as Unicode.Scalar) else { throw failure("the name of the property does not end") }
    } else if let character = next {
      name.unicodeScalars.append(character)
      place += 1
    }
    guard var set = ScalarSet(property: name) else {
      throw failure("there is no property \(name); there are L, Lu, N, P, Alpha, Punct, IsAlphabetic and their like")
    }
    // A property of letters is about those of all alphabets, whatever `(?u)` says.
    set.caseRule = flags.ignoresCase ? .unicode : .exact
    return scalar == "p" ? set : set.inverted
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
    case "a": return "\u{07}"
    case "e": return "\u{1B}"
    case "0":
      // At most \0377.
      let first = next
      let length = first.map { $0 <= "3" } ?? false ? 3 : 2
      return try number(radix: 8, upTo: length, "octal digits")
    case "x":
      guard take("{" as Unicode.Scalar) else { return try number(radix: 16, exactly: 2, "hexadecimal digits") }
      let result = try number(radix: 16, upTo: 6, "hexadecimal digits")
      guard take("}" as Unicode.Scalar) else { throw failure("a closing brace was expected") }
      return result
    case "u": return try number(radix: 16, exactly: 4, "hexadecimal digits")
    case "c":
      guard let control = next, control.isASCII else { throw failure("a control character was expected") }
      place += 1
      return Unicode.Scalar(UInt8(control.value) ^ 0x40)
    default:
      if scalar.isASCII, scalar.properties.isAlphabetic { throw failure("no such escape") }
      return scalar
    }
  }

  private mutating func number(
    radix: UInt32, exactly count: Int? = nil, upTo most: Int = 0, _ kind: String
  ) throws(Pattern.Failure) -> Unicode.Scalar {
    var value: UInt32 = 0
    var length = 0
    while length < count ?? most, let digit = next.flatMap({ UInt32(String($0), radix: Int(radix)) }) {
      value = value * radix + digit
      length += 1
      place += 1
    }
    guard length > 0, count.map({ $0 == length }) ?? true, let scalar = Unicode.Scalar(value) else {
      throw failure("\(count.map { "\($0) " } ?? "")\(kind) were expected")
    }
    return scalar
  }

  // MARK: Brackets

  /// `[…]`, with other brackets inside, which add to it, and with `&&`, which takes what lies on both sides.
  private mutating func bracket() throws(Pattern.Failure) -> ScalarSet {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.maximumDepth else { throw failure("more than \(Self.maximumDepth) brackets inside each other") }
    place += 1
    let isInverted = take("^" as Unicode.Scalar)
    var operands: [ScalarSet] = []
    var set = try bracketItems(isFirst: true)
    while take("&&") {
      operands.append(set)
      set = try bracketItems(isFirst: false)
    }
    guard take("]" as Unicode.Scalar) else { throw failure("a bracket is not closed") }
    set.limits = operands
    set.isInverted = isInverted
    return set
  }

  /// What stands up to `]` or `&&`.
  private mutating func bracketItems(isFirst: Bool) throws(Pattern.Failure) -> ScalarSet {
    var set = ScalarSet()
    set.caseRule = flags.caseRule
    var isFirst = isFirst
    while let scalar = next, isFirst || scalar != "]" {
      if scalar == "&", place + 1 < characters.count, characters[place + 1] == "&" { return set }
      isFirst = false
      if scalar == "[" {
        if place + 1 < characters.count, characters[place + 1] == ":" {
          throw failure(#"a class such as [:alpha:] is written \p{Alpha}"#)
        }
        set.others.append(try bracket())
        continue
      }
      place += 1
      var low = scalar
      if scalar == "\\" {
        if let known = try escapedSet() {
          set.others.append(known)
          continue
        }
        low = take("b" as Unicode.Scalar) ? "\u{08}" : try escaped()
      }
      guard next == "-", place + 1 < characters.count, characters[place + 1] != "]", characters[place + 1] != "["
      else {
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
    return set
  }
}
