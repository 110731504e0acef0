import CBotHost

/// The instance's timers. From ``Host/timers``. A timer fires as an event on `timer.NAME`, which an ordinary
/// handler receives; it lives through a swap and ends with the instance.
public struct Timers: Sendable {
  let host: Host

  /// Sets or replaces the timer of that name, once.
  public func set(_ name: String, after delay: Duration) throws(PluginError) {
    try set(name, delay, nil, UnsafeRawBufferPointer(start: nil, count: 0))
  }

  /// Sets or replaces the timer of that name, again and again. A period that the busy lane missed is made up for
  /// by one event.
  /// - Parameter delay: to the first time; nil: one period.
  public func set(_ name: String, every period: Duration, after delay: Duration? = nil) throws(PluginError) {
    try set(name, delay ?? period, period, UnsafeRawBufferPointer(start: nil, count: 0))
  }

  /// Sets or replaces the timer of that name, with a payload for its events.
  /// - Parameter period: nil: once.
  public func set(
    _ name: String, after delay: Duration, every period: Duration? = nil, payload: some Encodable
  ) throws(PluginError) {
    try JSONCoding.withJSON(of: payload) { bytes in
      Result { () throws(PluginError) in try set(name, delay, period, bytes) }
    }.get()
  }

  /// Ends it. Throws `notFound` when there is none. An event that is queued already still comes.
  public func cancel(_ name: String) throws(PluginError) {
    let table = try host.require(host.timerTable, BH_TIMER)
    try PluginError.check(name.withABIText { table.pointee.cancel(host.pointer, $0) }, "cancel timer \(name)")
  }

  private func set(
    _ name: String, _ delay: Duration, _ period: Duration?, _ payload: UnsafeRawBufferPointer
  ) throws(PluginError) {
    let table = try host.require(host.timerTable, BH_TIMER)
    let rc = name.withABIText {
      table.pointee.set(host.pointer, $0, delay.abiNanoseconds, period?.abiNanoseconds ?? 0, bh_bytes(payload))
    }
    try PluginError.check(rc, "set timer \(name)")
  }
}

extension Host {
  /// The instance's timers.
  public var timers: Timers { Timers(host: self) }
}
