import CJSON

/// Why a text is not the JSON that was expected, and where.
public struct JSONParseError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Offset in bytes from the start of the text.
  public let offset: Int
  /// From 1.
  public let line: Int
  /// From 1, in bytes.
  public let column: Int
  public let message: String

  public var description: String { "line \(line), column \(column): \(message)" }

  init(_ message: String, at offset: Int, in text: UnsafeRawBufferPointer) {
    self.message = message
    self.offset = offset
    var line = 1
    var lineStart = 0
    for position in 0..<min(offset, text.count) where text[position] == UInt8(ascii: "\n") {
      line += 1
      lineStart = position + 1
    }
    self.line = line
    self.column = offset - lineStart + 1
  }
}

extension JSONValue {
  /// How large and how deep a text may be when nobody says otherwise.
  public static let defaultMaxBytes = 64 << 20
  public static let defaultMaxDepth = 256

  /// Reads one JSON value (RFC 8259) that fills the text. Integers that fit are `.int`, all other numbers `.double`; of
  /// two members with one name the later wins. A number too large for a double, a lone surrogate and bytes that are not
  /// UTF-8 are errors.
  public init(
    parsing text: String, maxBytes: Int = defaultMaxBytes, maxDepth: Int = defaultMaxDepth
  ) throws(JSONParseError) {
    var text = text
    let result = text.withUTF8 { Self.parse(UnsafeRawBufferPointer($0), maxBytes, maxDepth) }
    self = try result.get()
  }

  /// The same for bytes in memory.
  public init(
    parsing bytes: [UInt8], maxBytes: Int = defaultMaxBytes, maxDepth: Int = defaultMaxDepth
  ) throws(JSONParseError) {
    let result = bytes.withUnsafeBytes { Self.parse($0, maxBytes, maxDepth) }
    self = try result.get()
  }

  /// The same for borrowed bytes.
  public init(
    parsing bytes: UnsafeRawBufferPointer, maxBytes: Int = defaultMaxBytes, maxDepth: Int = defaultMaxDepth
  ) throws(JSONParseError) {
    self = try Self.parse(bytes, maxBytes, maxDepth).get()
  }

  private static func parse(
    _ text: UnsafeRawBufferPointer, _ maxBytes: Int, _ maxDepth: Int
  ) -> Result<JSONValue, JSONParseError> {
    guard text.count <= maxBytes else {
      return .failure(
        JSONParseError("the text has \(text.count) bytes; at most \(maxBytes) are allowed", at: 0, in: text))
    }
    guard let base = text.baseAddress, !text.isEmpty else {
      return .failure(JSONParseError("the text is empty, expected a JSON value", at: 0, in: text))
    }
    var tape = json_walk_tape()
    // simdjson counts the frame as a level of its own.
    let status = json_walk_parse(
      base.assumingMemoryBound(to: CChar.self), text.count, UInt32(clamping: maxDepth + 1), &tape)
    defer { json_walk_done() }
    guard status == 0, let words = tape.words, let strings = tape.strings else {
      // The careful reader knows where the fault is; and it accepts what is only too large for simdjson, such as an
      // integer of thirty digits.
      var reader = JSONReader(text, maxDepth: maxDepth)
      return Result { () throws(JSONParseError) in try reader.readDocument() }
    }
    var walk = TapeWalk(words: words, strings: strings, maxDepth: maxDepth)
    let value = walk.next(depth: 0)
    guard !walk.isTooDeep else {
      // simdjson does not count an innermost list or map that is empty.
      var reader = JSONReader(text, maxDepth: maxDepth)
      return Result { () throws(JSONParseError) in try reader.readDocument() }
    }
    return .success(value)
  }
}

/// Builds the value out of simdjson's tape, which is well-formed by construction.
private struct TapeWalk {
  let words: UnsafePointer<UInt64>
  let strings: UnsafePointer<UInt8>
  let maxDepth: Int
  var position = 1
  var isTooDeep = false

  private static let payload: UInt64 = (1 << 56) - 1

  mutating func next(depth: Int) -> JSONValue {
    let word = words[position]
    position += 1
    switch UInt8(word >> 56) {
    case UInt8(ascii: "{"):
      if depth >= maxDepth { isTooDeep = true }
      var object = JSONObject()
      object.reserveCapacity(min(Int((word >> 32) & 0xff_ffff), 1024))
      while UInt8(words[position] >> 56) != UInt8(ascii: "}") {
        let key = string(words[position])
        position += 1
        object[key] = next(depth: depth + 1)
      }
      position += 1
      return .object(object)
    case UInt8(ascii: "["):
      if depth >= maxDepth { isTooDeep = true }
      var array: [JSONValue] = []
      array.reserveCapacity(min(Int((word >> 32) & 0xff_ffff), 1024))
      while UInt8(words[position] >> 56) != UInt8(ascii: "]") { array.append(next(depth: depth + 1)) }
      position += 1
      return .array(array)
    case UInt8(ascii: "\""):
      return .string(string(word))
    case UInt8(ascii: "l"):
      position += 1
      return .int(Int64(bitPattern: words[position - 1]))
    case UInt8(ascii: "u"):
      position += 1
      return .double(Double(words[position - 1]))
    case UInt8(ascii: "d"):
      position += 1
      return .double(Double(bitPattern: words[position - 1]))
    case UInt8(ascii: "t"):
      return .bool(true)
    case UInt8(ascii: "f"):
      return .bool(false)
    default:
      return .null
    }
  }

  private func string(_ word: UInt64) -> String {
    let entry = UnsafeRawPointer(strings + Int(word & Self.payload))
    let length = Int(entry.loadUnaligned(as: UInt32.self))
    return String(decoding: UnsafeRawBufferPointer(start: entry + 4, count: length), as: UTF8.self)
  }
}
