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
      return .skipped("quirk: \(note.isEmpty ? "a record as value" : note)")
    }
    if printsEDN { return .skipped("EDN: what was printed is taken apart, letter by letter; this prints JSON: \(why)") }
    return .failed(why)
  }

  /// Whether the case goes on with the letters of what the original's printer made.
  private var printsEDN: Bool {
    let text = input.stringValue ?? ""
    let isPrinted = ["raw", "data ", "prn", "parse "].contains { text.contains($0) } || text.contains("unwords")
    let shown = [expect["value"], expect["chat"]].compactMap { $0?.text }
    return isPrinted
      && shown.contains { $0.contains("[") || $0.contains("(") || $0.contains("{") || $0.contains("nil") }
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
      return .failed("\(name) is no function here")
    }
    return compare(answer: answer)
  }

  /// What a function answered, where the case may describe the answer.
  private func compare(answer: Value) -> Verdict {
    if expect["msg"] != nil { return compare(text: answer.text, expect) }
    if let pattern = expect["matches"]?.stringValue {
      let isMatched = (try? Pattern(pattern))?.occurs(in: answer.text) ?? false
      return isMatched ? .passed : .failed("got \(answer.text), which does not match \(pattern)")
    }
    if let parts = expect["contains"]?.items {
      guard let missing = parts.first(where: { !answer.text.contains($0.text) }) else { return .passed }
      // A function that looked for the parts itself answers with the description.
      return answer == expect ? .passed : .failed("got \(answer.text), which does not have \(missing.text)")
    }
    if expect["errors"] == true {
      return answer["errors"]?.items?.isEmpty == false ? .passed : .failed("got \(JSONText.print(answer))")
    }
    if let text = expect.stringValue, isPrinted, PrintedText.sayTheSame(answer.text, text) { return .passed }
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
      return Fixtures.matches(text, pattern) || (isPrinted && PrintedText.sayTheSame(text, pattern))
        ? .passed : .failed("got \(text), expected \(pattern)")
    }
    if let topic = wanted["help_of"]?.stringValue {
      guard let bot else { return .failed("no bot") }
      if isHelp(text, of: topic, bot, exactly: true) { return .passed }
      // A case names the last command of a pipe; where an earlier one answered with its usage, the lines are that one's, and what comes
      // after may have changed each of them. A word that is no command at all answers with the usage of help.
      let words = input.text.split { " |`$(){}:".contains($0) }.map(String.init) + ["help"]
      return words.contains { isHelp(text, of: $0, bot, exactly: false) }
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

  /// Whether a text is made of the usage lines of a topic, in any order; exactly, or with something before or behind each.
  private func isHelp(_ text: String, of topic: String, _ bot: Fixtures, exactly: Bool) -> Bool {
    var usage = bot.engine.registry.usage(of: topic)
    if usage == nil, exactly, case .usage(let guessed) = bot.engine.registry.guess(topic) { usage = guessed }
    guard let lines = usage?.flatMap({ $0.split(separator: "\n") }), !lines.isEmpty else { return false }
    let got = text.split(separator: "\n")
    if exactly { return Set(got) == Set(lines) }
    return lines.allSatisfy { line in got.contains { $0.contains(line) } }
  }

  /// Whether the case shows what the original's printer made of a value.
  private var isPrinted: Bool {
    let text = input.stringValue ?? ""
    return ["eval/raw", "eval/data-show", "format/structure"].contains(group)
      || ["raw", "data", "prn", "json", "nil", "parse"].contains { text.contains($0) }
  }

  /// The wording of the text that the original shows for a category that is switched off is free too.
  private func isCategoryText(_ text: String) -> Bool { text.contains("commands are disabled") }

  private func compare(value: Value, _ wanted: Value, bot: Fixtures) -> Verdict {
    if wanted["msg"] != nil || (wanted["error"]?["in"] != nil) { return compare(text: value.text, wanted, bot: bot) }
    let text = value.stringValue
    let isSame =
      isPrinted && text != nil && wanted.stringValue != nil && PrintedText.sayTheSame(text ?? "", wanted.text)
    return isSame || Fixtures.equal(value, wanted)
      ? .passed : .failed("got \(JSONText.print(value)), expected \(JSONText.print(wanted))")
  }

  // MARK: Expressions

  private func checkExpression() -> Verdict {
    let bot = Fixtures.makeBot()
    let result: (evaluation: Evaluation, posts: [Post])
    do {
      result = try bot.engine.evaluate(input.text, person: bot.person("alice"), place: bot.place("#general"))
    } catch {
      return expect["raises"] != nil ? .passed : .failed("raised \(error)")
    }
    let evaluation = result.evaluation
    if expect["raises"] != nil { return .failed("raised nothing but answered \(JSONText.print(evaluation.value))") }
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
    if expect["suppressed"] == true {
      checks.append(evaluation.value.isSuppressed ? .passed : .failed("is not suppressed"))
    }
    if let wanted = expect["quirk_value"] {
      checks.append(evaluation.value == .null ? .passed : compare(value: evaluation.value, wanted, bot: bot))
    }
    if let chat = expect["chat"], chat != .null {
      let shown = evaluation.value.isTruthy ? bot.engine.shown(evaluation.value).text : ""
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
      checks.append(compare(text: bot.engine.shown(evaluation.value).text, ["help_of": topic], bot: bot))
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
