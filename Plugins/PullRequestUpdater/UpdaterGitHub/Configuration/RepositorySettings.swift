/// What a repository says about the updater, in `.github/bothost.yml` of the base branch.
///
/// ```yaml
/// enabled: true
/// base: develop
/// labels: [dependencies]
/// reviewers: [ann, example/python-team]
/// assignees: [ann]
/// allow: [pip, "django-*"]
/// ignore: [numpy]
/// pre_releases: false
/// python_version: "3.11"
/// manifests: [requirements.txt, "services/*/requirements.txt"]
/// limits: {open: 5, hour: 1}
/// ```
public struct RepositorySettings: Sendable, Hashable {
  /// Where it stands.
  public static let path = ".github/bothost.yml"

  public var isEnabled = true
  /// The branch that pull requests go to; nil: the repository's default branch.
  public var base: String?
  /// What pull requests are labelled with.
  public var labels: [String] = []
  public var reviewers: [String] = []
  /// Slugs.
  public var teamReviewers: [String] = []
  public var assignees: [String] = []
  /// Patterns of packages that may be touched; empty: all.
  public var allow: [NamePattern] = []
  /// Patterns of packages that are left alone, whoever asks.
  public var ignore: [NamePattern] = []
  public var allowsPreReleases = false
  /// As it is written.
  public var pythonVersion: String?
  /// Patterns of paths; empty: where manifests usually are.
  public var manifests: [NamePattern] = []
  /// They can only be less than the operator's.
  public var openLimit: Int?
  public var hourLimit: Int?

  public init() {}

  /// Everything that is wrong with a file, each with its place.
  public struct Invalid: Error, Sendable, Hashable, CustomStringConvertible {
    /// `file:line:column: what is wrong`
    public var problems: [String]
    public var description: String { problems.joined(separator: "\n") }
  }

  /// Reads the file. What is not said stays as it is by default.
  public init(yaml bytes: [UInt8], file: String = RepositorySettings.path) throws(Invalid) {
    let tree: YAMLTree?
    do { tree = try YAMLTree.parse(bytes) } catch {
      throw Invalid(problems: ["\(file):\(error.place.line):\(error.place.column): \(error.text)"])
    }
    var reader = SettingsReader(file: file)
    if let tree { reader.read(tree, into: &self) }
    guard reader.problems.isEmpty else { throw Invalid(problems: reader.problems) }
  }

  /// Whether a package may be touched at all.
  ///
  /// - Parameter name: in its ecosystem's normal form.
  public func permits(_ name: String) -> Bool {
    !ignore.contains { $0.matches(name) } && (allow.isEmpty || allow.contains { $0.matches(name) })
  }
}

/// A name or path in which `*` stands for any run of characters but `/`.
public struct NamePattern: Sendable, Hashable {
  public let text: String

  public init(_ text: String) { self.text = text }

  /// Takes time in proportion to the product of the lengths.
  public func matches(_ name: String) -> Bool {
    let pattern = Array(text.utf8)
    // Which prefixes of the name the pattern so far can end at.
    let bytes = Array(name.utf8)
    var ends = [Bool](repeating: false, count: bytes.count + 1)
    ends[0] = true
    for part in pattern {
      var next = [Bool](repeating: false, count: bytes.count + 1)
      if part == UInt8(ascii: "*") {
        var isOpen = false
        for index in 0...bytes.count {
          if index > 0, bytes[index - 1] == UInt8(ascii: "/") { isOpen = false }
          if ends[index] { isOpen = true }
          next[index] = isOpen
        }
      } else {
        for index in bytes.indices where ends[index] && bytes[index] == part { next[index + 1] = true }
      }
      ends = next
    }
    return ends[bytes.count]
  }
}
