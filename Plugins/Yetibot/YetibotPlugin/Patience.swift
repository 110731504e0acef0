import Dispatch
import Synchronization

/// How long somebody waits for an answer without a word. Whoever waits longer is told, once, that the command is still at work.
final class Patience: Sendable {
  private let end: DispatchTime
  private let tell: @Sendable () -> Void
  private let hasTold = Atomic<Bool>(false)

  init(milliseconds: Int64, tell: @escaping @Sendable () -> Void) {
    end = .now() + .milliseconds(Int(clamping: milliseconds))
    self.tell = tell
  }

  /// Waits for a signal as long as `milliseconds`, with a word when the patience ends before. False when none came.
  static func wait(for signal: DispatchSemaphore, milliseconds: Int64, _ patience: Patience?) -> Bool {
    let deadline = DispatchTime.now() + .milliseconds(Int(clamping: milliseconds))
    if let patience, patience.end < deadline, !patience.hasTold.load(ordering: .relaxed) {
      if signal.wait(timeout: patience.end) == .success { return true }
      if !patience.hasTold.exchange(true, ordering: .relaxed) { patience.tell() }
    }
    return signal.wait(timeout: deadline) == .success
  }
}
