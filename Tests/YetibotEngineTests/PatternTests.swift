import Testing

@testable import YetibotEngine

@Suite struct PatternTests {
  func groups(_ pattern: String, _ text: String) throws -> [String?]? { try Pattern(pattern).groups(in: text) }

  @Test func syntax() throws {
    #expect(try groups("a(b|c)*d", "xabcbd") == ["abcbd", "b"])
    #expect(try groups("(a+?)(a*)", "aaa") == ["aaa", "a", "aa"])
    #expect(try groups(#"^(\d{2,3})-(\w+)$"#, "123-ab") == ["123-ab", "123", "ab"])
    #expect(try groups("(?i)ÄB", "äb") == nil)
    #expect(try groups("(?iu)ÄB", "äb") == ["äb"])
    #expect(try groups("(?i)ÄB", "Äb") == ["Äb"])
    #expect(try groups(#"[^\s,]+"#, " ,x-y ") == ["x-y"])
    #expect(try groups("a|ab", "ab") == ["a"])
    #expect(try groups(".", "\n") == nil)
    #expect(try groups("(?s).", "\n") == ["\n"])
    #expect(try groups(#"\bfoo\b"#, "a foo.") == ["foo"])
    #expect(try groups("(x)?y", "y") == ["y", nil])
    #expect(try groups("a$", "a\n") == ["a"])
    #expect(try groups("[]a]+", "]a") == ["]a"])
    #expect(try groups("x{2}", "xxx") == ["xx"])
    // A round of nothing ends a repeat.
    #expect(try groups("(?:|a)+", "aaa") == [""])
    #expect(try groups("(?:|a)*", "aaa") == [""])
    #expect(try groups("(?:a|)+", "aaa") == ["aaa"])
    #expect(try groups("(?:a*)*b", "aab") == ["aab"])
    #expect(try groups("(?:a?){2,}c", "aac") == ["aac"])
  }

  @Test func whatIsNoPatternSaysWhy() {
    for bad in [
      "(", ")", "[", "*a", #"\"#, #"(a)\1"#, "(?=(?>a))", "(?<!a++)", "a{300}", "a{2", "{", "a{,3}", "a{x}", "a**",
      "a{2}{3}", "[z-a]", "[[:alpha:]]", "[a&&", #"\p{Nope}"#,
      #"\x{110000}"#, #"\08"#, "(?<a>x)(?<a>y)",
      "(?=a", String(repeating: "(?=a)", count: 17), String(repeating: "a", count: 2000),
    ] {
      #expect(throws: Pattern.Failure.self, "\(bad)") { try Pattern(bad) }
    }
  }

  @Test func classesAreJavas() throws {
    #expect(try groups("[a-f&&[^c]&&[^e]]+", "abcdef") == ["ab"])
    #expect(try groups("[^a-f&&[^c]]+", "abcdef") == ["c"])
    #expect(try groups("[a[x-z]1]+", "bzx1a") == ["zx1a"])
    #expect(try groups(#"[\p{L}&&[^\p{Lu}]]+"#, "ÀéB") == ["é"])
    #expect(try groups(#"\p{Lu}\p{Punct}\P{L}\pN"#, "aÉ!-7") == ["É!-7"])
    #expect(try groups(#"(?i)\p{Lower}+"#, "aB1") == ["aB"])
    #expect(try groups(#"[\w&&[^\d_]]+"#, "12ab_") == ["ab"])
    #expect(try groups(#"[\b]"#, "\u{08}") == ["\u{08}"])
    #expect(try groups(#"\Qa.b*\E+"#, "a.b**") == ["a.b**"])
    #expect(try groups(#"\Q\d"#, #"1\d"#) == [#"\d"#])
    #expect(try groups(#"a\Rb\hc\0101\x{42}\cA\a"#, "a\r\nb\u{3000}cAB\u{01}\u{07}") != nil)
  }

  @Test func looksAreNoPartOfTheMatch() throws {
    #expect(try groups("(?<=b)(a)(?=c)", "aacbac") == ["a", "a"])
    #expect(try groups("^(?!foo)\\w+", "food") == nil)
    #expect(try groups("^(?!foo)\\w+", "fod") == ["fod"])
    #expect(try groups("(?<!ab|c)d", "abdcdd") == ["d"])
    #expect(try groups("x(?=.*y(?!z))", "xyz y") == ["x"])
    #expect(try groups("x(?=.*y(?!z))", "xyz") == nil)
    #expect(try groups("^(?=.*\\d)(?=.*[a-z]).{4,}$", "abc1") == ["abc1"])
    #expect(try groups("(?=(a))a", "a") == ["a", nil])
    #expect(try TestBot().value("echo aBcD | split (?=[A-Z])") == ["a", "Bc", "D"])
    #expect(try TestBot().value("echo 1234567 | replace \\B(?=(?:\\d{3})+$) , %s") == "1,234,567")
  }

