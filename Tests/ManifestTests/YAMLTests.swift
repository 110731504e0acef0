import Testing

@testable import BotHost

@Suite struct YAMLTests {
  @Test(arguments: [
    ("on", YAMLScalar.Value.string("on")), ("no", .string("no")), ("yes", .string("yes")), ("12:30", .string("12:30")),
    ("", .null), ("~", .null), ("null", .null), ("Null", .null), ("nULL", .string("nULL")), ("true", .bool(true)),
    ("False", .bool(false)), ("tRUE", .string("tRUE")), ("0", .int(0)), ("-0", .int(0)), ("+12", .int(12)),
    ("001", .int(1)), ("0o17", .int(15)), ("0x1f", .int(31)), ("0x1G", .string("0x1G")), ("0o8", .string("0o8")),
    ("0x", .string("0x")), ("-0x1", .string("-0x1")), ("19.10", .float(19.1)), (".5", .float(0.5)), ("5.", .float(5)),
    ("1e3", .float(1000)), ("1E-2", .float(0.01)), ("1e", .string("1e")), (".", .string(".")), ("-", .string("-")),
    (".inf", .float(.infinity)), ("-.INF", .float(-.infinity)), ("1_000", .string("1_000")),
    ("9223372036854775807", .int(.max)), ("9223372036854775808", .float(9_223_372_036_854_775_808)),
    ("1.2.3", .string("1.2.3")), ("0b1", .string("0b1")), ("2001-01-01", .string("2001-01-01")),
    ("infinity", .string("infinity")), ("nan", .string("nan")), ("\u{0661}", .string("\u{0661}")),
  ])
  func coreSchema(text: String, value: YAMLScalar.Value) {
    #expect(YAMLScalar.resolve(text) == value)
  }

  @Test func notANumber() {
    guard case .float(let value) = YAMLScalar.resolve(".nan") else {
      Issue.record("not a float")
      return
    }
    #expect(value.isNaN)
  }

  @Test func quotedScalarsAreStrings() throws {
    let node = try tree("a: '1'\nb: \"true\"\nc: |\n  5\nd: 1")
    #expect(node["a"]?.scalar?.value == .string("1"))
    #expect(node["b"]?.scalar?.value == .string("true"))
    #expect(node["c"]?.scalar?.value == .string("5\n"))
    #expect(node["d"]?.scalar?.value == .int(1))
  }

  @Test func placesAreCountedInScalars() throws {
    let node = try tree("# comment\nkey: välue\nlist:\n  - ü: [x,   deep]\n")
    #expect(node["key"]?.location == SourceLocation(file: "t.yaml", line: 2, column: 6, length: 5))
    let deep = try #require(node["list"]?.sequence?.first?["ü"]?.sequence?.last)
    #expect(deep.location == SourceLocation(file: "t.yaml", line: 4, column: 14, length: 4))
  }

  @Test func byteOrderMarkIsSkipped() throws {
    #expect(try tree("\u{FEFF}a: 1")["a"]?.scalar?.value == .int(1))
  }

  @Test func severalDocuments() {
    var diagnostics = Diagnostics()
    let source = SourceText(name: "t.yaml", "a: 1\n---\nb: 2\n...\n---\nc: 3\n")
    #expect(YAMLParser.documents(of: source, diagnostics: &diagnostics).count == 3)
    #expect(diagnostics.isEmpty)
    _ = YAMLParser.document(of: source, diagnostics: &diagnostics)
    #expect(diagnostics.map(\.description).first?.hasPrefix("t.yaml:3:1: error: a second document") == true)
  }

  @Test func aliases() throws {
    let node = try tree("a: &x {k: 1}\nb: *x\n")
    #expect(node["b"]?["k"]?.scalar?.value == .int(1))
    #expect(yamlProblems("a: &long 1\nb: *lnog")[0].contains("did you mean '*long'?"))
    #expect(yamlProblems("a: &x [*x]")[0].hasPrefix("t.yaml:1:8: error: the alias '*x' stands inside its own anchor"))
  }

