import UpdaterGitHub

/// The files of one commit, as GitHub lists them. A repository that is too large for one listing is looked at folder by folder.
final class RepositoryFiles {
  let commit: String
  private let client: GitHubClient
  private let repository: RepositoryName
  /// By folder (empty: the root), then by name.
  private var folders: [String: [String: TreeEntry]] = [:]
  /// nil: the listing was complete, and what is not in `folders` does not exist.
  private var lazyRoot: String?

  /// The largest file that is read, in bytes.
  static let largest = 1 << 20

  init(_ client: GitHubClient, _ repository: RepositoryName, commit: String) throws {
    self.client = client
    self.repository = repository
    self.commit = commit
    let whole = try client.tree(commit, recursive: true, in: repository)
    if whole.truncated == true {
      lazyRoot = whole.sha
    } else {
      folders[""] = [:]
      for entry in whole.tree { keep(entry, path: entry.path) }
    }
  }

  private func keep(_ entry: TreeEntry, path: String) {
    let (folder, name) = Self.split(path)
    folders[folder, default: [:]][name] = entry
  }

  private static func split(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return ("", path) }
    return (String(path[..<slash]), String(path[path.index(after: slash)...]))
  }

  /// Whether every file is known, so that patterns can be compared with all of them.
  var isComplete: Bool { lazyRoot == nil }

  /// What lies in a folder, by name; empty where there is none. A symbolic link to a folder is no folder.
  func folder(_ path: String) throws -> [String: TreeEntry] {
    if let known = folders[path] { return known }
    guard let lazyRoot else { return [:] }
    var sha = lazyRoot
    if !path.isEmpty {
      let (parent, name) = Self.split(path)
      guard let entry = try folder(parent)[name], entry.type == "tree" else { return [:] }
      sha = entry.sha
    }
    let tree = try client.tree(sha, recursive: false, in: repository)
    var entries: [String: TreeEntry] = [:]
    for entry in tree.tree { entries[entry.path] = entry }
    folders[path] = entries
    return entries
  }

  /// The file at a path; nil where there is none, or something else than a file.
  func file(_ path: String) throws -> TreeEntry? {
    let (folder, name) = Self.split(path)
    return try self.folder(folder)[name].flatMap { $0.isFile ? $0 : nil }
  }

  func isFolder(_ path: String) throws -> Bool {
    let (folder, name) = Self.split(path)
    return try path.isEmpty || self.folder(folder)[name]?.type == "tree"
  }

  /// The paths of all files, in order. Only of a complete listing.
  var paths: [String] {
    folders.flatMap { folder, entries in
      entries.filter { $0.value.isFile }.keys.map { folder.isEmpty ? $0 : "\(folder)/\($0)" }
    }.sorted()
  }

  func content(of entry: TreeEntry) throws -> [UInt8] {
    guard entry.size ?? 0 <= Self.largest else {
      throw GitHubFailure(.unexpected, "\(entry.path) has more than \(Self.largest) bytes")
    }
    return try client.blob(entry.sha, in: repository)
  }
}

/// Paths within a repository.
enum RepositoryPath {
  /// A path with its `.` and `..` worked out; nil for one that leads out of the repository, or is absolute.
  ///
  /// - Parameter folder: what it is relative to.
  static func resolve(_ path: String, in folder: String) -> String? {
    guard !path.hasPrefix("/"), !path.contains("\\"), !path.contains("\0"), path.utf8.count <= 1024 else { return nil }
    var parts = folder.split(separator: "/")
    for part in path.split(separator: "/") {
      switch part {
      case ".": continue
      case "..":
        if parts.popLast() == nil { return nil }
      default: parts.append(part)
      }
    }
    return parts.joined(separator: "/")
  }

  static func folder(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
  }

  /// The deepest folder that holds all of them; empty for the root.
  static func commonFolder(of paths: [String]) -> String {
    guard let first = paths.first else { return "" }
    var common = folder(of: first).split(separator: "/")
    for path in paths.dropFirst() {
      let parts = folder(of: path).split(separator: "/")
      var count = 0
      while count < min(common.count, parts.count), common[count] == parts[count] { count += 1 }
      common = Array(common.prefix(count))
    }
    return common.joined(separator: "/")
  }
}
