/// Reads a title's words by the grammar, from left to right and each at most a few times.
struct TitleReader {
  struct Item {
    var name: String
    var from: String?
    var to: VersionTarget?
    /// The version is written to the name (`nginx:1.24`, `pip==18.1`): before `to` it is the old one.
    var isGlued = false
  }

  /// Why a title is no request, or which one it is not clear about.
  enum Stop: Error {
    case none
    case unclear(String)
  }

  var cursor: TitleCursor
  var verb = TitleWords.Verb.update(needsVersion: false)
  var verbWord = ""
  var items: [Item] = []
  var everything: TitlePhrase?
  var request = TitleRequest(intent: .none)
  var isHedged: Bool
  var isVersionForAll = false

  init(_ text: TitleText) {
    isHedged = text.isHedged
    cursor = TitleCursor(Self.withoutHedges(text.tokens, &isHedged))
    request.security = text.security
    request.isAddressed = text.isAddressed
    request.ecosystem = text.ecosystem
  }

  mutating func read() -> TitleRequest {
    do throws(Stop) {
      try readRequest()
      if isHedged { throw Stop.unclear("it is not said for certain") }
      return request
    } catch {
      switch error {
      case .none: return TitleRequest(intent: .none, isAddressed: request.isAddressed)
      case .unclear(let doubt): return TitleRequest(intent: .unclear, isAddressed: request.isAddressed, doubt: doubt)
      }
    }
  }

  // MARK: Before the verb

  /// Words that take a request half back are noted and taken out, up to where reasons begin.
  static func withoutHedges(_ words: [String], _ isHedged: inout Bool) -> [String] {
    var cursor = TitleCursor(words)
    var kept: [String] = []
    while !cursor.isAtEnd {
      if TitleWords.hedgePhrases.contains(where: { cursor.take(phrase: $0) }) {
        isHedged = true
      } else if TitleWords.hedges.contains(cursor.key) {
        isHedged = true
        cursor.position += 1
      } else {
        if !kept.isEmpty, TitleWords.reasons.contains(cursor.key) { return kept + cursor.words[cursor.position...] }
        kept.append(cursor.word)
        cursor.position += 1
      }
    }
    return kept
  }

  mutating func readRequest() throws(Stop) {
    skipCourtesies()
    if cursor.isAtEnd || TitleWords.questions.contains(cursor.key) || TitleWords.negations.contains(cursor.key) {
      throw .none
    }
    if takeVerb() { return try readCore() }
    try readNameFirst()
  }

  mutating func skipCourtesies() {
    while !cursor.isAtEnd {
      if cursor.position > 0 || isMention, cursor.take(",", ":") { continue }
      if isMention {
        request.isAddressed = true
        cursor.position += 1
      } else if !TitleWords.courtesies.contains(where: { cursor.take(phrase: $0) }) {
        return
      }
    }
  }

  var isMention: Bool { cursor.key.hasPrefix("@") && !cursor.key.contains("/") && cursor.key.utf8.count > 1 }

  mutating func takeVerb() -> Bool {
    if cursor.take(phrase: ["roll", "back"]) {
      (verb, verbWord) = (.downgrade, "rollback")
    } else if let found = TitleWords.verbs[cursor.key] {
      (verb, verbWord) = (found, cursor.key)
      cursor.position += 1
    } else {
      return false
    }
    _ = cursor.take(":")
    if case .update = verb, cursor.key == "up", cursor.key(1) != "to" { cursor.position += 1 }
    return true
  }

  /// `pip: update to 19`, `requests: 2.1 → 2.2`, `requests 2.1 → 2.2`; or a label and then a request.
  mutating func readNameFirst() throws(Stop) {
    let name = cursor.word
    cursor.position += 1
    if cursor.take(":") {
      if TitleWords.questions.contains(cursor.key) || TitleWords.negations.contains(cursor.key) { throw .none }
      skipCourtesies()
      if takeVerb() {
        let start = cursor.position
        if cursor.key != "to", cursor.key != "from", !phrase(at: start).isEmpty { return try readCore() }
        cursor.position = start
      } else if !isVersionNext, !TitleVersion.arrows.contains(cursor.key), cursor.key != "from" {
        throw .none
      }
    } else if !(TitleVersion.arrows.contains(cursor.key)
      || (TitleVersion.isVersion(cursor.word) && TitleVersion.arrows.contains(cursor.key(1))))
    {
      throw .none
    }
    let found = TitlePhrase([name])
    guard case .package(let name) = found.meaning else { throw .none }
    items.append(Item(name: name))
    try readTail()
    try readRest()
    try conclude()
  }

  var isVersionNext: Bool { TitleVersion.isVersion(cursor.word) }

  // MARK: The request

  mutating func readCore() throws(Stop) {
    if cursor.take("to", "into") {
      try readTargetFirst()
    } else if cursor.key == "from", case .update = verb {
      cursor.position += 1
      try readItem()
    } else {
      try readItem()
    }
    try readRest()
    try conclude()
  }

