import BotPluginKit
import Dispatch
import Synchronization

/// One answer that a thread waits for and the lane gives.
final class AnswerSlot<Answer: Sendable>: Sendable {
  private let answer = Mutex<Result<Answer, PluginError>?>(nil)
  private let ready = DispatchSemaphore(value: 0)

  func fill(_ answer: Result<Answer, PluginError>) {
    self.answer.withLock { $0 = answer }
    ready.signal()
  }

  /// - Throws: what the call failed with, and `timeout` when nothing came.
  func wait(milliseconds: Int64, _ patience: Patience?) throws(PluginError) -> Answer {
    guard Patience.wait(for: ready, milliseconds: milliseconds, patience), let answer = answer.withLock({ $0 }) else {
      throw .timeout("no answer came in time")
    }
    return try answer.get()
  }
}
