/// What a sentence says of the text of an event.
extension DraftPlanner {
  /// A test of a text as the bot's files have it; nil, with a diagnostic, when it cannot be.
  mutating func check(_ test: DraftTest) -> DraftPlan.Check? {
    let texts = test.texts.map(\.text)
    for text in test.texts where text.text.isEmpty {
      diagnostics.error("the text to look for is empty", at: text.location)
      return nil
    }
    let pattern: String
    switch test.kind {
    case .equals: return texts.count == 1 ? .equals(texts[0]) : .oneOf(texts)
    case .contains: pattern = Self.either(texts.map(Self.escaped))
    case .startsWith: pattern = "^" + Self.either(texts.map(Self.escaped))
    case .endsWith: pattern = Self.either(texts.map(Self.escaped)) + "$"
    case .matches:
      var isWhole = true
      for text in test.texts {
        do throws(TextPattern.Problem) { _ = try TextPattern(text.text) } catch {
          diagnostics.error(
            "\"\(text.text)\" is no expression: \(error.message)", at: text.location,
            hint: "POSIX extended regular expressions")
          isWhole = false
        }
      }
      guard isWhole else { return nil }
      pattern = Self.either(texts)
    }
    // Many long texts make one expression.
    do throws(TextPattern.Problem) {
      _ = try TextPattern(pattern)
      return .matches(pattern)
    } catch {
      diagnostics.error(
        "these texts cannot be looked for together: \(error.message)", at: test.texts.first?.location,
        hint: "write a sentence for each")
      return nil
    }
  }

  private static func either(_ patterns: [String]) -> String {
    patterns.count == 1 ? patterns[0] : "(" + patterns.joined(separator: "|") + ")"
  }

  /// The text as a POSIX extended regular expression that matches it alone (POSIX.1-2017, XBD 9.4.3).
  static func escaped(_ text: String) -> String {
    text.reduce(into: "") { result, character in
      if "\\.[]{}()*+?|^$".contains(character) { result.append("\\") }
      result.append(character)
    }
  }
}
