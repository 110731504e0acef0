import UpdaterGitHub
import UpdaterRules

/// A manifest that was found.
struct FoundManifest {
  var path: String
  var entry: TreeEntry
  var content: any Manifest
  var ecosystem: Ecosystem
  /// The paths of the lock files beside it.
  var lockFiles: [String]
}

/// Finds the manifests of a commit: `requirements*.txt`, `constraints*.txt` and `pyproject.toml` of the root, `requirements/*.txt`, and what they
/// take in; or what the settings or the title name instead. Nothing outside the repository is looked at, and no symbolic link is followed.
struct ManifestSearch {
  let files: RepositoryFiles
  /// From the settings; empty: the usual places.
  let patterns: [NamePattern]

  private(set) var found: [FoundManifest] = []
  /// What was not read, and why; for the plan.
  private(set) var notes: [String] = []
  private var seen: Set<String> = []
  private var size = 0
  private var followed = 0

  // What a repository can have the updater read, remember and say.
  private static let most = 100
  /// Bytes, of all manifests together.
  static let mostBytes = 4 << 20
  static let mostReferences = 500
  static let mostNotes = 50
  private static let usual = ["requirements*.txt", "constraints*.txt", "pyproject.toml", "requirements/*.txt"]
    .map(NamePattern.init)

  init(_ files: RepositoryFiles, patterns: [NamePattern]) {
    self.files = files
    self.patterns = patterns
  }

  /// - Parameter place: the file or folder that the title names; nil: none.
  /// - Throws: ``Refusal`` for a place that there is not.
  mutating func search(place: String?) throws {
    if let place {
      guard let path = RepositoryPath.resolve(place, in: "") else {
        throw Refusal(.invalidRequest, reason: "\(place) is no path inside the repository")
      }
      if try files.file(path) != nil {
        try take(path)
      } else if try files.isFolder(path) {
        try takeUsual(in: path)
      } else {
        throw Refusal(.invalidRequest, reason: "there is no \(path) in the repository")
      }
    } else if patterns.isEmpty {
      try takeUsual(in: "")
    } else {
      try takeConfigured()
    }
  }

  private mutating func takeUsual(in folder: String) throws {
    let prefix = folder.isEmpty ? "" : "\(folder)/"
    let own = try files.folder(folder).keys.map { $0 }
    let below = try files.folder("\(prefix)requirements").keys.map { "requirements/\($0)" }
    for name in (own + below).sorted() where Self.usual.contains(where: { $0.matches(name) }) {
      try take(prefix + name)
    }
  }

  private mutating func takeConfigured() throws {
    if files.isComplete {
      for path in files.paths where patterns.contains(where: { $0.matches(path) }) { try take(path) }
    } else {
      for pattern in patterns {
        if pattern.text.contains("*") {
          note("the repository is too large to look for \(pattern.text); name the files")
        } else {
          try take(pattern.text)
        }
      }
    }
  }

  /// Reads a file, and those that it takes in.
  private mutating func take(_ path: String) throws {
    guard !seen.contains(path) else { return }
    guard let entry = try files.file(path) else {
      note("\(path) is no file of the repository")
      return
    }
    guard seen.count < Self.most else {
      note("\(path) is not read: there are more than \(Self.most) manifests")
      return
    }
    seen.insert(path)
    guard size + (entry.size ?? 0) <= Self.mostBytes else {
      note("\(path) is not read: all manifests together have more than \(Self.mostBytes) bytes")
      return
    }
    do {
      let bytes = try files.content(of: entry)
      size += bytes.count
      if let format = ManifestFormat(path: path), format != .requirements {
        let manifest = try format.read(bytes, path: path)
        found.append(
          FoundManifest(
            path: path, entry: entry, content: manifest, ecosystem: format.ecosystem,
            lockFiles: try lockFiles(format.lockFiles, beside: path)))
        return
      }
      let manifest = try RequirementsFile(parsing: bytes, path: path)
      found.append(FoundManifest(path: path, entry: entry, content: manifest, ecosystem: .pip, lockFiles: []))
      for reference in manifest.references { try follow(reference, from: path) }
    } catch let refusal as Refusal {
      note("\(path) is not read: \(refusal)")
    } catch let failure as GitHubFailure where failure.kind == .unexpected {
      note("\(path) is not read: \(failure)")
    }
  }

  private func lockFiles(_ names: [String], beside path: String) throws -> [String] {
    let folder = RepositoryPath.folder(of: path)
    let own = try files.folder(folder)
    return names.filter { own[$0]?.type == "blob" }.map { folder.isEmpty ? $0 : "\(folder)/\($0)" }
  }

  private mutating func note(_ text: String) {
    if notes.count < Self.mostNotes { notes.append(String(text.unicodeScalars.prefix(500))) }
    if notes.count == Self.mostNotes { notes.append("there is more that was not read") }
  }

  private mutating func follow(_ reference: RequirementsFile.Reference, from path: String) throws {
    // What is on the web is none of the repository's files.
    if reference.path.contains("://") { return }
    followed += 1
    guard followed <= Self.mostReferences else {
      if followed == Self.mostReferences + 1 {
        note(
          "\(path): from line \(reference.line) on, files are not read: more than \(Self.mostReferences) are taken in")
      }
      return
    }
    guard let target = RepositoryPath.resolve(reference.path, in: RepositoryPath.folder(of: path)) else {
      note("\(path):\(reference.line): \(reference.path) leads out of the repository and is not read")
      return
    }
    try take(target)
  }
}
