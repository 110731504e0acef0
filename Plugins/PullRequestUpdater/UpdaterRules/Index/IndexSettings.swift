/// Where packages are looked up. No index is built in: somebody has to say which one.
public struct IndexSettings: Sendable, Hashable {
  /// Why there is no index. It never shows an address's credentials.
  public struct Failure: Error, Sendable, Hashable, CustomStringConvertible {
    public let description: String
  }

  /// Ends with `/`: a project's page is at this and its normalized name and `/`.
  public let address: String
  /// What said so: `the plugin's configuration`, `PIP_INDEX_URL`, a file's name.
  public let source: String

  /// The first that is said: the plugin's configuration, the environment's `PIP_INDEX_URL`, pip's own configuration files.
  ///
  /// - Parameters:
  ///   - configured: what the plugin's configuration says; nil or empty when nothing.
  ///   - key: that configuration's key, which the error names.
  ///   - environment: of it only `PIP_INDEX_URL` is looked at.
  ///   - pipConfigurations: name and text of pip's configuration files, the one that outranks the others last.
  public init(
    configured: String?, key: String, environment: [String: String], pipConfigurations: [(name: String, text: String)]
  ) throws(Failure) {
    throw Failure(description: "no package index is known: set `\(key)`")
  }
}
