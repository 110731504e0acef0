import BotHost

/// The words of a command line, read against what a command declares.
///
/// Options are `--name value` or `--name=value`, flags `--name`; `--` ends them. Unknown ones are errors that name the nearest
/// known one.
struct ArgumentParser {
  /// An option or flag that a command takes.
  struct Option {
    var name: String
    var short: Character?
    /// What the value is called in help; nil for a flag.
    var value: String?
    var summary: String
    var isRepeatable = false

    init(_ name: String, short: Character? = nil, value: String? = nil, repeatable: Bool = false, _ summary: String) {
      self.name = name
      self.short = short
      self.value = value
      self.summary = summary
      isRepeatable = repeatable
    }
  }

  let options: [Option]

  /// What was found on a command line.
  struct Arguments {
    fileprivate(set) var words: [String] = []
    fileprivate var values: [String: [String]] = [:]
    fileprivate var flags: Set<String> = []

    func flag(_ name: String) -> Bool { flags.contains(name) }
    func value(_ name: String) -> String? { values[name]?.last }
    func values(_ name: String) -> [String] { values[name] ?? [] }
  }

  func parse(_ arguments: some Sequence<String>) throws(UsageError) -> Arguments {
    var result = Arguments()
    var iterator = arguments.makeIterator()
    var onlyWords = false
    while let argument = iterator.next() {
      if onlyWords || argument == "-" || !argument.hasPrefix("-") {
        result.words.append(argument)
        continue
      }
      if argument == "--" {
        onlyWords = true
        continue
      }
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let written = String(parts[0])
      guard let option = options.first(where: { "--\($0.name)" == written || $0.short.map { "-\($0)" } == written })
      else {
        let question = Suggestion.question(about: written, in: options.map { "--\($0.name)" })
        throw UsageError("unknown option '\(written)'" + (question.map { "; \($0)" } ?? ""))
      }
      if option.value != nil {
        guard let value = parts.count > 1 ? String(parts[1]) : iterator.next() else {
          throw UsageError("--\(option.name) needs a value: --\(option.name) \(option.value ?? "VALUE")")
        }
        if !option.isRepeatable && result.values[option.name] != nil {
          throw UsageError("--\(option.name) is given twice")
        }
        result.values[option.name, default: []].append(value)
      } else {
        guard parts.count == 1 else { throw UsageError("--\(option.name) takes no value") }
        result.flags.insert(option.name)
      }
    }
    return result
  }
}

/// The words of the command line were wrong. The program ends with 2.
struct UsageError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// The work itself failed. The program ends with 1.
struct CommandFailure: Error, CustomStringConvertible {
  let description: String
  let code: Int32

  init(_ description: String, code: Int32 = 1) {
    self.description = description
    self.code = code
  }
}
