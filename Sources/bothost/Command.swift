/// A subcommand of the program.
protocol Command {
  static var name: String { get }
  /// One line for the list of commands.
  static var summary: String { get }
  /// The words after the name, as help shows them.
  static var usage: String { get }
  /// What help says besides.
  static var discussion: String { get }
  static var options: [ArgumentParser.Option] { get }
  /// What stands where no option does, for the shells' completion.
  static var words: CompletionKind { get }
  static func run(_ arguments: ArgumentParser.Arguments) throws
}

extension Command {
  static var discussion: String { "" }
  static var words: CompletionKind { .nothing }

  static var help: String {
    var text = "\(summary)\n\nUsage: bothost \(name) \(usage)\n"
    if !options.isEmpty {
      text += "\nOptions:\n"
      let lines = options.map { option in
        let short = option.short.map { "-\($0), " } ?? "    "
        return (short + "--\(option.name)" + (option.value.map { " \($0)" } ?? ""), option.summary)
      }
      let width = lines.map(\.0.count).max() ?? 0
      for (left, right) in lines {
        text += "  " + left + String(repeating: " ", count: width - left.count + 2) + right + "\n"
      }
    }
    if !discussion.isEmpty { text += "\n\(discussion)\n" }
    return text
  }
}

/// Options that several commands share.
enum SharedOptions {
  static let control = ArgumentParser.Option("control", value: "SOCKET", "the running host's control socket")
  /// The same of the host that is about to run.
  static let ownControl = ArgumentParser.Option(
    "control", value: "SOCKET", "where the other commands reach this host; see bothost --help")
  static let plugins = ArgumentParser.Option(
    "plugins", value: "DIR", repeatable: true, "a directory with manifests and libraries; may be given again")
  static let data = ArgumentParser.Option("data", value: "DIR", "where the journal and the plugins' data are kept")
  static let config = ArgumentParser.Option(
    "config", value: "FILE", "a `kind: host` file: instances and their settings")
  static let json = ArgumentParser.Option("json", "print JSON, one value a line")
  static let help = ArgumentParser.Option("help", short: "h", "show this help")
}
