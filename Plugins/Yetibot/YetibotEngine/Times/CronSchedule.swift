/// When a cron runs: second, minute, hour, day of the week (Sunday is 1), day of the month, month, year. Each field is `*`, a number,
/// `/n`, `a-b`, `a-b/n`, or several of these with commas.
public struct CronSchedule: Sendable, Hashable {
  public static let fields = ["second", "minute", "hour", "day-of-week", "day-of-month", "month", "year"]

  enum Part: Sendable, Hashable {
    case any
    case every(Int)
    case range(Int, Int, step: Int)

    func fits(_ range: ClosedRange<Int>) -> Bool {
      switch self {
      case .any: true
      case .every(let step): step <= range.upperBound
      case .range(let low, let high, _): range.contains(low) && range.contains(high)
      }
    }
  }

  /// What each field takes, in the order of ``fields``.
  private(set) var parts: [[Part]]

  /// The numbers that each field can take.
  private static let ranges = [0...59, 0...59, 0...23, 1...7, 1...31, 1...12, 1970...9999]

  /// Seven fields, or six: then the second is 0. nil when a field cannot be read.
  ///
  /// - Parameter isStrict: whether numbers that a field never takes are refused.
  public init?(_ text: String, isStrict: Bool = false) {
    var words = text.split(separator: " ").map(String.init)
    if words.count == 6 { words.insert("0", at: 0) }
    guard words.count == 7 else { return nil }
    var parts: [[Part]] = []
    for (index, word) in words.enumerated() {
      guard let field = Self.field(word) else { return nil }
      if isStrict, !field.allSatisfy({ $0.fits(Self.ranges[index]) }) { return nil }
      parts.append(field)
    }
    self.parts = parts
  }

  private static func field(_ text: String) -> [Part]? {
    var parts: [Part] = []
    for piece in text.split(separator: ",", omittingEmptySubsequences: false) {
      if piece == "*" {
        parts.append(.any)
        continue
      }
      let halves = piece.split(separator: "/", omittingEmptySubsequences: false)
      guard halves.count <= 2 else { return nil }
      var step = 1
      if halves.count == 2 {
        guard let number = Int(halves[1]), number > 0, number < 10_000 else { return nil }
        step = number
        if halves[0].isEmpty || halves[0] == "*" {
          parts.append(.every(step))
          continue
        }
      }
      let ends = halves[0].split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard ends.count <= 2, let low = ends[0], low >= 0, let high = ends.count == 2 ? ends[1] : low, high >= low else {
        return nil
      }
      parts.append(.range(low, high, step: step))
    }
    return parts.isEmpty ? nil : parts
  }

  /// Whether one field takes a number.
  public static func matches(_ text: String, _ value: Int) -> Bool { field(text).map { matches($0, value) } ?? false }

  private static func matches(_ parts: [Part], _ value: Int) -> Bool {
    parts.contains { part in
      switch part {
      case .any: true
      case .every(let step): value % step == 0
      case .range(let low, let high, let step): value >= low && value <= high && (value - low) % step == 0
      }
    }
  }

  /// Whether a field takes a number; see ``fields``.
  func matches(_ field: Int, _ value: Int) -> Bool { Self.matches(parts[field], value) }

  /// Whether it runs at this second.
  public func matches(_ time: CivilTime) -> Bool {
    let values = [time.second, time.minute, time.hour, time.weekday, time.day, time.month, time.year]
    return zip(parts, values).allSatisfy(Self.matches)
  }
}
