/// A dead letter as the journal keeps it: an event that a handler could not take, or that none has taken, whole, with the reason.
public struct DeadLetterEntry: Sendable, Hashable {
  /// Given by the journal; grows with time and never repeats. 0 before.
  public var number: Int64 = 0
  public var topic: String
  /// `instance/handler`; empty: no handler has taken it.
  public var handler: String
  /// The handler's instance, or that which published what no handler has taken.
  public var plugin: String
  /// The `bh_rc` of the last attempt.
  public var code: Int32
  public var reason: String
  public var attempts: UInt32
  /// When the event was published, nanoseconds since 1970.
  public var published: Int64
  /// When it was given up.
  public var buried: Int64
  /// The event in the form of `StoredEventCoding`; empty in lists.
  public var record: [UInt8]
  /// Its size, also in lists.
  public var recordBytes: Int

  public init(
    topic: String, handler: String, plugin: String, code: Int32, reason: String, attempts: UInt32, published: Int64,
    buried: Int64, record: [UInt8]
  ) {
    self.topic = topic
    self.handler = handler
    self.plugin = plugin
    self.code = code
    self.reason = reason
    self.attempts = attempts
    self.published = published
    self.buried = buried
    self.record = record
    recordBytes = record.count
  }
}

/// Which dead letters are meant.
public struct DeadLetterFilter: Sendable, Hashable {
  /// A topic's exact name.
  public var topic: String?
  public var handler: String?
  public var plugin: String?
  /// Letters with smaller numbers only: the page after.
  public var before: Int64?

  public init(topic: String? = nil, handler: String? = nil, plugin: String? = nil, before: Int64? = nil) {
    self.topic = topic
    self.handler = handler
    self.plugin = plugin
    self.before = before
  }
}
