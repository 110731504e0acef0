/// The plugins of the directories that a host was given: what is declared, found and usable.
public struct PluginCatalog: Sendable {
  /// What was read, the manifests with errors among it.
  public private(set) var directory = PluginDirectory()

  public init() {}

  public init(directories: [String]) {
    directory = PluginDirectory.load(directories)
  }

  /// The manifest and library of a plugin; nil when it is not there or something is wrong with it.
  public func source(of plugin: String) -> PluginSource? {
    guard let found = directory.plugin(plugin), found.isUsable, let library = found.libraryPath else { return nil }
    return PluginSource(manifest: found.manifest, path: found.path, library: library)
  }

  /// What is wrong with manifests, and which libraries are missing.
  public var diagnostics: Diagnostics { directory.diagnostics }

  /// Of the plugins that can be used.
  public var manifests: [Manifest] { directory.plugins.filter(\.isUsable).map(\.manifest) }
}

/// A manifest and the library that it names, as found on disk.
public struct PluginSource: Sendable {
  public var manifest: Manifest
  /// The manifest's path.
  public var path: String
  /// The library's path, resolved.
  public var library: String

  /// Of the library as it is on disk now.
  var digest: ImageDigest? {
    get throws {
      try FileBytes.read(library, limit: ImageStaging.maximumSize).withUnsafeBytes { ImageDigest(of: $0) }
    }
  }

  /// The manifest's bytes as they are on disk now, by which a later change is seen; empty when they cannot be read.
  var manifestText: [UInt8] { (try? FileBytes.read(path, limit: 1 << 20)) ?? [] }

  /// Whether two texts of a manifest say the same but for what can change under a build that runs.
  static func differsInSettingsOnly(_ old: [UInt8], _ new: [UInt8]) -> Bool {
    if old == new { return true }
    let settings = ["config", "lane", "restart"]
    func members(_ text: [UInt8]) -> [String: YAMLNode]? {
      var found = Diagnostics()
      let source = SourceText(name: "", bytes: text)
      guard let members = YAMLParser.documents(of: source, diagnostics: &found).first?.mapping, !found.hasErrors else {
        return nil
      }
      return Dictionary(members.filter { !settings.contains($0.key) }.map { ($0.key, $0.value) }) { first, _ in first }
    }
    guard let before = members(old), let after = members(new), before.count == after.count else { return false }
    return before.allSatisfy { key, value in after[key].map { $0.says(value) } ?? false }
  }

  public init(manifest: Manifest, path: String, library: String) {
    self.manifest = manifest
    self.path = path
    self.library = library
  }

  /// Reads the manifest again, and finds its library or takes the one given.
  static func read(again source: PluginSource, library: String?) throws -> PluginSource {
    let found = PluginDirectory.load([PluginDirectory.directory(of: source.path)], checksLibraries: library == nil)
    let errors = found.diagnostics.errors.filter { $0.location?.file == source.path }
    guard let plugin = found.plugins.first(where: { $0.path == source.path }), errors.isEmpty else {
      let reason = errors.first?.description ?? "\(source.path): the manifest is not there any more"
      throw LifecycleFailure(source.manifest.plugin, "manifest", reason)
    }
    guard plugin.manifest.plugin == source.manifest.plugin else {
      throw LifecycleFailure(
        source.manifest.plugin, "manifest", "\(source.path) now declares the plugin '\(plugin.manifest.plugin)'")
    }
    guard let library = library ?? plugin.libraryPath else {
      throw LifecycleFailure(
        source.manifest.plugin, "manifest", "the library '\(plugin.manifest.library)' is not there")
    }
    return PluginSource(manifest: plugin.manifest, path: source.path, library: library)
  }
}

extension Permissions {
  /// What these permit that the others do not, in words.
  func beyond(_ other: Permissions) -> [String] {
    var added: [String] = []
    func compare<Item: Equatable>(_ word: String, _ new: [Item], _ old: [Item]) {
      for item in new where !old.contains(item) { added.append("\(word) \(item)") }
    }
    compare("connect", connect, other.connect)
    compare("publish", publish, other.publish)
    compare("call", call, other.call)
    compare("secret", secrets, other.secrets)
    if kvBytes.bytes > other.kvBytes.bytes { added.append("kv_bytes \(kvBytes)") }
    return added
  }
}
