/// A pattern of the grammar, compiled from the notation in which errors and the manual show it.
///
/// | written | matches |
/// |---|---|
/// | `save|store` | one of the words |
/// | `,` | the mark |
/// | `(…)?` | what is in it, or nothing |
/// | `(…)*` | what is in it, any number of times |
/// | `… | …` | one of the two |
/// | `TOPIC` | a name or a text (`DraftSlot`), or one of the patterns of that name (`DraftGroup`) |
indirect enum DraftPattern: Sendable {
  case words([String])
  case mark(Character)
  case slot(DraftSlot)
  case group(DraftGroup)
  case sequence([DraftPattern])
  case choice([DraftPattern])
  case optional(DraftPattern)
  case repeated(DraftPattern)

  /// Why a text is no pattern.
  struct Problem: Error, CustomStringConvertible {
    var description: String
  }

  init(_ notation: String) throws(Problem) {
    var reader = Reader(rest: notation[...])
    self = try reader.choice()
    guard reader.rest.isEmpty else { throw Problem(description: "'\(reader.rest)' is left over in '\(notation)'") }
  }

  /// All words in it, for finding the patterns that are nearest to a sentence.
  var vocabulary: Set<String> {
    switch self {
    case .words(let words): Set(words)
    case .mark, .slot, .group: []
    case .sequence(let parts), .choice(let parts): parts.reduce(into: []) { $0.formUnion($1.vocabulary) }
    case .optional(let part), .repeated(let part): part.vocabulary
    }
  }

  private struct Reader {
    var rest: Substring

    mutating func choice() throws(Problem) -> DraftPattern {
      var choices = [try sequence()]
      while rest.hasPrefix("| ") {
        rest.removeFirst()
        choices.append(try sequence())
      }
      return choices.count == 1 ? choices[0] : .choice(choices)
    }

    private mutating func sequence() throws(Problem) -> DraftPattern {
      var parts: [DraftPattern] = []
      while true {
        rest = rest.drop { $0 == " " }
        if rest.isEmpty || rest.hasPrefix(")") || rest.hasPrefix("| ") { break }
        parts.append(try item())
      }
      guard !parts.isEmpty else { throw Problem(description: "an empty pattern before '\(rest)'") }
      return parts.count == 1 ? parts[0] : .sequence(parts)
    }

    private mutating func item() throws(Problem) -> DraftPattern {
      let atom = try atom()
      if rest.hasPrefix("?") {
        rest.removeFirst()
        return .optional(atom)
      }
      if rest.hasPrefix("*") {
        rest.removeFirst()
        return .repeated(atom)
      }
      return atom
    }

    private mutating func atom() throws(Problem) -> DraftPattern {
      guard let first = rest.first else { throw Problem(description: "the pattern ends too early") }
      if first == "(" {
        rest.removeFirst()
        let inner = try choice()
        guard rest.hasPrefix(")") else { throw Problem(description: "')' is missing before '\(rest)'") }
        rest.removeFirst()
        return inner
      }
      if first == "," || first == ":" {
        rest.removeFirst()
        return .mark(first)
      }
      let name = rest.prefix { $0.isLetter || $0 == "|" || $0 == "'" }
      guard !name.isEmpty else { throw Problem(description: "no word begins at '\(rest)'") }
      rest = rest.dropFirst(name.count)
      if first.isUppercase {
        if let slot = DraftSlot(rawValue: String(name)) { return .slot(slot) }
        if let group = DraftGroup(rawValue: String(name)) { return .group(group) }
        throw Problem(description: "there is no '\(name)'")
      }
      let words = name.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
      guard words.allSatisfy({ !$0.isEmpty && $0 == $0.lowercased() }) else {
        throw Problem(description: "'\(name)' is no word")
      }
      return .words(words)
    }
  }
}
