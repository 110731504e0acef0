import CJSON

/// Reads JSON byte by byte: slower than simdjson by far, but it knows where a fault is and says what was expected, and it
/// takes numbers of any length. It is what runs when simdjson has refused a text.
struct JSONReader {
  private let text: UnsafeRawBufferPointer
  private let maxDepth: Int
  private var position = 0

  init(_ text: UnsafeRawBufferPointer, maxDepth: Int) {
    self.text = text
    self.maxDepth = maxDepth
  }

  mutating func readDocument() throws(JSONParseError) -> JSONValue {
    if let fault = firstFaultInUTF8() { throw error("the text is not UTF-8", at: fault) }
    if text.starts(with: [0xef, 0xbb, 0xbf]) { throw error("the text begins with a byte order mark", at: 0) }
    skipSpace()
    let value = try readValue(depth: 0)
    skipSpace()
    if position < text.count { throw error("expected the end of the text, found \(describeNext())") }
    return value
  }

  private mutating func readValue(depth: Int) throws(JSONParseError) -> JSONValue {
    guard position < text.count else { throw error("expected a value, found the end of the text") }
    switch text[position] {
    case UInt8(ascii: "{"): return try readObject(depth: depth + 1)
    case UInt8(ascii: "["): return try readArray(depth: depth + 1)
    case UInt8(ascii: "\""): return .string(try readString())
    case UInt8(ascii: "t"): return try readWord("true", .bool(true))
    case UInt8(ascii: "f"): return try readWord("false", .bool(false))
    case UInt8(ascii: "n"): return try readWord("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try readNumber()
    default: throw error("expected a value, found \(describeNext())")
    }
  }

  private mutating func readObject(depth: Int) throws(JSONParseError) -> JSONValue {
    try checkDepth(depth)
    position += 1
    var object = JSONObject()
    skipSpace()
    if take(UInt8(ascii: "}")) { return .object(object) }
    while true {
      skipSpace()
      guard position < text.count, text[position] == UInt8(ascii: "\"") else {
        throw error("expected a member's name in quotes, found \(describeNext())")
      }
      let key = try readString()
      skipSpace()
      guard take(UInt8(ascii: ":")) else { throw error("expected ':' after a member's name, found \(describeNext())") }
      skipSpace()
      object[key] = try readValue(depth: depth)
      skipSpace()
      if take(UInt8(ascii: ",")) { continue }
      if take(UInt8(ascii: "}")) { return .object(object) }
      throw error("expected ',' or '}' in an object, found \(describeNext())")
    }
  }

  private mutating func readArray(depth: Int) throws(JSONParseError) -> JSONValue {
    try checkDepth(depth)
    position += 1
    var array: [JSONValue] = []
    skipSpace()
    if take(UInt8(ascii: "]")) { return .array(array) }
    while true {
      skipSpace()
      array.append(try readValue(depth: depth))
      skipSpace()
      if take(UInt8(ascii: ",")) { continue }
      if take(UInt8(ascii: "]")) { return .array(array) }
      throw error("expected ',' or ']' in a list, found \(describeNext())")
    }
  }

  private func checkDepth(_ depth: Int) throws(JSONParseError) {
    guard depth <= maxDepth else { throw error("nested deeper than \(maxDepth) levels") }
  }

  private mutating func readWord(_ word: StaticString, _ value: JSONValue) throws(JSONParseError) -> JSONValue {
    let end = position + word.utf8CodeUnitCount
    let expected = UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
    guard end <= text.count, text[position..<end].elementsEqual(expected) else {
      throw error("expected '\(word)', found \(describeNext())")
    }
    position = end
    return value
  }

  private mutating func readNumber() throws(JSONParseError) -> JSONValue {
    let start = position
    var isInteger = true
    _ = take(UInt8(ascii: "-"))
    let firstDigit = position
    guard takeDigits() > 0 else { throw error("expected a digit, found \(describeNext())") }
    if text[firstDigit] == UInt8(ascii: "0"), position > firstDigit + 1 {
      throw error("a number must not begin with 0", at: firstDigit)
    }
    if take(UInt8(ascii: ".")) {
      isInteger = false
      guard takeDigits() > 0 else { throw error("expected a digit after '.', found \(describeNext())") }
    }
    if position < text.count, text[position] | 0x20 == UInt8(ascii: "e") {
      isInteger = false
      position += 1
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      guard takeDigits() > 0 else { throw error("expected a digit in the exponent, found \(describeNext())") }
    }
    let digits = UnsafeRawBufferPointer(rebasing: text[start..<position])
    if isInteger, let value = Self.integer(digits) { return .int(value) }
    var value = 0.0
    guard let base = digits.baseAddress,
      json_walk_read_double(base.assumingMemoryBound(to: CChar.self), digits.count, &value) != 0
    else { throw error("cannot read this number", at: start) }
    guard value.isFinite else { throw error("the number is too large for a double", at: start) }
    return .double(value)
  }

  private static func integer(_ digits: UnsafeRawBufferPointer) -> Int64? {
    let isNegative = digits.first == UInt8(ascii: "-")
    var value: Int64 = 0
    for digit in isNegative ? digits.dropFirst() : digits[...] {
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      if overflow { return nil }
      let step = Int64(digit - UInt8(ascii: "0"))
      let (sum, beyond) =
        isNegative ? product.subtractingReportingOverflow(step) : product.addingReportingOverflow(step)
      if beyond { return nil }
      value = sum
    }
    return value
  }

  private mutating func readString() throws(JSONParseError) -> String {
    let start = position
    position += 1
    var bytes: [UInt8] = []
    while position < text.count {
      let byte = text[position]
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        return String(decoding: bytes, as: UTF8.self)
      case UInt8(ascii: "\\"):
        try readEscape(into: &bytes)
      case 0..<0x20:
        throw error("a control character in a string must be escaped, found \(describeNext())")
      default:
        bytes.append(byte)
        position += 1
      }
    }
    throw error("the string has no end", at: start)
  }

