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
  public static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

  /// Milliseconds since 1970 of `YYYY-MM-DD`, perhaps with `Thh:mm`, `:ss`, a fraction and a zone (`Z`, `+02:00`); nil for anything else and
  /// for a day that there is not.
  ///
  /// - Parameter utcOffset: seconds east of UTC of a time without a zone.
  public static func parse(_ text: String, utcOffset: Int64 = 0) -> Int64? {
    guard let parts = written?.groups(in: text.trimmed) else { return nil }
    let numbers = parts[1...6].map { $0.flatMap { Int64($0) } ?? 0 }
    guard numbers[3] < 24, numbers[4] < 60, numbers[5] < 61,
      let days = days(year: numbers[0], month: numbers[1], day: numbers[2])
    else { return nil }
    let offset = parts[7].map(seconds(eastInZone:)) ?? utcOffset
    return (days * 86_400 + numbers[3] * 3600 + numbers[4] * 60 + numbers[5] - offset) * 1000
  }

  private static let written = try? Pattern(
    #"^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?)?$"#)

  private static func seconds(eastInZone zone: String) -> Int64 {
    let digits = zone.filter(\.isNumber)
    guard let hours = Int64(digits.prefix(2)), let minutes = Int64(digits.suffix(2)) else { return 0 }
    return (hours * 3600 + minutes * 60) * (zone.hasPrefix("-") ? -1 : 1)
  }

  /// Days since 1970; nil for a day that there is not.
  static func days(year: Int64, month: Int64, day: Int64) -> Int64? {
    guard (1...12).contains(month), (1...31).contains(day) else { return nil }
    let marchYear = month <= 2 ? year - 1 : year
    let era = floorDivision(marchYear, 400)
    let yearOfEra = marchYear - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    return CivilTime(milliseconds: days * 86_400_000).day == day ? days : nil
  }

  /// The same time of the day so many months later, on the last day of the month where that one is shorter.
  static func adding(months: Int64, to milliseconds: Int64) -> Int64 {
    let time = CivilTime(milliseconds: milliseconds)
    let month = Int64(time.year) * 12 + Int64(time.month) - 1 + months
    let year = floorDivision(month, 12)
    let ofDay = milliseconds - floorDivision(milliseconds, 86_400_000) * 86_400_000
    let days = (0...3).lazy.compactMap {
      self.days(year: year, month: month - year * 12 + 1, day: Int64(time.day) - $0)
    }.first
    return (days ?? 0) * 86_400_000 + ofDay
  }
}
