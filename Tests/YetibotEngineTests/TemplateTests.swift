import Testing

@testable import YetibotEngine

@Suite struct TemplateTests {
  private func render(_ template: String, _ data: Value = .null) throws -> String {
    let limits = Limits()
    return try TemplateRenderer(
      allowance: Allowance(limits, for: "", clock: { 0 }), runCommand: { _, value in .init(value) },
      clock: { 1_583_000_000_123 }, utcOffset: 3600, chance: { $0 - 1 }
    )
    .render(try Template(template), data)
  }

  private func failure(_ template: String, _ data: Value = .null) -> String {
    do { return "filled: \(try render(template, data))" } catch { return "\(error)" }
  }

  @Test func conditionsAreJoined() throws {
    let data: Value = ["a": "x", "b": "", "n": 5, "no": false, "list": [1, 2], "word": "false"]
    func holds(_ condition: String) throws -> Bool { try render("{% if \(condition) %}1{% endif %}", data) == "1" }
    for condition in [
      "a and n", "a or b", "b or a", "not b", "not b and a", "a and not b", "b and b or a", "any b a", "all a n",
      "not all a b", "any b no or n", "n > 4 and n < 6", "n = 5.0", "n = \"5\"", "5 <= n", "a = \"x\"",
      "list|length = 2",
      "a|length-is:1 and n|between?:1:9", "nope = nada", "a != \"y\"", "a or b and b", "not no", "not word",
      "not nope > 3",
    ] { #expect(try holds(condition), "\(condition)") }
    for condition in ["a and b", "b or no", "not a or b", "n > 5", "nope", "nope > 1", "a = n", "b = nope", "all a b"] {
      #expect(!(try holds(condition)), "\(condition)")
    }
    for condition in ["", "a and", "or a", "any", "not", "a b", "a > 3"] {
      #expect(throws: Template.Failure.self, "\(condition)") { try holds(condition) }
    }
    #expect(try render("{% if b %}1{% elif no or a %}2{% else %}3{% endif %}", data) == "2")
    #expect(try render("{% ifequal n \"5\" %}same{% endifequal %}", data) == "same")
  }

  @Test func whatIsNotClosedIsTold() throws {
    #expect(failure("é {{name").contains("{{ at character 3 of the template is not closed by }}"))
    #expect(failure("{% if a").contains("not closed by %}"))
    #expect(failure("a {# b").contains("not closed by #}"))
    #expect(failure("{% verbatim %}x").contains("{% endverbatim %}"))
    #expect(failure("{{a|default:\"x}}").contains("quote that is not closed"))
    #expect(failure("{% if a %}x").contains("endif"))
    #expect(failure("{% endif %}").contains("belongs to no tag"))
    #expect(try render("{% verbatim %}{{a}}{%endverbatim%}!") == "{{a}}!")
    #expect(try render("{ a } {{#}} }} %}") == "{ a }  }} %}")
    // As the original has it.
    let lenient = try Template("a {{x", endClosesMarks: true)
    #expect(try lenient.rendered(with: ["x": 1]) == "a 1")
    #expect(try TestBot(.original).value("list a | head | data | render {{nope") == "")
    #expect(try TestBot().error("obs hi = echo {{body")?.contains("is not closed") == true)
  }

  @Test func largeNumbersHaveDigits() throws {
    let data: Value = ["a": .double(1e20), "b": .double(123_456_789_012_345.678), "c": .double(-1.5e300), "d": 7]
    #expect(try render("{{a|number-format:%,.2f}}", data) == "100,000,000,000,000,000,000.00")
    #expect(
      try render("{{b|number-format:%.3f}} {{b|double-format:2}}", data) == "123456789012345.672 123456789012345.67")
    #expect(try render("{{d|number-format:%.15f}}", data) == "7.000000000000000")
    #expect(try render("{{c|number-format:%.0f}}", data) == "-15" + String(repeating: "0", count: 299))
    #expect(try render("{{c|currency-format}}", data).hasPrefix("-$1,500,000,"))
    // What is more than a number can be.
    for filter in ["number-format:%e", "number-format:%.2f", "number-format:%d", "currency-format"] {
      #expect(failure("{{c|multiply:1e300|\(filter)}}", data).contains("is too large"), "\(filter)")
    }
  }

