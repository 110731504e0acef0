import Glibc

/// The manifests of one or more directories, each with the library that it names.
public struct PluginDirectory: Sendable {
  /// A manifest that was found, with its library's path.
  public struct Plugin: Sendable {
    public var manifest: Manifest
    /// The manifest's file.
    public var path: String
    /// Nil when the library was not found: that is in `diagnostics`.
    public var libraryPath: String?
    /// Nothing is wrong with the file, so that it may be loaded.
    public var isUsable: Bool
  }

  public var plugins: [Plugin] = []
  public var hosts: [HostConfiguration] = []
  /// The operator's files, `kind: host`, also those that cannot be understood.
  public var hostFiles: Set<String> = []
  /// The files of `kind: bot` and the like, unread: they need all manifests.
  public var botFiles: [SourceText] = []
  /// All files that were read, for showing diagnostics.
  public var sources: [SourceText] = []
  public var diagnostics = Diagnostics()

  public init() {}

  /// The plugin of that name; nil when there is none.
  public func plugin(_ name: String) -> Plugin? { plugins.first { $0.manifest.plugin == name } }
  /// Of all plugins, also those that cannot be used.
  public var manifests: [Manifest] { plugins.map(\.manifest) }

  /// How many YAML files are looked at in a directory.
  public static let fileLimit = 4_096

  /// Reads every `*.yaml` and `*.yml` of the directories, not below them. One bad file does not stop the others.
  ///
  /// - Parameters:
  ///   - directories: where manifests and libraries are.
  ///   - files: further files, named one by one.
  ///   - checksLibraries: report a library that is not there.
  public static func load(
    _ directories: [String], files: [String] = [], checksLibraries: Bool = true
  ) -> PluginDirectory {
    var result = PluginDirectory()
    var seen: Set<String> = []
    for directory in directories {
      guard let names = list(directory, &result.diagnostics) else { continue }
      for name in names.sorted() {
        let path = directory.hasSuffix("/") ? directory + name : "\(directory)/\(name)"
        if seen.insert(canonical(path)).inserted { result.read(path, directories, checksLibraries) }
      }
    }
    for path in files where seen.insert(canonical(path)).inserted { result.read(path, directories, checksLibraries) }
    result.checkRequirements()
    for host in result.hosts { host.check(against: result.manifests, diagnostics: &result.diagnostics) }
    return result
  }

  private mutating func read(_ path: String, _ directories: [String], _ checksLibraries: Bool) {
    switch SourceText.read(path) {
    case .failure(let diagnostic): diagnostics.add(diagnostic)
    case .success(let source): add(source, directories, checksLibraries)
    }
  }

  private mutating func add(_ source: SourceText, _ directories: [String], _ checksLibraries: Bool) {
    sources.append(source)
    var found = Diagnostics()
    defer { diagnostics.append(contentsOf: found) }
    let documents = YAMLParser.documents(of: source, diagnostics: &found)
    guard let first = documents.first else {
      if Self.callsItselfHost(source) { hostFiles.insert(source.name) }
      if !found.hasErrors { found.warning("the file is empty", at: SourceLocation(file: source.name)) }
      return
    }
    // Values of a bot's configuration lie beside the bot; they are read with it.
    if ["bothost", "plugin", "kind", "library"].allSatisfy({ first[$0] == nil }), first.mapping != nil {
      found = Diagnostics()
      return
    }
    let kind = first["kind"]?.scalar?.text
    if kind != nil, kind != "host", first["plugin"] == nil {
      // A bot's errors are reported with the bot, where all manifests are known.
      found = Diagnostics()
      botFiles.append(source)
      return
    }
    if documents.count > 1 {
      found.error(
        "a second document begins here; a manifest is one document", at: documents[1].location,
        hint: "put it into a file of its own")
    }
    if kind == "host" {
      hostFiles.insert(source.name)
      if let host = HostConfiguration.decode(first, diagnostics: &found) { hosts.append(host) }
      return
    }
    guard let manifest = Manifest.decode(first, diagnostics: &found) else { return }
    if let other = plugin(manifest.plugin) {
      found.error(
        "the plugin '\(manifest.plugin)' is declared a second time; the first is \(other.manifest.location)",
        at: first["plugin"]?.location, hint: "for a second instance write it under 'instances' of a host configuration")
      return
    }
    let library = manifest.library.isEmpty ? nil : Self.find(manifest.library, beside: source.name, directories)
    if library == nil, checksLibraries, !manifest.library.isEmpty {
      let places = ([Self.directory(of: source.name)] + directories).reduce(into: [String]()) { places, place in
        if !places.contains(place) { places.append(place) }
      }
      found.error(
        "the library '\(manifest.library)' is not there", at: manifest.libraryLocation,
        hint: "looked in \(places.joined(separator: ", "))")
    }
    plugins.append(Plugin(manifest: manifest, path: source.name, libraryPath: library, isUsable: !found.hasErrors))
  }

