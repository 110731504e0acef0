import BotHost

/// `bothost check`: everything that is wrong, without running anything.
enum CheckCommand: Command {
  static let name = "check"
  static let summary = "check manifests, bots and libraries; nothing of them is run"
  static let usage = "[FILE.yaml|DIR|LIBRARY.so ...] [--plugins DIR]"
  static let options = [SharedOptions.plugins, SharedOptions.config, SharedOptions.json]
  static let discussion = """
    Each error is one line, with the place and what was expected. Bots, and the --config file, are checked against the plugins of the
    directories named; settings are taken from the environment as a host would.
    """
  static let words = CompletionKind.files

  static func run(_ arguments: ArgumentParser.Arguments) throws {
    guard !arguments.words.isEmpty || !arguments.values("plugins").isEmpty else {
      throw UsageError("check needs files or a directory")
    }
    let check = HostCheck(
      paths: arguments.words, pluginDirectories: arguments.values("plugins"),
      configurationFile: arguments.value("config"),
      environment: Control.environment)
    let report = check.run()
    let colours = Output.colours(on: 2)
    for finding in report.findings {
      if arguments.flag("json") {
        Output.line(finding.json.serialized())
      } else {
        Output.note(finding.rendered(colours: colours))
      }
    }
    if !arguments.flag("json") {
      let words =
        "\(report.files) \(report.files == 1 ? "file" : "files") checked, \(report.errors) \(report.errors == 1 ? "error" : "errors")"
      Output.note(
        words + (report.warnings > 0 ? ", \(report.warnings) \(report.warnings == 1 ? "warning" : "warnings")" : ""))
    }
    if report.errors > 0 { throw CommandFailure("", code: 2) }
  }
}
