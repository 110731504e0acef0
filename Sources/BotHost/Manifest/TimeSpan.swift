/// A length of time: `200ms`, `5s`, `10m` in YAML.
public struct TimeSpan: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// Never negative.
  public var nanoseconds: Int64

  public init(nanoseconds: Int64) { self.nanoseconds = max(0, nanoseconds) }

  /// So many thousandths of a second.
  public static func milliseconds(_ count: Int64) -> TimeSpan { TimeSpan(nanoseconds: count * 1_000_000) }
  /// So many seconds.
  public static func seconds(_ count: Int64) -> TimeSpan { TimeSpan(nanoseconds: count * 1_000_000_000) }
  /// So many minutes.
  public static func minutes(_ count: Int64) -> TimeSpan { seconds(count * 60) }

  private static let units: [(name: String, nanoseconds: Int64)] = [
    ("ns", 1), ("us", 1_000), ("µs", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000),
    ("h", 3_600_000_000_000), ("d", 86_400_000_000_000),
  ]

  /// A number and a unit: `1.5s`, `0s`; several parts may follow each other, largest first: `1m30s`. At most 100 years.
  public init?(_ text: String) {
    var rest = Substring(text)
    var total = 0.0
    var lastUnit = Int64.max
    guard !rest.isEmpty else { return nil }
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
      rest = rest.dropFirst(digits.count)
      let unitName = rest.prefix { $0.isLetter }
      rest = rest.dropFirst(unitName.count)
      guard let first = digits.first, first != ".", digits.last != ".", let number = Double(digits),
        let unit = Self.units.first(where: { $0.name == unitName }), unit.nanoseconds < lastUnit
      else { return nil }
      lastUnit = unit.nanoseconds
      total += number * Double(unit.nanoseconds)
    }
    guard total <= 36_525 * 86_400e9 else { return nil }
    nanoseconds = Int64(total.rounded())
  }

  public static func < (a: TimeSpan, b: TimeSpan) -> Bool { a.nanoseconds < b.nanoseconds }

  public var description: String {
    if nanoseconds == 0 { return "0s" }
    for unit in Self.units.reversed() where unit.name != "d" && nanoseconds % unit.nanoseconds == 0 {
      return "\(nanoseconds / unit.nanoseconds)\(unit.name)"
    }
    return "\(nanoseconds)ns"
  }
}

/// Two lengths of time, `200ms..30s`: the first wait and the longest.
public struct TimeRange: Sendable, Hashable, CustomStringConvertible {
  public var lower: TimeSpan
  public var upper: TimeSpan

  public init(_ lower: TimeSpan, _ upper: TimeSpan) {
    self.lower = lower
    self.upper = max(lower, upper)
  }

  /// `a..b` with a not above b, or one length for both.
  public init?(_ text: String) {
    guard let dots = text.rangeOfDots else {
      guard let span = TimeSpan(text) else { return nil }
      self.init(span, span)
      return
    }
    guard let lower = TimeSpan(String(text[..<dots.lowerBound])),
      let upper = TimeSpan(String(text[dots.upperBound...])),
      lower <= upper
    else { return nil }
    self.init(lower, upper)
  }

  public var description: String { lower == upper ? "\(lower)" : "\(lower)..\(upper)" }
}

extension String {
  fileprivate var rangeOfDots: Range<String.Index>? {
    var index = startIndex
    while index < endIndex {
      let next = self.index(after: index)
      if self[index] == ".", next < endIndex, self[next] == "." { return index..<self.index(after: next) }
      index = next
    }
    return nil
  }
}

/// So many times in so long: `5/10m`.
public struct RateLimit: Sendable, Hashable, CustomStringConvertible {
  public var count: Int
  public var period: TimeSpan

  public init(_ count: Int, per period: TimeSpan) {
    self.count = count
    self.period = period
  }

  public init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0].allSatisfy(\.isWholeNumber), let count = Int(parts[0]), count > 0,
      count <= 1_000_000, let period = TimeSpan(String(parts[1])), period.nanoseconds > 0
    else { return nil }
    self.init(count, per: period)
  }

  public var description: String { "\(count)/\(period)" }
}
