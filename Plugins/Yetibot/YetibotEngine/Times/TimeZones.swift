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
