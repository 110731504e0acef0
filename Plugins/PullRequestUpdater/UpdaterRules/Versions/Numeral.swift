/// A whole number as versions have them: they come from outside, and some are longer than a machine's word.
struct Numeral: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// Decimal, without leading zeros.
  let description: String

  static let zero = Numeral(description: "0")

  private init(description: String) { self.description = description }

  /// The number that decimal digits say; no digit is 0.
  init(digits: some Collection<UInt8>) {
    let rest = digits.drop { $0 == UInt8(ascii: "0") }
    description = rest.isEmpty ? "0" : rest.text
  }

  init(_ number: UInt) { description = String(number) }

  var isZero: Bool { description == "0" }

  static func < (one: Self, other: Self) -> Bool {
    let lengths = (one.description.utf8.count, other.description.utf8.count)
    if lengths.0 != lengths.1 { return lengths.0 < lengths.1 }
    return one.description.utf8.lexicographicallyPrecedes(other.description.utf8)
  }

  var successor: Numeral {
    var digits = Array(description.utf8)
    for index in digits.indices.reversed() {
      if digits[index] != UInt8(ascii: "9") {
        digits[index] += 1
        return Numeral(digits: digits)
      }
      digits[index] = UInt8(ascii: "0")
    }
    return Numeral(digits: [UInt8(ascii: "1")] + digits)
  }
}
