/// A request for a version of a Python project, resolved against what a manifest says now.
struct PEP440Request {
  enum Meaning {
    case latest
    case level(UpdateLevel)
    /// All versions that begin so.
    case prefix(PEP440Version)
    case exact(PEP440Version)
    case specifiers(SpecifierSet)
  }

  let meaning: Meaning
  /// As somebody wrote it, for messages.
  let text: String

  /// - Throws: ``Refusal`` (`invalid-request`)
  init(_ target: VersionTarget) throws(Refusal) {
    switch target {
    case .latest:
      meaning = .latest
      text = "“latest”"
    case .level(let level):
      meaning = .level(level)
      text = "“\(level.rawValue)”"
    case .specifier(let specifier):
      text = "“\(specifier)”"
      guard let specifiers = SpecifierSet(specifier), !specifiers.clauses.isEmpty else {
        throw Refusal(.invalidRequest, reason: "“\(specifier)” is no version specifier, such as `>=3.2,<4`")
      }
      meaning = .specifiers(specifiers)
    case .version(let version):
      text = "“\(version)”"
      guard let found = Self.meaning(ofVersion: version) else {
        throw Refusal(
          .invalidRequest, reason: "“\(version)” is no version; say for example `19`, `19.3.1`, `19.x` or `>=19,<20`")
      }
      meaning = found
    }
  }

  /// One or two numbers, or `.x` or `.*` behind them, mean all that begin so; anything else means itself.
  private static func meaning(ofVersion text: String) -> Meaning? {
    var text = text.trimmed
    var isPrefix = false
    while [".x", ".*"].contains(text.suffix(2).lowercased()) {
      text = String(text.dropLast(2))
      isPrefix = true
    }
    guard let version = PEP440Version(text) else { return nil }
    if version.hasSuffix { return isPrefix ? nil : .exact(version) }
    return isPrefix || version.release.count < 3 ? .prefix(version) : .exact(version)
  }

  /// Whether it names a version, and not only how new it shall be.
  var namesVersion: Bool {
    switch meaning {
    case .latest, .level: false
    case .prefix, .exact, .specifiers: true
    }
  }

  var namesPreRelease: Bool {
    switch meaning {
    case .exact(let version): version.isPreRelease
    case .specifiers(let specifiers): specifiers.namesPreRelease
    case .latest, .level, .prefix: false
    }
  }

  var namesLocalBuild: Bool {
    switch meaning {
    case .exact(let version): version.local != nil
    case .specifiers(let specifiers): specifiers.clauses.contains { $0.isPin && $0.version?.local != nil }
    case .latest, .level, .prefix: false
    }
  }

  /// Whether it lets a version in.
  ///
  /// - Parameter base: the version from which a level is measured.
  func admits(_ version: PEP440Version, spelling: String, base: PEP440Version?) -> Bool {
    switch meaning {
    case .latest: return true
    case .level(let level):
      guard let base else { return false }
      switch level {
      case .major: return true
      case .minor: return version.hasPrefix(base.released(places: 1))
      case .patch: return version.hasPrefix(base.released(places: 2))
      }
    case .prefix(let prefix): return version.hasPrefix(prefix)
    case .exact(let exact): return (exact.local == nil ? version.publicVersion : version) == exact
    case .specifiers(let specifiers): return specifiers.contains(version, spelling: spelling)
    }
  }
}
