import UpdaterGitHub
import UpdaterRules

/// What one look at a request came to.
public struct JobReport: Codable, Sendable {
  public enum Outcome: String, Codable, Sendable {
    /// Nothing was asked for, or by nobody who may: nothing was said.
    case nothing
    /// A plan was made, and nothing was changed.
    case planned
    /// There are pull requests.
    case done
    /// It was said in the issue why nothing is done.
    case refused
  }

  public var outcome: Outcome
  public var repository: RepositoryName
  public var issue: Int?
  public var title: String
  /// One word or two for why, for programs; empty where there is nothing to say.
  public var code: String
  public var reason: String
  public var plan: Plan?
  public var pullRequests: [PullRequestOutcome]

  private enum CodingKeys: String, CodingKey {
    case outcome, repository, issue, title, code, reason, plan
    case pullRequests = "pull_requests"
  }
}

/// A request on its way from an issue's title to pull requests. Every step looks at what is there, so that a run may be stopped anywhere and begun again.
struct UpdateJob {
  let client: GitHubClient
  let index: PackageIndex
  let settings: UpdaterSettings
  let repository: RepositoryName
  /// nil: the request is a title alone, and gets a plan and nothing else.
  let issue: Int?
  /// The digest of the title that the operator wants done; nil: the operator has not asked. Another title is not what they saw.
  var operatorsTitle: String?
  /// Whether labels and reviewers are looked at.
  var completes = true
  /// Whether nothing may be written, whatever the settings say.
  var isPlanOnly = false

  private func report(
    _ outcome: JobReport.Outcome, _ title: String, code: String = "", _ reason: String = "", plan: Plan? = nil,
    _ pullRequests: [PullRequestOutcome] = []
  ) -> JobReport {
    JobReport(
      outcome: outcome, repository: repository, issue: issue, title: title, code: code, reason: reason, plan: plan,
      pullRequests: pullRequests)
  }

  /// - Parameter title: where there is no issue.
  func run(title given: String = "") throws -> JobReport {
    var title = given
    var found: Issue?
    if let issue {
      let current = try client.issue(issue, in: repository)
      title = current.title
      guard current.pullRequest == nil else { return report(.nothing, title, code: "pull-request") }
      guard current.state != "closed" || isPlanOnly else { return report(.nothing, title, code: "closed") }
      found = current
    }
    let isByOperator = operatorsTitle == QueuedJob.hash(title)
    var request = TitleGrammar.read(title)
    let hasLabel = found?.hasLabel(settings.label) ?? false
    if request.intent == .none, !hasLabel, !isByOperator, !isPlanOnly {
      return report(.nothing, title, code: "no-request")
    }

    // Nobody who may not ask is told anything, not even that they may not.
    if let found, !isByOperator, !isPlanOnly {
      switch try Asker(client: client, repository: repository, label: settings.label).verdict(on: found) {
      case .refused(let why): return report(.nothing, title, code: "not-permitted", why)
      case .permitted(_, let isLabelled): request.isAddressed = request.isAddressed || isLabelled
      }
    }
    if isByOperator || isPlanOnly { request.isAddressed = true }

    let about = try client.repository(repository)
    // GitHub leads from an old name to the new one, whoever owns that now.
    guard RepositoryName(about.fullName) == repository else {
      return report(
        .nothing, title, code: "moved", "\(repository) is called \(about.fullName) now; name it so in `repositories`")
    }
    if about.archived == true || about.disabled == true {
      return report(.nothing, title, code: "archived", "\(repository) takes no changes: it is archived or disabled")
    }
    if about.permissions?.push == false, !settings.isDryRun, !isPlanOnly {
      return report(.nothing, title, code: "no-push", "the bot's account may not push to \(repository)")
    }
    let branch: Base
    do { branch = try base(of: about) } catch let invalid as RepositorySettings.Invalid {
      return try refuse(
        title, code: "invalid-settings", invalid.description, CommentText.invalidSettings(invalid.problems),
        about: "settings \(invalid)")
    }
    guard branch.settings.isEnabled else {
      return report(.nothing, title, code: "disabled", "\(RepositorySettings.path) says enabled: false")
    }
    switch request.intent {
    case .none, .unclear:
      let doubt = request.doubt ?? (request.intent == .none ? "it asks for nothing that I do" : nil)
      return try refuse(title, code: "unclear", doubt ?? "", CommentText.unclear(doubt), about: "unclear \(title)")
    default: break
    }

    let plan = try Planner(
      client: client, index: index, repository: repository, base: branch.name, files: branch.files,
      isDefaultBase: branch.name == about.defaultBranch, settings: branch.settings, issue: issue, title: title
    ).plan(request)
    // A lone name that nobody knows is more likely no request at all than one that went wrong.
    let isUnknown = !plan.refusals.isEmpty && plan.refusals.allSatisfy { $0.code == PlannedRefusal.unknownPackage }
    if isUnknown, request.packages.count == 1, !request.isAddressed {
      return report(.nothing, title, code: PlannedRefusal.unknownPackage, "no manifest asks for it", plan: plan)
    }
    if settings.isDryRun || isPlanOnly { return report(.planned, title, plan: plan) }
    return try carryOut(plan, request, branch)
  }

