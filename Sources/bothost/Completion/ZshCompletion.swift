/// Completion for zsh, by its own `_arguments`.
enum ZshCompletion {
  static func script(_ commands: [any Command.Type]) -> String {
    var text = """
      #compdef bothost
      # zsh completion for bothost. Put it into a directory of $fpath:
      #   bothost completions zsh > ~/.zfunc/_bothost

      _bothost_instances() {
        local -a names
        local socket=${words[(i)--control]}
        if (( socket < ${#words} )); then socket=${words[socket + 1]}; else socket=; fi
        names=(${(f)"$(bothost ps --quiet ${socket:+--control} ${socket:+$socket} 2> /dev/null)"})
        compadd -a names
      }

      _bothost_commands() {
        local -a commands
        commands=(
      \(commands.map { "    \(quoted("\($0.name):\($0.summary)"))" }.joined(separator: "\n"))
        )
        _describe command commands
      }

      _bothost() {
        local curcontext=$curcontext state line
        if (( CURRENT == 2 )); then
          if [[ $words[2] == -* ]]; then
            _arguments \(arguments(RunCommand.self)) '--version[show the version]'
          else
            _alternative 'commands:command:_bothost_commands' 'bots:bot:_files -g "*.y(a|)ml"'
          fi
          return
        fi
        local command=$words[2]
        case $command in

      """
    for command in commands {
      text += """
          \(command.name))
            shift words
            (( CURRENT-- ))
            _arguments \(arguments(command))\(words(command.words))
            ;;

        """
    }
    return text + """
          *) _arguments \(arguments(RunCommand.self)) '*:bot:_files' ;;
        esac
      }

      _bothost "$@"

      """
  }

  private static func arguments(_ command: any Command.Type) -> String {
    command.allOptions.flatMap { option -> [String] in
      let spellings = ["--\(option.name)"] + (option.short.map { ["-\($0)"] } ?? [])
      return spellings.map { spelling in
        let star = option.isRepeatable ? "*" : ""
        let help = option.summary.replacing("[", with: "(").replacing("]", with: ")").replacing(":", with: "\\:")
        guard let value = option.value else { return quoted("\(star)\(spelling)[\(help)]") }
        return quoted("\(star)\(spelling)[\(help)]:\(value.lowercased()):\(action(CompletionKind(value: value)))")
      }
    }.joined(separator: " ")
  }

  private static func words(_ kind: CompletionKind) -> String {
    switch kind {
    case .nothing: ""
    case .choices: " " + quoted("1:word:\(action(kind))")
    default: " " + quoted("*:word:\(action(kind))")
    }
  }

  private static func action(_ kind: CompletionKind) -> String {
    switch kind {
    case .nothing: " "
    case .files: "_files"
    case .directories: "_files -/"
    case .instances: "_bothost_instances"
    case .choices(let words): "(\(words.joined(separator: " ")))"
    }
  }

  /// For the shell.
  private static func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "'\\''") + "'" }
}
