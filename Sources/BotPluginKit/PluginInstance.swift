import CBotHost

/// What the C functions of the descriptor see of a plugin object, whatever its class. Each function runs on the
/// thread that `bothost.h` names and lets no error out.
class AnyPluginInstance {
  final let host: Host
  /// The plugin object, without its type.
  private final let object: AnyObject
  /// The handlers by binding number less one, in memory of their own: dispatch is one load and one call.
  private final let handlers: UnsafeMutableBufferPointer<HandlerFunction>
  /// The methods in the same way.
  private final let methods: UnsafeMutableBufferPointer<MethodFunction>
  /// What takes events without a binding, as an index into `handlers`; -1: none.
  private final let standard: Int

  init(host: Host, object: AnyObject, handlers: [HandlerFunction], standard: Int, methods: [MethodFunction]) {
    self.host = host
    self.object = object
    self.standard = standard
    self.handlers = .allocate(capacity: handlers.count)
    _ = self.handlers.initialize(from: handlers)
    self.methods = .allocate(capacity: methods.count)
    _ = self.methods.initialize(from: methods)
  }

  deinit {
    handlers.deinitialize()
    handlers.deallocate()
    methods.deinitialize()
    methods.deallocate()
  }

  func bind(_ kind: Int, _ name: String) -> UInt32? { nil }
  func activate() throws {}
  /// Runs a method that the host has bound no number to, or a hook; the status of a hook that does not answer.
  func invoke(_ method: bh_str, _ call: borrowing Call) throws -> bh_rc? { nil }
  func health() -> Health { .good }
  func quiesce(deadline: Int64) throws {}
  func exportState(_ request: StateRequest) throws -> StatePiece { StatePiece(bytes: []) }
  func importState(_ offer: StateOffer) throws {}
  func resume() throws {}
  func reconfigure(_ configuration: [UInt8]) throws {}

  /// Runs a life-cycle function and makes a status of what it throws.
  final func guarded(_ body: () throws -> Void) -> bh_rc {
    do {
      try body()
      return bh_rc(BH_OK)
    } catch {
      return fail(PluginError(error, otherwise: .internal))
    }
  }

  final func fail(_ error: PluginError) -> bh_rc {
    host.setError(error)
    return error.code.rawValue < 0 ? error.code.rawValue : bh_rc(BH_E_INTERNAL)
  }

  final func handle(_ raw: UnsafePointer<bh_event>) -> bh_rc {
    let binding = Int(raw.pointee.binding)
    let index = binding == 0 ? standard : binding - 1
    guard index >= 0, index < handlers.count else {
      return fail(
        .notFound("the plugin has no handler for binding \(binding); has the manifest's `call:` a row in the table?"))
    }
    var deferred = false
    do {
      let outcome = try withUnsafeMutablePointer(to: &deferred) { deferred in
        try handlers[index].call(object, Event(raw: raw, host: host, deferred: deferred))
      }
      if deferred { return bh_rc(BH_ASYNC) }
      switch outcome {
      case .done: return bh_rc(BH_OK)
      case .skip: return bh_rc(BH_SKIP)
      case .stop: return bh_rc(BH_STOP)
      }
    } catch {
      return failed(PluginError(error, otherwise: .retry), raw.pointee.delivery)
    }
  }

  /// Runs a method or a hook.
  final func invoke(_ name: bh_str, _ raw: UnsafePointer<bh_event>) -> bh_rc {
    let binding = Int(raw.pointee.binding)
    var state = Call.State.open
    return withUnsafeMutablePointer(to: &state) { state in
      let call = Call(raw: raw, owner: host, state: state)
      do {
        if binding > 0, binding <= methods.count {
          try methods[binding - 1].call(object, call)
        } else if let rc = try invoke(name, call) {
          return rc
        }
        if state.pointee == .open { try call.reply(json: UnsafeRawBufferPointer(start: nil, count: 0)) }
      } catch {
        return fail(PluginError(error, otherwise: .internal))
      }
      return bh_rc(state.pointee == .deferred ? BH_ASYNC : BH_OK)
    }
  }

  /// A status says "again", but not when: a delay of the plugin's own goes by `nack`.
  private final func failed(_ error: PluginError, _ delivery: bh_token) -> bh_rc {
    if error.code == .retry, error.retryAfter != nil, delivery != 0 {
      if (try? host.nack(DeliveryToken(rawValue: delivery), error)) != nil { return bh_rc(BH_ASYNC) }
    }
    return fail(error)
  }
}

