import Synchronization

/// How a connection is doing, for other threads: written by the network's, read by any.
final class ConnectionStatus: Sendable {
  private let snapshot: Mutex<Network.Snapshot>
  private let bytesIn = Atomic<UInt64>(0)
  private let droppedLines = Atomic<UInt64>(0)

  init(since: Int64) { snapshot = Mutex(Network.Snapshot(since: since)) }

  func received(_ count: Int) { bytesIn.wrappingAdd(UInt64(count), ordering: .relaxed) }

  func dropped(_ count: UInt64) { droppedLines.wrappingAdd(count, ordering: .relaxed) }

  func update(_ body: (inout Network.Snapshot) -> Void) { snapshot.withLock { body(&$0) } }

  var current: Network.Snapshot {
    var copy = snapshot.withLock { $0 }
    copy.bytesIn = bytesIn.load(ordering: .relaxed)
    copy.droppedLines = droppedLines.load(ordering: .relaxed)
    return copy
  }

  var phase: ConnectionState { snapshot.withLock { $0.phase } }
}
