/// Reads a title's words by the grammar, from left to right and each at most a few times.
struct TitleReader {
  private struct Item {
    var name: String
    var from: String?
    var to: VersionTarget?
    /// The version is written to the name (`nginx:1.24`, `pip==18.1`): before `to` it is the old one.
    var isGlued = false
  }

  /// Why a title is no request, or which one it is not clear about.
  private enum Stop: Error {
    case none
    case unclear(String)
  }

  private var cursor: TitleCursor
  private var verb = TitleWords.Verb.update(needsVersion: false)
  private var verbWord = ""
  private var items: [Item] = []
  private var everything: TitlePhrase?
  private var request = TitleRequest(intent: .none)
  private var isHedged: Bool

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
  private static func withoutHedges(_ words: [String], _ isHedged: inout Bool) -> [String] {
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

  private mutating func readRequest() throws(Stop) {
    skipCourtesies()
    if cursor.isAtEnd || TitleWords.questions.contains(cursor.key) || TitleWords.negations.contains(cursor.key) {
      throw .none
    }
    if takeVerb() { return try readCore() }
    try readNameFirst()
  }

  private mutating func skipCourtesies() {
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

  private var isMention: Bool { cursor.key.hasPrefix("@") && !cursor.key.contains("/") && cursor.key.utf8.count > 1 }

  private mutating func takeVerb() -> Bool {
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
  private mutating func readNameFirst() throws(Stop) {
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

  private var isVersionNext: Bool { TitleVersion.isVersion(cursor.word) }

  // MARK: The request

  private mutating func readCore() throws(Stop) {
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
  private mutating func readTargetFirst() throws(Stop) {
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

  private mutating func readItem() throws(Stop) {
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
  private func glued(_ words: [String]) -> Item? {
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

  private mutating func add(_ phrase: TitlePhrase) throws(Stop) {
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

  private mutating func note(_ phrase: TitlePhrase) {
    request.ecosystem = phrase.ecosystem ?? request.ecosystem
    if phrase.isDevelopment { request.scope = .dev }
    if phrase.isSecurity { request.security = true }
  }

  /// What is unclear with a verb that means updates, and says nothing with one that means much else.
  private func noPackage(_ doubt: String) -> Stop {
    switch verb {
    case .update(let needsVersion): needsVersion ? .none : .unclear(doubt)
    case .pin: verbWord == "pin" ? .unclear(doubt) : .none
    case .unpin: .unclear(doubt)
    case .downgrade: verbWord == "revert" ? .none : .unclear(doubt)
    case .remove, .apply: .none
    }
  }

  // MARK: Phrases

  private mutating func takePhrase() -> [String] {
    let words = phrase(at: cursor.position)
    cursor.position += words.count
    return words
  }

  private func phrase(at position: Int) -> [String] {
    var cursor = cursor
    cursor.position = position
    while !cursor.isAtEnd, !endsPhrase(cursor) { cursor.position += 1 }
    return Array(cursor.words[position..<cursor.position])
  }

  private func endsPhrase(_ cursor: TitleCursor) -> Bool {
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

  // MARK: Behind a name

  private mutating func readTail(isMinimum: Bool = false) throws(Stop) {
    while !cursor.isAtEnd {
      let name = items.last?.name
      if takePlace() { continue }
      if TitleVersion.isOperator(cursor.key) {
        guard let value = cursor.value() else { throw .none }
        set(value)
        if let last = items.indices.last { items[last].isGlued = true }
      } else if cursor.key == "from" {
        guard try readFrom(name) else { return }
      } else if cursor.key == "to" || cursor.key == "into" || TitleVersion.arrows.contains(cursor.key)
        || cursor.isNext(["up", "to"])
      {
        guard try readTo(name, isMinimum: isMinimum) else { return }
      } else if cursor.key == ":" || cursor.key == "@" || (["at", "on"].contains(cursor.key) && isValueBehind(1)) {
        if cursor.key == "at", cursor.key(1) == "least" || cursor.key(1) == "most" {
          guard let value = cursor.value() else { throw .none }
          set(value)
        } else {
          guard isValueBehind(1) || TitleVersion.arrows.contains(cursor.key(1)) else { return }
          cursor.position += 1
        }
      } else if isVersionNext {
        try readVersion(name)
      } else if let value = cursor.value() {
        set(value)
      } else {
        return
      }
    }
  }

  private func isValueBehind(_ ahead: Int, of name: String? = nil) -> Bool {
    var cursor = cursor
    cursor.position += ahead
    return cursor.value(of: name) != nil
  }

  /// A version behind a name: the one that is wanted, or the one before when an arrow or `to` follows.
  private mutating func readVersion(_ name: String?) throws(Stop) {
    let next = cursor.key(1)
    guard TitleVersion.arrows.contains(next) || (next == "to" && isValueBehind(2, of: name)) else {
      guard let value = cursor.value() else { throw .none }
      return set(value)
    }
    setFrom(TitleVersion.bare(cursor.word))
    cursor.position += 2
    guard let value = cursor.value(of: name) else { throw .none }
    set(value, shared: true)
  }

  private mutating func readFrom(_ name: String?) throws(Stop) -> Bool {
    if TitleVersion.isVersion(cursor.word(1)) || TitleVersion.isVersion(cursor.word(2)) && cursor.key(1) == "version" {
      cursor.position += cursor.key(1) == "version" ? 3 : 2
      setFrom(TitleVersion.bare(cursor.words[cursor.position - 1]))
      return true
    }
    guard case .remove = verb else { return false }
    cursor.position += 1
    return takePath()
  }

  private mutating func readTo(_ name: String?, isMinimum: Bool) throws(Stop) -> Bool {
    let start = cursor.position
    cursor.position += cursor.key == "up" ? 2 : 1
    if cursor.isAtEnd { throw noPackage("it does not say to which version") }
    if TitleWords.purposes.contains(cursor.key) {
      cursor.position = start
      return false
    }
    guard var value = cursor.value(of: name) else {
      let parts = cursor.word.split { $0 == "/" || $0 == "|" }.map(String.init)
      throw parts.count > 1 && parts.allSatisfy(TitleVersion.isVersion) ? .unclear("it names two versions") : .none
    }
    if isMinimum, case .version(let version) = value.target { value.target = .specifier(">=" + version) }
    takeGluedAsOld()
    set(value, shared: true)
    return true
  }

  private mutating func takeGluedAsOld() {
    guard let last = items.indices.last, items[last].isGlued, items[last].from == nil else { return }
    switch items[last].to {
    case .version(let old): items[last].from = old
    case .specifier(let old) where old.hasPrefix("==") && !old.contains(","):
      items[last].from = TitleVersion.bare(old.drop { $0 == "=" }.description)
    default: return
    }
    items[last].to = nil
  }

  private mutating func setFrom(_ version: String) {
    let last = items.count - 1
    for index in items.indices where items[index].from == nil && (items[index].to == nil || index == last) {
      items[index].from = version
    }
  }

  /// - Parameter shared: it is said once for all that have none of their own.
  private mutating func set(_ value: TitleCursor.Value, shared: Bool = false) {
    if value.isPreRelease { request.pre = true }
    if everything != nil, items.isEmpty {
      if case .level(let level) = value.target { request.level = level }
      if case .version = value.target { isVersionForAll = true }
      if case .specifier = value.target { isVersionForAll = true }
      return
    }
    guard let last = items.indices.last else { return }
    for index in items.indices where items[index].to == nil && (shared || index == last) {
      items[index].to = value.target
    }
  }

  private var isVersionForAll = false

  // MARK: Places

  private mutating func takePlace() -> Bool {
    let start = cursor.position
    let isUnderFolder = cursor.key == "under" && TitlePath.isPath(cursor.word(1))
    guard cursor.take("in", "inside", "within") || (isUnderFolder && cursor.take("under")) else { return false }
    if takePath() { return true }
    cursor.position = start
    return false
  }

  private mutating func takePath() -> Bool {
    while ["the", "our", "my", "file", "folder", "directory", "a"].contains(cursor.key) { cursor.position += 1 }
    let word = cursor.word
    let generic = ["repo", "repository", "codebase"]
    if TitleWords.nouns.contains(cursor.key) || TitleWords.plurals.contains(cursor.key) || generic.contains(cursor.key)
    {
      cursor.position += 1
      return true
    }
    guard request.path == nil, !word.isEmpty, word.utf8.allSatisfy({ $0.isAlphanumeric || "._-/@".utf8.contains($0) }),
      TitlePath.isPath(word) || (!TitlePhrase.isObject(word) && !TitleWords.pronouns.contains(cursor.key))
        || ["backend", "frontend", "server", "client", "app", "docs", "tests", "api"].contains(cursor.key)
    else { return false }
    request.path = word
    cursor.position += 1
    while ["file", "folder", "directory", "dir", "subfolder", "subdirectory", "manifest"].contains(cursor.key) {
      cursor.position += 1
    }
    return true
  }

  // MARK: The rest

  /// Other names, exceptions, reasons; anything else makes it no request.
  private mutating func readRest() throws(Stop) {
    while !cursor.isAtEnd {
      if takePlace() { continue }
      if cursor.isNext(["as", "well", "as"]) {
        cursor.position += 3
        try readItem()
      } else if cursor.isNext(["along", "with"]) || cursor.isNext(["together", "with"]) {
        cursor.position += 2
        try readItem()
      } else if TitleWords.exceptions.contains(cursor.key) {
        try readExceptions()
      } else if TitleWords.closingPhrases.contains(where: { cursor.take(phrase: $0) }) {
        continue
      } else if isReasonNext {
        return
      } else if cursor.take("-") {
        let remark = cursor.keys[cursor.position...]
        if remark.contains(where: TitleWords.failures.contains) { throw .none }
        return
      } else if TitleWords.closings.contains(cursor.key) {
        cursor.position += 1
      } else if cursor.take("including", "with", "allowing"), TitleWords.preReleases.contains(cursor.key) {
        cursor.position += 1
        request.pre = true
      } else if ["or", "and/or", "vs"].contains(cursor.key) {
        throw items.isEmpty && everything == nil ? .none : .unclear("it names alternatives")
      } else if TitleWords.separators.contains(cursor.key) {
        try readNext()
      } else if TitleWords.negations.contains(cursor.key), isValueBehind(1) {
        throw .unclear("it names a version that is meant and one that is not")
      } else {
        throw .none
      }
    }
  }

  private var isReasonNext: Bool {
    TitleWords.reasons.contains(cursor.key) || (cursor.key == "to" && TitleWords.purposes.contains(cursor.key(1)))
      || cursor.isNext(["in", "order", "to"])
  }

  private mutating func readNext() throws(Stop) {
    while TitleWords.separators.contains(cursor.key) { cursor.position += 1 }
    if cursor.isAtEnd { throw noPackage("a name is missing at its end") }
    if TitleWords.closings.contains(cursor.key) || TitleWords.exceptions.contains(cursor.key) || isReasonNext { return }
    if TitleWords.negations.contains(cursor.key) { throw .unclear("it says what is not meant, too") }
    if isVersionNext { throw .unclear("it names two versions") }
    if let other = TitleWords.verbs[cursor.key], !TitlePhrase.isObject(cursor.word), cursor.key(1) != "to" {
      guard Self.isSame(other, verb) else { throw .unclear("it asks for two things") }
      cursor.position += 1
    }
    try readItem()
  }

  private static func isSame(_ one: TitleWords.Verb, _ other: TitleWords.Verb) -> Bool {
    switch (one, other) {
    case (.update, .update), (.pin, .pin), (.unpin, .unpin), (.downgrade, .downgrade), (.remove, .remove),
      (.apply, .apply):
      true
    default: false
    }
  }

  private mutating func readExceptions() throws(Stop) {
    guard everything != nil, items.isEmpty else {
      throw .unclear("only what is said of all packages can have exceptions")
    }
    cursor.position += 1
    _ = cursor.take("not", "for", "from", "of")
    repeat {
      let found = TitlePhrase(takePhrase())
      guard case .package(let name) = found.meaning else {
        throw .unclear("it does not say which packages are left alone")
      }
      request.except.append(name)
      guard TitleWords.separators.contains(cursor.key) || cursor.key == "or" else { return }
      while TitleWords.separators.contains(cursor.key) || cursor.key == "or" { cursor.position += 1 }
    } while !cursor.isAtEnd
  }

  // MARK: What it comes to

  private mutating func conclude() throws(Stop) {
    if let phrase = everything {
      guard items.isEmpty else { throw .unclear("it names packages beside all of them") }
      return try concludeAll(phrase)
    }
    if items.isEmpty { throw noPackage("it names no package") }
    try mergeItems()
    switch verb {
    case .update(let needsVersion):
      if needsVersion, items.contains(where: { $0.to == nil }) { throw .none }
      request.intent = .update
    case .pin:
      if verbWord == "set", items.contains(where: { $0.to == nil }) { throw .none }
      request.intent = .pin
    case .unpin:
      if items.contains(where: { $0.to != nil }) { throw .unclear("it unpins a package and names a version") }
      request.intent = .unpin
    case .downgrade: request.intent = .downgrade
    case .remove:
      if items.contains(where: { $0.to != nil || $0.from != nil }) { throw .none }
      request.intent = .remove
    case .apply: throw .none
    }
    for item in items { try check(item) }
    request.packages = items.map { item in
      let takesVersion = request.intent != .unpin && request.intent != .remove
      return PackageRequest(name: item.name, from: item.from, to: takesVersion ? item.to ?? .latest : nil)
    }
  }

  private mutating func concludeAll(_ phrase: TitlePhrase) throws(Stop) {
    switch verb {
    case .update(false), .apply: request.intent = .updateAll
    case .pin where verbWord != "set": request.intent = .pinAll
    case .update, .pin: throw .none
    case .unpin, .downgrade, .remove: throw .unclear("it is about all packages, which only updates and pins can be")
    }
    if isVersionForAll { throw .unclear("it names one version for all packages") }
    request.level = phrase.level ?? request.level
  }

  private mutating func mergeItems() throws(Stop) {
    var merged: [Item] = []
    for item in items {
      if let index = merged.firstIndex(where: { $0.name.lowercased() == item.name.lowercased() }) {
        guard merged[index].to == item.to else { throw .unclear("it names two versions of \(item.name)") }
      } else {
        merged.append(item)
      }
    }
    items = merged
  }

  private func check(_ item: Item) throws(Stop) {
    if item.to == nil, TitleWords.ambiguousObjects.contains(item.name.lowercased()) { throw .none }
    var version: String?
    if case .version(let text)? = item.to { version = text }
    if case .update = verb, let from = item.from, let version, TitleVersion.isHigher(from, than: version) {
      throw .unclear("it asks for an update to an older version")
    }
    guard case .downgrade = verb else { return }
    if item.to == nil || item.to == .latest, verbWord == "revert" { throw .none }
    switch item.to {
    case nil, .latest, .level: throw .unclear("it does not say to which version")
    case .version, .specifier: break
    }
    if let from = item.from, let version, TitleVersion.isHigher(version, than: from) {
      throw .unclear("it asks for a downgrade to a newer version")
    }
  }
}
