import UpdaterGitHub

/// What would be done for a request: as JSON, what `plan` answers with. Nothing has been changed for it.
public struct Plan: Codable, Sendable {
  public var repository: RepositoryName
  /// nil where the request came without an issue.
  public var issue: Int?
  public var title: String
  public var base: String
  /// The commit of the base that was looked at.
  public var commit: String
  /// The manifests that were found.
  public var manifests: [String]
  public var pullRequests: [PlannedPullRequest]
  public var refusals: [PlannedRefusal]
  /// What could not be read on the way.
  public var notes: [String]

  private enum CodingKeys: String, CodingKey {
    case repository, issue, title, base, commit, manifests, refusals, notes
    case pullRequests = "pull_requests"
  }
}

/// One pull request.
public struct PlannedPullRequest: Codable, Sendable {
  public struct File: Codable, Sendable {
    public struct Change: Codable, Sendable {
      public var line: Int
      public var old: String
      public var new: String
    }
    public var path: String
    public var changes: [Change]
    public var diff: String
    /// What the commit gets; no part of the JSON.
    var new: NewFile?

    private enum CodingKeys: String, CodingKey { case path, changes, diff }
  }

  public struct Skipped: Codable, Sendable {
    public var version: String
    public var reason: String
  }

  public var key: String
  public var ecosystem: String
  /// In normal form; `*` for all.
  public var package: String
  /// What was asked for.
  public var request: String
  public var from: String?
  public var to: String?
  public var branch: String
  public var title: String
  /// The commit's message.
  public var message: String
  public var body: String
  public var skipped: [Skipped]
  public var files: [File]
  /// The lock files beside them, which are not rewritten.
  public var lockFiles: [String]

  private enum CodingKeys: String, CodingKey {
    case key, ecosystem, package, request, from, to, branch, title, message, body, skipped, files
    case lockFiles = "lock_files"
  }
}

/// Why nothing is done about a package.
public struct PlannedRefusal: Codable, Sendable, Hashable {
  /// In normal form.
  public var package: String
  public var path: String?
  public var code: String
  public var reason: String
  /// Whether it is as it was asked for already.
  public var isSatisfied: Bool

  public init(package: String, path: String? = nil, code: String, reason: String, isSatisfied: Bool = false) {
    self.package = package
    self.path = path
    self.code = code
    self.reason = reason
    self.isSatisfied = isSatisfied
  }

  private enum CodingKeys: String, CodingKey {
    case package, path, code, reason
    case isSatisfied = "satisfied"
  }
}

extension Plan {
  /// The differences of all files, as `git diff` shows them.
  public var diff: String { pullRequests.flatMap(\.files).map(\.diff).joined() }

  /// The same for a terminal, which nothing in a repository's files may steer: control characters are shown as their pictures, and those that turn
  /// the direction of text as U+FFFD.
  public var diffForTerminal: String {
    var shown = String.UnicodeScalarView()
    let scalars = diff.unicodeScalars
    for place in scalars.indices {
      let scalar = scalars[place]
      let next = scalars.index(after: place)
      switch scalar.value {
      case 0x09, 0x0A: shown.append(scalar)
      // A line's end, without which the difference would be another one.
      case 0x0D where next < scalars.endIndex && scalars[next] == "\n": shown.append(scalar)
      case 0..<0x20: shown.append(Unicode.Scalar(0x2400 + scalar.value) ?? "\u{FFFD}")
      case 0x7F..<0xA0, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: shown.append("\u{FFFD}")
      default: shown.append(scalar)
      }
    }
    return String(shown)
  }
}
