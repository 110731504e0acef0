import BotPluginKit
import Dispatch
import Synchronization
import YetibotEngine

/// What the evaluator is asked to do.
enum Job: Sendable {
  /// Something happened in a chat. Answers are effects of the delivery.
  case event(ChatEvent, Address, Delivery)
  case tick(milliseconds: Int64, Delivery)
  case evaluate(EvaluationRequest, PendingCall)
  case command(CommandRequest, PendingCall)
  case commands(PendingCall)
  case reconfigure(YetibotEngine.Configuration)
}

/// Where an answer to an event goes.
struct Address: Sendable {
  var platform: String
  var instance: String
  /// The channel's id, or the author's in private.
  var channel: String
  var room: String
  var isPrivate: Bool
}

/// Hands jobs from the lane to the evaluator, in order.
final class JobQueue: Sendable {
  private let jobs = Mutex<[Job]>([])
  private let ready = DispatchSemaphore(value: 0)
  static let capacity = 10_000

  /// False when too many wait already.
  func push(_ job: Job) -> Bool {
    let isTaken = jobs.withLock { jobs in
      guard jobs.count < Self.capacity else { return false }
      jobs.append(job)
      return true
    }
    if isTaken { ready.signal() }
    return isTaken
  }

  /// The next job; nil after a fifth of a second without one.
  func pop() -> Job? {
    guard ready.wait(timeout: .now() + .milliseconds(200)) == .success else { return nil }
    return jobs.withLock { $0.isEmpty ? nil : $0.removeFirst() }
  }

  /// Drops what waits: deliveries go back to the host, calls fail.
  func removeAll() {
    let dropped = jobs.withLock { jobs in
      defer { jobs = [] }
      return jobs
    }
    for case .evaluate(_, let call) in dropped { try? call.fail(PluginError.retry("the plugin is being replaced")) }
    for case .command(_, let call) in dropped { try? call.fail(PluginError.retry("the plugin is being replaced")) }
  }
}
