import BotPluginKit
import FoundationEssentials
import UpdaterGitHub
import UpdaterJobs

/// Reads issue tickets on GitHub and completes the pull requests that they ask for. What is done is decided by ``Updater``; here it gets a thread, a client
/// of HTTP and the host's state, and others get its topics and methods.
final class PullRequestUpdaterPlugin: BotPlugin {
  static let table = PluginTable<PullRequestUpdaterPlugin>(name: "updater", version: "1.0.0") {
    Method("plan", PullRequestUpdaterPlugin.plan)
    Method("run", PullRequestUpdaterPlugin.run)
    Method("webhook", PullRequestUpdaterPlugin.webhook)
    Method("queue", PullRequestUpdaterPlugin.queue)
  }

  private let host: Host
  private let configuration: Configuration
  private let settings: UpdaterSettings
  private let reporter: Reporter
  private let waiting: JobQueue
  private var worker: Worker?

  init(configuration: Configuration, host: Host) throws {
    self.host = host
    self.configuration = configuration
    settings = try configuration.settings()
    _ = try configuration.gitHub()
    reporter = try Reporter(host: host)
    waiting = JobQueue(HostStore(kv: host.kv), isDryRun: configuration.dryRun)
  }

  func activate() throws {
    let worker = try Worker(host: host, configuration: configuration, reporter: reporter)
    try worker.start()
    self.worker = worker
  }

  /// What is under way is given up where it is; it is still in the queue, and whoever comes next looks what has been done of it.
  func quiesce(deadline: Int64) throws {
    worker?.stop()
    worker = nil
  }

  func resume() throws { try activate() }

  deinit { worker?.stop() }

  func health() -> Health { reporter.health }

  // MARK: Methods

  struct PlanArgument: Decodable {
    var repository: String
    var issue: Int?
    var title: String?
  }

  struct Report: Encodable {
    var report: JobReport?
    var diff: String
    /// For a terminal.
    var shown: String
    /// The request waits in the queue.
    var isWaiting: Bool

    private enum CodingKeys: String, CodingKey {
      case report, diff, shown
      case isWaiting = "waiting"
    }
  }

  func plan(_ argument: PlanArgument, _ call: borrowing Call) throws {
    let repository = try name(argument.repository)
    guard (argument.issue == nil) != (argument.title == nil) else {
      throw PluginError.invalid("plan wants an issue's number or a title, and one of them")
    }
    let (issue, title) = (argument.issue, argument.title ?? "")
    try order(call.later()) { try $0.plan(repository, issue: issue, title: title) }
  }

  struct RunArgument: Decodable {
    var repository: String
    var issue: Int
  }

  func run(_ argument: RunArgument, _ call: borrowing Call) throws {
    let repository = try name(argument.repository)
    guard settings.repositories.contains(repository) else {
      throw PluginError.invalid("\(repository) is not among the updater's repositories")
    }
    let issue = argument.issue
    try order(call.later()) { try $0.run(repository, issue: issue) }
  }

  private func name(_ text: String) throws -> RepositoryName {
    guard let name = RepositoryName(text) else { throw PluginError.invalid("\"\(text)\" is not written owner/name") }
    return name
  }

  private func order(_ call: PendingCall, _ work: @escaping @Sendable (Updater) throws -> JobReport?) throws {
    guard let worker else { throw PluginError.internal("the plugin is not active") }
    let isTaken = worker.order { updater in
      do { try call.reply(try Self.report(try work(updater))) } catch {
        try? call.fail(Self.error(for: error))
      }
    }
    if !isTaken { try call.fail(PluginError.busy("too many orders wait; try again later")) }
  }

  private static func error(for error: any Error) -> any Error {
    guard let failure = error as? GitHubFailure else { return error }
    return switch failure.kind {
    case .notFound: PluginError.notFound(failure.message)
    case .credentials, .permission, .legal, .readOnly: PluginError.denied(failure.message)
    case .limited, .uncertain: PluginError.busy(failure.message)
    case .interrupted: PluginError.cancelled(failure.message)
    default: PluginError.internal(failure.message)
    }
  }

  private static func report(_ report: JobReport?) throws -> Report {
    guard let report else {
      return Report(report: nil, diff: "", shown: "The request waits in the queue.", isWaiting: true)
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let json = String(decoding: try encoder.encode(report), as: UTF8.self)
    let diff = report.plan?.diff ?? ""
    let shown = diff.isEmpty ? json : "\(json)\n\n\(report.plan?.diffForTerminal ?? "")"
    return Report(report: report, diff: diff, shown: shown, isWaiting: false)
  }

  struct WebhookArgument: Decodable {
    var headers: [String: String]
    /// The request's body as text, where it is UTF-8.
    var body: String?
    /// The same in base64, whatever it is.
    var bodyBase64: String?

    enum CodingKeys: String, CodingKey {
      case headers, body
      case bodyBase64 = "body_base64"
    }
  }

  struct WebhookAnswer: Encodable {
    /// The status to answer with.
    var status: Int
    var message: String
  }

  /// What GitHub has sent to a front that speaks HTTP. It is on disk when this answers; the work comes later.
  func webhook(_ argument: WebhookArgument) throws -> WebhookAnswer {
    do {
      let delivery = try read(argument)
      return try take(delivery)
    } catch let refusal as WebhookReader.Refusal {
      return WebhookAnswer(status: refusal.status, message: refusal.message)
    }
  }

  private func read(_ argument: WebhookArgument) throws -> WebhookDelivery {
    var body = Array((argument.body ?? "").utf8)
    if let text = argument.bodyBase64 {
      guard let data = Data(base64Encoded: text) else {
        throw PluginError.invalid("body_base64 is no base64")
      }
      body = Array(data)
    }
    return try WebhookReader.read(headers: argument.headers, body: body) { use in
      do { return try host.secret("webhook_secret").withBytes(use) } catch let error as PluginError
        where error.code == .notFound
      {
        throw WebhookReader.Refusal(status: 503, "webhook_secret is not set, so nothing is believed")
      }
    }
  }

  private func take(_ delivery: WebhookDelivery) throws -> WebhookAnswer {
    if delivery.event == "ping" { return WebhookAnswer(status: 200, message: "pong") }
    guard let event = delivery.issue, event.mayAsk(besides: nil) else {
      return WebhookAnswer(status: 202, message: "nothing to do")
    }
    guard let repository = RepositoryName(event.repository.fullName), settings.repositories.contains(repository) else {
      return WebhookAnswer(status: 202, message: "not one of my repositories")
    }
    guard try !waiting.hasSeen(delivery: delivery.id) else { return WebhookAnswer(status: 200, message: "known") }
    let acceptance = try Updater.accept(
      event.issue, of: repository, queue: waiting, label: settings.label, at: host.unixTime)
    guard acceptance != .full else { return WebhookAnswer(status: 503, message: "too many requests wait") }
    try waiting.note(delivery: delivery.id)
    worker?.wake()
    return WebhookAnswer(status: 202, message: acceptance?.rawValue ?? "nothing to do")
  }

  struct QueueAnswer: Encodable {
    var jobs: [QueuedJob]
    var failed: [JobQueue.Failed]
  }

  func queue() throws -> QueueAnswer {
    QueueAnswer(jobs: try waiting.jobs(), failed: try settings.repositories.flatMap { try waiting.failed(of: $0) })
  }
}

@c(bh_plugin_entry_v1) public func entry(_ minor: UInt32) -> UnsafeRawPointer? { PullRequestUpdaterPlugin.entry(minor) }
