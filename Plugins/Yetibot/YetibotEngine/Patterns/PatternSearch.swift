/// Searches that are charged to the message's allowance.
enum PatternSearch {
  /// The pieces between matches, without the empty ones at the end. A text without a match is one piece.
  static func split(_ string: String, by pattern: Pattern, _ allowance: Allowance) throws -> [String] {
    let text = PatternText(string)
    var pieces: [String] = []
    var start = 0
    var matches = Pattern.Matches(pattern, text, budget: &allowance.patternSteps)
    while let match = matches.next(budget: &allowance.patternSteps) {
      let range = match.whole
      // A match of nothing cuts between two characters only, and one at the start gives no empty piece.
      if range.isEmpty, range.lowerBound == 0 || range.lowerBound == text.scalars.count { continue }
      if range.upperBound > 0 { pieces.append(text.string(start..<range.lowerBound)) }
      start = range.upperBound
    }
    try allowance.checkPatterns()
    pieces.append(text.string(start..<text.scalars.count))
    while start > 0, pieces.last == "" { pieces.removeLast() }
    return pieces
  }

  static func occurs(_ pattern: Pattern, in string: String, _ allowance: Allowance) throws -> Bool {
    let found = pattern.firstMatch(in: PatternText(string), budget: &allowance.patternSteps) != nil
    try allowance.checkPatterns()
    return found
  }

  /// How a replacement is written.
  enum Dialect {
    /// As Java has it: `$1` and `${name}` stand for groups, `\` takes away the meaning of what follows.
    case java
    /// The same, and `\1` stands for a group, `\n` and `\t` for a line feed and a tab.
    case sed
  }

  /// All matches replaced.
  static func replace(
    _ pattern: Pattern, in string: String, by replacement: String, _ dialect: Dialect, _ allowance: Allowance
  ) throws -> String {
    let text = PatternText(string)
    let parts = parts(of: replacement, dialect, pattern)
    var result = ""
    var start = 0
    var matches = Pattern.Matches(pattern, text, budget: &allowance.patternSteps)
    while let match = matches.next(budget: &allowance.patternSteps) {
      result += text.string(start..<match.whole.lowerBound)
      for part in parts {
        switch part {
        case .text(let text): result += text
        case .group(let number): if let range = match.ranges[number] { result += text.string(range) }
        }
      }
      start = match.whole.upperBound
      try allowance.charge(bytes: result.utf8.count)
    }
    try allowance.checkPatterns()
    return result + text.string(start..<text.scalars.count)
  }

  private enum Part {
    case text(String)
    case group(Int)
  }

  /// What a replacement is made of. A group that there is not stands for nothing.
  private static func parts(of replacement: String, _ dialect: Dialect, _ pattern: Pattern) -> [Part] {
    var parts: [Part] = []
    var text = String.UnicodeScalarView()
    var rest = replacement.unicodeScalars[...]
    func digit(_ scalar: Unicode.Scalar?) -> Int? {
      scalar.flatMap { $0.isASCII ? $0.properties.numericValue : nil }.map(Int.init)
    }
    func add(_ number: Int) {
      parts.append(.text(String(text)))
      text = String.UnicodeScalarView()
      if number <= pattern.groupCount { parts.append(.group(number)) }
    }
    while let scalar = rest.popFirst() {
      if scalar == "$", let first = digit(rest.first) {
        rest.removeFirst()
        var number = first
        // More digits count as long as there is such a group.
        while let next = digit(rest.first), number * 10 + next <= pattern.groupCount {
          number = number * 10 + next
          rest.removeFirst()
        }
        add(number)
      } else if scalar == "$", rest.first == "{", let end = rest.firstIndex(of: "}"),
        let number = pattern.groupNames[String(rest[rest.index(after: rest.startIndex)..<end])]
      {
        rest = rest[rest.index(after: end)...]
        add(number)
      } else if scalar == "\\", let next = rest.popFirst() {
        if dialect == .sed, let number = digit(next) {
          add(number)
        } else {
          text.append(dialect == .sed && next == "n" ? "\n" : dialect == .sed && next == "t" ? "\t" : next)
        }
      } else if scalar != "\\" {
        text.append(scalar)
      }
    }
    parts.append(.text(String(text)))
    return parts
  }
}
