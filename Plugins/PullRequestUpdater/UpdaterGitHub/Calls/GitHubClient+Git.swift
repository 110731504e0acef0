import FoundationEssentials
import HTTPClient

/// One entry of a tree.
public struct TreeEntry: Decodable, Sendable, Hashable {
  public var path: String
  /// `100644`, `100755`, `120000` of a symbolic link, `040000` of a folder, `160000` of a submodule.
  public var mode: String
  /// `blob`, `tree`, `commit`.
  public var type: String
  public var sha: String
  /// Of blobs, in bytes.
  public var size: Int?

  public var isFile: Bool { type == "blob" && (mode == "100644" || mode == "100755") }
}

public struct Tree: Decodable, Sendable {
  public var sha: String
  public var tree: [TreeEntry]
  public var truncated: Bool?
}

/// A commit, as git has it.
public struct GitCommit: Decodable, Sendable {
  public struct Reference: Decodable, Sendable { public var sha: String }
  public var sha: String
  public var tree: Reference
  public var parents: [Reference]
  public var message: String
}

/// What a branch has that another one has not.
public struct Comparison: Decodable, Sendable {
  public struct Commit: Decodable, Sendable {
    public struct Text: Decodable, Sendable { public var message: String }
    public var sha: String
    public var author: Account?
    public var commit: Text
  }
  public var aheadBy: Int
  public var commits: [Commit]
}

/// A file that a commit is to have.
public struct NewFile: Sendable, Hashable {
  public var path: String
  public var mode: String
  public var content: [UInt8]

  public init(path: String, mode: String, content: [UInt8]) {
    self.path = path
    self.mode = mode
    self.content = content
  }
}

extension GitHubClient {
  private struct Reference: Decodable { var object: GitCommit.Reference }
  private struct Made: Decodable { var sha: String }

  /// The commit at a branch's head; nil when there is no such branch. Throws `conflict` for an empty repository.
  public func head(of branch: String, in repository: RepositoryName) throws -> String? {
    var call = Call(of: repository, "/git/ref/heads/\(PathEscape.path(branch))")
    call.isConditional = false
    do {
      return try value(Reference.self, call).object.sha
    } catch let failure as GitHubFailure where failure.kind == .notFound { return nil }
  }

  public func tree(_ sha: String, recursive: Bool, in repository: RepositoryName) throws -> Tree {
    var call = Call(of: repository, "/git/trees/\(try Self.object(sha))")
    if recursive { call.query = [("recursive", "1")] }
    call.maximumBody = 24 << 20
    call.isConditional = false
    return try value(Tree.self, call)
  }

  public func blob(_ sha: String, in repository: RepositoryName) throws -> [UInt8] {
    struct Blob: Decodable {
      var content: String
      var encoding: String
    }
    var call = Call(of: repository, "/git/blobs/\(try Self.object(sha))")
    call.isConditional = false
    let blob = try value(Blob.self, call)
    guard blob.encoding == "base64" else { return Array(blob.content.utf8) }
    // It comes in lines.
    guard let data = Data(base64Encoded: blob.content, options: .ignoreUnknownCharacters) else {
      throw GitHubFailure(.unexpected, "GitHub gives a file whose content cannot be read")
    }
    return Array(data)
  }

  /// A commit's tree and parents.
  public func gitCommit(_ sha: String, in repository: RepositoryName) throws -> GitCommit {
    try value(GitCommit.self, Call(of: repository, "/git/commits/\(try Self.object(sha))"))
  }

  public func comparison(of head: String, with base: String, in repository: RepositoryName) throws -> Comparison {
    try value(
      Comparison.self, Call(of: repository, "/compare/\(PathEscape.path(base))...\(PathEscape.path(head))"))
  }

  // MARK: Writing

  /// Makes a tree: the base commit's with these files in it. A 422 may pass by itself: the base was pushed a moment ago.
  public func makeTree(_ files: [NewFile], base: String, in repository: RepositoryName) throws -> String {
    struct Body: Encodable {
      struct Entry: Encodable {
        var path: String
        var mode: String
        var type = "blob"
        var content: String?
        var sha: String?
      }
      var baseTree: String
      var tree: [Entry]
    }
    var entries: [Body.Entry] = []
    for file in files {
      if let text = String(validating: file.content, as: UTF8.self) {
        entries.append(Body.Entry(path: file.path, mode: file.mode, content: text))
      } else {
        // JSON holds no other bytes than those of a text.
        let sha = try makeBlob(file.content, in: repository)
        entries.append(Body.Entry(path: file.path, mode: file.mode, sha: sha))
      }
    }
    var call = Call("POST", "/git/trees", of: repository)
    try call.send(Body(baseTree: base, tree: entries))
    return try decode(Made.self, try repeating(1, call) { $0.kind == .unprocessable }).sha
  }

  private func makeBlob(_ content: [UInt8], in repository: RepositoryName) throws -> String {
    var call = Call("POST", "/git/blobs", of: repository)
    try call.send(["content": Data(content).base64EncodedString(), "encoding": "base64"])
    return try value(Made.self, call).sha
  }

  /// Makes a commit. Author and committer are left to GitHub, which signs an App's commits then. "Tree SHA does not exist" passes by itself.
  public func makeCommit(_ message: String, tree: String, parent: String, in repository: RepositoryName) throws
    -> String
  {
    struct Body: Encodable {
      var message: String
      var tree: String
      var parents: [String]
    }
    var call = Call("POST", "/git/commits", of: repository)
    try call.send(Body(message: message, tree: tree, parents: [parent]))
    let response = try repeating(3, call) {
      $0.kind == .unprocessable && $0.message.lowercased().contains("tree sha does not exist")
    }
    return try decode(Made.self, response).sha
  }

  /// Makes a branch. Throws `unprocessable` where it exists already, and where another one stands in its way.
  public func makeBranch(_ branch: String, at commit: String, in repository: RepositoryName) throws {
    var call = Call("POST", "/git/refs", of: repository)
    try call.send(["ref": "refs/heads/\(branch)", "sha": commit])
    _ = try response(to: call)
  }

  /// Moves a branch, whatever it holds. "Reference update failed" and a conflict pass by themselves.
  public func moveBranch(_ branch: String, to commit: String, in repository: RepositoryName) throws {
    struct Body: Encodable {
      var sha: String
      var force = true
    }
    var call = Call("PATCH", "/git/refs/heads/\(PathEscape.path(branch))", of: repository)
    try call.send(Body(sha: commit))
    _ = try repeating(10, call) {
      $0.kind == .conflict
        || $0.kind == .unprocessable && $0.message.lowercased().contains("reference update failed")
    }
  }

  /// Makes a call again that was refused for a reason that passes: 1 to 2 s later, so many times at most.
  func repeating(_ times: Int, _ call: Call, where passes: (GitHubFailure) -> Bool) throws -> HTTPResponse {
    var left = times
    while true {
      do { return try response(to: call) } catch let failure as GitHubFailure where left > 0 && passes(failure) {
        left -= 1
        try surroundings.wait(.milliseconds(1000) + jitter + jitter)
      }
    }
  }

  /// An object's name, which stands in a path as it is.
  private static func object(_ sha: String) throws -> String {
    guard (40...64).contains(sha.utf8.count),
      sha.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
    else { throw GitHubFailure(.unexpected, "GitHub names an object in a way that git does not") }
    return sha
  }
}
