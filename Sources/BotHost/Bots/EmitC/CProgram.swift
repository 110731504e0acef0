/// A bot as one C source against `bothost.h`: a function a node, named by its hash, and the tables that tie them together.
public struct CProgram {
  public let source: String
  /// The names of the functions, by the hashes of their nodes.
  public let symbols: [String: String]

  /// - Parameter build: for `UnitTarget.c`.
  public init(_ build: BotBuild) throws {
    let program = build.program
    if let failure = build.failures.first { throw CEmitProblem(description: failure) }
    var functions: [CUnit.Function] = []
    var known: [String: String] = [:]
    for unit in build.units {
      for function in try CUnit.functions(unit.content) {
        guard let other = known[function.hash] else {
          known[function.hash] = function.text
          functions.append(function)
          continue
        }
        guard other == function.text else {
          throw CEmitProblem(description: "the node \(function.hash) has two meanings in the bot")
        }
      }
    }
    symbols = Self.symbols(functions.map(\.hash))
    let names = CSymbolTable(program)
    var text = Self.head(program, names)
    text += CRuntimeText.source + CRuntimeEvents.source + CRuntimeSteps.source + CRuntimeRuns.source
    text += CRuntimeLife.configuration
    text +=
      "/* ---- The nodes of the bot ---------------------------------------------------------------------------------- */\n\n"
    for function in functions { text += Self.rename(function.text, symbols) + "\n" }
    text += try Self.tables(program, names, symbols)
    text += CRuntimeLife.source + "\n"
    source = text
  }

  /// `n_` and sixteen digits; as many more as it takes to tell them apart.
  static func symbols(_ hashes: [String]) -> [String: String] {
    var symbols: [String: String] = [:]
    let sorted = Set(hashes).sorted()
    for (index, hash) in sorted.enumerated() {
      var length = 16
      for other in [index > 0 ? sorted[index - 1] : "", index + 1 < sorted.count ? sorted[index + 1] : ""] {
        while length < hash.utf8.count, other.hasPrefix(hash.prefix(length)) { length += 1 }
      }
      symbols[hash] = "n_" + hash.prefix(length)
    }
    return symbols
  }

  private static func rename(_ text: String, _ symbols: [String: String]) -> String {
    var result = ""
    var rest = text[...]
    while let found = rest.firstRange(of: "n_") {
      result += rest[..<found.lowerBound]
      let name = symbols[String(rest[found.upperBound...].prefix(64))]
      result += name ?? "n_"
      rest = rest[found.upperBound...].dropFirst(name == nil ? 0 : 64)
    }
    return result + rest
  }

  // MARK: The head

  private static func head(_ program: BotProgram, _ names: CSymbolTable) -> String {
    var text = """
      /*
       * The bot \(program.name), compiled to C by `bothost compile --emit c`. Content hash \(program.tree.hash).
       *
       *     cc -std=c99 -O2 -shared -fPIC -I DIRECTORY_OF_BOTHOST_H -o lib\(program.name).so \(program.name).c
       *
       * Do not edit: change the bot and emit it again. Each node of the bot is a function named after the node's hash, so what has not
       * changed is the same text.
       */
      #define _POSIX_C_SOURCE 200809L

      #include <bothost.h>

      #include <errno.h>
      #include <limits.h>
      #include <regex.h>
      #include <stdbool.h>
      #include <stdio.h>
      #include <stdlib.h>
      #include <string.h>
      #include <unistd.h>

      #define BOT_NAME \(CNames.literal(program.name))

      /* ---- What the bot names -------------------------------------------------------------------------------------- */


      """
    func table(_ what: String, _ count: String, _ entries: [String]) {
      text += "/* \(what) */\nenum {\n"
      for entry in entries { text += "  \(entry),\n" }
      text += "  \(count)\n};\n\n"
    }
    table("Fields of events.", "BOT_FIELDS", names.fields.map { CNames.field($0) })
    table("Names inside handlers.", "BOT_LOCALS", names.locals.map { CNames.local($0) })
    table("Values of the configuration.", "BOT_CONSTANTS", names.tables.constants.map { CNames.constant($0) })
    table("States.", "BOT_STATES", names.tables.states.map { CNames.state($0) })
    table("Methods that are called.", "BOT_METHODS", names.tables.methods.map { CNames.method($0) })
    table("Regular expressions.", "BOT_PATTERNS", names.patterns.map { CNames.pattern($0) })
    table(
      "Instances.", "BOT_LINES",
      program.requirements.map { CNames.identifier("instance", $0.use.split(separator: ".").map(String.init)) })
    text += "static const char bot_file[] = \(CNames.literal(program.location.file));\n\n"
    text += "static const char *const bot_methods[] = {\n"
    for method in program.methods { text += "  \(CNames.literal(method.name)),\n" }
    text += "  NULL,\n};\n\n"
    text += """
      /* A name of the event's payload of which something is read, with the names inside it. The first is the payload itself. */
      typedef struct bot_name {
        const char *name;
        size_t length;
        int field; /* -1: only of what is inside */
        int first; /* inside: the first one, -1 for none */
        int next;  /* beside: the next one */
      } bot_name;

      static const bot_name bot_names[] = {

      """
    for entry in names.tree {
      text +=
        "  {\(CNames.literal(entry.name)), \(entry.name.utf8.count), \(entry.field.map { CNames.field($0) } ?? "-1"), "
      text += "\(entry.first), \(entry.next)},\n"
    }
    return text + "};\n\n"
  }

