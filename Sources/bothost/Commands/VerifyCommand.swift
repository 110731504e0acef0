import BotHost
import Glibc

/// `bothost verify`: does a plugin keep the contract of bothost.h?
enum VerifyCommand: Command {
  static let name = "verify"
  static let summary = "try a plugin in a host of its own: does it keep the contract of bothost.h?"
  static let usage = "LIBRARY.so|DIR [--plugins DIR] [--config FILE] [--events FILE] [--json]"
  static let options = [
    ArgumentParser.Option(
      "plugins", value: "DIR", repeatable: true, "a directory with plugins that this one requires; may be given again"),
    SharedOptions.config,
    ArgumentParser.Option("events", value: "FILE", "samples, one {\"topic\": ..., \"payload\": ...} a line"),
    SharedOptions.json,
  ]
  static let words = CompletionKind.files
  static let discussion = """
    Looks at manifest and library, tries the build in a process of its own, and then runs it in a host with an empty data directory:
    sample events for each of its topics, each method once, its configuration once more, a swap that is called off, a swap to itself, the
    end. `bothost check` does the part of this that
    runs nothing. Everything that the plugin reaches from here, it reaches in the trial: give it a configuration for that. Settings that it
    requires come from the environment or from --config FILE, as in a host.
    """

  static func run(_ arguments: ArgumentParser.Arguments) throws {
    guard arguments.words.count == 1, let path = arguments.words.first else {
      throw UsageError("verify needs one library or one directory")
    }
    let samples = try arguments.value("events").map(events) ?? []
    let sources = try sources(path)
    var failures = 0
    for source in sources {
      if sources.count > 1, !arguments.flag("json") { Output.line("\(source.manifest.plugin):") }
      let verification = PluginVerification(
        source, others: arguments.values("plugins").map(Control.absolute),
        configuration: arguments.value("config").map(Control.absolute), samples: samples
      ) { finding in
        if finding.outcome == .failed { failures += 1 }
        show(finding, source.manifest.plugin, json: arguments.flag("json"))
      }
      try verification.run()
    }
    if failures > 0 { throw CommandFailure("", code: 1) }
  }

  private static func show(_ finding: VerificationFinding, _ plugin: String, json: Bool) {
    if json {
      var object = JSONObject()
      object["plugin"] = .string(plugin)
      object["check"] = .string(finding.check)
      object["outcome"] = .string(finding.outcome.rawValue.lowercased())
      object["detail"] = .string(finding.detail)
      if !finding.advice.isEmpty { object["advice"] = .string(finding.advice) }
      return Output.line(JSONValue.object(object).serialized())
    }
    let word = finding.outcome.rawValue.padded(to: 4)
    let advice = finding.advice.isEmpty ? "" : "; \(finding.advice)"
    Output.line("\(word)  \(finding.check): \(finding.detail)\(advice)")
  }

  /// The plugins of a directory, or those whose manifest names a library.
  private static func sources(_ path: String) throws -> [PluginSource] {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw CommandFailure("\(path): \(String(cString: strerror(errno)))", code: 2)
    }
    let isDirectory = status.st_mode & S_IFMT == S_IFDIR
    let absolute = Control.absolute(path)
    let directory = isDirectory ? absolute : absolute.lastIndex(of: "/").map { String(absolute[..<$0]) } ?? "."
    let catalog = PluginCatalog(directories: [directory])
    let usable = catalog.manifests.compactMap { catalog.source(of: $0.plugin) }
    let found = isDirectory ? usable : usable.filter { isSame($0.library, path) }
    for diagnostic in catalog.diagnostics where diagnostic.severity == .error && (isDirectory || found.isEmpty) {
      Output.note(diagnostic.description)
    }
    guard !found.isEmpty, !isDirectory || !catalog.diagnostics.hasErrors else {
      throw CommandFailure(
        isDirectory
          ? (catalog.diagnostics.hasErrors
            ? "\(path): its manifests have errors" : "\(path): there is no manifest in it")
          : "\(path): no manifest beside it names this library", code: 2)
    }
    return found
  }

  private static func isSame(_ one: String, _ other: String) -> Bool {
    var (a, b) = (stat(), stat())
    return stat(one, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino
  }

  private static func events(_ path: String) throws -> [(topic: String, payload: JSONValue)] {
    let text: String
    switch SourceText.read(path) {
    case .success(let source): text = String(decoding: source.bytes, as: UTF8.self)
    case .failure(let diagnostic): throw CommandFailure(diagnostic.description, code: 2)
    }
    return try text.split(whereSeparator: \.isNewline).enumerated().map { index, line in
      let value = try Control.json(String(line), "\(path):\(index + 1)")
      guard let topic = value["topic"]?.string, let payload = value["payload"] else {
        throw UsageError("\(path):\(index + 1): a sample has a \"topic\" and a \"payload\"")
      }
      return (topic, payload)
    }
  }
}

extension String {
  /// With spaces behind it.
  func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