  @Test func aliasBombIsRefused() {
    var text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
    for level in 1...20 {
      let items = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ",")
      text += "a\(level): &a\(level) [\(items)]\n"
    }
    let found = yamlProblems(text)
    #expect(found.count == 1)
    #expect(found[0].contains("nodes with its aliases written out"))
  }

  @Test(arguments: [
    ("a: 1\nb: 2\na: 3\n", "t.yaml:3:1: error: the key 'a' stands here a second time; the first is in line 1"),
    ("a: !!str 1", "t.yaml:1:4: error: the tag 'tag:yaml.org,2002:str' is not used here"),
    ("a: !foo {b: 1}", "t.yaml:1:4: error: the tag '!foo' is not used here"),
    ("%TAG ! tag:x,2000:\n---\na: 1", "tags are not used here"),
    ("%YAML 1.1\n---\na: 1", "the file says that it is YAML 1.1"),
    ("? [a]\n: 1", "a key must be a plain word or a string"),
    ("a: &x b\n*x : 1", "a key must be a plain word or a string"),
    ("&x a: 1", "the anchor '&x' on a key"),
    ("a:\n\tb: 1", "t.yaml:2:1: error: a tab stands where YAML wants blanks (indent with blanks)"),
    ("a: `b`", "t.yaml:1:4: error: a plain value cannot start with this character (put the value in quotes)"),
    ("a: b: c", "t.yaml:1:5: error: a ':' is not allowed here"),
    ("{host: ${config.host}}", "error"),
    ("<<: {a: 1}", "t.yaml:1:1: error: the merge key '<<'"),
    ("a: \u{7}", "t.yaml:1:4: error: the control character U+0007 is not allowed"),
    ("a: [1, 2", "error: "),
  ])
  func refused(text: String, expected: String) {
    let found = yamlProblems(text)
    #expect(found.contains { $0.contains(expected) }, "\(found)")
  }

  @Test func otherEncodingsAreRefused() {
    #expect(yamlProblems([0x61, 0x3A, 0x20, 0xC3, 0x28])[0].hasPrefix("t.yaml:1:4: error: these bytes are not UTF-8"))
    #expect(yamlProblems([0xFF, 0xFE, 0x61, 0x00])[0].contains("UTF-16"))
    #expect(yamlProblems([0xED, 0xA0, 0x80]).count == 1, "a lone surrogate")
  }

  @Test func limits() {
    var limits = YAMLLimits()
    limits.bytes = 4
    #expect(yamlProblems("a: 12", limits: limits)[0].contains("the limit is 4"))
    limits = YAMLLimits()
    limits.depth = 3
    #expect(yamlProblems("[[1]]", limits: limits).isEmpty)
    #expect(yamlProblems("[[[1]]]", limits: limits)[0].contains("more than 3 deep"))
    #expect(yamlProblems(String(repeating: "[", count: 100_000)).count == 1)
    limits = YAMLLimits()
    limits.nodes = 5
    #expect(yamlProblems("[1,2,3,4]", limits: limits).isEmpty)
    #expect(yamlProblems("[1,2,3,4,5]", limits: limits).count == 1)
    limits = YAMLLimits()
    limits.documents = 2
    #expect(yamlProblems("--- 1\n--- 2\n--- 3", limits: limits).count == 1)
  }

  @Test func emptyFiles() {
    var diagnostics = Diagnostics()
    #expect(YAMLParser.document(of: SourceText(name: "e.yaml", ""), diagnostics: &diagnostics) == nil)
    #expect(YAMLParser.document(of: SourceText(name: "e.yaml", "# nothing\n"), diagnostics: &diagnostics) == nil)
    #expect(diagnostics.all.allSatisfy { $0.message == "the file is empty" })
  }

  /// Whatever bytes come, there is an answer: a tree or at least one diagnostic with a place in the file.
  @Test func mutatedTextNeverGoesUnanswered() {
    let seed = Array("bothost: 1\nplugin: p\nlist: [a, {b: \"c\\n\"}, *x]\nx: &x |\n  text\n# end\n".utf8)
    var generator = SeededGenerator(state: 7)
    for _ in 0..<3_000 {
      var bytes = seed
      for _ in 0..<Int.random(in: 1...6, using: &generator) {
        let index = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
        case 1: bytes.remove(at: index)
        default: bytes.insert(bytes[Int.random(in: 0..<bytes.count, using: &generator)], at: index)
        }
      }
      var diagnostics = Diagnostics()
      let documents = YAMLParser.documents(of: SourceText(name: "t.yaml", bytes: bytes), diagnostics: &diagnostics)
      #expect(!documents.isEmpty || diagnostics.hasErrors || bytes.allSatisfy { $0 < 0x80 })
      for diagnostic in diagnostics { #expect((diagnostic.location?.line ?? 0) >= 1) }
    }
  }
}
