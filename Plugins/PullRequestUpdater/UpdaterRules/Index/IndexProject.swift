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

  /// Reads an answer of the Simple API for `name`: JSON (`application/vnd.pypi.simple.v1+json`) or the HTML form.
  ///
  /// - Parameter contentType: the answer's `Content-Type`; its parameters are not looked at.
  public init(simpleAPI body: [UInt8], contentType: String, name: String) throws(IndexFailure) {
    throw IndexFailure(.unsupported, reason: "an index's answers cannot be read yet")
  }
}

/// Why an index's answer cannot be used.
public struct IndexFailure: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Code: String, Sendable, Hashable {
    /// Its major version of the API is above what is understood, or its content type is another.
    case unsupported
    case malformed
    case tooLarge = "too-large"
    /// It is about another project.
    case otherProject = "other-project"
  }

  public let code: Code
  public let description: String

  public init(_ code: Code, reason: String) {
    self.code = code
    description = reason
  }
}
