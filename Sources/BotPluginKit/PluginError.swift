import CBotHost

/// Why something failed, in a form that crosses the C ABI: a code of `bothost.h` and a text for people.
///
/// A plugin throws one from a handler, a method or a life-cycle function; the kit turns it into the status and
/// hands the text to the host, which shows it wherever it shows the failure. Every service of ``Host`` throws it
/// too. Any *other* error that leaves a handler becomes ``retry(_:after:)`` with the error's description, and one
/// that leaves a method becomes ``internal(_:)``.
public struct PluginError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kinds of failure, with the numbers of `bothost.h`.
  public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }

    init(_ value: Int) { rawValue = Int32(value) }

    /// Try the delivery again.
    public static let retry = Code(BH_E_RETRY)
    /// Never try it again; it goes to the dead letters.
    public static let reject = Code(BH_E_REJECT)
    /// An argument is wrong.
    public static let invalid = Code(BH_E_INVALID)
    /// The manifest does not permit it, or an effect was tried in standby.
    public static let denied = Code(BH_E_DENIED)
    /// No such key, method, topic, connection.
    public static let notFound = Code(BH_E_NOTFOUND)
    /// A bound is reached.
    public static let busy = Code(BH_E_BUSY)
    /// The deadline passed.
    public static let timeout = Code(BH_E_TIMEOUT)
    /// Somebody cancelled it, or the host is stopping.
    public static let cancelled = Code(BH_E_CANCELLED)
    /// The delivery is settled already, or its generation is gone.
    public static let stale = Code(BH_E_STALE)
    /// A size limit or a quota is reached.
    public static let noSpace = Code(BH_E_NOSPACE)
    /// This host does not offer it.
    public static let unsupported = Code(BH_E_UNSUPPORTED)
    /// A fault of the side that answers.
    public static let `internal` = Code(BH_E_INTERNAL)
    /// The expected revision is not the current one.
    public static let conflict = Code(BH_E_CONFLICT)
    /// The call would wait for itself.
    public static let cycle = Code(BH_E_CYCLE)

    /// The code in words.
    public var description: String {
      switch self {
      case .retry: "retry"
      case .reject: "rejected"
      case .invalid: "invalid"
      case .denied: "denied"
      case .notFound: "not found"
      case .busy: "busy"
      case .timeout: "timed out"
      case .cancelled: "cancelled"
      case .stale: "stale"
      case .noSpace: "no space"
      case .unsupported: "unsupported"
      case .internal: "internal error"
      case .conflict: "conflict"
      case .cycle: "cycle of calls"
      default: "code \(rawValue)"
      }
    }
  }

  /// The kind of failure.
  public let code: Code
  /// What was wrong and what to do, for people.
  public let message: String
  /// With ``Code/retry``: how long to wait before; nil for the manifest's backoff.
  public let retryAfter: Duration?

  public init(_ code: Code, _ message: String, retryAfter: Duration? = nil) {
    self.code = code
    self.message = message
    self.retryAfter = retryAfter
  }

  public var description: String { message.isEmpty ? code.description : "\(code): \(message)" }

  /// Try this delivery again, after the manifest's backoff.
  public static let retry = PluginError(.retry, "")
  /// Try this delivery again after `delay`, or after the manifest's backoff.
  public static func retry(_ why: String = "", after delay: Duration? = nil) -> PluginError {
    PluginError(.retry, why, retryAfter: delay)
  }
  /// Never try this delivery again: it goes to the dead letters with `why`.
  public static func reject(_ why: String) -> PluginError { PluginError(.reject, why) }
  /// An argument is wrong; `why` says which.
  public static func invalid(_ why: String) -> PluginError { PluginError(.invalid, why) }
  /// It is not permitted.
  public static func denied(_ why: String) -> PluginError { PluginError(.denied, why) }
  /// There is no such thing.
  public static func notFound(_ why: String) -> PluginError { PluginError(.notFound, why) }
  /// A bound is reached.
  public static func busy(_ why: String) -> PluginError { PluginError(.busy, why) }
  /// It took too long.
  public static func timeout(_ why: String) -> PluginError { PluginError(.timeout, why) }
  /// It was cancelled.
  public static func cancelled(_ why: String) -> PluginError { PluginError(.cancelled, why) }
  /// A size limit or a quota is reached.
  public static func noSpace(_ why: String) -> PluginError { PluginError(.noSpace, why) }
  /// Not offered here.
  public static func unsupported(_ why: String) -> PluginError { PluginError(.unsupported, why) }
  /// A fault of this plugin.
  public static func `internal`(_ why: String) -> PluginError { PluginError(.internal, why) }
  /// The expected revision is not the current one.
  public static func conflict(_ why: String) -> PluginError { PluginError(.conflict, why) }
}

extension PluginError {
  /// Any error as a status: a `PluginError` as it is, the rest with `code`.
  init(_ error: any Error, otherwise code: Code) {
    switch error {
    case let error as PluginError: self = error
    case is CancellationError: self.init(.cancelled, "the task was cancelled")
    default: self.init(code, String(describing: error))
    }
  }

  /// Throws when the host answered with a failure. `what` names the operation and is only evaluated then.
  @inline(__always)
  static func check(_ rc: bh_rc, _ what: @autoclosure () -> String) throws(PluginError) {
    if rc < 0 { throw PluginError(Code(rawValue: rc), "\(what()): \(Code(rawValue: rc))") }
  }
}

extension Duration {
  /// Nanoseconds as the ABI counts them: negative durations are 0, what does not fit is the largest number.
  var abiNanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    if seconds < 0 || (seconds == 0 && attoseconds <= 0) { return 0 }
    let (whole, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    if overflow { return .max }
    let (sum, tooLarge) = whole.addingReportingOverflow(UInt64(attoseconds / 1_000_000_000))
    return tooLarge ? .max : sum
  }
}
