/// The allowances of the sources of the log: a token bucket each for errors and for the rest.
struct LogLimits {
  /// More sources than this share one allowance, so that invented names cannot fill the memory.
  static let maxSources = 2048

  private struct Source {
    var tokens: [Double]
    var refilledAt: Int64
    var leftOut = [Int](repeating: 0, count: LogLevel.allCases.count)
    var leftOutSince: Int64 = 0
  }

  private var sources: [String: Source] = [:]

  /// Those with lines that were left out.
  var sourcesToSum: [String] { sources.filter { $0.value.leftOut.contains { $0 > 0 } }.map(\.key).sorted() }

  /// Takes a line's allowance; false, and one more to sum up, when there is none.
  mutating func admits(_ name: String, _ level: LogLevel, rate: HostLog.Rate, now: Int64) -> Bool {
    if rate.burst == .max { return true }
    let name = sources[name] != nil || sources.count < Self.maxSources ? name : "others"
    var source = sources[name] ?? Source(tokens: [Double(rate.burst), Double(rate.burst)], refilledAt: now)
    let refill = Double(max(0, now - source.refilledAt)) / 1e9 * Double(rate.perSecond)
    source.tokens = source.tokens.map { min(Double(rate.burst), $0 + refill) }
    source.refilledAt = now
    let bucket = level == .error ? 0 : 1
    let admitted = source.tokens[bucket] >= 1
    if admitted {
      source.tokens[bucket] -= 1
    } else {
      if source.leftOut.allSatisfy({ $0 == 0 }) { source.leftOutSince = now }
      source.leftOut[Int(level.rawValue) - 1] += 1
    }
    sources[name] = source
    return admitted
  }

  /// What to say about the lines of a source that were left out; counts anew.
  mutating func takeSummary(_ name: String, now: Int64) -> String? {
    guard var source = sources[name], source.leftOut.contains(where: { $0 > 0 }) else { return nil }
    let parts = LogLevel.allCases.compactMap { level -> String? in
      let count = source.leftOut[Int(level.rawValue) - 1]
      return count > 0 ? "\(count) \(level.name)" : nil
    }
    let total = source.leftOut.reduce(0, +)
    let tenths = max(1, (now - source.leftOutSince) / 100_000_000)
    source.leftOut = source.leftOut.map { _ in 0 }
    sources[name] = source
    let noun = total == 1 ? "line was" : "lines were"
    return "\(total) \(noun) left out in \(tenths / 10).\(tenths % 10) s (\(parts.joined(separator: ", ")))"
  }
}
