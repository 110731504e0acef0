/// A project as a package index tells it: its releases with their files.
public struct IndexProject: Sendable, Hashable {
  /// A project's state (Simple API 1.4).
  public enum Status: Sendable, Hashable {
    case active, archived, quarantined, deprecated
    case other(String)
  }

  /// One version.
  public struct Release: Sendable, Hashable {
    /// As the index writes it: not always a version of the ecosystem's scheme.
    public let version: String
    public let files: [File]
    /// Of a tag: the commit, or the image's digest.
    public let revision: String?

    public init(version: String, files: [File], revision: String? = nil) {
      self.version = version
      self.files = files
      self.revision = revision
    }
  }

  public struct File: Sendable, Hashable {
    public let name: String
    /// As the index writes it: absolute, or relative to the page.
    public let address: String
    /// In lower case, hexadecimal.
    public let sha256: String?
    /// A specifier set, unchecked.
    public let requiresPython: String?
    public let isYanked: Bool
    public let yankReason: String?

    public init(
      name: String, address: String = "", sha256: String? = nil, requiresPython: String? = nil, isYanked: Bool = false,
      yankReason: String? = nil
    ) {
      self.name = name
      self.address = address
      self.sha256 = sha256
      self.requiresPython = requiresPython
      self.isYanked = isYanked
      self.yankReason = yankReason
    }
  }

  public let name: String
  /// In no order.
  public let releases: [Release]
  public let status: Status
  /// Why it has that status.
  public let statusReason: String?

  public init(name: String, releases: [Release], status: Status = .active, statusReason: String? = nil) {
    self.name = name
    self.releases = releases
    self.status = status
    self.statusReason = statusReason
  }

  /// The largest answer that is read, in bytes.
  public static let longestAnswer = 33_554_432
  /// The most files of one answer.
  public static let mostFiles = 200_000

  /// Reads an answer of the Simple API for `name`: JSON (`application/vnd.pypi.simple.v1+json`) or the HTML form.
  ///
  /// Files that pip would not install are left out, and with them versions that have no other; so are files of other projects.
  ///
  /// - Parameter contentType: the answer's `Content-Type`; its parameters are not looked at.
  /// - Throws: ``IndexFailure``, also for an API of a higher major version than 1.
  public init(simpleAPI body: [UInt8], contentType: String, name: String) throws(IndexFailure) {
    guard let project = ProjectName(name) else {
      throw IndexFailure(.otherProject, reason: "“\(name)” is no name of a Python project")
    }
    guard body.count <= Self.longestAnswer else {
      throw IndexFailure(
        .tooLarge, reason: "the index's answer about \(name) has more than \(Self.longestAnswer) bytes")
    }
    let type = contentType.split(separator: ";").first.map { String($0).trimmed.lowercased() } ?? ""
    let page =
      switch type {
      case "application/vnd.pypi.simple.v1+json", "application/json": try SimplePage(json: body, of: project)
      case "application/vnd.pypi.simple.v1+html", "text/html", "application/xhtml+xml":
        try SimplePage(html: body, of: project)
      default:
        throw IndexFailure(
          .unsupported,
          reason: "the index answers \(type.isEmpty ? "without a content type" : "with \(type.prefix(80))");"
            + " expected is application/vnd.pypi.simple.v1+json or text/html")
      }
    self.init(name: name, releases: page.releases, status: page.status, statusReason: page.statusReason)
  }
}
