import Testing
import UpdaterGitHub
import UpdaterWorld

@testable import UpdaterJobs

@Suite struct JobQueueTests {
  private let store = MemoryStore()
  private let name: RepositoryName
  private var queue: JobQueue { JobQueue(store, isDryRun: false) }

  init() throws { name = try #require(RepositoryName("ann/app")) }

  private func job(
    _ number: Int, _ title: String = "Update pip", isLabelled: Bool = false, updated: String = "1", at time: Int64 = 0,
    isByOperator: Bool = false
  ) -> QueuedJob {
    QueuedJob(
      repository: name, issue: number, title: title, isLabelled: isLabelled, updated: updated, accepted: time,
      isByOperator: isByOperator)
  }

  private func done(isLabelled: Bool = false, updated: String = "1", isFinal: Bool = true, outcome: String = "done")
    -> JobQueue.Done
  {
    JobQueue.Done(
      outcome: outcome, isLabelled: isLabelled, updated: updated, isFinal: isFinal, finished: 5, hasPullRequest: true,
      reason: "why")
  }

  @Test func eachRequestIsTakenOnce() throws {
    #expect(try queue.accept(job(1, at: 2)) == .accepted)
    #expect(try queue.accept(job(1, at: 3)) == .known)
    #expect(try queue.accept(job(1, "Update pip to 19", at: 1)) == .accepted)
    #expect(try queue.accept(job(2, at: 0)) == .accepted)
    // What is stored is all that a new process has.
    #expect(try JobQueue(store, isDryRun: false).jobs().map(\.accepted) == [0, 1, 2])
    try queue.finish(job(1, at: 2), done())
    #expect(try queue.jobs().count == 2)
    #expect(try queue.accept(job(1)) == .known)
    #expect(try queue.accept(job(1, isLabelled: true)) == .accepted)
    #expect(try JobQueue(store, isDryRun: true).accept(job(1)) == .accepted)
  }

  @Test func whoMightNotAskIsLookedAtAgainWhenTheIssueHasChanged() throws {
    try queue.finish(job(1), done(isLabelled: true, updated: "2026-01-01T00:00:00Z", isFinal: false))
    #expect(try queue.accept(job(1, updated: "2026-01-01T00:00:00Z")) == .known)
    #expect(try queue.accept(job(1, updated: "2026-01-01T00:00:01Z")) == .accepted)
  }

  @Test func anOperatorMayAskAgain() throws {
    try queue.finish(job(1), done())
    #expect(try queue.accept(job(1, isByOperator: true)) == .accepted)
  }

  @Test func soManyMayWait() throws {
    let queue = JobQueue(store, isDryRun: false, most: 3)
    for number in 0..<3 { #expect(try queue.accept(job(number)) == .accepted) }
    #expect(try queue.accept(job(3)) == .full)
    #expect(try queue.accept(job(0)) == .known)
  }

  @Test func whatWasGivenUpIsShown() throws {
    try queue.finish(job(7), done(outcome: JobQueue.Done.failed))
    try queue.finish(job(8), done())
    #expect(try queue.failed(of: name) == [.init(repository: name, issue: 7, reason: "why", finished: 5)])
    #expect(try queue.refreshable(of: name, before: 5).isEmpty)
    #expect(try queue.refreshable(of: name, before: 6).map(\.issue).sorted() == [7, 8])
  }

  @Test func deliveriesAreRemembered() throws {
    #expect(try !queue.hasSeen(delivery: "a"))
    try queue.note(delivery: "a")
    #expect(try queue.hasSeen(delivery: "a"))
    #expect(try !queue.hasSeen(delivery: "b"))
  }
}
