import Foundation
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

  /// Texts of many marks, where a search without memory would take for ever: twice the text takes about twice the steps, whether the
  /// text can be read or not, and never more than so many for each byte.
  @Test(
    arguments: [
      "\"a", "'a ", "\" ", "`a ", "`$(a)", "$(a\"", "`a`\"'", "$(", "$(a ", "`", "(", ")", "$(a))", "((a", "'\"", "\n",
      " ", "\\`",
      "a|", "a | ", "$(a(b)", "`a`b", "$(a (b) c) ", "{{a|b}} ", "it's 'a | b' ",
    ])
  func stepsAreLinear(unit: String) {
    let isFull = ProcessInfo.processInfo.environment["BOTHOST_FULL"] == "1"
    let size = isFull ? 25_000 : 2500
    for isOriginal in [true, false] {
      let parser = ExpressionParser(
        maximumLength: 200_000, closing: isOriginal ? .first : .balanced, dialect: isOriginal ? .original : .modern)
      for (start, end) in [("", ""), ("", "|"), ("$(a ", " `")] {
        func steps(_ bytes: Int) -> Int {
          var count = 0
          let text = start + String(repeating: unit, count: bytes / unit.utf8.count) + end
          _ = try? parser.parse(text, counting: &count)
          return count
        }
        let few = steps(size)
        let many = steps(2 * size)
        #expect(many <= few * 5 / 2 + 100, "\(start)\(unit)…\(end): \(few) steps, then \(many)")
        // The budget, and the step that finds it spent.
        #expect(many <= 20_000 + 40 * (2 * size + 10) + 1, "\(start)\(unit)…\(end)")
      }
    }
  }

  /// What people write, though long, is read in a few steps for each byte.
  @Test func ordinaryTextsTakeFewSteps() throws {
    let parser = ExpressionParser(maximumLength: 200_000, closing: .balanced, dialect: .modern)
    for unit in [
      "echo $(list a b | join ,) \"c | d\" | ", "it's (not) `so` bad, isn't it? ", "grep a|b 'c' {{x|y:\"z\"}} ",
    ] {
      for bytes in [10_000, 100_000] {
        var count = 0
        let text = String(repeating: unit, count: bytes / unit.utf8.count) + "end"
        _ = try parser.parse(text, counting: &count)
        #expect(count < 3 * bytes, "\(unit)")
      }
    }
  }

  @Test func aLongTextIsReadWhole() throws {
    let parser = ExpressionParser(maximumLength: 200_000, closing: .balanced, dialect: .modern)
    let nested = "$(echo " + String(repeating: "(", count: 500) + String(repeating: ")", count: 500) + ")"
    #expect(try parser.parse("echo \(nested) | x").commands.count == 2)
    let pipes = Array(repeating: "echo `a` \"b | c\"", count: 3000).joined(separator: " | ")
    #expect(try parser.parse(pipes).commands.count == 3000)
    #expect(try parser.parse(String(repeating: "it's ", count: 20_000)).commands.count == 1)
  }

  @Test func modernTextsHaveLinesAndEscapes() throws {
    let modern = ExpressionParser(closing: .balanced, dialect: .modern)
    #expect(
      try modern.parse("echo a\n  | echo b |\necho c").commands.map(\.unparsed) == [
        "echo a", " echo b".trimmed, "echo c",
      ])
    #expect(try modern.parse("echo a\nb").commands.count == 1)
    #expect(try modern.parse(#"echo a \| b"#).tree == modern.parse(#"echo a \| b"#).tree)
    for text in [#"echo a \| b"#, #"echo \`a\`"#, #"echo \$(a) b"#] {
      let expression = try modern.parse(text)
      #expect(expression.commands.count == 1)
      #expect(expression.unparsed == text)
      #expect(throws: ParseFailure.self) { try ExpressionParser().parse("echo a \\| b") }
    }
    let bot = TestBot()
    #expect(try bot.value(#"echo a \| b"#) == "a | b")
    #expect(try bot.value(#"echo \`x\` \$(y)"#) == "`x` $(y)")
    #expect(try bot.value(#"list a|b c | grep a\|b"#) == ["a|b"])
    #expect(try bot.value("list c a b\n  | sort\n  | join ,") == "a,b,c")
  }

  @Test func unparsedReadsTheSame() throws {
    let expression = try parser.parse("foo | echo $(echo `foo`)")
    #expect(expression.unparsed == "foo | echo $(echo $(foo))")
    #expect(try parser.parse(expression.unparsed) == expression)
  }
}
