import CBotHost

/// A plugin: one class, a ``table`` of its handlers and methods, and one exported line.
///
/// ```swift
/// import BotPluginKit
///
/// final class Greeter: BotPlugin {
///   struct Configuration: ManifestConfiguration { let greeting: String }
///   static let table = PluginTable<Greeter>(name: "greeter", version: "1.0.0") {
///     Handler("on_joined", Greeter.onJoined)
///   }
///   …
/// }
///
/// @c(bh_plugin_entry_v1) public func entry(_ minor: UInt32) -> UnsafeRawPointer? { Greeter.entry(minor) }
/// ```
///
/// **Threads.** The object lives on its *lane*: the host calls it from one thread at a time, in the order of the
/// events, so it needs no locks and is not `Sendable`. `init` and the taking over of state run before the lane
/// does. Work that waits goes on a thread of ``Host/thread(_:_:)`` or into ``Delivery/task(_:)``, and comes back
/// by ``Host/onLane(_:_:)``.
///
/// **Errors** are thrown; none crosses the ABI. A *trap* (a failed precondition, an index out of range, overflow)
/// cannot be caught and ends the process that the plugin runs in: check what comes from outside.
public protocol BotPlugin: AnyObject, SendableMetatype {
  /// The manifest's `config`, decoded before `init`: a ``ManifestConfiguration``, or whatever else can be decoded.
  associatedtype Configuration: Decodable = NoConfiguration

  /// What the plugin offers. `static let`, so that there is one.
  static var table: PluginTable<Self> { get }

  /// Makes the plugin in standby: nothing may be published, written or dialled yet. Throwing refuses the library.
  init(configuration: Configuration, host: Host) throws

  /// Events come from now on: dial, set timers, start threads here. Throwing rolls a swap back.
  func activate() throws

  /// No event comes any more. Settle what is under way before `deadline` (a reading of ``Host/monotonicTime``) and
  /// stop own work, without waiting: completions still arrive. Let go of what only one can have at a time (a port, a
  /// login, a lock on a database): the next build takes it in its `activate`, before this object goes. ``Host/ending`` says whether the instance stops or is
  /// swapped. Throwing aborts the swap.
  func quiesce(deadline: Int64) throws

  /// The swap was aborted after `quiesce`: take back what that let go of, and go on as before.
  func resume() throws

  /// How it is. Called on the lane.
  func health() -> Health
}

extension BotPlugin {
  public func activate() throws {}
  public func quiesce(deadline: Int64) throws {}
  public func resume() throws {}
  public func health() -> Health { .good }

  /// What the exported `bh_plugin_entry_v1` returns.
  ///
  /// - Parameter hostMinor: the minor version of the host's ABI. The kit works with every host of its major
  ///   version.
  public static func entry(_ hostMinor: UInt32) -> UnsafeRawPointer? { table.descriptor }
}

/// The configuration of a plugin that has none.
public struct NoConfiguration: Codable, Sendable {
  public init() {}
}

/// A configuration value of type `duration`: it reaches the plugin as nanoseconds.
public struct ConfiguredDuration: Decodable, Hashable, Sendable {
  public let duration: Duration

  public init(_ duration: Duration) { self.duration = duration }

  public init(from decoder: any Decoder) throws {
    duration = .nanoseconds(try decoder.singleValueContainer().decode(Int64.self))
  }
}

/// How a plugin is.
public struct Health: Codable, Hashable, Sendable {
  public var ok: Bool
  /// What an operator should know.
  public var detail: String

  public init(ok: Bool, detail: String = "") {
    self.ok = ok
    self.detail = detail
  }

  /// Nothing to say.
  public static let good = Health(ok: true)
  /// Not well, with what an operator should know.
  public static func bad(_ detail: String) -> Health { Health(ok: false, detail: detail) }
}
