import BotHost
import Glibc
import YetibotEngine

/// Runs a file of cases, one JSON object a line, through the command pipeline.
func runYetibotConformance(file: String) -> (passed: Int, failed: Int, skipped: Int, messages: [String]) {
  var passed = 0
  var failed = 0
  var skipped = 0
  var messages: [String] = []
  guard let text = readWholeFile(file) else { return (0, 1, 0, ["\(file): cannot be read"]) }
  for (number, line) in text.utf8.split(separator: 0x0A).enumerated() {
    guard let value = try? JSONText.parse(String(decoding: line, as: UTF8.self)), let fields = value.members else {
      failed += 1
      messages.append("\(file):\(number + 1): no JSON object")
      continue
    }
    let test = YetibotCase(fields)
    let verdict = test.run()
    switch verdict {
    case .passed: passed += 1
    case .failed(let why):
      failed += 1
      messages.append("FAILED \(test.id) \(test.group) \(JSONText.print(test.input)): \(why)")
    case .skipped(let why):
      skipped += 1
      messages.append("skipped \(test.id) \(test.group) \(JSONText.print(test.input)): \(why)")
    }
  }
  return (passed, failed, skipped, messages)
}

private func readWholeFile(_ path: String) -> String? {
  guard let file = fopen(path, "r") else { return nil }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 65_536)
  while true {
    let count = fread(&chunk, 1, chunk.count, file)
    if count == 0 { break }
    bytes += chunk[..<count]
  }
  return String(decoding: bytes, as: UTF8.self)
}

private enum Verdict {
  case passed
  case failed(String)
  case skipped(String)
}

/// One case.
private struct YetibotCase {
  let id: String
  let group: String
  let input: Value
  let expect: Value
  let note: String

  init(_ fields: ValueMap) {
    id = fields["id"]?.text ?? ""
    group = fields["group"]?.text ?? ""
    input = fields["input"] ?? .null
    expect = fields["expect"] ?? .null
    note = fields["note"]?.text ?? ""
  }

  func run() -> Verdict {
    let verdict = check()
    guard case .failed(let why) = verdict else { return verdict }
    if group.hasSuffix("-quirk") || note.hasPrefix("quirk") || note.hasPrefix("weakness") || note.contains("(quirk)")
      || expect["quirk_value"] != nil
    {
      return .skipped("quirk of the original (\(note.isEmpty ? "a record as value" : note))")
    }
    if let reason = Self.differences[id] { return .skipped("\(reason): \(why)") }
    if printsEDN { return .skipped("the original prints EDN here, this prints JSON: \(why)") }
    if let help = expect["help_of"]?.stringValue,
      group == "chain" || group == "eval/render-filters" || input.text.contains(" | ")
    {
      return .skipped("the case names \(help), whose help this is not")
    }
    return .failed(why)
  }

  /// Cases whose answer comes from an accident of the original that they do not name.
  private static let differences: [String: String] = [
    "yb-0116": "an empty map inside a text is printed as EDN there",
    "yb-0759": "a stub of the original",
    "yb-0790": "the original reads the appended value as a part of sed's program",
    "yb-0841": "data that is out of step with its items raises there",
    "yb-0854": "the letters of a usage line, whose wording is free",
    "yb-0896": "null items raise there",
    "yb-0983": "sum adds up the data too there, and raises",
    "yb-0999": "the count of a record that became the value",
    "yb-1033": "a search in a usage line, whose wording is free",
    "yb-1113": "the letters of printed EDN",
    "yb-1409": "the letters of a usage line, whose wording is free",
    "yb-1467": "usage lines are a set there, which is not rendered item by item",
    "yb-1683": "the count of a record that became the value",
  ]

  /// Whether the expected text was printed by the original's own printer.
  private var printsEDN: Bool {
    let text = input.stringValue ?? ""
    let shown = ["value", "chat"].compactMap { expect[$0]?.text }
    let prints = ["raw", "data ", "data\n", "prn"].contains { text.contains($0) }
    return ["eval/raw", "eval/data-show"].contains(group)
      || (prints
        && shown.contains {
          $0.contains("(") || $0.contains("{") || $0.contains("nil") || $0.contains("[") || $0.contains("\"")
        })
      || shown.contains {
        $0.contains("{:") || $0.hasPrefix(":") || $0.contains("\n:") || $0.contains("[{") || $0.contains("[\"")
      }
  }

