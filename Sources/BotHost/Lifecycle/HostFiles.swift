/// The operator's files, `kind: host`: the one that was named, and those beside the manifests.
struct HostFiles {
  private(set) var configurations: [HostConfiguration] = []
  private(set) var diagnostics = Diagnostics()
  /// The texts that diagnostics point into.
  private(set) var sources: [SourceText] = []
  private let paths: Set<String>
  /// All of them could be read and have no errors, so that what they do not say is not meant.
  private(set) var areComplete = true

  init(_ options: HostOptions, _ catalog: PluginCatalog) {
    configurations = catalog.directory.hosts
    let places = catalog.directory.hostFiles
    paths = places.union([options.configurationFile].compactMap { $0 })
    for finding in catalog.diagnostics.errors where finding.location.map({ places.contains($0.file) }) ?? false {
      areComplete = false
      diagnostics.add(finding)
    }
    guard let path = options.configurationFile else { return }
    var found = Diagnostics()
    switch SourceText.read(path) {
    case .failure(let diagnostic): found.add(diagnostic)
    case .success(let source):
      sources.append(source)
      let document = YAMLParser.documents(of: source, diagnostics: &found).first
      if document == nil, !found.hasErrors {
        // Nobody means that: its writer has only just begun.
        found.error(
          "the file is empty", at: SourceLocation(file: path), hint: "it begins with `bothost: 1` and `kind: host`")
      }
      if let document, let configuration = HostConfiguration.decode(document, diagnostics: &found) {
        configuration.check(against: catalog.manifests, diagnostics: &found)
        configurations.append(configuration)
      }
    }
    if found.hasErrors { areComplete = false }
    diagnostics.append(contentsOf: found)
  }

  /// Whether one of them is among the files of a directory.
  func lies(in directory: String, _ names: Set<String>) -> Bool {
    paths.contains { path in
      guard PluginDirectory.directory(of: path) == directory else { return false }
      return names.contains(path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path)
    }
  }

  /// All instances that they name; the first to name one counts.
  var instances: [InstanceConfiguration] { configurations.flatMap(\.instances) }

  func instance(_ name: String) -> InstanceConfiguration? { instances.first { $0.name == name } }
}
