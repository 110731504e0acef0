import CBotHost

/// `bh.thread`: threads that the host counts and joins.
enum ThreadService {
  nonisolated(unsafe) static let table = HostTable.constant(
    bh_thread_v1(
      size: UInt32(MemoryLayout<bh_thread_v1>.size), version: 1,
      spawn: { host, name, run, context, token in
        withHost(host) { host in
          guard let run else { return bh_rc(BH_E_INVALID) }
          let permitted = host.effects
          guard permitted == BH_OK else { return permitted }
          let main = PluginThreads.Main(function: run, context: context)
          let (code, thread) = host.threads.spawn(name: name.string, run: main)
          if code == BH_OK { token?.pointee = thread }
          return code
        }
      },
      should_stop: { host, thread in
        withHost(host, otherwise: 1) { $0.threads.shouldStop(thread) ? 1 : 0 }
      },
      join: { host, thread in withHost(host) { $0.threads.join(thread) } },
      on_lane: { host, task, context in
        withHost(host) { host in
          guard let task else { return bh_rc(BH_E_INVALID) }
          guard host.phase == .active || host.phase == .quiesced else { return bh_rc(BH_E_CANCELLED) }
          let work = LaneTask(run: task, context: context)
          return host.endpoint.postToLane { work.run(work.context) }
        }
      }))

  /// The plugin's function and the context that is its own business.
  private struct LaneTask: @unchecked Sendable {
    let run: @convention(c) (UnsafeMutableRawPointer?) -> Void
    let context: UnsafeMutableRawPointer?
  }
}
