import CBotHost

/// An event as one handler sees it: a view of the host's memory that cannot outlive the handler's call.
///
/// It cannot be copied or stored; to keep the event use ``keep()``, to settle it after the handler has returned
/// use ``later()``, and to keep a part of it copy that part. Reading it allocates nothing, except where a `String`
/// or a decoded value is asked for.
public struct Event: ~Copyable {
  @usableFromInline let raw: UnsafePointer<bh_event>
  /// The host that delivered it.
  @usableFromInline unowned(unsafe) let owner: Host
  /// Where `later` leaves its mark for the kit; nil on a kept event.
  let deferred: UnsafeMutablePointer<Bool>?

  init(raw: UnsafePointer<bh_event>, host: Host, deferred: UnsafeMutablePointer<Bool>?) {
    self.raw = raw
    owner = host
    self.deferred = deferred
  }

  /// Unique over all hosts; the first number grows with time.
  public var id: (UInt64, UInt64) { raw.pointee.id }
  /// The position in this plugin's lane, without gaps.
  public var sequence: UInt64 { raw.pointee.seq }
  /// When it was published: nanoseconds since 1970-01-01 UTC.
  public var time: Int64 { raw.pointee.time_unix_ns }
  /// The delivery must be settled before this reading of ``Host/monotonicTime``, in nanoseconds; nil: no deadline.
  public var deadline: Int64? { raw.pointee.deadline_mono_ns == 0 ? nil : raw.pointee.deadline_mono_ns }
  /// What it was published on, borrowed like the event.
  public var topic: BorrowedText { BorrowedText(raw.pointee.topic) }
  /// The instance that published it.
  public var source: BorrowedText { BorrowedText(raw.pointee.source) }
  /// The ordering key.
  public var key: BorrowedText { BorrowedText(raw.pointee.key) }
  /// What ties it to the event or call that caused it.
  public var correlationID: BorrowedText { BorrowedText(raw.pointee.correlation_id) }
  /// The payload's type; empty for `application/json`.
  public var contentType: BorrowedText { BorrowedText(raw.pointee.content_type) }
  /// The payload, borrowed.
  @inlinable public var payload: UnsafeRawBufferPointer { raw.pointee.payload.buffer }
  /// 1 on the first try.
  public var attempt: Int { Int(raw.pointee.attempt) }
  /// What the host knows about it.
  public var flags: EventFlags { EventFlags(rawValue: raw.pointee.flags) }
  /// Names this delivery, for effects (`effectOf:`) and causes (`cause:`).
  public var token: DeliveryToken { DeliveryToken(rawValue: raw.pointee.delivery) }
  /// The headers, in order.
  public var headers: EventHeaders {
    EventHeaders(base: raw.pointee.headers, count: Int(raw.pointee.header_count))
  }

  /// The whole payload as a value. Throws ``PluginError/reject(_:)`` with the place of the first mismatch: an
  /// event that does not fit will not fit the next time either.
  public func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws(PluginError) -> Value {
    try JSONCoding.decode(type, from: payload, "the payload of \(topic)", code: .reject)
  }

  /// One field of the payload by JSON pointer (RFC 6901), read in place. Nil: there is no such field. Throws
  /// ``PluginError`` when the payload is no JSON.
  public func field(_ pointer: some TextBytes) throws(PluginError) -> FieldValue? {
    try owner.field(pointer, of: raw)
  }

  /// Takes the duty to settle this delivery away from the handler: whatever the handler returns after this, the
  /// delivery stays open until the object settles it. Where the handler throws, the throw settles it and the
  /// object is void. A second call gives another object for the same delivery, of which the first to settle wins.
  public func later() -> Delivery {
    deferred?.pointee = true
    return Delivery(token: token, host: owner)
  }

  /// Keeps the event beyond the call, on any thread, without copying its payload.
  public func keep() throws(PluginError) -> KeptEvent { try KeptEvent(raw, host: owner) }
}