  @Test func whatTemplatesPutIntoLoopsIsBounded() throws {
    let data: Value = ["counter0": -3, "large": .string(String(repeating: "x", count: 100_000)), "list": [1]]
    #expect(try render("{% with forloop=. %}{% cycle a b c %}{% endwith %}", data) == "a")
    #expect(
      failure("{{list|join:,|add\(String(repeating: ":@large", count: 2_000))}}", data).contains(
        "bytes for one message"))
    // Each loop over what the loops around it say of themselves holds it again: what is shown is bounded, and no loop takes all memory.
    let open = "{% for a, b in forloop %}{% if forloop.previous.a = \"parentloop\" %}"
    let close = "{% endif %}{% endfor %}"
    for shown in ["{{forloop}}", "{{forloop|json}}", "{% debug %}", "{% if forloop = 1 %}{% endif %}"] {
      let template =
        "{% for x in . %}{% if forloop.last %}" + String(repeating: open, count: 6) + shown
        + String(repeating: close, count: 6) + "{% endif %}{% endfor %}"
      let text = failure(template, data)
      #expect(text.contains("262144 bytes"), "\(shown): \(text.prefix(200))")
    }
  }

  @Test func datesAreWritten() throws {
    let data: Value = ["t": 1_583_000_000_123, "d": "2020-02-29T14:30", "name": "x"]
    #expect(try render("{{t|date:\"yyyy-MM-dd HH:mm:ss.SSS\"}}", data) == "2020-02-29 19:13:20.123")
    #expect(try render("{{d|date:\"EEEE d MMMM yy, h:mm a\"}}", data) == "Saturday 29 February 20, 2:30 PM")
    #expect(try render("{{d|date:shortDate}} {{d|date:mediumDateTime}}", data) == "2/29/20 Feb 29, 2020, 2:30:00 PM")
    #expect(try render("{{d|date:\"D 'of' ''yyyy'' EEE\"}}", data) == "60 of '2020' Sat")
    #expect(try render("{{d|date:\"HH:mm XXX Z\"}} {{nope|date:shortDate}}", data) == "14:30 +01:00 +0100 ")
    #expect(try render("{% now \"yyyy\" %} {% now HH mm %}") == "2020 19 13")
    #expect(failure("{{name|date:yyyy}}", data).contains("no date"))
    #expect(failure("{{t|date:bb}}", data).contains("stands for nothing"))
    #expect(failure("{{t|date}}", data).contains("needs a format"))
    #expect(failure("{{t|date:yyyy:de}}", data).contains("English"))
  }

  @Test func numbersHaveFormats() throws {
    let data: Value = ["n": .double(1234.567), "i": 42, "m": -5, "name": "x", "half": .double(0.125)]
    #expect(try render("{{n|currency-format}} {{m|currency-format}}", data) == "$1,234.57 -$5.00")
    #expect(try render("{{n|currency-format:de:DE}}", data) == "1.234,57\u{A0}€")
    #expect(try render("{{half|currency-format}} {{n|currency-format:ja}}", data) == "$0.12 ￥1,235")
    #expect(try render("{{n|number-format:%.1f}} {{n|number-format:%,.2f:de}}", data) == "1234.6 1.234,57")
    #expect(try render("{{i|number-format:%05d}} {{i|number-format:\"%+d of %x%%\"}}", data) == "00042 +42 of 2a%")
    #expect(try render("{{n|number-format:%.3e}}|{{i|number-format:%-5d}}|", data) == "1.235e+03|42   |")
    #expect(failure("{{n|number-format:%d}}", data).contains("whole number"))
    #expect(failure("{{n|number-format:%q}}", data).contains("no format"))
    #expect(failure("{{name|currency-format}}", data).contains("needs a number"))
    #expect(failure("{{n|currency-format:en:XX}}", data).contains("not known"))
  }

  @Test func textsBecomeLinks() throws {
    let data: Value = ["m": "a.b@example.org", "p": "01234 567890", "name": "x"]
    #expect(try render("{{m|email}}", data) == "<a href='mailto:a.b@example.org'>a.b@example.org</a>")
    #expect(try render("{{name|email:false}}", data) == "<a href='mailto:x'>x</a>")
    #expect(failure("{{name|email}}", data).contains("no address"))
    #expect(try render("{{p|phone}}", data) == "<a href='tel:01234-567890'>01234 567890</a>")
    #expect(try render("{{p|phone:44}}", data) == "<a href='tel:+44-1234-567890'>01234 567890</a>")
    #expect(try render("{{name|phone:44:false}}{{name|phone:false}}", data).contains("tel:x"))
    #expect(failure("{{name|phone}}", data).contains("no number"))
    #expect(try render("{{.|remove-tags:b:span}}", "<B>f<span class=\"x\">o</span>o</b><br/>") == "foo<br/>")
  }

  @Test func filtersAreSelmers() throws {
    let data: Value = [
      "i": 6, "d": .double(2.5), "s": "Foo bar", "list": [3, 1, 2], "key": "s", "a.b": "dotted", "e": [],
    ]
    #expect(
      try render("{{i|divide:2}} {{i|divide:4}} {{d|multiply:2}} {{i|add:1:2}} {{s|add:x}}", data)
        == "3 1.5 5.0 9 Foo barx")
    #expect(try render("[{{s|center:10}}]", data) == "[  Foo bar ]")
    #expect(try render("{{12.34|get-digit:3}} {{123|get-digit:9}} {{123|get-digit:1}}") == "2 123 3")
    #expect(try render("{{list|rand-nth}} {{s|rand-nth}}", data) == "2 r")
    #expect(failure("{{e|rand-nth}}", data).contains("not empty"))
    #expect(try render("{{nope|default:@key}} {{nope|default:@nada}} {{a..b}}", data) == "s @nada dotted")
    #expect(try render("{{.|linenumbers}}", "a\nb\n") == "1. a\n2. b")
    #expect(try render("{{.|linebreaks}}", "a\n\n") == "<p>a</p>")
    #expect(failure("{{i|first}}", data).contains("is a number"))
    #expect(try render("{% for x,y in list %}{% endfor %}{% for c in s %}{{c}}.{% endfor %}", data) == "F.o.o. .b.a.r.")
    #expect(try render("{% for k,v in . %}{{k}}={{v}};{% endfor %}", ["a": 1, "b": 2]) == "a=1;b=2;")
    #expect(
      try render(
        "{% for i in list %}{{forloop.revcounter}}{{forloop.previous.i}}{% for j in list %}{{forloop.parentloop.counter}}{% endfor %} {% endfor %}",
        data) == "2111 13222 01333 ")
    #expect(
      try render("{% sum i d %} {% block x %}in{% endblock %} {% style \"/a.css\" %}", data).contains(
        "8.5 in <link href=\"/a.css\""))
    #expect(try render("{% debug %}", ["a": 1]).contains("\"a\": 1"))
    #expect(failure("{% include \"x\" %}").contains("no other templates"))
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
    #expect(try render("{% for i in . %}{% cycle odd even %} {% endfor %}", [1, 2, 3]) == "odd even odd ")
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
