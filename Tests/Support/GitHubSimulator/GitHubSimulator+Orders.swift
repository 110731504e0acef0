import Foundation

extension GitHubSimulator {
  /// Sets something up, has something go wrong, or tells how things are. What is ordered by a person at GitHub, a push for one, happens
  /// at once.
  ///
  /// - Returns: a JSON object; `error` in it says what was wrong with the order.
  @discardableResult
  public func order(_ order: [String: Any]) -> [String: Any] {
    lock.lock()
    defer { lock.unlock() }
    let kind = order["order"] as? String ?? ""
    switch kind {
    case "repository": return makeRepository(order)
    case "project":
      guard let name = order["name"] as? String else { return ["error": "a project needs a name"] }
      projects[name] = Self.project(name, order)
      if let links = order["links"] as? [String: String] {
        descriptions[name] = ["info": ["name": name, "summary": "A project.", "project_urls": links]]
      }
    case "fault": faults.append(Fault(order))
    case "rate":
      remaining = order["remaining"] as? Int
      reset = (order["reset_in"] as? Int).map { now() + $0 }
    case "token": tokens[order["token"] as? String ?? ""] = order["login"] as? String
    case "app":
      if app == nil { app = SimulatedApp() }
      if let lifetime = order["lifetime"] as? Int { app?.lifetime = lifetime }
      return ["id": app?.id ?? "", "key": app?.privateKey ?? ""]
    case "revoke": app?.tokens = [:]
    case "calls":
      return [
        "calls": records.map { ["method": $0.method, "path": $0.path, "status": $0.status, "time": $0.time] }
      ]
    default:
      let name = (order["repository"] as? String ?? "").lowercased()
      guard var repository = repositories[name] else {
        return ["error": "there is no order \(kind), or no such repository"]
      }
      let answer = self.order(kind, order, &repository)
      repositories[name] = repository
      return answer
    }
    return [:]
  }

  private func makeRepository(_ order: [String: Any]) -> [String: Any] {
    let parts = (order["repository"] as? String ?? "").split(separator: "/").map(String.init)
    guard parts.count == 2 else { return ["error": "a repository is written owner/name"] }
    var repository = SimulatedRepository(owner: parts[0], name: parts[1])
    repository.isPrivate = order["private"] as? Bool ?? false
    repository.isArchived = order["archived"] as? Bool ?? false
    repository.defaultBranch = order["default_branch"] as? String ?? "main"
    repository.treeLimit = order["tree_limit"] as? Int ?? repository.treeLimit
    repository.permissions = order["permissions"] as? [String: String] ?? [:]
    repository.permissions["bothost-bot"] = repository.permissions["bothost-bot"] ?? "write"
    repository.permissions["bothost-updater[bot]"] = "write"
    _ = commit(order, "Begin", to: repository.defaultBranch, &repository)
    repositories[repository.fullName.lowercased()] = repository
    return [:]
  }

  /// Pushes files to a branch: `files` by path, a text or null; `base64` by path; `modes` by path.
  private func commit(
    _ order: [String: Any], _ message: String, to branch: String, _ repository: inout SimulatedRepository
  ) -> String {
    var files: [(path: String, mode: String, sha: String?)] = []
    let modes = order["modes"] as? [String: String] ?? [:]
    for (path, text) in order["files"] as? [String: Any] ?? [:] {
      let sha = (text as? String).map { repository.git.add(blob: Array($0.utf8)) }
      files.append((path, modes[path] ?? "100644", sha))
    }
    for (path, text) in order["base64"] as? [String: String] ?? [:] {
      files.append(
        (path, modes[path] ?? "100644", repository.git.add(blob: Array(Data(base64Encoded: text) ?? Data()))))
    }
    let parent = repository.git.branches[branch]
    let base = parent.flatMap { repository.git.commits[$0]?.tree }
    let login = order["login"] as? String ?? "ann"
    let who = "\(login) <\(login)@users.noreply.simulated.example> \(now()) +0000"
    let sha = repository.git.add(
      commit: GitStore.Commit(
        tree: repository.git.tree(of: files.sorted { $0.path < $1.path }, over: base),
        parents: parent.map { [$0] } ?? [],
        author: who, committer: who, message: message, login: login))
    repository.git.branches[branch] = sha
    return sha
  }

