import CBotHost
import Synchronization

/// What waits to be written to one connection: filled by any thread, emptied by the network's. All or nothing, and bounded.
final class OutgoingBytes: Sendable {
  private struct State: ~Copyable {
    var waiting = WipedBuffer()
    /// Bytes in `waiting` and `current`.
    var count = 0
    /// Promised to deliveries that are about to be acknowledged.
    var reserved = 0
    /// Writes that deliveries have staged and whose end is not known.
    var staged = 0
    /// The instance has closed the connection; the staged writes come first.
    var isLeaving = false
    var isOpen = false
    /// What was promised still comes in, nothing else.
    var isSealed = false
    var total: UInt64 = 0
  }

  private let state = Mutex(State())
  /// What is being written. Only the network's thread touches it, so that no lock is held over a system call, and it does not change while
  /// TLS wants to be given the same bytes again.
  nonisolated(unsafe) private var current = WipedBuffer()
  /// The most bytes that may wait.
  let limit: Int

  init(limit: Int) { self.limit = max(1, limit) }

  /// Bytes that wait.
  var count: Int { state.withLock { $0.count } }
  /// Bytes ever written to the connection's socket.
  var total: UInt64 { state.withLock { $0.total } }

  /// On the network's thread. With `open` false everything that waits is thrown away: the connection it was meant for is gone.
  func setOpen(_ open: Bool) {
    if !open { current.removeAll() }
    state.withLock { state in
      state.isOpen = open
      state.isSealed = false
      guard !open else { return }
      state.waiting.removeAll()
      state.count = 0
    }
  }

  /// Takes nothing more in but what was promised before; what waits still goes out.
  func seal() { state.withLock { $0.isSealed = true } }

  /// A write becomes an effect of a delivery; `settled` follows. BH_E_NOTFOUND after a close.
  func stage() -> bh_rc {
    state.withLock { state in
      guard !state.isLeaving else { return bh_rc(BH_E_NOTFOUND) }
      state.staged += 1
      return bh_rc(BH_OK)
    }
  }

  /// A staged write has come in, or its delivery has failed. True when it was the last before a close, which is due now if the write
  /// was `applied`; the close of a delivery that failed is dropped as its writes are: the delivery comes again.
  func settled() -> Bool {
    state.withLock { state in
      state.staged -= 1
      guard state.isLeaving, state.staged == 0 else { return false }
      state.isLeaving = false
      return true
    }
  }

  /// The instance closes the connection. True: not before the staged writes have been settled; nothing else is taken in meanwhile.
  func leave() -> Bool {
    state.withLock { state in
      guard state.staged > 0 else { return false }
      state.isLeaving = true
      return true
    }
  }

  /// Whether a close waits for staged writes.
  var isLeaving: Bool { state.withLock { $0.isLeaving } }

  /// Takes bytes in; BH_E_BUSY above the limit, BH_E_NOTFOUND when not connected.
  func append(_ bytes: UnsafeRawBufferPointer) -> bh_rc {
    // As a number, since the compiler cannot know that the pointer is not kept.
    let (address, count) = (UInt(bitPattern: bytes.baseAddress), bytes.count)
    return state.withLock { state in
      guard !state.isLeaving else { return bh_rc(BH_E_NOTFOUND) }
      let code = Self.room(for: count, state, limit)
      guard code == BH_OK else { return code }
      state.waiting.append(UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: address), count: count))
      state.count += count
      return bh_rc(BH_OK)
    }
  }

  /// Promises room; answered by `commit` or `abandon` with the same count.
  func reserve(_ count: Int) -> bh_rc {
    state.withLock { state in
      let code = Self.room(for: count, state, limit)
      if code == BH_OK { state.reserved += count }
      return code
    }
  }

  func commit(_ bytes: [UInt8]) {
    state.withLock { state in
      state.reserved -= bytes.count
      guard state.isOpen else { return }
      bytes.withUnsafeBytes { state.waiting.append($0) }
      state.count += bytes.count
    }
  }

  func abandon(_ count: Int) {
    state.withLock { $0.reserved -= count }
  }

  private static func room(for count: Int, _ state: borrowing State, _ limit: Int) -> bh_rc {
    guard state.isOpen, !state.isSealed else { return bh_rc(BH_E_NOTFOUND) }
    guard count <= limit - state.count - state.reserved else { return bh_rc(BH_E_BUSY) }
    return bh_rc(BH_OK)
  }

  /// On the network's thread: hands out what waits, at most 64 KiB; `body` says how much of it is done. After a body that did nothing,
  /// the next one gets at least the same bytes. False, and nothing is called, when nothing waits.
  func drain(_ body: (UnsafeRawBufferPointer) -> Int) -> Bool {
    if current.count == 0 {
      state.withLock { swap(&$0.waiting, &current) }
      guard current.count > 0 else { return false }
    }
    let chunk = UnsafeRawBufferPointer(rebasing: current.bytes.prefix(64 << 10))
    let done = min(max(0, body(chunk)), chunk.count)
    current.remove(done)
    state.withLock { state in
      state.count -= done
      state.total += UInt64(done)
    }
    return true
  }
}
