import Synchronization

/// The numbers that operators watch. Recording is an atomic operation or two; defining and reading take a lock.
///
/// Histograms have a bucket for each power of two, so that nothing has to be chosen beforehand.
public final class Metrics: Sendable {
  public enum Kind: String, Sendable {
    case counter, gauge, histogram
  }

  /// For each owner.
  public static let limit = 1024
  /// For all owners: the table never moves, so that recording needs no lock.
  private static let capacity = 16 * 1024
  private static let buckets = 64

  private final class Metric: Sendable {
    let kind: Kind
    let owner: String
    let name: String
    let help: String
    let value = Atomic<Int64>(0)
    let count = Atomic<UInt64>(0)
    let cells: UnsafeMutablePointer<Atomic<UInt64>>?

    init(kind: Kind, owner: String, name: String, help: String) {
      self.kind = kind
      self.owner = owner
      self.name = name
      self.help = help
      if kind == .histogram {
        let cells = UnsafeMutablePointer<Atomic<UInt64>>.allocate(capacity: Metrics.buckets)
        for index in 0..<Metrics.buckets { (cells + index).initialize(to: Atomic(0)) }
        self.cells = cells
      } else {
        cells = nil
      }
    }

    deinit {
      guard let cells else { return }
      cells.deinitialize(count: Metrics.buckets)
      cells.deallocate()
    }
  }

  private struct Names {
    var metrics: [Metric] = []
    var byName: [String: UInt64] = [:]
    var perOwner: [String: Int] = [:]
  }

  private let names = Mutex(Names())
  /// Position id - 1; filled once, never changed, never freed before the registry.
  private let table: UnsafeMutablePointer<Atomic<UInt>>

  public init() {
    table = .allocate(capacity: Self.capacity)
    for index in 0..<Self.capacity { (table + index).initialize(to: Atomic(0)) }
  }

  deinit {
    table.deinitialize(count: Self.capacity)
    table.deallocate()
  }

  /// Makes or finds a metric; nil when another kind has the name or a limit is reached.
  public func define(_ kind: Kind, owner: String, name: String, help: String) -> UInt64? {
    names.withLock { names in
      let key = owner + "\u{0}" + name
      if let id = names.byName[key] {
        return names.metrics[Int(id) - 1].kind == kind ? id : nil
      }
      guard names.metrics.count < Self.capacity, names.perOwner[owner, default: 0] < Self.limit else { return nil }
      let metric = Metric(kind: kind, owner: owner, name: name, help: help)
      names.metrics.append(metric)
      let id = UInt64(names.metrics.count)
      names.byName[key] = id
      names.perOwner[owner, default: 0] += 1
      let pointer = UInt(bitPattern: Unmanaged.passUnretained(metric).toOpaque())
      table[Int(id) - 1].store(pointer, ordering: .releasing)
      return id
    }
  }

  /// Adds to a counter, sets a gauge, observes a value. An unknown id does nothing.
  public func record(_ id: UInt64, _ value: Int64) {
    guard id > 0, id <= UInt64(Self.capacity),
      let pointer = UnsafeRawPointer(bitPattern: table[Int(id) - 1].load(ordering: .acquiring))
    else { return }
    Unmanaged<Metric>.fromOpaque(pointer)._withUnsafeGuaranteedRef { metric in
      switch metric.kind {
      case .counter: metric.value.wrappingAdd(value, ordering: .relaxed)
      case .gauge: metric.value.store(value, ordering: .relaxed)
      case .histogram:
        let bucket = value <= 0 ? 0 : Int64.bitWidth - value.leadingZeroBitCount
        metric.cells?[min(bucket, Self.buckets - 1)].wrappingAdd(1, ordering: .relaxed)
        metric.count.wrappingAdd(1, ordering: .relaxed)
        metric.value.wrappingAdd(value, ordering: .relaxed)
      }
    }
  }

  /// All metrics in Prometheus' text format, named `bothost_NAME{instance="OWNER"}`.
  public func text() -> String {
    let metrics = names.withLock { $0.metrics }
    var text = ""
    for (name, group) in Dictionary(grouping: metrics, by: \.name).sorted(by: { $0.key < $1.key }) {
      guard let first = group.first else { continue }
      text += "# HELP bothost_\(name) \(Self.escaped(first.help))\n# TYPE bothost_\(name) \(first.kind.rawValue)\n"
      for metric in group.sorted(by: { $0.owner < $1.owner }) where metric.kind == first.kind {
        let label = "instance=\"\(Self.escaped(metric.owner))\""
        guard let cells = metric.cells else {
          text += "bothost_\(name){\(label)} \(metric.value.load(ordering: .relaxed))\n"
          continue
        }
        var sum: UInt64 = 0
        var last = 0
        for index in 0..<Self.buckets where cells[index].load(ordering: .relaxed) > 0 { last = index }
        for index in 0...last {
          sum += cells[index].load(ordering: .relaxed)
          let bound = index == 0 ? 0 : index >= 63 ? Int64.max : (Int64(1) << index) - 1
          text += "bothost_\(name)_bucket{\(label),le=\"\(bound)\"} \(sum)\n"
        }
        let count = metric.count.load(ordering: .relaxed)
        text += "bothost_\(name)_bucket{\(label),le=\"+Inf\"} \(count)\n"
        text += "bothost_\(name)_sum{\(label)} \(metric.value.load(ordering: .relaxed))\n"
        text += "bothost_\(name)_count{\(label)} \(count)\n"
      }
    }
    return text
  }

  private static func escaped(_ text: String) -> String {
    var result = ""
    for character in text.unicodeScalars {
      switch character {
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\"": result += "\\\""
      default: result.unicodeScalars.append(character)
      }
    }
    return result
  }
}
