/// Small commands that the original lacks and whose work its users did with whole programming languages.
extension Yetibot {
  func registerVerbs() {
    let util: Set = ["util"]
    let both: Set = ["util", "collection"]
    define(
      ["calc"],
      [
        Self.on(#"(?s)^\s*(\S.*)$"#, "calc <2 * (3 + 4)> # what comes out: + - * / % ^ and parentheses", util) { call in
          do { return .plain(try Arithmetic.value(of: call.group(1) ?? "")) } catch let failure as Arithmetic.Failure {
            return .failure(failure.description)
          }
        }
      ])
    define(
      ["map"],
      [
        Self.on(
          #"(?s)^\s*(\S.*)$"#,
          "map <expression> <collection> # pipes each item into the expression; in quotes it may have pipes", both
        ) { call in
          let expression = try call.engine.parser.parse(call.engine.unquoted(call.group(1) ?? ""))
          var values: [Value] = []
          var data: [Value] = []
          for (place, item) in try call.needItems().enumerated() {
            let entry = call.entries.flatMap { $0.indices.contains(place) ? $0[place] : nil } ?? .null
            let result = try call.engine.evaluate(
              expression, call.context, from: Evaluation(value: item, data: entry))
            values.append(result.error.map(Value.string) ?? result.value)
            data.append(result.data)
          }
          return .record(.init(.list(values), data: .list(data)))
        }
      ])
    define(
      ["reduce"],
      [
        Self.on(
          #"(?s)^\s*(\S.*)$"#,
          "reduce <command> <collection> # makes one value of all: %1 is what was made so far, %2 the next item", both
        ) { call in
          let command = call.group(1) ?? ""
          let items = try call.needItems()
          guard var made = items.first else { return .failure("there is nothing to reduce") }
          for item in items.dropFirst() {
            let text = Formatting.pseudoFormatN(command, [made.text, item.text])
            try call.context.allowance.charge(bytes: text.utf8.count)
            switch try call.engine.dispatch(Call(text: text, raw: item), call.context) {
            case .failure(let message): return .failure(message)
            case .plain(let value): made = value
            case .record(let answer): made = answer.value
            }
            try call.context.allowance.charge(made)
          }
          return .plain(made)
        }
      ])
    define(
      ["pluck"],
      [
        Self.on("^\\s*(\(JSONPath.pattern))", "pluck <path> # makes what the path selects in the data the value", both)
        { call in
          let selection = try JSONPath(call.group(1) ?? "$").select(in: call.data)
          return .record(.init(selection, data: selection))
        }
      ])
    for (name, isWanted) in [("when", true), ("unless", false)] {
      define(
        [name],
        [
          Self.on(
            #"(?s)^\s*(\S+)\s+(\S.*)$"#,
            "\(name) <pattern> <expression> # pipes the value on into the expression \(name) the pattern is found in it",
            util
          ) { try Self.choose($0, whenFound: isWanted) }
        ])
    }
    define(
      ["replace"],
      [
        Self.on(
          #"(?s)^(\S+)\s(\S*)\s(.+)$"#,
          "replace <pattern> <replacement> <text> # the text with all that the pattern finds replaced",
          util
        ) { call in
          .text(
            try PatternSearch.replace(
              try Pattern(call.group(1) ?? ""), in: call.group(3) ?? "", by: call.group(2) ?? "", .sed,
              call.context.allowance))
        }
      ])
    define(
      ["tr"],
      [
        Self.on(
          #"(?s)^(\S+)\s(\S+)\s(.+)$"#,
          "tr <characters> <others> <text> # other characters in their place; a-z is a range", util
        ) { call in
          let from = Self.characters(call.group(1) ?? "")
          let to = Self.characters(call.group(2) ?? "")
          guard let last = to.last else { return .failure("there is nothing to put in their place") }
          var places: [Character: Character] = [:]
          for (index, character) in from.enumerated() { places[character] = index < to.count ? to[index] : last }
          return .text(String((call.group(3) ?? "").map { places[$0] ?? $0 }))
        }
      ])
    define(
      ["unique"],
      [
        Self.on(nil, "unique <collection> # each item once, in the order of their first", both, Self.distinct)
      ])
    define(
      ["nth"],
      [
        Self.on(#"^\s*(-?\d+)\s*$"#, "nth <n> <collection> # the nth item, from 1; negative from the end", both) {
          call in
          let items = try call.needItems()
          let number = Int(call.group(1) ?? "") ?? 0
          let index = number > 0 ? number - 1 : items.count + max(number, -items.count - 1)
          guard number != 0, items.indices.contains(index) else {
            return .failure("there is no item \(number) of \(items.count)")
          }
          return Self.one(index, of: items, call.entries)
        }
      ])
    define(["upper"], [Self.on(nil, "upper <text> # in capitals", util) { .text($0.args.uppercased()) }])
    define(["lower"], [Self.on(nil, "lower <text> # without capitals", util) { .text($0.args.lowercased()) }])
    define(
      ["title"],
      [
        Self.on(nil, "title <text> # each word with a capital", util) { call in
          .text(
            call.args.split(separator: " ", omittingEmptySubsequences: false).map(\.capitalized).joined(separator: " "))
        }
      ])
    define(
      ["length"], [Self.on(nil, "length <text> # how many characters", util) { .plain(.int(Int64($0.args.count))) }])
  }

  private static func choose(_ call: Invocation, whenFound isWanted: Bool) throws -> Outcome {
    let pattern = try Pattern(call.group(1) ?? "", ignoringCase: true)
    let (command, start) = expression(call.group(2) ?? "", given: call)
    let allowance = call.context.allowance
    let isFound =
      try call.items?.contains { try PatternSearch.occurs(pattern, in: $0.text, allowance) }
      ?? PatternSearch.occurs(pattern, in: call.raw.text, allowance)
    guard isFound == isWanted else {
      return .record(.init(call.raw, data: call.data, dataCollection: call.dataCollection))
    }
    let result = try call.engine.evaluate(try call.engine.parser.parse(command), call.context, from: start)
    if let error = result.error { return .text(error) }
    return .record(.init(result.value, data: result.data, dataCollection: result.dataCollection))
  }

  /// An expression that a command is given, without its quotes, and what is piped into it: what the pipe appended to the text is the
  /// value, and no part of the expression. Where the value stands for `%s` already, it is not piped too.
  static func expression(_ text: String, given call: Invocation) -> (text: String, start: Evaluation) {
    var text = text
    var start = Evaluation()
    let appended = " " + call.raw.text
    if call.opts != nil || (appended.utf8.count > 1 && text.hasSuffix(appended)) {
      if call.opts == nil { text.removeLast(appended.count) }
      start = Evaluation(value: call.raw, data: call.data)
      start.dataCollection = call.dataCollection
    }
    return (call.engine.unquoted(text), start)
  }

  /// The characters of a set such as `a-z_`.
  private static func characters(_ text: String) -> [Character] {
    var result: [Character] = []
    var scalars = Array(text.unicodeScalars)[...]
    while let low = scalars.popFirst() {
      guard scalars.first == "-", let high = scalars.dropFirst().first, low <= high, high.value - low.value < 512 else {
        result.append(Character(low))
        continue
      }
      scalars.removeFirst(2)
      result += (low.value...high.value).compactMap(Unicode.Scalar.init).map { Character($0) }
    }
    return result
  }
}
