import Testing

@testable import YetibotEngine

@Suite struct TemplateTests {
  private func render(_ template: String, _ data: Value = .null) throws -> String {
    let limits = Limits()
    return try TemplateRenderer(
      allowance: Allowance(limits, for: "", clock: { 0 }), runCommand: { _, value in .init(value) }
    )
    .render(try Template(template), data)
  }

  @Test func longTextsAreAbbreviated() throws {
    let text: Value = ["f": "an abbreviate example text"]
    #expect(try render("{{f|abbreviate:19}}", text) == "an abbreviate ex...")
    #expect(try render("{{f|abbreviate:19:12}}", text) == "an abbrev...")
    #expect(try render("{{f|abbreviate:26:12}}", text) == "an abbreviate example text")
    #expect(try render("{{f|abbr-left|abbreviate:19:12}}", text) == "...mple text")
    #expect(try render("{{f|abbr-middle|abbreviate:19}}", text) == "an abbre...ple text")
    #expect(try render("{{f|abbr-right|abbreviate:19}}", text) == "an abbreviate ex...")
    #expect(try render(#"{{f|abbr-ellipsis:""|abbreviate:19}}"#, text) == "an abbreviate examp")
    #expect(
      try render(#"{{f|abbr-ellipsis:" <-- snip --> "|abbr-middle|abbreviate:19|upper}}"#, text)
        == "AN <-- SNIP --> EXT")
    #expect(throws: Template.Failure.self) { try render("{{f|abbr-left|upper}}", text) }
    #expect(throws: Template.Failure.self) { try render("{{f|abbr-left}}", text) }
    #expect(throws: Template.Failure.self) { try render("{{f|abbreviate:2}}", text) }
  }

  @Test func textsAreHashed() throws {
    let data: Value = ["x": "abc"]
    // RFC 1321 and FIPS 180-4.
    #expect(try render("{{x|hash:md5}}", data) == "900150983cd24fb0d6963f7d28e17f72")
    #expect(try render("{{x|hash:sha}}", data) == "a9993e364706816aba3e25717850c26c9cd0d89d")
    #expect(
      try render(#"{{x|hash:"sha256"}}"#, data) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(try render("{{x|hash:sha384}}", data).hasPrefix("cb00753f45a35e8bb5a03d699ac65007"))
    #expect(try render("{{x|hash:sha512}}", data).hasPrefix("ddaf35a193617abacc417349ae204131"))
    #expect(throws: Template.Failure.self) { try render("{{x|hash:crc}}", data) }
  }

  @Test func loopsCycle() throws {
    #expect(
      try render(#"{% for i in . %}{{i}}{% cycle "a" "b" %} {% endfor %}"#, ["x", "y", "z"]) == "xa yb za ")
    #expect(throws: Template.Failure.self) { try render("{% cycle %}") }
  }

  @Test func numbersAreRounded() throws {
    for (number, whole) in [("2.5", "3"), ("-2.5", "-2"), ("2.4", "2"), ("-0.6", "-1")] {
      #expect(try render("{{\(number)|round}}") == whole)
    }
    #expect(try render("{{x|urlescape}}", ["x": "a b~c*&é"]) == "a+b%7Ec*%26%C3%A9")
  }

  @Test func entitiesAreDecoded() throws {
    let bot = TestBot()
    #expect(
      try bot.value("decode &Eacute;t&eacute; &sum;&#8364;&#x20AC; &lt;&amp;lt; &nope; &") == "Été ∑€€ <&lt; &nope; &")
    #expect(try bot.value("decode &yuml;&nbsp;&thetasym;&quot;&apos;") == "ÿ\u{A0}ϑ\"'")
  }
}
