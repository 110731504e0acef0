/// A schedule in words, and when it is due next.
extension CronSchedule {
  private static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
  private static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
  ]

  /// `at 17:30:00, on Monday to Friday`, `at second 0 of every 5th minute, in January`.
  public var words: String {
    var phrases = [timeOfDay]
    if let days = phrase(3, "weekday", names: Self.weekdays) { phrases.append("on \(days)") }
    if let days = phrase(4, "day") { phrases.append("on \(days) of the month") }
    if let months = phrase(5, "month", names: Self.months) { phrases.append("in \(months)") }
    if let years = phrase(6, "year") { phrases.append("in \(years)") }
    return phrases.joined(separator: ", ")
  }

  private var timeOfDay: String {
    if let hour = single(2), let minute = single(1), let second = single(0) {
      return "at " + [hour, minute, second].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
    }
    // The smallest unit first; what is taken in every one of the larger units goes without saying.
    let units = ["second", "minute", "hour"]
    let largest = (0..<3).last { phrase($0, units[$0]) != nil } ?? 0
    let phrases = (0...largest).map { phrase($0, units[$0]) ?? "every \(units[$0])" }
    let text = phrases.joined(separator: " of ")
    return text.hasPrefix("every") ? text : "at \(text)"
  }

  /// What a field takes: `minute 5, 10 and 20 to 25`, `every 5th minute`, `Monday to Friday`; nil for one that takes all.
  private func phrase(_ field: Int, _ unit: String, names: [String] = []) -> String? {
    func name(_ number: Int) -> String {
      names.indices.contains(number - 1) ? names[number - 1] : String(number)
    }
    var parts: [String] = []
    for part in self.parts[field] {
      switch part {
      case .any: return nil
      case .every(1): return nil
      case .every(let step): parts.append("every \(Self.ordinal(step)) \(unit)")
      case .range(let low, let high, _) where low == high: parts.append(name(low))
      case .range(let low, let high, 1): parts.append("\(name(low)) to \(name(high))")
      case .range(let low, let high, let step):
        parts.append("every \(Self.ordinal(step)) \(unit) from \(name(low)) to \(name(high))")
      }
    }
    guard let last = parts.popLast() else { return nil }
    let all = parts.isEmpty ? last : parts.joined(separator: ", ") + " and " + last
    return names.isEmpty && !all.hasPrefix("every") ? "\(unit) \(all)" : all
  }

  private static func ordinal(_ number: Int) -> String {
    let ending =
      switch (number % 100, number % 10) {
      case (11...13, _): "th"
      case (_, 1): "st"
      case (_, 2): "nd"
      case (_, 3): "rd"
      default: "th"
      }
    return "\(number)\(ending)"
  }

  /// The one number that a field takes; nil when it takes more.
  private func single(_ field: Int) -> Int? {
    guard parts[field].count == 1, case .range(let low, let high, _) = parts[field][0], low == high else { return nil }
    return low
  }

  /// How many days ahead are looked at: more than the four years between leap days, and the eight round 2100.
  private static let longestLook = 366 * 9
  private static let day: Int64 = 86_400_000

  /// The next moments after `start` at which it is due, at most `count`, in milliseconds since 1970; fewer when there are no more within
  /// nine years.
  ///
  /// - Parameter utcOffset: seconds east of UTC of the times that are meant.
  public func next(_ count: Int, after start: Int64, utcOffset: Int64 = 0) -> [Int64] {
    func numbers(_ field: Int, _ range: Range<Int>) -> [Int] { range.filter { matches(field, $0) } }
    let (seconds, minutes, hours) = (numbers(0, 0..<60), numbers(1, 0..<60), numbers(2, 0..<24))
    var found: [Int64] = []
    guard count > 0, !seconds.isEmpty, !minutes.isEmpty, !hours.isEmpty else { return [] }
    let local = start + utcOffset * 1000
    let midnight = local - ((local % Self.day) + Self.day) % Self.day
    for ahead in 0..<Int64(Self.longestLook) {
      let date = midnight + ahead * Self.day
      let civil = CivilTime(milliseconds: date)
      guard matches(3, civil.weekday), matches(4, civil.day), matches(5, civil.month), matches(6, civil.year) else {
        continue
      }
      for hour in hours {
        for minute in minutes {
          for second in seconds {
            let moment = date + Int64((hour * 60 + minute) * 60 + second) * 1000
            guard moment > local else { continue }
            found.append(moment - utcOffset * 1000)
            if found.count == count { return found }
          }
        }
      }
    }
    return found
  }
}
