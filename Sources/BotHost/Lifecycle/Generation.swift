import CBotHost

/// One loaded build of a plugin in one instance: its image, its object, and what it puts on the bus.
///
/// Made and ended by the host's operations; between `activate` and `quiesce` its functions are entered by the lane alone.
final class Generation: @unchecked Sendable {
  let number: UInt32
  let image: Image
  let handle: HostHandle
  /// The plugin's object; nil for a library without glue, and after `destroy`.
  private(set) var object: OpaquePointer?
  /// Functions that are called through libffi; they own the memory behind their call targets.
  let foreign: [ForeignFunction]
  /// What `Endpoint.install` gets.
  let plan: EndpointPlan
  let loadedAt: Int64
  /// A call off the lane has not returned, so that the object is not to be touched. Of the operation that has begun that call.
  var isStuck = false

  init(
    number: UInt32, image: Image, handle: HostHandle, object: OpaquePointer?, foreign: [ForeignFunction],
    plan: EndpointPlan, loadedAt: Int64
  ) {
    self.number = number
    self.image = image
    self.handle = handle
    self.object = object
    self.foreign = foreign
    self.plan = plan
    self.loadedAt = loadedAt
  }

  var descriptor: PluginDescriptor? { image.descriptor }
  private var table: bh_plugin? { image.descriptor?.table }

  // MARK: Calls on the lane

  func activate() -> bh_rc { table?.activate.map { $0(object) } ?? bh_rc(BH_OK) }
  func resume() -> bh_rc { table?.resume.map { $0(object) } ?? bh_rc(BH_OK) }

  /// `BH_E_UNSUPPORTED` when the plugin has no `reconfigure`.
  func reconfigure(_ configuration: JSONValue) -> bh_rc {
    guard let reconfigure = table?.reconfigure else { return bh_rc(BH_E_UNSUPPORTED) }
    return withBorrowedBytes(configuration.serialized()) { reconfigure(object, $0) }
  }

  func quiesce(deadline: Int64) -> bh_rc { table?.quiesce.map { $0(object, deadline) } ?? bh_rc(BH_OK) }

  /// Bytes that a generation may hand over.
  static let maximumState = 256 << 20

  /// The state in `version`; `BH_E_UNSUPPORTED` when the plugin cannot write that one.
  ///
  /// - Parameter phase: `BH_STATE_...`.
  func exportState(phase: Int = BH_STATE_FINAL, version: UInt32) -> (bh_rc, [UInt8]) {
    guard let export = table?.export_state else { return (bh_rc(BH_E_UNSUPPORTED), []) }
    let sink = ByteSink(limit: Self.maximumState)
    let code = sink.receive { export(object, UInt32(phase), version, $0, $1) }
    if code < 0, sink.isOverfull {
      CallMessage.set(
        code, "its state has more than \(Self.maximumState >> 20) MiB; what is so large belongs in the store (`bh.kv`)")
    }
    return (code, sink.bytes)
  }

  /// Nil when the plugin has no `health`.
  func health() -> (bh_rc, JSONValue)? {
    guard let health = table?.health else { return nil }
    let sink = ByteSink(limit: 64 << 10)
    let code = sink.receive { health(object, $0, $1) }
    return (code, (try? JSONValue(parsing: sink.text)) ?? .string(sink.text))
  }

  // MARK: Calls off the lane

  func importState(phase: Int = BH_STATE_FINAL, format: String, version: UInt32, _ state: [UInt8]) -> bh_rc {
    guard let take = table?.import_state else { return bh_rc(BH_E_UNSUPPORTED) }
    return withBorrowed(format) { format in
      state.withUnsafeBufferPointer {
        take(object, UInt32(phase), format, version, bh_bytes(ptr: $0.baseAddress, len: $0.count))
      }
    }
  }

  /// Ends the plugin's object, once. After it nothing of the plugin runs but threads that it forgot.
  func destroy() {
    guard let object else { return }
    self.object = nil
    table?.destroy?(object)
    handle.phase = .gone
  }
}
