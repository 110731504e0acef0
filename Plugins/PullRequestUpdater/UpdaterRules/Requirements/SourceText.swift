/// A requirements file's bytes as characters, each with its place: what is read here can be replaced there.
///
/// Only ASCII means anything in the format. So a character is one byte: itself when it is ASCII, else ``other`` or ``otherBlank``.
struct SourceText {
  /// Stands for a character beyond ASCII.
  static let other: UInt8 = 0x80
  /// Stands for a blank beyond ASCII, such as the no-break space.
  static let otherBlank: UInt8 = 0x81
  /// Stands for a line's end beyond ASCII, which is a blank, too.
  static let otherLineEnd: UInt8 = 0x82

  let bytes: [UInt8]
  /// Where the text begins: behind a byte order mark.
  let start: Int
  /// Whether what is beyond ASCII is UTF-8. If not, each of its bytes is a character.
  private let isUTF8: Bool

  /// - Throws: ``Refusal`` for a text in an encoding that is not built upon ASCII.
  init(_ bytes: [UInt8], path: String) throws(Refusal) {
    self.bytes = bytes
    start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    let isWide = bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF])
    let encoding = start == 0 ? Self.declaredEncoding(bytes) : nil
    if isWide || encoding.map({ $0.hasPrefix("utf-16") || $0.hasPrefix("utf-32") || $0.hasPrefix("utf-7") }) == true {
      throw Refusal(
        .unsupported, reason: "\(path) is in \(isWide ? "UTF-16 or UTF-32" : encoding ?? "UTF-16"): save it as UTF-8")
    }
    isUTF8 = encoding == nil || encoding == "utf-8" || encoding == "utf8"
  }

  /// What a comment in one of the first two lines says (PEP 263), in lower case with `-` for `_`.
  private static func declaredEncoding(_ bytes: [UInt8]) -> String? {
    for line in bytes.prefix(2048).split(separator: 0x0A, maxSplits: 2, omittingEmptySubsequences: false).prefix(2) {
      guard line.first == UInt8(ascii: "#") else { continue }
      var rest = line
      while !rest.isEmpty {
        if rest.starts(with: "coding".utf8) {
          rest = rest.dropFirst(6)
          guard let mark = rest.first, mark == UInt8(ascii: ":") || mark == UInt8(ascii: "=") else { continue }
          let name = rest.dropFirst().drop { $0 == 0x20 || $0 == 0x09 }
            .prefix { $0.isAlphanumeric || $0.isNameSeparator }
          if !name.isEmpty { return name.text.lowercased().replacing("_", with: "-") }
        } else {
          rest = rest.dropFirst()
        }
      }
    }
    return nil
  }

  /// The character at an offset and how many bytes it takes.
  func character(at offset: Int) -> (character: UInt8, length: Int) {
    let first = bytes[offset]
    if first < 0x80 { return (first, 1) }
    guard isUTF8 else { return (Self.other, 1) }
    let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 1
    guard length > 1, first < 0xF5, offset + length <= bytes.count else { return (Self.other, 1) }
    var scalar = UInt32(first) & (0x7F >> UInt32(length))
    for next in bytes[(offset + 1)..<(offset + length)] {
      guard next & 0xC0 == 0x80 else { return (Self.other, 1) }
      scalar = scalar << 6 | UInt32(next & 0x3F)
    }
    return switch scalar {
    case 0x85, 0x2028, 0x2029: (Self.otherLineEnd, length)
    case 0xA0, 0x1680, 0x2000...0x200A, 0x202F, 0x205F, 0x3000: (Self.otherBlank, length)
    default: (Self.other, length)
    }
  }

  /// How many bytes the line's end at an offset takes; nil when no line ends there. pip takes for an end what Python does.
  func lineEnd(at offset: Int) -> Int? {
    switch bytes[offset] {
    case 0x0D: return offset + 1 < bytes.count && bytes[offset + 1] == 0x0A ? 2 : 1
    case 0x0A, 0x0B, 0x0C, 0x1C, 0x1D, 0x1E: return 1
    case 0..<0x80: return nil
    default:
      let (character, length) = character(at: offset)
      return character == Self.otherLineEnd ? length : nil
    }
  }
}

extension UInt8 {
  /// Whether Python takes the character for white space.
  var isPythonBlank: Bool {
    isBlank || (0x1C...0x1F).contains(self) || self == SourceText.otherBlank || self == SourceText.otherLineEnd
  }
}
