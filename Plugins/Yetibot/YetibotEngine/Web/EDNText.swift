/// Reads what the original prints and is configured with (EDN): keywords and symbols become texts, sets and vectors lists.
public enum EDNText {
  /// Reads a whole text.
  ///
  /// - Throws: ``Raised``, with the character at which it went wrong.
  public static func parse(_ text: String) throws(Raised) -> Value {
    var reader = Reader(characters: Array(text))
    let value = try reader.value(depth: 0)
    reader.skipSpace()
    if reader.next != nil { throw reader.failure("something follows the value") }
    return value
  }

  private struct Reader {
    let characters: [Character]
    var place = 0

    var next: Character? { place < characters.count ? characters[place] : nil }

    func failure(_ reason: String) -> Raised { Raised("not EDN at character \(place + 1): \(reason)") }

    /// Commas are white space, and `;` begins a comment.
    mutating func skipSpace() {
      while let character = next {
        if character == ";" {
          while let inside = next, !inside.isNewline { place += 1 }
        } else if character.isWhitespace || character == "," {
          place += 1
        } else {
          return
        }
      }
    }

    mutating func take(_ character: Character) -> Bool {
      skipSpace()
      guard next == character else { return false }
      place += 1
      return true
    }

    mutating func value(depth: Int) throws(Raised) -> Value {
      guard depth < 64 else { throw failure("more than 64 levels") }
      skipSpace()
      guard let character = next else { throw failure("a value was expected") }
      place += 1
      switch character {
      case "\"": return .string(try string())
      case "(": return .list(try items(until: ")", depth))
      case "[": return .list(try items(until: "]", depth))
      case "#" where next == "{":
        place += 1
        return .list(try items(until: "}", depth))
      case "{":
        let all = try items(until: "}", depth)
        guard all.count.isMultiple(of: 2) else { throw failure("a key has no value") }
        return .map(ValueMap(stride(from: 0, to: all.count, by: 2).map { (all[$0].text, all[$0 + 1]) }))
      case ")", "]", "}": throw failure("a value was expected")
      default:
        place -= 1
        return word()
      }
    }

    mutating func items(until end: Character, _ depth: Int) throws(Raised) -> [Value] {
      var items: [Value] = []
      while !take(end) {
        guard next != nil else { throw failure("\(end) was expected") }
        items.append(try value(depth: depth + 1))
      }
      return items
    }

    mutating func word() -> Value {
      let start = place
      while let character = next, !character.isWhitespace, !"\",;()[]{}".contains(character) { place += 1 }
      let word = String(characters[start..<place])
      switch word {
      case "nil": return .null
      case "true": return true
      case "false": return false
      default: return NumberText.parse(word) ?? .string(word.hasPrefix(":") ? String(word.dropFirst()) : word)
      }
    }

    mutating func string() throws(Raised) -> String {
      var text = ""
      while let character = next {
        place += 1
        if character == "\"" { return text }
        guard character == "\\" else {
          text.append(character)
          continue
        }
        guard let escape = next else { break }
        place += 1
        text.append(["n": "\n", "t": "\t", "r": "\r"][escape] ?? escape)
      }
      throw failure("the string does not end")
    }
  }
}
