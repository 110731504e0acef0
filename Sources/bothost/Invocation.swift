import BotHost
import Glibc

/// What a command line asks for: the program itself, one of its commands, or one that a plugin adds.
///
/// Options may stand before the command as well as behind it: `bothost --control S ps`.
enum Invocation {
  /// A command of the program, with its words.
  case command(any Command.Type, [String])
  /// A command of a plugin, with all words.
  case plugin([String])

  init(_ words: [String]) throws {
    // What is no option of any command is for the parser to complain about.
    guard let index = Self.firstWord(of: words), words[..<index].allSatisfy(Self.isKnown) else {
      self = .command(RunCommand.self, words)
      return
    }
    let first = words[index]
    if let named = Commands.all.first(where: { $0.name == first }) {
      self = .command(named, Array(words[..<index] + words[(index + 1)...]))
    } else if Self.isBot(first) {
      self = .command(RunCommand.self, words)
    } else if Self.firstWord(of: Array(words[(index + 1)...])) != nil {
      self = .plugin(words)
    } else {
      let question = Suggestion.question(about: first, in: Commands.all.map { $0.name })
      throw UsageError(
        "there is no command '\(first)'"
          + (question.map { "; \($0)" }
            ?? "; see bothost --help, or name a plugin's command: bothost \(first) COMMAND"))
    }
  }

  /// Where the first word stands that is neither an option nor an option's value.
  private static func firstWord(of words: [String]) -> Int? {
    let valued = Commands.all.flatMap { $0.options }.filter { $0.value != nil }.map { "--\($0.name)" }
    var index = 0
    while index < words.count {
      let word = words[index]
      if word == "--" { return index + 1 < words.count ? index + 1 : nil }
      guard word.hasPrefix("-"), word != "-" else { return index }
      index += valued.contains(word) ? 2 : 1
    }
    return nil
  }

  private static func isKnown(_ word: String) -> Bool {
    let name = word.prefix { $0 != "=" }
    return !word.hasPrefix("--") || Commands.all.contains { $0.options.contains { "--\($0.name)" == name } }
  }

  /// A bot's file, or a directory of bots.
  private static func isBot(_ word: String) -> Bool {
    if word.hasSuffix(".yaml") || word.hasSuffix(".yml") || word.contains("/") { return true }
    var status = stat()
    return stat(word, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}
