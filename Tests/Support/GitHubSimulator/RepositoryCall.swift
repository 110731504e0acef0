import Foundation

/// One call about one repository. It changes the copy that it is given; an answer of 400 and more changes nothing.
struct RepositoryCall {
  let simulator: GitHubSimulator
  let call: GitHubSimulator.Record
  let login: String
  /// The path behind the repository.
  let parts: [String]

  private var sent: [String: Any] { call.json }
  private var method: String { call.method }

  func answer(_ repository: inout SimulatedRepository) -> SimulatedAnswer {
    let canWrite = ["admin", "write"].contains(repository.permissions[login] ?? "")
    if method != "GET", !canWrite {
      var answer = SimulatedAnswer.message(403, "Resource not accessible by personal access token")
      answer.headers.append(("X-Accepted-GitHub-Permissions", "contents=write"))
      return answer
    }
    switch (method, parts.first, parts.count) {
    case ("GET", nil, _):
      return SimulatedAnswer(
        200,
        [
          "full_name": repository.fullName, "default_branch": repository.defaultBranch,
          "archived": repository.isArchived, "disabled": false, "fork": false,
          "permissions": ["push": canWrite, "pull": true],
        ])
    case ("GET", "collaborators", 3):
      let permission = repository.permissions[parts[1]] ?? (repository.isPrivate ? "none" : "read")
      return SimulatedAnswer(200, ["permission": permission, "role_name": permission])
    case (_, "git", _): return git(&repository)
    case ("GET", "compare", _): return compare(repository)
    case (_, "issues", _): return issues(&repository)
    case (_, "pulls", _): return pulls(&repository)
    default: return .notFound
    }
  }

  // MARK: Git