/// What the host knows about an event.
public struct EventFlags: OptionSet, Sendable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Handed out before, to this or an earlier generation or process.
  public static let redelivered = EventFlags(rawValue: UInt32(BH_EVENT_REDELIVERED))
  /// Brought back by an operator from the dead letters or the journal.
  public static let replay = EventFlags(rawValue: UInt32(BH_EVENT_REPLAY))
  /// Mirrored: effects are compared, not applied.
  public static let shadow = EventFlags(rawValue: UInt32(BH_EVENT_SHADOW))
  /// The payload is one well-formed JSON value: the host has checked it.
  public static let json = EventFlags(rawValue: UInt32(BH_EVENT_JSON))
  /// Journaled: it comes back after a crash until it is settled.
  public static let durable = EventFlags(rawValue: UInt32(BH_EVENT_DURABLE))
}

/// Names a delivery or a method call. Give it as `effectOf:` to bind an effect to it, or as `cause:` to say what a
/// call is for. It stays a plain number: after the delivery is settled it is stale and does no harm.
public struct DeliveryToken: RawRepresentable, Hashable, Sendable {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }
  /// No delivery: an effect comes out now.
  public static let none = DeliveryToken(rawValue: 0)
}

/// The headers of an event: metadata that is no part of the payload. Borrowed like the event.
public struct EventHeaders: RandomAccessCollection {
  let base: UnsafePointer<bh_header>?
  public let count: Int

  public var startIndex: Int { 0 }
  public var endIndex: Int { count }

  /// A header, borrowed like the event. A place that is not there stops the program, as with an array.
  public subscript(position: Int) -> (name: BorrowedText, value: UnsafeRawBufferPointer) {
    precondition(position >= 0 && position < count, "header index out of range")
    guard let header = base?[position] else {
      return (BorrowedText(bh_str()), UnsafeRawBufferPointer(start: nil, count: 0))
    }
    return (BorrowedText(header.name), header.value.buffer)
  }

  /// The first header of that name, case-sensitive.
  public subscript(name: some TextBytes) -> UnsafeRawBufferPointer? {
    first { $0.name == name }?.value
  }
}

/// One field of a JSON payload. Text is borrowed like the event that it came from.
public enum FieldValue {
  case null
  case bool(Bool)
  case int(Int64)
  case double(Double)
  /// A string, unescaped.
  case string(BorrowedText)
  /// The JSON of a list.
  case list(BorrowedText)
  /// The JSON of an object.
  case map(BorrowedText)

  /// The string, borrowed; nil: it is something else.
  public var text: BorrowedText? { if case .string(let text) = self { text } else { nil } }
  /// A copy of the string.
  public var string: String? { text?.string }
  /// The whole number; nil: it is something else, a fraction too.
  public var int: Int64? { if case .int(let number) = self { number } else { nil } }
  /// The truth value; nil: it is something else.
  public var bool: Bool? { if case .bool(let truth) = self { truth } else { nil } }
  /// A number of either kind.
  public var double: Double? {
    switch self {
    case .double(let number): number
    case .int(let number): Double(number)
    default: nil
    }
  }
}

extension Host {
  func field(_ pointer: some TextBytes, of event: UnsafePointer<bh_event>) throws(PluginError) -> FieldValue? {
    let core = try core
    var value = bh_value()
    value.size = UInt32(MemoryLayout<bh_value>.size)
    let rc = withUnsafeMutablePointer(to: &value) { out in
      pointer.withABIText { core.pointee.field(self.pointer, event, $0, out) }
    }
    if rc == bh_rc(BH_E_NOTFOUND) { return nil }
    try PluginError.check(rc, "field \(pointer.withTextBytes { String(decoding: $0, as: UTF8.self) })")
    switch Int(value.kind) {
    case BH_VALUE_NULL: return .null
    case BH_VALUE_BOOL: return .bool(value.i != 0)
    case BH_VALUE_INT: return .int(value.i)
    case BH_VALUE_DOUBLE: return .double(value.f)
    case BH_VALUE_STRING: return .string(BorrowedText(value.text))
    case BH_VALUE_LIST: return .list(BorrowedText(value.text))
    default: return .map(BorrowedText(value.text))
    }
  }
}
