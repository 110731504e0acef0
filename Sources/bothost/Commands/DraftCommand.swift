import BotHost
import Glibc

/// `bothost draft`: a bot from plain English.
enum DraftCommand: Command {
  static let name = "draft"
  static let summary = "write a bot from plain English"
  static let usage = "[TEXT ...|FILE|-] [--plugins DIR] [--name NAME]"
  static let options = [
    ArgumentParser.Option(
      "plugins", value: "DIR", repeatable: true, "compile the bot against the manifests there before it is printed"),
    ArgumentParser.Option("name", value: "NAME", "what the bot is called, whatever the text says"),
    ArgumentParser.Option("patterns", "show the sentences that are understood"),
    SharedOptions.json,
  ]
  static let words = CompletionKind.files
  static let discussion = """
    The text is given in words, as a file, or with - on standard input. The bot's YAML goes to standard output:

      bothost draft "Create a Twitch bot named taco. Log in with my username and password. On receiving a message save it to Kafka
        on the topic taco_bell in a JSON format." > taco.yaml
      bothost --plugins DIR taco.yaml

    A sentence that fits no pattern, or that can be read in two ways, is an error that shows it with the patterns nearest to it; all errors are
    shown at once, with --json as JSON, one a line.
    """

  static func run(_ arguments: ArgumentParser.Arguments) throws {
    if arguments.flag("patterns") {
      Output.write(BotDraft.patterns, to: 1)
      return
    }
    let text = try text(arguments.words)
    let draft = BotDraft(text, name: arguments.value("name"))
    report(draft.diagnostics, [text], arguments)
    guard let yaml = draft.yaml else {
      if !arguments.flag("json") { Output.note("`bothost draft --patterns` shows all sentences that are understood") }
      throw CommandFailure("", code: 2)
    }

    let directories = arguments.values("plugins")
    if !directories.isEmpty {
      let plugins = PluginDirectory.load(directories, checksLibraries: false)
      let name = "the drafted bot"
      let found = BotDraft.check(yaml, name: name, manifests: plugins.manifests)
      report(plugins.diagnostics, plugins.sources, arguments)
      report(found, [SourceText(name: name, yaml)], arguments)
      guard !found.hasErrors, !plugins.diagnostics.hasErrors else {
        throw CommandFailure(
          "the bot does not fit the plugins of \(directories.joined(separator: ", ")); without --plugins it is printed all the same",
          code: 2)
      }
    }
    Output.write(yaml, to: 1)
  }

  /// Words, unless they are the name of a file.
  private static func text(_ words: [String]) throws -> SourceText {
    guard let first = words.first else { throw UsageError("draft needs a text, a file, or - for standard input") }
    guard words.count == 1 else { return SourceText(name: "<text>", words.joined(separator: " ")) }
    if first == "-" { return SourceText(name: "<stdin>", bytes: standardInput()) }
    var status = stat()
    let isFile = stat(first, &status) == 0
    // One word is no sentence, so it was to be a file.
    guard isFile || !first.isEmpty && !first.contains(where: \.isWhitespace) else {
      return SourceText(name: "<text>", first)
    }
    switch SourceText.read(first) {
    case .success(let text): return text
    case .failure(let problem): throw UsageError("the file '\(first)' \(problem.message)")
    }
  }

  /// All of it, up to a little more than a text may have: what is longer is refused with the text.
  private static func standardInput() -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while bytes.count <= BotDraft.lengthLimit {
      let count = read(0, &chunk, chunk.count)
      if count < 0, errno == EINTR { continue }
      if count <= 0 { break }
      bytes.append(contentsOf: chunk[..<count])
    }
    return bytes
  }

  private static func report(_ diagnostics: Diagnostics, _ sources: [SourceText], _ arguments: ArgumentParser.Arguments)
  {
    guard !diagnostics.isEmpty else { return }
    guard arguments.flag("json") else {
      return Output.write(diagnostics.rendered(sources: sources, colors: Output.colours(on: 2)), to: 2)
    }
    for diagnostic in diagnostics.sorted() { Output.note(diagnostic.json.serialized()) }
  }
}
