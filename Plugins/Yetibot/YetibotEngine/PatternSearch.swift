/// Searches that are charged to the message's allowance.
enum PatternSearch {
  /// The pieces between matches, without the empty ones at the end. A text without a match is one piece.
  static func split(_ string: String, by pattern: Pattern, _ allowance: Allowance) throws -> [String] {
    let text = PatternText(string)
    var pieces: [String] = []
    var start = 0
    var from = 0
    while from <= text.scalars.count,
      let match = pattern.firstMatch(in: text, from: from, budget: &allowance.patternSteps)
    {
      let range = match.whole
      from = max(range.upperBound, from + 1)
      if range.isEmpty {
        guard range.lowerBound < text.scalars.count else { break }
        from = range.lowerBound + 1
        if range.lowerBound == 0 { continue }
      }
      // A match of nothing but the start gives no empty piece.
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

  /// All matches replaced; `$1` in the replacement stands for a group, `\` takes away the meaning of what follows.
  static func replace(
    _ pattern: Pattern, in string: String, by replacement: String, _ allowance: Allowance
  ) throws -> String {
    let text = PatternText(string)
    var result = ""
    var start = 0
    var from = 0
    while from <= text.scalars.count,
      let match = pattern.firstMatch(in: text, from: from, budget: &allowance.patternSteps)
    {
      let range = match.whole
      result += text.string(start..<range.lowerBound)
      result += expand(replacement, match, text)
      start = range.upperBound
      from = range.isEmpty ? range.upperBound + 1 : range.upperBound
      try allowance.charge(bytes: result.utf8.count)
    }
    try allowance.checkPatterns()
    return result + text.string(start..<text.scalars.count)
  }

  private static func expand(_ replacement: String, _ match: PatternMatch, _ text: PatternText) -> String {
    var result = ""
    var isEscaped = false
    var isGroup = false
    for character in replacement {
      if isGroup {
        isGroup = false
        if character.isASCII, let number = character.wholeNumberValue {
          if match.ranges.indices.contains(number), let range = match.ranges[number] { result += text.string(range) }
          continue
        }
        result.append("$")
      }
      if isEscaped {
        result.append(character)
        isEscaped = false
      } else if character == "\\" {
        isEscaped = true
      } else if character == "$" {
        isGroup = true
      } else {
        result.append(character)
      }
    }
    if isGroup { result.append("$") }
    return result
  }
}
