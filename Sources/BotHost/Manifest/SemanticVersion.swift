/// A version as semver.org 2.0.0 writes it. Build metadata is kept and does not count.
public struct SemanticVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
  public var major: Int
  public var minor: Int
  public var patch: Int
  /// The parts after `-`.
  public var prerelease: [String]
  public var build: String?

  public init(_ major: Int, _ minor: Int, _ patch: Int, prerelease: [String] = [], build: String? = nil) {
    self.major = major
    self.minor = minor
    self.patch = patch
    self.prerelease = prerelease
    self.build = build
  }

  /// `1.2.3`, `1.2.3-rc.1+build`. `partial` also takes `1` and `1.2`, as version ranges write them.
  public init?(_ text: String, partial: Bool = false) {
    var rest = Substring(text)
    build = nil
    prerelease = []
    if let plus = rest.firstIndex(of: "+") {
      build = String(rest[rest.index(after: plus)...])
      rest = rest[..<plus]
    }
    if let dash = rest.firstIndex(of: "-") {
      prerelease = rest[rest.index(after: dash)...].split(separator: ".", omittingEmptySubsequences: false).map(
        String.init)
      rest = rest[..<dash]
    }
    let parts = rest.split(separator: ".", omittingEmptySubsequences: false)
    var numbers: [Int] = []
    for part in parts {
      guard !part.isEmpty, part.allSatisfy({ $0.isASCII && $0.isWholeNumber }), part == "0" || part.first != "0",
        let number = Int(part)
      else { return nil }
      numbers.append(number)
    }
    guard numbers.count == 3 || partial && (1...2).contains(numbers.count) else { return nil }
    func isIdentifier(_ part: some StringProtocol) -> Bool {
      !part.isEmpty && part.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
    }
    guard prerelease.allSatisfy(isIdentifier),
      build?.split(separator: ".", omittingEmptySubsequences: false).allSatisfy(isIdentifier) ?? true
    else { return nil }
    major = numbers[0]
    minor = numbers.count > 1 ? numbers[1] : 0
    patch = numbers.count > 2 ? numbers[2] : 0
  }

  public static func == (a: SemanticVersion, b: SemanticVersion) -> Bool {
    a.major == b.major && a.minor == b.minor && a.patch == b.patch && a.prerelease == b.prerelease
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(major)
    hasher.combine(minor)
    hasher.combine(patch)
    hasher.combine(prerelease)
  }

  public static func < (a: SemanticVersion, b: SemanticVersion) -> Bool {
    let left = (a.major, a.minor, a.patch)
    let right = (b.major, b.minor, b.patch)
    if left != right { return left < right }
    if a.prerelease.isEmpty || b.prerelease.isEmpty { return !a.prerelease.isEmpty && b.prerelease.isEmpty }
    for (x, y) in zip(a.prerelease, b.prerelease) where x != y {
      switch (Int(x), Int(y)) {
      case (let p?, let q?): return p < q
      case (_?, nil): return true
      case (nil, _?): return false
      default: return x < y
      }
    }
    return a.prerelease.count < b.prerelease.count
  }

  public var description: String {
    var text = "\(major).\(minor).\(patch)"
    if !prerelease.isEmpty { text += "-" + prerelease.joined(separator: ".") }
    if let build { text += "+" + build }
    return text
  }
}

/// Which versions will do: `^1.2` (the same major), `~1.2` (the same minor), `>=1.0 <2`, `1.2.3` (just that), `*`.
/// Comparisons separated by blanks hold together; `||` gives alternatives.
public struct VersionRange: Sendable, Hashable, CustomStringConvertible {
  private struct Bound: Sendable, Hashable {
    enum Relation: String { case less = "<", atMost = "<=", equal = "=", atLeast = ">=", greater = ">" }
    var relation: Relation
    var version: SemanticVersion
  }

  private let alternatives: [[Bound]]
  public let description: String

  public init?(_ text: String) {
    description = text
    var alternatives: [[Bound]] = []
    var words: [Substring] = []
    var groups: [[Substring]] = []
    for word in text.split(whereSeparator: { $0 == " " || $0 == "," }) {
      if word == "||" {
        groups.append(words)
        words = []
      } else {
        words.append(word)
      }
    }
    groups.append(words)
    for group in groups {
      guard !group.isEmpty else { return nil }
      var bounds: [Bound] = []
      for word in group where word != "*" {
        guard let more = Self.bounds(String(word)) else { return nil }
        bounds += more
      }
      alternatives.append(bounds)
    }
    self.alternatives = alternatives
  }

  private static func bounds(_ word: String) -> [Bound]? {
    for relation in ["<=", ">=", "<", ">", "="] where word.hasPrefix(relation) {
      guard let kind = Bound.Relation(rawValue: relation),
        let version = SemanticVersion(String(word.dropFirst(relation.count)), partial: true)
      else { return nil }
      return [Bound(relation: kind, version: version)]
    }
    let parts = word.drop { $0 == "^" || $0 == "~" }.split(separator: ".").count
    guard
      let lower = SemanticVersion(
        word.hasPrefix("^") || word.hasPrefix("~") ? String(word.dropFirst()) : word, partial: true)
    else { return nil }
    let upper: SemanticVersion
    if word.hasPrefix("^") {
      // Before 1.0 the first part that is not zero carries the promise.
      if lower.major > 0 || parts == 1 {
        upper = SemanticVersion(lower.major + 1, 0, 0)
      } else if lower.minor > 0 || parts == 2 {
        upper = SemanticVersion(0, lower.minor + 1, 0)
      } else {
        upper = SemanticVersion(0, 0, lower.patch + 1)
      }
    } else if word.hasPrefix("~") {
      upper = parts == 1 ? SemanticVersion(lower.major + 1, 0, 0) : SemanticVersion(lower.major, lower.minor + 1, 0)
    } else if parts == 3 {
      return [Bound(relation: .equal, version: lower)]
    } else {
      upper = parts == 1 ? SemanticVersion(lower.major + 1, 0, 0) : SemanticVersion(lower.major, lower.minor + 1, 0)
    }
    return [Bound(relation: .atLeast, version: lower), Bound(relation: .less, version: upper)]
  }

  /// Whether the version is one of those that are meant.
  public func contains(_ version: SemanticVersion) -> Bool {
    alternatives.contains { bounds in
      bounds.allSatisfy { bound in
        switch bound.relation {
        case .less: version < bound.version
        case .atMost: version <= bound.version
        case .equal: version == bound.version
        case .atLeast: version >= bound.version
        case .greater: version > bound.version
        }
      }
    }
  }
}
