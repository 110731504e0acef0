/// Numbers as people type them and as the chat shows them.
enum NumberText {
  /// An integer or a decimal number; `nil` for anything else, for hexadecimal and for what is not finite.
  static func parse(_ text: some StringProtocol) -> Value? {
    guard text.utf8.count <= 64, let first = text.utf8.first,
      first.isASCIIDigit || [0x2B, 0x2D, 0x2E].contains(first)
    else { return nil }
    guard text.utf8.allSatisfy({ $0.isASCIIDigit || [0x2D, 0x2E, 0x2B, 0x65, 0x45].contains($0) }) else { return nil }
    if let integer = Int64(text) { return .int(integer) }
    guard let number = Double(text), number.isFinite else { return nil }
    return .double(number)
  }

  /// Whether it is written as JSON and GraphQL have it (RFC 8259, section 6): without `+` before it, a needless 0, or a point at an end.
  static func isJSON(_ text: ArraySlice<UInt8>) -> Bool {
    var rest = text
    func takeDigits() -> Int {
      let digits = rest.prefix { $0.isASCIIDigit }
      rest = rest[digits.endIndex...]
      return digits.count
    }
    if rest.first == 0x2D { rest.removeFirst() }
    let isZero = rest.first == 0x30
    let whole = takeDigits()
    guard whole == 1 || (whole > 1 && !isZero) else { return false }
    if rest.first == 0x2E {
      rest.removeFirst()
      guard takeDigits() > 0 else { return false }
    }
    if rest.first == 0x45 || rest.first == 0x65 {
      rest.removeFirst()
      if rest.first == 0x2B || rest.first == 0x2D { rest.removeFirst() }
      guard takeDigits() > 0 else { return false }
    }
    return rest.isEmpty
  }

  /// The number that the text starts with, as in `22 foos` or `-1.5°`.
  static func leading(_ text: String) -> Double? {
    let bytes = text.utf8
    let isSigned = bytes.first == 0x2D || bytes.first == 0x2B
    let digits = bytes.dropFirst(isSigned ? 1 : 0).prefix { $0.isASCIIDigit }
    guard !digits.isEmpty else { return nil }
    var end = digits.endIndex
    if end < bytes.endIndex, bytes[end] == 0x2E {
      let fraction = bytes[bytes.index(after: end)...].prefix { $0.isASCIIDigit }
      if !fraction.isEmpty { end = fraction.endIndex }
    }
    return Double(text[..<end])
  }

  /// With a decimal point, so that it stays a decimal number: `4.0`.
  static func format(_ number: Double) -> String { number.description }

  /// With so many digits after the point, at most 15, rounded as binary allows.
  static func fixed(
    _ number: Double, digits: Int, rounding: FloatingPointRoundingRule = .toNearestOrAwayFromZero
  ) -> String {
    let digits = min(max(digits, 0), 15)
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = (number.magnitude * scale).rounded(rounding)
    guard scaled < 9e15 else { return number.isFinite ? long(number, digits, scale, rounding) : format(number) }
    let units = Int64(scaled)
    let whole = units / Int64(scale)
    let sign = number < 0 && units != 0 ? "-" : ""
    if digits == 0 { return sign + String(whole) }
    let fraction = String(units % Int64(scale))
    return sign + String(whole) + "." + String(repeating: "0", count: digits - fraction.utf8.count) + fraction
  }

  /// The same of a number that is too large to be reckoned in units of its last digit.
  private static func long(
    _ number: Double, _ digits: Int, _ scale: Double, _ rounding: FloatingPointRoundingRule
  ) -> String {
    var whole = number.magnitude.rounded(.down)
    var units = ((number.magnitude - whole) * scale).rounded(rounding)
    if units >= scale {
      whole += 1
      units = 0
    }
    let sign = number < 0 ? "-" : ""
    guard digits > 0 else { return sign + wholeDigits(whole) }
    let fraction = String(Int64(units))
    return sign + wholeDigits(whole) + "." + String(repeating: "0", count: digits - fraction.utf8.count) + fraction
  }

  /// Of numbers that have more digits than they know, zeros stand for the rest.
  private static func wholeDigits(_ whole: Double) -> String {
    if whole < 9e18 { return String(Int64(whole)) }
    let parts = whole.description.split(separator: "e")
    guard parts.count == 2, let exponent = Int(parts[1]) else { return whole.description }
    let known = parts[0].filter { $0 != "." && $0 != "-" }
    return known + String(repeating: "0", count: max(exponent + 1 - known.count, 0))
  }
}

extension UInt8 {
  var isASCIIDigit: Bool { self >= 0x30 && self <= 0x39 }
}

extension Value {
  var integer: Int64? {
    switch unmarked {
    case .int(let value): value
    case .double(let value): Int64(exactly: value)
    case .string(let text): Int64(text)
    default: nil
    }
  }
}
