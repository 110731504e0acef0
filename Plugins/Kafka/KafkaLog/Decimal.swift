/// Writes whole numbers without making a string.
public enum Decimal {
  public static func append(_ number: Int64, to out: inout [UInt8]) {
    var rest = number.magnitude
    let start = out.count
    repeat {
      out.append(UInt8(ascii: "0") + UInt8(rest % 10))
      rest /= 10
    } while rest > 0
    if number < 0 { out.append(UInt8(ascii: "-")) }
    out[start...].reverse()
  }
}
