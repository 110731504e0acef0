/// Commands on text: echo, list, range, words, letters, split, trim, decode, join and so on.
extension Yetibot {
  func registerText() {
    let util: Set = ["util"]
    let both: Set = ["util", "collection"]
    define(["echo"], [Self.on(nil, "echo <text> # answers with the text", util, Self.echo)])
    define(["list"], [Self.on(nil, "list <items> # makes a list of items between commas or spaces", both, Self.list)])
    define(
      ["range"],
      [
        Self.on(
          #"^\s*(\d+)\s+(\d+)\s+(\d+)\s*$"#,
          "range <start> <end> <step> # the numbers from start to before end, each step apart", both
        ) { try Self.range($0, $0.group(1), $0.group(2), $0.group(3)) },
        Self.on(#"^\s*(\d+)\s+(\d+)\s*$"#, "range <start> <end> # the numbers from start to before end", both) {
          try Self.range($0, $0.group(1), $0.group(2), nil)
        },
        Self.on(#"^\s*(\d+)\s*$"#, "range <end> # the numbers from 0 to before end", both) {
          try Self.range($0, nil, $0.group(1), nil)
        },
      ])
    define(
      ["words"],
      [
        Self.on(nil, "words <text> # the pieces of the text between spaces", both) {
          .lines($0.args.pieces { $0 == " " })
        }
      ])
    define(
      ["letters"],
      [Self.on(nil, "letters <text> # the characters of the text", both) { .lines($0.args.map { String($0) }) }])
    define(
      ["unwords"],
      [
        Self.on(nil, "unwords <collection> # the items joined by a space", both) { call in
          .text(call.items.map { $0.map(\.text).joined(separator: " ") } ?? call.args)
        }
      ])
    define(
      ["join"],
      [
        Self.on(nil, "join [<separator>] <collection> # the items joined by the separator", both) { call in
          var separator = call.args
          // In quotes, spaces at its ends are seen, and no chat takes them away.
          if !call.quirks.contains(.plainGrammar), let quote = separator.first, quote == "\"" || quote == "'",
            separator.count > 2, separator.last == quote
          {
            separator = String(separator.dropFirst().dropLast())
          }
          return .text(Formatting.joined(try call.needItems().lazy.map(\.text), by: separator))
        }
      ])
    define(
      ["split"],
      [
        Self.on(
          #"(?s)^(\S+)\s(.+)$"#, "split <pattern> <string> # split string with <pattern>", both,
          Self.split)
      ])
    define(
      ["trim"],
      [
        Self.on(nil, "trim <text> # the text without white space at its ends", util) { call in
          .record(
            .init(
              .string(call.args.trimmed), data: call.hasOwnData ? call.data : .null, dataCollection: call.dataCollection
            ))
        }
      ])
    define(
      ["decode"],
      [
        Self.on(nil, "decode <text> # the text with HTML entities resolved", util) { call in
          if let items = call.opts.flatMap({ Formatting.items(of: $0) }) {
            return .plain(.list(items.map { .string(Entities.decode($0.text)) }))
          }
          return .text(Entities.decode(call.args))
        }
      ])
    define(
      ["unquote"],
      [
        Self.on(nil, "unquote <text> # the text without the quotes at its ends", util) {
          .text($0.engine.unquoted($0.args))
        }
      ])
    define(["error"], [Self.on(nil, "error <message> # ends the expression with an error", util) { .failure($0.args) }])
    define(
      ["nil"],
      [Self.on(nil, "nil # takes everything and says nothing", util) { _ in .plain(.suppressed(.map(ValueMap()))) }])
  }

  private static func echo(_ call: Invocation) -> Outcome {
    var members: [ValueMap.Member] = [
      ("cmd", .string(call.command)), ("args", .string(call.args)), ("raw", call.raw.unmarked),
      ("room", .string(call.place.room)),
    ]
    if let opts = call.opts { members.append(("opts", opts)) }
    if let user = call.context.personRecord { members.append(("user", user)) }
    return .record(.init(.string(call.args), data: .map(ValueMap(distinct: members))))
  }

  private static func list(_ call: Invocation) -> Outcome {
    if !call.quirks.contains(.plainGrammar), let items = quotedItems(call.args) { return .lines(items) }
    if call.args.contains(",") {
      return .lines(call.args.pieces { $0 == "," }.map(\.trimmed))
    }
    return .lines(call.args.pieces(separatedBy: \.isSpace))
  }

  /// The items of a text in which some stand in quotes, without the quotes: between commas if there is one, else between
  /// spaces. nil for a text without items in quotes.
  private static func quotedItems(_ text: String) -> [String]? {
    guard text.utf8.contains(0x22) || text.utf8.contains(0x27) else { return nil }
    let (items, count) = quotedItems(text, between: ",")
    return count > 1 ? items : quotedItems(text, between: " ").items
  }

  /// The same between separators of one kind, and between how many there is something; no items where a quote is not closed, or something
  /// else stands beside what is quoted.
  private static func quotedItems(_ text: String, between separator: Character) -> (items: [String]?, count: Int) {
    var items: [(text: String, isQuoted: Bool)] = [("", false)]
    var quote: (mark: Character, text: String)?
    var isMixed = false
    for character in text {
      let last = items.count - 1
      if let open = quote {
        if character == open.mark {
          items[last] = (open.text, true)
          quote = nil
        } else {
          quote?.text.append(character)
        }
      } else if character == "\"" || character == "'", items[last].text.trimmed.isEmpty, !items[last].isQuoted {
        quote = (character, "")
      } else if character == separator {
        items.append(("", false))
      } else if !items[last].isQuoted {
        items[last].text.append(character)
      } else if character != " " {
        isMixed = true
      }
    }
    guard quote == nil, !isMixed, items.contains(where: \.isQuoted) else { return (nil, items.count) }
    return (items.map { $0.isQuoted ? $0.text : $0.text.trimmed }, items.count)
  }

  private static func range(_ call: Invocation, _ start: String?, _ end: String?, _ step: String?) throws -> Outcome {
    guard let start = Int64(start ?? "0"), let end = Int64(end ?? "0"), let step = Int64(step ?? "1") else {
      return .failure("a range needs smaller numbers")
    }
    guard step > 0 else { return .failure("a range with the step 0 does not end") }
    let limit = call.context.allowance.limits.rangeItems
    guard end <= start || (end - start - 1) / step < limit else {
      return .failure("a range of more than \(limit) items")
    }
    return .lines(stride(from: start, to: end, by: Int64.Stride(step)).map { String($0) })
  }

  private static func split(_ call: Invocation) throws -> Outcome {
    let pieces = try PatternSearch.split(
      call.group(2) ?? "", by: try Pattern(call.group(1) ?? ""), call.context.allowance)
    return .lines(pieces)
  }
}
