/// Reads a version in any of the spellings that PEP 440 accepts (its appendix B), at the beginning of a text.
struct PEP440VersionReader {
  /// In lower case.
  private let bytes: [UInt8]
  private(set) var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes.map(\.lowercased) }

  /// The version that the whole text is.
  mutating func version() -> PEP440Version? {
    guard bytes.count <= PEP440Version.longest, let version = prefix(), position == bytes.count else { return nil }
    return version
  }

  /// The longest version that the text begins with.
  private mutating func prefix() -> PEP440Version? {
    _ = take("v")
    guard var first = digits() else { return nil }
    var epoch = Numeral.zero
    if take("!") {
      guard let number = digits() else { return nil }
      epoch = Numeral(digits: first)
      first = number
    }
    var version = PEP440Version(epoch: epoch, release: [Numeral(digits: first)])
    while next(0) == UInt8(ascii: "."), next(1)?.isDigit == true {
      position += 1
      guard let number = digits() else { return nil }
      version.release.append(Numeral(digits: number))
    }
    if let (word, number) = segment(Self.phases.map(\.spelling)) {
      guard let phase = Self.phases.first(where: { $0.spelling == word })?.phase else { return nil }
      version.pre = PEP440Version.PreRelease(phase: phase, number: number)
    }
    if next(0) == UInt8(ascii: "-"), next(1)?.isDigit == true {
      position += 1
      version.post = digits().map { Numeral(digits: $0) }
    } else {
      version.post = segment(["post", "rev", "r"])?.number
    }
    version.dev = segment(["dev"])?.number
    if next(0) == UInt8(ascii: "+") {
      guard let local = localLabel() else { return nil }
      version.local = local
    }
    return version
  }

  /// The longer spellings before those that they begin with.
  private static let phases: [(spelling: String, phase: PEP440Version.Phase)] = [
    ("alpha", .alpha), ("a", .alpha), ("beta", .beta), ("b", .beta), ("preview", .candidate), ("pre", .candidate),
    ("rc", .candidate), ("c", .candidate),
  ]

  /// A word of a list with its number: `.post1`, `_post_1`, `post`.
  private mutating func segment(_ words: [String]) -> (word: String, number: Numeral)? {
    let start = position
    if next(0)?.isNameSeparator == true { position += 1 }
    guard let word = words.first(where: { take($0) }) else {
      position = start
      return nil
    }
    // A separator behind the word is the word's, with or without a number.
    if next(0)?.isNameSeparator == true { position += 1 }
    return (word, Numeral(digits: digits() ?? []))
  }

  private mutating func localLabel() -> [PEP440Version.LocalPart]? {
    var parts: [PEP440Version.LocalPart] = []
    repeat {
      position += 1
      let start = position
      while next(0)?.isAlphanumeric == true { position += 1 }
      guard position > start else { return nil }
      let part = bytes[start..<position]
      parts.append(part.allSatisfy(\.isDigit) ? .number(Numeral(digits: part)) : .text(part.text))
    } while next(0)?.isNameSeparator == true
    return parts
  }

  private func next(_ ahead: Int) -> UInt8? { position + ahead < bytes.count ? bytes[position + ahead] : nil }

  private mutating func digits() -> ArraySlice<UInt8>? {
    let start = position
    while next(0)?.isDigit == true { position += 1 }
    return position > start ? bytes[start..<position] : nil
  }

  private mutating func take(_ word: String) -> Bool {
    guard bytes[position...].starts(with: word.utf8) else { return false }
    position += word.utf8.count
    return true
  }
}
