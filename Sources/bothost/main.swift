import BotHost
import Glibc

func overview() -> String {
  let width = Commands.all.map { $0.name.count }.max() ?? 0
  let list = Commands.all.map { "  \($0.name)" + String(repeating: " ", count: width - $0.name.count + 2) + $0.summary }
  return """
    A plugin host for bots.

    Usage: bothost --plugins DIR [BOT ...]
           bothost COMMAND [ARGUMENTS]

    Commands:
    \(list.joined(separator: "\n"))

    Plugins add commands of their own: bothost PLUGIN COMMAND [ARGUMENTS].
    Options may stand before the command or behind it. Commands reach a running host at --control SOCKET, else at BOTHOST_CONTROL in
    the environment, else at \(ControlSocket.defaultPath).
    `bothost COMMAND --help` says more. Exit codes: 0 done, 1 the work failed, 2 the words or the input were wrong.

    """
}

func main() throws {
  let all = Array(CommandLine.arguments.dropFirst())
  // The worker's end of a trial: see ImageProbe.
  if all.first == ImageProbe.mode { exit(ImageProbe.childMain(Array(all.dropFirst()))) }
  switch all.first {
  case nil:
    Output.write(overview(), to: 2)
    exit(2)
  case "--help", "-h", "help":
    guard all.count > 1 else { return Output.write(overview(), to: 1) }
    guard let command = Commands.all.first(where: { $0.name == all[1] }) else {
      let hint = Suggestion.hint(for: all[1], in: Commands.all.map { $0.name }).map { "; \($0)" } ?? ""
      throw UsageError("there is no command '\(all[1])'\(hint)")
    }
    Output.write(command.help, to: 1)
    return
  case "--version", "version":
    Output.line("bothost \(HostVersion.text) (ABI \(HostVersion.abi))")
    return
  default: break
  }
  let (command, words): (any Command.Type, [String])
  switch try Invocation(all) {
  case .plugin(let words): return try PluginCommand.run(words)
  case .command(let named, let rest): (command, words) = (named, rest)
  }
  let arguments = try ArgumentParser(options: command.options + [SharedOptions.help]).parse(words)
  if arguments.flag("help") {
    Output.write(command.help, to: 1)
    return
  }
  try command.run(arguments)
}

// What is opened next must not take the number of a stream that whoever started the program has closed: the log would be written into it.
for descriptor in Int32(0)...2 where fcntl(descriptor, F_GETFD) < 0 {
  _ = open("/dev/null", descriptor == 0 ? O_RDONLY : O_WRONLY)
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
