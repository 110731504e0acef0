import Glibc

/// Checks manifests, bots and libraries without running anything of them.
public struct HostCheck {
  /// One thing that was found.
  public struct Finding: Sendable {
    let diagnostic: Diagnostic
    let source: SourceText?

    /// As people read it: place, message, hint, and the line of the source with a mark below.
    public func rendered(colours: Bool) -> String { diagnostic.rendered(source: source, colors: colours) }

    /// With `severity`, `file`, `line`, `column`, `message` and, where there is one, `hint`.
    public var json: JSONValue { diagnostic.json }
  }

  /// What was looked at, and what was found.
  public struct Report: Sendable {
    public var findings: [Finding] = []
    public var files = 0
    public var errors = 0
    public var warnings = 0
  }

  let paths: [String]
  let pluginDirectories: [String]
  let configurationFile: String?
  let environment: [String: String]

  public init(
    paths: [String], pluginDirectories: [String], configurationFile: String?, environment: [String: String]
  ) {
    self.paths = paths
    self.pluginDirectories = pluginDirectories
    self.configurationFile = configurationFile
    self.environment = environment
  }

  /// Does it. Reads files and looks into libraries; runs nothing of them and changes nothing.
  public func run() -> Report {
    var libraries: [String] = []
    var files: [String] = []
    var directories = pluginDirectories
    var diagnostics = Diagnostics()
    for path in paths {
      var status = stat()
      if stat(path, &status) != 0 {
        diagnostics.error("\(String(cString: strerror(errno)))", at: SourceLocation(file: path))
      } else if Self.isDirectory(path) {
        directories.append(path)
      } else if path.hasSuffix(".yaml") || path.hasSuffix(".yml") {
        files.append(path)
      } else {
        libraries.append(path)
      }
    }
    if let configurationFile { files.append(configurationFile) }
    let directory = PluginDirectory.load(directories, files: files)
    diagnostics.append(contentsOf: directory.diagnostics)
    var sources = directory.sources
    for path in paths where Self.isDirectory(path) {
      guard !sources.contains(where: { $0.name.hasPrefix(path.hasSuffix("/") ? path : path + "/") }) else { continue }
      diagnostics.error("there is no manifest and no bot in it (*.yaml, *.yml)", at: SourceLocation(file: path))
    }
    for plugin in directory.plugins {
      if let path = plugin.libraryPath { check(library: path, plugin.manifest, &diagnostics) }
    }
    for instance in directory.hosts.flatMap(\.instances) {
      _ = directory.plugin(instance.plugin)?.manifest.resolveConfiguration(
        overrides: instance.config, environment: Environment(environment), place: instance.location,
        diagnostics: &diagnostics)
    }
    for path in libraries { check(library: path, nil, &diagnostics) }
    let botFiles = directory.botFiles.map(\.name)
    if !botFiles.isEmpty {
      let project = BotProject.load(botFiles)
      let (programs, found) = BotCompiler.compile(project, manifests: directory.manifests)
      diagnostics.append(contentsOf: found)
      for program in programs {
        _ = program.bind(
          manifests: directory.manifests, environment: Environment(environment), diagnostics: &diagnostics)
      }
      sources += project.sources
    }

    var report = Report()
    report.files = Set(sources.map(\.name)).count + libraries.count
    for diagnostic in diagnostics.sorted() {
      if diagnostic.severity == .error { report.errors += 1 }
      if diagnostic.severity == .warning { report.warnings += 1 }
      let source = sources.first { $0.name == diagnostic.location?.file }
      report.findings.append(Finding(diagnostic: diagnostic, source: source))
    }
    report.errors += diagnostics.dropped
    return report
  }

  private static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Looks into a library's file; its manifest says what must be there.
  private func check(library: String, _ manifest: Manifest?, _ diagnostics: inout Diagnostics) {
    do {
      let expectations =
        manifest.map { ImageExpectations($0, isolation: $0.isolation ?? .thread) } ?? ImageExpectations(plugin: "")
      _ = try ImageInspection(ImageStaging.unstaged(library), expecting: expectations)
    } catch {
      diagnostics.error("\(error)", at: manifest?.libraryLocation ?? SourceLocation(file: library))
    }
  }
}
