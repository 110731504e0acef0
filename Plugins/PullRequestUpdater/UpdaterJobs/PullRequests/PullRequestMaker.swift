import UpdaterGitHub
import UpdaterRules

/// What became of one planned pull request.
public struct PullRequestOutcome: Codable, Sendable, Hashable {
  public enum Result: String, Codable, Sendable {
    case opened, updated
    /// There is one, and it is as it should be.
    case unchanged
    /// It was merged before.
    case merged
    /// It was closed before, and is not wanted.
    case closed
    /// Somebody else has worked on it.
    case foreign
  }

  public var result: Result
  public var package: String
  public var number: Int?
  public var address: String?
  public var branch: String
  public var from: String?
  public var to: String?
  /// What could not be done besides: labels, reviewers.
  public var notes: [String]
}

/// Carries a planned pull request out: finds what is there already, and does what is left to do. It may be stopped between any two calls and
/// begun again: before each write it looks whether that has been done.
struct PullRequestMaker {
  let client: GitHubClient
  let repository: RepositoryName
  let plan: Plan
  let settings: RepositorySettings
  let limits: PullRequestLimits
  /// Whether labels, reviewers and assignees are looked at, too: not once somebody may have changed them.
  let completes: Bool

  func make(_ wanted: PlannedPullRequest) throws -> PullRequestOutcome {
    let existing = try find(wanted)
    if let existing {
      if existing.isOpen { return try refresh(existing, wanted) }
      let marker = Marker(body: existing.body)
      if existing.isMerged {
        // Merged for this issue, or to this version: done. What has come out since then is another pull request.
        if marker?.issue == plan.issue, plan.issue != nil || marker?.to == wanted.to {
          return outcome(.merged, wanted, existing)
        }
      } else {
        return outcome(.closed, wanted, existing)
      }
    }
    try limits.check(client, repository)
    guard let branch = try makeBranch(wanted) else { return outcome(.foreign, wanted, nil) }
    let made = try open(wanted, from: branch)
    var outcome = outcome(.opened, wanted, made)
    outcome.branch = branch
    outcome.notes = try finish(made.number)
    return outcome
  }

  private func outcome(
    _ result: PullRequestOutcome.Result, _ wanted: PlannedPullRequest, _ existing: PullRequest?
  ) -> PullRequestOutcome {
    PullRequestOutcome(
      result: result, package: wanted.package, number: existing?.number, address: existing?.htmlUrl,
      branch: existing?.head.ref ?? wanted.branch, from: wanted.from, to: wanted.to, notes: [])
  }

  // MARK: Looking

  private func isOurs(_ pullRequest: PullRequest) throws -> Bool {
    pullRequest.user?.login.lowercased() == (try client.login().lowercased())
  }

  /// The pull request of a request: from its branch, else by the marker. The open one first, then the newest. A marker is a line that anybody may
  /// copy into a pull request, and the account may be a person's: only below the updater's own folder it means something.
  func find(_ wanted: PlannedPullRequest) throws -> PullRequest? {
    for branch in [wanted.branch, BranchName.besideFolder(wanted.branch)] {
      let all = try client.pullRequests(from: branch, to: plan.base, in: repository)
      if let found = all.first(where: { $0.isOpen }) ?? all.max(by: { $0.number < $1.number }) { return found }
    }
    return try client.openPullRequests(of: repository).first { pullRequest in
      try isOurs(pullRequest) && pullRequest.base.ref == plan.base && BranchName.isOurs(pullRequest.head.ref)
        && pullRequest.head.repo?.fullName.lowercased() == repository.normalized
        && Marker(body: pullRequest.body)?.key == wanted.key
    }
  }

  /// Whether a branch holds nothing but one commit of ours about this package, so that nobody's work is lost with it.
  private func isOursAlone(_ branch: String, _ wanted: PlannedPullRequest) throws -> Bool {
    let comparison = try client.comparison(of: branch, with: plan.base, in: repository)
    if comparison.aheadBy == 0 { return true }
    guard comparison.aheadBy == 1, let commit = comparison.commits.last else { return false }
    let login = try client.login().lowercased()
    return commit.author?.login.lowercased() == login
      && PullRequestText.isOurs(commit.commit.message, about: wanted.package, isGroup: wanted.package == "*")
  }

  /// Whether the files of a commit are as they are wanted.
  private func hasWantedFiles(_ commit: String, _ wanted: PlannedPullRequest) throws -> Bool {
    let files = try RepositoryFiles(client, repository, commit: commit)
    for file in wanted.files {
      guard let new = file.new, let entry = try files.file(file.path), entry.mode == new.mode,
        entry.sha == GitObject.blob(new.content)
      else { return false }
    }
    return true
  }

  // MARK: An open pull request

  private func refresh(_ existing: PullRequest, _ wanted: PlannedPullRequest) throws -> PullRequestOutcome {
    guard try isOurs(existing), existing.head.repo?.fullName.lowercased() == repository.normalized else {
      return outcome(.foreign, wanted, existing)
    }
    var hasChanged = false
    if try !hasWantedFiles(existing.head.sha, wanted) {
      guard try isOursAlone(existing.head.ref, wanted) else { return outcome(.foreign, wanted, existing) }
      try client.moveBranch(existing.head.ref, to: try makeCommit(wanted), in: repository)
      hasChanged = true
    }
    let marker = Marker(body: existing.body)
    let new = Marker(body: wanted.body)
    if hasChanged || marker?.key != new?.key || marker?.to != new?.to || marker?.from != new?.from {
      // The issue that asked first is the one that it closes.
      try client.edit(existing.number, title: wanted.title, body: wanted.body, in: repository)
      hasChanged = true
    }
    var outcome = outcome(hasChanged ? .updated : .unchanged, wanted, existing)
    if completes { outcome.notes = try finish(existing.number) }
    return outcome
  }

