import CBotHost

/// `bh.rpc`: method calls.
enum CallService {
  nonisolated(unsafe) static let table = HostTable.constant(
    bh_rpc_v1(
      size: UInt32(MemoryLayout<bh_rpc_v1>.size), version: 1,
      call: { host, cause, method, argument, timeout, done, context, token in
        withHost(host) { host in
          let permitted = host.effects
          guard permitted == BH_OK else { return permitted }
          guard host.instance.mayCall(method.bytes) else {
            let name = method.string
            return host.refuse(
              BH_E_DENIED, "\(host.instance.name) may not call \(name); add it to `permissions: {call: [...]}`")
          }
          return host.endpoint.call(
            cause: cause, method: method, argument: argument, timeout: timeout, done: done, context: context,
            token: token, generation: host.generation)
        }
      },
      cancel: { host, call in withHost(host) { $0.endpoint.cancel(call, generation: $0.generation) } },
      amend: { host, call, argument in
        withHost(host) { $0.endpoint.amend(call, argument: argument, generation: $0.generation) }
      },
      pass: { host, call in withHost(host) { $0.endpoint.pass(call, generation: $0.generation) } }))
}
