/// The formats of manifests that are read, and how a file's path tells its format.
public enum ManifestFormat: String, Sendable, Hashable, CaseIterable {
  /// What pip installs from: `requirements.txt`, `requirements-dev.txt`, `requirements/base.in`, `constraints.txt`.
  case requirements
  /// `pyproject.toml`.
  case pyproject

  /// The format of the file at a path of a repository (`services/api/requirements-dev.txt`); nil for one that is no manifest.
  public init?(path: String) {
    let parts = path.split(separator: "/")
    guard let name = parts.last?.lowercased() else { return nil }
    if name == "pyproject.toml" {
      self = .pyproject
      return
    }
    let folder = parts.dropLast().last?.lowercased()
    if name.hasSuffix(".txt") || name.hasSuffix(".in") {
      let stem = name.prefix { $0 != "." }
      let isNamed = ["requirements", "constraints"].contains { word in
        stem == word || ["-", "_"].contains { stem.hasPrefix(word + $0) || stem.hasSuffix($0 + word) }
          || (stem.hasPrefix(word) && stem.dropFirst(word.count).allSatisfy(\.isNumber))
      }
      if isNamed || folder == "requirements" || folder == "constraints" {
        self = .requirements
        return
      }
    }
    return nil
  }

  public var ecosystem: Ecosystem { manifest.ecosystem }

  /// See ``Manifest/lockFiles``.
  public var lockFiles: [String] { manifest.lockFiles }

  /// Reads a file of this format.
  public func read(_ bytes: [UInt8], path: String) throws(Refusal) -> any Manifest {
    try manifest.init(parsing: bytes, path: path)
  }

  private var manifest: any Manifest.Type {
    switch self {
    case .requirements: RequirementsFile.self
    case .pyproject: PyProjectFile.self
    }
  }
}
