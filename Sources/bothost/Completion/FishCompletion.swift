/// Completion for fish, which takes one declaration after the other.
enum FishCompletion {
  static func script(_ commands: [any Command.Type]) -> String {
    let names = commands.map { $0.name }.joined(separator: " ")
    var text = """
      # fish completion for bothost:  bothost completions fish > ~/.config/fish/completions/bothost.fish

      function __bothost_instances
          set -l words (commandline -opc)
          set -l at (contains -i -- --control $words)
          if test -n "$at"; and test $at -lt (count $words)
              bothost ps --quiet --control $words[(math $at + 1)] 2>/dev/null
          else
              bothost ps --quiet 2>/dev/null
          end
      end

      function __bothost_has_no_command
          not __fish_seen_subcommand_from \(names)
      end

      complete -c bothost -n __bothost_has_no_command -l version -d 'show the version'

      """
    for command in commands {
      text += "complete -c bothost -n __bothost_has_no_command -f -a \(command.name) -d \(quoted(command.summary))\n"
    }
    text += options(RunCommand.self, condition: "__bothost_has_no_command")
    for command in commands {
      let condition = "__fish_seen_subcommand_from \(command.name)"
      text += "\n" + options(command, condition: condition)
      switch command.words {
      case .nothing: text += declare(condition, "-f")
      case .files: break
      case .directories: text += declare(condition, "-f -a '(__fish_complete_directories)'")
      case .instances: text += declare(condition, "-f -a '(__bothost_instances)'")
      case .choices(let words): text += declare(condition, "-f -a \(quoted(words.joined(separator: " ")))")
      }
    }
    return text
  }

  private static func options(_ command: any Command.Type, condition: String) -> String {
    command.allOptions.map { option in
      var words = "-l \(option.name)"
      if let short = option.short { words += " -s \(short)" }
      if let value = option.value {
        switch CompletionKind(value: value) {
        case .nothing: words += " -x"
        case .files: words += " -r -F"
        case .directories: words += " -x -a '(__fish_complete_directories)'"
        case .instances: words += " -x -a '(__bothost_instances)'"
        case .choices(let choices): words += " -x -a \(quoted(choices.joined(separator: " ")))"
        }
      }
      return declare(condition, "\(words) -d \(quoted(option.summary))")
    }.joined()
  }

  private static func declare(_ condition: String, _ words: String) -> String {
    "complete -c bothost -n \(quoted(condition)) \(words)\n"
  }

  /// For the shell.
  private static func quoted(_ text: String) -> String {
    "'" + text.replacing("\\", with: "\\\\").replacing("'", with: "\\'") + "'"
  }
}
