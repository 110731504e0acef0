/// What a hot swap did.
public struct SwapReport: Sendable {
  /// The numbers of the old and the new generation; the same after a rehearsal.
  public var from: UInt32
  public var to: UInt32
  /// Nanoseconds for which the gate was shut, so that no event was delivered.
  public var pause: Int64
  /// Nanoseconds from the first step to the last.
  public var total: Int64
  /// Bytes of state that were handed over meanwhile.
  public var stateBytes: Int
  /// Bytes that were handed over before, while events were delivered.
  public var copiedBytes: Int
  /// Events that waited at the gate.
  public var waiting: Int
  /// For how long the new build is watched; nil: it is not.
  public var probation: SwapPolicy.Probation?
  /// Tells how that ends.
  public var probationEnd: ProbationEnd?
}
