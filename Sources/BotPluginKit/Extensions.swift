import CBotHost

/// What the manifest of another instance says for this plugin, from ``Host/extensions(of:)``.
public struct ManifestExtension<Content: Decodable & Sendable>: Decodable, Sendable {
  /// The instance whose manifest it is.
  public var instance: String
  /// Its plugin.
  public var plugin: String
  /// What stands below `extensions: {THIS_PLUGIN: …}`; nil when it is nothing of that form.
  public var content: Content?

  private enum CodingKeys: String, CodingKey {
    case instance, plugin, content
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    instance = try values.decode(String.self, forKey: .instance)
    plugin = try values.decode(String.self, forKey: .plugin)
    content = try? values.decodeIfPresent(Content.self, forKey: .content)
  }
}

extension Host {
  /// What the manifests of the instances that are up say for this plugin, in the order in which they came. Instances that come later, also
  /// after `activate`, are seen when ``extensionRevision`` has changed.
  ///
  /// - Throws: `unsupported` when the host is older than version 1.1 of the ABI.
  public func extensions<Content: Decodable & Sendable>(
    of content: Content.Type = Content.self
  ) throws(PluginError) -> [ManifestExtension<Content>] {
    let table = try require(extensionTable, BH_EXTENSION)
    let what = "the extensions for this plugin"
    let bytes = try ByteCollector.collect(what) { writer, sink in table.pointee.list(pointer, writer, sink) }
    do {
      return try bytes.withUnsafeBytes {
        try JSONCoding.decode([ManifestExtension<Content>].self, from: $0, what, code: .invalid)
      }
    } catch { throw PluginError(error, otherwise: .invalid) }
  }

  /// A number that changes whenever a section for any plugin comes, goes or changes. Cheap: poll it.
  public var extensionRevision: UInt64 {
    guard let table = try? require(extensionTable, BH_EXTENSION) else { return 0 }
    return table.pointee.revision(pointer)
  }
}