  private func check() -> Verdict {
    if group.hasPrefix("eval/") || group == "chain" { return checkExpression() }
    if group == "parse" || group.hasPrefix("parse/") { return checkParse() }
    if group == "unparse" {
      guard let expression = try? parser.parse(input.text) else { return .failed("cannot be read") }
      return same(.string(expression.unparsed), expect["text"] ?? expect)
    }
    if group == "embedded" {
      let bot = Fixtures.makeBot()
      return same(
        .list(bot.engine.embeddedExpressions(in: input.text).map { .string($0.unparsed) }), expect["commands"] ?? .null)
    }
    if group.hasPrefix("session/") { return checkSession() }
    guard let name = input["fn"]?.stringValue else { return .failed("no function") }
    guard let answer = YetibotFunctions.call(name, input["args"]?.items ?? [], expect) else {
      return .skipped("\(name) belongs to a part that the host has in another form")
    }
    if let wanted = expect["msg"]?.stringValue { _ = wanted; return compare(text: answer.text, expect) }
    return same(answer, expect)
  }

  private var parser: ExpressionParser { ExpressionParser(closing: .first) }

  private func same(_ got: Value, _ wanted: Value) -> Verdict {
    Fixtures.equal(got, wanted) ? .passed : .failed("got \(JSONText.print(got)), expected \(JSONText.print(wanted))")
  }

  private func checkParse() -> Verdict {
    do {
      let tree = try parser.parse(input.text).tree
      if expect["parse_error"] != nil { return .failed("was read as \(JSONText.print(tree))") }
      return same(tree, expect["ast"] ?? .null)
    } catch {
      return expect["parse_error"] != nil ? .passed : .failed("\(error)")
    }
  }

  // MARK: Texts

  /// A text, or a message whose wording is free but whose arguments appear.
  private func compare(text: String, _ wanted: Value, bot: Fixtures? = nil) -> Verdict {
    if let pattern = wanted.stringValue {
      return Fixtures.matches(text, pattern) ? .passed : .failed("got \(text), expected \(pattern)")
    }
    if let topic = wanted["help_of"]?.stringValue {
      var usage = bot?.engine.registry.usage(of: topic)
      if usage == nil, case .usage(let guessed)? = bot?.engine.registry.guess(topic) { usage = guessed }
      let lines = (usage ?? []).joined(separator: "\n")
      return Set(text.split(separator: "\n")) == Set(lines.split(separator: "\n"))
        ? .passed : .failed("got \(text), expected the help of \(topic)")
    }
    if let error = wanted["error"] {
      let start = "💥 Error in `\(error["in"]?.text ?? "")`: "
      guard text.hasPrefix(start), text.hasSuffix(" 💥") else { return .failed("got \(text), expected \(start)…") }
      let message = String(text.dropFirst(start.count).dropLast(2))
      if let exact = error["text"]?.stringValue { return same(.string(message), .string(exact)) }
      return compare(text: message, error, bot: bot)
    }
    for argument in wanted["args"]?.items ?? [] where !text.contains(argument.text) && !isCategoryText(argument.text) {
      return .failed("got \(text), which does not name \(argument.text)")
    }
    return text.isEmpty ? .failed("an empty message") : .passed
  }

  /// The wording of the text that the original shows for a category that is switched off is free too.
  private func isCategoryText(_ text: String) -> Bool { text.contains("commands are disabled") }

  private func compare(value: Value, _ wanted: Value, bot: Fixtures) -> Verdict {
    if wanted["msg"] != nil || (wanted["error"]?["in"] != nil) { return compare(text: value.text, wanted, bot: bot) }
    return Fixtures.equal(value, wanted)
      ? .passed : .failed("got \(JSONText.print(value)), expected \(JSONText.print(wanted))")
  }

  // MARK: Expressions

