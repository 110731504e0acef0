import BotHost

/// `bothost compile`: bots to units, through the cache.
enum CompileCommand: Command {
  static let name = "compile"
  static let summary = "compile bots, and show every node with its hash and whether it was in the cache"
  static let usage = "BOT.yaml... --plugins DIR [--emit c [--output DIR]] [--cache DIR] [--json]"
  static let options = [
    SharedOptions.plugins,
    ArgumentParser.Option("cache", value: "DIR", "where compiled units are kept; else that of the host's data"),
    ArgumentParser.Option("no-cache", "make everything anew and keep nothing"),
    ArgumentParser.Option("emit", value: "c", "write each bot as the C source of a plugin, with its manifest"),
    ArgumentParser.Option("output", short: "o", value: "DIR", "where to write them; else here"),
    SharedOptions.data, SharedOptions.json,
  ]
  static let words = CompletionKind.files
  static let discussion = """
    A unit is a handler or a use. It is kept under a key of its content, so that what has not changed is found again, in this bot or in
    any other: CACHED, or BUILT when it was made now. Nothing runs; `bothost plan` says what a running host would change.

    With --emit c, BOT.c is the bot in C99 against bothost.h, BOT.yaml the manifest of the plugin that it compiles to, and BOT.host.yaml
    the instances that the bot uses, for `bothost --config`. A file whose text is the same as before is left as it is.
    """

  static func run(_ arguments: ArgumentParser.Arguments) throws {
    guard !arguments.words.isEmpty else { throw UsageError("compile needs the files of bots") }
    let job = BotCompileJob(
      files: arguments.words, pluginDirectories: arguments.values("plugins"), target: try target(arguments),
      cache: cache(arguments))
    report(job)
    for build in job.builds {
      show(build, json: arguments.flag("json"))
      if build.target == .c { try write(build, to: arguments.value("output") ?? ".") }
    }
    if !arguments.flag("json") { Output.note(summary(job)) }
    if job.diagnostics.hasErrors { throw CommandFailure("", code: 2) }
  }

  private static func target(_ arguments: ArgumentParser.Arguments) throws -> UnitTarget {
    guard let word = arguments.value("emit") else {
      guard arguments.value("output") == nil else { throw UsageError("--output belongs to --emit c") }
      return .interpreter
    }
    guard word == "c" else { throw UsageError("--emit takes c, not '\(word)'") }
    return .c
  }

  /// The files of a bot that is emitted.
  private static func write(_ build: BotBuild, to directory: String) throws {
    do {
      let program = try CProgram(build)
      let beside = CManifest(build.program)
      for (name, text) in [("c", program.source), ("yaml", beside.manifest), ("host.yaml", beside.host)] {
        try EmittedFile.write(text, to: "\(directory)/\(build.program.name).\(name)")
      }
    } catch { throw CommandFailure("\(error)") }
  }

  private static func cache(_ arguments: ArgumentParser.Arguments) -> UnitCache? {
    if arguments.flag("no-cache") { return nil }
    let directory = arguments.value("cache") ?? RunCommand.dataDirectory(arguments) + "/cache"
    return UnitCache(directory: Control.absolute(directory))
  }

  /// What was found wrong, on standard error.
  private static func report(_ job: BotCompileJob) {
    let colours = Output.colours(on: 2)
    for diagnostic in job.diagnostics.all {
      let source = job.sources.first { $0.name == diagnostic.location?.file }
      Output.note(diagnostic.rendered(source: source, colors: colours))
    }
  }

  private static func show(_ build: BotBuild, json: Bool) {
    let rows = build.rows
    let width = rows.map { label($0.row).count }.max() ?? 0
    for row in rows {
      let status = row.origin == .built ? "BUILT" : "CACHED"
      guard !json else {
        var object = row.row.json
        object["bot"] = .string(build.program.name)
        object["status"] = .string(status)
        if let time = row.time { object["ns"] = .int(time) }
        if let unit = build.units.first(where: { $0.path == row.row.path }) {
          object["key"] = .string(unit.key.description)
        }
        Output.line(object.serialized())
        continue
      }
      let text = label(row.row)
      let time = row.time.map { "  \(milliseconds($0))" } ?? ""
      Output.line(
        status + (status == "BUILT" ? "   " : "  ") + text + String(repeating: " ", count: width - text.count + 2)
          + row.row.node.hash.prefix(12) + time)
    }
  }

  /// Kind and name, indented by the depth.
  static func label(_ row: BotTreeRow) -> String {
    String(repeating: "  ", count: row.depth) + row.node.kind + (row.name.isEmpty ? "" : " \(row.name)")
  }

  private static func summary(_ job: BotCompileJob) -> String {
    let built = job.builds.reduce(0) { $0 + $1.count(.built) }
    let cached = job.builds.reduce(0) { $0 + $1.count(.cached) }
    let bots = job.builds.count == 1 ? "1 bot" : "\(job.builds.count) bots"
    return "\(bots): \(built) built, \(cached) cached, \(milliseconds(job.time))"
  }

  /// With two digits behind the point, so that the time of a small unit is seen.
  private static func milliseconds(_ nanoseconds: Int64) -> String {
    let hundredths = (nanoseconds + 5_000) / 10_000
    let fraction = hundredths % 100
    return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction) ms"
  }
}
