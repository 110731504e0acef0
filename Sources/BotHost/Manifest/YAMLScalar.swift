/// A scalar as written and as the YAML 1.2 core schema understands it.
public struct YAMLScalar: Sendable, Hashable {
  /// What it reads as by the YAML 1.2 core schema.
  public enum Value: Sendable, Hashable {
    case null
    case bool(Bool)
    case int(Int64)
    case float(Double)
    case string(String)
  }

  /// The text with quotes and escapes undone.
  public let text: String
  /// Written without quotes, so that it may be something else than a string.
  public let isPlain: Bool
  public let value: Value

  public init(text: String, isPlain: Bool) {
    self.text = text
    self.isPlain = isPlain
    value = isPlain ? Self.resolve(text) : .string(text)
  }

  /// What stands here, for messages.
  var summary: String {
    switch value {
    case .null: return "null"
    case .bool(let flag): return "the truth value \(flag)"
    case .int, .float: return "the number \(text)"
    case .string:
      let short = text.count > 40 ? String(text.prefix(39)) + "…" : text
      return "the string \"" + short.map { $0.isNewline ? " " : String($0) }.joined() + "\""
    }
  }

  /// YAML 1.2.2, section 10.3.2: `on`, `yes`, `no` and `12:30` are strings, `0o17` and `0x1f` integers.
  ///
  /// An integer beyond 64 bits becomes the nearest float; the decoder refuses it where an integer is wanted.
  static func resolve(_ text: String) -> Value {
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE": return .bool(true)
    case "false", "False", "FALSE": return .bool(false)
    case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .float(.infinity)
    case "-.inf", "-.Inf", "-.INF": return .float(-.infinity)
    case ".nan", ".NaN", ".NAN": return .float(.nan)
    default: break
    }
    let bytes = Array(text.utf8)
    guard let first = bytes.first, isDigit(first) || first == 0x2B || first == 0x2D || first == 0x2E else {
      return .string(text)
    }
    if text.hasPrefix("0o") { return digits(text, radix: 8) }
    if text.hasPrefix("0x") { return digits(text, radix: 16) }
    var index = first == 0x2B || first == 0x2D ? 1 : 0
    let whole = count(&index, bytes)
    var fraction = 0
    var isInteger = true
    if index < bytes.count, bytes[index] == 0x2E {
      index += 1
      isInteger = false
      fraction = count(&index, bytes)
    }
    guard whole + fraction > 0 else { return .string(text) }
    if index < bytes.count, bytes[index] | 0x20 == 0x65 {
      index += 1
      isInteger = false
      if index < bytes.count, bytes[index] == 0x2B || bytes[index] == 0x2D { index += 1 }
      guard count(&index, bytes) > 0 else { return .string(text) }
    }
    guard index == bytes.count else { return .string(text) }
    if isInteger, let value = Int64(text) { return .int(value) }
    return Double(text).map(Value.float) ?? .string(text)
  }

  private static func digits(_ text: String, radix: Int) -> Value {
    let body = text.dropFirst(2)
    guard !body.isEmpty, body.allSatisfy({ $0.isASCII && $0.hexDigitValue.map { $0 < radix } == true }) else {
      return .string(text)
    }
    if let value = Int64(body, radix: radix) { return .int(value) }
    return .float(body.reduce(0.0) { $0 * Double(radix) + Double($1.hexDigitValue ?? 0) })
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

  private static func count(_ index: inout Int, _ bytes: [UInt8]) -> Int {
    let start = index
    while index < bytes.count, isDigit(bytes[index]) { index += 1 }
    return index - start
  }
}
