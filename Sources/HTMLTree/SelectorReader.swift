/// Reads a selector's text.
struct SelectorReader {
  private let characters: [Character]
  private var place = 0

  init(_ text: String) { characters = Array(text) }

  private var next: Character? { place < characters.count ? characters[place] : nil }

  private func failure(_ expected: String) -> Selector.Failure {
    Selector.Failure(description: "the selector cannot be read at character \(place + 1): \(expected) is expected")
  }

  private mutating func take(_ character: Character) -> Bool {
    guard next == character else { return false }
    place += 1
    return true
  }

  /// Answers whether there was any white space.
  @discardableResult
  private mutating func skipSpace() -> Bool {
    let start = place
    while let character = next, character.isWhitespace { place += 1 }
    return place > start
  }

  mutating func chains() throws(Selector.Failure) -> [Selector.Chain] {
    var chains: [Selector.Chain] = []
    repeat { chains.append(try chain()) } while take(",")
    guard next == nil else { throw failure("a selector") }
    return chains
  }

  private mutating func chain() throws(Selector.Failure) -> Selector.Chain {
    skipSpace()
    var parts: [(combinator: Selector.Combinator, tests: [Selector.Test])] = [(.descendant, try compound())]
    while true {
      let hasSpace = skipSpace()
      let combinator: Selector.Combinator
      if take(">") {
        combinator = .child
      } else if take("+") {
        combinator = .next
      } else if take("~") {
        combinator = .later
      } else if hasSpace, let character = next, character != "," {
        combinator = .descendant
      } else {
        break
      }
      skipSpace()
      parts.append((combinator, try compound()))
    }
    // Each combinator belongs to the part on its left once they are read from the right.
    var before: [(combinator: Selector.Combinator, tests: [Selector.Test])] = []
    for index in parts.indices.dropFirst().reversed() {
      before.append((parts[index].combinator, parts[index - 1].tests))
    }
    return Selector.Chain(tests: parts[parts.count - 1].tests, before: before)
  }

  private mutating func compound(isInNot: Bool = false) throws(Selector.Failure) -> [Selector.Test] {
    var tests: [Selector.Test] = []
    var isEmpty = true
    if take("*") {
      isEmpty = false
    } else if let character = next, Self.isName(character) {
      tests.append(.tag(try name().lowercased()))
      isEmpty = false
    }
    while let character = next {
      switch character {
      case "#":
        place += 1
        tests.append(.attribute("id", .equals, try name()))
      case ".":
        place += 1
        tests.append(.attribute("class", .word, try name()))
      case "[":
        place += 1
        tests.append(try attribute())
      case ":":
        place += 1
        tests += try pseudo(isInNot: isInNot)
      default:
        if isEmpty { throw failure("a tag, #id, .class, [attribute] or :first-child") }
        return tests
      }
      isEmpty = false
    }
    if isEmpty { throw failure("a tag, #id, .class, [attribute] or :first-child") }
    return tests
  }

  private static func isName(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || character == "-" || character == "_"
  }

  private mutating func name() throws(Selector.Failure) -> String {
    var name = ""
    while let character = next {
      if Self.isName(character) {
        name.append(character)
      } else if character == "\\", place + 1 < characters.count {
        place += 1
        name.append(characters[place])
      } else {
        break
      }
      place += 1
    }
    guard !name.isEmpty else { throw failure("a name") }
    return name
  }

  private mutating func attribute() throws(Selector.Failure) -> Selector.Test {
    skipSpace()
    let name = try name().lowercased()
    skipSpace()
    if take("]") { return .attribute(name, .exists, "") }
    let marks: [(Character, Selector.Comparison)] = [
      ("~", .word), ("|", .dash), ("^", .begins), ("$", .ends), ("*", .contains),
    ]
    var comparison = Selector.Comparison.equals
    for (mark, meaning) in marks where take(mark) { comparison = meaning }
    guard take("=") else { throw failure("= or ]") }
    skipSpace()
    let value: String
    if let quote = next, quote == "\"" || quote == "'" {
      place += 1
      let start = place
      while let character = next, character != quote { place += 1 }
      value = String(characters[start..<place])
      guard take(quote) else { throw failure("\(quote)") }
    } else {
      value = try self.name()
    }
    skipSpace()
    guard take("]") else { throw failure("]") }
    return .attribute(name, comparison, value)
  }

  private mutating func pseudo(isInNot: Bool) throws(Selector.Failure) -> [Selector.Test] {
    let start = place
    switch try name().lowercased() {
    case "first-child": return [.firstChild]
    case "last-child": return [.lastChild]
    case "only-child": return [.firstChild, .lastChild]
    case "empty": return [.empty]
    case "nth-child":
      guard take("(") else { throw failure("(") }
      let test = try nth()
      guard take(")") else { throw failure(")") }
      return [test]
    case "not" where !isInNot:
      guard take("(") else { throw failure("(") }
      skipSpace()
      let tests = try compound(isInNot: true)
      skipSpace()
      guard take(")") else { throw failure(")") }
      return [.not(tests)]
    default:
      place = start
      throw failure("first-child, last-child, only-child, nth-child(…), empty or not(…)")
    }
  }

  /// `odd`, `even`, `3`, `2n`, `-n+3`, `2n + 1`.
  private mutating func nth() throws(Selector.Failure) -> Selector.Test {
    var text = ""
    while let character = next, character != ")" {
      if !character.isWhitespace { text.append(character) }
      place += 1
    }
    text = text.lowercased()
    if text == "odd" { return .nth(every: 2, from: 1) }
    if text == "even" { return .nth(every: 2, from: 0) }
    guard let letter = text.firstIndex(of: "n") else {
      guard let number = Int(text), abs(number) < 1_000_000 else { throw failure("odd, even, 3 or 2n+1") }
      return .nth(every: 0, from: number)
    }
    let before = text[..<letter]
    let after = text[text.index(after: letter)...]
    let every = before.isEmpty || before == "+" ? 1 : before == "-" ? -1 : Int(before)
    let from = after.isEmpty ? 0 : Int(after)
    guard let every, let from, abs(every) < 1_000_000, abs(from) < 1_000_000 else {
      throw failure("odd, even, 3 or 2n+1")
    }
    return .nth(every: every, from: from)
  }
}
