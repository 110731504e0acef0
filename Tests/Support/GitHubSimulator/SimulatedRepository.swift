import Foundation

/// A repository of the simulated GitHub, with its issues and pull requests.
struct SimulatedRepository {
  struct Issue {
    var number: Int
    var title: String
    var author: String
    var isOpen = true
    var labels: [String] = []
    var updated: Int
    var events: [(event: String, actor: String, label: String?)] = []
    var comments: [(id: Int, author: String, body: String)] = []
    var isLocked = false
    var assignees: [String] = []
  }

  struct Pull {
    var number: Int
    var title: String
    var body: String
    var author: String
    var head: String
    var base: String
    var isOpen = true
    var merged: Int?
    var created: Int
    var reviewers: [String] = []
    var teams: [String] = []
  }

  var owner: String
  var name: String
  var defaultBranch = "main"
  var isPrivate = false
  var isArchived = false
  var git = GitStore()
  /// By login: admin, write, read.
  var permissions: [String: String] = [:]
  var issues: [Int: Issue] = [:]
  var pulls: [Int: Pull] = [:]
  /// How many entries a recursive listing of a tree may have before it is cut.
  var treeLimit = 100_000
  private var last = 0

  init(owner: String, name: String) {
    self.owner = owner
    self.name = name
  }

  mutating func nextNumber(_ wanted: Int? = nil) -> Int {
    last = max(last + 1, wanted ?? 0)
    return last
  }

  var fullName: String { "\(owner)/\(name)" }
}
