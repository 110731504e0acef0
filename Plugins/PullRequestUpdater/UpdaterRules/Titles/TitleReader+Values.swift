/// What stands behind a name: the version it has, the one that is wanted, and where.
extension TitleReader {
  // MARK: Behind a name

  mutating func readTail(isMinimum: Bool = false) throws(Stop) {
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

  func isValueBehind(_ ahead: Int, of name: String? = nil) -> Bool {
    var cursor = cursor
    cursor.position += ahead
    return cursor.value(of: name) != nil
  }

  /// A version behind a name: the one that is wanted, or the one before when an arrow or `to` follows.
  mutating func readVersion(_ name: String?) throws(Stop) {
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

  mutating func readFrom(_ name: String?) throws(Stop) -> Bool {
    if TitleVersion.isVersion(cursor.word(1)) || TitleVersion.isVersion(cursor.word(2)) && cursor.key(1) == "version" {
      cursor.position += cursor.key(1) == "version" ? 3 : 2
      setFrom(TitleVersion.bare(cursor.words[cursor.position - 1]))
      return true
    }
    guard case .remove = verb else { return false }
    cursor.position += 1
    return takePath()
  }

  mutating func readTo(_ name: String?, isMinimum: Bool) throws(Stop) -> Bool {
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

  mutating func takeGluedAsOld() {
    guard let last = items.indices.last, items[last].isGlued, items[last].from == nil else { return }
    switch items[last].to {
    case .version(let old): items[last].from = old
    case .specifier(let old) where old.hasPrefix("==") && !old.contains(","):
      items[last].from = TitleVersion.bare(old.drop { $0 == "=" }.description)
    default: return
    }
    items[last].to = nil
  }

  mutating func setFrom(_ version: String) {
    let last = items.count - 1
    for index in items.indices where items[index].from == nil && (items[index].to == nil || index == last) {
      items[index].from = version
    }
  }

  /// - Parameter shared: it is said once for all that have none of their own.
  mutating func set(_ value: TitleCursor.Value, shared: Bool = false) {
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

  // MARK: Places

  mutating func takePlace() -> Bool {
    let start = cursor.position
    let isUnderFolder = cursor.key == "under" && TitlePath.isPath(cursor.word(1))
    guard cursor.take("in", "inside", "within") || (isUnderFolder && cursor.take("under")) else { return false }
    if takePath() { return true }
    cursor.position = start
    return false
  }

  mutating func takePath() -> Bool {
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
}
