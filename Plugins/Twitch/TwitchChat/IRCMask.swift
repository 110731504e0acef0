/// A mask over `nick!user@host`: `*` stands for any run of bytes, `?` for one byte, everything else for itself, so that
/// brackets, which are letters of nicks, have no meaning of their own.
public struct IRCMask: Hashable, Sendable {
  private let pattern: [UInt8]

  public init(_ mask: String) { pattern = Array(mask.utf8) }

  /// Whether the whole text matches. Linear in the product of both lengths at worst, without recursion.
  public func matches(_ text: String) -> Bool {
    let text = Array(text.utf8)
    var textIndex = 0
    var patternIndex = 0
    var starIndex: Int?
    var starText = 0
    while textIndex < text.count {
      if patternIndex < pattern.count, pattern[patternIndex] == 0x2A {
        starIndex = patternIndex
        starText = textIndex
        patternIndex += 1
      } else if patternIndex < pattern.count,
        pattern[patternIndex] == 0x3F || pattern[patternIndex] == text[textIndex]
      {
        patternIndex += 1
        textIndex += 1
      } else if let star = starIndex {
        starText += 1
        textIndex = starText
        patternIndex = star + 1
      } else {
        return false
      }
    }
    while patternIndex < pattern.count, pattern[patternIndex] == 0x2A { patternIndex += 1 }
    return patternIndex == pattern.count
  }
}
