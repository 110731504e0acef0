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
  /// What was found wrong so far, in all files.
  public private(set) var diagnostics = Diagnostics()

  /// From texts; nothing is read from disk.
  ///
  /// - Parameters:
  ///   - files: the bots and what they need.
  ///   - values: the values of configurations, by the name that `file` gives.
  public init(_ files: [SourceText], values: [String: SourceText] = [:]) {
    for file in files { add(file) }
    for (name, text) in values {
      var found = Diagnostics()
      add(values: text, as: name, &found)
      diagnostics.append(contentsOf: found)
    }
  }

  /// From disk: each file, the other YAML files of its directory, and the files that configurations name. A directory stands for all
  /// files in it that hold a bot, or may: what cannot be read there is an error, and not a bot less.
  public static func load(_ paths: [String]) -> BotProject {
    var project = BotProject([])
    let paths = paths.flatMap { FileTree.isDirectory($0) ? botFiles(of: $0, &project.diagnostics) : [$0] }
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
    for entry in project.main { project.readValues(entry) { $0.diagnostics.append(contentsOf: $1) } }
    for entry in project.beside {
      project.readValues(entry) { $0.besideDiagnostics[entry.file, default: Diagnostics()].append(contentsOf: $1) }
    }
    return project
  }

  private static func botFiles(of directory: String, _ diagnostics: inout Diagnostics) -> [String] {
    PluginDirectory.yamlFiles(of: directory, &diagnostics).filter { path in
      guard case .success(let source) = SourceText.read(path) else { return true }
      var found = Diagnostics()
      let documents = YAMLParser.documents(of: source, diagnostics: &found)
      return found.hasErrors || documents.isEmpty || documents.contains { $0["kind"]?.scalar?.text == "bot" }
    }
  }

  /// Reads the files that a document's uses of configurations name.
  private mutating func readValues(_ entry: Entry, report: (inout BotProject, Diagnostics) -> Void) {
    let uses: [UseSyntax]
    switch entry.document {
    case .bot(let bot), .component(let bot): uses = bot.uses
    case .config, .schema: return
    }
    for use in uses {
      guard case .literal(let name, let location)? = use.argument("file")?.value else { continue }
      let path = Self.path(name.text, from: entry.file)
      guard values[path] == nil, !sources.contains(where: { $0.name == path }) else { continue }
      var found = Diagnostics()
      switch SourceText.read(path) {
      case .success(let source): add(values: source, as: path, &found)
      case .failure(let problem):
        found.error("the file '\(name.text)' \(problem.message)", at: location)
      }
      report(&self, found)
    }
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

  mutating func add(beside source: SourceText) {
    var found = Diagnostics()
    let nodes = YAMLParser.documents(of: source, diagnostics: &found)
    // Manifests, hosts' configurations and files of values lie there too.
    let own = nodes.filter { node in
      guard let kind = node["kind"]?.scalar?.text else { return false }
      return BotParser.kinds.contains(kind)
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

  private mutating func add(values source: SourceText, as name: String, _ found: inout Diagnostics) {
    sources.append(source)
    guard let node = YAMLParser.document(of: source, diagnostics: &found) else { return }
    guard node.mapping != nil else {
      found.error("expected a mapping of getters to values, not \(node.summary)", at: node.location)
      return
    }
    values[name] = node
  }

  /// The document of that name: of the files named, then of those beside them.
  func document(_ name: String) -> Entry? {
    main.first { $0.document.name.value == name } ?? beside.first { $0.document.name.value == name }
  }

  /// The bots of the files that were named.
  var botNames: [String] {
    main.compactMap { entry in
      if case .bot(let bot) = entry.document { return bot.name.value }
      return nil
    }
  }

  /// The names of the documents that a condition holds for.
  func names(where isWanted: (BotDocument) -> Bool = { _ in true }) -> [String] {
    (main + beside).map(\.document).filter(isWanted).map(\.name.value)
  }
}
