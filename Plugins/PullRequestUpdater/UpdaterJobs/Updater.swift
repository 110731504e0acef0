import UpdaterGitHub
import UpdaterRules

/// The updater: looks for requests, and does one after the other, so that there is one run at a time for each repository and no two writes at once.
///
/// It belongs to one thread, which calls ``step()`` again and again. All that must not be lost is in the store.
public final class Updater {
  public let settings: UpdaterSettings
  public let queue: JobQueue
  private let client: GitHubClient
  /// A client that writes nothing.
  private let reader: GitHubClient
  /// Throws what is wrong with the configuration of the index.
  private let makeIndex: () throws -> PackageIndex
  private let notice: (Notice) -> Void
  /// When each repository is looked at next, in nanoseconds since 1970.
  private var nextPoll: [RepositoryName: Int64] = [:]
  /// Whether the last step was a look at issues.
  private var hasPolled = false
  private var now: Int64 { client.surroundings.now() }

  /// What others are told.
  public enum Notice: Sendable {
    case report(JobReport)
    /// It is tried again then.
    case postponed(QueuedJob, until: Int64, String)
    /// It is not tried again.
    case failed(QueuedJob, String)
    case pollFailed(RepositoryName, String)
    case polled(RepositoryName, accepted: Int)
    /// What was complained of before is over.
    case isWell
  }

  /// How often a request is begun that fails for reasons that pass.
  private static let attempts = 12

  public init(
    _ settings: UpdaterSettings, client: GitHubClient, store: any JobStore,
    index: @escaping () throws -> PackageIndex, notice: @escaping (Notice) -> Void
  ) {
    self.settings = settings
    self.client = client
    reader = client.forReading()
    queue = JobQueue(store, isDryRun: settings.isDryRun)
    makeIndex = index
    self.notice = notice
  }

  // MARK: By itself

  /// Does the next thing that is due: a look at a repository's issues, or one request.
  ///
  /// - Returns: when there is something to do again, in nanoseconds since 1970; nil: nothing waits.
  /// - Throws: ``GitHubFailure/Kind/interrupted``, and what the store throws.
  public func step() throws -> Int64? {
    let jobs = try queue.jobs()
    let job = jobs.first { $0.notBefore <= now }
    // They take turns, so that neither many repositories nor many requests keep the others waiting.
    let longest = settings.repositories.min { nextPoll[$0, default: 0] < nextPoll[$1, default: 0] }
    if settings.pollInterval > .zero, let longest, nextPoll[longest, default: 0] <= now, job == nil || !hasPolled {
      hasPolled = true
      try poll(longest)
      return now
    }
    hasPolled = false
    if let job {
      _ = try run(job)
      return now
    }
    return (jobs.map(\.notBefore) + nextPoll.values).min()
  }

  private func poll(_ repository: RepositoryName) throws {
    let begin = now
    var next = begin + settings.pollInterval.inNanoseconds
    defer { nextPoll[repository] = next }
    do {
      var accepted = 0
      var isFull = false
      var position = try queue.position(of: repository)
      try reader.openIssues(of: repository, since: position) { issues in
        for issue in issues {
          switch try take(issue, repository) {
          case .accepted?: accepted += 1
          case .full?:
            // The rest is read again when there is room.
            isFull = true
            return false
          case .known?, nil: break
          }
          position = issue.updatedAt ?? position
        }
        return true
      }
      try queue.setPosition(of: repository, position)
      if !isFull { try refresh(repository, at: begin) }
      notice(.isWell)
      if accepted > 0 { notice(.polled(repository, accepted: accepted)) }
    } catch let failure as GitHubFailure {
      guard failure.kind != .interrupted else { throw failure }
      if case .limited(let until) = failure.kind { next = max(next, until) }
      notice(.pollFailed(repository, failure.message))
    }
  }

  /// nil: no request.
  private func take(_ issue: Issue, _ repository: RepositoryName) throws -> JobQueue.Acceptance? {
    guard issue.pullRequest == nil, issue.user?.type != "Bot" || issue.hasLabel(settings.label) else { return nil }
    return try Self.accept(issue, of: repository, queue: queue, label: settings.label, at: now)
  }

  /// Takes an issue into the queue, unless its title asks for nothing (nil). On any thread.
  public static func accept(
    _ issue: Issue, of repository: RepositoryName, queue: JobQueue, label: String, at now: Int64
  ) throws -> JobQueue.Acceptance? {
    let isLabelled = issue.hasLabel(label)
    guard isLabelled || TitleGrammar.read(issue.title).intent != .none else { return nil }
    return try queue.accept(
      QueuedJob(
        repository: repository, issue: issue.number, title: issue.title, isLabelled: isLabelled,
        updated: issue.updatedAt ?? "", accepted: now))
  }

