import Synchronization

/// What instances say for plugins that they know: kept with their plans, so that it comes and goes with what they do.
extension Bus {
  /// What is said for a plugin, by whom, in the order in which they came on the bus.
  func extensions(for plugin: String) -> [(instance: String, content: JSONValue)] {
    endpoints.compactMap { endpoint in endpoint.extensionContent(for: plugin).map { (endpoint.name, $0) } }
  }

  /// Changes whenever something comes or goes that is said for any plugin.
  var revisionOfExtensions: UInt64 { extensionRevision.load(ordering: .acquiring) }

  func extensionsChanged() { extensionRevision.wrappingAdd(1, ordering: .releasing) }
}
