import CBotHost

/// `bh.hook`: who stands before the methods of an instance.
enum HookService {
  nonisolated(unsafe) static let table = HostTable.constant(
    bh_hook_v1(
      size: UInt32(MemoryLayout<bh_hook_v1>.size), version: 1,
      list: { host, method, writer, sink in
        withHost(host) { host in
          let name = "\(host.instance.name).\(method.string)"
          guard let hooks = host.endpoint.hooks(of: method.string) else {
            return host.refuse(BH_E_NOTFOUND, "there is no method '\(name)'")
          }
          return write(JSONValue.array(hooks.map(describe)).serialized(), to: writer, sink)
        }
      },
      revision: { host in withHost(host, otherwise: 0) { $0.endpoint.revisionOfHooks } }))

  private static func describe(_ instance: String, _ hook: HookSpec) -> JSONValue {
    var match = JSONObject()
    for field in hook.matches { match[field.pointer] = .string(field.text) }
    return .object([
      "instance": .string(instance), "priority": .int(Int64(hook.priority)), "timeout_ns": .int(hook.timeout),
      "match": .object(match), "about": hook.about,
    ])
  }
}
