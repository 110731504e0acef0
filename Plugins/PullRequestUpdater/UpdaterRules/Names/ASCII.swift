/// The classes of bytes that names and versions are made of. Only ASCII counts: other scripts' digits are no digits here.
extension UInt8 {
  var isDigit: Bool { (0x30...0x39).contains(self) }
  var isLetter: Bool { (0x61...0x7A).contains(self | 0x20) }
  var isUppercase: Bool { (0x41...0x5A).contains(self) }
  var isAlphanumeric: Bool { isDigit || isLetter }
  var isHexDigit: Bool { isDigit || (0x61...0x66).contains(self | 0x20) }
  /// What stands between the parts of a project's name.
  var isNameSeparator: Bool { self == 0x2D || self == 0x2E || self == 0x5F }
  /// Space, tab, line feed, vertical tab, form feed, carriage return.
  var isBlank: Bool { self == 0x20 || (0x09...0x0D).contains(self) }
  var lowercased: UInt8 { isUppercase ? self | 0x20 : self }
}

extension Sequence<UInt8> {
  var text: String { String(decoding: Array(self), as: UTF8.self) }
}

extension String {
  /// Without ASCII blanks around it.
  var trimmed: String {
    let bytes = utf8
    guard let first = bytes.firstIndex(where: { !$0.isBlank }), let last = bytes.lastIndex(where: { !$0.isBlank })
    else { return "" }
    return String(decoding: bytes[first...last], as: UTF8.self)
  }
}
