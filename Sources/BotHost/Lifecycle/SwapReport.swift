/// What a hot swap did.
public struct SwapReport: Sendable {
  /// The numbers of the old and the new generation.
  public var from: UInt32
  public var to: UInt32
  /// Nanoseconds for which the gate was shut, so that no event was delivered.
  public var pause: Int64
  /// Nanoseconds from the first step to the last.
  public var total: Int64
  public var stateBytes: Int
  /// Events that waited at the gate.
  public var waiting: Int
}
