/// The argument of the method `publish`: `{key?, value, topic?, headers?}`.
///
/// `value` is text, or any other JSON value, which is sent as its JSON text; null is a tombstone. One request is used for many calls: what
/// needs no unescaping is read in place.
public struct PublishRequest {
  /// A piece of the argument.
  public enum Field: Sendable, Equatable {
    case absent
    case null
    /// In the argument itself.
    case inPlace(Range<Int>)
    /// Unescaped, in the request's own buffer.
    case unescaped(Range<Int>)
  }

  public private(set) var topic = Field.absent
  public private(set) var key = Field.absent
  public private(set) var value = Field.absent
  public private(set) var headers: [(name: Field, value: Field)] = []
  private var buffer: [UInt8] = []

  public init() {}

  /// Reads an argument, which must stay as it is while the fields are used.
  /// - Returns: what is wrong with it; `nil`: nothing.
  public mutating func read(_ argument: UnsafeRawBufferPointer) -> String? {
    (topic, key, value) = (.absent, .absent, .absent)
    headers.removeAll(keepingCapacity: true)
    buffer.removeAll(keepingCapacity: true)
    var cursor = JSONCursor(argument)
    var wrong: String?
    let whole = cursor.members { name, cursor in
      let name = cursor.bytes[name]
      if Self.isNamed(name, "value") {
        guard let field = field(&cursor, text: false) else { return false }
        value = field
      } else if Self.isNamed(name, "key") {
        guard let field = field(&cursor, text: true) else { return fail(&wrong, "`key` is no text") }
        key = field
      } else if Self.isNamed(name, "topic") {
        guard let field = field(&cursor, text: true) else { return fail(&wrong, "`topic` is no text") }
        topic = field
      } else if Self.isNamed(name, "headers") {
        return read(headers: &cursor) || fail(&wrong, "`headers` is no map of texts")
      } else {
        return fail(
          &wrong, "`\(String(decoding: name, as: UTF8.self))` is none of `key`, `value`, `topic`, `headers`")
      }
      return true
    }
    if let wrong { return wrong }
    if !whole || !cursor.atEnd() { return "the argument is no JSON object {key, value, topic, headers}" }
    return value == .absent ? "there is no `value`" : nil
  }

  /// Lends a field's bytes; `nil` stands for absent and null.
  public func withBytes<Result>(
    _ field: Field, of argument: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer?) -> Result
  ) -> Result {
    switch field {
    case .absent, .null: body(nil)
    case .inPlace(let range): body(UnsafeRawBufferPointer(rebasing: argument[range]))
    case .unescaped(let range): buffer.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[range])) }
    }
  }

  private static func isNamed(_ name: Slice<UnsafeRawBufferPointer>, _ text: StaticString) -> Bool {
    name.elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  private func fail(_ wrong: inout String?, _ text: String) -> Bool {
    wrong = text
    return false
  }

  private mutating func read(headers cursor: inout JSONCursor) -> Bool {
    if cursor.peek() == UInt8(ascii: "n") { return cursor.skipValue() }
    guard cursor.peek() == UInt8(ascii: "{") else { return false }
    return cursor.members { name, cursor in
      let name = string(name, in: cursor.bytes)
      guard let value = field(&cursor, text: true) else { return false }
      headers.append((name, value))
      return true
    }
  }

  /// Reads a value: a string becomes its text; anything else stays JSON, or is refused when only text will do (null is always taken).
  private mutating func field(_ cursor: inout JSONCursor, text: Bool) -> Field? {
    switch cursor.peek() {
    case 0x22: return cursor.stringContent().map { string($0, in: cursor.bytes) }
    case UInt8(ascii: "n"): return cursor.skipValue() ? .null : nil
    default: return text ? nil : cursor.value().map { .inPlace($0) }
    }
  }

  private mutating func string(_ content: Range<Int>, in bytes: UnsafeRawBufferPointer) -> Field {
    let raw = UnsafeRawBufferPointer(rebasing: bytes[content])
    guard raw.contains(0x5C) else { return .inPlace(content) }
    let start = buffer.count
    JSONString.unescape(raw, to: &buffer)
    return .unescaped(start..<buffer.count)
  }
}
