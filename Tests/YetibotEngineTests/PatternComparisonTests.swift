import Foundation
import Testing

@testable import YetibotEngine

/// Random patterns and texts, beside the matcher of Foundation, which backtracks.
@Suite struct PatternComparisonTests {
  private static let count = ProcessInfo.processInfo.environment["BOTHOST_FULL"] == "1" ? 300_000 : 12_000

  /// Writes patterns that both know and understand alike.
  private struct Writer {
    var random: SplitMix64

    mutating func pick(_ texts: [String]) -> String { texts.randomElement(using: &random) ?? "" }

    mutating func pattern(_ depth: Int) -> String {
      let branches = Int.random(in: 0..<6, using: &random) == 0 ? 2 : 1
      return (0..<branches).map { _ in sequence(depth) }.joined(separator: "|")
    }

    private mutating func sequence(_ depth: Int) -> String {
      (0..<Int.random(in: 1...3, using: &random)).map { _ in quantified(depth) }.joined()
    }

    private mutating func quantified(_ depth: Int) -> String {
      let isZeroWide = Int.random(in: 0..<8, using: &random) == 0
      if isZeroWide {
        return pick([
          "^", "$", "\\b", "\\B", "\\A", "\\z", "(?=a)", "(?!b)", "(?<=a)", "(?<!b)", "(?=\\w+c)", "(?<=ab|c)",
        ])
      }
      let atom = self.atom(depth)
      // Matchers do not agree on what becomes of a round that matches nothing.
      var reader = PatternReader(source: atom, ignoringCase: false)
      if (try? reader.parse())?.isNullable ?? true { return atom }
      if Int.random(in: 0..<16, using: &random) == 0 { return atom + pick(["*+", "++", "?+", "{1,2}+"]) }
      return atom + pick(["", "", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,2}?", "{2,}"])
    }

    private mutating func atom(_ depth: Int) -> String {
      let isGroup = depth > 0 && Int.random(in: 0..<3, using: &random) == 0
      if isGroup { return pick(["(", "(?:", "(?i:", "(?>"]) + pattern(depth - 1) + ")" }
      return pick([
        "a", "b", "c", "a", "b", ".", "[ab]", "[^a]", "[a-c]", "[a-c&&[^b]]", "[a[c]]", "\\w", "\\d", "\\s", "\\W",
        "\\p{L}",
        "\\p{Lu}", "\\x61", "\\Qa\\E", "é", "\\h",
      ])
    }
  }

  @Test(.timeLimit(.minutes(20))) func whatIsFoundIsTheSame() throws {
    var writer = Writer(random: SplitMix64(seed: 31))
    var matched = 0
    for _ in 0..<Self.count {
      let source = writer.pattern(2)
      // To Java, and here, the letters of words are those of ASCII.
      let looksAtWords = ["\\w", "\\W", "\\b", "\\B"].contains { source.contains($0) }
      let text = (0..<Int.random(in: 0...8, using: &writer.random)).map { _ in
        writer.pick(["a", "b", "c", "A", " ", "1", looksAtWords ? "_" : "é", "ab", "-", "\n"])
      }.joined()
      let ours = try Pattern(source)
      let theirs = try NSRegularExpression(pattern: source)
      let expected = theirs.matches(in: text, range: NSRange(location: 0, length: (text as NSString).length))
      var budget = 1_000_000
      var matches = Pattern.Matches(ours, PatternText(text), budget: &budget)
      var found: [PatternMatch] = []
      while let match = matches.next(budget: &budget) { found.append(match) }
      #expect(budget > 0, "\(source) in \(text)")
      // Scalars and UTF-16 units are the same in these texts.
      #expect(
        found.map { NSRange(location: $0.whole.lowerBound, length: $0.whole.count) } == expected.map(\.range),
        "\(source) in \(text.debugDescription)")
      matched += found.count
      if let required = ours.requiredText {
        for match in found {
          #expect(PatternText(text).string(match.whole).utf8.contains(required.utf8), "\(source) needs \(required)")
        }
      }
    }
    #expect(matched > Self.count / 2, "\(matched) matches")
  }
}
