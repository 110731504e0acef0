/// Evaluation: the fold over a pipe, and the dispatch of one command.
extension Yetibot {
  /// Evaluates a parsed expression from left to right; a sub-expression runs when the turn of its command has come.
  ///
  /// - Parameter start: what is piped into its first command.
  func evaluate(
    _ expression: Expression, _ context: Context, from start: Evaluation = Evaluation()
  ) throws -> Evaluation {
    try context.allowance.deeper { try fold(expression, context, start) }
  }

  private func fold(_ expression: Expression, _ context: Context, _ start: Evaluation) throws -> Evaluation {
    var state = start
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
      // What stands in the command of `xargs` is evaluated for each item, by it.
      let isLate = isEvaluatedLate(command)
      let text = isLate ? command.unparsed : try text(of: command, context)
      // What a command evaluates in its turn sees the same.
      context.contextualData = index == 0 ? enclosing : state.data
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
        dataCollection: state.dataCollection, nextCommands: next.isEmpty ? nil : { next.map(\.unparsed) }, skip: skip,
        lateText: isLate ? { try self.text(of: command, withData: $0, context) } : nil)
      switch try dispatch(call, context) {
      case .failure(let message):
        var failed = Evaluation()
        // The error of a command inside says where it was.
        failed.error =
          !configuration.quirks.contains(.plainAliases) && message.hasPrefix(Self.errorMark)
          ? message : "\(Self.errorMark)\(text)`: \(message) 💥"
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

  private static let errorMark = "💥 Error in `"

  /// The text of a command: its items one after another, each sub-expression as the text of its result.
  private func text(of command: Expression.Command, _ context: Context) throws -> String {
    var text = ""
    for item in command.items {
      switch item {
      case .text(let part): text += part
      case .space: text += " "
      case .escaped(let part): text += part
      case .literal(let quote, let part):
        text.append(quote)
        text += part
        text.append(quote)
      case .expression(let inner):
        let saved = context.contextualData
        defer { context.contextualData = saved }
        let result = try evaluate(inner, context)
        let isEmptyMap = result.error == nil && result.value.members?.isEmpty ?? false
        text += isEmptyMap && configuration.quirks.contains(.silentEmpties) ? "{}" : result.text
        try context.allowance.charge(bytes: text.utf8.count)
      }
    }
    return text
  }

  /// The text with the data that its sub-expressions see.
  private func text(of command: Expression.Command, withData data: Value, _ context: Context) throws -> String {
    let saved = context.contextualData
    context.contextualData = data
    defer { context.contextualData = saved }
    return try text(of: command, context)
  }

  private func isEvaluatedLate(_ command: Expression.Command) -> Bool {
    guard !configuration.quirks.contains(.earlyItems),
      case .text("xargs")? = command.items.first(where: { $0 != .space })
    else { return false }
    return command.items.contains { if case .expression = $0 { true } else { false } }
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
    /// Whether those who bring commands have passed it on.
    var wasOffered = false
    /// Makes the text again, with the data of an item; nil where it is made already.
    var lateText: ((Value) throws -> String)? = nil
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
    var call = call
    // What stands before the word, as behind a pipe with a line feed, is not meant.
    if !configuration.quirks.contains(.plainGrammar), call.text.unicodeScalars.first?.isSpace ?? false {
      call.text = String(call.text.unicodeScalars.drop(while: \.isSpace))
    }
    return try context.allowance.deeper {
      do {
        let (word, args) = Self.splitCommand(call.text)
        // What somebody may not do, others are not asked about either.
        if !call.wasOffered, refused(word, context.person) == nil {
          for hook in hooks {
            if let outcome = try hook.run(invocation(call, word, args, match: [args], context)) { return outcome }
          }
          let hooked = registry.hooked(for: word)
          if !hooked.isEmpty { return try dispatchHooked(call, word, args, hooked, context) }
        }
        return try dispatchUnhooked(call, word, args, context)
      } catch let complaint as Complaint {
        return .failure(complaint.text)
      } catch let failure as ParseFailure {
        // A text that a command made, or was given to run.
        return .failure(failure.description)
      } catch let failure as Pattern.Failure {
        throw Raised(failure.description)
      }
    }
  }

  /// Why somebody may not use a command.
  private func refused(_ word: String, _ person: ChatPerson?) -> Outcome? {
    if configuration.adminCommands.isEmpty, configuration.commandRoles.isEmpty { return nil }
    if configuration.adminCommands.contains(word), !isAdmin(person) {
      return .failure("\(word) is for administrators only")
    }
    if let roles = configuration.commandRoles[word], !isAdmin(person), roles.isDisjoint(with: person?.roles ?? []) {
      return .failure("\(word) is for \(roles.sorted().joined(separator: ", ")) only")
    }
    return nil
  }

  /// A command that others bring: the same checks as for one of the engine's own.
  private func dispatchHooked(
    _ call: Call, _ word: String, _ args: String, _ hooked: [HookedCommand], _ context: Context
  ) throws -> Outcome {
    if let blocked = try blocked(hooked.reduce(into: []) { $0.formUnion($1.categories) }, word, context) {
      return blocked
    }
    guard isEnabled(word) else { return try dispatchUnhooked(call, word, args, context) }
    if let runHooked, let outcome = try runHooked(invocation(call, word, args, match: [args], context), hooked) {
      return outcome
    }
    // Its own command of the same name, or how it is used.
    if registry.command(for: word) == nil { return usage(hooked.flatMap(\.usage)) }
    var passed = call
    passed.wasOffered = true
    return try dispatchUnhooked(passed, word, args, context)
  }

  /// What is said when one of the categories is switched off in the room. The switch itself is never switched off, so that a room
  /// cannot lock itself out.
  private func blocked(_ categories: Set<String>, _ word: String, _ context: Context) throws -> Outcome? {
    guard word != "category" else { return nil }
    let disabled = disabledCategories(context.place)
    guard !disabled.isEmpty else { return nil }
    let blocking = categories.intersection(disabled).sorted()
    guard !blocking.isEmpty else { return nil }
    if context.isUnasked { throw Raised("\(word) is switched off here", isLimit: true) }
    return .text("\(blocking.joined(separator: ", ")) commands are disabled in this channel 🖐")
  }

  private func dispatchUnhooked(
    _ call: Call, _ word: String, _ args: String, _ context: Context
  ) throws -> Outcome {
    let entry = registry.command(for: word)
    let found = try entry.flatMap { try handler(of: $0, for: args, context) }
    for rule in DispatchRule.inOrder {
      switch rule {
      case .adminOnly:
        if let refused = refused(word, context.person) { return refused }
      case .disabledCategory:
        if let handler = found?.handler, let blocked = try blocked(handler.categories, word, context) { return blocked }
      case .unknownCommand:
        if entry == nil { return try fallBack(call, context) }
      case .notEnabled:
        if !isEnabled(word) { return try fallBack(call, context) }
      case .noSubPattern:
        if let entry, found == nil { return usage(registry.usage(of: entry.topic) ?? []) }
      case .run:
        if let (handler, match) = found {
          return try handler.run(invocation(call, word, args, match: match, context))
        }
      }
    }
    return .plain(.null)
  }

  /// The first handler that takes the arguments, and what its pattern found.
  private func handler(
    of entry: Registry.Entry, for args: String, _ context: Context
  ) throws -> (handler: Registry.Handler, match: [String?])? {
    for handler in entry.handlers {
      guard let pattern = handler.pattern else { return (handler, [args]) }
      let text = PatternText(args)
      let match = pattern.firstMatch(in: text, budget: &context.allowance.patternSteps)
      try context.allowance.checkPatterns()
      if let match { return (handler, match.ranges.map { $0.map(text.string) }) }
    }
    return nil
  }

  /// Usage lines as a command's value.
  func usage(_ lines: [String]) -> Outcome {
    configuration.quirks.contains(.oddSets) ? .plain(.set(lines.map(Value.string))) : .lines(lines)
  }

  private func invocation(
    _ call: Call, _ word: String, _ args: String, match: [String?], _ context: Context
  ) -> Invocation {
    let data =
      call.hasExactData
      ? call.data
      : call.data.isTruthy ? call.data : call.contextualData.isTruthy ? call.contextualData : call.raw.unsuppressed
    return Invocation(
      command: word, args: args, match: match, opts: call.opts, raw: call.raw, data: data,
      dataCollection: call.dataCollection, nextCommands: call.nextCommands?(), skip: call.skip, context: context,
      isFallback: call.isFallback, lateText: call.lateText)
  }

  /// A command that nobody knows goes to the default command with its whole text.
  private func fallBack(_ call: Call, _ context: Context) throws -> Outcome {
    if call.isFallback { return .text("I don't know how to handle \(call.text)") }
    let (word, args) = Self.splitCommand(call.text)
    if let unknown = unknownCommand, !call.wasOffered, isEnabled(word) {
      if let outcome = try unknown(invocation(call, word, args, match: [args], context)) { return outcome }
    }
    guard configuration.isFallbackEnabled else { return .plain(.suppressed(.map(ValueMap()))) }
    var again = call
    again.text = "\(configuration.defaultCommand) \(call.text)"
    again.isFallback = true
    return try dispatch(again, context)
  }
}
