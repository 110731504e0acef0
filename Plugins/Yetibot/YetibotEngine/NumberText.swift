/// Numbers as people type them and as the chat shows them.
enum NumberText {
  /// An integer or a decimal number; `nil` for anything else, for hexadecimal and for what is not finite.
  static func parse(_ text: some StringProtocol) -> Value? {
    guard text.utf8.count <= 64, let first = text.utf8.first, first.isASCIIDigit || first == 0x2D || first == 0x2E
    else { return nil }
    guard text.utf8.allSatisfy({ $0.isASCIIDigit || [0x2D, 0x2E, 0x2B, 0x65, 0x45].contains($0) }) else { return nil }
    if let integer = Int64(text) { return .int(integer) }
    guard let number = Double(text), number.isFinite else { return nil }
    return .double(number)
  }

  /// The whole number that the text starts with, as in `22 foos`.
  static func leading(_ text: String) -> Int64? {
    let bytes = text.utf8
    let digits = bytes.dropFirst(bytes.first == 0x2D ? 1 : 0).prefix { $0.isASCIIDigit }
    return Int64(text[..<digits.endIndex])
  }

  /// With a decimal point, so that it stays a decimal number: `4.0`.
  static func format(_ number: Double) -> String { number.description }

  /// With so many digits after the point, rounded half to even as binary allows.
  static func fixed(_ number: Double, digits: Int) -> String {
    let digits = min(max(digits, 0), 15)
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = (number.magnitude * scale).rounded()
    guard scaled.isFinite, scaled < 9e15 else { return format(number) }
    let units = Int64(scaled)
    let whole = units / Int64(scale)
    let sign = number < 0 && units != 0 ? "-" : ""
    if digits == 0 { return sign + String(whole) }
    let fraction = String(units % Int64(scale))
    return sign + String(whole) + "." + String(repeating: "0", count: digits - fraction.utf8.count) + fraction
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
