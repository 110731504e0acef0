/// How a journal keeps what it is given.
public struct JournalOptions: Sendable {
  /// What an acknowledged write survives.
  public enum Durability: Sendable {
    /// What is acknowledged survives the machine's power loss: one `fdatasync` a group of operations.
    case power
    /// What is acknowledged survives the end of the process, also by `kill -9`, but not of the machine.
    case process
  }

  public var durability = Durability.power
  /// Bytes of operations that may wait to be written; beyond it, callers wait.
  public var maxPendingBytes = 64 << 20
  /// How many dead letters are kept, and for how long.
  public var deadLetters = DeadLetterLimits()
  /// How long the oldest settlement that nobody waits for may be in memory only, in nanoseconds.
  public var lazyDelay: Int64 = 20_000_000

  public init() {}
}

/// How long events of a durable topic stay. An event is removed when all consumers of the topic have settled it **and** one of
/// `age`, `bytes` and `count` is exceeded.
public struct JournalRetention: Sendable, Hashable {
  /// Nanoseconds after an event's time.
  public var age: Int64
  /// Bytes of events of the topic.
  public var bytes: Int64
  /// Events of the topic.
  public var count: Int64
  /// Bytes, settled or not, beyond which the topic takes no more: a consumer that never settles must not fill the disk.
  public var maxBytes: Int64

  public init(
    age: Int64 = .max, bytes: Int64 = .max, count: Int64 = .max, maxBytes: Int64 = 1 << 30
  ) {
    self.age = age
    self.bytes = bytes
    self.count = count
    self.maxBytes = maxBytes
  }

  /// Away as soon as it is settled: a topic that is a queue.
  public static let untilSettled = JournalRetention(count: 0)

  /// Seven days: a topic that is a log to be read again.
  public static let log = JournalRetention(age: 7 * 86_400_000_000_000, maxBytes: 16 << 30)
}

/// How many dead letters are kept; the oldest go first.
public struct DeadLetterLimits: Sendable, Hashable {
  public var count: Int64 = 100_000
  public var bytes: Int64 = 256 << 20
  /// Nanoseconds.
  public var age: Int64 = 30 * 86_400_000_000_000

  public init() {}
}
