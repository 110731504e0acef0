/// Dates and times as the filter `date` and the tag `now` write them: the patterns of Java's `DateTimeFormatter`, in English.
enum TemplateDates {
  private static let formats = [
    "shortTime": "h:mm a", "shortDate": "M/d/yy", "shortDateTime": "M/d/yy, h:mm a", "mediumTime": "h:mm:ss a",
    "mediumDate": "MMM d, yyyy", "mediumDateTime": "MMM d, yyyy, h:mm:ss a", "longTime": "h:mm:ss a z",
    "longDate": "MMMM d, yyyy", "longDateTime": "MMMM d, yyyy 'at' h:mm:ss a z", "fullTime": "h:mm:ss a zzzz",
    "fullDate": "EEEE, MMMM d, yyyy", "fullDateTime": "EEEE, MMMM d, yyyy 'at' h:mm:ss a zzzz",
  ]

  /// - Parameters:
  ///   - value: milliseconds since 1970, or a date such as `2020-02-29T14:30`.
  ///   - arguments: the format, and perhaps a language.
  static func text(of value: Value, _ arguments: [String], utcOffset: Int64) throws -> String {
    guard let format = arguments.first else {
      throw Template.Failure("date needs a format, such as \"yyyy-MM-dd\" or shortDate")
    }
    if arguments.count > 1, arguments[1].lowercased() != "en" {
      throw Template.Failure("dates are written in English here, not in \(arguments[1])")
    }
    guard let moment = value.integer ?? value.stringValue.flatMap({ CivilTime.parse($0, utcOffset: utcOffset) }) else {
      throw Template.Failure("\(value.text) is no date, such as 2020-02-29T14:30 or milliseconds since 1970")
    }
    return try text(of: moment, format, utcOffset: utcOffset)
  }

  /// - Parameter moment: milliseconds since 1970.
  static func text(of moment: Int64, _ format: String, utcOffset: Int64) throws -> String {
    // Calendars are reckoned for as long as anybody needs, ten thousand years both ways.
    guard moment.magnitude < 315_360_000_000_000 else {
      throw Template.Failure("\(moment) is no moment that has a date")
    }
    let time = CivilTime(milliseconds: moment, utcOffset: utcOffset)
    let milliseconds = Int(((moment % 1000) + 1000) % 1000)
    var result = ""
    var rest = (formats[format] ?? format)[...]
    while let letter = rest.first {
      if letter == "'" {
        result += try quoted(&rest, format)
        continue
      }
      let count = rest.prefix { $0 == letter }.count
      rest = rest.dropFirst(count)
      guard letter.isASCII, letter.isLetter else {
        result += String(repeating: letter, count: count)
        continue
      }
      guard count <= 9, let field = field(letter, count, time, milliseconds, utcOffset) else {
        throw Template.Failure("\(String(repeating: letter, count: count)) in the format \(format) stands for nothing")
      }
      result += field
    }
    return result
  }

  /// What stands between quotes; two of them are one.
  private static func quoted(_ rest: inout Substring, _ format: String) throws -> String {
    rest.removeFirst()
    if rest.first == "'" {
      rest.removeFirst()
      return "'"
    }
    var text = ""
    while let character = rest.popFirst() {
      if character != "'" {
        text.append(character)
      } else if rest.first == "'" {
        text.append(character)
        rest.removeFirst()
      } else {
        return text
      }
    }
    throw Template.Failure("a quote in the format \(format) is not closed")
  }

  private static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
  ]
  private static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

  private static func padded(_ number: Int, _ count: Int) -> String {
    let digits = String(number.magnitude)
    return (number < 0 ? "-" : "") + String(repeating: "0", count: max(count - digits.count, 0)) + digits
  }

  /// A name in three letters, whole, or in one.
  private static func name(_ name: String, _ count: Int) -> String? {
    switch count {
    case 1...3: String(name.prefix(3))
    case 4: name
    case 5: String(name.prefix(1))
    default: nil
    }
  }

  private static func field(
    _ letter: Character, _ count: Int, _ time: CivilTime, _ milliseconds: Int, _ utcOffset: Int64
  ) -> String? {
    switch letter {
    case "y", "u": return count == 2 ? padded(((time.year % 100) + 100) % 100, 2) : padded(time.year, count)
    case "M", "L": return count <= 2 ? padded(time.month, count) : name(months[time.month - 1], count)
    case "d": return padded(time.day, count)
    case "D": return padded(dayOfYear(time), count)
    case "E": return name(weekdays[time.weekday - 1], count)
    case "e", "c": return count <= 2 ? padded(time.weekday, count) : name(weekdays[time.weekday - 1], count)
    case "Q", "q":
      let quarter = (time.month - 1) / 3 + 1
      return count <= 2 ? padded(quarter, count) : count == 3 ? "Q\(quarter)" : nil
    case "a": return time.hour < 12 ? "AM" : "PM"
    case "H": return padded(time.hour, count)
    case "k": return padded(time.hour == 0 ? 24 : time.hour, count)
    case "K": return padded(time.hour % 12, count)
    case "h": return padded(time.hour % 12 == 0 ? 12 : time.hour % 12, count)
    case "m": return padded(time.minute, count)
    case "s": return padded(time.second, count)
    case "S": return String((padded(milliseconds, 3) + "000000").prefix(count))
    case "G": return time.year > 0 ? "AD" : "BC"
    case "z": return utcOffset == 0 ? "UTC" : "UTC" + offset(utcOffset, ":")
    case "Z":
      return count == 5 && utcOffset == 0 ? "Z" : (count == 4 ? "GMT" : "") + offset(utcOffset, count > 3 ? ":" : "")
    case "X" where utcOffset == 0: return "Z"
    case "X", "x": return offset(utcOffset, count == 3 ? ":" : "", hoursAlone: count == 1)
    default: return nil
    }
  }

  private static func dayOfYear(_ time: CivilTime) -> Int {
    let first = CivilTime.days(year: Int64(time.year), month: 1, day: 1) ?? 0
    let today = CivilTime.days(year: Int64(time.year), month: Int64(time.month), day: Int64(time.day)) ?? 0
    return Int(today - first) + 1
  }

  private static func offset(_ seconds: Int64, _ separator: String, hoursAlone: Bool = false) -> String {
    let minutes = Int(seconds.magnitude / 60)
    let hours = (seconds < 0 ? "-" : "+") + padded(minutes / 60, 2)
    return hoursAlone && minutes.isMultiple(of: 60) ? hours : hours + separator + padded(minutes % 60, 2)
  }
}