  // MARK: A new one

  private func makeCommit(_ wanted: PlannedPullRequest) throws -> String {
    let tree = try client.makeTree(wanted.files.compactMap(\.new), base: plan.commit, in: repository)
    return try client.makeCommit(wanted.message, tree: tree, parent: plan.commit, in: repository)
  }

  /// Makes the branch, or takes the one that a run before has left. nil: it holds somebody else's work.
  private func makeBranch(_ wanted: PlannedPullRequest) throws -> String? {
    for branch in [wanted.branch, BranchName.besideFolder(wanted.branch)] {
      guard branch != plan.base else { return nil }
      if let head = try client.head(of: branch, in: repository) { return try takeOver(branch, head, wanted) }
    }
    let commit = try makeCommit(wanted)
    do {
      try client.makeBranch(wanted.branch, at: commit, in: repository)
      return wanted.branch
    } catch let failure as GitHubFailure where failure.kind == .unprocessable {
      // It may be there since a moment ago; or a branch has the name of its folder, and git can have only one of the two.
      if let head = try client.head(of: wanted.branch, in: repository) {
        return try takeOver(wanted.branch, head, wanted)
      }
      guard try client.head(of: BranchName.folder, in: repository) != nil else { throw failure }
      let other = BranchName.besideFolder(wanted.branch)
      try client.makeBranch(other, at: commit, in: repository)
      return other
    }
  }

  private func takeOver(_ branch: String, _ head: String, _ wanted: PlannedPullRequest) throws -> String? {
    guard try isOursAlone(branch, wanted) else { return nil }
    if try head == plan.commit || !hasWantedFiles(head, wanted) {
      try client.moveBranch(branch, to: try makeCommit(wanted), in: repository)
    }
    return branch
  }

  private func open(_ wanted: PlannedPullRequest, from branch: String) throws -> PullRequest {
    let new = NewPullRequest(title: wanted.title, head: branch, base: plan.base, body: wanted.body)
    var isAgain = false
    while true {
      do { return try client.open(new, in: repository) } catch let failure as GitHubFailure
        where failure.kind == .unprocessable
      {
        // There is one already, from a run that was stopped before it knew.
        if let found = try client.pullRequests(from: branch, to: plan.base, in: repository).first(where: \.isOpen),
          try isOurs(found)
        {
          return found
        }
        // The branch was made a moment ago, and not every part of GitHub has heard of it.
        guard !isAgain else { throw failure }
        isAgain = true
        try client.surroundings.wait(.seconds(1) + client.jitter + client.jitter)
      }
    }
  }

  /// Labels, reviewers, assignees. That one of them cannot be set is no reason to give the rest up.
  private func finish(_ number: Int) throws -> [String] {
    var notes: [String] = []
    func attempt(_ what: String, _ body: () throws -> Void) throws {
      do { try body() } catch let failure as GitHubFailure
        where [.unprocessable, .notFound, .permission].contains(failure.kind)
      { notes.append("\(what): \(failure.message)") }
    }
    guard
      !settings.labels.isEmpty || !settings.reviewers.isEmpty || !settings.teamReviewers.isEmpty
        || !settings.assignees.isEmpty
    else { return [] }
    let now = try client.attendants(of: number, in: repository)
    let labels = settings.labels.filter { !now.labels.contains($0.lowercased()) }
    if !labels.isEmpty { try attempt("labels") { try client.add(labels: labels, to: number, in: repository) } }
    let assignees = settings.assignees.filter { !now.assignees.contains($0.lowercased()) }
    if !assignees.isEmpty {
      try attempt("assignees") { try client.add(assignees: assignees, to: number, in: repository) }
    }
    let reviewers = settings.reviewers.filter { !now.reviewers.contains($0.lowercased()) }
    let teams = settings.teamReviewers.filter { !now.teams.contains($0.lowercased()) }
    if !reviewers.isEmpty || !teams.isEmpty {
      try attempt("reviewers") { try client.request(reviewers: reviewers, teams: teams, for: number, in: repository) }
    }
    return notes
  }
}

/// How many pull requests a repository may be given.
struct PullRequestLimits {
  var open: Int
  var hour: Int

  static let anHour: Int64 = 3600 * 1_000_000_000

  /// - Throws: `limited`, with the time at which it is worth another look. What counts is what GitHub shows, so that a restart forgets nothing.
  func check(_ client: GitHubClient, _ repository: RepositoryName) throws {
    let now = client.surroundings.now()
    let login = try client.login().lowercased()
    func isOurs(_ pullRequest: PullRequest) -> Bool {
      pullRequest.user?.login.lowercased() == login && pullRequest.head.ref.hasPrefix(BranchName.folder)
    }
    let times = try client.latestPullRequests(of: repository).filter(isOurs)
      .compactMap { $0.createdAt.flatMap { UTCTime.nanoseconds($0) } }.filter { $0 > now - Self.anHour }.sorted(by: >)
    if times.count >= hour {
      let until = hour > 0 ? times[hour - 1] + Self.anHour : now + Self.anHour
      throw GitHubFailure(
        .limited(until: max(until, now + 1_000_000_000)),
        "\(times.count) pull requests were opened within an hour; the limit is \(hour)")
    }
    let count = try client.openPullRequests(of: repository).filter(isOurs).count
    if count >= open {
      throw GitHubFailure(
        .limited(until: now + Self.anHour), "\(count) pull requests of mine are open; the limit is \(open)")
    }
  }
}
