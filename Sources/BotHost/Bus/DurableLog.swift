/// An event as it goes to disk and comes back. Owned values: none of it is on the hot path of topics that are not
/// durable.
public struct StoredEvent: Sendable, Hashable {
  /// 128 bits, unique over all hosts; the first word grows with time.
  public var id: [UInt64]
  /// Nanoseconds since 1970-01-01 UTC.
  public var time: Int64
  public var topic: String
  /// The instance that published it.
  public var source: String
  public var key: [UInt8]
  public var correlation: String
  /// Empty: application/json.
  public var contentType: String
  public var headers: [Header]
  public var payload: [UInt8]

  /// Metadata beside the payload; names are case-sensitive, and one may come several times.
  public struct Header: Sendable, Hashable {
    public var name: String
    public var value: [UInt8]

    public init(name: String, value: [UInt8]) {
      self.name = name
      self.value = value
    }
  }

  public init(
    id: [UInt64] = [0, 0], time: Int64, topic: String, source: String, key: [UInt8] = [], correlation: String = "",
    contentType: String = "", headers: [Header] = [], payload: [UInt8]
  ) {
    self.id = id
    self.time = time
    self.topic = topic
    self.source = source
    self.key = key
    self.correlation = correlation
    self.contentType = contentType
    self.headers = headers
    self.payload = payload
  }
}

/// An event that nobody will try again, with the reason.
public struct DeadLetter: Sendable, Hashable {
  public var event: StoredEvent
  /// `instance/handler`, as in `DurableBatch.Append.consumers`; `nobody`: no handler has taken it.
  public var consumer: String
  /// The result code of the last attempt.
  public var code: Int32
  /// In words: what the handler said, or what the host found.
  public var reason: String
  public var attempts: UInt32
  /// When it was given up, nanoseconds since 1970-01-01 UTC.
  public var time: Int64

  /// In the place of a consumer, where an event that somebody had to take was taken by none.
  public static let nobody = ""

  public init(event: StoredEvent, consumer: String, code: Int32, reason: String, attempts: UInt32, time: Int64) {
    self.event = event
    self.consumer = consumer
    self.code = code
    self.reason = reason
    self.attempts = attempts
    self.time = time
  }
}

/// A write that belongs to a delivery and that only the journal understands, such as a `bh.kv` put. The bus carries it
/// from where it is staged to the batch of the acknowledgement.
public protocol DurableOperation: AnyObject, Sendable {}

/// What goes to disk in one step: all of it or nothing.
public struct DurableBatch: Sendable {
  /// A new event and the consumers that must settle it.
  public struct Append: Sendable {
    public var event: StoredEvent
    /// `instance/handler` each; never empty.
    public var consumers: [String]

    public init(event: StoredEvent, consumers: [String]) {
      self.event = event
      self.consumers = consumers
    }
  }

  /// A consumer is done with an event.
  public struct Settlement: Sendable, Hashable {
    public var position: Int64
    public var consumer: String

    public init(position: Int64, consumer: String) {
      self.position = position
      self.consumer = consumer
    }
  }

  public var appends: [Append] = []
  public var settlements: [Settlement] = []
  public var deadLetters: [DeadLetter] = []
  /// In the order in which they were staged.
  public var operations: [any DurableOperation] = []

  public init() {}

  public var isEmpty: Bool { appends.isEmpty && settlements.isEmpty && deadLetters.isEmpty && operations.isEmpty }
}

/// Why a batch is not on disk. `code` is what the publisher or the acknowledgement gets: BH_E_CONFLICT for a revision
/// that has moved on, BH_E_NOSPACE for a quota, BH_E_INTERNAL for the disk.
public struct DurableFailure: Error, Sendable, Hashable {
  public var code: Int32
  public var reason: String

  public init(code: Int32, reason: String) {
    self.code = code
    self.reason = reason
  }
}

/// An event that was not settled by all of its consumers when the host ended.
public struct UnsettledEvent: Sendable {
  public var position: Int64
  public var event: StoredEvent
  /// Those that have not settled it.
  public var consumers: [String]

  public init(position: Int64, event: StoredEvent, consumers: [String]) {
    self.position = position
    self.event = event
    self.consumers = consumers
  }
}

/// The disk under durable topics. The bus calls it from any thread, several at a time; an implementation gathers what
/// is waiting into one transaction (group commit).
public protocol DurableLog: AnyObject, Sendable {
  /// Puts a batch on disk in one step and returns when it is there: one position, above 0, an append, in order.
  /// Throws when nothing of it was written.
  func commit(_ batch: DurableBatch) throws(DurableFailure) -> [Int64]

  /// Notes a settlement that nobody waits for: it may reach the disk later, in order with the batches. After a crash
  /// before that, the event comes back.
  func settle(_ settlement: DurableBatch.Settlement)

  /// Hands out what is unsettled, in order of the positions. Called once, before events flow.
  func replay(_ body: (UnsettledEvent) -> Void) throws(DurableFailure)
}

/// Where dead letters go that were no durable events. Those of durable events travel in `DurableBatch.deadLetters`.
public protocol DeadLetterStore: AnyObject, Sendable {
  /// Keeps a letter; must not block for long. Called from lanes.
  func add(_ letter: DeadLetter)
}