  private func checkExpression() -> Verdict {
    let bot = Fixtures.makeBot()
    let result: (evaluation: Evaluation, posts: [Post])
    do {
      result = try bot.engine.evaluate(input.text, person: bot.person("alice"), place: bot.place("#general"))
    } catch {
      if error is ParseFailure, expect["value"] == .null {
        return .skipped("a text that cannot be read is reported with its place, instead of no results")
      }
      return expect["raises"] != nil ? .passed : .failed("raised \(error)")
    }
    let evaluation = result.evaluation
    if expect["raises"] != nil { return .failed("raised nothing but answered \(evaluation.value)") }
    var checks: [Verdict] = []
    if expect["error"] != nil {
      guard let error = evaluation.error else { return .failed("no error but \(JSONText.print(evaluation.value))") }
      if expect["error"]?["text_any"] != nil { return .passed }
      return compare(text: error, ["error": expect["error"] ?? .null], bot: bot)
    }
    if let error = evaluation.error { return .failed("ended with \(error)") }
    if let wanted = expect["value"] { checks.append(compare(value: evaluation.value, wanted, bot: bot)) }
    if let wanted = expect["value_unordered"]?.items {
      let got = (evaluation.value.items ?? [evaluation.value]).map { JSONText.print($0) }.sorted()
      checks.append(
        got == wanted.map { JSONText.print($0) }.sorted() ? .passed : .failed("got \(got)"))
    }
    if expect["suppressed"] == true, !evaluation.value.isSuppressed { checks.append(.failed("is not suppressed")) }
    if let wanted = expect["quirk_value"] {
      checks.append(evaluation.value == .null ? .passed : compare(value: evaluation.value, wanted, bot: bot))
    }
    if let chat = expect["chat"], chat != .null {
      let shown = evaluation.value.isTruthy ? DataText.format(evaluation.value).text : ""
      checks.append(compare(text: shown, chat, bot: bot))
    }
    if let wanted = expect["data"], ["eval/data", "eval/render", "eval/propagation"].contains(group) {
      let isNone = (wanted.items ?? [wanted]).allSatisfy { $0 == .null }
      if !(isNone && (evaluation.data == .null || (evaluation.data.items ?? []).allSatisfy { $0 == .null })) {
        checks.append(
          Fixtures.equal(evaluation.data, wanted) ? .passed : .failed("data \(JSONText.print(evaluation.data))"))
      }
    }
    if let wanted = expect["ast_data"] { checks.append(same(evaluation.data, wanted)) }
    if let wanted = expect["received"] { checks.append(compare(received: evaluation.value, wanted)) }
    if let wanted = expect["each_received"]?.items {
      let got = evaluation.value.items ?? []
      if got.count != wanted.count { checks.append(.failed("\(got.count) items")) }
      for (one, other) in zip(got, wanted) { checks.append(compare(received: one, other)) }
    }
    if let topic = expect["help_of"] {
      checks.append(compare(text: DataText.format(evaluation.value).text, ["help_of": topic], bot: bot))
    }
    if let side = expect["side"] { checks.append(compare(posts: result.posts, side.items ?? [], bot)) }
    for case .failed(let why) in checks { return .failed(why) }
    return checks.isEmpty ? .failed("nothing to compare") : .passed
  }

  /// What the fixture fxargs was given.
  private func compare(received: Value, _ wanted: Value) -> Verdict {
    guard let got = try? JSONText.parse(received.text) else { return .failed("got \(received.text)") }
    for member in wanted.members ?? ValueMap() {
      let value = got[member.key] ?? .null
      if member.value == "<anything>" { continue }
      if !Fixtures.equal(value, member.value) {
        return .failed("\(member.key) is \(JSONText.print(value)), expected \(JSONText.print(member.value))")
      }
    }
    return .passed
  }

  private func compare(posts: [Post], _ wanted: [Value], _ bot: Fixtures) -> Verdict {
    let shown = posts.map { "[\($0.kind.rawValue) \($0.room) \($0.text)]" }.joined(separator: " ")
    guard posts.count == wanted.count else { return .failed("posted \(shown), expected \(wanted.count) posts") }
    for (post, wanted) in zip(posts, wanted) {
      guard let parts = wanted.items, parts.count == 3 else { return .failed("a post is not understood") }
      // The kind depends on whether the wording has several lines, so that it is free where the wording is.
      if parts[2].stringValue != nil, post.kind.rawValue != parts[0].text { return .failed("posted \(shown)") }
      guard post.room == parts[1].text else { return .failed("posted \(shown)") }
      if case .failed(let why) = compare(text: post.text, parts[2], bot: bot) { return .failed(why) }
    }
    return .passed
  }

  // MARK: Sessions

  private func checkSession() -> Verdict {
    let bot = Fixtures.makeBot()
    let wanted = expect.items ?? []
    for (index, step) in (input.items ?? []).enumerated() {
      bot.milliseconds += 1000
      let body = step.stringValue ?? step["body"]?.stringValue
      let kind = ChatEvent.Kind(rawValue: step["event"]?.text ?? "message") ?? .message
      let event = ChatEvent(
        kind: kind, person: bot.person(step["user"]?.stringValue ?? "alice"),
        place: bot.place(step["room"]?.stringValue ?? "#general", isPrivate: step["private"] == true), body: body,
        reaction: step["reaction"]?.stringValue, messageAuthor: step["message_user"]?.stringValue.map(bot.person))
      let posts = bot.engine.handle(event)
      let expected = index < wanted.count ? wanted[index].items ?? [] : []
      if case .failed(let why) = compare(posts: posts, expected, bot) { return .failed("step \(index + 1): \(why)") }
    }
    return .passed
  }
}
