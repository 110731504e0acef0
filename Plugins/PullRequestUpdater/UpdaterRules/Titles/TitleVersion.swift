/// How versions look in titles.
enum TitleVersion {
  /// The longer ones first.
  static let operators = ["===", "==", "~=", "!=", "<=", ">=", "<", ">", "^", "~"]
  static let arrows: Set<String> = ["->", "-->", "=>", "==>"]

  static func isOperator(_ word: String) -> Bool { operators.contains(word) }

  /// Whether a word is a version: `19`, `v2.3.x`, `1!2.0rc1`, `3.12-slim`, `5.3.1.RELEASE`.
  static func isVersion(_ word: String) -> Bool {
    var bytes = Array(word.lowercased().utf8)[...]
    if bytes.first == UInt8(ascii: "v") { bytes = bytes.dropFirst() }
    guard bytes.first?.isDigit == true else { return false }
    bytes = bytes.drop(while: \.isDigit)
    if bytes.first == UInt8(ascii: "!") {
      bytes = bytes.dropFirst()
      guard bytes.first?.isDigit == true else { return false }
      bytes = bytes.drop(while: \.isDigit)
    }
    while bytes.first == UInt8(ascii: "."), let next = bytes.dropFirst().first, next.isAlphanumeric || next == 0x2A {
      bytes = next == 0x2A ? bytes.dropFirst(2) : bytes.dropFirst().drop(while: \.isAlphanumeric)
    }
    guard let next = bytes.first else { return true }
    if next == UInt8(ascii: "+") && bytes.count == 1 { return true }
    if "-+_".utf8.contains(next) {
      return bytes.count > 1 && bytes.dropFirst().allSatisfy { $0.isAlphanumeric || "-+_.".utf8.contains($0) }
    }
    // A pre-release or post-release glued to the number: `2.0rc1`.
    let letters = bytes.prefix(while: \.isLetter)
    let known = ["a", "b", "c", "rc", "alpha", "beta", "pre", "preview", "post", "rev", "r", "dev", "x"]
    guard known.contains(letters.text) else { return false }
    return bytes[letters.endIndex...].allSatisfy { $0.isAlphanumeric || "-+_.".utf8.contains($0) }
  }

  /// Whether a word can only be a commit: 7 to 40 hexadecimal digits with a digit and a letter among them.
  static func isCommit(_ word: String) -> Bool {
    (7...40).contains(word.utf8.count) && word.utf8.allSatisfy(\.isHexDigit) && word.utf8.contains(where: \.isDigit)
      && word.utf8.contains(where: \.isLetter)
  }

  /// Without a leading `v`.
  static func bare(_ word: String) -> String {
    guard let first = word.utf8.first, first | 0x20 == UInt8(ascii: "v"), word.utf8.dropFirst().first?.isDigit == true
    else { return word }
    return String(word.dropFirst())
  }

  /// Whether the first of two versions is the higher one, as far as their numbers tell.
  static func isHigher(_ one: String, than other: String) -> Bool {
    func numbers(_ text: String) -> [Numeral] {
      text.split(separator: "-")[0].utf8.split(separator: UInt8(ascii: ".")).prefix { $0.allSatisfy(\.isDigit) }
        .map { Numeral(digits: $0) }
    }
    if let one = PEP440Version(one), let other = PEP440Version(other) { return one > other }
    let (left, right) = (numbers(bare(one)), numbers(bare(other)))
    for (left, right) in zip(left, right) where left != right { return left > right }
    return false
  }
}

/// How files and folders look in titles.
enum TitlePath {
  private static let endings: Set<String> = [
    "txt", "toml", "json", "yml", "yaml", "cfg", "in", "mod", "xml", "py", "lock", "swift", "ini", "gradle", "kts",
    "exs",
  ]

  /// Whether a word can only be a path.
  static func isPath(_ word: String) -> Bool {
    if word.hasPrefix("/") || word.hasPrefix("./") || word.hasSuffix("/") { return word.utf8.count > 1 }
    if isManifest(word) { return true }
    return word.split(separator: "/").last?.split(separator: ".").last.map { endings.contains($0.lowercased()) } == true
      && word.contains(".")
  }

  /// Whether a path is one of a file that holds requirements.
  static func isManifest(_ word: String) -> Bool {
    guard let name = word.split(separator: "/").last?.lowercased() else { return false }
    if TitleWords.manifestFiles.contains(name) || name.hasPrefix("dockerfile.") { return true }
    return name.hasSuffix(".txt") && ManifestFormat(path: word) != nil
  }
}
