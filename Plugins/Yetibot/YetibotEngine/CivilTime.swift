/// A moment as a calendar shows it (proleptic Gregorian).
public struct CivilTime: Sendable, Hashable {
  public var year, month, day, hour, minute, second: Int
  /// 1 for Sunday … 7 for Saturday.
  public var weekday: Int

  public init(milliseconds: Int64, utcOffset: Int64 = 0) {
    let seconds = Self.floorDivision(milliseconds, 1000) + utcOffset
    let days = Self.floorDivision(seconds, 86_400)
    let rest = Int(seconds - days * 86_400)
    hour = rest / 3600
    minute = rest / 60 % 60
    second = rest % 60
    weekday = Int(((days + 4) % 7 + 7) % 7) + 1
    // Days are counted in years that begin in March, so that the leap day is the last.
    let shifted = days + 719_468
    let era = Self.floorDivision(shifted, 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    day = Int(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    month = Int(shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9)
    year = Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0)
  }

  private static func floorDivision(_ value: Int64, _ divisor: Int64) -> Int64 {
    let quotient = value / divisor
    return value % divisor < 0 ? quotient - 1 : quotient
  }

  /// `YYYY-MM-DDThh:mm:ss`.
  var text: String { "\(date)T\(timeOfDay)" }

  /// `YYYY-MM-DD hh:mm:ss`.
  var spaced: String { "\(date) \(timeOfDay)" }

  private var date: String { "\(year)-\(Self.two(month))-\(Self.two(day))" }
  private var timeOfDay: String { "\(Self.two(hour)):\(Self.two(minute)):\(Self.two(second))" }

  /// The number with two digits.
  static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

  /// Milliseconds since 1970 of `YYYY-MM-DD`, perhaps with `Thh:mm` and `:ss`; nil for anything else.
  public static func parse(_ text: String) -> Int64? {
    guard let pattern = try? Pattern(#"^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2}))?)?"#) else {
      return nil
    }
    let scalars = PatternText(text.trimmed)
    var budget = 10_000
    guard let match = pattern.firstMatch(in: scalars, budget: &budget) else { return nil }
    let numbers = match.ranges.dropFirst().map { $0.flatMap { Int64(scalars.string($0)) } ?? 0 }
    guard (1...12).contains(numbers[1]), (1...31).contains(numbers[2]), numbers[3] < 24, numbers[4] < 60,
      numbers[5] < 61
    else { return nil }
    let year = numbers[1] <= 2 ? numbers[0] - 1 : numbers[0]
    let era = floorDivision(year, 400)
    let yearOfEra = year - era * 400
    let dayOfYear = (153 * (numbers[1] > 2 ? numbers[1] - 3 : numbers[1] + 9) + 2) / 5 + numbers[2] - 1
    let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    return (days * 86_400 + numbers[3] * 3600 + numbers[4] * 60 + numbers[5]) * 1000
  }
}
