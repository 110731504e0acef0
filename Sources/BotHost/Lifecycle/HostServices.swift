import Synchronization

/// What the host's tables need besides the instance that asks: one for a host.
final class HostServices: Sendable {
  let journal: Journal
  let network: Network?
  let metrics: Metrics
  let dataDirectory: String
  /// Instance to plugin, for permissions that name plugins.
  private let plugins = Mutex<[String: String]>([:])

  init(journal: Journal, network: Network?, metrics: Metrics, dataDirectory: String) {
    self.journal = journal
    self.network = network
    self.metrics = metrics
    self.dataDirectory = dataDirectory
  }

  func register(instance: String, plugin: String) {
    plugins.withLock { $0[instance] = plugin }
  }

  func unregister(instance: String) {
    plugins.withLock { $0[instance] = nil }
  }

  /// The plugin of an instance; nil when none of that name is known.
  func plugin(of instance: String) -> String? { plugins.withLock { $0[instance] } }

  /// `taco.chat.say` as `twitch.say`; nil when no instance of that name is known.
  func pluginQualified(_ method: String) -> String? {
    guard let dot = method.lastIndex(of: ".") else { return nil }
    guard let plugin = plugins.withLock({ $0[String(method[..<dot])] }) else { return nil }
    return plugin + method[dot...]
  }
}
