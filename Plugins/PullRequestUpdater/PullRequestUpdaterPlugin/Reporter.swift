import BotPluginKit
import Synchronization
import UpdaterGitHub
import UpdaterJobs

/// Tells others what the updater does: topics, the log, and how it is. Any thread may call it.
final class Reporter: Sendable {
  private let host: Host
  private let topics: [String: Topic]
  /// What an operator should know; nil: all is well.
  private let complaint = Mutex<String?>(nil)

  private struct Event: Encodable {
    var repository: String
    var issue: Int?
    var title: String
    var code: String
    var reason: String
  }

  private struct Made: Encodable {
    var repository: String
    var issue: Int?
    var package: String
    var number: Int?
    var address: String?
    var branch: String
    var from: String?
    var to: String?
    var notes: [String]
  }

  private struct Postponed: Encodable {
    var repository: String
    var issue: Int
    var until: String?
    var attempts: Int
    var reason: String
  }

  init(host: Host) throws {
    self.host = host
    var topics: [String: Topic] = [:]
    for name in ["planned", "opened", "updated", "refused", "ignored", "postponed", "failed", "write"] {
      topics[name] = try host.topic("updater.\(name)")
    }
    self.topics = topics
  }

  var health: Health { complaint.withLock { $0.map { .bad($0) } } ?? .good }

  func problem(_ text: String) {
    let isNew = complaint.withLock { complaint in
      defer { complaint = text }
      return complaint != text
    }
    if isNew { host.log(.error, text) }
  }

  private func publish(_ name: String, _ value: some Encodable, key: String) {
    guard let topic = topics[name] else { return }
    do { try host.publish(topic, value, key: key) } catch {
      host.log(.warning, "updater.\(name) is not published: \(error)")
    }
  }

  /// The audit: each call that changes something.
  func write(_ record: WriteRecord) {
    host.log(
      .notice, "\(record.method) \(record.path): \(record.status == 0 ? "no answer" : "\(record.status)")",
      ["repository": record.repository, "request": record.request])
    publish("write", record, key: record.repository)
  }

  func notice(_ notice: Updater.Notice) {
    switch notice {
    case .report(let report): tell(report)
    case .postponed(let job, let until, let why):
      host.log(.warning, "\(job.repository)#\(job.issue) waits until \(UTCTime.text(until)): \(why)")
      publish(
        "postponed",
        Postponed(
          repository: job.repository.description, issue: job.issue, until: UTCTime.text(until), attempts: job.attempts,
          reason: why), key: job.repository.description)
    case .failed(let job, let why):
      host.log(.error, "\(job.repository)#\(job.issue) is given up: \(why)")
      publish(
        "failed",
        Postponed(
          repository: job.repository.description, issue: job.issue, until: nil, attempts: job.attempts, reason: why),
        key: job.repository.description)
    case .pollFailed(let repository, let why): problem("the issues of \(repository) cannot be read: \(why)")
    case .polled(let repository, let accepted):
      host.log(.info, "\(accepted) requests in the issues of \(repository)")
    case .isWell: complaint.withLock { $0 = nil }
    }
  }

  private func tell(_ report: JobReport) {
    let repository = report.repository.description
    let event = Event(
      repository: repository, issue: report.issue, title: report.title, code: report.code, reason: report.reason)
    switch report.outcome {
    case .nothing:
      if report.code == "no-request" { return }
      host.log(.info, "\(repository)#\(report.issue ?? 0) is left alone (\(report.code)): \(report.reason)")
      publish("ignored", event, key: repository)
    case .refused:
      host.log(.notice, "\(repository)#\(report.issue ?? 0) is refused (\(report.code)): \(report.reason)")
      publish("refused", event, key: repository)
    case .planned:
      if let plan = report.plan { publish("planned", plan, key: repository) }
    case .done: break
    }
    for made in report.pullRequests where made.result == .opened || made.result == .updated {
      for note in made.notes { host.log(.warning, "\(repository)#\(made.number ?? 0): \(note)") }
      publish(
        made.result.rawValue,
        Made(
          repository: repository, issue: report.issue, package: made.package, number: made.number,
          address: made.address, branch: made.branch, from: made.from, to: made.to, notes: made.notes), key: repository)
    }
  }
}
