import Synchronization

/// What is to happen at a time: retries and the timers of endpoints. A binary heap; what is cancelled is skipped when
/// its time comes.
final class TimerQueue: @unchecked Sendable {
  enum Action {
    case retry(SlotPointer, LanePointer)
    case timer(EndpointTimer, version: UInt64)
    case work(@Sendable () -> Void)
  }

  private struct Entry: @unchecked Sendable {
    var due: Int64
    var serial: UInt64
    var action: Action

    func isBefore(_ other: Entry) -> Bool { due != other.due ? due < other.due : serial < other.serial }
  }

  private struct State: @unchecked Sendable {
    var heap: [Entry] = []
    var serial: UInt64 = 0
  }

  private let state = Mutex(State())
  private let clock: BusClock
  /// Called when something becomes due earlier than everything before.
  private let sooner = Mutex<(@Sendable () -> Void)?>(nil)

  init(clock: BusClock) { self.clock = clock }

  func onSooner(_ body: @escaping @Sendable () -> Void) { sooner.withLock { $0 = body } }

  /// When the first is due; nil when there is none.
  var next: Int64? { state.withLock { $0.heap.first?.due } }

  func schedule(after delay: Int64, _ action: Action) {
    let (due, overflow) = clock.monotonic.addingReportingOverflow(max(0, delay))
    schedule(at: overflow ? .max : due, action)
  }

  func schedule(at due: Int64, _ action: Action) {
    let isFirst = state.withLock { state in
      state.serial += 1
      let entry = Entry(due: due, serial: state.serial, action: action)
      state.heap.append(entry)
      var index = state.heap.count - 1
      while index > 0, entry.isBefore(state.heap[(index - 1) / 2]) {
        state.heap.swapAt(index, (index - 1) / 2)
        index = (index - 1) / 2
      }
      return index == 0
    }
    if isFirst { sooner.withLock { $0 }?() }
  }

  /// Forgets the retries of a lane that has ended.
  func forget(_ lane: LanePointer) {
    state.withLock { state in
      state.heap.removeAll { entry in
        if case .retry(_, let other) = entry.action { other == lane } else { false }
      }
      // Sorted is a heap, too.
      state.heap.sort { $0.isBefore($1) }
    }
  }

  /// Hands out everything that is due, in order of time.
  func runDue(_ now: Int64, _ body: (Action) -> Void) {
    while let action = take(now) { body(action) }
  }

  private func take(_ now: Int64) -> Action? {
    state.withLock { state in
      guard let first = state.heap.first, first.due <= now else { return nil }
      let last = state.heap.removeLast()
      if !state.heap.isEmpty {
        state.heap[0] = last
        var index = 0
        while true {
          var least = index
          for child in [2 * index + 1, 2 * index + 2]
          where child < state.heap.count && state.heap[child].isBefore(state.heap[least]) {
            least = child
          }
          if least == index { break }
          state.heap.swapAt(index, least)
          index = least
        }
      }
      return first.action
    }
  }
}
