/// Dates as people say them: a day, a time, or both in any order.
///
/// A day: `now`, `today`, `yesterday`, `tomorrow`, `3 days ago`, `half an hour ago`, `in 2 hours and 5 minutes`, `a week from now`, `monday`,
/// `next friday`, `last sunday`, `next week`, `last month`, `march 5`, `5th march 2020`, `2020-02-29`. A time: `5pm`, `14:30`, `noon`, `midnight`.
public struct NaturalDate {
  private var words: ArraySlice<String>
  /// Now, and the midnight before it, in local time.
  private let local: Int64
  private let midnight: Int64

  /// Milliseconds since 1970; nil for what is not understood.
  ///
  /// - Parameter utcOffset: seconds east of UTC of the days and times that are meant, where the text does not say.
  public static func parse(_ text: String, now: Int64, utcOffset: Int64 = 0) -> Int64? {
    guard text.utf8.count <= 100 else { return nil }
    if let exact = CivilTime.parse(text, utcOffset: utcOffset) { return exact }
    let words = text.lowercased().split { $0 == " " || $0 == "," }.map(String.init)
    var date = NaturalDate(words: words[...], local: now + utcOffset * 1000)
    return date.moment().map { $0 - utcOffset * 1000 }
  }

  private init(words: ArraySlice<String>, local: Int64) {
    self.words = words
    self.local = local
    midnight = Self.midnight(of: local)
  }

  private static let day: Int64 = 86_400_000

  private static func midnight(of moment: Int64) -> Int64 { moment - ((moment % day) + day) % day }

  private mutating func moment() -> Int64? {
    var date: Int64?
    var time: Int64?
    while let word = words.first {
      if ["at", "on", "the"].contains(word) {
        words.removeFirst()
      } else if time == nil, let found = takeTimeOfDay() {
        time = found
      } else if date == nil, let found = takeDate() {
        date = found
      } else {
        return nil
      }
    }
    guard let time else { return date }
    return (date.map(Self.midnight) ?? midnight) + time
  }

  // MARK: Days

  private mutating func takeDate() -> Int64? {
    guard let first = words.first else { return nil }
    if let date = takeMonthAndDay() ?? takeSpan() { return date }
    words.removeFirst()
    switch first {
    case "now": return local
    case "today": return midnight
    case "yesterday": return midnight - Self.day
    case "tomorrow": return midnight + Self.day
    case "next", "last", "this":
      guard let word = words.popFirst() else { return nil }
      let sign: Int64 = first == "next" ? 1 : first == "last" ? -1 : 0
      return Self.unit(word).map { Span(sign, $0).moved(local) } ?? weekday(word, first)
    default: return weekday(first, "this") ?? CivilTime.parse(first)
    }
  }

  private static let weekdays = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
  private static let months = [
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
  ]

  /// The place of a name of which a word is the beginning, three letters or more.
  private static func place(of word: String, in names: [String]) -> Int? {
    word.utf8.count < 3 ? nil : names.firstIndex { $0.hasPrefix(word) }
  }

  /// The next such day, today too when it is only named; the one before today with `last`.
  private func weekday(_ word: String, _ which: String) -> Int64? {
    guard let wanted = Self.place(of: word, in: Self.weekdays) else { return nil }
    let today = CivilTime(milliseconds: midnight).weekday - 1
    let ahead = Int64((wanted - today + 7) % 7)
    switch which {
    case "last": return midnight - (ahead == 0 ? 7 : 7 - ahead) * Self.day
    case "next": return midnight + (ahead == 0 ? 7 : ahead) * Self.day
    default: return midnight + ahead * Self.day
    }
  }

  /// `march 5`, `5 march`, `5th of march 2020`: without a year the next one, today too. Takes nothing where there is no such day.
  private mutating func takeMonthAndDay() -> Int64? {
    let parts = words.prefix(3).filter { $0 != "of" }.prefix(2)
    guard parts.count == 2, let first = parts.first, let second = parts.last else { return nil }
    let month: Int
    let day: Int64
    if let named = Self.place(of: first, in: Self.months), let number = Self.dayOfMonth(second) {
      (month, day) = (named, number)
    } else if let named = Self.place(of: second, in: Self.months), let number = Self.dayOfMonth(first) {
      (month, day) = (named, number)
    } else {
      return nil
    }
    var rest = words.dropFirst(words.dropFirst().first == "of" ? 3 : 2)
    func date(_ year: Int64) -> Int64? {
      CivilTime.days(year: year, month: Int64(month + 1), day: day).map { $0 * Self.day }
    }
    // Without a year, a leap day may be eight years ahead.
    let year = Int64(CivilTime(milliseconds: midnight).year)
    var found = (year...year + 8).lazy.compactMap(date).first { $0 >= midnight }
    if let word = rest.first, word.utf8.count == 4, let year = Int64(word) {
      rest.removeFirst()
      found = date(year)
    }
    if found != nil { words = rest }
    return found
  }

