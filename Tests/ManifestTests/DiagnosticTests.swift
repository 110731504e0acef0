import Testing

@testable import BotHost

@Suite struct DiagnosticTests {
  @Test func oneLine() {
    let place = SourceLocation(file: "a.yaml", line: 3, column: 5)
    #expect(
      Diagnostic(.error, "no", at: place, hint: "yes").description == "a.yaml:3:5: error: no (yes)")
    #expect(Diagnostic(.warning, "hm", at: nil).description == "warning: hm")
  }

  @Test("a file's name neither begins another line nor steers a terminal")
  func oneLineWhateverTheName() {
    let place = SourceLocation(file: "a\n\u{1b}[31mb\u{9b}é.yaml")
    #expect(Diagnostic(.error, "no", at: place).description == #"a\n\u{1B}[31mb\u{009B}é.yaml:1:1: error: no"#)
  }

  @Test func caret() {
    let source = SourceText(name: "a.yaml", "first\n  key: välue\n")
    let place = SourceLocation(file: "a.yaml", line: 2, column: 8, length: 5)
    #expect(
      Diagnostic(.error, "bad", at: place).rendered(source: source)
        == "a.yaml:2:8: error: bad\n 2 |   key: välue\n   |        ^~~~~")
  }

  @Test func caretInALongLineAndWithControlCharacters() {
    let source = SourceText(name: "a.yaml", String(repeating: "x", count: 1_000) + "\tY")
    let place = SourceLocation(file: "a.yaml", line: 1, column: 1_002, length: 50)
    let lines = Diagnostic(.error, "bad", at: place).rendered(source: source).split(separator: "\n")
    #expect(lines.count == 3)
    #expect(lines.allSatisfy { $0.count < 200 })
    #expect(lines[1].last == "Y")
    #expect(lines[2].count == lines[1].count)
  }

  @Test func aSecretsLineIsNotShown() {
    let source = SourceText(name: "a.yaml", "token: hunter2")
    let place = SourceLocation(file: "a.yaml", line: 1, column: 8)
    let text = Diagnostic(.error, "bad", at: place, hidesSource: true).rendered(source: source)
    #expect(!text.contains("hunter2"))
  }

  @Test func sortedAndBounded() {
    var diagnostics = Diagnostics()
    for line in stride(from: 500, to: 0, by: -1) {
      diagnostics.error("e", at: SourceLocation(file: "a", line: line))
    }
    #expect(diagnostics.all.count == Diagnostics.limit)
    #expect(diagnostics.errorCount == 500)
    #expect(diagnostics.dropped == 300)
    let lines = diagnostics.sorted().compactMap(\.location?.line)
    #expect(lines == lines.sorted())
    #expect(diagnostics.rendered(sources: []).hasSuffix("and 300 more\n"))
  }

  @Test(arguments: [
    ("handelrs", "handlers"), ("retyr", "retry"), ("Topic", "topic"), ("max_backof", "max_backoff"),
    ("inflight", "in_flight"),
    ("isol", "isolation"),
  ])
  func suggestions(typo: String, right: String) {
    let words = ["handlers", "retry", "topic", "max_backoff", "in_flight", "isolation", "key"]
    #expect(Suggestion.nearest(to: typo, in: words) == [right])
  }

  @Test func noSuggestionFromFarAway() {
    #expect(Suggestion.nearest(to: "colour", in: ["topic", "retry", "key"]).isEmpty)
    #expect(Suggestion.nearest(to: "", in: ["a"]).isEmpty)
    #expect(Suggestion.hint(for: "colour", in: ["b", "a"]) == "expected a or b")
    #expect(Suggestion.hint(for: "colour", in: ["b", "b"]) == "expected b")
  }

  @Test func allThatAreEquallyNearAreSuggested() {
    let commands = ["start", "stop", "swap", "ps", "stop"]
    #expect(Suggestion.nearest(to: "swop", in: commands) == ["stop", "swap"])
    #expect(Suggestion.hint(for: "swop", in: commands) == "did you mean 'stop' or 'swap'?")
    #expect(Suggestion.question(about: "swapp", in: commands) == "did you mean 'swap'?")
    let many = Suggestion.question(about: "key", in: "abcdefgh".map { "ke\($0)" })
    #expect(many == "did you mean 'kea', 'keb', 'kec', 'ked' or 'kee'?")
    #expect(Suggestion.question(about: "colour", in: commands) == nil)
  }

  /// The distance is a metric on what people type.
  @Test func distanceProperties() {
    var generator = SeededGenerator(state: 3)
    func word() -> [Unicode.Scalar] {
      (0..<Int.random(in: 0...6, using: &generator)).compactMap { _ in
        "abc".unicodeScalars.randomElement(using: &generator)
      }
    }
    for _ in 0..<2_000 {
      let (a, b) = (word(), word())
      let distance = Suggestion.distance(a, b)
      #expect(distance == Suggestion.distance(b, a))
      #expect((distance == 0) == (a == b))
      #expect(distance <= max(a.count, b.count) && distance >= abs(a.count - b.count))
    }
    #expect(Suggestion.distance(Array("ab".unicodeScalars), Array("ba".unicodeScalars)) == 1)
  }
}
