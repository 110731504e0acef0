import CBotHost

/// `bh.timer`: time as events.
enum TimerService {
  nonisolated(unsafe) static let table = HostTable.constant(
    bh_timer_v1(
      size: UInt32(MemoryLayout<bh_timer_v1>.size), version: 1,
      set: { host, name, delay, period, payload in
        withHost(host) { host in
          let permitted = host.effects
          guard permitted == BH_OK else { return permitted }
          return host.endpoint.setTimer(name: name, delay: delay, period: period, payload: payload)
        }
      },
      cancel: { host, name in withHost(host) { $0.endpoint.cancelTimer(name: name) } }))
}
