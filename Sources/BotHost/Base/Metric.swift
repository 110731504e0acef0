import Synchronization

/// One number, or one distribution, that grows while the host runs. Recording is one atomic operation (three for a
/// histogram), from any thread, and never waits.
public final class Metric: @unchecked Sendable {
  /// The kinds of `bothost.h`.
  public enum Kind: UInt32, Sendable {
    case counter = 1
    case gauge = 2
    case histogram = 3
  }

  /// What a metric is known by. Two with equal names belong to one family and differ in owner or labels.
  public struct Identity: Sendable, Hashable {
    /// `[a-z][a-z0-9_]*`, without the prefix and the suffixes that Prometheus wants.
    public var name: String
    /// The instance that made it; empty: the host.
    public var owner: String
    /// Besides the owner, in a fixed order.
    public var labels: [Label]

    public init(name: String, owner: String = "", labels: [Label] = []) {
      self.name = name
      self.owner = owner
      self.labels = labels
    }
  }

  /// What tells one of several metrics of a name from the others.
  public struct Label: Sendable, Hashable {
    public var name: String
    public var value: String

    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// Buckets of a histogram: bucket n counts values of at most 2^n, the last one all others.
  static let buckets = 64

  public let kind: Kind
  public let identity: Identity
  public let help: String
  /// The value; of a histogram the sum, the count, and the buckets after it.
  private let cells: UnsafeMutablePointer<Atomic<Int64>>
  private let cellCount: Int

  init(kind: Kind, identity: Identity, help: String) {
    self.kind = kind
    self.identity = identity
    self.help = help
    cellCount = kind == .histogram ? 2 + Self.buckets : 1
    cells = .allocate(capacity: cellCount)
    for index in 0..<cellCount { (cells + index).initialize(to: Atomic(0)) }
  }

  deinit {
    cells.deinitialize(count: cellCount)
    cells.deallocate()
  }

  /// Adds to a counter (a negative value is ignored), sets a gauge, observes a value.
  @inline(__always)
  public func record(_ value: Int64) {
    switch kind {
    case .counter:
      if value > 0 { cells.pointee.wrappingAdd(value, ordering: .relaxed) }
    case .gauge:
      cells.pointee.store(value, ordering: .relaxed)
    case .histogram:
      cells.pointee.wrappingAdd(value, ordering: .relaxed)
      (cells + 1).pointee.wrappingAdd(1, ordering: .relaxed)
      (cells + 2 + Self.bucket(of: value)).pointee.wrappingAdd(1, ordering: .relaxed)
    }
  }

  /// Changes a gauge, or adds to a counter, by an amount.
  @inline(__always)
  public func add(_ amount: Int64 = 1) {
    if kind == .gauge { cells.pointee.wrappingAdd(amount, ordering: .relaxed) } else { record(amount) }
  }

  @inline(__always)
  static func bucket(of value: Int64) -> Int {
    value <= 1 ? 0 : Int64.bitWidth &- (value &- 1).leadingZeroBitCount
  }

  /// The value now: of a counter or a gauge.
  public var value: Int64 { cells.pointee.load(ordering: .relaxed) }

  /// What was observed, of a histogram. The parts are read one after the other while others write.
  public var distribution: MetricDistribution {
    var distribution = MetricDistribution()
    guard kind == .histogram else { return distribution }
    distribution.sum = cells.pointee.load(ordering: .relaxed)
    distribution.counts = (0..<Self.buckets).map { (cells + 2 + $0).pointee.load(ordering: .relaxed) }
    return distribution
  }
}

/// The observations of a histogram.
public struct MetricDistribution: Sendable, Hashable {
  public var sum: Int64 = 0
  /// How many values were at most 2^n and more than 2^(n-1).
  public var counts: [Int64] = []

  /// How many values there were, of all sizes.
  public var count: Int64 { counts.reduce(0, +) }

  /// An upper bound for the value below which that share (0…1) of the observations lies: the end of its bucket.
  public func quantile(_ share: Double) -> Int64 {
    let total = count
    guard total > 0 else { return 0 }
    let wanted = max(1, Int64((Double(total) * min(1, max(0, share))).rounded(.up)))
    var seen: Int64 = 0
    for (bucket, count) in counts.enumerated() {
      seen += count
      if seen >= wanted { return bucket < 63 ? 1 << Int64(bucket) : .max }
    }
    return .max
  }
}
