/// What an endpoint's handlers have done since the endpoint was made.
struct HandlerTotals: Sendable, Equatable {
  /// Deliveries that were done, or passed over.
  var handled: UInt64 = 0
  /// Attempts that failed.
  var failed: UInt64 = 0

  /// From 0 to 1.
  var errorRate: Double {
    let attempts = Double(handled) + Double(failed)
    return attempts > 0 ? Double(failed) / attempts : 0
  }
}
