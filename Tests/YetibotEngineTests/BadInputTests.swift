import Foundation
import Testing

@testable import YetibotEngine

/// Everything that has a syntax of its own meets random and mutated texts: none may crash, hang, or be read in two ways.
@Suite struct BadInputTests {
  private static let isFull = ProcessInfo.processInfo.environment["BOTHOST_FULL"] == "1"
  /// How many texts each syntax meets.
  private static let count = isFull ? 200_000 : 8000

  /// Calls `body` with texts: joined pieces, every other one with some bytes changed.
  private func eachText(
    _ pieces: [String], _ lengths: ClosedRange<Int> = 1...12, joinedBy joint: String = "", seed: UInt64,
    _ body: (String, inout SplitMix64) throws -> Void
  ) rethrows {
    var random = SplitMix64(seed: seed)
    for index in 0..<Self.count {
      let count = Int.random(in: lengths, using: &random)
      var text = (0..<count).map { _ in pieces.randomElement(using: &random) ?? "" }.joined(separator: joint)
      if index % 2 == 1 { text = RandomExpressionTests.mutated(text, &random) }
      try body(text, &random)
    }
  }

  private static let data: Value = [
    "a": [1, "two", ["b": .null], [], .double(1.5)], "name": "Bob", "list": [["n": 1], ["n": 2, "m": "x"]], "e": "",
    "t": true,
  ]

  @Test(.timeLimit(.minutes(20))) func templates() {
    let pieces = [
      "{{", "}}", "{%", "%}", "{#", "#}", "name", ".", "a.0", "list", " ", "|upper", "|join:\", \"", "|take:2",
      "|hash:md5",
      "|abbreviate:3:2", "|abbr-left", "|round", "|sort-by:n", "|get:n", "{{name}}", "{% if name %}", "{% else %}",
      "{% endif %}",
      "{% for i in list %}", "{% empty %}", "{% endfor %}", "{{i.n}}", "{{forloop.counter}}", "{% with x=a %}",
      "{% endwith %}",
      "{% ifequal name \"Bob\" %}", "{% endifequal %}", "{% cycle a b %}", "{% verbatim %}", "{% endverbatim %}",
      "{% comment %}",
      "{% endcomment %}", "\"", "'", ":", "é", "99999999999999999999", "-1", "{% sum a.0 a.4 %}",
      "{% firstof e name %}", "text",
    ]
    var read = 0
    var filled = 0
    eachText(pieces, seed: 21) { text, _ in
      guard let template = try? Template(text) else { return }
      read += 1
      var limits = Limits()
      limits.totalBytes = 200_000
      limits.valueBytes = 50_000
      let renderer = TemplateRenderer(
        allowance: Allowance(limits, for: "", clock: { 0 }), runCommand: { _, value in .init(value) })
      guard let result = try? renderer.render(template, Self.data) else { return }
      filled += 1
      #expect(result.utf8.count <= limits.totalBytes, "\(text)")
      #expect((try? renderer.render(template, Self.data)) == result, "\(text)")
    }
    #expect(read > Self.count / 10 && filled > Self.count / 20, "\(read) read, \(filled) filled")
  }

  @Test(.timeLimit(.minutes(20))) func paths() {
    let pieces = [
      "$", ".", "..", "*", "[", "]", "a", "[?(", "@", "=", "1", "\"x\"", "'", ")]", " ", "é", "9999999999999999999",
      "[*]", "[0]", "[-1]", "[99]",
      ".a", ".list", ".name", ".n", "..n", ".*", "..*", "[?(@.n>1)]", "[?(@.n)]", "[?(@.m=\"x\")]", "[?($.t!=@.n)]",
      "['a']",
    ]
    var read = 0
    eachText(pieces, 1...5, seed: 22) { text, _ in
      let text = text.hasPrefix("$") ? text : "$" + text
      guard let path = try? JSONPath(text) else { return }
      read += 1
      // What it selects lies in the data, so it is no deeper than they are, but for the list of the hits.
      guard let found = try? path.select(in: Self.data) else { return }
      #expect(found.depth(limit: 20) <= Self.data.depth(limit: 20) + 1, "\(text)")
    }
    #expect(read > Self.count / 10, "\(read) read")
  }

