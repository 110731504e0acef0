import COpenSSL
import Foundation

/// Git's objects, as git names them (SHA-1), with the branches that point at them. What comes out of it can be given to git itself: see
/// ``fastImport()``.
struct GitStore {
  struct Entry: Equatable {
    var mode: String
    var name: String
    var sha: String

    var isFolder: Bool { mode == "40000" }
  }

  struct Commit {
    var tree: String
    var parents: [String]
    /// `Name <mail> seconds +0000`
    var author: String
    var committer: String
    var message: String
    /// Whose account it is; what git does not know.
    var login: String
  }

  private(set) var blobs: [String: [UInt8]] = [:]
  private(set) var trees: [String: [Entry]] = [:]
  private(set) var commits: [String: Commit] = [:]
  /// In the order in which they were made.
  private(set) var order: [String] = []
  var branches: [String: String] = [:]

  static func name(_ kind: String, _ content: [UInt8]) -> String {
    let bytes = Array("\(kind) \(content.count)\0".utf8) + content
    var digest = [UInt8](repeating: 0, count: 20)
    var length: UInt32 = 0
    EVP_Digest(bytes, bytes.count, &digest, &length, EVP_sha1(), nil)
    return digest.map { String(format: "%02x", $0) }.joined()
  }

  mutating func add(blob: [UInt8]) -> String {
    let sha = Self.name("blob", blob)
    blobs[sha] = blob
    return sha
  }

  mutating func add(tree entries: [Entry]) -> String {
    // Git sorts folders as if their names ended in a slash.
    let sorted = entries.sorted {
      Array(($0.isFolder ? $0.name + "/" : $0.name).utf8).lexicographicallyPrecedes(
        Array(($1.isFolder ? $1.name + "/" : $1.name).utf8))
    }
    var content: [UInt8] = []
    for entry in sorted {
      content += Array("\(entry.mode) \(entry.name)\0".utf8)
      content += stride(from: 0, to: 40, by: 2).map { offset in
        let start = entry.sha.index(entry.sha.startIndex, offsetBy: offset)
        return UInt8(entry.sha[start..<entry.sha.index(start, offsetBy: 2)], radix: 16) ?? 0
      }
    }
    let sha = Self.name("tree", content)
    trees[sha] = sorted
    return sha
  }

  mutating func add(commit: Commit) -> String {
    let lines =
      ["tree \(commit.tree)"] + commit.parents.map { "parent \($0)" }
      + ["author \(commit.author)", "committer \(commit.committer)", "", commit.message]
    let sha = Self.name("commit", Array(lines.joined(separator: "\n").utf8))
    if commits[sha] == nil { order.append(sha) }
    commits[sha] = commit
    return sha
  }

  /// A tree of files by path, over another tree.
  mutating func tree(of files: [(path: String, mode: String, sha: String?)], over base: String?) -> String {
    var entries = base.flatMap { trees[$0] } ?? []
    var below: [String: [(path: String, mode: String, sha: String?)]] = [:]
    for file in files {
      let parts = file.path.split(separator: "/", maxSplits: 1).map(String.init)
      if parts.count == 2 {
        below[parts[0], default: []].append((parts[1], file.mode, file.sha))
      } else {
        entries.removeAll { $0.name == parts[0] }
        if let sha = file.sha {
          entries.append(Entry(mode: file.mode.drop { $0 == "0" } + "", name: parts[0], sha: sha))
        }
      }
    }
    for (folder, files) in below {
      let old = entries.first { $0.name == folder && $0.isFolder }?.sha
      entries.removeAll { $0.name == folder }
      entries.append(Entry(mode: "40000", name: folder, sha: tree(of: files, over: old)))
    }
    return add(tree: entries)
  }

  /// Everything below a tree, with whole paths.
  func walk(_ tree: String, prefix: String = "") -> [(path: String, entry: Entry)] {
    (trees[tree] ?? []).flatMap { entry in
      [(prefix + entry.name, entry)] + (entry.isFolder ? walk(entry.sha, prefix: "\(prefix)\(entry.name)/") : [])
    }
  }

  func content(_ path: String, at commit: String) -> [UInt8]? {
    guard let tree = commits[commit]?.tree else { return nil }
    return walk(tree).first { $0.path == path }.flatMap { blobs[$0.entry.sha] }
  }

  /// A commit and what came before it.
  func ancestors(of commit: String) -> Set<String> {
    var found: Set<String> = []
    var open = [commit]
    while let next = open.popLast() {
      if found.insert(next).inserted { open += commits[next]?.parents ?? [] }
    }
    return found
  }

  /// What `git fast-import` reads: every commit that a branch leads to, and the branches.
  func fastImport() -> [UInt8] {
    var stream: [UInt8] = []
    var marks: [String: Int] = [:]
    func data(_ bytes: [UInt8]) { stream += Array("data \(bytes.count)\n".utf8) + bytes + [0x0A] }
    let wanted = branches.values.reduce(into: Set<String>()) { $0.formUnion(ancestors(of: $1)) }
    for sha in order where wanted.contains(sha) {
      guard let commit = commits[sha] else { continue }
      let files = walk(commit.tree).filter { !$0.entry.isFolder }
      for (_, entry) in files where marks[entry.sha] == nil {
        marks[entry.sha] = marks.count + 1
        stream += Array("blob\nmark :\(marks[entry.sha] ?? 0)\n".utf8)
        data(blobs[entry.sha] ?? [])
      }
      marks[sha] = marks.count + 1
      // Onto a branch of its own: the real ones are set at the end.
      stream += Array(
        "commit refs/simulated/\(sha)\nmark :\(marks[sha] ?? 0)\nauthor \(commit.author)\ncommitter \(commit.committer)\n"
          .utf8)
      data(Array(commit.message.utf8))
      for (index, parent) in commit.parents.enumerated() {
        stream += Array("\(index == 0 ? "from" : "merge") :\(marks[parent] ?? 0)\n".utf8)
      }
      stream += Array("deleteall\n".utf8)
      for (path, entry) in files {
        stream += Array("M \(entry.mode) :\(marks[entry.sha] ?? 0) \(path)\n".utf8)
      }
      stream += [0x0A]
    }
    for (branch, sha) in branches.sorted(by: { $0.key < $1.key }) {
      stream += Array("reset refs/heads/\(branch)\nfrom :\(marks[sha] ?? 0)\n\n".utf8)
    }
    return stream + Array("done\n".utf8)
  }
}
