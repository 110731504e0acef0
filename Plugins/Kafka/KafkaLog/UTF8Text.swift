/// Tells text from bytes.
public enum UTF8Text {
  /// Whether `bytes` are well-formed UTF-8 (RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF).
  public static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var index = 0
    let count = bytes.count
    while index < count {
      if index + 8 <= count, bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0 {
        index += 8
        continue
      }
      let lead = bytes[index]
      if lead < 0x80 {
        index += 1
        continue
      }
      guard let length = sequenceLength(lead, second: index + 1 < count ? bytes[index + 1] : 0), index + length <= count
      else { return false }
      for follower in 2..<max(length, 2) where bytes[index + follower] & 0xC0 != 0x80 { return false }
      index += length
    }
    return true
  }

  /// The length that a lead byte announces, when the byte after it may follow.
  private static func sequenceLength(_ lead: UInt8, second: UInt8) -> Int? {
    switch lead {
    case 0xC2...0xDF: (0x80...0xBF).contains(second) ? 2 : nil
    case 0xE0: (0xA0...0xBF).contains(second) ? 3 : nil
    case 0xE1...0xEC, 0xEE...0xEF: (0x80...0xBF).contains(second) ? 3 : nil
    case 0xED: (0x80...0x9F).contains(second) ? 3 : nil
    case 0xF0: (0x90...0xBF).contains(second) ? 4 : nil
    case 0xF1...0xF3: (0x80...0xBF).contains(second) ? 4 : nil
    case 0xF4: (0x80...0x8F).contains(second) ? 4 : nil
    default: nil
    }
  }

  /// Appends `bytes` in base64 (RFC 4648, section 4).
  public static func appendBase64(_ bytes: UnsafeRawBufferPointer, to out: inout [UInt8]) {
    var index = 0
    while index < bytes.count {
      let rest = bytes.count - index
      let group =
        UInt32(bytes[index]) << 16 | (rest > 1 ? UInt32(bytes[index + 1]) << 8 : 0)
        | (rest > 2 ? UInt32(bytes[index + 2]) : 0)
      out.append(base64[Int(group >> 18)])
      out.append(base64[Int(group >> 12 & 63)])
      out.append(rest > 1 ? base64[Int(group >> 6 & 63)] : UInt8(ascii: "="))
      out.append(rest > 2 ? base64[Int(group & 63)] : UInt8(ascii: "="))
      index += 3
    }
  }

  private static let base64 = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
}
