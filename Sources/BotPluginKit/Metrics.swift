import CBotHost

/// A number that only grows. One atomic operation to add; safe on the hottest path and on any thread.
public struct Counter: Sendable {
  let metric: Metric
  /// Adds to it: 0 or more, for a counter never goes down.
  public func add(_ amount: Int64 = 1) { metric.record(amount) }
}

/// A number that goes up and down.
public struct Gauge: Sendable {
  let metric: Metric
  /// Replaces the value.
  public func set(_ value: Int64) { metric.record(value) }
}

/// How often values of which size came, in buckets that grow by powers of two.
public struct Histogram: Sendable {
  let metric: Metric
  /// Counts one value, in the unit that the metric's help names.
  public func observe(_ value: Int64) { metric.record(value) }
}

struct Metric: Sendable {
  let host: Host
  // The table is a constant that lives as long as the host.
  nonisolated(unsafe) let table: UnsafePointer<bh_metric_v1>
  let token: bh_token

  @inline(__always)
  func record(_ value: Int64) {
    if host.alive.load(ordering: .relaxed) { table.pointee.record(host.pointer, token, value) }
  }
}

extension Host {
  /// Makes or finds a counter of the instance. Permitted in `init`.
  /// - Parameters:
  ///   - name: of `a`–`z`, `0`–`9` and `_`.
  ///   - help: one line.
  public func counter(_ name: String, _ help: String) throws(PluginError) -> Counter {
    Counter(metric: try metric(BH_METRIC_COUNTER, name, help))
  }

  /// Makes or finds a gauge of the instance. Permitted in `init`.
  public func gauge(_ name: String, _ help: String) throws(PluginError) -> Gauge {
    Gauge(metric: try metric(BH_METRIC_GAUGE, name, help))
  }

  /// Makes or finds a histogram of the instance. Permitted in `init`.
  public func histogram(_ name: String, _ help: String) throws(PluginError) -> Histogram {
    Histogram(metric: try metric(BH_METRIC_HISTOGRAM, name, help))
  }

  private func metric(_ kind: Int, _ name: String, _ help: String) throws(PluginError) -> Metric {
    let table = try require(metricTable, BH_METRIC)
    var token: bh_token = 0
    let rc = name.withABIText { name in
      help.withABIText { table.pointee.define(pointer, UInt32(kind), name, $0, &token) }
    }
    try PluginError.check(rc, "define metric \(name)")
    return Metric(host: self, table: table, token: token)
  }
}