  @Test(.timeLimit(.minutes(20))) func patterns() {
    let pieces = [
      "a", "b", ".", "*", "+", "?", "{2}", "{1,3}", "{9999}", "(", ")", "(?:", "(?<x>", "(?i)", "|", "[", "]", "[a-z]",
      "[^b]", "\\d", "\\w",
      "\\s", "\\b", "\\", "^", "$", "*?", "é", "👍🏽", "-", "\\p{L}", "(?=", "\\1", ",",
    ]
    let subjects = ["", "a", "abab bab", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "é👍🏽\nab\n", "12-b_Z"]
    var read = 0
    eachText(pieces, seed: 23) { text, random in
      guard let pattern = try? Pattern(text, ignoringCase: Bool.random(using: &random)) else { return }
      read += 1
      for subject in subjects {
        let scalars = PatternText(subject)
        var budget = 100_000
        guard let match = pattern.firstMatch(in: scalars, budget: &budget) else { continue }
        #expect(match.ranges.count == pattern.groupCount + 1, "\(text)")
        for range in match.ranges {
          guard let range else { continue }
          #expect(range.lowerBound >= 0 && range.upperBound <= scalars.scalars.count, "\(text)")
        }
        // What must lie in every match lies in this one, whatever the letters' case.
        if let required = pattern.requiredText {
          #expect(
            scalars.string(match.whole).lowercased().utf8.contains(required.lowercased().utf8), "\(text) in \(subject)")
        }
      }
    }
    #expect(read > Self.count / 10, "\(read) read")
  }

  /// What is replaced is what the pattern finds, and nothing else; a program that is none says so.
  @Test(.timeLimit(.minutes(20))) func sedPrograms() {
    let pieces = [
      "s/", "s/", "/", "a", "b", "(a|b)", "\\/", "\\1", "$1", "${x}", "$0", "(?<x>b)", "\\n", "\\", "g", "i", "*", "+",
      "[", "]", "(",
      ")", "(?=a)", "(?<!b)", ".", "é", "👍🏽", "{2}", " ", "$", "^", "%s",
    ]
    let bot = TestBot()
    var replaced = 0
    eachText(pieces, 2...6, seed: 29) { text, _ in
      for subject in ["abba b", "", "é👍🏽a"] {
        guard
          let outcome = try? bot.engine.command(
            "sed \(text) \(subject)", raw: .string(subject), person: nil, place: bot.place)
        else { continue }
        switch outcome {
        case .failure(let why): #expect(!why.isEmpty, "\(text)")
        case .plain(let value):
          if value.text != subject { replaced += 1 }
          #expect(value.text.utf8.count < 4096, "\(text)")
        case .record(let answer): #expect(answer.value == .null, "\(text)")
        }
      }
    }
    #expect(replaced > Self.count / 50, "\(replaced) replaced")
  }

  /// A text that would become thousands of times longer is not made first and refused then.
  @Test func whatGrowsTooLargeIsNotMade() throws {
    let large = String(repeating: "a", count: 200_000)
    let most = 2 * Limits().valueBytes
    #expect(Formatting.pseudoFormat(String(repeating: "%s", count: 5000), large).utf8.count <= most)
    #expect(Formatting.joined(Array(repeating: "a", count: 10_000), by: large).utf8.count <= most)
    #expect(Formatting.joined(["a", "b", ""], by: ", ") == "a, b, ")
    #expect(Formatting.joined([], by: ", ").isEmpty)
    let bot = TestBot()
    let filler = String(repeating: "x", count: 8000)
    for expression in [
      "range 10000 | join \(filler)", "range 10000 | join aaaaaaaaaaaaaaaa | render {{.|replace:a:\(filler)}}",
      "range 10000 | render \(filler)",
      "range 10000 | join aaaaaaaaaaaaaaaa | echo \(String(repeating: "%s", count: 4000))",
    ] {
      #expect(throws: Raised.self, "\(expression.prefix(60))") { try bot.value(expression) }
    }
  }

  /// What is understood is a moment not far from what was said, and the words in another order are the same moment.
  @Test(.timeLimit(.minutes(20))) func naturalDates() {
    let pieces = [
      "now", "today", "yesterday", "tomorrow", "monday", "next", "last", "friday", "week", "month", "in", "3", "a",
      "half", "an",
      "hour", "days", "ago", "and", "from", "at", "5pm", "14:30", "noon", "pm", "march", "feb", "29", "5th", "of",
      "2024",
      "2020-02-29", "2020-02-30", "10:20Z", "99999", "years", "+02:00", "é", ",", "the",
    ]
    let now: Int64 = 1_700_000_000_000
    let century: Int64 = 100 * 366 * 86_400_000
    var understood = 0
    eachText(pieces, 1...5, joinedBy: " ", seed: 30) { text, random in
      let offset = Int64.random(in: -14...14, using: &random) * 3600
      guard let moment = NaturalDate.parse(text, now: now, utcOffset: offset) else { return }
      understood += 1
      // A year of four digits, or up to 99,999 units, of which years are the longest.
      #expect(abs(moment - now) <= 1000 * century * 2, "\(text)")
      #expect(NaturalDate.parse("  \(text.uppercased()) ", now: now, utcOffset: offset) == moment, "\(text)")
    }
    #expect(understood > Self.count / 50, "\(understood) understood")
  }

  @Test(.timeLimit(.minutes(20))) func crons() {
    let pieces = [
      "*", "*", "*", "0", "5", "59", "1-7", "/5", "*/2", "1-5/2", "1,5", ",", "-", "/", "2026", "99999999999999999999",
      "a", "é", "29", "2",
    ]
    var read = 0
    eachText(pieces, 5...8, joinedBy: " ", seed: 24) { text, _ in
      guard let schedule = CronSchedule(text) else { return }
      read += 1
      #expect(!schedule.words.isEmpty)
      let start: Int64 = 1_700_000_000_000
      let next = schedule.next(2, after: start)
      #expect(next == next.sorted() && next.allSatisfy { $0 > start }, "\(text)")
      for moment in next { #expect(schedule.matches(CivilTime(milliseconds: moment)), "\(text)") }
    }
    #expect(read > Self.count / 100, "\(read) read")
  }

  @Test(.timeLimit(.minutes(20))) func graphQLDocuments() {
    let pieces = [
      "{", "}", "(", ")", "query ", "fragment F on X ", "...F ", "... on Query {users {id}} ", "users {id} ",
      "history(limit: 3) {body} ",
      "eval(expr: \"echo x\") ", "a: channels {name} ", "karmas(report: SCORES) {score} ", "$v", ": Int = 3",
      "@include(if: true) ", "@skip(if: $v) ",
      "\"", "\"\"\"", "\\u00e9", "#", "\n", "[", "]", "!", "1.5e", "-1", "stats {uptime cron_count} ", "__typename ",
      "é", ",", "99999999999999999999",
    ]
    let bot = TestBot()
    var answered = 0
    eachText(pieces, 1...4, seed: 25) { text, _ in
      let text = text.hasPrefix("{") ? text + "}" : "{" + text + "}"
      let answer = bot.engine.graphQL(text, variables: ["v": true], place: bot.place)
      let isAnswer = answer["data"] != nil || answer["errors"]?.items?.isEmpty == false
      #expect(isAnswer, "\(text)")
      if answer["data"] != nil { answered += 1 }
    }
    #expect(answered > Self.count / 100, "\(answered) answered")
  }

  @Test(.timeLimit(.minutes(20))) func optionLines() {
    let pieces = [
      "-e", "-u", "-c", "-y", "-h", "-a", "-s", "-v", "-n", "-o", "-m", "--user", "--channels", "--since",
      "--event-type", "--", "-", " ", "react",
      "alice", "#a,#b", "yesterday", "3-days-ago", "2020-02-30", "=", "echo {{body}}", "[a-z", "(", "é", "-yn",
      "-ualice",
    ]
    let bot = TestBot()
    var (observers, histories) = (0, 0)
    eachText(pieces, seed: 26) { text, _ in
      let parsed = Yetibot.parseObserveOptions(text)
      #expect(ChatEvent.Kind(rawValue: parsed.event) != nil, "\(text)")
      if !parsed.hasErrors { observers += 1 }
      if (try? HistoryQuery(options: text, in: bot.place, prefix: "!", now: 1_700_000_000_000)) != nil {
        histories += 1
      }
      // Only what can be matched is kept.
      _ = bot.say("!obs " + text)
      bot.engine.rows.remove("observer") { row in
        #expect((try? Pattern(row["pattern"])) != nil && (try? Pattern(row["user_pattern"])) != nil, "\(text)")
        return true
      }
    }
    #expect(observers > Self.count / 50 && histories > Self.count / 50, "\(observers) and \(histories)")
  }

  @Test(.timeLimit(.minutes(20))) func otherTexts() {
    let pieces = [
      "{", "}", "[", "]", "\"", ":", ",", "\\", "\\ud83d", "\\u0041", "null", "true", "1", "-", "1e999", ".5", "é",
      "\n", "a", "#{", "(", ")", ";", " ",
      "yesterday", "at", "5pm", "ago", "3", "days", "next", "friday", "+", "*", "^", "/", "%", "in", "2020-02-29",
      "14:30",
    ]
    eachText(pieces, seed: 27) { text, _ in
      if let value = try? JSONText.parse(text) {
        #expect((try? JSONText.parse(JSONText.print(value))) == value, "\(text)")
      }
      _ = try? EDNText.parse(text)
      _ = try? Arithmetic.value(of: text)
      _ = NaturalDate.parse(text, now: 1_700_000_000_000)
      _ = CSV.rows(text)
      _ = Entities.decode(text)
      if let bytes = Base64.decode(text) { #expect(Base64.decode(Base64.encode(bytes)) == bytes, "\(text)") }
    }
  }
}
