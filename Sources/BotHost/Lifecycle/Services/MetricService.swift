import CBotHost

/// `bh.metric`: numbers for operators.
enum MetricService {
  nonisolated(unsafe) static let table = HostTable.constant(
    bh_metric_v1(
      size: UInt32(MemoryLayout<bh_metric_v1>.size), version: 1,
      define: { host, kind, name, help, metric in
        withHost(host) { host in
          guard let metric else { return bh_rc(BH_E_INVALID) }
          guard let kind = Metric.Kind(rawValue: kind) else {
            return host.refuse(BH_E_INVALID, "\(kind) is no kind of metric")
          }
          let identity = Metric.Identity(name: name.string, owner: host.instance.name)
          let metrics = host.instance.services.metrics
          switch metrics.define(kind, identity, help: help.string) {
          case .success(let made):
            metric.pointee = metrics.token(of: made)
            return bh_rc(BH_OK)
          case .failure(let error): return host.refuse(Int(error.rc), error.description)
          }
        }
      },
      record: { host, metric, value in
        _ = withHost(host) { host in
          host.metrics._withUnsafeGuaranteedRef { $0.record(metric, value) }
          return bh_rc(BH_OK)
        }
      }))
}
