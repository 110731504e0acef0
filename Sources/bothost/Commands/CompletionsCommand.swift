/// `bothost completions`: what a shell has to know to complete the program's words.
enum CompletionsCommand: Command {
  static let name = "completions"
  static let summary = "print the completion script of a shell"
  static let usage = "bash|zsh|fish"
  static let options: [ArgumentParser.Option] = []
  static let words = CompletionKind.choices(CompletionShell.allCases.map(\.rawValue))
  static let discussion = """
    bash:  source <(bothost completions bash)
    zsh:   bothost completions zsh > ~/.zfunc/_bothost        (a directory of $fpath)
    fish:  bothost completions fish > ~/.config/fish/completions/bothost.fish
    """

  static func run(_ arguments: ArgumentParser.Arguments) throws {
    let names = CompletionShell.allCases.map(\.rawValue)
    guard arguments.words.count == 1, let word = arguments.words.first else {
      throw UsageError("completions needs the name of a shell: \(names.joined(separator: ", "))")
    }
    guard let shell = CompletionShell(rawValue: word) else {
      throw UsageError("there is no completion for '\(word)', only for \(names.joined(separator: ", "))")
    }
    Output.write(shell.script, to: 1)
  }
}
