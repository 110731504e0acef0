import CBotHost
import Synchronization

/// All metrics of the host and its plugins.
public final class Metrics: Sendable {
  /// The bound that `bothost.h` states.
  public static let maxPerOwner = 1024
  static let maxTotal = 1 << 16

  private struct State {
    var byIdentity: [Metric.Identity: Metric] = [:]
    var perOwner: [String: Int] = [:]
    var count = 0
    var readings: [Reading] = []
  }

  /// A gauge that is asked for when it is looked at.
  private struct Reading: Sendable {
    let identity: Metric.Identity
    let help: String
    let read: @Sendable () -> Int64
  }

  private let state = Mutex(State())
  /// By token, so that recording needs no lock; entries are only added. A metric lives as long as the registry.
  private let table: MetricTable

  public init() { table = MetricTable(capacity: Self.maxTotal) }

  /// Why a metric cannot be had.
  public struct Refusal: Error, CustomStringConvertible {
    /// The failure for the ABI.
    public let rc: bh_rc
    public let description: String

    init(rc: bh_rc, _ description: String) {
      self.rc = rc
      self.description = description
    }
  }

  /// Makes or finds a metric. BH_E_INVALID: the name is none, or is known as another kind; BH_E_NOSPACE: the owner has
  /// too many.
  public func define(
    _ kind: Metric.Kind, _ identity: Metric.Identity, help: String
  ) -> Result<Metric, Refusal> {
    guard Self.isName(identity.name) else {
      return .failure(
        Refusal(rc: bh_rc(BH_E_INVALID), "'\(identity.name)' is no name of a metric: [a-z][a-z0-9_]*, at most 64"))
    }
    return state.withLock { state in
      if let known = state.byIdentity[identity] {
        guard known.kind == kind else {
          return .failure(Refusal(rc: bh_rc(BH_E_INVALID), "the metric '\(identity.name)' is of another kind already"))
        }
        return .success(known)
      }
      guard state.perOwner[identity.owner, default: 0] < Self.maxPerOwner, state.count < Self.maxTotal else {
        return .failure(Refusal(rc: bh_rc(BH_E_NOSPACE), "an instance has at most \(Self.maxPerOwner) metrics"))
      }
      let line = help.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
      let metric = Metric(kind: kind, identity: identity, help: line)
      state.byIdentity[identity] = metric
      state.perOwner[identity.owner, default: 0] += 1
      table.set(state.count, metric)
      state.count += 1
      return .success(metric)
    }
  }

  /// A metric of the host itself, whose names are right. One that is refused works, and nobody sees it.
  public func make(
    _ kind: Metric.Kind, _ name: String, labels: [Metric.Label] = [], help: String
  ) -> Metric {
    let identity = Metric.Identity(name: name, labels: labels)
    switch define(kind, identity, help: help) {
    case .success(let metric): return metric
    case .failure: return Metric(kind: kind, identity: identity, help: help)
    }
  }

  /// A gauge that `read` answers when somebody looks, on that thread.
  public func observe(
    _ name: String, labels: [Metric.Label] = [], help: String, _ read: @escaping @Sendable () -> Int64
  ) {
    let identity = Metric.Identity(name: name, labels: labels)
    state.withLock { state in
      state.readings.removeAll { $0.identity == identity }
      state.readings.append(Reading(identity: identity, help: help, read: read))
    }
  }

  /// Asks the gauges with these labels no more.
  public func forget(labels: [Metric.Label]) {
    state.withLock { $0.readings.removeAll { $0.identity.labels == labels } }
  }

  /// The token of a metric for the ABI; 0 when it is not of this registry.
  public func token(of metric: Metric) -> bh_token {
    state.withLock { state in
      for index in 0..<state.count where table.get(index) === metric { return bh_token(index + 1) }
      return 0
    }
  }

  /// `bh.metric.record`: without a lock. A token that names nothing is ignored.
  @inline(__always)
  public func record(_ token: bh_token, _ value: Int64) {
    guard token > 0, token <= Self.maxTotal else { return }
    table.get(Int(token) - 1)?.record(value)
  }

  private static func isName(_ name: String) -> Bool {
    let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
    guard let first = name.utf8.first, letters.contains(first), name.utf8.count <= 64 else { return false }
    return name.utf8.allSatisfy {
      letters.contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "_")
    }
  }

  // MARK: - Looking

  /// One metric as it is now.
  public struct Sample: Sendable {
    public let kind: Metric.Kind
    public let identity: Metric.Identity
    public let help: String
    public let value: Int64
    /// Of a histogram.
    public let distribution: MetricDistribution?
  }

  /// All metrics, by name, owner and labels.
  public func snapshot() -> [Sample] {
    let (metrics, readings) = state.withLock { (Array($0.byIdentity.values), $0.readings) }
    let samples =
      metrics.map {
        Sample(
          kind: $0.kind, identity: $0.identity, help: $0.help, value: $0.kind == .histogram ? 0 : $0.value,
          distribution: $0.kind == .histogram ? $0.distribution : nil)
      }
      + readings.map {
        Sample(kind: .gauge, identity: $0.identity, help: $0.help, value: $0.read(), distribution: nil)
      }
    return samples.sorted {
      ($0.identity.name, $0.identity.owner, $0.identity.labels.map(\.value).joined(separator: "\0"))
        < ($1.identity.name, $1.identity.owner, $1.identity.labels.map(\.value).joined(separator: "\0"))
    }
  }
}

/// References by number, read without a lock.
private final class MetricTable: @unchecked Sendable {
  private let cells: UnsafeMutablePointer<Atomic<UInt>>
  private let capacity: Int

  init(capacity: Int) {
    self.capacity = capacity
    cells = .allocate(capacity: capacity)
    for index in 0..<capacity { (cells + index).initialize(to: Atomic(0)) }
  }

  deinit {
    for index in 0..<capacity {
      let pointer = UnsafeRawPointer(bitPattern: (cells + index).pointee.load(ordering: .relaxed))
      if let pointer { Unmanaged<Metric>.fromOpaque(pointer).release() }
    }
    cells.deinitialize(count: capacity)
    cells.deallocate()
  }

  func set(_ index: Int, _ metric: Metric) {
    let bits = UInt(bitPattern: Unmanaged.passRetained(metric).toOpaque())
    (cells + index).pointee.store(bits, ordering: .releasing)
  }

  @inline(__always)
  func get(_ index: Int) -> Metric? {
    guard let pointer = UnsafeRawPointer(bitPattern: (cells + index).pointee.load(ordering: .acquiring)) else {
      return nil
    }
    return Unmanaged<Metric>.fromOpaque(pointer).takeUnretainedValue()
  }
}