  /// Puts requests back whose pull requests may be out of date by now.
  private func refresh(_ repository: RepositoryName, at now: Int64) throws {
    guard settings.refreshInterval > .zero, !settings.isDryRun else { return }
    let before = now - settings.refreshInterval.inNanoseconds
    for old in try queue.refreshable(of: repository, before: before) {
      var job = QueuedJob(
        repository: repository, issue: old.issue, title: "", isLabelled: old.isLabelled, updated: "", accepted: now,
        isRefresh: true)
      job.titleHash = old.titleHash
      _ = try queue.accept(job)
    }
  }

  // MARK: One request

  /// Does a request that waits; afterwards it is done, or waits for another time.
  ///
  /// - Returns: nil: it waits.
  private func run(_ job: QueuedJob) throws -> JobReport? {
    var job = job
    do {
      let work = UpdateJob(
        client: settings.isDryRun ? reader : client, index: try makeIndex(), settings: settings,
        repository: job.repository, issue: job.issue, operatorsTitle: job.isByOperator ? job.titleHash : nil,
        completes: !job.isRefresh)
      let report = try work.run()
      try finish(job, report)
      notice(.report(report))
      return report
    } catch let failure as GitHubFailure {
      job.problem = failure.message
      switch failure.kind {
      case .interrupted: throw failure
      case .limited(let until):
        // It is nobody's fault, and costs no attempt.
        job.notBefore = max(until, now + 1_000_000_000)
      case .credentials:
        // The operator's to mend; nothing is given up for it.
        job.notBefore = now + 600_000_000_000
      case .uncertain, .conflict, .unexpected, .unprocessable, .permission:
        job.attempts += 1
        guard job.attempts < Self.attempts else { return try giveUp(job, failure) }
        job.notBefore = now + Int64(min(1 << job.attempts, 1800)) * 1_000_000_000
      case .notFound, .legal, .readOnly: return try giveUp(job, failure)
      }
      try queue.postpone(job)
      notice(.postponed(job, until: job.notBefore, failure.message))
      return nil
    }
  }

  private func finish(_ job: QueuedJob, _ report: JobReport) throws {
    let hash = QueuedJob.hash(report.title)
    var done = JobQueue.Done(
      outcome: report.outcome.rawValue, isLabelled: job.isLabelled, updated: job.updated,
      isFinal: report.code != "not-permitted", finished: now,
      hasPullRequest: report.pullRequests.contains { [.opened, .updated, .unchanged].contains($0.result) })
    // The title may have been changed meanwhile, and what was looked at is the new one.
    if hash != job.titleHash {
      var current = job
      current.titleHash = hash
      if !job.isRefresh { try queue.finish(current, done) }
      done.hasPullRequest = false
    }
    try queue.finish(job, done)
  }

  private func giveUp(_ job: QueuedJob, _ failure: GitHubFailure) throws -> JobReport? {
    try queue.finish(
      job,
      JobQueue.Done(
        outcome: JobQueue.Done.failed, isLabelled: job.isLabelled, updated: job.updated, isFinal: true, finished: now,
        hasPullRequest: false, reason: failure.message))
    notice(.failed(job, failure.message))
    return nil
  }

  // MARK: On demand

  /// Makes a plan, and changes nothing.
  public func plan(_ repository: RepositoryName, issue: Int?, title: String) throws -> JobReport {
    try UpdateJob(
      client: reader, index: try makeIndex(), settings: settings, repository: repository, issue: issue,
      isPlanOnly: true
    ).run(title: title)
  }

  /// Does what an issue asks for because the operator says so.
  ///
  /// - Returns: nil: it waits in the queue, and is done when it can be.
  public func run(_ repository: RepositoryName, issue: Int) throws -> JobReport? {
    let current = try reader.issue(issue, in: repository)
    let job = QueuedJob(
      repository: repository, issue: issue, title: current.title, isLabelled: current.hasLabel(settings.label),
      updated: current.updatedAt ?? "", accepted: now, isByOperator: true)
    if case .full = try queue.accept(job) {
      throw GitHubFailure(.conflict, "\(queue.most) requests wait already; try again when there are fewer")
    }
    return try run(job)
  }
}

extension Duration {
  public var inNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
  }
}
