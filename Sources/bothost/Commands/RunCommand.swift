import BotHost

/// `bothost --plugins DIR [BOT.yaml ...]`: the host itself.
enum RunCommand: Command {
  static let name = "run"
  static let summary = "run a host with the plugins of a directory and the bots named"
  static let usage = "--plugins DIR [BOT ...] [--config FILE] [--data DIR] [--control SOCKET] [--watch]"
  static let options = [
    SharedOptions.plugins, SharedOptions.config, SharedOptions.data, SharedOptions.ownControl,
    ArgumentParser.Option(
      "watch", "put a library, a manifest, the --config file or a bot in place when it has been replaced on disk"),
    ArgumentParser.Option("no-probe", "do not try new builds in a child process first"),
    ArgumentParser.Option("log", value: "LEVEL", "error, warning, notice, info (default) or debug"),
    ArgumentParser.Option("json", "write the log as JSON lines"),
  ]
  static let words = CompletionKind.files
  static let discussion = """
    A BOT is a file, or a directory of which all bots run. `run` may be left out. SIGTERM and SIGINT finish what has begun and stop, a
    second one stops at once; SIGHUP reads the --config file, manifests, libraries and bots again and puts what has changed in place.
    """

  static func run(_ arguments: ArgumentParser.Arguments) throws {
    let log = HostLog.standardError(threshold: try level(arguments), json: arguments.flag("json"))
    let host = Host(try hostOptions(arguments, log: log), log: log)

    let signals = try HostSignals(log: log) { host.giveUpStart() }
    do { try host.start() } catch {
      throw CommandFailure("\(error)")
    }
    signals.waitForStop { host.reload() }
    host.stop()
  }

  static func level(_ arguments: ArgumentParser.Arguments) throws -> LogLevel {
    guard let word = arguments.value("log") else { return .info }
    let levels: [(String, LogLevel)] = [
      ("error", .error), ("warning", .warning), ("notice", .notice), ("info", .info), ("debug", .debug),
    ]
    guard let level = levels.first(where: { $0.0 == word })?.1 else {
      throw UsageError("--log takes error, warning, notice, info or debug, not '\(word)'")
    }
    return level
  }

  /// The options of a host that stays.
  static func hostOptions(_ arguments: ArgumentParser.Arguments, log: HostLog) throws -> HostOptions {
    let plugins = arguments.values("plugins")
    guard !plugins.isEmpty else {
      throw UsageError("name a directory of plugins: bothost --plugins DIR [BOT ...]")
    }
    let environment = Control.environment
    var options = HostOptions(
      dataDirectory: dataDirectory(arguments),
      environment: environment)
    options.pluginDirectories = plugins.map(Control.absolute)
    options.bots = arguments.words
    options.configurationFile = arguments.value("config")
    options.controlSocket = Control.socket(arguments)
    options.watch = arguments.flag("watch")
    options.probe = !arguments.flag("no-probe")
    return options
  }

  /// Where the host's data is, or will be.
  static func dataDirectory(_ arguments: ArgumentParser.Arguments) -> String {
    arguments.value("data").map(Control.absolute) ?? Control.stateDirectory ?? Control.absolute(".bothost")
  }
}
