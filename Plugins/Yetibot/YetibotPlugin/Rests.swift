import Dispatch
import Synchronization

/// The threads that wait for nothing but time to pass, so that they can be called back before.
final class Rests: Sendable {
  private struct Rest {
    var signal: DispatchSemaphore
    /// Whether what rests is done again from its beginning when it is cut short.
    var isRepeated: Bool
    var end: DispatchTime
  }

  private struct State {
    var rests: [Int: Rest] = [:]
    var next = 0
    /// Set when no rest may end after this any more.
    var end: DispatchTime?
  }

  private let state = Mutex(State())

  /// Waits. False when it was cut short.
  ///
  /// - Parameter isRepeated: whether what waits is done again from its beginning when it is cut short.
  func rest(milliseconds: Int64, isRepeated: Bool, _ patience: Patience?) -> Bool {
    let signal = DispatchSemaphore(value: 0)
    let end = DispatchTime.now() + .milliseconds(Int(clamping: milliseconds))
    let number = state.withLock { state -> Int? in
      if let last = state.end, isRepeated || end > last { return nil }
      state.next += 1
      state.rests[state.next] = Rest(signal: signal, isRepeated: isRepeated, end: end)
      return state.next
    }
    guard let number else { return false }
    defer { state.withLock { $0.rests[number] = nil } }
    return !Patience.wait(for: signal, milliseconds: milliseconds, patience)
  }

  /// Cuts short what is done again, and what would rest for longer than `milliseconds` from now. From now on nothing rests otherwise.
  func end(within milliseconds: Int64) {
    let last = DispatchTime.now() + .milliseconds(Int(clamping: milliseconds))
    let cut = state.withLock { state in
      state.end = last
      return state.rests.values.filter { $0.isRepeated || $0.end > last }
    }
    for rest in cut { rest.signal.signal() }
  }
}
