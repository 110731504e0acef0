import Synchronization

/// A durable topic of an open journal.
public final class JournalTopic: Sendable {
  /// Positions of one topic: 2^40; topics: 2^22.
  static let positionBits: Int64 = 40
  static let maxPosition: Int64 = 1 << positionBits - 1

  let id: Int64
  public let name: String
  private let shared = Mutex(Shared())

  private struct Shared {
    var retention = JournalRetention.untilSettled
    var watchers: [@Sendable (Int64) -> Void] = []
  }

  // Written by the writer's thread after each commit; read by anybody.
  private let committedFirst = Atomic<Int64>(1)
  private let committedNext = Atomic<Int64>(1)
  private let committedBytes = Atomic<Int64>(0)
  /// Bytes that wait to be written.
  let pendingBytes = Atomic<Int64>(0)
  private let byteLimit = Atomic<Int64>(JournalRetention.untilSettled.maxBytes)

  init(id: Int64, name: String, retention: JournalRetention) {
    self.id = id
    self.name = name
    use(retention)
  }

  /// The oldest position that is still there.
  public var first: Int64 { committedFirst.load(ordering: .acquiring) }
  /// The position that the next event gets.
  public var next: Int64 { committedNext.load(ordering: .acquiring) }
  /// Bytes of the records.
  public var bytes: Int64 { committedBytes.load(ordering: .acquiring) }

  /// How long its events stay, as was declared last.
  public var retention: JournalRetention { shared.withLock { $0.retention } }

  func use(_ retention: JournalRetention) {
    shared.withLock { $0.retention = retention }
    byteLimit.store(retention.maxBytes, ordering: .relaxed)
  }

  /// Calls `body` with `next` after each commit that added events, on the journal's thread: it must be quick and not
  /// wait.
  public func watch(_ body: @escaping @Sendable (Int64) -> Void) {
    shared.withLock { $0.watchers.append(body) }
  }

  var isFull: Bool {
    bytes + pendingBytes.load(ordering: .relaxed) >= byteLimit.load(ordering: .relaxed)
  }

  func publish(first: Int64, next: Int64, bytes: Int64) {
    committedFirst.store(first, ordering: .releasing)
    committedBytes.store(bytes, ordering: .releasing)
    guard committedNext.exchange(next, ordering: .acquiringAndReleasing) != next else { return }
    for watcher in shared.withLock({ $0.watchers }) { watcher(next) }
  }

  /// The row of a position: see `JournalSchema`.
  func row(_ position: Int64) -> Int64 { id << Self.positionBits | position }
  static func position(row: Int64) -> Int64 { row & maxPosition }
  static func topic(row: Int64) -> Int64 { row >> positionBits }
}

/// Somebody who takes the events of a durable topic, and how far they have come. Kept over restarts by its name.
public struct JournalConsumer: Sendable, Hashable {
  /// What it owes to the topic.
  public enum Kind: Int64, Sendable {
    /// Settles each event that was appended for it; what it has not settled is not removed.
    case handler = 0
    /// Reads the topic as a log and stores its position with `seek`; it does not keep events from being removed.
    case reader = 1
  }

  let id: Int64
  let topic: Int64
  public let name: String
  public let kind: Kind
}

/// Where a consumer that is new begins.
public enum JournalStart: Sendable, Hashable {
  /// At the oldest event that is there.
  case earliest
  /// At the next event.
  case latest
  case position(Int64)
}
