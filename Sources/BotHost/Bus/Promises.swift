import CBotHost
import Synchronization

/// A callback that a plugin has handed to the host together with a context of its own, to be told once how something ended.
struct Promise: @unchecked Sendable {
  enum Callback {
    /// How a published event ended.
    case published(bh_publish_settled)
    /// How a call ended.
    case called(bh_call_done)
    /// How a delivery or a call ended that the plugin handles.
    case ended(bh_ended)
    /// Nobody wants to know; what is promised about is still counted.
    case silent
  }

  let callback: Callback
  let context: UnsafeMutableRawPointer?
  let generation: UInt32

  /// Enters the plugin. On the lane of the generation that was promised it; the promise has been taken out of its table.
  func keep(_ rc: bh_rc, _ text: UnsafeBufferPointer<UInt8>) {
    switch callback {
    case .published(let function):
      text.withMemoryRebound(to: CChar.self) {
        function(context, rc, bh_str(ptr: $0.baseAddress, len: $0.count))
      }
    case .called(let function): function(context, rc, bh_bytes(ptr: text.baseAddress, len: text.count))
    case .ended(let function): function(context, rc)
    case .silent: break
    }
  }

  func keep(_ rc: bh_rc, _ text: String) {
    var text = text
    text.withUTF8 { keep(rc, $0) }
  }
}

/// Names a promise: its place in the table and, in the high half, which promise of that place it is. Never 0.
typealias PromiseTicket = UInt64

/// What an endpoint's generations have been promised. A callback is called by whoever takes its promise out, so exactly once: when what it
/// is about ends, or when its generation does.
///
/// Safe on any thread.
final class Promises: Sendable {
  private struct Place {
    var promise: Promise?
    var stamp: UInt32 = 1
    /// The next free place; -1: none.
    var next = -1
  }

  private struct State: @unchecked Sendable {
    var places: [Place] = []
    var free = -1
    /// The generation that may be promised something.
    var current: UInt32 = 0
    var isClosed = true

    mutating func takeOut(_ index: Int) -> Promise? {
      guard let promise = places[index].promise else { return nil }
      places[index].promise = nil
      places[index].stamp = places[index].stamp == .max ? 1 : places[index].stamp &+ 1
      places[index].next = free
      free = index
      return promise
    }
  }

  private let state = Mutex(State())

  /// From now on this generation is promised things, and no other.
  func open(_ generation: UInt32) {
    state.withLock { state in
      state.current = generation
      state.isClosed = false
    }
  }

  /// Nil when it is not the turn of that generation.
  func make(_ promise: Promise) -> PromiseTicket? {
    state.withLock { state -> PromiseTicket? in
      guard promise.generation == state.current, !state.isClosed else { return nil }
      let index = state.free
      guard index >= 0 else {
        state.places.append(Place(promise: promise))
        return Self.ticket(state.places.count - 1, 1)
      }
      state.free = state.places[index].next
      state.places[index].promise = promise
      return Self.ticket(index, state.places[index].stamp)
    }
  }

  /// Takes a promise out, to keep it or, where it is not to be kept, to forget it. Nil: it has been taken out before.
  func take(_ ticket: PromiseTicket) -> Promise? {
    state.withLock { state -> Promise? in
      let index = Int(truncatingIfNeeded: ticket & 0xFFFF_FFFF)
      guard index < state.places.count, state.places[index].stamp == UInt32(truncatingIfNeeded: ticket >> 32) else {
        return nil
      }
      return state.takeOut(index)
    }
  }

  /// Whether a generation is promised nothing any more and no promise to it is open.
  func areDone(with generation: UInt32) -> Bool {
    state.withLock { state in
      (state.isClosed || state.current != generation)
        && !state.places.contains { $0.promise?.generation == generation }
    }
  }

  /// Takes out all promises to a generation, which is promised nothing any more; nil: to all generations.
  func close(_ generation: UInt32?) -> [Promise] {
    state.withLock { state in
      if generation == nil || state.current == generation { state.isClosed = true }
      return state.places.indices.compactMap { index -> Promise? in
        guard let promise = state.places[index].promise, generation == nil || promise.generation == generation else {
          return nil
        }
        return state.takeOut(index)
      }
    }
  }

  private static func ticket(_ index: Int, _ stamp: UInt32) -> PromiseTicket {
    PromiseTicket(stamp) << 32 | PromiseTicket(index)
  }
}