  private func order(
    _ kind: String, _ order: [String: Any], _ repository: inout SimulatedRepository
  ) -> [String: Any] {
    let number = order["number"] as? Int ?? 0
    let time = tick()
    switch kind {
    case "push":
      let branch = order["branch"] as? String ?? repository.defaultBranch
      if repository.git.branches[branch] == nil, let from = order["from"] as? String {
        repository.git.branches[branch] = repository.git.branches[from]
      }
      return ["sha": commit(order, order["message"] as? String ?? "Change", to: branch, &repository)]
    case "alias":
      // The name that it had before: GitHub leads from there to it.
      repositories[(order["name"] as? String ?? "").lowercased()] = repository
    case "permission":
      repository.permissions[order["login"] as? String ?? ""] = order["permission"] as? String
    case "issue":
      let number = repository.nextNumber(order["number"] as? Int)
      var issue = SimulatedRepository.Issue(
        number: number, title: order["title"] as? String ?? "", author: order["author"] as? String ?? "ann",
        updated: tick())
      issue.isLocked = order["locked"] as? Bool ?? false
      repository.issues[number] = issue
      return ["number": number]
    case "edit":
      if let title = order["title"] as? String, let issue = repository.issues[number] {
        repository.issues[number]?.title = title
        repository.issues[number]?.events.append(("renamed", order["actor"] as? String ?? issue.author, nil))
      }
      if let state = order["state"] as? String { repository.issues[number]?.isOpen = state == "open" }
      repository.issues[number]?.updated = time
    case "label":
      let label = order["label"] as? String ?? ""
      repository.issues[number]?.labels.append(label)
      repository.issues[number]?.events.append(("labeled", order["actor"] as? String ?? "ann", label))
      repository.issues[number]?.updated = time
    case "event":
      repository.issues[number]?.events.append(
        (order["event"] as? String ?? "", order["actor"] as? String ?? "ann", nil))
    case "merge":
      guard let pull = repository.pulls[number] else { return ["error": "there is no pull request \(number)"] }
      repository.git.branches[pull.base] = repository.git.branches[pull.head]
      repository.pulls[number]?.isOpen = false
      repository.pulls[number]?.merged = time
    case "close": repository.pulls[number]?.isOpen = false
    case "age":
      // As if a pull request had been opened so many seconds earlier.
      repository.pulls[number]?.created -= order["seconds"] as? Int ?? 0
    case "pull":
      let number = repository.nextNumber()
      repository.pulls[number] = SimulatedRepository.Pull(
        number: number, title: "Another", body: "", author: order["author"] as? String ?? "ann",
        head: order["head"] as? String ?? "", base: repository.defaultBranch, created: now())
      return ["number": number]
    case "fast-import":
      let path = order["path"] as? String ?? ""
      let isWritten = FileManager.default.createFile(atPath: path, contents: Data(repository.git.fastImport()))
      return isWritten ? ["branches": repository.git.branches] : ["error": "\(path) cannot be written"]
    case "state": return state(repository)
    case "file":
      let branch = order["branch"] as? String ?? repository.defaultBranch
      guard let tip = repository.git.branches[branch],
        let content = repository.git.content(order["path"] as? String ?? "", at: tip)
      else { return ["error": "there is no such file"] }
      return ["base64": Data(content).base64EncodedString(), "text": String(decoding: content, as: UTF8.self)]
    default: return ["error": "there is no order \(kind)"]
    }
    return [:]
  }

  private func state(_ repository: SimulatedRepository) -> [String: Any] {
    let pulls = repository.pulls.values.sorted { $0.number < $1.number }.map { pull -> [String: Any] in
      [
        "number": pull.number, "title": pull.title, "body": pull.body, "head": pull.head, "base": pull.base,
        "open": pull.isOpen, "author": pull.author, "reviewers": pull.reviewers,
        "labels": repository.issues[pull.number]?.labels ?? [],
        "ahead": ahead(pull, repository),
        "message": repository.git.branches[pull.head].flatMap { repository.git.commits[$0]?.message } ?? "",
      ]
    }
    let issues = repository.issues.values.sorted { $0.number < $1.number }.map { issue -> [String: Any] in
      ["number": issue.number, "title": issue.title, "comments": issue.comments.map(\.body)]
    }
    return ["branches": repository.git.branches, "pulls": pulls, "issues": issues]
  }

  private func ahead(_ pull: SimulatedRepository.Pull, _ repository: SimulatedRepository) -> Int {
    guard let head = repository.git.branches[pull.head], let base = repository.git.branches[pull.base] else {
      return -1
    }
    return repository.git.ancestors(of: head).subtracting(repository.git.ancestors(of: base)).count
  }

  /// A project as the Simple API tells it: `versions`, `yanked` {version: reason}, `requires_python` {version: specifier}.
  private static func project(_ name: String, _ order: [String: Any]) -> [String: Any] {
    let versions = order["versions"] as? [String] ?? []
    let yanked = order["yanked"] as? [String: String] ?? [:]
    let pythons = order["requires_python"] as? [String: String] ?? [:]
    let files = versions.flatMap { version in
      ["\(name)-\(version)-py3-none-any.whl", "\(name)-\(version).tar.gz"].map { file -> [String: Any] in
        var row: [String: Any] = [
          "filename": file, "url": "https://files.simulated.example/\(file)",
          "hashes": ["sha256": digest(file)], "yanked": yanked[version].map { $0 as Any } ?? false,
        ]
        if let python = pythons[version] { row["requires-python"] = python }
        return row
      }
    }
    return ["meta": ["api-version": "1.1"], "name": name, "versions": versions, "files": files]
  }

  private static func digest(_ text: String) -> String {
    let sha = GitStore.name("blob", Array(text.utf8))
    return String((sha + sha).prefix(64))
  }
}
