/// Completion for bash 4 and newer, without the bash-completion package.
enum BashCompletion {
  static func script(_ commands: [any Command.Type]) -> String {
    let names = commands.map { $0.name }
    var text = """
      # bash completion for bothost. For this shell:  source <(bothost completions bash)
      # For all to come:  bothost completions bash > ~/.local/share/bash-completion/completions/bothost

      _bothost_reply() {  # WORDS...: those that begin as the word at hand does
        mapfile -t COMPREPLY < <(compgen -W "$*" -- "$word")
      }

      _bothost_paths() {  # -f or -d
        compopt -o filenames 2> /dev/null
        mapfile -t COMPREPLY < <(compgen "$1" -- "$word")
      }

      _bothost_instances() {
        _bothost_reply "$(bothost ps --quiet ${socket:+--control "$socket"} 2> /dev/null)"
      }

      _bothost() {
        local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command= socket= i
        COMPREPLY=()
        for ((i = 1; i < COMP_CWORD; i++)); do
          case ${COMP_WORDS[i]} in
            --control) socket=${COMP_WORDS[i + 1]} ;;
            \(names.joined(separator: " | "))) [[ $command ]] || command=${COMP_WORDS[i]} ;;
          esac
        done
        case $command:$before in

      """
    var seen: Set<String> = []
    for command in commands {
      for option in command.allOptions {
        guard let value = option.value else { continue }
        let line = reply(CompletionKind(value: value))
        let patterns = spellings(option).map { "\(command.name):\($0)" }
        text += "    \(patterns.joined(separator: " | "))) \(line)return ;;\n"
        // Before a command is written, the words are those of `run`.
        if command.name == RunCommand.name, seen.insert(option.name).inserted {
          text += "    \(spellings(option).map { ":\($0)" }.joined(separator: " | "))) \(line)return ;;\n"
        }
      }
    }
    text += """
        esac
        case $command in
          "")
            case $word in
              -*) _bothost_reply \(flags(RunCommand.self)) --version ;;
              */* | *.y*) _bothost_paths -f ;;
              *) _bothost_reply \(names.joined(separator: " ")) help ;;
            esac
            ;;

      """
    for command in commands {
      text += """
            \(command.name))
              case $word in
                -*) _bothost_reply \(flags(command)) ;;
                *) \(reply(command.words)): ;;
              esac
              ;;

        """
    }
    return text + """
        esac
      }

      complete -F _bothost bothost

      """
  }

  private static func spellings(_ option: ArgumentParser.Option) -> [String] {
    ["--\(option.name)"] + (option.short.map { ["-\($0)"] } ?? [])
  }

  private static func flags(_ command: any Command.Type) -> String {
    command.allOptions.flatMap(spellings).joined(separator: " ")
  }

  /// A command of the script, with its semicolon.
  private static func reply(_ kind: CompletionKind) -> String {
    switch kind {
    case .nothing: ""
    case .files: "_bothost_paths -f; "
    case .directories: "_bothost_paths -d; "
    case .instances: "_bothost_instances; "
    case .choices(let words): "_bothost_reply \(words.joined(separator: " ")); "
    }
  }
}
