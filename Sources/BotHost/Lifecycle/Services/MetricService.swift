import CBotHost

/// `bh.metric`: numbers for operators.
enum MetricService {
  nonisolated(unsafe) static let table = HostTable.constant(
    bh_metric_v1(
      size: UInt32(MemoryLayout<bh_metric_v1>.size), version: 1,
      define: { host, kind, name, help, metric in
        withHost(host) { host in
          guard let metric else { return bh_rc(BH_E_INVALID) }
          let metrics = host.instance.services.metrics
          let kinds: [UInt32: Metrics.Kind] = [
            UInt32(BH_METRIC_COUNTER): .counter, UInt32(BH_METRIC_GAUGE): .gauge, UInt32(BH_METRIC_HISTOGRAM): .histogram,
          ]
          guard let kind = kinds[kind] else { return host.refuse(BH_E_INVALID, "\(kind) is no kind of metric") }
          let name = name.string
          let isName = !name.isEmpty && name.utf8.count <= 64
            && name.utf8.allSatisfy { ($0 >= 97 && $0 <= 122) || ($0 >= 48 && $0 <= 57) || $0 == 95 }
          guard isName else { return host.refuse(BH_E_INVALID, "a metric's name is made of a-z, 0-9 and _, not '\(name)'") }
          guard let id = metrics.define(kind, owner: host.instance.name, name: name, help: help.string) else {
            return host.refuse(
              BH_E_NOSPACE, "'\(name)' cannot be made: another kind has that name, or the instance has \(Metrics.limit) metrics")
          }
          metric.pointee = id
          return bh_rc(BH_OK)
        }
      },
      record: { host, metric, value in
        _ = withHost(host) { host in
          host.instance.services.metrics.record(metric, value)
          return bh_rc(BH_OK)
        }
      }))
}
