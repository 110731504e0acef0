import CBotHost
import Synchronization

/// `bh.trace`: named spans of work, measured into the histogram `span_us` and told to the debug log.
enum TraceService {
  nonisolated(unsafe) static let table = HostTable.constant(
    bh_trace_v1(
      size: UInt32(MemoryLayout<bh_trace_v1>.size), version: 1,
      begin: { host, _, name, span in
        withHost(host) { host in
          guard let span else { return bh_rc(BH_E_INVALID) }
          return host.spans.begin(name.string, at: host.instance.clock.monotonic, span)
        }
      },
      end: { host, span, outcome in
        withHost(host) { host in
          guard let (name, start) = host.spans.end(span) else { return bh_rc(BH_E_STALE) }
          let microseconds = max(0, host.instance.clock.monotonic - start) / 1000
          let identity = Metric.Identity(
            name: "span_us", owner: host.instance.name, labels: [Metric.Label("span", String(name.prefix(64)))])
          let histogram = host.instance.services.metrics.define(
            .histogram, identity, help: "microseconds that traced spans have taken")
          // Beyond the bound of metrics an instance's new spans are told to the log alone.
          if case .success(let histogram) = histogram { histogram.record(microseconds) }
          host.instance.log.debug(
            host.instance.name, "span \(name)", [("us", "\(microseconds)"), ("outcome", "\(outcome)")])
          return bh_rc(BH_OK)
        }
      }))
}

/// The spans of one generation that have begun and not ended: at most 4,096.
final class SpanTable: Sendable {
  static let limit = 4096
  private let open = Mutex<(next: UInt64, spans: [UInt64: (String, Int64)])>((1, [:]))

  func begin(_ name: String, at time: Int64, _ token: UnsafeMutablePointer<bh_token>) -> bh_rc {
    let id: UInt64? = open.withLock { open in
      guard open.spans.count < Self.limit else { return nil }
      defer { open.next += 1 }
      open.spans[open.next] = (name, time)
      return open.next
    }
    guard let id else { return bh_rc(BH_E_NOSPACE) }
    token.pointee = id
    return bh_rc(BH_OK)
  }

  func end(_ token: bh_token) -> (String, Int64)? {
    open.withLock { $0.spans.removeValue(forKey: token) }
  }
}