  // MARK: The tables

  private static func tables(
    _ program: BotProgram, _ names: CSymbolTable, _ symbols: [String: String]
  ) throws -> String {
    var text =
      "/* ---- The bot: what ties the nodes together ------------------------------------------------------------------ */\n\n"
    for (index, handler) in program.handlers.enumerated() {
      text += "static const bot_place places_\(index)[] = {"
      let places = handler.places.map { "{\($0.line), \($0.column)}" }
      text += (places.isEmpty ? ["{0, 0}"] : places).joined(separator: ", ") + "};\n"
      text += "static const bot_handler handler_\(index) = {\(symbols[handler.node.hash] ?? "NULL"), "
      text +=
        "\(CNames.literal(handler.label)), {\(handler.location.line), \(handler.location.column)}, places_\(index)};\n\n"
    }
    for (index, subscription) in program.subscriptions.enumerated() {
      let requirement = program.requirements[subscription.requirement]
      var (handlers, told) = ("NULL, 0", "NULL, 0")
      if !subscription.handlers.isEmpty {
        let list = subscription.handlers.map { "&handler_\($0)" }.joined(separator: ", ")
        text += "static const bot_handler *const handlers_\(index)[] = {\(list)};\n"
        handlers = "handlers_\(index), \(subscription.handlers.count)"
      }
      if !subscription.states.isEmpty {
        let list = subscription.states.map { slot in
          let name = program.states[slot].name
          return "{\(CNames.literal(name)), \(name.utf8.count), \(CNames.state(names.tables.states[slot]))}"
        }
        text += "static const bot_told told_\(index)[] = {\(list.joined(separator: ", "))};\n"
        told = "told_\(index), \(list.count)"
      }
      let line = CNames.identifier("instance", requirement.use.split(separator: ".").map(String.init))
      text += "/* \(subscription.topic) */\nstatic const bot_subscription subscription_\(index) = {"
      text += "\(CNames.literal(requirement.instance)), \(line), \(handlers), \(told)};\n\n"
      text += "BH_EXPORT bh_rc \(exported(index))(bh_self *self, const bh_event *event) {\n"
      text += "  return bot_deliver(self, &subscription_\(index), event);\n}\n\n"
    }
    func list(_ name: String, _ entries: [String]) {
      text += "static const char *const \(name)[] = {\n" + entries.map { "  \($0),\n" }.joined() + "  NULL,\n};\n\n"
    }
    list("bot_initial", program.states.map { CNames.literal($0.initial) })
    list(
      "bot_state_names", names.tables.states.map { CNames.literal($0.use.isEmpty ? $0.name : "\($0.use).\($0.name)") })
    list("bot_patterns", names.patterns.map { CNames.literal($0) })
    return text + (try setUp(program, names))
  }

