/// A place among a title's words.
struct TitleCursor {
  let words: [String]
  /// The same in lower case.
  let keys: [String]
  var position = 0

  init(_ words: [String]) {
    self.words = words
    keys = words.map { $0.lowercased() }
  }

  var isAtEnd: Bool { position >= words.count }
  /// In lower case; empty at the end.
  var key: String { key(0) }
  var word: String { position < words.count ? words[position] : "" }

  func key(_ ahead: Int) -> String { position + ahead < keys.count ? keys[position + ahead] : "" }
  func word(_ ahead: Int) -> String { position + ahead < words.count ? words[position + ahead] : "" }

  mutating func take(_ words: String...) -> Bool {
    guard words.contains(key) else { return false }
    position += 1
    return true
  }

  /// Takes the words of a phrase when all of them follow.
  mutating func take(phrase: [String]) -> Bool {
    guard isNext(phrase) else { return false }
    position += phrase.count
    return true
  }

  func isNext(_ phrase: [String]) -> Bool { keys[min(position, keys.count)...].starts(with: phrase) }
}

// MARK: Values

extension TitleCursor {
  /// A version that is asked for.
  struct Value {
    var target: VersionTarget
    var isPreRelease = false
  }

  /// `19`, `the latest 4.2 release`, `at least 2.31`, `>=3.2,<4`; nil, and the place stays, when no value follows.
  ///
  /// - Parameter name: of the package, which may be said again: `from Django 3.2 to Django 4.2`.
  mutating func value(of name: String? = nil) -> Value? {
    let start = position
    if let name, key == name.lowercased() { position += 1 }
    skipFillers()
    if let found = bareValue() {
      return found
    }
    position = start
    return nil
  }

  private mutating func skipFillers() { while TitleWords.valueFillers.contains(key) { position += 1 } }

  private mutating func bareValue() -> Value? {
    if TitleVersion.isOperator(key) { return specifier().map { Value(target: .specifier($0)) } }
    for (phrase, comparison) in TitleWords.comparisons where isNext(phrase) {
      let start = position
      position += phrase.count
      skipFillers()
      guard TitleVersion.isVersion(word) else {
        position = start
        return nil
      }
      position += 1
      return Value(target: .specifier(comparison + TitleVersion.bare(words[position - 1])))
    }
    if TitleWords.latest.contains(key) || key == "next" {
      let isNext = key == "next"
      position += 1
      skipFillers()
      if key == "and", self.key(1) == "greatest" { position += 2 }
      if let found = level() { return found }
      if let found = preRelease() { return found }
      if TitleVersion.isVersion(word) { return version() }
      return isNext ? nil : Value(target: .latest)
    }
    if let found = level() { return found }
    if let found = preRelease() { return found }
    if TitleVersion.isVersion(word) { return version() }
    if TitleVersion.isCommit(word) {
      position += 1
      return Value(target: .version(words[position - 1]))
    }
    return nil
  }

  private mutating func level() -> Value? {
    guard let level = TitleWords.levels[key] else { return nil }
    position += 1
    skipFillers()
    if key == "level" { position += 1 }
    return Value(target: .level(level))
  }

  private mutating func preRelease() -> Value? {
    guard TitleWords.preReleases.contains(key) else { return nil }
    position += 1
    skipFillers()
    return Value(target: .latest, isPreRelease: true)
  }

  private mutating func version() -> Value {
    var text = TitleVersion.bare(word)
    position += 1
    if text.hasSuffix("+") {
      text.removeLast()
      return Value(target: .specifier(">=" + text))
    }
    skipFillers()
    if TitleWords.orNewer.contains(where: { take(phrase: $0) }) { return Value(target: .specifier(">=" + text)) }
    if TitleWords.orOlder.contains(where: { take(phrase: $0) }) { return Value(target: .specifier("<=" + text)) }
    return Value(target: .version(text))
  }

  /// Operators with versions, between commas; nil when an operator has no version.
  private mutating func specifier() -> String? {
    var clauses: [String] = []
    repeat {
      let found = word
      position += 1
      guard TitleVersion.isVersion(word) else { return nil }
      clauses.append(found + word)
      position += 1
      guard key == "," || key == "and", TitleVersion.isOperator(key(1)) else { break }
      position += 1
    } while true
    return clauses.joined(separator: ",")
  }
}
