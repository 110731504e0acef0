/// What a package index says of a project beside its files: the answer of `…/json`.
public struct ProjectDescription: Sendable, Hashable {
  public struct Link: Sendable, Hashable {
    public let label: String
    /// Begins with `https://` or `http://`.
    public let address: String
  }

  public let name: String
  public let summary: String?
  /// Sorted by label.
  public let links: [Link]

  /// The links that lead to what changed: change logs, release notes, then the releases page (PEP 753's well-known labels).
  public var releaseNotes: [Link] { [] }

  public init(json body: [UInt8]) throws(IndexFailure) {
    throw IndexFailure(.unsupported, reason: "an index's answers cannot be read yet")
  }
}
