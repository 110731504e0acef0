import CBotHost
import Synchronization

/// What waits to be written to one connection: filled by any thread, emptied by the network's. All or nothing, and bounded.
final class OutgoingBytes: Sendable {
  private struct State {
    var bytes: [UInt8] = []
    var head = 0
    /// Promised to deliveries that are about to be acknowledged.
    var reserved = 0
    var isOpen = false
    var total: UInt64 = 0
  }

  private let state = Mutex(State())
  let limit: Int

  init(limit: Int) { self.limit = max(1, limit) }

  /// Bytes that wait.
  var count: Int { state.withLock { $0.bytes.count - $0.head } }
  /// Bytes ever taken in.
  var total: UInt64 { state.withLock { $0.total } }

  /// With `open` false everything that waits is thrown away: the connection it was meant for is gone.
  func setOpen(_ open: Bool) {
    state.withLock { state in
      state.isOpen = open
      if !open {
        state.bytes.removeAll(keepingCapacity: true)
        state.head = 0
      }
    }
  }

  /// Takes bytes in; BH_E_BUSY above the limit, BH_E_NOTFOUND when not connected.
  func append(_ bytes: UnsafeRawBufferPointer) -> bh_rc {
    state.withLock { state in
      guard state.isOpen else { return bh_rc(BH_E_NOTFOUND) }
      guard state.bytes.count - state.head + state.reserved + bytes.count <= limit else { return bh_rc(BH_E_BUSY) }
      state.bytes.append(contentsOf: bytes)
      state.total += UInt64(bytes.count)
      return bh_rc(BH_OK)
    }
  }

  /// Promises room; answered by `commit` or `abandon` with the same count.
  func reserve(_ count: Int) -> bh_rc {
    state.withLock { state in
      guard state.isOpen else { return bh_rc(BH_E_NOTFOUND) }
      guard state.bytes.count - state.head + state.reserved + count <= limit else { return bh_rc(BH_E_BUSY) }
      state.reserved += count
      return bh_rc(BH_OK)
    }
  }

  func commit(_ bytes: [UInt8]) {
    state.withLock { state in
      state.reserved -= bytes.count
      guard state.isOpen else { return }
      state.bytes.append(contentsOf: bytes)
      state.total += UInt64(bytes.count)
    }
  }

  func abandon(_ count: Int) {
    state.withLock { $0.reserved -= count }
  }

  /// Hands out what waits, at most 64 KiB; `body` says how much of it is done. Nothing is called when nothing waits.
  func drain(_ body: (UnsafeRawBufferPointer) -> Int) {
    // Copied out, so that no lock is held over a system call.
    let chunk = state.withLock { state in Array(state.bytes[state.head...].prefix(64 << 10)) }
    guard !chunk.isEmpty else { return }
    let done = chunk.withUnsafeBytes(body)
    state.withLock { state in
      guard state.bytes.count - state.head >= done else { return }
      state.head += done
      if state.head == state.bytes.count {
        state.bytes.removeAll(keepingCapacity: true)
        state.head = 0
      } else if state.head > 256 << 10 {
        state.bytes.removeFirst(state.head)
        state.head = 0
      }
    }
  }
}
