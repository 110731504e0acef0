import BotHost
import Glibc

func overview() -> String {
  let width = Commands.all.map { $0.name.count }.max() ?? 0
  let list = Commands.all.map { "  \($0.name)" + String(repeating: " ", count: width - $0.name.count + 2) + $0.summary }
  return """
    A plugin host for bots.

    Usage: bothost --plugins DIR [BOT.yaml ...]
           bothost COMMAND [ARGUMENTS]

    Commands:
    \(list.joined(separator: "\n"))

    Plugins add commands of their own: bothost PLUGIN COMMAND [ARGUMENTS].
    `bothost COMMAND --help` says more. Exit codes: 0 done, 1 the work failed, 2 the words or the input were wrong.

    """
}

func main() throws {
  var words = Array(CommandLine.arguments.dropFirst())
  // The worker's end of a trial: see ImageProbe.
  if words.first == ImageProbe.mode { exit(ImageProbe.childMain(Array(words.dropFirst()))) }
  switch words.first {
  case nil:
    Output.write(overview(), to: 2)
    exit(2)
  case "--help", "-h", "help":
    if words.count > 1, let command = Commands.all.first(where: { $0.name == words[1] }) {
      Output.write(command.help, to: 1)
    } else {
      Output.write(overview(), to: 1)
    }
    return
  case "--version", "version":
    Output.line("bothost \(HostVersion.text) (ABI \(HostVersion.abi))")
    return
  default: break
  }
  let first = words[0]
  let command: any Command.Type
  if first.hasPrefix("-") || first.hasSuffix(".yaml") || first.hasSuffix(".yml") {
    command = RunCommand.self
  } else if let named = Commands.all.first(where: { $0.name == first }) {
    command = named
    words.removeFirst()
  } else if words.count > 1, !words[1].hasPrefix("-") {
    try PluginCommand.run(words)
    return
  } else {
    let nearest = Suggestion.nearest(to: first, in: Commands.all.map { $0.name })
    throw UsageError(
      "there is no command '\(first)'" + (nearest.map { "; did you mean '\($0)'?" } ?? "; see bothost --help"))
  }
  let arguments = try ArgumentParser(options: command.options + [SharedOptions.help]).parse(words)
  if arguments.flag("help") {
    Output.write(command.help, to: 1)
    return
  }
  try command.run(arguments)
}

do {
  try main()
} catch let error as UsageError {
  Output.error(error.description)
  exit(2)
} catch let failure as CommandFailure {
  if !failure.description.isEmpty { Output.error(failure.description) }
  exit(failure.code)
} catch {
  Output.error("\(error)")
  exit(1)
}
