/// Commands that run commands: xargs, repeat, cmd, tee, parse.
extension Yetibot {
  func registerFlow() {
    let util: Set = ["util"]
    define(
      ["xargs"],
      [
        Self.on(
          nil, "xargs <command> <collection> # runs the command once for each item", ["util", "collection"], Self.xargs)
      ])
    define(
      ["repeat"],
      [Self.on(#"^\s*(\d+)\s(.+)"#, "repeat <n> <command> # runs the command n times", util, Self.repeatCommand)])
    define(
      ["cmd"],
      [
        Self.on(
          configuration.quirks.contains(.plainGrammar) ? #"(?s)^\s*[^"'\s].*"# : #"(?s)\S"#,
          "cmd <expression> # runs the text as an expression; in quotes it may have pipes", util
        ) { call in
          var (written, start) = (call.args, Evaluation())
          // A value is piped into an expression in quotes; else it is a part of the expression.
          if !call.quirks.contains(.plainGrammar), let quote = call.args.trimmed.first, quote == "\"" || quote == "'" {
            (written, start) = Self.expression(call.args, given: call)
          }
          let text = Self.extractCommand(written, prefix: call.engine.configuration.prefix) ?? written
          let evaluation = try call.engine.evaluateText(text, call.context, from: start)
          return .plain(evaluation.error.map(Value.string) ?? evaluation.value)
        }
      ])
    define(
      ["tee"],
      [
        Self.on(nil, "tee <collection or text> # says it, and passes it on", ["util", "collection"]) { call in
          let value = call.raw.isSuppressed ? call.raw : call.opts ?? .string(call.args)
          try call.engine.postText(value, call)
          return .record(.init(value, data: call.data))
        }
      ])
    define(
      ["sleep"],
      [
        Self.on(
          #"^\s*(\d+)(?:\s|$)"#, "sleep <milliseconds> # waits, for ten seconds at most, and passes the piped value on",
          ["util", "async"], Self.sleep)
      ])
    define(
      ["parse"],
      [
        Self.on(#"(?s).+"#, "parse <text> # the tree of an expression", util) { call in
          do {
            let tree = try call.engine.parser.parse(call.engine.unquoted(call.args)).tree
            return .record(.init(.string(JSONText.print(tree)), data: tree))
          } catch {
            return .failure("\(error)")
          }
        }
      ])
  }

  /// Says a value now; an empty text as "no results".
  private func postText(_ value: Value, _ call: Invocation) throws {
    let said =
      value.unmarked == .empty
      ? [Post(kind: .message, room: call.place.room, text: Self.noResults)] : posts(for: value, in: call.place.room)
    for post in said { try say(post, call.context.allowance) }
  }

  /// Says something while a command runs, charged to the message.
  func say(_ post: Post, _ allowance: Allowance) throws {
    try allowance.chargePost()
    posts.append(post)
  }

  private static let longestSleep: Int64 = 10_000

  private static func sleep(_ call: Invocation) throws -> Outcome {
    guard let milliseconds = Int64(call.group(1) ?? ""), milliseconds <= longestSleep else {
      return .failure("sleep waits for at most \(longestSleep) milliseconds")
    }
    guard let pause = call.engine.pause else { return .failure("there is nobody here who could wait") }
    let allowance = call.context.allowance
    // One millisecond more than there is left, so that the time is up then.
    try pause(min(milliseconds, allowance.millisecondsLeft + 1), call)
    try allowance.checkTime()
    if call.raw.text.isEmpty, call.opts == nil { return .text("slept for \(TimeSpan.exact(milliseconds))") }
    return .record(
      .init(call.raw, data: call.hasOwnData ? call.data : .null, dataCollection: call.dataCollection))
  }

  private static func xargs(_ call: Invocation) throws -> Outcome {
    guard let items = call.items ?? call.dataCollection.flatMap({ Formatting.items(of: $0) }) else {
      return .failure("expected a collection")
    }
    guard !call.args.isEmpty else {
      return .record(
        .init(
          call.opts ?? (call.quirks.contains(.recordsAsValues) ? .null : .list(items)), data: call.data,
          dataCollection: call.dataCollection))
    }
    let engine = call.engine
    let nullsFailures = call.quirks.contains(.nullsFailedItems)
    let enclosing = call.context.contextualData
    defer { call.context.contextualData = enclosing }
    var values: [Value] = []
    var data: [Value] = []
    func fail(_ text: String) {
      values.append(nullsFailures ? .null : .string(text))
      data.append(.null)
    }
    for (place, item) in items.enumerated() {
      var entry = Value.null
      if let entries = call.entries {
        if place < entries.count {
          entry = entries[place]
        } else if nullsFailures {
          // There, an item that has no entry fails.
          fail("")
          continue
        }
      }
      // Sub-expressions, and what the command evaluates in its turn, see the item's data, or the item.
      let seen = entry == .null ? item : entry
      let command =
        if let text = try call.lateText?(seen) { Self.splitCommand(text).args } else { call.args }
      if !call.quirks.contains(.earlyItems) { call.context.contextualData = seen }
      // Where there is no entry, the item stands for its data.
      var sub = Call(text: command, raw: item, data: entry, hasExactData: call.quirks.contains(.earlyItems))
      if item.isCollection {
        sub.opts = item.unmarked
      } else {
        sub.text = Formatting.pseudoFormat(command, item.text)
        try call.context.allowance.charge(bytes: sub.text.utf8.count)
      }
      do {
        switch try engine.dispatch(sub, call.context) {
        case .failure(let text): fail(text)
        case .plain(let value):
          try call.context.allowance.charge(value)
          values.append(value)
          data.append(value.unsuppressed)
        case .record(let answer):
          try call.context.allowance.charge(answer.value)
          values.append(answer.value)
          data.append(answer.data ?? .null)
        }
      } catch let raised as Raised {
        if raised.isLimit { throw raised }
        fail(raised.message)
      }
    }
    // One entry of data for each item.
    return .record(.init(.list(values), data: .list(data)))
  }

  private static func repeatCommand(_ call: Invocation) throws -> Outcome {
    let limit = call.context.allowance.limits.repeats
    var count = Int(call.group(1) ?? "") ?? Int.max
    if count > limit {
      count = limit
      try call.engine.say(
        Post(
          kind: .message, room: call.place.room,
          text: "\(call.person?.name ?? "somebody"), at most \(limit) times"), call.context.allowance)
    }
    var values: [Value] = []
    var data: [Value] = []
    for _ in 0..<count {
      let sub = Call(
        text: call.group(2) ?? "", opts: call.opts, raw: call.raw, data: call.data, dataCollection: call.dataCollection)
      switch try call.engine.dispatch(sub, call.context) {
      case .failure(let text):
        values.append(.string(text))
        data.append(.null)
      case .plain(let value):
        try call.context.allowance.charge(value)
        values.append(value)
        data.append(.null)
      case .record(let answer):
        try call.context.allowance.charge(answer.value)
        values.append(answer.value)
        data.append(answer.data ?? .null)
      }
    }
    return .record(.init(.list(values), data: .list(data)))
  }
}
