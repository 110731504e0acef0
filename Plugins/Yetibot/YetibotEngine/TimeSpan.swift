/// Spans of time as text.
public enum TimeSpan {
  /// In seconds where it is a number of them: `1 second`, `5 seconds`, `1500 milliseconds`.
  static func exact(_ milliseconds: Int64) -> String {
    milliseconds > 0 && milliseconds.isMultiple(of: 1000)
      ? count(milliseconds / 1000, "second") : count(milliseconds, "millisecond")
  }

  private static func count(_ number: Int64, _ unit: String) -> String { "\(number) \(unit)\(number == 1 ? "" : "s")" }

  /// The largest unit alone: `3 seconds`, `1 minute`.
  public static func text(_ milliseconds: Int64) -> String {
    let units: [(Int64, String)] = [
      (604_800_000, "week"), (86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1000, "second"),
    ]
    for (length, name) in units where milliseconds >= length {
      return count(milliseconds / length, name)
    }
    return "\(milliseconds) milliseconds"
  }
}
