import CBotHost

/// What a plugin offers: its handlers, methods and hooks under the names that the manifest's `call:` gives, what
/// it hands over in a swap, and whether it takes a new configuration while it runs.
///
/// The kit makes the ABI's descriptor out of it, once, with the life of the image. Names are looked up when the
/// plugin starts; events are dispatched by index.
public final class PluginTable<Plugin: BotPlugin>: Sendable {
  let name: String
  let handlers: [Handler<Plugin>]
  let methods: [Method<Plugin>]
  let hooks: [Hook<Plugin>]
  let handOver: HandOver<Plugin>?
  let reconfigure: Reconfigure<Plugin>?
  /// The `bh_plugin` that the entry returns; nil in an image that holds more plugin classes than the kit has room
  /// for (16).
  nonisolated(unsafe) let descriptor: UnsafeRawPointer?

  /// - Parameters:
  ///   - name: equals the manifest's `plugin`.
  ///   - version: a semantic version; equals the manifest's when that states one.
  public init(name: String, version: String, @PluginTableBuilder<Plugin> _ rows: () -> [PluginTableRow<Plugin>]) {
    var (handlers, methods, hooks): ([Handler<Plugin>], [Method<Plugin>], [Hook<Plugin>]) = ([], [], [])
    var (handOver, reconfigure): (HandOver<Plugin>?, Reconfigure<Plugin>?) = (nil, nil)
    for row in rows() {
      switch row {
      case .handler(let row): handlers.append(row)
      case .method(let row): methods.append(row)
      case .hook(let row): hooks.append(row)
      case .handOver(let row): handOver = row
      case .reconfigure(let row): reconfigure = row
      }
    }
    self.name = name
    self.handlers = handlers
    self.methods = methods
    self.hooks = hooks
    self.handOver = handOver
    self.reconfigure = reconfigure
    descriptor = makeDescriptor(
      name: name, version: version, stateFormat: handOver.map { $0.format ?? name } ?? "",
      stateVersion: handOver?.version ?? 0, reconfigures: reconfigure != nil,
      comesInPieces: handOver?.comesInPieces ?? false
    ) { host, configuration throws(PluginError) in
      try PluginInstance<Plugin>.make(host: host, configuration: configuration)
    }
  }
}

/// One row of a ``PluginTable``.
public enum PluginTableRow<Plugin: BotPlugin>: Sendable {
  case handler(Handler<Plugin>)
  case method(Method<Plugin>)
  case hook(Hook<Plugin>)
  case handOver(HandOver<Plugin>)
  case reconfigure(Reconfigure<Plugin>)
}

/// Lets a ``PluginTable`` be written as a list.
@resultBuilder
public enum PluginTableBuilder<Plugin: BotPlugin> {
  /// A row for events.
  public static func buildExpression(_ row: Handler<Plugin>) -> [PluginTableRow<Plugin>] { [.handler(row)] }
  /// A row for calls.
  public static func buildExpression(_ row: Method<Plugin>) -> [PluginTableRow<Plugin>] { [.method(row)] }
  /// A row for calls of somebody else's method.
  public static func buildExpression(_ row: Hook<Plugin>) -> [PluginTableRow<Plugin>] { [.hook(row)] }
  /// The row that hands state over; of several the last one counts.
  public static func buildExpression(_ row: HandOver<Plugin>) -> [PluginTableRow<Plugin>] { [.handOver(row)] }
  /// The row that takes another configuration over; of several the last one counts.
  public static func buildExpression(_ row: Reconfigure<Plugin>) -> [PluginTableRow<Plugin>] { [.reconfigure(row)] }
  /// All rows, in order.
  public static func buildBlock(_ rows: [PluginTableRow<Plugin>]...) -> [PluginTableRow<Plugin>] { rows.flatMap { $0 } }
}
