import CBotHost

extension Host {
  /// Runs `body` inside a named span under a delivery or a call; throwing ends the span as failed. Where the host
  /// has no tracing, `body` just runs.
  public func span<Result>(
    _ name: String, cause: DeliveryToken = .none, _ body: () throws -> Result
  ) rethrows -> Result {
    guard let trace = try? require(traceTable, BH_TRACE) else { return try body() }
    var span: bh_token = 0
    let rc = name.withABIText { trace.pointee.begin(pointer, cause.rawValue, $0, &span) }
    guard rc >= 0 else { return try body() }
    do {
      let result = try body()
      _ = trace.pointee.end(pointer, span, bh_rc(BH_OK))
      return result
    } catch {
      _ = trace.pointee.end(pointer, span, PluginError(error, otherwise: .internal).code.rawValue)
      throw error
    }
  }
}
