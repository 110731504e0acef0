/// Values as they are printed, without what differs between EDN and JSON: `({:id 2, :name "two"})` and `[{"id": 2, "name": "two"}]` say
/// the same. So a case that records EDN is a test of what is printed, not of how.
enum PrintedText {
  /// The words, texts and brackets of a printed value, in order.
  static func tokens(_ text: String) -> [String] {
    var tokens: [String] = []
    var word = ""
    func end() {
      let bare = word.hasPrefix(":") ? String(word.dropFirst()) : word.hasSuffix(":") ? String(word.dropLast()) : word
      if !bare.isEmpty { tokens.append(bare == "nil" ? "null" : bare) }
      word = ""
    }
    var characters = Array(text)[...]
    while let character = characters.popFirst() {
      switch character {
      case "\"":
        end()
        var inside = ""
        while let next = characters.popFirst(), next != "\"" {
          inside.append(next)
          if next == "\\", let escaped = characters.popFirst() { inside.append(escaped) }
        }
        tokens.append(inside)
      case "(", "[", "{", ")", "]", "}":
        end()
        tokens.append(character == "(" ? "[" : character == ")" ? "]" : String(character))
      case ",": end()
      case _ where character.isWhitespace: end()
      default: word.append(character)
      }
    }
    end()
    return tokens
  }

  static func sayTheSame(_ text: String, _ other: String) -> Bool { tokens(text) == tokens(other) }
}
