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
        Self.on(#"(?s)^\s*[^"'\s].*"#, "cmd <expression> # runs the text as an expression", util) { call in
          let text = Self.extractCommand(call.args, prefix: call.engine.configuration.prefix) ?? call.args
          let evaluation = try call.engine.evaluateText(text, call.context)
          return .plain(evaluation.error.map(Value.string) ?? evaluation.value)
        }
      ])
    define(
      ["tee"],
      [
        Self.on(nil, "tee <collection or text> # says it, and passes it on", ["util", "collection"]) { call in
          let value = call.raw.isSuppressed ? call.raw : call.opts ?? .string(call.args)
          call.engine.postText(value, call.place.room)
          return .record(.init(value, data: call.data))
        }
      ])
    define(
      ["parse"],
      [
        Self.on(#"(?s).+"#, "parse <text> # the tree of an expression", util) { call in
          do {
            let tree = try call.engine.parser.parse(Formatting.removeSurroundingQuotes(call.args)).tree
            return .record(.init(.string(JSONText.print(tree)), data: tree))
          } catch {
            return .failure("\(error)")
          }
        }
      ])
  }

  /// Says a value now; an empty text as "no results".
  func postText(_ value: Value, _ room: String) {
    if value.unmarked == .empty {
      posts.append(Post(kind: .message, room: room, text: Self.noResults))
    } else {
      post(value, room)
    }
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
    var values: [Value] = []
    var data: [Value] = []
    var collections: [Value] = []
    func fail(_ text: String) {
      values.append(nullsFailures ? .null : .string(text))
      data.append(.null)
      collections.append(.null)
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
      // Sub-expressions see the item's data, or the item.
      let command =
        if let text = try call.lateText?(entry == .null ? item : entry) {
          Self.splitCommand(text.trimmed).args
        } else {
          call.args
        }
      var sub = Call(text: command, raw: item, data: entry, hasExactData: true)
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
          collections.append(.null)
        case .record(let answer):
          try call.context.allowance.charge(answer.value)
          values.append(answer.value)
          data.append(answer.data ?? .null)
          collections.append(answer.dataCollection ?? .null)
        }
      } catch let raised as Raised {
        if raised.isLimit { throw raised }
        fail(raised.message)
      }
    }
    return .record(.init(.list(values), data: .list(data), dataCollection: .list(data)))
  }

  private static func repeatCommand(_ call: Invocation) throws -> Outcome {
    let limit = call.context.allowance.limits.repeats
    var count = Int(call.group(1) ?? "") ?? Int.max
    if count > limit {
      count = limit
      call.engine.posts.append(
        Post(
          kind: .message, room: call.place.room,
          text: "\(call.person?.name ?? "somebody"), at most \(limit) times"))
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
