/// The files of one or more bots: their documents, the components beside them, and the values of configurations.
public struct BotProject: Sendable {
  /// One document and what its file had to complain about.
  struct Entry: Sendable {
    var document: BotDocument
    var file: String
  }

  /// The documents of the files that were named.
  var main: [Entry] = []
  /// Documents of other files in the same directories, for look-ups by name.
  var beside: [Entry] = []
  /// What is wrong with the files beside; reported when something of them is used.
  var besideDiagnostics: [String: Diagnostics] = [:]
  /// Files with the values of configurations, by the name under `file` and the bot's file.
  var values: [String: YAMLNode] = [:]
  /// All files that were read, for showing diagnostics.
  public private(set) var sources: [SourceText] = []
  public private(set) var diagnostics = Diagnostics()

  /// From texts; nothing is read from disk.
  ///
  /// - Parameters:
  ///   - files: the bots and what they need.
  ///   - values: the values of configurations, by the name that `file` gives.
  public init(_ files: [SourceText], values: [String: SourceText] = [:]) {
    for file in files { add(file) }
    for (name, text) in values { add(values: text, as: name) }
  }

  /// From disk: each file, the other YAML files of its directory, and the files that configurations name.
  public static func load(_ paths: [String]) -> BotProject {
    var project = BotProject([])
    var named: Set<String> = []
    for path in paths {
      switch SourceText.read(path) {
      case .failure(let diagnostic): project.diagnostics.add(diagnostic)
      case .success(let source):
        guard named.insert(path).inserted else { continue }
        project.add(source)
      }
    }
    for directory in Set(paths.map { PluginDirectory.directory(of: $0) }).sorted() {
      for path in PluginDirectory.yamlFiles(of: directory) where !named.contains(path) {
        if case .success(let source) = SourceText.read(path) { project.add(beside: source) }
      }
    }
    for entry in project.main {
      guard case .bot(let bot) = entry.document else { continue }
      for use in bot.uses {
        guard case .literal(let name, let location)? = use.argument("file")?.value else { continue }
        let path = Self.path(name.text, from: entry.file)
        guard project.values[path] == nil else { continue }
        switch SourceText.read(path) {
        case .success(let source): project.add(values: source, as: path)
        case .failure(let problem):
          project.diagnostics.error("the file '\(name.text)' \(problem.message)", at: location)
        }
      }
    }
    return project
  }

  /// A file's path as seen from another file.
  static func path(_ name: String, from file: String) -> String {
    if name.hasPrefix("/") || !file.contains("/") { return name }
    let directory = PluginDirectory.directory(of: file)
    return directory.hasSuffix("/") ? directory + name : "\(directory)/\(name)"
  }

  private mutating func add(_ source: SourceText) {
    sources.append(source)
    let nodes = YAMLParser.documents(of: source, diagnostics: &diagnostics)
    if nodes.isEmpty, !diagnostics.hasErrors {
      diagnostics.error("the file is empty", at: SourceLocation(file: source.name))
    }
    var parser = BotParser()
    for node in nodes {
      if let document = parser.parse(node) { main.append(Entry(document: document, file: source.name)) }
    }
    diagnostics.append(contentsOf: parser.diagnostics)
  }

  private mutating func add(beside source: SourceText) {
    var found = Diagnostics()
    let nodes = YAMLParser.documents(of: source, diagnostics: &found)
    // Manifests, hosts' configurations and files of values lie there too.
    let own = nodes.filter { node in
      guard let kind = node["kind"]?.scalar?.text else { return false }
      return ["bot", "config", "component", "schema"].contains(kind)
    }
    guard !own.isEmpty else { return }
    sources.append(source)
    var parser = BotParser()
    for node in own {
      if let document = parser.parse(node) { beside.append(Entry(document: document, file: source.name)) }
    }
    found.append(contentsOf: parser.diagnostics)
    besideDiagnostics[source.name] = found
  }

  private mutating func add(values source: SourceText, as name: String) {
    sources.append(source)
    guard let node = YAMLParser.document(of: source, diagnostics: &diagnostics) else { return }
    guard node.mapping != nil else {
      diagnostics.error("expected a mapping of getters to values, not \(node.summary)", at: node.location)
      return
    }
    values[name] = node
  }

  /// The document of that name: of the files named, then of those beside them.
  func document(_ name: String) -> Entry? {
    main.first { $0.document.name.value == name } ?? beside.first { $0.document.name.value == name }
  }

  var names: [String] { (main + beside).map(\.document.name.value) }
}
