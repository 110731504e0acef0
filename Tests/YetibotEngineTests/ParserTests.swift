import Testing

@testable import YetibotEngine

@Suite struct ParserTests {
  let parser = ExpressionParser()

  func json(_ text: String) throws -> String { JSONText.print(try parser.parse(text).tree) }

  @Test func pipesSpacesAndBars() throws {
    #expect(
      try json("a  | grep x|y")
        == #"["expr", ["cmd", ["words", "a", ["space", " "]]], ["cmd", ["words", "grep", ["space", " "], "x", "|", "y"]]]"#
    )
    for bad in ["foo |bar", "foo| bar", "|foo", "foo |", "foo | ", "a | | b", "a || b", "", "  ", "a|$(b)", "\"a\"|b"] {
      #expect(throws: ParseFailure.self, "\(bad)") { try parser.parse(bad) }
    }
  }

  @Test func quotesProtect() throws {
    #expect(try parser.parse("echo \"a | b\"").commands.count == 1)
    #expect(try parser.parse("foo \"lol | foo").commands.count == 2)
    #expect(try parser.parse("x='a | b'").commands.count == 2)
    #expect(try parser.parse("echo it's fine 'a | b'").commands.count == 1)
  }

  @Test func subExpressions() throws {
    #expect(try parser.parse("echo $(clj (+ 1 1))").unparsed == "echo $(clj (+ 1 1))")
    #expect(
      try json("$(a(b))")
        == #"["expr", ["cmd", ["words", ["sub-expr", ["expr", ["cmd", ["words", "a", "(", "b"]]]], ")"]]]"#)
    let balanced = ExpressionParser(closing: .balanced)
    #expect(
      JSONText.print(try balanced.parse("$(a(b))").tree)
        == #"["expr", ["cmd", ["words", ["sub-expr", ["expr", ["cmd", ["words", "a", "(", "b", ")"]]]]]]]"#)
    #expect(try balanced.parse("$(a(b)").unparsed == "$(a(b)")
  }

  @Test func aBadChoiceIsUndone() throws {
    #expect(
      try json("$(echo \"a) \"b")
        == #"["expr", ["cmd", ["words", ["sub-expr", ["expr", ["cmd", ["words", "echo", ["space", " "], "\"", "a"]]]], ["space", " "], "\"", "b"]]]"#
    )
  }

  @Test func aFailureSaysWhere() throws {
    do {
      _ = try parser.parse("echo a |b")
      Issue.record("was read")
    } catch {
      #expect(error.column == 8)
      #expect(error.description.contains("echo a |b\n       ^"))
    }
  }

  /// Texts of many marks, where a search without memory would take for ever.
  @Test(.timeLimit(.minutes(1))) func manyMarksDoNotTakeLong() {
    for unit in ["\"a", "'a ", "`a ", "`$(a)", "$(a\"", "`a`\"'"] {
      let text = String(repeating: unit, count: 1500)
      for closing in [ExpressionParser.Closing.first, .balanced] {
        _ = try? ExpressionParser(closing: closing).parse(text)
        _ = try? ExpressionParser(closing: closing).parse(text + "|")
      }
    }
  }

  @Test func unparsedReadsTheSame() throws {
    let expression = try parser.parse("foo | echo $(echo `foo`)")
    #expect(expression.unparsed == "foo | echo $(echo $(foo))")
    #expect(try parser.parse(expression.unparsed) == expression)
  }
}