  private mutating func readEscape(into bytes: inout [UInt8]) throws(JSONParseError) {
    let start = position
    guard position + 1 < text.count else { throw error("the string has no end", at: start) }
    let escaped = text[position + 1]
    position += 2
    switch escaped {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(escaped)
    case UInt8(ascii: "b"): bytes.append(0x08)
    case UInt8(ascii: "f"): bytes.append(0x0c)
    case UInt8(ascii: "n"): bytes.append(0x0a)
    case UInt8(ascii: "r"): bytes.append(0x0d)
    case UInt8(ascii: "t"): bytes.append(0x09)
    case UInt8(ascii: "u"):
      var code = try readHex(start)
      if (0xd800..<0xdc00).contains(code) {
        guard position + 1 < text.count, text[position] == UInt8(ascii: "\\"), text[position + 1] == UInt8(ascii: "u")
        else { throw error("half of a surrogate pair", at: start) }
        position += 2
        let low = try readHex(start)
        guard (0xdc00..<0xe000).contains(low) else { throw error("half of a surrogate pair", at: start) }
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw error("half of a surrogate pair", at: start) }
      bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    default:
      throw error("no such escape in a string", at: start)
    }
  }

  private mutating func readHex(_ start: Int) throws(JSONParseError) -> UInt32 {
    guard position + 4 <= text.count else { throw error("expected four hexadecimal digits after \\u", at: start) }
    var code: UInt32 = 0
    for offset in 0..<4 {
      guard let digit = Character(Unicode.Scalar(text[position + offset])).hexDigitValue, text[position + offset] < 0x80
      else { throw error("expected four hexadecimal digits after \\u", at: start) }
      code = code << 4 | UInt32(digit)
    }
    position += 4
    return code
  }

  private mutating func takeDigits() -> Int {
    let start = position
    while position < text.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[position]) { position += 1 }
    return position - start
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard position < text.count, text[position] == byte else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() {
    while position < text.count {
      switch text[position] {
      case 0x20, 0x09, 0x0a, 0x0d: position += 1
      default: return
      }
    }
  }

  private func firstFaultInUTF8() -> Int? {
    var offset = 0
    while offset < text.count {
      let length = UTF8Scan.length(at: offset, in: text)
      if length == 0 { return offset }
      offset += length
    }
    return nil
  }

  private func describeNext() -> String {
    guard position < text.count else { return "the end of the text" }
    let length = max(1, UTF8Scan.length(at: position, in: text))
    if length == 1, !(0x21..<0x7f).contains(text[position]) {
      return "byte 0x" + (text[position] < 16 ? "0" : "") + String(text[position], radix: 16)
    }
    return "'" + String(decoding: text[position..<position + length], as: UTF8.self) + "'"
  }

  private func error(_ message: String, at offset: Int? = nil) -> JSONParseError {
    JSONParseError(message, at: offset ?? position, in: text)
  }
}
