import Testing

@testable import YetibotEngine

@Suite struct PatternTests {
  func groups(_ pattern: String, _ text: String) throws -> [String?]? { try Pattern(pattern).groups(in: text) }

  @Test func syntax() throws {
    #expect(try groups("a(b|c)*d", "xabcbd") == ["abcbd", "b"])
    #expect(try groups("(a+?)(a*)", "aaa") == ["aaa", "a", "aa"])
    #expect(try groups(#"^(\d{2,3})-(\w+)$"#, "123-ab") == ["123-ab", "123", "ab"])
    #expect(try groups("(?i)ÄB", "äb") == ["äb"])
    #expect(try groups(#"[^\s,]+"#, " ,x-y ") == ["x-y"])
    #expect(try groups("a|ab", "ab") == ["a"])
    #expect(try groups(".", "\n") == nil)
    #expect(try groups("(?s).", "\n") == ["\n"])
    #expect(try groups(#"\bfoo\b"#, "a foo.") == ["foo"])
    #expect(try groups("(x)?y", "y") == ["y", nil])
    #expect(try groups("a$", "a\n") == ["a"])
    #expect(try groups("[]a]+", "]a") == ["]a"])
    #expect(try groups("x{2}", "xxx") == ["xx"])
  }

  @Test func whatIsNoPatternSaysWhy() {
    for bad in ["(", ")", "[", "*a", #"\"#, #"(a)\1"#, "(?=a)", "a{300}", "[z-a]", String(repeating: "a", count: 2000)]
    {
      #expect(throws: Pattern.Failure.self, "\(bad)") { try Pattern(bad) }
    }
  }

  /// Patterns that take a backtracking matcher for ever.
  @Test(.timeLimit(.minutes(20))) func timeIsLinear() throws {
    let text = String(repeating: "a", count: 3000)
    for source in ["(a*)*b", "(a|a)*b", "(a+)+$b", "a?a?a?a?a?a?a?a?a?a?aaaaaaaaaab", "(.*)(.*)(.*)(.*)c"] {
      #expect(!(try Pattern(source).occurs(in: text)))
    }
  }

  @Test func aSearchIsBounded() throws {
    let bot = TestBot()
    let text = String(repeating: "a", count: 4000)
    #expect(throws: Raised.self) {
      try bot.value("echo \(text) | split " + String(repeating: "(a*)*", count: 60) + "b")
    }
  }
}
