import CBotHost

/// Why a method call from outside gave no result.
public struct MethodFailure: Error, Sendable, CustomStringConvertible {
  /// A failure of `bothost.h`.
  public let rc: bh_rc
  public let message: String

  /// With an empty message, the code's own words.
  public init(_ rc: bh_rc, _ message: String = "") {
    self.rc = rc
    self.message = message.isEmpty ? ResultCode.name(rc) : message
  }

  init(_ code: Int, _ message: String) { self.init(bh_rc(code), message) }

  /// The words or the input were wrong, not the work.
  public var isUsage: Bool { rc == BH_E_INVALID || rc == BH_E_NOTFOUND }

  public var description: String { message }
}
