/// A noun phrase of a title: the words up to the next version, preposition or separator.
struct TitlePhrase {
  enum Meaning {
    case package(String)
    /// Every package, or every one in a file.
    case all(path: String?)
    /// Something that is no package, or the project's own version.
    case object
    /// A word that stands for something named elsewhere.
    case pronoun
    /// Nothing is named.
    case nothing
    /// More words than one name.
    case unknown
  }

  private(set) var meaning = Meaning.nothing
  private(set) var ecosystem: Ecosystem?
  private(set) var isDevelopment = false
  private(set) var isSecurity = false
  private(set) var level: UpdateLevel?
  /// It says “updates”, “patches” and the like.
  private(set) var namesUpdates = false
  /// `lowest version`: what follows is a lower bound.
  private(set) var isMinimum = false

  init(_ words: [String]) {
    var plain: [String] = []
    var tools: [(word: String, ecosystem: Ecosystem)] = []
    var generic: [String] = []
    var (isAll, isPlural, isPronoun, pluralFollows) = (false, false, false, false)
    let lower = words.map { $0.lowercased() }
    let takesAdjectives = lower.contains { TitleWords.plurals.contains($0) || TitleWords.alls.contains($0) }
    for (word, key) in zip(words, lower) {
      if TitleWords.updateNouns.contains(key) { namesUpdates = true }
      if TitleWords.alls.contains(key) {
        isAll = true
      } else if TitleWords.articles.contains(key) || key == "versions" && !takesAdjectives {
        continue
      } else if key == "minimum" || key == "min" || key == "minimal" {
        isMinimum = true
      } else if TitleWords.securityWords.contains(key) {
        isSecurity = true
      } else if TitleWords.developmentWords.contains(key) {
        isDevelopment = true
        if key.hasSuffix("dependencies") { isPlural = true }
      } else if let found = TitleWords.levels[key] {
        // Minor updates are patch updates, too.
        level = found
      } else if TitleWords.plurals.contains(key) || TitleWords.updateNouns.contains(key) {
        isPlural = true
        pluralFollows = !plain.isEmpty
        ecosystem = ecosystem ?? TitleWords.nounEcosystems[key]
      } else if TitleWords.nouns.contains(key) {
        generic.append(key)
        ecosystem = TitleWords.nounEcosystems[key] ?? ecosystem
      } else if let found = TitleWords.ecosystems[key] {
        tools.append((word, found))
      } else if takesAdjectives, TitleWords.adjectives.contains(key) {
        continue
      } else if TitleWords.pronouns.contains(key) {
        isPronoun = true
      } else {
        plain.append(word)
      }
    }
    if let name = plain.first {
      ecosystem = tools.first?.ecosystem ?? ecosystem
      meaning = Self.meaning(of: plain, name: name, isGroup: isAll || pluralFollows)
    } else if isPronoun {
      meaning = .pronoun
    } else if isAll || isPlural {
      ecosystem = tools.first?.ecosystem ?? ecosystem
      meaning = tools.count > 1 ? .unknown : .all(path: nil)
    } else if let tool = tools.first {
      takeTools(tools, tool: tool, generic: generic)
    } else if generic.contains(where: { ["version", "release", "project", "pin"].contains($0) }) || level != nil
      || isSecurity
    {
      meaning = .object
    }
  }

  private static func meaning(of plain: [String], name: String, isGroup: Bool) -> Meaning {
    if plain.contains(where: { isObject($0) }) { return .object }
    // `Revert "Update pip"` is about a change, not about a package.
    guard plain.count == 1, TitleWords.verbs[name.lowercased()] == nil else { return .unknown }
    if TitlePath.isManifest(name) { return .all(path: name) }
    if TitlePath.isPath(name) { return .object }
    return isGroup || !isName(name) ? .unknown : .package(name)
  }

  /// Languages and tools alone: `python` is a package's name in `update python to 3.12`, and none in `update the python package`.
  private mutating func takeTools(
    _ tools: [(word: String, ecosystem: Ecosystem)], tool: (word: String, ecosystem: Ecosystem), generic: [String]
  ) {
    let isImage = generic.contains("image")
    let names = isImage ? tools.filter { $0.ecosystem != .docker } : tools
    if isImage || names.count > 1 {
      guard let name = names.first else { return }
      meaning = .package(name.word)
      ecosystem = isImage ? .docker : names.last?.ecosystem
      return
    }
    let isNamed = generic.allSatisfy { ["version", "release", "base"].contains($0) }
    if isNamed || TitleWords.packagedTools.contains(tool.word.lowercased()) { meaning = .package(tool.word) }
  }

  static func isObject(_ word: String) -> Bool {
    let key = word.lowercased()
    if TitleWords.objects.contains(key) || TitleWords.failures.contains(key) { return true }
    guard let dot = key.dropFirst().firstIndex(of: ".") else {
      return TitleWords.objectFiles.contains(key) && key.hasPrefix(".")
    }
    let stem = key[..<dot].split(separator: "/").last.map(String.init) ?? ""
    let ending = key[dot...]
    return TitleWords.objectFiles.contains(stem)
      && [".md", ".rst", ".txt", ".lock", ".json", ".yml", ".yaml"].contains(ending)
      && !TitlePath.isManifest(word)
  }

  /// Names are limited: nothing else gets near a manifest, a branch or an address.
  static func isName(_ word: String) -> Bool {
    let bytes = Array(word.utf8)
    guard let first = bytes.first, bytes.count <= ProjectName.longest,
      first.isAlphanumeric || first == UInt8(ascii: "@"),
      bytes.contains(where: \.isAlphanumeric)
    else { return false }
    return bytes.allSatisfy { $0.isAlphanumeric || "@._/+-".utf8.contains($0) }
  }
}