  /// The function of a subscription, as the manifest names it.
  static func exported(_ subscription: Int) -> String { "on_\(subscription)" }

  /// Reads the configuration.
  private static func setUp(_ program: BotProgram, _ names: CSymbolTable) throws -> String {
    var function = CFunction(names.tables)
    function.line("bh_self *bot = run->bot;")
    function.line("(void)bot;")
    for (index, constant) in program.constants.enumerated() {
      let name = CNames.constant(names.tables.constants[index])
      switch constant.source {
      case .getter(let config, let key):
        let isSecret = program.configs[config].schema.keys.contains { $0.name == key && $0.kind == .secret }
        let configured = CManifest.key(program.configs[config], key)
        function.line("bot_configure(bot, \(name), \(CNames.literal(configured)), \(isSecret));")
      case .argument(let operand):
        try function.block("") { function in
          function.line("size_t mark = run->bytes.count;")
          try function.write(operand, nil, isInside: false)
          function.line("bot_span value = bot_since(run, mark);")
          function.line(
            "if (!bot_assign(&bot->constants[\(name)], run->bytes.at + mark, value.end - mark)) run->is_full = true;")
          function.line("run->bytes.count = mark;")
        }
      }
      for member in constant.path {
        function.line("bot_narrow(&bot->constants[\(name)], \(CNames.literal(member)), \(member.utf8.count));")
      }
    }
    return "/* Values that do not change while the bot runs. */\nstatic void bot_set_up(bot_run *run) {\n"
      + function.lines.joined(separator: "\n") + "\n}\n\n"
  }
}

extension BotHandlerCode {
  /// Where each step stands, every one before those inside it.
  fileprivate var places: [SourceLocation] { steps.flatMap { places(of: $0) } }

  private func places(of step: BotStepCode) -> [SourceLocation] {
    var place = location
    instructions: for instruction in instructions[step.range] {
      switch instruction {
      case .call(let call) where step.steps.isEmpty:
        place = call.location
        break instructions
      case .fail(_, let location):
        place = location
        break instructions
      default: break
      }
    }
    return [place] + step.steps.flatMap { places(of: $0) }
  }
}

/// Everything that a program's code names.
struct CSymbolTable {
  struct Name {
    var name: String
    var field: [String]?
    var first = -1
    var next = -1
  }

  let tables: UnitTables
  private(set) var fields: [[String]] = []
  /// `it` first.
  private(set) var locals = ["it"]
  private(set) var patterns: [String] = []
  /// Of the payload; the first is the payload itself.
  private(set) var tree = [Name(name: "")]

  init(_ program: BotProgram) {
    tables = UnitTables(program)
    for subscription in program.subscriptions where !subscription.isState {
      for path in subscription.fields.paths where !fields.contains(path) { add(path) }
    }
    for handler in program.handlers {
      for step in handler.steps { add(step, handler.instructions) }
    }
  }

  private mutating func add(_ path: [String]) {
    fields.append(path)
    var node = 0
    for name in path {
      var child = tree[node].first
      while child >= 0, tree[child].name != name { child = tree[child].next }
      if child < 0 {
        tree.append(Name(name: name, next: tree[node].first))
        child = tree.count - 1
        tree[node].first = child
      }
      node = child
    }
    tree[node].field = path
  }

  private mutating func add(_ step: BotStepCode, _ instructions: [BotInstruction]) {
    var names = CUnit.names([step], instructions)
    if let variable = step.node.fields["var"]?.string { names.append(variable) }
    let method = step.node.children.first { $0.label == "method" }?.node
    names += (method?.fields["args"]?.object?.keys ?? []).map { $0.hasSuffix("?") ? String($0.dropLast()) : $0 }
    for name in names where !locals.contains(name) { locals.append(name) }
    for instruction in instructions[step.range] {
      guard case .test(let test, _) = instruction else { continue }
      for case .matches(let pattern) in test.checks where !patterns.contains(pattern.text) {
        patterns.append(pattern.text)
      }
    }
    for inner in step.steps { add(inner, instructions) }
  }
}
