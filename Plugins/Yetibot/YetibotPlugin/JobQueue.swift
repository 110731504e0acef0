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
  case broadcast(BroadcastRequest, PendingCall)
  /// An adapter told of its connection.
  case connection(ChatConnection, isConnected: Bool)
  case reconfigure(YetibotEngine.Configuration)

  /// Whether the host hands it out again when it is dropped.
  var isRepeated: Bool {
    switch self {
    case .event, .reaction, .tick: true
    case .evaluate, .command, .commands, .complete, .serve, .broadcast, .connection, .reconfigure: false
    }
  }

  /// Who waits for the answer; nil where nobody does.
  var call: PendingCall? {
    switch self {
    case .evaluate(_, let call), .command(_, let call), .commands(let call), .complete(_, let call),
      .serve(_, let call), .broadcast(_, let call):
      call
    case .event, .reaction, .tick, .connection, .reconfigure: nil
    }
  }
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
    var jobs: ArraySlice<Job> = []
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

  /// Waits for the next job; nil when there will be none, or `isStopped` says, now and then, that nobody waits for it.
  func pop(unless isStopped: () -> Bool) -> Job? {
    while true {
      let (job, isClosed) = state.withLock { ($0.jobs.popFirst(), $0.isClosed) }
      if let job { return job }
      if isClosed || isStopped() { break }
      _ = ready.wait(timeout: .now() + .seconds(1))
    }
    // For the next one who waits.
    ready.signal()
    return nil
  }

  /// No job is taken any more. Deliveries that wait go back to the host, which hands them out again; the rest, which nobody repeats, is
  /// still done.
  func close() {
    // A delivery that is dropped settles itself, so that must not happen under the lock.
    _ = state.withLock { state in
      state.isClosed = true
      defer { state.jobs.removeAll(where: \.isRepeated) }
      return state.jobs
    }
    ready.signal()
  }

  /// Nobody will do any job: no more are taken, deliveries that wait go back to the host, and calls fail.
  func fail(_ error: PluginError) {
    close()
    for job in state.withLock({ state in
      defer { state.jobs = [] }
      return state.jobs
    }) { try? job.call?.fail(error) }
  }
}
