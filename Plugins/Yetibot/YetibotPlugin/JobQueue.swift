import BotPluginKit
import Dispatch
import Synchronization
import YetibotEngine

/// What the evaluator is asked to do.
enum Job: Sendable {
  /// Something happened in a chat. Answers are effects of the delivery.
  case event(ChatEvent, Address, Delivery)
  /// A reaction to a message that is known by its id alone.
  case reaction(ChatEvent, message: String, Address, Delivery)
  case tick(milliseconds: Int64, Delivery)
  case evaluate(EvaluationRequest, PendingCall)
  case command(CommandRequest, PendingCall)
  case commands(PendingCall)
  case complete(CompletionRequest, PendingCall)
  case serve(WebRequest, PendingCall)
  /// An adapter told of its connection.
  case connection(ChatConnection, isConnected: Bool)
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
  /// The message that is answered.
  var message = ""
  /// Whether that one answers another.
  var isReply = false
}

/// Hands jobs from the lane to the evaluator's threads, in order.
final class JobQueue: Sendable {
  private struct State {
    var jobs: [Job] = []
    var isClosed = false
  }

  private let state = Mutex(State())
  private let ready = DispatchSemaphore(value: 0)
  static let capacity = 10_000

  /// False when too many wait already, or nobody will do them.
  func push(_ job: Job) -> Bool {
    let isTaken = state.withLock { state in
      guard state.jobs.count < Self.capacity, !state.isClosed else { return false }
      state.jobs.append(job)
      return true
    }
    if isTaken { ready.signal() }
    return isTaken
  }

  /// The next job; nil after a fifth of a second without one.
  func pop() -> Job? {
    guard ready.wait(timeout: .now() + .milliseconds(200)) == .success else { return nil }
    return state.withLock { $0.jobs.isEmpty ? nil : $0.jobs.removeFirst() }
  }

  /// Nobody will do jobs any more: those that wait go back, and no more are taken.
  func close() {
    state.withLock { $0.isClosed = true }
    removeAll()
  }

  /// Drops what waits: deliveries go back to the host, calls fail.
  func removeAll() {
    let dropped = state.withLock { state in
      defer { state.jobs = [] }
      return state.jobs
    }
    for job in dropped {
      switch job {
      case .evaluate(_, let call), .command(_, let call), .commands(let call), .complete(_, let call),
        .serve(_, let call):
        try? call.fail(PluginError.retry("the plugin is being replaced"))
      case .event, .reaction, .tick, .connection, .reconfigure: break
      }
    }
  }
}
