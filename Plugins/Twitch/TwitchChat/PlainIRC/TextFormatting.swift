/// What IRC programs put into a text to show it in colours, bold, underlined and so on: control characters (mIRC's, which all programs know),
/// some with digits behind them.
public enum TextFormatting {
  /// The text without them, or nil when there are none.
  public static func removed(from text: ByteView) -> [UInt8]? {
    var index = 0
    while index < text.count, text[index] >= 0x20 { index += 1 }
    guard index < text.count else { return nil }
    var plain = text.slice(0, index).array
    while index < text.count {
      let byte = text[index]
      index += 1
      switch byte {
      // Bold, end of all, fixed width, reversed, italic, struck out, underlined.
      case 0x02, 0x0F, 0x11, 0x16, 0x1D, 0x1E, 0x1F: break
      // Colours by number: foreground, and background behind a comma, of one or two digits each.
      case 0x03: index = skipColours(text, index, length: 2, isDigit: isDecimal, needsAll: false)
      // The same by six hexadecimal digits.
      case 0x04: index = skipColours(text, index, length: 6, isDigit: isHexadecimal, needsAll: true)
      default: plain.append(byte)
      }
    }
    return plain
  }

  private static func skipColours(
    _ text: ByteView, _ from: Int, length: Int, isDigit: (UInt8) -> Bool, needsAll: Bool
  ) -> Int {
    func digits(_ from: Int) -> Int {
      var end = from
      while end < text.count, end - from < length, isDigit(text[end]) { end += 1 }
      return needsAll && end - from < length ? from : end
    }
    let end = digits(from)
    guard end > from, end < text.count, text[end] == UInt8(ascii: ",") else { return end }
    let second = digits(end + 1)
    // A comma without a colour behind it belongs to the text.
    return second > end + 1 ? second : end
  }

  private static func isDecimal(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    isDecimal(byte) || (0x41...0x46).contains(byte & 0xDF)
  }
}
