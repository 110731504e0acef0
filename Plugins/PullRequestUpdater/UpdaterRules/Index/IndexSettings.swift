/// Where packages are looked up. No index is built in: somebody has to say which one.
public struct IndexSettings: Sendable, Hashable {
  /// Why there is no index. It never shows an address, which may hold credentials.
  public struct Failure: Error, Sendable, Hashable, CustomStringConvertible {
    public let description: String
  }

  /// Ends with `/`: a project's page is at this and its normalized name and `/`. It may hold credentials, so it is not for logs.
  public let address: String
  /// What said so: the configuration's key, `PIP_INDEX_URL`, a file's name.
  public let source: String

  /// The longest address, in bytes.
  public static let longest = 2048

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
    var found: [(address: String, source: String)] = []
    if let configured { found.append((configured, "`\(key)`")) }
    if let address = environment["PIP_INDEX_URL"] { found.append((address, "PIP_INDEX_URL")) }
    for file in pipConfigurations.reversed() {
      if let address = PipConfiguration(file.text).indexAddress { found.append((address, file.name)) }
    }
    guard let first = found.first(where: { !$0.address.trimmed.isEmpty }) else {
      throw Failure(
        description: "no package index is known: set `\(key)` in the plugin's configuration to its address"
          + " (`https://HOST/simple/`), or PIP_INDEX_URL, or `index-url` in pip's configuration file")
    }
    source = first.source
    address = try Self.checked(first.address.trimmed, source: first.source)
  }

  private static func checked(_ address: String, source: String) throws(Failure) -> String {
    let lower = address.lowercased()
    guard let scheme = ["https://", "http://"].first(where: { lower.hasPrefix($0) }) else {
      throw Failure(description: "the package index that \(source) says is no address with https:// or http://")
    }
    let host =
      address.dropFirst(scheme.count).prefix { $0 != "/" }.split(separator: "@", omittingEmptySubsequences: false).last
      ?? ""
    guard !host.isEmpty, host.first != ":", address.utf8.count <= longest,
      address.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !address.contains("?"), !address.contains("#")
    else {
      throw Failure(
        description: "the package index that \(source) says is no address of the form https://HOST/PATH/")
    }
    return address.hasSuffix("/") ? address : address + "/"
  }

  /// The address of a project's page.
  public func page(of project: ProjectName) -> String { address + project.normalized + "/" }
}
