/// What else a title says behind its first request, and what all of it comes to.
extension TitleReader {
  // MARK: The rest

  /// Other names, exceptions, reasons; anything else makes it no request.
  mutating func readRest() throws(Stop) {
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

  var isReasonNext: Bool {
    TitleWords.reasons.contains(cursor.key) || (cursor.key == "to" && TitleWords.purposes.contains(cursor.key(1)))
      || cursor.isNext(["in", "order", "to"])
  }

  mutating func readNext() throws(Stop) {
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

  static func isSame(_ one: TitleWords.Verb, _ other: TitleWords.Verb) -> Bool {
    switch (one, other) {
    case (.update, .update), (.pin, .pin), (.unpin, .unpin), (.downgrade, .downgrade), (.remove, .remove),
      (.apply, .apply):
      true
    default: false
    }
  }

  mutating func readExceptions() throws(Stop) {
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

  mutating func conclude() throws(Stop) {
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

  mutating func concludeAll(_ phrase: TitlePhrase) throws(Stop) {
    switch verb {
    case .update(false), .apply: request.intent = .updateAll
    case .pin where verbWord != "set": request.intent = .pinAll
    case .update, .pin: throw .none
    case .unpin, .downgrade, .remove: throw .unclear("it is about all packages, which only updates and pins can be")
    }
    if isVersionForAll { throw .unclear("it names one version for all packages") }
    request.level = phrase.level ?? request.level
  }

  mutating func mergeItems() throws(Stop) {
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

  func check(_ item: Item) throws(Stop) {
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
