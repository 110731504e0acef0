import Foundation
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

  /// What one run saw at most.
  struct Seen {
    var readable = 0
    var commands = 0
    var depth = 0
    var output = 0
  }

  /// Runs `count` texts through bots with small limits.
  static func run(count: Int, seed: UInt64, original: Bool) -> Seen {
    var random = SplitMix64(seed: seed)
    var configuration = original ? Configuration.original : Configuration()
    configuration.limits.commands = 300
    configuration.limits.depth = 30
    configuration.limits.patternSteps = 200_000
    configuration.limits.totalBytes = 1_000_000
    configuration.limits.valueBytes = 65_536
    configuration.limits.rangeItems = 200
    let limits = configuration.limits
    var all = Seen()
    var bot = TestBot(configuration, seed: seed)
    for index in 0..<count {
      // What people stored must not pile up: aliases that call each other would be all that runs.
      if index % 500 == 0 { bot = TestBot(configuration, seed: seed &+ UInt64(index)) }
      bot.milliseconds += 10
      var text = Self.random(&random)
      if index % 2 == 1 { text = mutated(text, &random) }
      if let expression = try? bot.engine.parser.parse(text) {
        all.readable += 1
        #expect(expression.unparsed.utf8.count <= text.utf8.count * 2, "seed \(seed), text \(index): \(text)")
      }
      var commands = 0
      var depth = 0
      bot.engine.addHook("counter") { call in
        commands += 1
        depth = max(depth, call.context.allowance.depth)
        return nil
      }
      let posts = bot.say("!" + text)
      let output = posts.reduce(0) { $0 + $1.utf8.count }
      // The last command, the one too many, is refused before hooks see it; a text may have lines and an envelope around its value.
      let holds =
        commands <= limits.commands && depth <= limits.depth && output <= 2 * limits.totalBytes
        && posts.allSatisfy { $0.utf8.count <= 4 * limits.valueBytes }
      #expect(
        holds, "seed \(seed), text \(index), \(commands) commands, depth \(depth), \(output) bytes: \(text)")
      all.commands = max(all.commands, commands)
      all.depth = max(all.depth, depth)
      all.output = max(all.output, output)
    }
    return all
  }

  /// The seeds of the runs: all of them together make 100,000 texts, and a million with BOTHOST_FULL=1.
  static let runs: [(seed: UInt64, original: Bool)] = (0..<10).map { (UInt64(100 + $0), $0 % 2 == 1) }

  @Test(.timeLimit(.minutes(20)), arguments: runs) func nothingGoesBeyondItsLimits(seed: UInt64, original: Bool) {
    let isFull = ProcessInfo.processInfo.environment["BOTHOST_FULL"] == "1"
    let count = isFull ? 100_000 : 10_000
    let seen = Self.run(count: count, seed: seed, original: original)
    // The texts do something: many can be read, and some reach far.
    #expect(seen.readable > count / 4, "seed \(seed)")
    #expect(seen.commands >= 8 && seen.depth >= 4, "seed \(seed): \(seen)")
  }

  /// Every text is read the same twice, and an expression whose marks all pair reads the same after it was written out.
  @Test func readingIsDeterministic() throws {
    var random = SplitMix64(seed: 3)
    let parser = ExpressionParser()
    for _ in 0..<1000 {
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