  private static func dayOfMonth(_ word: String) -> Int64? {
    let digits = ["st", "nd", "rd", "th"].contains { word.hasSuffix($0) } ? word.dropLast(2) : word[...]
    return digits.utf8.count <= 2 ? Int64(digits) : nil
  }

  // MARK: Spans

  /// So many months and milliseconds.
  private struct Span {
    var months: Int64 = 0
    var milliseconds: Int64 = 0

    init(_ count: Int64, _ unit: Unit) {
      switch unit {
      case .months(let months): self.months = months * count
      case .milliseconds(let milliseconds): self.milliseconds = milliseconds * count
      }
    }

    func moved(_ moment: Int64, isBack: Bool = false) -> Int64 {
      let sign: Int64 = isBack ? -1 : 1
      return CivilTime.adding(months: sign * months, to: moment) + sign * milliseconds
    }
  }

  private enum Unit {
    case months(Int64)
    case milliseconds(Int64)
  }

  private static func unit(_ word: String) -> Unit? {
    switch word.hasSuffix("s") ? String(word.dropLast()) : word {
    case "second", "sec": .milliseconds(1000)
    case "minute", "min": .milliseconds(60_000)
    case "hour": .milliseconds(3_600_000)
    case "day": .milliseconds(day)
    case "week": .milliseconds(7 * day)
    case "month": .months(1)
    case "year": .months(12)
    default: nil
    }
  }

  private static let numbers = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
  ]

  private static func amount(_ word: String) -> Int64? {
    if word == "a" || word == "an" { return 1 }
    if let number = numbers.firstIndex(of: word) { return Int64(number) }
    guard word.utf8.count <= 5, let number = Int64(word), number >= 0 else { return nil }
    return number
  }

  /// `3 days ago`, `in 2 hours and 5 minutes`, `a week from now`. Takes nothing where there is no such thing.
  private mutating func takeSpan() -> Int64? {
    var rest = words
    let isAhead = rest.first == "in"
    if isAhead { rest.removeFirst() }
    guard var span = Self.takeAmount(&rest) else { return nil }
    while true {
      var following = rest
      if following.first == "and" { following.removeFirst() }
      guard let more = Self.takeAmount(&following) else { break }
      rest = following
      span.months += more.months
      span.milliseconds += more.milliseconds
    }
    var isBack = false
    if !isAhead {
      if rest.first == "ago" {
        isBack = true
        rest.removeFirst()
      } else if rest.starts(with: ["from", "now"]) {
        rest.removeFirst(2)
      } else {
        return nil
      }
    }
    words = rest
    return span.moved(local, isBack: isBack)
  }

  private static func takeAmount(_ words: inout ArraySlice<String>) -> Span? {
    var rest = words
    let isHalf = rest.first == "half"
    if isHalf { rest.removeFirst() }
    guard let count = rest.popFirst().flatMap(amount), let unit = rest.popFirst().flatMap(unit) else { return nil }
    var span = Span(count, unit)
    if isHalf {
      guard count == 1, span.months == 0 else { return nil }
      span.milliseconds /= 2
    }
    words = rest
    return span
  }

  // MARK: Times

  /// Milliseconds since midnight.
  private mutating func takeTimeOfDay() -> Int64? {
    guard let word = words.first else { return nil }
    if word == "noon" || word == "midnight" {
      words.removeFirst()
      return word == "noon" ? Self.day / 2 : 0
    }
    var digits = word
    var half = ["am", "pm"].first { digits.hasSuffix($0) }
    if half != nil { digits.removeLast(2) }
    var count = 1
    if half == nil, let following = words.dropFirst().first, following == "am" || following == "pm" {
      half = following
      count = 2
    }
    let parts = digits.split(separator: ":", omittingEmptySubsequences: false).map { Int64($0) }
    guard parts.count <= 2, parts.count == 2 || half != nil, var hour = parts[0], (0...23).contains(hour),
      let minute = parts.count == 2 ? parts[1] : 0, (0...59).contains(minute)
    else { return nil }
    if let half {
      guard (1...12).contains(hour) else { return nil }
      hour = hour % 12 + (half == "pm" ? 12 : 0)
    }
    words.removeFirst(count)
    return (hour * 60 + minute) * 60_000
  }
}
