import CBotHost

/// A Swift closure where the bus expects a C function: for the host's own consumers (bots, taps, built-in methods).
/// The closure gets the event for the duration of the call and answers as a handler of the C ABI does.
public final class NativeTarget: @unchecked Sendable {
  private let body: @Sendable (UnsafePointer<bh_event>) -> bh_rc

  public init(_ body: @escaping @Sendable (UnsafePointer<bh_event>) -> bh_rc) { self.body = body }

  /// What a plan takes. The object must outlive the plan.
  public var target: CallTarget {
    CallTarget(
      function: { context, event in
        guard let context, let event else { return bh_rc(BH_E_INTERNAL) }
        return Unmanaged<NativeTarget>.fromOpaque(UnsafeRawPointer(context))._withUnsafeGuaranteedRef { $0.body(event) }
      },
      context: OpaquePointer(Unmanaged.passUnretained(self).toOpaque()))
  }
}
