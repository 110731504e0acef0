import Dispatch
import Synchronization

/// Where a completion leaves its result for a thread that waits.
final class ResultSlot<Success: Sendable>: Sendable {
  private let result = Mutex<Result<Success, HTTPFailure>?>(nil)
  private let isFilled = DispatchSemaphore(value: 0)

  func fill(_ result: Result<Success, HTTPFailure>) {
    self.result.withLock { $0 = result }
    isFilled.signal()
  }

  func wait() -> Result<Success, HTTPFailure> {
    isFilled.wait()
    return result.withLock { $0 } ?? .failure(HTTPFailure(.cancelled, "the request was given up"))
  }
}
