import Testing

@testable import YetibotEngine

/// Random and mutated expressions: none may crash, hang or exceed a limit.
@Suite struct RandomExpressionTests {
  static let words = [
    "echo", "list", "head", "tail", "xargs", "repeat", "3", "range", "a", "b c", "a,b", "%s", "$s", "grep", "-v", "-C",
    "split",
    "join", "sort", "sortnum", "sum", "count", "render", "{{.}}", "{{name|upper}}", "{% for i in . %}", "{% endfor %}",
    "data", "$.a[0]", "raw", "set", "flatten", "words", "letters", "unletters", "error", "nil", "cmd", "parse", "tee",
    "alias", "x", "=", "help", "category", "disable", "fun", "channel", "set", "history", "that", "obs", "cron",
    "karma",
    "@bob++", "my", "json parse", "{\"a\":[1,2]}", "sed", "s/a/b", "base64 encode", "or", "asciichart", "keys", "vals",
    "[a-z]+",
    "(a|b)*", "(", "9999999999999999999", "-1", "1e308", "é✓", "👍🏽", "\n", "buffer", "random", "shuffle", "nth",
    "csv parse",
  ]
  static let marks = [" | ", " ", "`", "$(", ")", "(", "\"", "'", "|", "$", "  ", "\t", "\\", "!", ""]

  static func random(_ random: inout SplitMix64) -> String {
    var text = ""
    for _ in 0..<Int.random(in: 1...14, using: &random) {
      text += words.randomElement(using: &random) ?? ""
      text += Int.random(in: 0..<3, using: &random) == 0 ? marks.randomElement(using: &random) ?? "" : " "
      if Int.random(in: 0..<4, using: &random) == 0 { text += "| " }
    }
    return text
  }

  static func mutated(_ text: String, _ random: inout SplitMix64) -> String {
    var bytes = Array(text.utf8)
    for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
      let place = Int.random(in: 0..<bytes.count, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0: bytes.remove(at: place)
      case 1: bytes[place] = UInt8.random(in: 0...255, using: &random)
      case 2: bytes.insert(contentsOf: (marks.randomElement(using: &random) ?? "").utf8, at: place)
      default: bytes.insert(contentsOf: bytes[place...].prefix(12), at: place)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Runs `count` texts through one bot; answers how many were read.
  static func run(count: Int, seed: UInt64, original: Bool) throws -> Int {
    var random = SplitMix64(seed: seed)
    var configuration = original ? Configuration.original : Configuration()
    configuration.limits.commands = 300
    configuration.limits.patternSteps = 200_000
    configuration.limits.totalBytes = 1_000_000
    configuration.limits.valueBytes = 65_536
    configuration.limits.rangeItems = 200
    var bot = TestBot(configuration, seed: seed)
    var readable = 0
    for index in 0..<count {
      if index % 500 == 0 { bot = TestBot(configuration, seed: seed &+ UInt64(index)) }
      bot.milliseconds += 10
      var text = Self.random(&random)
      if index % 2 == 1 { text = mutated(text, &random) }
      if let expression = try? bot.engine.parser.parse(text) {
        readable += 1
        let unparsed = expression.unparsed
        #expect(unparsed.utf8.count <= text.utf8.count * 2)
      }
      for post in bot.say("!" + text) {
        // A text may be a little longer than a value: lines and an envelope.
        #expect(post.utf8.count <= 4 * configuration.limits.valueBytes)
      }
    }
    return readable
  }

  @Test(.timeLimit(.minutes(2)), arguments: [false, true]) func neverCrashes(original: Bool) throws {
    #expect(try Self.run(count: 5000, seed: original ? 11 : 7, original: original) > 1000)
  }

  /// Every text is read the same twice, and an expression whose marks all pair reads the same after it was written out.
  @Test func readingIsDeterministic() throws {
    var random = SplitMix64(seed: 3)
    let parser = ExpressionParser()
    for _ in 0..<3000 {
      let text = Self.mutated(Self.random(&random), &random)
      #expect((try? parser.parse(text)) == (try? parser.parse(text)))
      guard let expression = try? parser.parse(text), !text.contains("\""), !text.contains("'"), !text.contains(")")
      else {
        continue
      }
      #expect(try parser.parse(expression.unparsed).unparsed == expression.unparsed)
    }
  }
}
