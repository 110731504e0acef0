import Glibc

// A Twitch chat server for tests and demonstrations: TLS and plain on loopback, on ports that the system chooses, told in
// one line of JSON on standard output. See `Options.usage`.

signal(SIGPIPE, SIG_IGN)

do {
  let options = try Options(Array(CommandLine.arguments.dropFirst()))
  if options.showsHelp {
    writeLine(Options.usage)
    exit(0)
  }
  let server = try Server(options: options)
  server.announce()
  server.run()
  exit(0)
} catch {
  writeLine("twitch-simulator: \(error)", to: 2)
  exit(2)
}