  private func git(_ repository: inout SimulatedRepository) -> SimulatedAnswer {
    let rest = parts.dropFirst().joined(separator: "/")
    if method == "GET", rest.hasPrefix("ref/heads/") {
      if repository.git.branches.isEmpty { return .message(409, "Git Repository is empty.") }
      let branch = String(rest.dropFirst("ref/heads/".count))
      guard let sha = repository.git.branches[branch] else { return .notFound }
      return reference(branch, sha)
    }
    if method == "GET", parts.count == 3, parts[1] == "trees" { return tree(repository) }
    if method == "GET", parts.count == 3, parts[1] == "blobs" {
      guard let blob = repository.git.blobs[parts[2]] else { return .notFound }
      let text = Data(blob).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed]) + "\n"
      return SimulatedAnswer(200, ["sha": parts[2], "size": blob.count, "encoding": "base64", "content": text])
    }
    if method == "GET", parts.count == 3, parts[1] == "commits" {
      guard let commit = repository.git.commits[parts[2]] else { return .notFound }
      return SimulatedAnswer(200, json(commit, parts[2]))
    }
    switch (method, rest) {
    case ("POST", "blobs"):
      guard let text = sent["content"] as? String, let data = Data(base64Encoded: text) else {
        return .invalid("content")
      }
      return SimulatedAnswer(201, ["sha": repository.git.add(blob: Array(data))])
    case ("POST", "trees"): return makeTree(&repository)
    case ("POST", "commits"): return makeCommit(&repository)
    case ("POST", "refs"): return makeBranch(&repository)
    default:
      guard rest.hasPrefix("refs/heads/") else { return .notFound }
      let branch = String(rest.dropFirst("refs/heads/".count))
      guard let old = repository.git.branches[branch] else { return .message(422, "Reference does not exist") }
      if method == "DELETE" {
        repository.git.branches[branch] = nil
        return SimulatedAnswer(204)
      }
      guard method == "PATCH", let sha = sent["sha"] as? String, repository.git.commits[sha] != nil else {
        return .message(422, "Object does not exist")
      }
      let isForced = sent["force"] as? Bool ?? false
      guard isForced || repository.git.ancestors(of: sha).contains(old) else {
        return .message(422, "Update is not a fast forward")
      }
      repository.git.branches[branch] = sha
      return reference(branch, sha)
    }
  }

  private func reference(_ branch: String, _ sha: String, status: Int = 200) -> SimulatedAnswer {
    SimulatedAnswer(status, ["ref": "refs/heads/\(branch)", "object": ["type": "commit", "sha": sha]])
  }

  private func json(_ commit: GitStore.Commit, _ sha: String) -> [String: Any] {
    [
      "sha": sha, "message": commit.message, "tree": ["sha": commit.tree],
      "parents": commit.parents.map { ["sha": $0] },
    ]
  }

  private func tree(_ repository: SimulatedRepository) -> SimulatedAnswer {
    let git = repository.git
    let name = git.commits[parts[2]]?.tree ?? parts[2]
    guard let entries = git.trees[name] else { return .notFound }
    let isRecursive = call.query["recursive"] != nil
    var rows = isRecursive ? git.walk(name) : entries.map { ($0.name, $0) }
    let isTruncated = isRecursive && rows.count > repository.treeLimit
    if isTruncated { rows = Array(rows.prefix(repository.treeLimit)) }
    let json = rows.map { path, entry -> [String: Any] in
      var row: [String: Any] = [
        "path": path, "mode": entry.isFolder ? "040000" : entry.mode, "type": entry.isFolder ? "tree" : "blob",
        "sha": entry.sha,
      ]
      if let blob = git.blobs[entry.sha] { row["size"] = blob.count }
      return row
    }
    return SimulatedAnswer(200, ["sha": name, "tree": json, "truncated": isTruncated])
  }

  private func makeTree(_ repository: inout SimulatedRepository) -> SimulatedAnswer {
    var base: String?
    if let name = sent["base_tree"] as? String {
      let tree = repository.git.commits[name]?.tree ?? name
      guard repository.git.trees[tree] != nil else { return .message(422, "base_tree is not a valid tree oid") }
      base = tree
    }
    var files: [(path: String, mode: String, sha: String?)] = []
    for row in sent["tree"] as? [[String: Any]] ?? [] {
      guard let path = row["path"] as? String, let mode = row["mode"] as? String else { return .invalid("tree") }
      if let text = row["content"] as? String {
        files.append((path, mode, repository.git.add(blob: Array(text.utf8))))
      } else {
        files.append((path, mode, row["sha"] as? String))
      }
    }
    return SimulatedAnswer(201, ["sha": repository.git.tree(of: files, over: base), "truncated": false])
  }

  private func makeCommit(_ repository: inout SimulatedRepository) -> SimulatedAnswer {
    guard let tree = sent["tree"] as? String, repository.git.trees[tree] != nil else {
      return .message(422, "Tree SHA does not exist")
    }
    let parents = sent["parents"] as? [String] ?? []
    guard parents.allSatisfy({ repository.git.commits[$0] != nil }) else {
      return .message(422, "Parent SHA does not exist")
    }
    let who = "\(login) <\(login)@users.noreply.simulated.example> \(simulator.now()) +0000"
    let commit = GitStore.Commit(
      tree: tree, parents: parents, author: who, committer: who, message: sent["message"] as? String ?? "", login: login
    )
    let sha = repository.git.add(commit: commit)
    return SimulatedAnswer(201, json(commit, sha))
  }

  private func makeBranch(_ repository: inout SimulatedRepository) -> SimulatedAnswer {
    guard let name = sent["ref"] as? String, name.hasPrefix("refs/heads/"), let sha = sent["sha"] as? String else {
      return .message(422, "Reference name is not valid")
    }
    let branch = String(name.dropFirst("refs/heads/".count))
    guard repository.git.commits[sha] != nil else { return .message(422, "Object does not exist") }
    guard repository.git.branches[branch] == nil else { return .message(422, "Reference already exists") }
    // A file and a folder cannot have one name.
    guard
      !repository.git.branches.keys.contains(where: { $0.hasPrefix("\(branch)/") || branch.hasPrefix("\($0)/") })
    else { return .message(422, "Reference update failed") }
    repository.git.branches[branch] = sha
    return reference(branch, sha, status: 201)
  }

  private func compare(_ repository: SimulatedRepository) -> SimulatedAnswer {
    let sides = parts.dropFirst().joined(separator: "/").components(separatedBy: "...")
    let git = repository.git
    guard sides.count == 2, let base = git.branches[sides[0]] ?? (git.commits[sides[0]] != nil ? sides[0] : nil),
      let head = git.branches[sides[1]] ?? (git.commits[sides[1]] != nil ? sides[1] : nil)
    else { return .notFound }
    let known = git.ancestors(of: base)
    let ahead = git.order.filter { git.ancestors(of: head).contains($0) && !known.contains($0) }
    let commits = ahead.compactMap { sha -> [String: Any]? in
      guard let commit = git.commits[sha] else { return nil }
      return ["sha": sha, "author": ["login": commit.login], "commit": ["message": commit.message]]
    }
    return SimulatedAnswer(200, ["ahead_by": ahead.count, "commits": commits])
  }

  // MARK: Issues

  private func account(_ login: String) -> [String: Any] {
    ["login": login, "type": login.hasSuffix("[bot]") ? "Bot" : "User"]
  }

  private func json(_ issue: SimulatedRepository.Issue) -> [String: Any] {
    [
      "number": issue.number, "title": issue.title, "state": issue.isOpen ? "open" : "closed",
      "user": account(issue.author), "labels": issue.labels.map { ["name": $0] }, "locked": issue.isLocked,
      "updated_at": GitHubSimulator.text(issue.updated), "assignees": issue.assignees.map { account($0) },
    ]
  }

  private func issues(_ repository: inout SimulatedRepository) -> SimulatedAnswer {
    if method == "GET", parts.count == 1 {
      let since = call.query["since"] ?? ""
      var rows = repository.issues.values.filter { $0.isOpen || call.query["state"] == "all" }
        .sorted { ($0.updated, $0.number) < ($1.updated, $1.number) }.map { json($0) }
        .filter { $0["updated_at"] as? String ?? "" >= since }
      // Pull requests are among the issues.
      rows += repository.pulls.values.filter { $0.isOpen && GitHubSimulator.text($0.created) >= since }.map {
        [
          "number": $0.number, "title": $0.title, "state": "open", "user": account($0.author),
          "updated_at": GitHubSimulator.text($0.created), "pull_request": ["url": "x"],
        ]
      }
      return simulator.page(
        rows.sorted { $0["updated_at"] as? String ?? "" < $1["updated_at"] as? String ?? "" }, call)
    }
    guard parts.count >= 2, let number = Int(parts[1]) else { return .notFound }
    let what = parts.count > 2 ? parts[2] : ""
    // Labels and assignees of a pull request are an issue's.
    if method == "POST", what == "labels" || what == "assignees", repository.pulls[number] != nil {
      var issue =
        repository.issues[number]
        ?? SimulatedRepository.Issue(number: number, title: "", author: "", isOpen: false, updated: 0)
      issue.labels += sent["labels"] as? [String] ?? []
      issue.assignees += sent["assignees"] as? [String] ?? []
      repository.issues[number] = issue
      return SimulatedAnswer(201, issue.labels.map { ["name": $0] })
    }
    guard var issue = repository.issues[number] else { return .notFound }
    switch (method, what) {
    case ("GET", ""): return SimulatedAnswer(200, json(issue))
    case ("GET", "events"):
      return simulator.page(
        issue.events.map { event in
          var row: [String: Any] = ["event": event.event, "actor": account(event.actor)]
          if let label = event.label { row["label"] = ["name": label] }
          return row
        }, call)
    case ("GET", "comments"):
      return simulator.page(
        issue.comments.map { ["id": $0.id, "user": account($0.author), "body": $0.body] }, call)
    case ("POST", "comments"):
      if issue.isLocked { return .message(403, "Unable to create comment because issue is locked.") }
      issue.comments.append((issue.comments.count + 1, login, sent["body"] as? String ?? ""))
      issue.updated = simulator.tick()
      repository.issues[number] = issue
      return SimulatedAnswer(201, ["id": issue.comments.count])
    default: return .notFound
    }
  }

  // MARK: Pull requests

  private func json(_ pull: SimulatedRepository.Pull, _ repository: SimulatedRepository) -> [String: Any] {
    var json: [String: Any] = [
      "number": pull.number, "title": pull.title, "body": pull.body, "state": pull.isOpen ? "open" : "closed",
      "user": account(pull.author), "created_at": GitHubSimulator.text(pull.created),
      "html_url": "http://simulated.example/\(repository.fullName)/pull/\(pull.number)",
      "head": [
        "ref": pull.head, "sha": repository.git.branches[pull.head] ?? String(repeating: "0", count: 40),
        "repo": ["full_name": repository.fullName],
      ],
      "base": [
        "ref": pull.base, "sha": repository.git.branches[pull.base] ?? "",
        "repo": ["full_name": repository.fullName],
      ],
      "labels": (repository.issues[pull.number]?.labels ?? []).map { ["name": $0] },
      "assignees": (repository.issues[pull.number]?.assignees ?? []).map { account($0) },
      "requested_reviewers": pull.reviewers.map { account($0) }, "requested_teams": pull.teams.map { ["slug": $0] },
    ]
    json["merged_at"] = pull.merged.map { GitHubSimulator.text($0) } ?? NSNull()
    return json
  }

  private func pulls(_ repository: inout SimulatedRepository) -> SimulatedAnswer {
    if parts.count == 1 { return method == "GET" ? list(repository) : open(&repository) }
    guard let number = Int(parts[1]), var pull = repository.pulls[number] else { return .notFound }
    switch (method, parts.count > 2 ? parts[2] : "") {
    case ("GET", ""): return SimulatedAnswer(200, json(pull, repository))
    case ("PATCH", ""):
      pull.title = sent["title"] as? String ?? pull.title
      pull.body = sent["body"] as? String ?? pull.body
      if let state = sent["state"] as? String { pull.isOpen = state == "open" }
    case ("POST", "requested_reviewers"):
      let wanted = sent["reviewers"] as? [String] ?? []
      guard wanted.allSatisfy({ repository.permissions[$0] != nil && $0 != pull.author }) else {
        return .message(422, "Reviews may only be requested from collaborators.")
      }
      pull.reviewers += wanted
      pull.teams += sent["team_reviewers"] as? [String] ?? []
    default: return .notFound
    }
    repository.pulls[number] = pull
    return SimulatedAnswer(200, json(pull, repository))
  }

  private func list(_ repository: SimulatedRepository) -> SimulatedAnswer {
    let state = call.query["state"] ?? "open"
    let rows = repository.pulls.values.filter { pull in
      (state == "all" || pull.isOpen == (state == "open"))
        && call.query["head"].map { $0 == "\(repository.owner):\(pull.head)" } ?? true
        && call.query["base"].map { $0 == pull.base } ?? true
    }
    return simulator.page(rows.sorted { $0.number > $1.number }.map { json($0, repository) }, call)
  }

  private func open(_ repository: inout SimulatedRepository) -> SimulatedAnswer {
    guard let head = sent["head"] as? String, let base = sent["base"] as? String, let title = sent["title"] as? String
    else { return .invalid("missing_field") }
    guard let tip = repository.git.branches[head] else {
      return .message(
        422, "Validation Failed", errors: [["resource": "PullRequest", "field": "head", "code": "invalid"]])
    }
    guard let bottom = repository.git.branches[base] else {
      return .message(
        422, "Validation Failed", errors: [["resource": "PullRequest", "field": "base", "code": "invalid"]])
    }
    guard !repository.pulls.values.contains(where: { $0.isOpen && $0.head == head && $0.base == base }) else {
      return .invalid("A pull request already exists for \(repository.owner):\(head).")
    }
    guard !repository.git.ancestors(of: bottom).contains(tip) else {
      return .invalid("No commits between \(base) and \(head)")
    }
    let pull = SimulatedRepository.Pull(
      number: repository.nextNumber(), title: title, body: sent["body"] as? String ?? "", author: login, head: head,
      base: base, created: simulator.now())
    repository.pulls[pull.number] = pull
    return SimulatedAnswer(201, json(pull, repository))
  }
}
