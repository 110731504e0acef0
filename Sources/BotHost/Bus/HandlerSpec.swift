import CBotHost

/// A C function that the bus enters for events, methods and hooks, with the object that it gets first.
///
/// Plugins bring their own functions; native consumers and functions called through libffi use the same shape with a
/// context of theirs. The pointers must stay valid until the endpoint has another plan or is removed.
public struct CallTarget: @unchecked Sendable {
  /// `bh_plugin.invoke`.
  public typealias Invoke = @convention(c) (OpaquePointer?, bh_str, UnsafePointer<bh_event>?) -> bh_rc

  /// An exported handler or method (`bh_handler`, `bh_method`) or `bh_plugin.handle`; nil when `invoke` is used.
  public let function: bh_handler?
  /// The standard method or hook, which also gets the method's name.
  public let invoke: Invoke?
  /// `bh_self *`, or a native consumer's context.
  public let context: OpaquePointer?
  /// What `bh_plugin.bind` gave for the name; 0: none.
  public let binding: UInt32

  public init(function: bh_handler, context: OpaquePointer?, binding: UInt32 = 0) {
    self.function = function
    self.invoke = nil
    self.context = context
    self.binding = binding
  }

  public init(invoke: Invoke, context: OpaquePointer?, binding: UInt32 = 0) {
    self.function = nil
    self.invoke = invoke
    self.context = context
    self.binding = binding
  }
}

/// A value that a field must have for a handler to be asked (`where:` of a manifest).
public enum FieldValue: Sendable, Hashable {
  case null
  case bool(Bool)
  case int(Int64)
  case double(Double)
  case string(String)
}

/// What happens to an event that failed.
public struct RetryPolicy: Sendable, Hashable {
  /// Whether later events of the same key wait for it.
  public enum Mode: Sendable, Hashable {
    /// Later events of the key wait; order is kept.
    case block
    /// Later events go on; the order of that key is given up.
    case park
  }

  /// Attempts altogether, the first one included; then the event is a dead letter. At least 1.
  public var attempts: UInt32
  /// Nanoseconds before the second attempt; doubles with each further one.
  public var backoffMinimum: Int64
  /// Nanoseconds that the pause never exceeds.
  public var backoffMaximum: Int64
  public var mode: Mode

  public init(
    attempts: UInt32 = 5, backoffMinimum: Int64 = 200_000_000, backoffMaximum: Int64 = 30_000_000_000,
    mode: Mode = .block
  ) {
    self.attempts = max(1, attempts)
    self.backoffMinimum = max(0, backoffMinimum)
    self.backoffMaximum = max(self.backoffMinimum, backoffMaximum)
    self.mode = mode
  }
}

/// Ties a topic pattern to a function of an endpoint.
public struct HandlerSpec: Sendable {
  /// Unique within the endpoint and stable over restarts: it names the consumer of durable topics and its dead letters,
  /// and what is queued or waiting for a retry moves to the handler of that name in the next generation.
  public var id: String
  public var topic: TopicPattern
  public var target: CallTarget
  /// RFC 6901 pointer of the ordering key in the payload; nil: the event's own key.
  public var key: String?
  /// Fields that must have these values, by RFC 6901 pointer.
  public var conditions: [(pointer: String, value: FieldValue)] = []
  /// Nanoseconds until an unsettled delivery counts as failed; 0: 30 s.
  public var timeout: Int64 = 0
  public var retry = RetryPolicy()
  /// Unsettled deliveries of one key at the same time.
  public var inFlight: UInt32 = 1
  /// Higher ones are asked first, and BH_STOP keeps the event from the lower ones.
  public var priority: Int32 = 0
  /// Only events that this instance published; nil: all.
  public var source: String?

  public init(id: String, topic: TopicPattern, target: CallTarget) {
    self.id = id
    self.topic = topic
    self.target = target
  }
}

/// A method that others call as `instance.name`.
public struct MethodSpec: Sendable {
  /// Without the instance's name.
  public var name: String
  public var target: CallTarget
  /// Nanoseconds, when the caller states none; 0: 30 s.
  public var timeout: Int64

  public init(name: String, target: CallTarget, timeout: Int64 = 0) {
    self.name = name
    self.target = target
    self.timeout = timeout
  }
}

/// A function that stands in the way of a method of any instance.
public struct HookSpec: Sendable {
  /// The method's full name, `instance.method`, or a pattern of such names.
  public var method: String
  public var target: CallTarget
  /// Higher ones are asked first.
  public var priority: Int32
  /// Nanoseconds that the hook may keep a call; 0: 5 s.
  public var timeout: Int64
  /// Whether a call whose hook takes longer goes on; otherwise it fails.
  public var passesWhenLate: Bool
  /// Whether a call goes on on which the hook fails, or about which it cannot be asked.
  public var passesWhenFailed: Bool
  /// The hook is asked only about calls whose argument fits all of these.
  public var matches: [FieldMatch]
  /// For whoever has the method.
  public var about: JSONValue

  public init(
    method: String, target: CallTarget, priority: Int32 = 0, timeout: Int64 = 0, passesWhenLate: Bool = false,
    passesWhenFailed: Bool = false, matches: [FieldMatch] = [], about: JSONValue = .null
  ) {
    self.method = method
    self.target = target
    self.priority = priority
    self.timeout = timeout
    self.passesWhenLate = passesWhenLate
    self.passesWhenFailed = passesWhenFailed
    self.matches = matches
    self.about = about
  }

  /// Whether it stands in the way of a method of that name.
  func covers(_ name: String) -> Bool { method == name || TopicPattern(method)?.matches(name) ?? false }
}

/// Everything that one generation of an instance puts on the bus; installed in one step (`Endpoint.install`).
public struct EndpointPlan: Sendable {
  /// Stamped into tokens; grows with each generation of the instance.
  public var generation: UInt32
  public var handlers: [HandlerSpec] = []
  public var methods: [MethodSpec] = []
  public var hooks: [HookSpec] = []
  /// Gets private events (`timer.…`, `net.…`) that no handler's pattern matches; nil: they are counted and dropped.
  public var standard: CallTarget?
  /// Topics that it may publish, but for `sys.`, `dead.` and `host.`, which are the host's; nil: all, and those too.
  public var publishes: [TopicPattern]?
  /// Topics of those whose events somebody has to take: what it publishes there and every handler passes over, by `where:` or by BH_SKIP, or
  /// for which there is no handler, is a dead letter.
  public var mandatory: [TopicPattern] = []

  /// What it says for plugins, by their names.
  public var extensions: [String: JSONValue] = [:]

  public init(generation: UInt32) { self.generation = generation }
}
