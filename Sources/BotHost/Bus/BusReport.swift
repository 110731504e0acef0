/// What an operator should hear about. Sent rarely, from any thread; the receiver must not block.
public enum BusReport: Sendable {
  /// A handler held its lane for longer than 10 ms, so many times since the last report, and for so long at most.
  case longCall(handler: String, nanoseconds: Int64, times: Int)
  /// A handler is past its deadline and has not returned.
  case stuck(handler: String, nanoseconds: Int64)
  /// Events that a full lane has dropped since the last report.
  case dropped(endpoint: String, count: UInt64)
  case deadLetter(DeadLetter)
  /// A plugin has broken a rule of the ABI: settled a delivery twice, for instance.
  case fault(endpoint: String, text: String)
  /// A hook has failed on a call, which has gone on without it.
  case hookPassed(handler: String, reason: String)
  /// The journal could not take something.
  case journal(String)
}

/// Why something cannot be on the bus.
public struct BusError: Error, Sendable, Hashable, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}

/// What a bus is built with.
public struct BusOptions: Sendable {
  /// Bytes of a payload; larger ones are refused with BH_E_NOSPACE.
  public var maximumPayload = 16 << 20
  /// Topics that are journaled.
  public var durableTopics: [TopicPattern] = []
  public var durableLog: (any DurableLog)?
  public var deadLetters: (any DeadLetterStore)?
  public var report: (@Sendable (BusReport) -> Void)?

  public init() {}
}

/// Numbers of the whole bus since its start.
public struct BusStatistics: Sendable, Hashable {
  /// Events, of all buses of the process.
  public var published: UInt64 = 0
  public var deadLetters: UInt64 = 0
  /// Events, among those, that somebody had to take and nobody has taken.
  public var untaken: UInt64 = 0
  /// Broken rules that were noticed.
  public var faults: UInt64 = 0
  public var topics = 0
  public var subscriptions = 0
  public var methods = 0
  /// Deliveries and calls that are under way.
  public var slotsInUse = 0
  /// Blocks of event memory in use in the process.
  public var chunks = 0
}

/// Numbers of one handler, method or hook.
public struct BindingStatistics: Sendable, Hashable {
  public var id = ""
  public var handled: UInt64 = 0
  public var skipped: UInt64 = 0
  public var failed: UInt64 = 0
  public var retried: UInt64 = 0
  public var dead: UInt64 = 0
}

/// How an endpoint stands: a line of `bothost ps`.
public struct EndpointStatistics: Sendable, Hashable {
  public var name = ""
  public var generation: UInt32 = 0
  /// Events that are accepted and not settled.
  public var depth = 0
  public var bytes = 0
  /// Events that were queued; an idle inline lane queues none.
  public var accepted: UInt64 = 0
  /// Events and calls that handlers are done with.
  public var delivered: UInt64 = 0
  public var dropped: UInt64 = 0
  public var rejected: UInt64 = 0
  /// Events that it has published, that somebody had to take, and that nobody has taken.
  public var untaken: UInt64 = 0
  /// Unsettled deliveries and calls.
  public var inFlight = 0
  public var retrying = 0
  /// Calls that it has made and that have not ended.
  public var outgoing = 0
  public var isGateOpen = false
  /// Publishers that wait for room now.
  public var waiting = 0
  /// The handler that runs now and for how long, in nanoseconds.
  public var running: String?
  public var runningFor: Int64 = 0
  /// Nanoseconds since the oldest event that waits, or that is in the batch that is being delivered, was published; 0: there is none.
  public var oldestAge: Int64 = 0
  public var retained = 0
  public var bindings: [BindingStatistics] = []
}