  /// `upgrade to Django 4.2`, `upgrade to the latest version of Django`.
  mutating func readTargetFirst() throws(Stop) {
    if let value = cursor.value() {
      _ = cursor.take("of", "for")
      let words = takePhrase()
      if words.isEmpty { throw .unclear("it names no package") }
      try add(TitlePhrase(words))
      set(value)
    } else {
      try readItem()
      if items.contains(where: { $0.to == nil }) || everything != nil { throw noPackage("it names no version") }
    }
  }

  mutating func readItem() throws(Stop) {
    var before: TitleCursor.Value?
    // `update the latest pip`, `bump minor version of requests`.
    if TitleWords.latest.contains(cursor.key)
      || ["the", "to"].contains(cursor.key) && TitleWords.latest.contains(cursor.key(1))
    {
      before = cursor.value()
      _ = cursor.take("of", "for")
    }
    let words = takePhrase()
    let phrase = TitlePhrase(words)
    if case .unknown = phrase.meaning, let glued = glued(words) {
      items.append(glued)
    } else if case .package(let name) = phrase.meaning, let glued = glued([name]) {
      note(phrase)
      items.append(glued)
    } else {
      try add(phrase)
    }
    if let before { set(before) }
    if let level = phrase.level, everything == nil { set(TitleCursor.Value(target: .level(level))) }
    try readTail(isMinimum: phrase.isMinimum)
  }

  /// `lodash@4.17.21`, `python:3.12`: a name with its version.
  func glued(_ words: [String]) -> Item? {
    guard words.count == 1, let word = words.first else { return nil }
    for mark in ["@", ":"] as [Character] {
      guard let place = word.lastIndex(of: mark), place > word.startIndex else { continue }
      let (name, version) = (String(word[..<place]), String(word[word.index(after: place)...]))
      guard TitlePhrase.isName(name), !TitlePhrase.isObject(name) else { continue }
      if version.isEmpty, mark == "@" { return Item(name: name) }
      if version.lowercased() == "latest" { return Item(name: name, to: .latest) }
      if TitleVersion.isVersion(version) {
        return Item(name: name, to: .version(TitleVersion.bare(version)), isGlued: true)
      }
    }
    return nil
  }

  mutating func add(_ phrase: TitlePhrase) throws(Stop) {
    switch phrase.meaning {
    case .package(let name): items.append(Item(name: name))
    case .all(let path):
      if let path {
        if request.path != nil { throw .unclear("it names two files") }
        request.path = path
      }
      if let before = everything {
        // `all minor and patch updates` are the minor ones.
        guard before.ecosystem == phrase.ecosystem || before.level != nil else {
          throw .unclear("it names two kinds of packages")
        }
      }
      if case .apply = verb, !phrase.namesUpdates { throw .none }
      everything = everything ?? phrase
    case .object, .unknown: throw .none
    case .pronoun: throw noPackage("it does not say which package is meant")
    case .nothing:
      // “Bump” alone, “update not working”, “update <script>” ask for nothing.
      let isStrange = TitleWords.negations.contains(cursor.key) || TitleVersion.isOperator(cursor.key)
      if isStrange || cursor.keys.last == "bump" {
        throw .none
      }
      throw noPackage("it names no package")
    }
    note(phrase)
  }

  mutating func note(_ phrase: TitlePhrase) {
    request.ecosystem = phrase.ecosystem ?? request.ecosystem
    if phrase.isDevelopment { request.scope = .dev }
    if phrase.isSecurity { request.security = true }
  }

  /// What is unclear with a verb that means updates, and says nothing with one that means much else.
  func noPackage(_ doubt: String) -> Stop {
    switch verb {
    case .update(let needsVersion): needsVersion ? .none : .unclear(doubt)
    case .pin: verbWord == "pin" ? .unclear(doubt) : .none
    case .unpin: .unclear(doubt)
    case .downgrade: verbWord == "revert" ? .none : .unclear(doubt)
    case .remove, .apply: .none
    }
  }

  // MARK: Phrases

  mutating func takePhrase() -> [String] {
    let words = phrase(at: cursor.position)
    cursor.position += words.count
    return words
  }

  func phrase(at position: Int) -> [String] {
    var cursor = cursor
    cursor.position = position
    while !cursor.isAtEnd, !endsPhrase(cursor) { cursor.position += 1 }
    return Array(cursor.words[position..<cursor.position])
  }

  func endsPhrase(_ cursor: TitleCursor) -> Bool {
    let key = cursor.key
    if ["to", "into", "from", "@", ":", "-", "or", "and/or", "in", "inside", "within", "at", "next", "than", "vs"]
      .contains(key)
    {
      return true
    }
    if TitleWords.separators.contains(key) || TitleWords.exceptions.contains(key) || TitleWords.reasons.contains(key)
      || TitleWords.closings.contains(key) || TitleWords.latest.contains(key) || TitleWords.preReleases.contains(key)
      || TitleWords.negations.contains(key)
    {
      return true
    }
    if TitleVersion.isOperator(key) || TitleVersion.arrows.contains(key) || TitleVersion.isVersion(cursor.word) {
      return true
    }
    // `minimum` may also stand before the name.
    return TitleWords.comparisons.contains { $0.words != ["minimum"] && $0.words != ["min"] && cursor.isNext($0.words) }
  }
}
