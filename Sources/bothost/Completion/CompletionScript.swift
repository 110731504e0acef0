/// A shell that can complete the program's words, and the script that teaches it.
///
/// The scripts are made of the table of commands alone. What only a running host knows, the names of its instances, they ask
/// it for by `bothost ps --quiet`, at the socket that the line names.
enum CompletionShell: String, CaseIterable {
  case bash, zsh, fish

  var script: String {
    switch self {
    case .bash: BashCompletion.script(Commands.all)
    case .zsh: ZshCompletion.script(Commands.all)
    case .fish: FishCompletion.script(Commands.all)
    }
  }
}

/// What stands at a place of a command line.
enum CompletionKind: Equatable {
  case nothing
  case files
  case directories
  /// Names of instances of the running host.
  case instances
  case choices([String])

  /// Of an option's value, told by what help calls it.
  init(value: String) {
    switch value {
    case "DIR": self = .directories
    case "FILE", "SOCKET": self = .files
    case "LEVEL": self = .choices(["error", "warning", "notice", "info", "debug"])
    case "LANG": self = .choices(Scaffold.languages.map(\.name))
    default: self = .nothing
    }
  }
}

extension Command {
  /// Its options, and help, which all commands have.
  static var allOptions: [ArgumentParser.Option] { options + [SharedOptions.help] }
}
