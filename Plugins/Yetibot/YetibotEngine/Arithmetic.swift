import Glibc

/// Sums as people type them: `2 * (3 + 4)`, `-1.5 ^ 2`, `2 ^ 0.5`, `7 % 3`. Whole numbers stay whole where the result is.
enum Arithmetic {
  struct Failure: Error, CustomStringConvertible { var description: String }

  static func value(of text: String) throws -> Value {
    guard text.utf8.count <= 1000 else { throw Failure(description: "a sum of more than 1000 characters") }
    var reader = Reader(bytes: Array(text.utf8))
    let number = try reader.sum(0)
    guard reader.next == nil else { throw reader.failure("an operator was expected") }
    guard number.isFinite else { throw Failure(description: "the result is no number") }
    if let whole = Int64(exactly: number), number.magnitude < 9e15 { return .int(whole) }
    return .double(number)
  }

  private struct Reader {
    let bytes: [UInt8]
    var place = 0

    var next: UInt8? {
      mutating get {
        while place < bytes.count, bytes[place] == 0x20 || bytes[place] == 0x0A { place += 1 }
        return place < bytes.count ? bytes[place] : nil
      }
    }

    func failure(_ reason: String) -> Failure {
      Failure(description: "at character \(place + 1) of the sum: \(reason)")
    }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
      guard next == UInt8(character.value) else { return false }
      place += 1
      return true
    }

    mutating func sum(_ depth: Int) throws -> Double {
      guard depth < 50 else { throw failure("too many parentheses") }
      var value = try product(depth)
      while true {
        if take("+") {
          value += try product(depth)
        } else if take("-") {
          value -= try product(depth)
        } else {
          return value
        }
      }
    }

    private mutating func product(_ depth: Int) throws -> Double {
      var value = try power(depth)
      while true {
        if take("*") {
          value *= try power(depth)
        } else if take("/") {
          let divisor = try power(depth)
          guard divisor != 0 else { throw failure("nothing can be divided by 0") }
          value /= divisor
        } else if take("%") {
          let divisor = try power(depth)
          guard divisor != 0 else { throw failure("nothing can be divided by 0") }
          value = value.truncatingRemainder(dividingBy: divisor)
        } else {
          return value
        }
      }
    }

    private mutating func power(_ depth: Int) throws -> Double {
      guard depth < 50 else { throw failure("too many signs or powers") }
      if take("-") { return -(try power(depth + 1)) }
      if take("+") { return try power(depth + 1) }
      let base = try factor(depth)
      guard take("^") else { return base }
      let exponent = try power(depth + 1)
      let value = pow(base, exponent)
      guard !value.isNaN else { throw failure("a negative number has no such power") }
      return value
    }

    private mutating func factor(_ depth: Int) throws -> Double {
      if take("(") {
        let value = try sum(depth + 1)
        guard take(")") else { throw failure("a closing parenthesis was expected") }
        return value
      }
      guard let first = next, first.isASCIIDigit || first == 0x2E else { throw failure("a number was expected") }
      let start = place
      while place < bytes.count, bytes[place].isASCIIDigit || bytes[place] == 0x2E { place += 1 }
      // An exponent, where digits follow.
      if place < bytes.count, bytes[place] == 0x65 || bytes[place] == 0x45 {
        var end = place + 1
        if end < bytes.count, bytes[end] == 0x2B || bytes[end] == 0x2D { end += 1 }
        if end < bytes.count, bytes[end].isASCIIDigit {
          while end < bytes.count, bytes[end].isASCIIDigit { end += 1 }
          place = end
        }
      }
      guard let number = Double(String(decoding: bytes[start..<place], as: UTF8.self)) else {
        throw failure("a number was expected")
      }
      return number
    }
  }
}
