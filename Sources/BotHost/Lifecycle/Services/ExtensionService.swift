import CBotHost

/// `bh.extension`: what the manifests of others say for the plugin of an instance.
enum ExtensionService {
  nonisolated(unsafe) static let table = HostTable.constant(
    bh_extension_v1(
      size: UInt32(MemoryLayout<bh_extension_v1>.size), version: 1,
      list: { host, writer, sink in
        withHost(host) { host in
          guard let plugin = host.withSettings({ $0.manifest.plugin }) else { return bh_rc(BH_E_STALE) }
          let list = host.endpoint.bus.extensions(for: plugin).map { instance, content in
            JSONValue.object([
              "instance": .string(instance),
              "plugin": .string(host.instance.services.plugin(of: instance) ?? instance), "content": content,
            ])
          }
          return write(JSONValue.array(list).serialized(), to: writer, sink)
        }
      },
      revision: { host in withHost(host, otherwise: 0) { $0.endpoint.bus.revisionOfExtensions } }))
}
