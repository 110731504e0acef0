import Glibc

/// Points in time as text.
public enum Timestamp {
  /// `2026-01-02T03:04:05.678Z` (RFC 3339, UTC) for nanoseconds since 1970.
  public static func rfc3339(_ unix: Int64) -> String {
    let milliseconds = unix.quotientRoundedDown(by: 1_000_000)
    let seconds = milliseconds.quotientRoundedDown(by: 1000)
    var time = time_t(seconds)
    var parts = tm()
    gmtime_r(&time, &parts)
    let bytes =
      digits(Int(parts.tm_year) + 1900, 4) + [45] + digits(Int(parts.tm_mon) + 1, 2) + [45]
      + digits(Int(parts.tm_mday), 2) + [84] + digits(Int(parts.tm_hour), 2) + [58] + digits(Int(parts.tm_min), 2) + [
        58
      ]
      + digits(Int(parts.tm_sec), 2) + [46] + digits(Int(milliseconds - seconds * 1000), 3) + [90]
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func digits(_ value: Int, _ width: Int) -> [UInt8] {
    var digits = [UInt8](repeating: 48, count: width)
    var rest = abs(value)
    for position in digits.indices.reversed() {
      digits[position] = 48 + UInt8(rest % 10)
      rest /= 10
    }
    return digits
  }
}

extension Int64 {
  fileprivate func quotientRoundedDown(by divisor: Int64) -> Int64 {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? quotient - 1 : quotient
  }
}
