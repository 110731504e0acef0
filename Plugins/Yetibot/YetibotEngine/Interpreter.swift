/// Evaluation: the fold over a pipe, and the dispatch of one command.
extension Yetibot {
  /// Evaluates a parsed expression from left to right; a sub-expression runs when the turn of its command has come.
  func evaluate(_ expression: Expression, _ context: Context) throws -> Evaluation {
    try context.allowance.deeper { try fold(expression, context) }
  }

  private func fold(_ expression: Expression, _ context: Context) throws -> Evaluation {
    var state = Evaluation()
    let skip = Invocation.SkipCounter()
    let commands = expression.commands
    for (index, command) in commands.enumerated() {
      if skip.count > 0 {
        skip.count -= 1
        continue
      }
      let enclosing = context.contextualData
      context.contextualData = state.data
      defer { context.contextualData = enclosing }
      let text = try text(of: command, context)
      context.contextualData = index == 0 ? enclosing : .null
      var merged = text
      var opts: Value?
      let previous = state.value.unmarked
      switch previous {
      case .list, .map: opts = previous
      case .string(let string):
        if let lines = Formatting.lineCollection(string) {
          opts = .strings(lines)
        } else if !string.isEmpty {
          merged = Formatting.pseudoFormat(text, string)
        }
      case .null: break
      default: merged = Formatting.pseudoFormat(text, previous.text)
      }
      try context.allowance.charge(bytes: merged.utf8.count)
      let next = commands[(index + 1)...]
      let call = Call(
        text: merged, opts: opts, raw: state.value, data: state.data, contextualData: index == 0 ? enclosing : .null,
        dataCollection: state.dataCollection, nextCommands: next.isEmpty ? nil : { next.map(\.unparsed) }, skip: skip)
      switch try dispatch(call, context) {
      case .failure(let message):
        var failed = Evaluation()
        failed.error = "💥 Error in `\(text)`: \(message) 💥"
        failed.value = .null
        return failed
      case .plain(let value):
        try context.allowance.charge(value)
        state.value = value
      case .record(let answer):
        guard answer.value.isTruthy else {
          state.value = configuration.quirks.contains(.recordsAsValues) ? answer.asMap : .null
          continue
        }
        try context.allowance.charge(answer.value)
        state.value = answer.value
        state.data = answer.data ?? .null
        state.dataCollection = answer.collection
      }
    }
    return state
  }

  /// The text of a command: its items one after another, each sub-expression as the text of its result.
  private func text(of command: Expression.Command, _ context: Context) throws -> String {
    var text = ""
    for item in command.items {
      switch item {
      case .text(let part): text += part
      case .space: text += " "
      case .literal(let quote, let part):
        text.append(quote)
        text += part
        text.append(quote)
      case .expression(let inner):
        let saved = context.contextualData
        defer { context.contextualData = saved }
        text += try evaluate(inner, context).text
        try context.allowance.charge(bytes: text.utf8.count)
      }
    }
    return text
  }

  /// What one command is dispatched with.
  struct Call {
    var text: String
    var opts: Value? = nil
    var raw: Value = .empty
    var data: Value = .null
    var contextualData: Value = .null
    var dataCollection: Value? = nil
    var nextCommands: (() -> [String])? = nil
    var skip = Invocation.SkipCounter()
    var isFallback = false
    /// Whether `data` is handed over as it is, null too.
    var hasExactData = false
  }

  /// The word and what follows the first white space.
  public static func splitCommand(_ text: String) -> (command: String, args: String) {
    let bytes = text.utf8
    guard let end = bytes.firstIndex(where: { $0 == 0x20 || ($0 >= 0x09 && $0 <= 0x0D) }) else { return (text, "") }
    return (String(text[..<end]), String(text[bytes.index(after: end)...]))
  }

  /// Runs one command: those that hook commands first, then the checks, then the handler.
  func dispatch(_ call: Call, _ context: Context) throws -> Outcome {
    try context.allowance.chargeCommand()
    return try context.allowance.deeper {
      do {
        for hook in hooks {
          let (word, args) = Self.splitCommand(call.text)
          if let outcome = try hook.run(invocation(call, word, args, match: [args], context)) { return outcome }
        }
        return try dispatchUnhooked(call, context)
      } catch let complaint as Complaint {
        return .failure(complaint.text)
      } catch let failure as Pattern.Failure {
        throw Raised(failure.description)
      }
    }
  }

  private func dispatchUnhooked(_ call: Call, _ context: Context) throws -> Outcome {
    let (word, args) = Self.splitCommand(call.text)
    if configuration.adminCommands.contains(word), !isAdmin(context.person) {
      return .failure("\(word) is for administrators only")
    }
    guard let entry = registry.command(for: word) else { return try fallBack(call, context) }
    var found: (Registry.Handler, [String?])?
    for handler in entry.handlers {
      guard let pattern = handler.pattern else {
        found = (handler, [args])
        break
      }
      let text = PatternText(args)
      let match = pattern.firstMatch(in: text, budget: &context.allowance.patternSteps)
      try context.allowance.checkPatterns()
      if let match {
        found = (handler, match.ranges.map { $0.map(text.string) })
        break
      }
    }
    // The switch itself is never switched off, so that a room cannot lock itself out.
    if let (handler, _) = found, word != "category" {
      let disabled = disabledCategories(context.place)
      if !disabled.isEmpty {
        let blocking = handler.categories.intersection(disabled).sorted()
        if !blocking.isEmpty {
          return .text("\(blocking.joined(separator: ", ")) commands are disabled in this channel 🖐")
        }
      }
    }
    guard isEnabled(word) else { return try fallBack(call, context) }
    guard let (handler, match) = found else { return .lines(registry.usage(of: entry.topic) ?? []) }
    return try handler.run(invocation(call, word, args, match: match, context))
  }

  private func invocation(
    _ call: Call, _ word: String, _ args: String, match: [String?], _ context: Context
  ) -> Invocation {
    let data =
      call.hasExactData
      ? call.data
      : call.data.isTruthy ? call.data : call.contextualData.isTruthy ? call.contextualData : call.raw.unmarked
    return Invocation(
      command: word, args: args, match: match, opts: call.opts, raw: call.raw, data: data,
      dataCollection: call.dataCollection, nextCommands: call.nextCommands?(), skip: call.skip, context: context,
      isFallback: call.isFallback)
  }

  /// A command that nobody knows goes to the default command with its whole text.
  private func fallBack(_ call: Call, _ context: Context) throws -> Outcome {
    if call.isFallback { return .text("I don't know how to handle \(call.text)") }
    let (word, args) = Self.splitCommand(call.text)
    if let unknown = unknownCommand {
      if let outcome = try unknown(invocation(call, word, args, match: [args], context)) { return outcome }
    }
    guard configuration.isFallbackEnabled else { return .plain(.suppressed(.map(ValueMap()))) }
    var again = call
    again.text = "\(configuration.defaultCommand) \(call.text)"
    again.isFallback = true
    return try dispatch(again, context)
  }
}