  // MARK: The base

  private struct Base {
    var name: String
    var files: RepositoryFiles
    var settings: RepositorySettings
  }

  /// The branch to work on and what it says about the updater. The default branch says which one that is; the rest says that branch itself.
  private func base(of about: Repository) throws -> Base {
    let first = try base(named: about.defaultBranch)
    guard let other = first.settings.base, other != about.defaultBranch else { return first }
    return try base(named: other)
  }

  private func base(named name: String) throws -> Base {
    guard let commit = try client.head(of: name, in: repository) else {
      throw GitHubFailure(.notFound, "\(repository) has no branch \(name)")
    }
    let files = try RepositoryFiles(client, repository, commit: commit)
    guard let entry = try files.file(RepositorySettings.path) else {
      return Base(name: name, files: files, settings: RepositorySettings())
    }
    let settings = try RepositorySettings(yaml: try files.content(of: entry))
    return Base(name: name, files: files, settings: settings)
  }

  // MARK: Doing it

  private func refuse(
    _ title: String, code: String, _ reason: String, _ comment: String, about: String, plan: Plan? = nil
  ) throws -> JobReport {
    guard let issue, !settings.isDryRun, !isPlanOnly else {
      return report(.refused, title, code: code, reason, plan: plan)
    }
    let problem = try IssueComments(client: client, repository: repository, issue: issue).say(comment, about: about)
    return report(.refused, title, code: code, problem ?? reason, plan: plan)
  }

  private func carryOut(_ plan: Plan, _ request: TitleRequest, _ base: Base) throws -> JobReport {
    let title = plan.title
    let limits = PullRequestLimits(
      open: min(settings.openLimit, base.settings.openLimit ?? .max),
      hour: min(settings.hourLimit, base.settings.hourLimit ?? .max))
    let maker = PullRequestMaker(
      client: client, repository: repository, plan: plan, settings: base.settings, limits: limits, completes: completes)
    var outcomes: [PullRequestOutcome] = []
    for wanted in plan.pullRequests { outcomes.append(try maker.make(wanted)) }

    // What is to be said, and what makes it the same thing the next time.
    var words: [(text: String, about: String)] = []
    for outcome in outcomes {
      switch outcome.result {
      case .merged: words.append((CommentText.done(outcome.number ?? 0), "done \(title) \(outcome.number ?? 0)"))
      case .closed: words.append((CommentText.closed(outcome.number ?? 0), "closed \(title) \(outcome.number ?? 0)"))
      case .foreign:
        words.append(
          (CommentText.foreign(outcome.branch, number: outcome.number), "foreign \(title) \(outcome.branch)"))
      case .opened, .updated, .unchanged: break
      }
    }
    // Of a request for everything it is no news that most of it is up to date.
    let isForAll = request.intent == .updateAll || request.intent == .pinAll
    // What is left unpinned is: whoever asked counts on everything.
    let refusals =
      !isForAll || outcomes.isEmpty
      ? plan.refusals : request.intent == .pinAll ? plan.refusals.filter { !$0.isSatisfied } : []
    if !refusals.isEmpty {
      if let merged = try mergedBefore(plan, maker, refusals) {
        words.append((CommentText.done(merged), "done \(title) \(merged)"))
      } else if isForAll,
        refusals.allSatisfy({ $0.isSatisfied || $0.code == Unchanged.unpinned.rawValue })
      {
        let text = request.intent == .pinAll ? "Everything is pinned already." : "Everything is up to date."
        words.append((text, "satisfied \(title)"))
      } else {
        words.append((CommentText.refusals(refusals), "refusals \(title)"))
      }
    } else if outcomes.isEmpty {
      words.append(("There is nothing to update: no manifest that I read asks for a package.", "nothing \(title)"))
    }
    if let issue {
      let comments = IssueComments(client: client, repository: repository, issue: issue)
      for (text, about) in words { _ = try comments.say(text, about: about) }
    }
    let isDone = outcomes.contains { [.opened, .updated, .unchanged, .merged].contains($0.result) }
    let first = refusals.first
    let blocked = outcomes.first { $0.result == .closed || $0.result == .foreign }
    return report(
      isDone ? .done : .refused, title, code: isDone ? "" : blocked?.result.rawValue ?? first?.code ?? "nothing-to-do",
      isDone ? "" : first.map { "\($0.package): \($0.reason)" } ?? "", plan: plan, outcomes)
  }

  /// The number of the merged pull request that made what was asked for true already; nil: there is none.
  private func mergedBefore(_ plan: Plan, _ maker: PullRequestMaker, _ refusals: [PlannedRefusal]) throws -> Int? {
    guard plan.pullRequests.isEmpty, let issue, refusals.allSatisfy(\.isSatisfied) else { return nil }
    let login = try client.login().lowercased()
    return try client.latestPullRequests(of: repository).first { pullRequest in
      pullRequest.isMerged && pullRequest.user?.login.lowercased() == login
        && Marker(body: pullRequest.body)?.issue == issue
    }?.number
  }
}
