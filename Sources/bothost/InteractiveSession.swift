import BotHost
import Glibc

/// A plugin's command that takes line after line: on a terminal with an editor, else as a filter.
struct InteractiveSession {
  let plugin: String
  let command: PluginCommandSyntax
  let interactive: CommandDeclaration.Interactive
  /// The argument but for the line.
  let base: JSONValue
  let printer: ResultPrinter

  func run(_ methods: PluginMethods) throws {
    let shared = methods.oneShot ? try methods.caller(command.method) : nil
    defer { shared?.finish() }
    // A running host is found anew for each line: it may have been started again in between.
    func call(_ method: String, _ argument: JSONValue) throws -> JSONValue {
      try (shared ?? methods.caller(method)).call("\(plugin).\(method)", argument, 0)
    }
    func answer(_ line: String) -> Bool {
      do {
        try printer.print(try call(command.method, try command.argument(base, line: line)))
        return true
      } catch {
        let text = "\(error)"
        if !text.isEmpty { Output.error(text) }
        return false
      }
    }

    let editor = LineEditor(prompt: interactive.prompt, historyPath: historyPath) { text, cursor in
      guard let method = interactive.complete,
        let found = try? call(method, .object(["text": .string(text), "cursor": .int(Int64(cursor))])),
        let start = found["start"]?.int, let words = found["words"]?.array
      else { return nil }
      return LineEditor.Completion(start: Int(clamping: start), words: words.compactMap(\.string))
    }
    guard let editor else { return try filter(answer) }
    while true {
      switch editor.read() {
      case .end:
        Output.line("")
        return
      case .interrupted:
        Output.line("^C")
      case .text(let line):
        if !line.allSatisfy(\.isWhitespace) { _ = answer(line) }
      }
    }
  }

  /// Answers the lines of standard input, one after the other; one that fails does not stop the rest.
  private func filter(_ answer: (String) -> Bool) throws {
    var failed = false
    while let line = readLine() {
      if !line.allSatisfy(\.isWhitespace), !answer(line) { failed = true }
    }
    if failed { throw CommandFailure("") }
  }

  /// Where the lines are remembered: a file of the user's own below XDG_STATE_HOME. Nil when no such place can be made.
  private var historyPath: String? {
    guard let state = Control.stateDirectory else { return nil }
    let directory = state + "/history"
    var path = ""
    for part in directory.split(separator: "/") {
      path += "/" + part
      if mkdir(path, 0o700) != 0, errno != EEXIST { return nil }
    }
    return "\(directory)/\(plugin)-\(command.name)"
  }
}
