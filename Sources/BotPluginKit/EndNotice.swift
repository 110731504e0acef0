import CBotHost

/// What the host carries for an `onEnd`: freed by the one call that it makes.
private final class EndNotice {
  let body: @Sendable (PluginError) -> Void
  init(_ body: @escaping @Sendable (PluginError) -> Void) { self.body = body }

  static let tell: bh_ended = { context, how in
    guard let context else { return }
    let notice = Unmanaged<EndNotice>.fromOpaque(context).takeRetainedValue()
    // The plugin has settled it: it knows.
    guard how < 0 else { return }
    notice.body(PluginError(PluginError.Code(rawValue: how), "nobody waits for it any more"))
  }
}

extension Host {
  private static let endOffset = MemoryLayout<bh_host_api>.offset(of: \.on_end) ?? .max

  /// Calls `body` on the lane when a delivery or a call ends without the plugin's doing.
  func onEnd(_ token: DeliveryToken, _ body: @escaping @Sendable (PluginError) -> Void) throws(PluginError) {
    let core = try core
    guard Int(core.pointee.size) > Self.endOffset, let onEnd = core.pointee.on_end else {
      throw .unsupported("this host does not tell when a delivery or a call ends")
    }
    let notice = Unmanaged.passRetained(EndNotice(body))
    let rc = onEnd(pointer, token.rawValue, EndNotice.tell, notice.toOpaque())
    if rc < 0 { notice.release() }
    try PluginError.check(rc, "wait for the end of a delivery")
  }
}
