/// Dates as people say them.
///
/// A day: `now`, `today`, `yesterday`, `tomorrow`, `3 days ago`, `a week ago`, `in 2 hours`, `2 weeks from now`, `monday`, `next friday`,
/// `last sunday`, `next week`, `last month`, `2020-02-29`; then perhaps a time: `at 5pm`, `14:30`, `noon`, `midnight`.
public enum NaturalDate {
  private static let units: [String: Int64] = [
    "second": 1000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000, "week": 604_800_000,
    "month": 30 * 86_400_000, "year": 365 * 86_400_000,
  ]
  private static let weekdays = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
  private static let day: Int64 = 86_400_000

  /// Milliseconds since 1970; nil for what is not understood.
  ///
  /// - Parameter utcOffset: seconds east of UTC of the days and times that are meant, where the text does not say.
  public static func parse(_ text: String, now: Int64, utcOffset: Int64 = 0) -> Int64? {
    guard text.utf8.count <= 100 else { return nil }
    if let exact = CivilTime.parse(text) { return exact }
    var words = text.lowercased().split { $0 == " " || $0 == "," }.map(String.init)[...]
    guard !words.isEmpty else { return nil }
    let local = now + utcOffset * 1000
    let midnight = local - ((local % day) + day) % day
    guard let (moment, isDay) = date(&words, local, midnight) else { return nil }
    var result = moment
    if words.first == "at" { words.removeFirst() }
    if let word = words.popFirst() {
      guard let time = timeOfDay(word, words.first) else { return nil }
      if words.first == "am" || words.first == "pm" { words.removeFirst() }
      result = (isDay ? moment : moment - ((moment % day) + day) % day) + time
    }
    return words.isEmpty ? result - utcOffset * 1000 : nil
  }

  /// The moment in local time, and whether it is a whole day. Takes the words that say it.
  private static func date(_ words: inout ArraySlice<String>, _ local: Int64, _ midnight: Int64) -> (Int64, Bool)? {
    let first = words.first ?? ""
    if first == "at" || timeOfDay(first, words.dropFirst().first) != nil, amount(first) == nil || words.count == 1 {
      return (midnight, true)
    }
    words.removeFirst()
    switch first {
    case "now": return (local, false)
    case "today": return (midnight, true)
    case "yesterday": return (midnight - day, true)
    case "tomorrow": return (midnight + day, true)
    case "next", "last", "this":
      guard let word = words.popFirst() else { return nil }
      if let unit = units[word] { return (local + (first == "next" ? unit : first == "last" ? -unit : 0), false) }
      return weekday(word, first, midnight).map { ($0, true) }
    case "in":
      guard let count = words.popFirst().flatMap(amount), let unit = words.popFirst().flatMap(unit) else { return nil }
      return (local + count * unit, false)
    default:
      if let time = weekday(first, "this", midnight) { return (time, true) }
      guard let count = amount(first), let unit = words.popFirst().flatMap(unit) else { return nil }
      if words.first == "ago" {
        words.removeFirst()
        return (local - count * unit, false)
      }
      guard words.starts(with: ["from", "now"]) else { return nil }
      words.removeFirst(2)
      return (local + count * unit, false)
    }
  }

  private static func amount(_ word: String) -> Int64? {
    if word == "a" || word == "an" || word == "one" { return 1 }
    guard word.utf8.count <= 6 else { return nil }
    return Int64(word).flatMap { $0 >= 0 ? $0 : nil }
  }

  private static func unit(_ word: String) -> Int64? { units[word.hasSuffix("s") ? String(word.dropLast()) : word] }

  /// The next such day, today too when it is only named; the one before today with `last`.
  private static func weekday(_ word: String, _ which: String, _ midnight: Int64) -> Int64? {
    guard word.count >= 3, let wanted = weekdays.firstIndex(where: { $0.hasPrefix(word) }) else { return nil }
    let today = CivilTime(milliseconds: midnight).weekday - 1
    let ahead = Int64((wanted - today + 7) % 7)
    switch which {
    case "last": return midnight - (ahead == 0 ? 7 : 7 - ahead) * day
    case "next": return midnight + (ahead == 0 ? 7 : ahead) * day
    default: return midnight + ahead * day
    }
  }

  /// Milliseconds since midnight.
  private static func timeOfDay(_ word: String, _ following: String?) -> Int64? {
    if word == "noon" { return day / 2 }
    if word == "midnight" { return 0 }
    var digits = word
    var half: String?
    for suffix in ["am", "pm"] where digits.hasSuffix(suffix) {
      half = suffix
      digits.removeLast(2)
    }
    if half == nil, following == "am" || following == "pm" { half = following }
    let parts = digits.split(separator: ":", omittingEmptySubsequences: false).map { Int64($0) }
    guard parts.count <= 2, parts.count == 2 || half != nil, var hour = parts[0], (0...23).contains(hour) else {
      return nil
    }
    guard let minute = parts.count == 2 ? parts[1] : 0, (0...59).contains(minute) else { return nil }
    if let half {
      guard (1...12).contains(hour) else { return nil }
      hour = hour % 12 + (half == "pm" ? 12 : 0)
    }
    return (hour * 60 + minute) * 60_000
  }
}

/// Time zones by the names that people use, each with one difference from UTC.
enum TimeZones {
  static let all: [(name: String, minutes: Int)] = [
    ("AEDT", 660), ("AEST", 600), ("BRT", -180), ("BST", 60), ("CDT", -300), ("CEST", 120), ("CET", 60), ("CST", -360),
    ("EDT", -240), ("EEST", 180), ("EET", 120), ("EST", -300), ("GMT", 0), ("HST", -600), ("IST", 330), ("JST", 540),
    ("KST", 540), ("MDT", -360), ("MSK", 180), ("MST", -420), ("NZDT", 780), ("NZST", 720), ("PDT", -420),
    ("PST", -480), ("SGT", 480), ("UTC", 0), ("WEST", 60), ("WET", 0),
  ]

  static func text(_ minutes: Int) -> String {
    let rest = abs(minutes) % 60
    return "\(abs(minutes) / 60):\(rest < 10 ? "0" : "")\(rest)"
  }
}
