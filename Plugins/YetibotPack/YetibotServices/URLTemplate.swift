import YetibotEngine

/// Addresses from templates. What a template puts in is one piece of a path or a query, whatever it consists of: it cannot become a
/// slash, a question mark or another host.
enum URLTemplate {
  struct Failure: Error, CustomStringConvertible { let description: String }

  /// - Parameters:
  ///   - base: put in as it is, as `{{base}}`.
  static func render(_ template: Template, base: String, _ context: ValueMap) throws -> String {
    var encoded = ValueMap()
    for (key, value) in context { encoded[key] = encode(value) }
    encoded["base"] = .string(base)
    let text = try template.rendered(with: .map(encoded))
    // A segment of dots would lead out of the service's own part of the server.
    let path = text.dropFirst(base.count).prefix { $0 != "?" && $0 != "#" }
    for segment in path.split(separator: "/") where isDots(segment) {
      throw Failure(description: "\(segment) cannot stand in an address")
    }
    return text
  }

  private static func isDots(_ segment: Substring) -> Bool {
    let plain = segment.lowercased().replacing("%2e", with: ".")
    return plain == "." || plain == ".."
  }

  /// Every text in it percent-encoded; keys stay as they are.
  private static func encode(_ value: Value) -> Value {
    switch value.unmarked {
    case .string(let text): return .string(encode(text))
    case .list(let items): return .list(items.map(encode))
    case .map(let map): return .map(ValueMap(map.map { ($0.key, encode($0.value)) }))
    default: return value
    }
  }

  /// Everything but the unreserved characters (RFC 3986, section 2.3) as `%XX`.
  static func encode(_ text: String) -> String {
    var result: [UInt8] = []
    for byte in text.utf8 {
      let isUnreserved =
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x2D
        || byte == 0x2E || byte == 0x5F || byte == 0x7E
      if isUnreserved {
        result.append(byte)
      } else {
        let digits = Array("0123456789ABCDEF".utf8)
        result += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