/// The plugin object with its table.
final class PluginInstance<Plugin: BotPlugin>: AnyPluginInstance {
  private let plugin: Plugin
  private let table: PluginTable<Plugin>

  private init(host: Host, plugin: Plugin) {
    self.plugin = plugin
    table = Plugin.table
    let handlers = table.handlers
    // Events without a binding go to the row `handle`, or to the only one.
    let standard = handlers.firstIndex { $0.name == "handle" } ?? (handlers.count == 1 ? 0 : -1)
    let methods = table.methods.map { method in
      MethodFunction { object, call in try method.run(unsafeDowncast(object, to: Plugin.self), call) }
    }
    super.init(
      host: host, object: plugin, handlers: handlers.map { $0.run }, standard: standard, methods: methods)
  }

  /// Decodes the configuration and makes the plugin object.
  static func make(host: Host, configuration: [UInt8]) throws(PluginError) -> PluginInstance {
    let values = try host.decodeConfiguration(
      Plugin.Configuration.self, configuration.isEmpty ? Array("{}".utf8) : configuration, "the configuration")
    if Plugin.table.handOver != nil { JSONCoding.warmUp() }
    do { return PluginInstance(host: host, plugin: try Plugin(configuration: values, host: host)) } catch {
      throw PluginError(error, otherwise: .internal)
    }
  }

  override func bind(_ kind: Int, _ name: String) -> UInt32? {
    let index: Int? =
      switch kind {
      case BH_BIND_HANDLER: table.handlers.firstIndex { $0.name == name }
      case BH_BIND_METHOD: table.methods.firstIndex { $0.name == name }
      case BH_BIND_HOOK: table.hooks.firstIndex { $0.name == name }.map { $0 + table.methods.count }
      default: nil
      }
    return index.map { UInt32($0 + 1) }
  }

  override func invoke(_ name: bh_str, _ call: borrowing Call) throws -> bh_rc? {
    let binding = Int(call.raw.pointee.binding) - table.methods.count
    if binding > 0, binding <= table.hooks.count { return try hook(table.hooks[binding - 1], call) }
    // By name where the host bound no number, of which the last part counts.
    let name = name.string
    let short = name.split(separator: ".").last.map(String.init) ?? name
    guard call.raw.pointee.binding == 0,
      let method = table.methods.first(where: { $0.name == name || $0.name == short })
    else {
      throw PluginError.notFound("the plugin has no method \(name)")
    }
    try method.run(plugin, call)
    return nil
  }

  private func hook(_ hook: Hook<Plugin>, _ call: borrowing Call) throws -> bh_rc {
    switch try hook.run(plugin, call) {
    case .pass: return bh_rc(BH_SKIP)
    case .amend(let argument):
      try host.amend(call.token, argument)
      return bh_rc(BH_SKIP)
    case .answer(let answer):
      try call.reply(answer)
      return bh_rc(BH_OK)
    case .handled:
      if call.state.pointee == .open {
        throw PluginError.internal("the hook answered .handled, but took no call and gave no answer")
      }
      return bh_rc(call.state.pointee == .deferred ? BH_ASYNC : BH_OK)
    }
  }

  override func activate() throws { try plugin.activate() }
  override func health() -> Health { plugin.health() }
  override func quiesce(deadline: Int64) throws { try plugin.quiesce(deadline: deadline) }
  override func resume() throws { try plugin.resume() }

  override func exportState(_ request: StateRequest) throws -> StatePiece {
    guard let handOver = table.handOver else { throw PluginError.unsupported("the plugin has no state to hand over") }
    return try handOver.exportState(plugin, request)
  }

  override func importState(_ offer: StateOffer) throws {
    guard let handOver = table.handOver else { throw PluginError.unsupported("the plugin takes no state over") }
    let format = handOver.format ?? table.name
    guard offer.format == format else {
      throw PluginError.invalid("the state is of the form \"\(offer.format)\", expected \"\(format)\"")
    }
    try handOver.importState(plugin, offer)
  }

  override func reconfigure(_ bytes: [UInt8]) throws {
    guard let row = table.reconfigure else { throw PluginError.unsupported("the plugin takes no new configuration") }
    try row.run(plugin, host.decodeConfiguration(Plugin.Configuration.self, bytes, "the configuration"))
  }
}
