extension JSONValue {
  /// The value in as few bytes as possible, members in their own order. Doubles have the shortest digits that read back
  /// as the same double, and always a fraction or an exponent, so that the result parses to an equal value. NaN and the
  /// infinities, which JSON does not have, become null.
  public func serialized() -> String {
    var writer = JSONWriter()
    writer.value(self)
    return writer.text
  }

  /// The same as bytes.
  public func serializedBytes() -> [UInt8] {
    var writer = JSONWriter()
    writer.value(self)
    return Array(writer.bytes)
  }

  /// The value for a reader: two spaces a level, lists of plain values on one line where they are short.
  public func prettyPrinted() -> String {
    var text = ""
    writePretty(into: &text, indent: 0)
    return text
  }

  private func writePretty(into text: inout String, indent: Int) {
    switch self {
    case .array(let elements) where !elements.isEmpty:
      let line = serialized()
      if line.utf8.count <= 72, elements.allSatisfy({ $0.isScalar }) {
        text += "[" + elements.map { $0.serialized() }.joined(separator: ", ") + "]"
        return
      }
      text += "[\n"
      for (position, element) in elements.enumerated() {
        text += String(repeating: " ", count: indent + 2)
        element.writePretty(into: &text, indent: indent + 2)
        text += position + 1 < elements.count ? ",\n" : "\n"
      }
      text += String(repeating: " ", count: indent) + "]"
    case .object(let members) where !members.isEmpty:
      text += "{\n"
      for (position, (key, value)) in members.enumerated() {
        text += String(repeating: " ", count: indent + 2) + JSONValue.string(key).serialized() + ": "
        value.writePretty(into: &text, indent: indent + 2)
        text += position + 1 < members.count ? ",\n" : "\n"
      }
      text += String(repeating: " ", count: indent) + "}"
    default:
      text += serialized()
    }
  }

  private var isScalar: Bool {
    switch self {
    case .array, .object: false
    default: true
    }
  }

  /// The one canonical text of the value (RFC 8785, JCS): no spaces, members sorted by the UTF-16 code units of their
  /// names, numbers as ECMAScript writes them. Integers that a double cannot hold exactly keep all their digits, because
  /// rounding would give two different values one hash. NaN and the infinities become null.
  public func canonical() -> String {
    var writer = JSONWriter()
    Self.writeCanonical(self, &writer)
    return writer.text
  }

  /// The same as bytes, for hashing.
  public func canonicalBytes() -> [UInt8] {
    var writer = JSONWriter()
    Self.writeCanonical(self, &writer)
    return Array(writer.bytes)
  }

  private static func writeCanonical(_ value: JSONValue, _ writer: inout JSONWriter) {
    switch value {
    case .double(let value):
      writer.canonicalDouble(value)
    case .array(let elements):
      writer.beginArray()
      for element in elements { writeCanonical(element, &writer) }
      writer.endArray()
    case .object(let members):
      writer.beginObject()
      for (key, value) in members.sorted(by: { $0.key.utf16.lexicographicallyPrecedes($1.key.utf16) }) {
        writer.key(key)
        writeCanonical(value, &writer)
      }
      writer.endObject()
    default:
      writer.value(value)
    }
  }
}
