import BotPluginKit
import Synchronization

/// The evaluator's threads. One at a time is inside the engine, so a few are enough as long as none of them waits for something outside;
/// for each that does another one is started.
final class Workers: Sendable {
  private struct State {
    var count = 0
    /// Those that wait for something outside.
    var away = 0
  }

  /// How many there are to take jobs while others wait, and how many there are at most: so many messages may wait at the same time.
  static let spare = 2
  static let most = 32

  private let state = Mutex(State())
  private let host: Host
  private let work: @Sendable (StopSignal) -> Void

  /// - Parameter work: takes jobs until there are to be no more.
  init(_ host: Host, _ work: @escaping @Sendable (StopSignal) -> Void) {
    self.host = host
    self.work = work
  }

  /// Makes the calling thread the first, and starts others beside it.
  func begin(_ stop: StopSignal) {
    state.withLock { $0.count += 1 }
    fill()
    work(stop)
  }

  /// Lets another thread take this one's place while `body` waits.
  func away<Result>(_ body: () -> Result) -> Result {
    state.withLock { $0.away += 1 }
    fill()
    defer { state.withLock { $0.away -= 1 } }
    return body()
  }

  /// Starts threads until enough of them can take jobs. They stay: what has waited once will wait again.
  private func fill() {
    while let number = state.withLock({ state -> Int? in
      guard state.count - state.away < Self.spare, state.count < Self.most else { return nil }
      state.count += 1
      return state.count
    }) {
      do { try host.thread("evaluator-\(number)") { [work] stop in work(stop) } } catch {
        // None starts any more while the plugin ends; the others do the rest.
        state.withLock { $0.count -= 1 }
        return
      }
    }
  }
}
