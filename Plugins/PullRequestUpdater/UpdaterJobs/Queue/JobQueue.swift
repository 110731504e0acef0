import FoundationEssentials
import UpdaterGitHub

/// A request that waits to be looked at.
public struct QueuedJob: Codable, Sendable, Hashable {
  public var repository: RepositoryName
  public var issue: Int
  /// Of the title, 16 hexadecimal digits: another title is another request.
  public var titleHash: String
  /// Whether the issue had the label.
  public var isLabelled: Bool
  /// When the issue was changed, as GitHub writes it.
  public var updated: String
  /// Nanoseconds since 1970, both.
  public var accepted: Int64
  public var notBefore: Int64
  /// How often it was begun and could not be finished.
  public var attempts: Int
  /// Why not, the last time.
  public var problem: String?
  /// The operator has asked for it, who needs no permission of the repository's.
  public var isByOperator: Bool
  /// It was done before, and is looked at again because there may be a newer version.
  public var isRefresh: Bool

  public init(
    repository: RepositoryName, issue: Int, title: String, isLabelled: Bool, updated: String, accepted: Int64,
    isByOperator: Bool = false, isRefresh: Bool = false
  ) {
    self.repository = repository
    self.issue = issue
    titleHash = Self.hash(title)
    self.isLabelled = isLabelled
    self.updated = updated
    self.accepted = accepted
    notBefore = accepted
    attempts = 0
    self.isByOperator = isByOperator
    self.isRefresh = isRefresh
  }

  private enum CodingKeys: String, CodingKey {
    case repository, issue, updated, accepted, attempts, problem
    case titleHash = "title_hash"
    case isLabelled = "labelled"
    case notBefore = "not_before"
    case isByOperator = "by_operator"
    case isRefresh = "refresh"
  }

  public static func hash(_ title: String) -> String { Digest.hexadecimal(title, digits: 16) }

  var name: String { "\(repository.normalized)/\(issue)/\(titleHash)" }
}

/// The requests that were accepted, and those that are done, in the instance's key-value state: nothing accepted is lost over a restart or a swap.
///
/// Any thread may accept; one thread takes out.
public struct JobQueue {
  /// What is remembered of a request that is done, so that it is not done again.
  struct Done: Codable {
    var outcome: String
    var isLabelled: Bool
    /// When the issue had last been changed.
    var updated: String
    /// Whether it stays so: who may not ask today may be given the label, or more rights, tomorrow, and then the issue has changed.
    var isFinal: Bool
    /// Nanoseconds since 1970.
    var finished: Int64
    /// Whether there is a pull request that a newer version may change.
    var hasPullRequest: Bool
    /// Why it was given up.
    var reason: String?

    static let failed = "failed"
  }

  public enum Acceptance: String, Sendable, Codable {
    case accepted
    /// It waits already, or is done.
    case known
    /// Too many wait.
    case full
  }

  private let store: any JobStore
  /// How many may wait.
  public let most: Int
  private static let memory: Duration = .seconds(180 * 86_400)

  private let prefix: String

  /// - Parameter isDryRun: what is only planned is kept apart, so that it is done when it may be.
  public init(_ store: any JobStore, isDryRun: Bool, most: Int = 2000) {
    self.store = store
    self.most = most
    prefix = isDryRun ? "dry/" : ""
  }

  private var queuePrefix: String { "\(prefix)queue/" }
  private func waiting(_ name: String) -> String { "\(queuePrefix)\(name)" }
  private func done(_ name: String) -> String { "\(prefix)done/\(name)" }

  /// Takes a request; it is on disk when this returns.
  public func accept(_ job: QueuedJob) throws -> Acceptance {
    if try store.value(waiting(job.name)) != nil {
      // An operator's word is worth more than what waits.
      if job.isByOperator { try store.put(waiting(job.name), job) }
      return .known
    }
    if !job.isByOperator, !job.isRefresh, let done = try store.decoded(Done.self, done(job.name)),
      done.isLabelled || !job.isLabelled, done.isFinal || done.updated >= job.updated
    {
      return .known
    }
    guard try store.entries(prefix: queuePrefix).count < most else { return .full }
    try store.put(waiting(job.name), job)
    return .accepted
  }

  /// All that wait, the one that waits longest first.
  public func jobs() throws -> [QueuedJob] {
    try store.entries(prefix: queuePrefix).compactMap {
      try? JSONDecoder().decode(QueuedJob.self, from: Data($0.value))
    }
    .sorted { ($0.accepted, $0.name) < ($1.accepted, $1.name) }
  }

  /// Puts one back for later.
  func postpone(_ job: QueuedJob) throws { try store.put(waiting(job.name), job) }

  /// It is done: that is remembered before it leaves the queue, so that it is done once at least and looked at before.
  func finish(_ job: QueuedJob, _ done: Done) throws {
    try store.put(self.done(job.name), done, expiresAfter: Self.memory)
    try store.remove(waiting(job.name))
  }

  /// The requests of a repository whose pull requests were last looked at before a time.
  func refreshable(of repository: RepositoryName, before: Int64) throws -> [(
    issue: Int, isLabelled: Bool, titleHash: String
  )] {
    let prefix = done("\(repository.normalized)/")
    return try store.entries(prefix: prefix).compactMap { entry in
      guard let done = try? JSONDecoder().decode(Done.self, from: Data(entry.value)), done.hasPullRequest,
        done.finished < before
      else { return nil }
      let parts = entry.key.dropFirst(prefix.count).split(separator: "/")
      guard parts.count == 2, let issue = Int(parts[0]) else { return nil }
      return (issue, done.isLabelled, String(parts[1]))
    }
  }

  /// A request that was given up.
  public struct Failed: Codable, Sendable, Hashable {
    public var repository: RepositoryName
    public var issue: Int
    public var reason: String
    /// Nanoseconds since 1970.
    public var finished: Int64
  }

  /// The requests of a repository that were given up.
  public func failed(of repository: RepositoryName) throws -> [Failed] {
    let prefix = done("\(repository.normalized)/")
    return try store.entries(prefix: prefix).compactMap { entry in
      guard let done = try? JSONDecoder().decode(Done.self, from: Data(entry.value)), done.outcome == Done.failed,
        let issue = entry.key.dropFirst(prefix.count).split(separator: "/").first.flatMap({ Int($0) })
      else { return nil }
      return Failed(repository: repository, issue: issue, reason: done.reason ?? "", finished: done.finished)
    }
  }

  // MARK: Besides

  private func key(of delivery: String) -> String { "\(prefix)delivery/\(Digest.hexadecimal(delivery, digits: 32))" }

  /// Whether a delivery of the webhook came before: GitHub may send one again.
  public func hasSeen(delivery: String) throws -> Bool { try store.value(key(of: delivery)) != nil }

  public func note(delivery: String) throws {
    try store.put(key(of: delivery), Array("1".utf8), expiresAfter: .seconds(7 * 86_400))
  }

  /// Up to which change issues were read.
  struct Position: Codable { var since: String }

  func position(of repository: RepositoryName) throws -> String {
    try store.decoded(Position.self, "\(prefix)position/\(repository.normalized)")?.since ?? ""
  }

  func setPosition(of repository: RepositoryName, _ since: String) throws {
    try store.put("\(prefix)position/\(repository.normalized)", Position(since: since))
  }
}