  /// Java's `(?>…)` and possessive repeats: what they have taken is not given back.
  @Test func whatIsNotTriedAgainIsKept() throws {
    #expect(try groups("a++a", "aaaa") == nil)
    #expect(try groups("a+a", "aaaa") == ["aaaa"])
    #expect(try groups("(?>a|ab)c", "abc") == nil)
    #expect(try groups("(?>ab|a)c", "xabc") == ["abc"])
    #expect(try groups("(?>a|ab)(c|bc)", "abc") == ["abc", "bc"])
    #expect(try groups(#"^"[^"]*+"$"#, #""a b""#) == [#""a b""#])
    #expect(try groups(#"\w*+:"#, "ab ab:") == ["ab:"])
    #expect(try groups("(?>(?>a*+b|a)c|ab)d", "aabd") == ["abd"])
    #expect(try groups("x?+(?>)y", "xy") == ["xy"])
    #expect(try groups("(?>a*)(?>b*)$", "caabb") == ["aabb"])
    #expect(try groups("(?>(?=ab).)(.)", "xab") == ["ab", "b"])
    #expect(try groups("(?:(?>ab?)c?)+", "abcaab") == ["abcaab"])
    #expect(try groups("(?>(a))b", "ab") == ["ab", nil])
    #expect(try TestBot().value("echo aab | sed s/a++/x/") == "xb")
  }

  @Test func lettersBeyondASCIIHaveNoCaseUnlessAsked() throws {
    let bot = TestBot()
    #expect(try bot.value("list É é e E | grep é") == ["é"])
    #expect(try bot.value("list É é e E | grep e") == ["e", "E"])
    #expect(try bot.value("list É é e E | grep (?u)é") == ["É", "é"])
  }

  @Test func programsOfSedHaveOtherBorders() throws {
    let bot = TestBot()
    #expect(try bot.value("echo a/b | sed s#/#-#") == "a-b")
    #expect(try bot.value("echo a/b | sed s|/|-") == "a-b")
    #expect(try bot.value("echo a/b | sed s|/|-\\|") == "a-b")
    #expect(try bot.value("echo a/b | sed 's|/|-|'") == "a-b")
    #expect(try bot.value("echo a b c | sed \"s/b c/x y/\"") == "a x y")
    #expect(try bot.value("echo a,b | sed s,\\,,;,") == "a;b")
    #expect(try bot.value("echo Ab | sed s@a@x@I") == "xb")
    #expect(try bot.error("echo a | sed s@a@x@q")?.contains("flags") == true)
    #expect(try bot.error("echo a | sed s@a")?.contains("is expected") == true)
  }

  @Test func groupsStandInReplacements() throws {
    let bot = TestBot()
    #expect(try bot.value(#"echo john smith | sed s/(\w+) (\w+)/\2, \1/"#) == "smith, john")
    #expect(try bot.value(#"echo a,b | sed s/,/\n/"#) == "a\nb")
    #expect(try bot.value("echo x1 | sed s/(?<n>.)(.)/${n}$2$1$9$10/") == "x1xx0")
    #expect(try bot.value(#"echo a/b | sed s/\//$\$/"#) == "a$$b")
    #expect(try TestBot(.original).value(#"echo ab | sed s/(a)/\1\n"#) == "1nb")
  }

  /// Patterns that take a backtracking matcher for ever.
  @Test(.timeLimit(.minutes(20))) func timeIsLinear() throws {
    let text = String(repeating: "a", count: 3000)
    for source in [
      "(a*)*b", "(a|a)*b", "(a+)+$b", "a?a?a?a?a?a?a?a?a?a?aaaaaaaaaab", "(.*)(.*)(.*)(.*)c", "(?=.*.*b)a",
      "(?<=b.*.*)a", "(?>a*)b", "(?:(?>a|aa))*+b", "(?>(?>a*+)a?)+b",
    ] {
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