  /// Whether a text that is no YAML has a line `kind: host`: what it would have said must not be taken for unsaid.
  private static func callsItselfHost(_ source: SourceText) -> Bool {
    source.bytes.split(separator: UInt8(ascii: "\n")).contains { line in
      let words = line.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "\r") }
      return words.count == 2 && words[0].elementsEqual("kind".utf8) && words[1].elementsEqual("host".utf8)
    }
  }

  private mutating func checkRequirements() {
    for plugin in plugins {
      for requirement in plugin.manifest.requires {
        guard let other = self.plugin(requirement.plugin) else {
          diagnostics.error(
            "the plugin '\(plugin.manifest.plugin)' requires '\(requirement.plugin)', which is not there",
            at: requirement.location,
            hint: Suggestion.question(about: requirement.plugin, in: manifests.map(\.plugin)))
          continue
        }
        if let version = other.manifest.version, !requirement.versions.contains(version) {
          diagnostics.error(
            "the plugin '\(plugin.manifest.plugin)' requires '\(requirement.plugin)' \(requirement.versions), "
              + "here is \(version)", at: requirement.location)
        }
      }
    }
  }

  // MARK: Files

  /// Where Debian and its relatives keep shared libraries.
  private static let systemDirectories = [
    "/usr/local/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/lib/x86_64-linux-gnu",
    "/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/lib64", "/lib",
  ]

  /// A library's path: beside the manifest, in one of the directories, or, for a bare name, the system's.
  static func find(_ library: String, beside manifest: String, _ directories: [String]) -> String? {
    if library.hasPrefix("/") { return isFile(library) ? library : nil }
    var places = [directory(of: manifest)] + directories
    if !library.contains("/") { places += systemDirectories }
    for place in places {
      let path = place.hasSuffix("/") ? place + library : "\(place)/\(library)"
      if isFile(path) { return path }
    }
    return nil
  }

  static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// The paths of a directory's YAML files, sorted; none when it cannot be read.
  static func yamlFiles(of directory: String) -> [String] {
    var ignored = Diagnostics()
    return yamlFiles(of: directory, &ignored)
  }

  /// The same, with the reason.
  static func yamlFiles(of directory: String, _ diagnostics: inout Diagnostics) -> [String] {
    (list(directory, &diagnostics) ?? []).sorted().map { name in
      directory == "." ? name : directory.hasSuffix("/") ? directory + name : "\(directory)/\(name)"
    }
  }

  private static func isFile(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  private static func canonical(_ path: String) -> String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  private static func list(_ directory: String, _ diagnostics: inout Diagnostics) -> [String]? {
    guard let stream = opendir(directory) else {
      diagnostics.error(
        "the directory cannot be read: \(String(cString: strerror(errno)))", at: SourceLocation(file: directory))
      return nil
    }
    defer { closedir(stream) }
    // A file that its editor puts in another's place is not there for a moment.
    _ = SettledFile.wait(for: dirfd(stream), until: SettledFile.deadline())
    var names: [String] = []
    while let entry = readdir(stream) {
      let (name, isText) = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
          (String(cString: $0), String(validatingCString: $0) != nil)
        }
      }
      // Editors leave hidden copies behind.
      guard name.hasSuffix(".yaml") || name.hasSuffix(".yml"), !name.hasPrefix(".") else { continue }
      guard isText else {
        diagnostics.error(
          "the file's name is not UTF-8, and the file is not read; rename it",
          at: SourceLocation(file: directory.hasSuffix("/") ? directory + name : "\(directory)/\(name)"))
        continue
      }
      names.append(name)
      if names.count > fileLimit {
        diagnostics.error("more than \(fileLimit) YAML files", at: SourceLocation(file: directory))
        return nil
      }
    }
    return names
  }
}
