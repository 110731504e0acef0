import CBotHost

/// Why a method call from outside gave no result.
public struct MethodFailure: Error, Sendable, CustomStringConvertible {
  /// A word for programs: `not-found`, `invalid`, `timeout`, ...
  public let code: String
  public let message: String
  /// The words or the input were wrong, not the work.
  public let isUsage: Bool

  public init(code: String, message: String, isUsage: Bool) {
    self.code = code
    self.message = message
    self.isUsage = isUsage
  }

  init(_ rc: bh_rc, _ message: String) {
    code = Self.word(rc)
    self.message = message.isEmpty ? ResultCode.name(rc) : message
    isUsage = rc == BH_E_INVALID || rc == BH_E_NOTFOUND
  }

  public var description: String { message }

  private static func word(_ rc: bh_rc) -> String {
    switch Int(rc) {
    case BH_E_INVALID: "invalid"
    case BH_E_NOTFOUND: "not-found"
    case BH_E_DENIED: "denied"
    case BH_E_BUSY: "busy"
    case BH_E_TIMEOUT: "timeout"
    case BH_E_CANCELLED: "cancelled"
    case BH_E_UNSUPPORTED: "unsupported"
    case BH_E_NOSPACE: "no-space"
    case BH_E_CONFLICT: "conflict"
    case BH_E_CYCLE: "cycle"
    case BH_E_REJECT: "rejected"
    case BH_E_RETRY: "retry"
    case BH_E_STALE: "stale"
    default: "internal"
    }
  }
}
