/// The formats of manifests that are read, and how a file's path tells its format.
public enum ManifestFormat: String, Sendable, Hashable, CaseIterable {
  case requirements

  /// The format of the file at a path of a repository (`services/api/requirements-dev.txt`); nil for one that is no manifest.
  public init?(path: String) { return nil }

  public var ecosystem: Ecosystem { .pip }

  /// Reads a file of this format.
  public func read(_ bytes: [UInt8], path: String) throws(Refusal) -> any Manifest {
    throw Refusal(.unsupported, reason: "\(path) cannot be read yet")
  }
}
